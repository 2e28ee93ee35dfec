// Zoom for pictures that lie in boxes of one size, beside or over each other, and are zoomed and moved as one.
// The view is `s`, which is 1 where the box holds the whole picture, and `x` and `y`, the way from its middle in boxes.

const CLOSEST = 8; // screen pixels for one of the picture
const SMALL = 1280; // longest side of what is shown first; beyond it the original is fetched

const sides = (me) => [me.data.a, me.b].filter(Boolean);
const stage = (me) => me.root.querySelector(".stage");
const frame = (me) => me.root.querySelector(".pane.a").getBoundingClientRect();
const fitted = (one, box) => Math.min(box.width / one.width, box.height / one.height); // CSS pixels for one of the picture

function percent(me) {
  const box = me.box, { words } = me.data;
  if (!box?.width) return words.fit;
  const [a, b] = sides(me).map((one) => `${Math.round(100 * me.view.s * fitted(one, box) * devicePixelRatio)} %`);
  const said = !b || a === b ? a : `A ${a} · B ${b}`;
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
  for (const [which, one] of [["b", me.b], ["a", me.data.a]]) {
    const box = me.root.querySelector(`.pane.${which}`)?.getBoundingClientRect();
    if (box && clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom)
      return { one, x: (clientX - box.left) / box.width - 0.5, y: (clientY - box.top) / box.height - 0.5 };
  }
  return { one: me.data.a, x: 0, y: 0 };
}

function zoom(me, by, at = { x: 0, y: 0 }) {
  const { s, x, y } = me.view, next = s * by < 1.02 ? 1 : s * by, k = next / s;
  look(me, next, at.x - (at.x - x) * k, at.y - (at.y - y) * k);
}

function full(me, at = { x: 0, y: 0, one: me.data.a }) {
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
