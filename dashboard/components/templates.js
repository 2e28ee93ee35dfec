// The list of templates: one's own and the team's, narrowed while one types. What was deleted stays at its place, with
// its Undo, until the list is opened anew.

function matches(one, sought) {
  const text = `${one.name} ${one.prompt} ${one.by}`.toLowerCase();
  return sought.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function entry(one, { words }) {
  if (one.deleted)
    return el("li", { class: "gone soft", "data-key": one.id }, el("span", {}, one.deleted), button("restore", words.undo, one));
  return el("li", { "data-key": one.id },
    el("div", { class: "what" },
      el("b", { dir: "auto" }, one.name),
      el("p", { class: "clamp", dir: "auto" }, one.parts.map((part, at) => (at % 2 ? el("mark", {}, part) : part))),
      el("p", { class: "soft small" }, one.facts)),
    el("div", { class: "acts" }, button("use", words.use, one, true), one.own && [button("edit", words.edit, one), button("delete", words.delete, one)]));
}

function button(act, label, one, primary) {
  return el("button", { class: primary ? "act primary" : "act", type: "button", "data-act": act, "data-id": one.id, "aria-label": `${label}: ${one.name}` }, label);
}

function render(data, me) {
  me.data = data;
  const found = data.items.filter((one) => matches(one, me.sought ?? ""));
  return [
    data.items.length > data.many && el("input", { class: "search", type: "search", placeholder: data.words.search, "aria-label": data.words.search, "data-key": "search" }),
    el("p", { class: "unseen", role: "status" }, me.sought ? data.words.found.replace("{count}", found.length).replace("{all}", data.items.length) : data.said),
    !data.items.length && el("p", { class: "empty soft" }, data.words.empty),
    data.items.length > 0 && !found.length && el("p", { class: "empty soft" }, data.words.none),
    el("ul", { class: "templates", "aria-label": data.label }, found.map((one) => entry(one, data))),
  ];
}

export default inOrder((component) => {
  const cleanup = desk(component, render);
  const me = desks.get(component.parentElement);
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("input", (event) => {
      me.sought = event.target.value;
      morph(me.root, el("div", { class: "root" }, render(me.data, me)));
    });
    for (const name of ["keydown", "keyup"]) me.root.addEventListener(name, (event) => event.target.matches(".search") && event.key !== "Escape" && event.stopPropagation());
  }
  return cleanup;
});
