// What the cards and the drawer share of a task's acts: star and pick, the menu of the rarer ones, and the keys that press them.
// The menu follows the pattern "menu button" of the WAI-ARIA practices; it is a popover, so nothing on the page moves.

// The buttons of one task. A star or a pick shows at once what was pressed; Python follows.
function buttons(actions, id, me) {
  return actions.map((one) => action(one.pressed === undefined ? one : { ...one, pressed: isOn(one, id, me) }, id));
}

function isOn({ act, pressed }, id, me) {
  const last = me.queue.findLast((event) => event.id === id && (event.act === act || event.act === `un${act}`));
  return last ? last.act === act : pressed;
}

function switched(node, me) {
  const { act, id } = node.dataset;
  tell(node.getAttribute("aria-pressed") === "true" ? `un${act}` : act, id, me);
  me.redraw();
}

function menu(items, id, words, me) {
  const open = me.menu === id;
  return items.length > 0 && el("div", { class: "menu-of", "data-key": `menu ${id}` },
    el("button", { class: "act", type: "button", "data-act": "menu", "data-id": id, "aria-haspopup": "menu", "aria-expanded": String(open), "aria-label": words.menu, title: words.menu },
      el("span", { "aria-hidden": "true" }, "⋯")),
    el("div", { class: "menu", role: "menu", popover: "auto", "aria-label": words.menu, "data-id": id, style: open && me.place }, items.map((one) => one.href
      ? el("a", { class: "item", role: "menuitem", tabindex: -1, title: one.title, href: one.href, download: "", rel: "noopener" }, one.label)
      : el("button", { class: "item", role: "menuitem", type: "button", tabindex: -1, title: one.title, "data-act": one.act, "data-id": one.id ?? id, "data-text": one.text, "data-done": words.copied }, one.label))));
}

const listOf = (button) => button.parentElement.querySelector("[role=menu]");
const itemsOf = (list) => [...list.querySelectorAll("[role=menuitem]")];

function showMenu(button, me) {
  if (me.menu === button.dataset.id) return listOf(button).hidePopover(); // the press of this click has closed it by now
  const at = button.getBoundingClientRect(), list = listOf(button), tall = 40 * itemsOf(list).length + 12;
  const side = innerHeight - at.bottom > tall ? `top:${at.bottom + 4}px` : `bottom:${innerHeight - at.top + 4}px`;
  me.place = `right:${Math.max(8, document.documentElement.clientWidth - Math.max(at.right, 232))}px;${side}`;
  list.style.cssText = me.place;
  list.showPopover();
  itemsOf(list)[0].focus({ preventScroll: true });
}

function toggledMenu({ target, newState }, me) {
  if (target.getAttribute?.("role") !== "menu") return;
  const button = target.parentElement.querySelector("[aria-haspopup]"), open = newState === "open";
  me.menu = open ? target.dataset.id : null;
  button.setAttribute("aria-expanded", String(open));
  const held = me.root.getRootNode().activeElement;
  if (!open && (!held || target.contains(held))) button.focus({ preventScroll: true });
}

function inMenu(event) {
  const item = event.target.closest?.("[role=menuitem]");
  if (!item) return false;
  const list = item.closest("[role=menu]"), all = itemsOf(list), at = all.indexOf(item);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) all[to % all.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") list.hidePopover();
  else if (keyName(event).length === 1 && event.key !== " ") {
    const from = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    from.find((one) => one.textContent.toLowerCase().startsWith(keyName(event).toLowerCase()))?.focus();
  } else return event.stopPropagation(), true; // Enter and Space press it
  event.preventDefault();
  event.stopPropagation();
  return true;
}

// What was copied is said where it was pressed, for a moment; then the menu has done its work.
function copyItem(node) {
  copy(node);
  const list = node.closest("[role=menu]");
  if (list) setTimeout(() => list.matches(":popover-open") && list.hidePopover(), 900);
}

function copyLink(node) {
  const address = new URL(location.pathname, location.origin);
  address.searchParams.set("task", node.dataset.id);
  node.dataset.text = address.href;
  copyItem(node);
}

const shared = { star: switched, pick: switched, menu: showMenu, copy: copyItem, link: copyLink };

function say(text, me) {
  me.live.textContent = text;
}

// Once for each instance, before anything is pressed.
function prepare(me, parentElement) {
  me.live = el("p", { class: "unseen", role: "status" });
  parentElement.append(el("div", { class: "root" }, me.live));
  me.root.addEventListener("toggle", (event) => toggledMenu(event, me), true); // it does not bubble
  me.root.addEventListener("click", ({ target }) => {
    const item = target.closest("[role=menuitem]");
    if (item && !item.dataset.text) item.closest("[role=menu]").hidePopover();
  });
}

const writes = (node) => node.matches?.("input, textarea, select, video, [contenteditable], [role=textbox]");

// Presses the button with this key; true where there was one.
function press(event, within) {
  const key = keyOf(event);
  const node = key.length === 1 && within?.querySelector(`[data-keys~="${CSS.escape(key)}"]`);
  if (!node || event.repeat) return false;
  node.click();
  event.preventDefault();
  event.stopPropagation();
  return true;
}
