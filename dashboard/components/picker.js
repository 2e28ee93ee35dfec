// The model picker: a button that opens a list, grouped by family and road; a choice that cannot be made says why.
// The list is a popover, so nothing on the page moves; on a phone it is a sheet at the bottom. While several are ticked
// nothing in it moves either: the button keeps its height, and what all that are off share is said once, at the foot. It
// follows the pattern "collapsible listbox" of the WAI-ARIA practices: arrows, Home, End and letters move, Space and
// Enter choose.

function option(item, data, me) {
  return el("div", {
    class: item.picked ? "option picked" : "option", role: "option", tabindex: item.name === me.at ? 0 : -1, "data-key": item.name, "data-name": item.name,
    "aria-label": item.name, "aria-description": [...item.facts, item.note, item.full && data.full].filter(Boolean).join(", "),
    "aria-selected": String(item.picked), "aria-disabled": (item.off || item.full) && "true",
  },
    el("span", { class: data.several ? "mark box" : "mark", "aria-hidden": "true" }, item.picked ? "✓" : ""),
    el("span", { class: "what" }, el("span", { class: "name" }, item.shown), item.note && el("small", { class: item.off ? "soft" : "warn" }, item.note)),
    el("span", { class: "facts soft" }, item.facts.map((fact) => el("span", {}, fact))));
}

function group(one, data, me) {
  return el("div", { role: "group", "aria-label": `${one.title}, ${one.road}`, "data-key": `${one.title} ${one.road}` },
    el("p", { class: "title" }, el("b", {}, one.title), el("span", { class: "soft" }, one.road)),
    one.items.map((item) => option(item, data, me)));
}

function render(data, me) {
  const { words, picked } = data, items = data.groups.flatMap((one) => one.items);
  if (!items.some((item) => item.name === me.at)) me.at = (items.find((item) => item.picked) ?? items[0])?.name;
  const names = picked.map((one) => one.name).join(", ");
  return [
    el("div", { class: "head" },
      el("span", { class: "label", id: "label" }, data.label),
      el("button", { class: "switch", type: "button", role: "switch", "aria-checked": String(data.several), "data-act": data.several ? "one" : "several", "data-id": "" },
        el("i", { "aria-hidden": "true" }), words.several)),
    el("button", { class: "open", type: "button", "data-act": "open", "aria-haspopup": "listbox", "aria-expanded": String(Boolean(me.shown)), "aria-label": `${data.label}: ${names}` },
      picked.length > 1
        ? el("span", { class: "now many" }, el("b", {}, data.many), el("span", { class: "soft" }, names))
        : el("span", { class: "now" }, el("b", {}, names), el("span", { class: "soft" }, picked[0].road)),
      el("span", { class: "chevron", "aria-hidden": "true" })),
    el("div", { class: "list", popover: "auto", "data-key": "list" },
      el("div", { class: "options", role: "listbox", "aria-label": data.label, "aria-multiselectable": String(data.several) }, data.groups.map((one) => group(one, data, me))),
      el("p", { class: "foot soft" }, el("span", { role: "status" }, data.full || (data.several ? words.pick_several : words.pick_one)), data.several && el("button", { class: "act", type: "button", "data-act": "close" }, words.done))),
  ];
}

const list = (me) => me.root.querySelector(".list");
const opener = (me) => me.root.querySelector(".open");
const isOpen = (me) => list(me).matches(":popover-open"); // at once; `shown` follows with the browser's event
const options = (me) => [...me.root.querySelectorAll("[role=option]")];

// Below the button, or above it where only there is room, and never over the head of the page; on a phone the stylesheet
// puts it at the bottom.
function place(me) {
  const at = opener(me).getBoundingClientRect(), below = innerHeight - at.bottom;
  const above = at.top - (document.querySelector("[data-testid=stHeader]")?.getBoundingClientRect().bottom ?? 0);
  const under = below >= Math.min(300, above), room = Math.min(560, (under ? below : above) - 16);
  const side = under ? `top:${at.bottom + 4}px` : `bottom:${innerHeight - at.top + 4}px`;
  const width = Math.max(at.width, 440);
  list(me).style.cssText = `left:${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px;width:${width}px;max-height:${room}px;${side}`;
}

function show(me) {
  me.follow ??= () => place(me);
  place(me);
  list(me).showPopover();
  const all = options(me);
  (all.find((one) => one.getAttribute("aria-selected") === "true") ?? all[0])?.focus();
}

function toggled(event, me) {
  me.shown = event.newState === "open";
  opener(me).setAttribute("aria-expanded", String(me.shown));
  // Whoever left it by Escape goes on where they came from; whoever clicked elsewhere is there.
  if (!me.shown && (document.activeElement === document.body || list(me).contains(me.root.getRootNode().activeElement))) opener(me).focus();
  for (const name of ["scroll", "resize"]) (me.shown ? addEventListener : removeEventListener)(name, me.follow, true);
}

// One option is in the tab order: the one that the keyboard stands on, or would come to.
function reached(event, me) {
  const node = event.target.closest("[role=option]");
  if (!node) return;
  me.at = node.dataset.name;
  for (const one of options(me)) one.setAttribute("tabindex", one === node ? "0" : "-1");
}

function choose(node, me) {
  const { name } = node.dataset, picked = node.getAttribute("aria-selected") === "true";
  if (node.getAttribute("aria-disabled") === "true" && !picked) return; // what was picked before can be dropped
  if (me.several) return wish(picked ? "drop" : "add", name, me);
  list(me).hidePopover();
  opener(me).focus();
  if (!picked) wish("pick", name, me);
}

// Tab leads on: out of a list of one choice at once, and out of one of several behind its last button.
function leave(event, me) {
  const to = event.relatedTarget;
  if (!isOpen(me) || !to || to === opener(me) || list(me).contains(to)) return; // the button closes it by itself
  setTimeout(() => list(me).hidePopover());
}

function pressed(event, me) {
  if (event.key === "Tab" && isOpen(me) && !me.several) {
    list(me).hidePopover();
    return opener(me).focus(); // from where the browser goes on to the next
  }
  const node = event.target.closest?.("[role=option]");
  if (!node) {
    if (event.target.closest?.(".open") && event.key === "ArrowDown") return void (event.preventDefault(), show(me));
    return;
  }
  const all = options(me), at = all.indexOf(node);
  const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (step !== undefined) all[Math.max(0, Math.min(all.length - 1, step))].focus();
  else if (event.key === "Enter" || event.key === " ") event.repeat || choose(node, me);
  else if (plain && keyName(event).length === 1) {
    const from = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    from.find((one) => one.dataset.name.toLowerCase().startsWith(keyName(event).toLowerCase()))?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

const local = {
  // By `shown`: the press of this very click has closed an open list by now.
  open: (node, me) => (me.shown ? list(me).hidePopover() : show(me)),
  close: (node, me) => (list(me).hidePopover(), opener(me).focus()),
};

export default inOrder((component) => {
  const cleanup = desk(component, render, { local });
  const me = desks.get(component.parentElement);
  me.several = component.data.several;
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("keydown", (event) => pressed(event, me));
    me.root.addEventListener("click", (event) => {
      const node = event.target.closest("[role=option]");
      if (node) choose(node, me);
    });
    list(me).addEventListener("toggle", (event) => toggled(event, me));
    list(me).addEventListener("focusin", (event) => reached(event, me));
    list(me).addEventListener("focusout", (event) => leave(event, me));
  }
  if (me.shown) place(me); // a redrawing has taken the place out of the style
  return cleanup;
});
