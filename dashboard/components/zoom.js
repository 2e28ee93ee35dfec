// Zoom for pictures that lie in boxes of one size, beside or over each other, and are zoomed and moved as one.
// The view is `s`, which is 1 where the box holds the whole picture, and `x` and `y`, the way from its middle in boxes.

const CLOSEST = 8; // screen pixels for one of the picture
const SMALL = 1280; // longest side of what is shown first; beyond it the original is fetched

const sides = (me) => me.data.shots ?? [me.data.a, me.b].filter(Boolean);
const stage = (me) => me.root.querySelector(".stage");
const frame = (me) => me.root.querySelector(".pane").getBoundingClientRect();
const fitted = (one, box) => Math.min(box.width / one.width, box.height / one.height); // CSS pixels for one of the picture

function percent(me) {
  const box = me.box, { words } = me.data;
  if (!box?.width) return words.fit;
  const each = sides(me).map((one) => Math.round(100 * me.view.s * fitted(one, box) * devicePixelRatio)), low = Math.min(...each), high = Math.max(...each);
  const said = low === high ? `${low} %` : each.length === 2 ? `A ${each[0]} % · B ${each[1]} %` : `${low}–${high} %`;
  return me.view.s === 1 ? `${words.fit} · ${said}` : said;
}

function look(me, s, x, y) {
  const box = (me.box = frame(me)), scales = sides(me).map((one) => fitted(one, box) * devicePixelRatio);
  s = Math.max(1, Math.min(s, Math.max(2, CLOSEST / Math.min(...scales))));
  const most = (side) => Math.max(0, Math.max(...sides(me).map((one) => (s * one[side] * fitted(one, box)) / box[side])) - 1) / 2;
  const within = (way, side) => Math.max(-most(side), Math.min(most(side), way)); // no picture leaves its box
  me.view = { s, x: within(x, "width"), y: within(y, "height") };
  for (const name of ["s", "x", "y"]) stage(me).style.setProperty(`--${name}`, me.view[name]);
  stage(me).classList.toggle("near", s > 1);
  me.root.querySelector("[data-act=full]").textContent = percent(me);
  sharpen(me);
}

// Where a pointer is: in which pane, and how far from its middle, in boxes.
function spot(me, { clientX, clientY }) {
  const panes = [...me.root.querySelectorAll(".pane")], every = sides(me);
  for (const [at, one] of [...every.entries()].reverse()) { // B lies over A
    const box = panes[at].getBoundingClientRect();
    if (clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom)
      return { one, x: (clientX - box.left) / box.width - 0.5, y: (clientY - box.top) / box.height - 0.5 };
  }
  return { one: every[0], x: 0, y: 0 };
}

function zoom(me, by, at = { x: 0, y: 0 }) {
  const { s, x, y } = me.view, next = s * by < 1.02 ? 1 : s * by, k = next / s;
  look(me, next, at.x - (at.x - x) * k, at.y - (at.y - y) * k);
}

function full(me, at = { x: 0, y: 0, one: sides(me)[0] }) {
  if (me.view.s > 1) return look(me, 1, 0, 0);
  const exact = 1 / (fitted(at.one, frame(me)) * devicePixelRatio);
  zoom(me, exact > 1.05 ? exact : 2, at); // a picture smaller than its box is seen at 100 % and more already
}

// The original, once more of it is asked for than the preview has; a film's original is no picture.
function sharpen(me) {
  for (const one of sides(me)) {
    const longest = Math.max(one.width, one.height), seen = me.view.s * fitted(one, me.box) * devicePixelRatio * longest;
    if (one.video || longest <= SMALL || seen <= SMALL || me.asked.has(one.full)) continue;
    me.asked.add(one.full);
    const image = new Image();
    image.src = one.full;
    image.decode().then(() => (me.sharp.add(one.full), me.redraw()), () => {}); // the preview stays where it cannot be had
  }
}

// One pointer moves what is zoomed; two pinch. `last`: where this one was before.
function drag(event, last, me) {
  const box = frame(me), others = [...me.held.values()].filter((one) => one.pointerId !== event.pointerId);
  if (others.length) {
    const away = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
    const middle = { clientX: (event.clientX + others[0].clientX) / 2, clientY: (event.clientY + others[0].clientY) / 2 };
    zoom(me, away(event) / away(last), spot(me, middle));
  }
  const share = me.held.size; // each of two fingers moves it by half
  if (me.view.s > 1) look(me, me.view.s, me.view.x + (event.clientX - last.clientX) / box.width / share, me.view.y + (event.clientY - last.clientY) / box.height / share);
}

function wheel(event, me) {
  if (!event.target.closest(".panes") || event.target.closest(".offers")) return;
  const out = event.deltaY > 0;
  if (out && me.view.s === 1 && !event.ctrlKey) return; // nothing left to zoom out of: the page scrolls
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 30 : 1, pinch = event.ctrlKey ? 5 : 1; // a trackpad's pinch comes as small steps
  zoom(me, Math.exp(-event.deltaY * lines * pinch * 0.0015), spot(me, event));
}
