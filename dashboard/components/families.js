// One family, or both: a row of radio buttons, each with what it costs and how long it takes. The arrow keys move, as
// between radio buttons anywhere; but only Space or Enter choose, because each choice asks the server for new prices.

function family(one, at) {
  return el("button", {
    class: one.picked ? "family picked" : "family", type: "button", role: "radio", "aria-checked": String(one.picked), "data-key": one.id,
    "data-act": "family", "data-id": one.id, "aria-disabled": one.off && "true", tabindex: at ? 0 : -1, title: one.models,
    "aria-label": [one.name, ...one.facts].join(", "),
  }, el("b", {}, one.name), el("span", { class: "facts" }, one.facts.flatMap((fact, nth) => [nth > 0 && " ", el("span", {}, nth < one.facts.length - 1 ? `${fact} ·` : fact)])));
}

function render(data) {
  const picked = data.items.findIndex((one) => one.picked);
  return el("div", { class: "families", role: "radiogroup", "aria-label": data.label },
    data.items.map((one, index) => family(one, index === Math.max(0, picked))));
}

function moved(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const at = event.target.closest("[role=radio]");
  if (!step || !at) return;
  const all = [...at.parentNode.children];
  all[(all.indexOf(at) + step + all.length) % all.length].focus();
  event.preventDefault();
  event.stopPropagation();
}

export default inOrder((component) => {
  const cleanup = desk(component, render);
  const me = desks.get(component.parentElement);
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("keydown", moved);
  }
  return cleanup;
});
