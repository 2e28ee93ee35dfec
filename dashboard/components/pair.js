// The Pair view: two pictures beside or over each other, zoomed and moved as one, and what differs between them.
// A stands still. B is one of `ring`, which comes whole, so that a key shows the next at once; Python follows with the
// differences and the address. What a link need not open stays here alone: zoom, divider, what a flicker shows.

const TURN = 700; // ms that a flicker by itself shows each picture: far below three changes a second

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function bar(me) {
  const { words, ring } = me.data, said = { place: me.at + 1, count: ring.length };
  return el("div", { class: "bar" },
    !me.b && el("h2", {}, ring.length ? words.pick : words.nothing),
    me.b && el("div", { class: "modes", role: "group", "aria-label": words.mode },
      Object.entries(words.modes).map(([mode, label], index) => button(me, "mode", label, { id: mode, pressed: mode === me.mode, key: capOf("pair", String(index + 1)) }))),
    me.b && ring.length > 1 && el("div", { class: "walk", role: "group", "aria-label": words.walk },
      button(me, "previous", words.previous, { text: "‹", key: "←" }), el("span", { class: "place" }, fill(words.place, said)), button(me, "next", words.next, { text: "›", key: "→" })),
    me.b && button(me, "swap", words.swap, { text: "⇄", key: capOf("pair", "S") }),
    zoomer(me, "pair"));
}

// One line that is always there: how this mode works, and what must be known about these two pictures.
function note(me) {
  const { words } = me.data, [a, b] = sides(me);
  if (!b) return null;
  const shaped = Math.abs((a.width * b.height) / (a.height * b.width) - 1) > 0.01;
  const stills = [["A", a], ["B", b]].filter(([, one]) => one.video && !plays(me)).map(([which, one]) => fill(me.unplayable.has(one.full) ? words.unplayable : words.film, { which, length: one.video.length }));
  return el("div", { class: "note" },
    me.mode === "difference" && button(me, "bright", words.bright, { pressed: Boolean(me.bright) }),
    me.mode === "flicker" && el("span", { class: "flick" },
      button(me, "show_b", words.show_b, { pressed: Boolean(me.shown) }), !calm() && button(me, "by_itself", words.by_itself, { pressed: Boolean(me.turns) })),
    el("p", { class: "soft" }, sentences([words.how[me.mode], me.mode === "flicker" && calm() && words.calm,
      (a.width !== b.width || a.height !== b.height) && words.pixels, shaped && me.mode !== "side" && words.shapes, plays(me) && words.films, ...stills])));
}

function pane(which, one, me) {
  const src = me.sharp.has(one.full) ? one.full : one.src;
  return el("div", { class: `pane ${which}`, "data-key": `${which} ${one.ref}` }, me.missing.has(one.src)
    ? el("p", { class: "missing" }, me.data.words.missing)
    : plays(me) ? film(which, one) : el("img", { src, alt: `${which.toUpperCase()}: ${one.prompt}`, width: one.width, height: one.height, draggable: "false", decoding: "sync" }));
}

function pictures(me) {
  const { words, a, box } = me.data, { s, x, y } = me.view, over = me.b && me.mode !== "side";
  const style = `--s:${s};--x:${x};--y:${y};--split:${me.split};--box:${box.narrow};--wide:${box.wide}`;
  const classes = ["stage", me.b ? me.mode : "alone", over && "over", s > 1 && "near", me.shown && "shown", me.bright && "bright"].filter(Boolean).join(" ");
  return el("div", { class: classes, style, tabindex: me.b ? 0 : null, role: "group", "aria-label": words.stage, "data-key": "stage" },
    el("div", { class: "panes" }, pane("a", a, me), me.b ? pane("b", me.b, me) : offers(me)),
    el("span", { class: "tag a", "aria-hidden": "true" }, "A"), me.b && el("span", { class: "tag b", "aria-hidden": "true" }, "B"),
    over && me.mode === "slider" && el("div", { class: "divider", role: "slider", tabindex: 0, "aria-label": words.divider, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(me.split * 100) }, el("i", {})));
}

function offers(me) {
  const { ring } = me.data;
  return el("div", { class: "offers", "data-key": "offers" },
    el("ul", {}, ring.map((one) => el("li", { "data-key": one.ref },
      el("button", { type: "button", class: "offer", "data-act": "b", "data-id": one.ref, "aria-label": `${one.prompt}. ${one.name}`, title: one.prompt },
        el("img", { src: one.thumb, alt: "", loading: "lazy", width: one.width, height: one.height }), el("span", { class: "soft" }, one.name))))));
}

