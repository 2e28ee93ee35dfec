// The sheet of keys: `?` opens it on every page, and so does a button in the page's head. What it lists comes from Python
// (`keys.py`). And `/` leads to the field where the page is typed in.

const WRITES = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button])";

function render(data) {
  const { words } = data;
  return el("button", { class: "opener", type: "button", "data-act": "keys", "aria-haspopup": "dialog", "aria-label": words.open, "aria-keyshortcuts": capOf("keys", "?"), title: `${words.open} (${capOf("keys", "?")})` }, el("span", { "aria-hidden": "true" }, "?"));
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
  box.addEventListener("close", () => {
    box.remove();
    // A drawer that is drawn anew takes the focus back to itself, but cannot from under this.
    if (document.activeElement === document.body) document.querySelector("[role=dialog]")?.focus();
  });
  me.over.replaceChildren(box);
  box.showModal();
}

// The full-width one is what a Chinese keyboard writes. Held down, it is one press: the sheet does not flicker.
function asks(event) {
  const key = keyOf(event, "keys");
  return !event.repeat && (key === "?" || key === "？");
}

// Whether a dialog of ours is open: it closes by Escape, also where Tab has led out of it to the browser's own buttons.
const asked = () => [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")].some((one) => one.shadowRoot?.querySelector("dialog[open]"));

// A name that is asked for needs no form around it: its button says while one types what is missing, as no form's can.
function named(field) {
  const button = () => field.closest("[role=dialog]")?.querySelector("[class*=st-key-names_] button");
  const press = (tries) => (button()?.disabled ? tries && setTimeout(press, 100, tries - 1) : button()?.click());
  if (field.matches(".stTextInput input") && field.value.trim()) press(20); // by then the last letter has come to it
}

// What had the focus in what lies over the page may be gone, and the focus with it to the page: Escape still closes that.
function closes({ key, target, defaultPrevented, isComposing }) {
  const over = [...document.querySelectorAll("[data-testid=stDialog] [role=dialog]")].at(-1);
  if (key !== "Escape" || defaultPrevented || isComposing || !over || asked()) return false;
  if (target !== document.body && (over.contains(target) || !target.closest(".stApp"))) return false; // a list of its own
  over.querySelector(":scope > button[aria-label=Close]")?.click();
  return true;
}

function pressed(event, me) {
  if (closes(event)) return event.preventDefault();
  const path = event.composedPath().filter((node) => node.matches);
  if (event.key === "Enter" && !event.isComposing && path[0]) named(path[0]);
  if (event.defaultPrevented || event.isComposing || path[0]?.matches(WRITES) || path.some((node) => node.matches("dialog"))) return;
  const key = keyOf(event, "keys"), field = me.data.write && document.querySelector(me.data.write);
  const choosing = key === "Escape" && !document.querySelector("[role=dialog]") && !asked() && document.querySelector(".st-key-compare_cancel button");
  if (asks(event)) show(me);
  else if (choosing) choosing.click(); // Streamlit's own shortcut is not heard from within a component
  else if (key === "/" && field && !document.querySelector("[role=dialog]")) field.focus();
  else return;
  event.preventDefault();
}

// Streamlit keeps the focus within what lies over a page, and finds nothing there that is in a component of ours: Tab would
// never lead to it. So through a dialog with one of ours in it, the way of Tab is this.
const STOPS = "a[href], button, input, select, textarea, summary, video[controls], [tabindex]";

function stops(root) {
  const found = [...root.querySelectorAll("*")].flatMap((node) => (node.shadowRoot ? stops(node.shadowRoot) : node.matches(STOPS) ? [node] : []));
  return found.filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true }));
}

function tabbed(event) {
  if (event.key !== "Tab" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const dialog = document.activeElement?.closest("[role=dialog]");
  let held = document.activeElement;
  while (held?.shadowRoot?.activeElement) held = held.shadowRoot.activeElement;
  if (!dialog || held.closest("dialog, [popover]")) return; // those are the browser's own
  const all = stops(dialog), at = all.indexOf(held), step = event.shiftKey ? -1 : 1;
  if (!all.some((node) => node.getRootNode() !== document)) return;
  const next = all[at < 0 && step < 0 ? all.length - 1 : (at + step + all.length) % all.length];
  next.focus();
  if (next.matches("input[type=text]")) next.select();
  event.preventDefault();
  event.stopImmediatePropagation();
}

export default inOrder((component) => {
  const cleanup = desk(component, render, { local: { keys: (_, me) => show(me) } });
  const me = desks.get(component.parentElement);
  me.data = component.data;
  if (!me.heard) {
    // A drawer of Streamlit's hides the rest of the page from everybody and holds the focus; what is marked so stands above.
    component.parentElement.host?.setAttribute("data-react-aria-top-layer", "true");
    me.heard = (event) => pressed(event, me);
    document.addEventListener("keydown", me.heard);
    document.addEventListener("keydown", tabbed, true); // before Streamlit
  }
  return () => (cleanup(), document.removeEventListener("keydown", me.heard), document.removeEventListener("keydown", tabbed, true));
});
