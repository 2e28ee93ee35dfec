// The keys of Settings: press a button, then the key that it shall be. What is heard is told as it is read everywhere, by
// its letter or by its place; whether it may be is Python's to say, with the reason.

const MODIFIERS = ["Control", "Alt", "AltGraph", "Shift", "Meta", "CapsLock", "Dead", "Process", "Unidentified"];

function row(one, list, me) {
  const { words } = list, waits = one.id && me.at === one.id;
  const caps = waits ? words.press : one.caps.split(" ").map((cap) => [el("kbd", {}, cap), " "]);
  return el("div", { class: "row", "data-key": `${one.id} ${one.does}` },
    el("dt", {}, one.id
      ? el("button", { class: waits ? "act waits" : "act", type: "button", "data-act": "listen", "data-id": one.id, "aria-pressed": String(Boolean(waits)), "aria-label": words.change.replace("{what}", one.does).replace("{key}", one.caps) }, caps)
      : caps),
    el("dd", {}, one.does,
      one.moved && el("button", { class: "link", type: "button", "data-act": "reset", "data-id": one.id, "aria-label": `${words.reset}: ${one.does}` }, words.reset),
      one.id && list.at === one.id && list.fault && !waits && el("p", { class: "fault", role: "alert" }, list.fault)));
}

function render({ list }, me) {
  me.list = list;
  return [
    el("p", { class: "unseen", role: "status" }, list.done),
    el("div", { class: "groups" }, list.groups.map(([title, rows]) => el("section", { "data-key": title }, el("h3", {}, title), el("dl", {}, rows.map((one) => row(one, list, me)))))),
    list.moved && el("button", { class: "act", type: "button", "data-act": "reset", "data-id": "", "data-key": "all" }, list.words.reset_all),
  ];
}

function redraw(me) {
  morph(me.root, el("div", { class: "root" }, render({ list: me.list }, me)));
}

function listen(node, me) {
  me.at = me.at === node.dataset.id ? null : node.dataset.id;
  redraw(me);
}

// Nothing else hears it, Streamlit least of all; Escape lets it be, and Tab goes on as ever.
function heard(event, me) {
  if (!me.at) return;
  event.stopPropagation();
  if (MODIFIERS.includes(event.key) || event.repeat) return;
  const name = me.at, held = [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.metaKey && "Meta"].filter(Boolean);
  me.at = null;
  if (event.key !== "Tab") event.preventDefault();
  if (event.key !== "Tab" && event.key !== "Escape") tell("give", `${name} ${[...held, printed(event).trim() || "Space"].join("+")}`, me);
  redraw(me);
}

export default inOrder((component) => {
  const cleanup = desk(component, render, { local: { listen } });
  const me = desks.get(component.parentElement);
  if (!me.listens) {
    me.listens = true;
    me.root.addEventListener("keydown", (event) => heard(event, me), true);
    me.root.addEventListener("keyup", (event) => event.stopPropagation());
    me.root.addEventListener("focusout", () => me.at && ((me.at = null), redraw(me)));
  }
  return cleanup;
});
