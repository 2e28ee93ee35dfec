// In the "Now" strip: one card for a whole batch, however many pictures it has.

function batchBar(card) {
  const parts = card.bar.map(({ tone, share }) => el("i", { class: tone, style: `width:${share}%` }));
  return el("div", { class: "progress", role: "progressbar", "aria-label": card.name, "aria-valuemin": 0, "aria-valuemax": card.size,
    "aria-valuenow": card.ended, "aria-valuetext": card.line }, parts);
}

function drawBatch(card) {
  return el("li", { class: `card batch ${card.tone}`, "data-key": card.id, "data-state": card.state },
    el("p", { class: "state" }, el("span", { class: "dot" }), el("b", {}, card.word), el("span", { class: "fact soft" }, card.fact)),
    el("p", { class: "batch-name", dir: "auto", title: card.prompt }, card.prompt),
    batchBar(card),
    el("p", { class: "batch-line" }, card.line),
    card.causes.length > 0 && el("ul", { class: "causes soft" }, card.causes.map((one) =>
      el("li", { title: one.says }, el("span", {}, one.text), one.says && el("span", { class: "unseen" }, `. ${one.says}`)))),
    el("p", { class: "meta soft" }, card.meta),
    (card.last.length > 0 || card.to_come > 0) && el("div", { class: "last" }, card.last.map((one) =>
      el("button", { class: "figure", type: "button", "data-key": one.id, "data-act": "open", "data-id": one.id, title: one.prompt },
        el("img", { src: one.picture, alt: one.prompt, width: 96, height: 96, decoding: "async" }), playMark(one.video))),
      Array.from({ length: card.to_come }, () => el("span", { class: "figure blank" }))),
    el("div", { class: "acts" }, card.actions.map((one) => action(one, card.id))));
}
