// The drawer's picture over the whole window, one pixel of it on one of the screen, to be moved and zoomed.
// The view is `s`, CSS pixels for one of the picture, and `x` and `y`, the way from the middle of the window in pixels.

const NEAREST = 8; // screen pixels for one of the picture
const MEANT = 5; // pixels that a pointer moves before it is no click

function openCloser(me, which = 0, at = null) {
  if (me.closer || !me.seen.length) return;
  const { words } = me.data;
  const button = (name, sign, label, key) => el("button", { class: "act", type: "button", "data-do": name, "aria-label": label, title: key ? `${label} (${capOf("closer", key)})` : label }, sign);
  const box = el("dialog", { class: "closer", "aria-label": words.closer },
    el("div", { class: "pan" }, el("img", { alt: "", draggable: "false" }), el("p", { class: "none" }, words.no_picture)), el("p", { class: "unseen", role: "status" }),
    el("div", { class: "tools", role: "group", "aria-label": words.closer },
      button("newer", "←", words.newer, "←"), button("older", "→", words.older, "→"),
      button("wider", "−", words.wider, "-"), button("fit", "", words.fit, "0"), button("nearer", "+", words.nearer, "+"),
      el("a", { class: "act", target: "_blank", rel: "noopener", "aria-label": words.full, title: words.full }, "↗"), button("close", "✕", words.close, "Esc")));
  Object.assign(me, { closer: box, which, shown: "", shownSrc: "", one: null, fingers: new Map() });
  box.addEventListener("close", () => {
    box.remove();
    me.closer = null;
    const stages = me.root.querySelectorAll(".stage"); // the one that opened it may be gone: one has walked on
    (stages[me.which] ?? stages[0])?.focus({ preventScroll: true });
  });
  box.addEventListener("keydown", (event) => keyInCloser(event, me));
  for (const name of ["keyup", "keypress", "mousedown", "click"]) box.addEventListener(name, (event) => event.stopPropagation());
  box.addEventListener("click", ({ target }) => doInCloser(target.closest("[data-do]")?.dataset.do, me));
  box.addEventListener("wheel", (event) => wheelInCloser(event, me), { passive: false });
  const pan = box.querySelector(".pan");
  pan.addEventListener("pointerdown", (event) => pressIn(event, me));
  pan.addEventListener("pointermove", (event) => moveIn(event, me));
  for (const name of ["pointerup", "pointercancel"]) pan.addEventListener(name, (event) => liftIn(event, me));
  me.over.replaceChildren(box);
  box.showModal();
  box.querySelector("[data-do=close]").focus({ preventScroll: true });
  showCloser(me, at);
}

// What the drawer shows now: after a step that is the first picture of the next one. `at`: the press that opened it.
function showCloser(me, at = null) {
  if (!me.closer) return;
  const one = me.seen[me.which] ?? me.seen[0], img = me.closer.querySelector("img"), link = me.closer.querySelector("a");
  me.closer.classList.toggle("bare", !one);
  if (!one || me.shown === one.src + one.full) return one && lookCloser(me);
  const another = me.shownSrc !== one.src;
  Object.assign(me, { shown: one.src + one.full, shownSrc: one.src, one });
  link.href = one.full;
  img.alt = me.seenPrompt;
  if (another) {
    me.at = exactly(me, at);
    img.src = one.src;
    if (at === null) me.closer.querySelector("[role=status]").textContent = me.seenPrompt.slice(0, 80);
  }
  lookCloser(me);
  if (one.video || one.full === one.src) return;
  const sharp = Object.assign(new Image(), { src: one.full });
  sharp.decode().then(() => me.one === one && (img.src = one.full), () => {}); // the preview stays where it cannot be had
}

const fits = ({ one }) => Math.min(innerWidth / one.width, innerHeight / one.height);

// One pixel on one; what was pressed in the drawer stays under the pointer.
function exactly({ one }, at) {
  const s = 1 / devicePixelRatio, box = at?.target.closest?.(".stage")?.getBoundingClientRect();
  if (!box) return { s, x: 0, y: 0 };
  const k = s / Math.min(box.width / one.width, box.height / one.height);
  const way = (at, middle, room) => at - room / 2 - (at - middle) * k;
  return { s, x: way(at.clientX, box.left + box.width / 2, innerWidth), y: way(at.clientY, box.top + box.height / 2, innerHeight) };
}

