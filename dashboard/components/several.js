// Three to six pictures beside one another, zoomed and moved as one. A number puts its picture first; with Shift it
// leaves that one out: so the best is what remains. Which they are, their order and their numbers the address says. A
// picture keeps its number wherever it stands, also when another is left out: no key is suddenly another picture's.

const GAP = 8; // px between two
const FOOT = 104; // px that stand below a picture: its caption

function render(data, me) {
  me.data = data;
  for (const name of ["sharp", "asked", "missing"]) me[name] ??= new Set();
  if (!data.shots.some((one) => me.shown?.has(one.ref))) me.view = { s: 1, x: 0, y: 0 }; // other pictures are seen whole first
  me.shown = new Set(data.shots.map((one) => one.ref));
  return [
    el("p", { class: "unseen", role: "status", "aria-live": "polite" }, me.said),
    el("div", { class: "bar" }, el("h2", {}, data.title), zoomer(me, "several")),
    el("p", { class: "note soft" }, sentences([data.words.how, ...data.notes])),
    pictures(me),
    table(me),
  ];
}

function pictures(me) {
  const { words, shots } = me.data, { s, x, y } = me.view;
  return el("div", { class: s > 1 ? "stage near" : "stage", style: `--s:${s};--x:${x};--y:${y};${me.room ?? ""}`, tabindex: 0, role: "group", "aria-label": words.stage, "data-key": "stage" },
    el("ol", { class: "panes" }, shots.map((one, at) => el("li", { "data-key": one.ref },
      el("div", { class: "pane" }, me.missing.has(one.src)
        ? el("p", { class: "missing" }, words.missing)
        : el("img", { src: me.sharp.has(one.full) ? one.full : one.src, alt: `${one.number}: ${one.prompt}`, width: one.width, height: one.height, draggable: "false", decoding: "sync" }),
        playMark(one.video), el("span", { class: "tag", "aria-hidden": "true" }, one.number)),
      caption(one, at === 0, me)))));
}

function caption(one, first, me) {
  const { words } = me.data, n = one.number, named = (text) => fill(text, { n });
  return el("div", { class: "caption" },
    el("p", { class: "title" }, el("span", { class: "letter" }, n), el("b", {}, one.name)),
    el("p", { class: "soft facts", dir: "auto", title: one.prompt }, one.facts),
    el("div", { class: "acts" },
      !first && button(me, "front", named(words.front), { id: one.ref, text: words.first, key: capOf("several", String(n)) }),
      buttons(one.marks, one.task, me),
      action({ act: "open", label: words.open }, one.task),
      button(me, "leave", named(words.leave), { id: one.ref, text: "✕", key: `Shift+${capOf("several", String(n))}` })));
}

function table(me) {
  const { words, rows, end, shots } = me.data;
  const cell = (value) => el("td", { dir: "auto" }, Array.isArray(value) ? value.map((one) => piece(one, words)) : value);
  return el("section", {},
    el("h2", {}, words.differences),
    rows.length > 0 && el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": words.differences }, el("table", { style: `--n:${shots.length}` },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "unseen" }, words.fact)), shots.map((one) => el("th", { scope: "col" }, one.number)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name), row.values.map(cell)))))),
    el("p", { class: "soft end" }, end));
}

// As many beside one another as makes them largest: wide ones stand in two rows where narrow ones stand in one.
function settle(me) {
  const { shots, box } = me.data, wide = stage(me).clientWidth, phone = innerWidth <= 640;
  const high = phone ? innerHeight * 0.75 : Math.max(280, innerHeight - 330);
  const full = new Set(shots.map((_, less) => Math.ceil(shots.length / (less + 1)))); // no row that is much emptier
  const sizes = [...full].map((columns) => {
    const rows = Math.ceil(shots.length / columns);
    return { columns, height: Math.min((wide - GAP * (columns - 1)) / columns / box, (high - (rows - 1) * FOOT) / rows) };
  });
  const best = sizes.reduce((one, other) => (other.height > one.height + 1 ? other : one));
  me.room = `--k:${best.columns};--most:${Math.max(120, Math.floor(best.height))}px;--box:${box}`;
  for (const pair of me.room.split(";")) stage(me).style.setProperty(...pair.split(":"));
}

