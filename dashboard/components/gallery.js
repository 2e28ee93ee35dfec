// The History grid: equal tiles that show the whole picture, and one line about each.

function tile(item) {
  const line = [item.model, item.age, item.cost].filter(Boolean).join(" · ");
  const inside = item.picture
    ? el("img", { src: item.picture, alt: "", loading: "lazy", decoding: "async", width: item.width, height: item.height })
    : el("span", { class: "blank clamp", dir: "auto" }, item.prompt);
  return el("li", { class: item.tone, "data-key": item.id, "data-state": item.state },
    el("button", { class: "tile", type: "button", "data-act": "open", "data-id": item.id, title: item.prompt, "aria-label": [item.prompt, item.video?.name, item.word, line].filter(Boolean).join(". ") },
      el("span", { class: "frame" }, inside, playMark(item.video), item.more && el("span", { class: "more" }, item.more)),
      el("span", { class: "state" }, el("span", { class: "dot" }), el("b", {}, item.word), el("span", { class: "line soft" }, line))));
}

function render(data) {
  return el("ul", { class: "grid", "aria-label": data.label }, data.items.map(tile));
}

export default function (component) {
  return desk(component, render);
}
