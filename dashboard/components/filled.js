// Above the form, after it was filled from a task: whose child the next press is, what the filling changed, and the way back.

function changed([kind, text], words) {
  if (kind === "same") return text;
  const [, before, core, after] = text.match(/^(\s*)([\s\S]*?)(\s*)$/);
  return [before, el(kind === "gone" ? "del" : "ins", {}, el("span", { class: "unseen" }, words[kind]), core || "␣"), after];
}

function row(one, words) {
  return el("li", {}, el("span", { class: "soft" }, one.name),
    one.pieces
      ? el("span", { class: "pieces", dir: "auto" }, one.pieces.map((piece) => changed(piece, words)))
      : el("span", { dir: "auto" }, one.a, el("span", { class: "soft", "aria-hidden": "true" }, " → "), el("span", { class: "unseen" }, ` ${words.becomes} `), el("b", {}, one.b)));
}

function render(data, me) {
  const { words, origin, rows } = data;
  const fresh = me.token !== data.token;
  me.token = data.token;
  return el("div", { class: "filled", role: "group", "aria-label": words.group },
    el("div", { class: "line" },
      origin && el("button", { class: "from", type: "button", "data-act": "open", "data-id": origin.id, title: words.open },
        origin.src && el("img", { src: origin.src, alt: "", width: 40, height: 40 }),
        el("span", { class: "name" }, el("b", {}, origin.way), el("span", { class: "soft", dir: "auto" }, origin.prompt))),
      !origin && el("b", { class: "name" }, words.filled),
      data.undo && el("button", { class: "act", type: "button", "data-act": "undo", "data-id": data.token, title: words.undo_title }, words.undo),
      origin && el("button", { class: "act", type: "button", "data-act": "cut", "data-id": origin.id, "aria-label": words.cut, title: words.cut }, "×")),
    data.note && el("p", { class: "note" }, data.note),
    rows.length > 0 && el("details", { open: fresh && data.open }, el("summary", {}, data.summary), el("ul", {}, rows.map((one) => row(one, words)))));
}

export default inOrder((component) => {
  return desk(component, render);
});
