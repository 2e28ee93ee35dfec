// What was asked for before, for the prompt field beside it: Alt+Up and Alt+Down walk through it, as in a shell, and a
// button opens it as a list, for whoever has no such keys. It all happens in the browser: a text that is put into the
// field counts as typed, and so is remembered like any other (see `composer.js`).
//
// Nothing typed is ever lost by walking. The text that was left stays at the place where it was left: it is what
// Alt+Down comes back to, and where somebody has changed an earlier prompt, that stands beside the one it came of. These
// texts of one's own outlive a press and a reload, in this tab.

const SETTLED = 300; // ms: by then the field shows the text that came with a drawing
const OWN = 20; // texts of one's own that are remembered
const walks = new Map(); // by person: the texts, newest first, and where the field is among them

const fieldOf = (data) => document.querySelector(`.st-key-${data.field} textarea`);
const same = (one, other) => one.replace(/\r\n?/g, "\n").trim() === other.replace(/\r\n?/g, "\n").trim();
const kept = (data) => `picture-desk-unsent-${data.whose}`;

function remembered(data) {
  try {
    return JSON.parse(sessionStorage.getItem(kept(data)) ?? "[]");
  } catch {
    return [];
  }
}

// The walk as it stands: begun with what is in the field, then one's own unsent texts, then what was asked for.
function walkOf(data, now) {
  let walk = walks.get(data.whose);
  if (walk?.of === data.version) return walk;
  const asked = (text) => data.prompts.some((prompt) => same(prompt, text));
  const own = (walk?.own ?? remembered(data)).filter((text) => text.trim() && !same(text, now) && !asked(text));
  walk = { of: data.version, own, texts: [now, ...own, ...data.prompts.filter((prompt) => !same(prompt, now))], at: 0 };
  walks.set(data.whose, walk);
  return walk;
}

// What stands in the field now, at its place: a text that was changed stands beside the one it came of.
function keep(walk, data, now) {
  if (same(walk.texts[walk.at], now)) return;
  if (walk.at === 0 && now.startsWith(walk.texts[0].trim())) walk.texts[0] = now; // only written on
  else walk.texts.splice(walk.at, 0, now);
  own(walk, data, now);
}

function own(walk, data, text) {
  if (!text.trim() || data.prompts.some((prompt) => same(prompt, text))) return;
  walk.own = [text, ...walk.own.filter((one) => !text.startsWith(one.trim()))].slice(0, OWN);
  sessionStorage.setItem(kept(data), JSON.stringify(walk.own));
}

