// The batch under review: what is wrong and left out, then the first prompts row by row, or all of them where that was
// asked for; what is not shown is counted in Python.

function batchRow(row, head) {
  const names = ["line", "prompt", "model", "shape", "count", "price", "project"].slice(0, head.length);
  const cells = names.map((name, index) =>
    el(name === "prompt" ? "th" : "td", { class: name, scope: name === "prompt" && "row", "data-head": head[index] },
      name === "prompt" ? el("span", { class: "clamp", dir: "auto", title: row.prompt }, row.prompt || "—") : row[name]));
  return [
    el("tr", { class: row.fault && "bad" }, cells),
    row.fault && el("tr", { class: "bad why" }, el("td", {}), el("td", { class: "fault", colspan: names.length - 1 }, row.fault)),
  ];
}

function batchTable(part) {
  return el("section", {},
    el("p", { class: part.bad ? "title bad" : "title" }, part.bad && el("span", { class: "dot" }), part.title),
    el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": part.title },
      el("table", {},
        el("thead", {}, el("tr", {}, part.head.map((word) => el("th", { scope: "col" }, word)))),
        el("tbody", {}, part.rows.map((row) => batchRow(row, part.head))))),
    part.more && el("p", { class: "soft more" }, `${part.more} `, action(part.all, "")));
}

export default inOrder((component) => {
  const held = component.parentElement.activeElement?.closest("section"), at = held ? [...held.parentElement.children].indexOf(held) : 0;
  const cleanup = desk(component, (data) => [
    el("p", { class: "unseen", role: "status", "aria-live": "polite" }, data.said),
    data.parts.map(batchTable),
  ]);
  // Whoever had all rows shown goes on in them: the button is gone.
  if (held && !component.parentElement.activeElement) desks.get(component.parentElement).root.children[at]?.querySelector(".wide").focus({ preventScroll: true });
  return cleanup;
});