const refOf = (number, me) => me.data.shots.find((one) => one.number === number)?.ref;

function named(text, ref, me) {
  const { number: n, name } = me.data.shots.find((one) => one.ref === ref);
  return fill(text, { n, name });
}

function front(ref, me) {
  if (!ref || ref === me.data.shots[0].ref) return;
  me.said = named(me.data.words.fronted, ref, me);
  wish("front", ref, me);
}

function leave(ref, me) {
  if (!ref) return;
  me.said = named(me.data.words.left, ref, me);
  wish("leave", ref, me);
}

const local = {
  star: switched,
  pick: switched,
  front: (node, me) => [front(node.dataset.id, me), stage(me).focus({ preventScroll: true })], // the button is gone then
  leave: (node, me) => [leave(node.dataset.id, me), stage(me).focus({ preventScroll: true })],
  closer: (_, me) => zoom(me, 1.25),
  wider: (_, me) => zoom(me, 0.8),
  full: (_, me) => full(me),
};

const ELSEWHERE = "input, textarea, select, [contenteditable], dialog, [role=dialog], [role=radio], [role=tab], [role=menu]";

function pressed(event, me) {
  const path = event.composedPath().filter((node) => node.matches);
  if (event.ctrlKey || event.metaKey || event.altKey || path.some((one) => one.matches(ELSEWHERE)) || document.querySelector("[role=dialog]")) return;
  // On a French keyboard the key of 6 gives a minus: here it is the 6, and a button zooms out.
  const key = event.code === "Digit6" && event.key === "-" ? "6" : keyOf(event, "several"), { shiftKey, repeat } = event, { s, x, y } = me.view, arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  const held = path.some((one) => one.matches(".wide"));
  if (arrow && (shiftKey || s > 1) && !held) look(me, s, x + arrow[0] * 0.1, y + arrow[1] * 0.1);
  else if ("123456".includes(key)) repeat || (shiftKey ? leave : front)(refOf(Number(key), me), me);
  else if (key === "+" || key === "=") zoom(me, 1.25);
  else if (key === "-") zoom(me, 0.8);
  else if (key === "0") look(me, 1, 0, 0);
  else if (key === "Z") repeat || full(me);
  else return;
  event.preventDefault();
}

function moved(event, me) {
  const last = me.held.get(event.pointerId);
  if (!last) return;
  me.held.set(event.pointerId, event);
  drag(event, last, me);
}

function down(event, me) {
  if (event.button > 0 || !event.target.closest(".pane")) return;
  me.held.set(event.pointerId, event);
  if (me.view.s > 1 || me.held.size > 1) stage(me).setPointerCapture(event.pointerId);
}

function listen(me) {
  me.held = new Map();
  const on = (name, act, options) => me.root.addEventListener(name, (event) => act(event, me), options);
  on("pointerdown", down);
  on("pointermove", moved);
  for (const name of ["pointerup", "pointercancel"]) on(name, ({ pointerId }) => me.held.delete(pointerId));
  on("wheel", wheel, { passive: false });
  on("dblclick", (event) => event.target.closest(".pane") && full(me, spot(me, event)));
  on("error", ({ target }) => target.nodeName === "IMG" && (me.missing.add(target.getAttribute("src")), me.redraw()), true); // errors do not bubble
  me.key = (event) => pressed(event, me);
  document.addEventListener("keydown", me.key);
  me.resized = new ResizeObserver(() => stage(me) && drawn(me));
  me.resized.observe(me.root);
}

function drawn(me) {
  settle(me);
  look(me, me.view.s, me.view.x, me.view.y);
}

export default inOrder((component) => {
  const cleanup = desk(component, render, { local });
  const me = desks.get(component.parentElement);
  me.redraw = () => [morph(me.root, el("div", { class: "root" }, render(component.data, me))), drawn(me)];
  if (!me.key) listen(me);
  drawn(me);
  return () => {
    cleanup();
    me.resized.disconnect();
    document.removeEventListener("keydown", me.key);
  };
});