function lookCloser(me, view = me.at) {
  const least = Math.min(fits(me), 1 / devicePixelRatio), { one } = me;
  const s = Math.max(least, Math.min(view.s, Math.max(NEAREST / devicePixelRatio, fits(me))));
  const within = (way, side, room) => { const most = Math.max(0, one[side] * s - room) / 2; return Math.max(-most, Math.min(most, way)); };
  me.at = { s, x: within(view.x, "width", innerWidth), y: within(view.y, "height", innerHeight) };
  const img = me.closer.querySelector("img");
  img.style.cssText = `width:${one.width * s}px;height:${one.height * s}px;transform:translate(-50%,-50%) translate(${me.at.x}px,${me.at.y}px)`;
  me.closer.querySelector("[data-do=fit]").textContent = `${Math.round(100 * s * devicePixelRatio)} %`;
  me.closer.classList.toggle("moves", one.width * s > innerWidth + 1 || one.height * s > innerHeight + 1);
}

function zoomCloser(me, by, x = 0, y = 0) {
  const { s } = me.at, next = Math.max(Math.min(fits(me), 1 / devicePixelRatio), Math.min(s * by, NEAREST / devicePixelRatio));
  lookCloser(me, { s: next, x: x - ((x - me.at.x) * next) / s, y: y - ((y - me.at.y) * next) / s });
}

// From one pixel on one to the whole, and back.
function fitCloser(me) {
  const exact = 1 / devicePixelRatio, whole = fits(me);
  lookCloser(me, { s: Math.abs(me.at.s - exact) < 0.01 * exact ? whole : exact, x: 0, y: 0 });
}

const deeds = {
  newer: (me) => walkCloser("newer", me),
  older: (me) => walkCloser("older", me),
  wider: (me) => zoomCloser(me, 0.8),
  nearer: (me) => zoomCloser(me, 1.25),
  fit: fitCloser,
  close: (me) => me.closer.close(),
};

const doInCloser = (name, me) => (name === "newer" || name === "older" || name === "close" || (name && me.one)) && deeds[name](me);

function walkCloser(way, me) {
  me.which = 0;
  step(way, me);
}

function keyInCloser(event, me) {
  event.stopPropagation(); // the drawer behind it has its own Escape, and the page its keys
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = keyName(event, "closer"), far = 80;
  const moves = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[key];
  if (moves && (event.shiftKey || moves[1])) lookCloser(me, { s: me.at.s, x: me.at.x + moves[0], y: me.at.y + moves[1] });
  else if (key === "ArrowLeft") deeds.newer(me);
  else if (key === "ArrowRight") deeds.older(me);
  else if (key === "+" || key === "=") doInCloser("nearer", me);
  else if (key === "-") doInCloser("wider", me);
  else if (key === "0") doInCloser("fit", me);
  else if (key === "Z" && !event.repeat) deeds.close(me);
  else return; // Escape is the dialog's own
  event.preventDefault();
}

function wheelInCloser(event, me) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 30 : 1, pinch = event.ctrlKey ? 5 : 1; // a trackpad's pinch comes as small steps
  if (me.one) zoomCloser(me, Math.exp(-event.deltaY * lines * pinch * 0.0015), event.clientX - innerWidth / 2, event.clientY - innerHeight / 2);
}

function pressIn(event, me) {
  if (event.button > 0) return;
  if (!me.fingers.size) me.dragged = false;
  me.fingers.set(event.pointerId, event);
  event.currentTarget.setPointerCapture(event.pointerId);
}

function moveIn(event, me) {
  const last = me.fingers.get(event.pointerId);
  if (!last || !me.one) return;
  if (!me.dragged && me.fingers.size === 1 && Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < MEANT) return;
  me.dragged = true;
  me.fingers.set(event.pointerId, event);
  const [other] = [...me.fingers.values()].filter((one) => one.pointerId !== event.pointerId);
  if (other) {
    const away = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    zoomCloser(me, away(event) / away(last), (event.clientX + other.clientX - innerWidth) / 2, (event.clientY + other.clientY - innerHeight) / 2);
  }
  const share = me.fingers.size; // each of two fingers moves it by half
  lookCloser(me, { s: me.at.s, x: me.at.x + (event.clientX - last.clientX) / share, y: me.at.y + (event.clientY - last.clientY) / share });
}

// A click goes back; what was moved or pinched stays.
function liftIn(event, me) {
  if (!me.fingers.delete(event.pointerId) || me.fingers.size || me.dragged) return;
  if (event.type === "pointerup") me.closer.close();
}