function caption(which, one, me) {
  return el("div", { class: "caption", "data-key": which },
    el("p", { class: "title" }, el("span", { class: "letter" }, which), el("b", {}, one.name), el("span", { class: "soft" }, one.facts)),
    el("p", { class: "clamp soft", dir: "auto", title: one.prompt }, one.prompt),
    el("div", { class: "acts" },
      action({ act: "open", label: me.data.words.open }, one.task), action({ act: "use_again", label: me.data.words.again }, one.task), action({ label: me.data.words.download, href: one.href }),
      buttons(one.marks, one.task, me),
      which === "B" && button(me, "other", me.data.words.other)));
}

function table(me) {
  const { words, rows, end } = me.data;
  return el("section", { class: me.at === me.data.at ? null : "stale", "aria-busy": String(me.at !== me.data.at) },
    el("h2", {}, words.differences),
    rows.length > 0 && el("table", {},
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "unseen" }, words.fact)), el("th", { scope: "col" }, "A"), el("th", { scope: "col" }, "B"))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name),
        row.pieces ? el("td", { colspan: 2, dir: "auto", class: "prompt" }, row.pieces.map((one) => piece(one, words))) : [el("td", { dir: "auto" }, row.a), el("td", { dir: "auto" }, row.b)])))),
    el("p", { class: "soft end" }, end));
}

function render(data, me) {
  me.data = data;
  me.split ??= 0.5;
  for (const name of ["sharp", "asked", "missing", "unplayable"]) me[name] ??= new Set();
  const now = data.at === null ? [] : [data.a.ref, data.ring[data.at].ref];
  if (!me.view || !(now.length ? now.some((ref) => me.pair.includes(ref)) : me.alone === data.a.ref)) me.view = { s: 1, x: 0, y: 0 }; // other pictures are seen whole first
  Object.assign(me, { pair: now, alone: now.length ? null : data.a.ref });
  if (!me.queue.length) Object.assign(me, { at: data.at, mode: data.mode, bright: data.bright }); // else Python has not heard it all yet
  me.b = data.at === null ? null : data.ring[me.at] ?? data.ring[data.at];
  if (me.mode !== "flicker") still(me);
  return [
    el("p", { class: "unseen", role: "status", "aria-live": "polite" }, me.said),
    bar(me), note(me), pictures(me), player(me),
    el("div", { class: "captions" }, caption("A", data.a, me), me.b && caption("B", me.b, me)),
    me.b && table(me),
  ];
}

// Pointers: one moves what is zoomed, or the divider; two pinch.

function divide(me, event) {
  const box = frame(me);
  setSplit(me, (event.clientX - box.left) / box.width);
}

function setSplit(me, split) {
  me.split = Math.max(0, Math.min(1, split));
  stage(me).style.setProperty("--split", me.split);
  me.root.querySelector(".divider")?.setAttribute("aria-valuenow", Math.round(me.split * 100));
}

function down(event, me) {
  if (event.button > 0 || !event.target.closest(".stage:not(.alone), .stage .pane.a")) return;
  if (me.divides && me.held.size === 1) setSplit(me, me.splitBefore); // the first of two fingers meant no move of the divider
  me.held.set(event.pointerId, event);
  me.splitBefore = me.split;
  me.divides = me.held.size === 1 && me.mode === "slider" && (event.target.closest(".divider") || me.view.s === 1);
  if (me.divides || me.view.s > 1 || me.held.size > 1) stage(me).setPointerCapture(event.pointerId);
  if (me.divides) divide(me, event);
  else if (me.mode === "flicker" && me.view.s === 1 && me.held.size === 1) show(me, (me.peeks = true));
}

function up({ pointerId }, me) {
  me.held.delete(pointerId);
  if (me.peeks) show(me, (me.peeks = false));
}

function moved(event, me) {
  const last = me.held.get(event.pointerId);
  if (!last) return;
  me.held.set(event.pointerId, event);
  if (me.divides && me.held.size === 1) return divide(me, event);
  drag(event, last, me);
}

// Flicker: as long as Space or the picture is pressed, by a button that stays, or by itself and slowly.

function show(me, on) {
  me.shown = on;
  stage(me)?.classList.toggle("shown", on);
  me.root.querySelector("[data-act=show_b]")?.setAttribute("aria-pressed", on);
}

function still(me) {
  clearInterval(me.turns);
  me.turns = null;
  me.shown = false;
}

function walk(me, step) {
  const { ring, words } = me.data, count = ring.length;
  if (!me.b || count < 2) return;
  const at = (me.at + step + count) % count, one = ring[at];
  wish("b", one.ref, me);
  Object.assign(me, { at, said: fill(words.walked, { place: at + 1, count, name: one.name, prompt: one.prompt.slice(0, 80) }) });
  me.redraw();
}

// The neighbours of B are fetched before anybody asks for them.
function warm(me) {
  const { ring, at } = me.data;
  if (at !== null) for (const step of [1, -1]) new Image().src = ring[(at + step + ring.length) % ring.length].src;
}

