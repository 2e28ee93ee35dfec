// The results of a batch: a table whose cells are pictures. The pattern is the grid of the WAI-ARIA practices: one cell is
// in the tab order, arrows lead on from it. What is selected for a comparison is known here alone; nothing of it is kept.

const MOST = 6; // pictures that can be compared

function render(data, me) {
  if (me.batch !== data.id) Object.assign(me, { batch: data.id, chosen: new Set(), at: null, lost: new Set() });
  me.data = data;
  const cells = data.groups.flatMap((group) => group.lines.flatMap((line) => line.cells)).filter(Boolean);
  for (const id of me.chosen) if (!cells.some((cell) => cell.id === id && cell.picture)) me.chosen.delete(id);
  // What was tried again stands in the same place under another id: who stood there stands there still.
  if (!cells.some((cell) => cell.id === me.at)) me.at = (cells.find((cell) => cell.of === me.stood?.get(me.at)) ?? cells[0])?.id;
  me.stood = new Map(cells.map((cell) => [cell.id, cell.of]));
  return [top(data, me), table(data, me), below(data, me)];
}

// What is selected: what can be done with it, and how much it is for whoever does not see it.
function below(data, me) {
  return el("div", { "data-key": "below" }, bar(data, me), el("p", { class: "unseen", role: "status" }, me.chosen.size > 0 && counted(me)));
}

function top(data, me) {
  const { words, axes } = data;
  const choice = (way) => el("label", { class: "choice" }, el("span", { class: "soft" }, words[way]),
    el("select", { class: "act", "data-way": way }, axes.map((axis) => el("option", { value: axis.id, selected: axis.at === way }, axis.label))));
  return el("header", {},
    el("h1", { dir: "auto", title: data.title }, data.title),
    el("p", { class: "line" }, data.line),
    el("div", { class: "deeds" },
      axes.length > 1 && el("div", { class: "axes" }, choice("rows"),
        el("button", { class: "act", type: "button", "data-act": "swap", "data-id": "", "aria-label": words.swap, title: `${words.swap} (${capOf("results", "X")})` }, "⇄"), choice("cols")),
      data.actions.map((one) => action(one, data.id))));
}

function table(data, me) {
  const { columns, groups, words } = data, single = groups.every((group) => group.lines.length === 1);
  const style = `--n:${columns.length};--box:${data.box}`;
  return el("div", { class: "room", "data-key": "room" }, el("div", { class: "scroll" },
    el("table", { role: "grid", "aria-label": words.table, "aria-multiselectable": "true", style },
      el("thead", {}, el("tr", { role: "row" }, el("th", { scope: "col", class: "side soft" }, [corner(data, "rows"), ...data.others].filter(Boolean).join(" · ")),
        columns.map((name) => el("th", { scope: "col", dir: "auto", title: name }, el("span", { class: "clamp" }, name))))),
      groups.map((group, at) => el("tbody", { "data-key": `group ${at}` },
        !single && group.title && el("tr", { role: "row", class: "group" }, el("th", { scope: "rowgroup", colspan: columns.length + 1 }, el("span", { class: "clamp", dir: "auto", title: group.title }, group.title))),
        group.lines.map((line, nth) => el("tr", { role: "row", "data-key": `line ${nth}` },
          el("th", { scope: "row", class: "side" }, single && group.title && el("span", { class: "title clamp", dir: "auto", title: group.title }, group.title), line.title && el("span", { class: "clamp soft" }, line.title)),
          line.cells.map((cell, column) => cell ? square(cell, [group.title, line.title, columns[column]], data, me) : el("td", { role: "gridcell", class: "none", "aria-label": words.none }, "·")))))),
      el("tfoot", {}, data.foot.map((row) => el("tr", { role: "row" }, el("th", { scope: "row", class: "side soft" }, row.name), row.values.map((value) => el("td", { role: "gridcell" }, value))))))));
}

const corner = (data, way) => data.axes.find((axis) => axis.at === way)?.label;

function square(cell, where, data, me) {
  const { words } = data, chosen = me.chosen.has(cell.id), here = cell.id === me.at, lost = me.lost.has(cell.picture);
  const said = lost ? words.lost : cell.word;
  return el("td", {
    role: "gridcell", class: `cell ${lost ? "bad" : cell.tone}`, tabindex: here ? 0 : -1, "data-key": cell.id, "aria-selected": cell.picture && String(chosen),
    "aria-label": [...where, cell.video?.name, said, cell.cause, cell.line].filter(Boolean).join(". "), title: cell.say || null,
  },
    el("span", { class: "frame" },
      cell.picture && !lost
        ? el("img", { src: cell.picture, alt: "", loading: "lazy", decoding: "async", draggable: "false" })
        : el("span", { class: "blank" }, el("b", {}, el("span", { class: "dot" }), " ", said), cell.cause && el("span", { class: "cause soft" }, cell.cause),
          cell.again && el("button", { class: "act", type: "button", tabindex: here ? 0 : -1, "data-act": cell.again.act, "data-id": cell.again.id ?? cell.id, title: cell.again.title }, unbroken(cell.again.label))),
      playMark(cell.video),
      cell.more && el("span", { class: "more", "aria-hidden": "true" }, cell.more),
      cell.picture && el("span", { class: "tick", "aria-hidden": "true" })),
    el("span", { class: "fact soft", "aria-hidden": "true" }, cell.line));
}

const counted = (me) => me.data.words.selected.replace("{n}", me.chosen.size);

function bar(data, me) {
  const { words } = data;
  if (!me.chosen.size) return null;
  return el("div", { class: "bar", role: "region", "aria-label": words.bar, "data-key": "bar" },
    el("b", {}, counted(me)),
    me.chosen.size > 1
      ? el("button", { class: "act primary", type: "button", "data-act": "compare_these" }, words.compare)
      : el("span", { class: "soft" }, words.two),
    el("button", { class: "act", type: "button", "data-act": "clear", "aria-label": words.clear, title: words.clear }, "✕"));
}

