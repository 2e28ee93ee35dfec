// A shelf of pictures to take from: one button each, reached by the arrow keys, and pages that follow one another. With
// `pick` a picture is taken or put back, and stays where it is; without, a press is the whole act.

function book(one, data, at) {
  return el("li", { "data-key": one.key },
    el("button", {
      class: one.picked ? "book picked" : "book", type: "button", "data-act": data.act, "data-id": one.id, title: one.prompt,
      "aria-label": [one.number && `${one.number}.`, one.prompt, one.note].filter(Boolean).join(" "), "aria-pressed": data.pick && String(Boolean(one.picked)),
      "aria-disabled": one.off && "true", tabindex: at ? 0 : -1,
    },
      el("img", { src: one.src, alt: "", width: one.width, height: one.height, loading: "lazy", decoding: "async" }),
      one.number && el("span", { class: "number", "aria-hidden": "true" }, one.number)),
    data.captions && el("span", { class: "clamp", dir: "auto" }, one.prompt),
    one.note && el("span", { class: "note soft" }, one.note));
}

function turn(act, label, there) {
  return el("button", { class: "act", type: "button", "data-act": act, "data-id": there ?? "", "aria-disabled": there ? null : "true" }, label);
}

function render(data, me) {
  const keys = data.items.map((one) => one.key);
  if (!keys.includes(me.at)) me.at = keys[0];
  return [
    el("p", { class: data.status ? "status soft" : "unseen", role: "status" }, data.status || data.empty),
    data.items.length > 0
      ? el("ul", { class: data.captions ? "shelf large" : "shelf", "aria-label": data.label }, data.items.map((one) => book(one, data, one.key === me.at)))
      : el("p", { class: "empty soft" }, data.empty),
    (data.newer || data.older) && el("div", { class: "turn" }, turn("newer", data.words.newer, data.newer), turn("older", data.words.older, data.older)),
  ];
}

// Rows are as long as the window lets them be: the one above is the nearest button that starts higher.
function beside(all, at, key) {
  const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
  if (key === "Home" || key === "End") return key === "Home" ? 0 : all.length - 1;
  if (!way) return null;
  if (key === "ArrowLeft" || key === "ArrowRight") return at + way;
  const here = all[at].getBoundingClientRect();
  for (let next = at + way; all[next]; next += way) {
    const there = all[next].getBoundingClientRect();
    if (Math.abs(there.left - here.left) < 4 && there.top !== here.top) return next;
  }
  return at;
}

function moved(event, me) {
  const node = event.target.closest?.(".book");
  if (!node) return;
  const all = [...me.root.querySelectorAll(".book")];
  const to = beside(all, all.indexOf(node), event.key);
  if (to === null) return;
  event.preventDefault();
  event.stopPropagation();
  if (!all[to]) return;
  node.tabIndex = -1;
  all[to].tabIndex = 0;
  me.at = all[to].parentNode.dataset.key;
  all[to].focus();
}

export default inOrder((component) => {
  const cleanup = desk(component, render);
  const me = desks.get(component.parentElement);
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("keydown", (event) => moved(event, me));
  }
  return cleanup;
});