function mode(me, name) {
  if (!me.b || name === me.mode) return;
  wish("mode", name, me);
  Object.assign(me, { mode: name, said: `${me.data.words.modes[name]}. ${me.data.words.how[name]}` });
  still(me);
  me.redraw();
  look(me, me.view.s, me.view.x, me.view.y); // the box has another size now
}

const local = {
  star: switched,
  pick: switched,
  mode: (node, me) => mode(me, node.dataset.id),
  swap: (_, me) => [(me.said = me.data.words.swapped), tell("swap", "", me)],
  previous: (_, me) => walk(me, -1),
  next: (_, me) => walk(me, 1),
  closer: (_, me) => zoom(me, 1.25),
  wider: (_, me) => zoom(me, 0.8),
  full: (_, me) => full(me),
  show_b: (_, me) => show(me, !me.shown),
  bright: (_, me) => {
    wish("bright", me.bright ? "" : "1", me);
    me.bright = !me.bright;
    me.redraw();
  },
  play: (_, me) => play(me),
  sound: (_, me) => [(me.sound = { "": "a", a: "b", b: "" }[me.sound ?? ""]), me.redraw()],
  by_itself: (_, me) => {
    const on = !me.turns;
    still(me);
    if (on) me.turns = setInterval(() => (calm() ? still(me) : show(me, !me.shown)), TURN);
    me.redraw();
  },
};

const ELSEWHERE = "input, textarea, select, [contenteditable], dialog, [role=dialog], [role=radio], [role=tab], [role=menu]";

// On the whole page, because nobody should have to click first; but never while somebody types or a drawer is open.
function pressed(event, me) {
  const path = event.composedPath().filter((node) => node.matches), node = path[0];
  if (event.ctrlKey || event.metaKey || event.altKey || path.some((one) => one.matches(ELSEWHERE)) || document.querySelector("[role=dialog]")) return;
  const key = keyOf(event, "pair"), { shiftKey, repeat } = event, { s, x, y } = me.view, arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  const side = arrow && arrow[0];
  if (node?.matches(".divider") && (side || key === "Home" || key === "End")) setSplit(me, side ? me.split - side * (shiftKey ? 0.1 : 0.02) : key === "Home" ? 0 : 1);
  else if (arrow && shiftKey) look(me, s, x + arrow[0] * 0.1, y + arrow[1] * 0.1);
  else if (side && me.b) walk(me, -side);
  else if (key === " " && me.mode === "flicker" && me.b && !(node?.matches("button, a, summary") && !node.matches("[data-act=mode]"))) repeat || show(me, true);
  else if (key === " " && plays(me) && !node?.matches("button, a, summary")) repeat || play(me);
  else if (key === "+" || key === "=") zoom(me, 1.25);
  else if (key === "-") zoom(me, 0.8);
  else if (key === "0") look(me, 1, 0, 0);
  else if (key === "Z") repeat || full(me);
  else if (key === "S" && me.b) repeat || local.swap(null, me);
  else if ("1234".includes(key)) mode(me, Object.keys(me.data.words.modes)[key - 1]);
  else return;
  event.preventDefault();
}

function listen(me) {
  me.held = new Map();
  const on = (name, act, options) => me.root.addEventListener(name, (event) => act(event, me), options);
  on("pointerdown", down);
  on("pointermove", moved);
  for (const name of ["pointerup", "pointercancel"]) on(name, up);
  on("wheel", wheel, { passive: false });
  on("dblclick", (event) => event.target.closest(".stage") && !event.target.closest(".offers, .divider") && full(me, spot(me, event)));
  on("error", ({ target }) => target.nodeName === "IMG" && target.closest(".pane") && (me.missing.add(target.getAttribute("src")), me.redraw()), true); // errors do not bubble
  me.key = (event) => pressed(event, me);
  me.release = ({ key }) => key === " " && me.mode === "flicker" && !me.turns && me.shown && show(me, false);
  for (const [name, act] of [["keydown", me.key], ["keyup", me.release]]) document.addEventListener(name, act);
  me.resized = new ResizeObserver(() => stage(me) && look(me, me.view.s, me.view.x, me.view.y));
  me.resized.observe(me.root);
}

export default inOrder((component) => {
  const before = desks.get(component.parentElement)?.pair.length;
  const cleanup = desk(component, render, { local });
  const me = desks.get(component.parentElement);
  me.redraw = () => [morph(me.root, el("div", { class: "root" }, render(component.data, me))), together(me)];
  if (!me.key) [listen(me), listenToFilms(me)];
  together(me);
  look(me, me.view.s, me.view.x, me.view.y);
  warm(me);
  // What was pressed to choose a B, or another, is gone now.
  if (before !== undefined && before !== me.pair.length) me.root.querySelector(me.b ? ".stage" : ".offer")?.focus({ preventScroll: true });
  return () => {
    cleanup();
    still(me);
    me.resized.disconnect();
    for (const [name, act] of [["keydown", me.key], ["keyup", me.release]]) document.removeEventListener(name, act);
  };
});
