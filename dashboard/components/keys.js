// The sheet of keys: `?` opens it on every page, and so does a button in the page's head. What it lists comes from Python
// (`keys.py`). And `/` leads to the field where the page is typed in.

const WRITES = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button])";

function render(data) {
  const { words } = data;
  return el("button", { class: "opener", type: "button", "data-act": "keys", "aria-haspopup": "dialog", "aria-label": words.open, "aria-keyshortcuts": "?", title: `${words.open} (?)` }, el("span", { "aria-hidden": "true" }, "?"));
}

// "Ctrl+Enter" is one key cap, "← →" are two.
function row([caps, does]) {
  return [el("dt", {}, caps.split(" ").map((cap) => [el("kbd", {}, cap), " "])), el("dd", {}, does)];
}

function show(me) {
  const { words, groups } = me.data;
  const box = el("dialog", { class: "ask sheet", "aria-labelledby": "title" },
    el("div", { class: "top" }, el("h2", { id: "title" }, words.open), el("button", { class: "act", type: "button", autofocus: true }, words.close)),
    el("div", { class: "groups" }, groups.map(([title, rows]) => el("section", {}, el("h3", {}, title), el("dl", {}, rows.map(row))))));
  box.addEventListener("click", (event) => (event.target === box || event.target.closest("button")) && box.close());
  for (const name of ["keydown", "keyup", "pointerdown"]) box.addEventListener(name, (event) => event.stopPropagation());
  box.addEventListener("keydown", (event) => asks(event) && (event.preventDefault(), box.close()));
  box.addEventListener("close", () => box.remove());
  me.over.replaceChildren(box);
  box.showModal();
}

// The full-width one is what a Chinese keyboard writes.
const asks = ({ key, ctrlKey, metaKey, altKey }) => !ctrlKey && !metaKey && !altKey && (key === "?" || key === "？");

function pressed(event, me) {
  const path = event.composedPath().filter((node) => node.matches);
  if (event.defaultPrevented || event.isComposing || path[0]?.matches(WRITES) || path.some((node) => node.matches("dialog"))) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey, field = me.data.write && document.querySelector(me.data.write);
  if (asks(event)) show(me);
  else if (event.key === "/" && plain && field && !document.querySelector("[role=dialog]")) field.focus();
  else return;
  event.preventDefault();
}

export default function (component) {
  const cleanup = desk(component, render, { local: { keys: (_, me) => show(me) } });
  const me = desks.get(component.parentElement);
  me.data = component.data;
  if (!me.heard) {
    // A drawer of Streamlit's hides the rest of the page from everybody and holds the focus; what is marked so stands above.
    component.parentElement.host?.setAttribute("data-react-aria-top-layer", "true");
    me.heard = (event) => pressed(event, me);
    document.addEventListener("keydown", me.heard);
  }
  return () => (cleanup(), document.removeEventListener("keydown", me.heard));
}