// As high as the window leaves it: what is counted below the columns is in sight.
function measure(me) {
  const box = me.root.querySelector(".room"), main = document.querySelector(".stMain");
  box.style.setProperty("--top", `${Math.round(box.getBoundingClientRect().top + (main?.scrollTop ?? 0))}px`);
}

// Once for all files that do not come: with the callback server away, those are all that are in sight.
function missed(image, me) {
  me.lost.add(image.getAttribute("src"));
  me.due ??= requestAnimationFrame(() => {
    me.due = null;
    morph(me.root, el("div", { class: "root" }, render(me.data, me)));
    measure(me);
  });
}

// After a press that selects: five hundred cells are not drawn anew for one.
function mark(me) {
  const held = me.root.getRootNode().activeElement;
  for (const node of me.root.querySelectorAll(".cell[aria-selected]")) node.setAttribute("aria-selected", String(me.chosen.has(node.dataset.key)));
  morph(me.root.querySelector("[data-key=below]"), below(me.data, me));
  if (held && !held.isConnected) goTo(cellAt(me.at, me), me); // whoever stood in the bar, which is gone
}

const cellAt = (id, me) => me.root.querySelector(`.cell[data-key="${CSS.escape(id ?? "")}"]`);

function goTo(node, me, how) {
  if (!node) return;
  for (const old of me.root.querySelectorAll("tbody [tabindex='0']")) old.setAttribute("tabindex", "-1");
  me.at = node.dataset.key;
  for (const one of [node, ...node.querySelectorAll("button")]) one.setAttribute("tabindex", "0");
  node.focus(how);
}

// The cells as they are seen, line by line; null where nothing was asked for.
const lines = (me) => [...me.root.querySelectorAll("tbody tr:not(.group)")].map((row) => [...row.querySelectorAll("td")].map((cell) => (cell.dataset.key ? cell : null)));

// The next cell on the way that is one: a table of a CSV file may have holes.
function beside(node, [down, right], me) {
  const all = lines(me), y = all.findIndex((row) => row.includes(node)), x = all[y].indexOf(node);
  for (let step = 1; ; step += 1) {
    const row = all[y + step * down];
    if (!row || x + step * right < 0 || x + step * right >= row.length) return null;
    if (row[x + step * right]) return row[x + step * right];
  }
}

function toggle(id, me) {
  const cell = me.data.groups.flatMap((group) => group.lines.flatMap((line) => line.cells)).find((one) => one?.id === id);
  if (!cell?.picture) return;
  if (!me.chosen.delete(id)) {
    if (me.chosen.size === MOST) me.chosen.delete([...me.chosen].at(-1)); // the last one gives way
    me.chosen.add(id);
  }
  mark(me);
}

function clear(me) {
  me.chosen.clear();
  mark(me);
}

const local = {
  clear: (_, me) => clear(me),
  swap: (_, me) => tell("swap", "", me),
  compare_these: (_, me) => wish("beside", [...me.chosen].join(" "), me),
};

const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function pressed(event, me) {
  const node = event.target.closest?.(".cell"), key = keyName(event, "results"), plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.target.closest?.("select, button")) return;
  if (node && key in WAYS && plain) goTo(beside(node, WAYS[key], me), me);
  else if (node && (key === "Home" || key === "End") && !event.altKey) {
    const all = plain ? lines(me).find((row) => row.includes(node)) : lines(me).flat(), found = all.filter(Boolean);
    goTo(key === "Home" ? found[0] : found.at(-1), me);
  } else if (!plain) return;
  else if (node && key === "Enter") event.repeat || open(node.dataset.key, me);
  else if (node && key === " ") event.repeat || toggle(node.dataset.key, me);
  else if (key === "X" && me.data.axes.length > 1) event.repeat || local.swap(null, me);
  else if (key === "Escape" && me.chosen.size) clear(me);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function open(id, me) {
  wish("open", id, me);
  comeBack(me, ".cell[tabindex='0']");
}

function clickedCell(event, me) {
  const node = event.target.closest(".cell");
  if (!node || event.target.closest("button")) return;
  goTo(node, me);
  if (event.target.closest(".tick") || event.shiftKey || event.ctrlKey || event.metaKey) toggle(node.dataset.key, me);
  else open(node.dataset.key, me);
}

function listen(me) {
  me.root.addEventListener("keydown", (event) => pressed(event, me));
  me.root.addEventListener("click", (event) => clickedCell(event, me));
  me.root.addEventListener("focusin", ({ target }) => (me.at = target.closest?.(".cell")?.dataset.key ?? me.at));
  new ResizeObserver(() => me.root.isConnected && measure(me)).observe(document.querySelector(".stMain") ?? document.body);
  me.root.addEventListener("change", ({ target }) => wish(target.dataset.way, target.value, me));
  me.root.addEventListener("error", ({ target }) => target.nodeName === "IMG" && missed(target, me), true); // errors do not bubble
}

export default inOrder((component) => {
  const held = component.parentElement.activeElement?.closest(".cell");
  const cleanup = desk(component, render, { local });
  const me = desks.get(component.parentElement);
  // It was tried again, and nothing moves; or rows and columns changed places, and it stands elsewhere now.
  if (held && !held.isConnected) goTo(cellAt(me.at, me), me, { preventScroll: held.dataset.key !== me.at });
  if (!me.ready) [(me.ready = true), listen(me)];
  measure(me);
  for (const select of me.root.querySelectorAll("select")) select.value = component.data.axes.find((axis) => axis.at === select.dataset.way)?.id;
  return cleanup;
});