// As if it had been typed: Streamlit hears of it, and the browser's own undo takes it back.
function put(field, text) {
  field.focus({ preventScroll: true });
  field.select();
  if (document.execCommand(text ? "insertText" : "delete", false, text) && same(field.value, text)) return;
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function show(me, text) {
  const field = fieldOf(me.data);
  if (!field) return;
  put(field, text);
  field.scrollTop = 0;
}

function step(me, way) {
  const { data } = me, field = fieldOf(data), walk = walkOf(data, field.value);
  if (walk.at === 0) own(walk, data, field.value);
  keep(walk, data, field.value);
  const to = walk.at + way;
  if (to < 0 || to >= walk.texts.length) return say(me, way > 0 ? data.words.oldest : data.words.newest);
  walk.at = to;
  show(me, walk.texts[to]);
  say(me, to === 0 ? data.words.own : data.words.place.replace("{place}", to).replace("{count}", walk.texts.length - 1));
}

function say(me, text) {
  me.root.querySelector("[role=status]").textContent = me.said = text;
}

function pressed(event, me) {
  const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const plain = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.isComposing;
  if (!way || !plain || !event.target.closest?.(`.st-key-${me.data.field} textarea`)) return;
  event.preventDefault();
  event.stopPropagation();
  step(me, way);
}

// The list: everything that the keys reach, from the unsent texts on.
function render(data, me) {
  me.data = data;
  return [
    el("button", { class: "act opener", type: "button", "data-act": "list", "aria-haspopup": "menu", "aria-expanded": String(Boolean(me.shown)), title: data.words.keys, "aria-keyshortcuts": "Alt+ArrowUp" }, data.words.open, el("kbd", { "aria-hidden": "true" }, "Alt ↑")),
    el("p", { class: "unseen", role: "status" }, me.said ?? ""),
    el("div", { class: "list", popover: "auto", "data-key": "list" },
      el("div", { class: "entries", role: "menu", "aria-label": data.words.open }, me.shown ? entries(me) : []),
      el("p", { class: "foot soft" }, data.words.keys)),
  ];
}

function entries(me) {
  const { data, walk } = me;
  const shown = walk.texts.map((text, at) => [text, at]).filter(([text]) => text.trim());
  if (!shown.length) return [el("p", { class: "empty soft" }, data.words.empty)];
  return shown.map(([text, at], place) =>
    el("button", { class: at === walk.at ? "entry now" : "entry", type: "button", role: "menuitem", tabindex: place ? -1 : 0, "data-act": "take", "data-id": at, "data-key": `${at}` },
      el("span", { class: "clamp", dir: "auto" }, text), at === walk.at && el("span", { class: "soft" }, data.words.here)));
}

const list = (me) => me.root.querySelector(".list");
const opener = (me) => me.root.querySelector("[data-act=list]");

function place(me) {
  const at = opener(me).getBoundingClientRect(), below = innerHeight - at.bottom, width = Math.min(460, innerWidth - 16);
  const under = below > Math.min(360, at.top), room = Math.min(440, (under ? below : at.top) - 16);
  const side = under ? `top:${at.bottom + 4}px` : `bottom:${innerHeight - at.top + 4}px`;
  list(me).style.cssText = `left:${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px;width:${width}px;max-height:${room}px;${side}`;
}

function open(node, me) {
  if (me.shown) return list(me).hidePopover();
  const now = fieldOf(me.data)?.value ?? "", walk = walkOf(me.data, now);
  keep(walk, me.data, now);
  me.walk = walk; // what is listed stays so, whatever becomes of the walk while it is open
  me.shown = true; // the browser's own event follows only later
  list(me).querySelector(".entries").replaceChildren(...entries(me));
  place(me);
  list(me).showPopover();
  me.root.querySelector(".entry")?.focus();
}

function toggled(event, me) {
  me.shown = event.newState === "open";
  opener(me).setAttribute("aria-expanded", String(me.shown));
  if (!me.shown && list(me).contains(me.root.getRootNode().activeElement)) opener(me).focus();
}

function take(node, me) {
  const { data } = me, text = me.walk.texts[Number(node.dataset.id)], now = fieldOf(data)?.value ?? "";
  const walk = walkOf(data, now); // a new one where somebody else has filled the field while the list was open
  keep(walk, data, now);
  walk.at = walk.texts.indexOf(text);
  if (walk.at < 0) walk.texts.splice((walk.at = 1), 0, text);
  list(me).hidePopover();
  show(me, text);
}

function among(event, me) {
  const all = [...me.root.querySelectorAll(".entry")], at = all.indexOf(event.target.closest?.(".entry"));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  all[Math.max(0, Math.min(all.length - 1, to))].focus();
  event.preventDefault();
  event.stopPropagation();
}

// What Python puts in place of a text that was typed (a template, an example, a request used again) does not lose it.
function watch(me) {
  clearTimeout(me.late);
  me.late = setTimeout(() => {
    const field = fieldOf(me.data);
    if (!field || !me.typed || same(field.value, me.typed)) return;
    own(walkOf(me.data, field.value), me.data, me.typed);
    walks.delete(me.data.whose); // begins anew, with the text that was replaced next to what replaced it
    me.typed = "";
  }, SETTLED);
}

export default inOrder((component) => {
  const cleanup = desk(component, render, { local: { list: open, take } });
  const me = desks.get(component.parentElement);
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("keydown", (event) => among(event, me));
    list(me).addEventListener("toggle", (event) => toggled(event, me));
  }
  if (me.shown) place(me); // a redrawing has taken the place out of the style
  watch(me);
  me.leave?.();
  const key = (event) => pressed(event, me);
  const typed = (event) => event.target.closest?.(`.st-key-${me.data.field}`) && (me.typed = event.target.value);
  document.addEventListener("keydown", key, true); // before Streamlit, which takes some keys for its own
  document.addEventListener("input", typed);
  me.leave = () => {
    document.removeEventListener("keydown", key, true);
    document.removeEventListener("input", typed);
  };
  return () => (cleanup(), clearTimeout(me.late), me.leave());
});
