// Draws nothing: it listens to the server's news for the part of the page that it stands in, and has Streamlit draw that
// part anew. All parts of a page that wait for the same news share one socket.
// `every`: a part is drawn again after so many seconds without news, for what nobody announces. `leisurely`: it waits
// until the news pause, because what it redraws is large and must hold up nobody. `title`: of the browser's tab.
// It rings only while Streamlit and the person rest (`order.js`), or they have not for long: a ring tells on which page it
// is, too, and one that comes while the server is already drawing the next page makes the browser throw that one away.
// `page.js` mends what still slips through.
// A hidden page draws only such a title, and hangs up where it has none. When it is seen again it misses nothing.

const lines = new Map(); // address → the socket, and who listens
const APART = 20; // ms between two looks whether a part may ring
const REST = 1_000; // ms: a part that is drawn anew is away for a moment
const PATIENCE = [500, 1_000, 2_000, 5_000, 15_000, 30_000]; // ms between tries
const PAUSE = 1_500; // ms without news
const LONGEST = 5_000; // ms that a leisurely part waits for a pause, and any part for Streamlit and the person
const LOST = 3_000; // ms after which a drawing that was asked for, and not seen, may be asked for again: at the least
const LONGEST_LOST = 30_000; // ms; a connection that was away for an hour says nothing of how long a drawing takes
const DEAF = 3_000; // ms between two drawings of a part with `every` while the server cannot be heard

function lineTo(url) {
  const line = lines.get(url) ?? { url, parts: new Set(), heard: 0, tries: 0 };
  lines.set(url, line);
  return line;
}

const heardWhileHidden = (line) => [...line.parts].some((part) => part.title);

function connect(line) {
  if (line.socket || !line.parts.size || (document.hidden && !heardWhileHidden(line))) return;
  const socket = (line.socket = new WebSocket(line.url));
  socket.onopen = () => (line.tries = 0);
  socket.onmessage = ({ data }) => {
    const { revision, moved } = JSON.parse(data);
    line.heard = revision;
    [...line.parts].filter((part) => moved || revision > part.drawn).forEach(hears);
  };
  socket.onclose = () => {
    if (line.socket !== socket) return;
    line.socket = null;
    clearTimeout(line.again);
    line.again = setTimeout(connect, PATIENCE[Math.min(line.tries++, PATIENCE.length - 1)], line);
  };
}

function hangUp(line) {
  clearTimeout(line.again);
  const socket = line.socket;
  line.socket = null;
  socket?.close();
}

function hears(part, index) {
  part.missed = true;
  if (part.leisurely) part.until ??= Date.now() + LONGEST;
  clearTimeout(part.later);
  part.later = setTimeout(draw, part.leisurely ? Math.min(PAUSE, part.until - Date.now()) : index * APART, part);
}

// One drawing at a time: what is told meanwhile is drawn by the next, however fast the news come.
function draw(part) {
  if (!part.missed || !part.line.parts.has(part) || (document.hidden && !part.title)) return;
  clearTimeout(part.later);
  const wait = part.asked + patience(part) - Date.now();
  if (wait > 0) return void (part.later = setTimeout(draw, wait, part));
  part.waits ??= Date.now();
  if (told.open || (told.isBusy() && Date.now() - part.waits < LONGEST)) return void (part.later = setTimeout(draw, APART, part));
  part.waits = null;
  Object.assign(part, { asked: Date.now(), missed: false, until: null, drawn: Infinity });
  part.since ??= part.asked;
  ring(part);
  part.tries = (part.tries ?? 0) + 1;
  clearTimeout(part.unseen);
  part.unseen = setTimeout(lost, patience(part) * part.tries, part);
}

let rings = 0;

function ring(part) {
  part.ring = rings += 1;
  part.wake(part.ring);
  const { times } = told;
  setTimeout(() => told.times > times && document.dispatchEvent(new Event("picture-desk-mixed")));
}

// A server that has much to do is slow: asked twice it would have twice as much.
function patience(part) {
  return Math.max(LOST, Math.min(2 * (part.took ?? 0), LONGEST_LOST));
}

// While the page has no connection to Streamlit, what is asked for is dropped without a word: so it is asked for again.
function lost(part) {
  part.missed = true;
  draw(part);
}

function drawn(part, revision) {
  clearTimeout(part.unseen);
  if (part.since) part.took = Date.now() - part.since;
  part.since = null;
  part.tries = 0;
  part.asked = -Infinity;
  part.at = Date.now();
  part.drawn = revision ?? Infinity; // unknown while the database is away: then only what moves counts
  if (part.missed && !part.leisurely) setTimeout(draw, 0, part);
  else if (part.line.heard > part.drawn) hears(part, 0);
}

function tick(part) {
  const deaf = part.line.socket?.readyState !== WebSocket.OPEN;
  const due = Date.now() - part.at - (deaf ? Math.min(part.every, DEAF) : part.every);
  if (document.hidden || due < 0 || told.open || (told.isBusy() && due < LONGEST)) return;
  part.at = Date.now();
  ring(part);
}

document.addEventListener("visibilitychange", () => {
  for (const line of lines.values()) {
    if (document.hidden && !heardWhileHidden(line)) hangUp(line);
    else connect(line);
    if (!document.hidden) [...line.parts].filter((part) => part.missed).forEach(hears);
  }
});

let noted = 0;

// What has ended, to who looks at something else and has asked for it: at no tab of the desk. Of several tabs, one says
// it. Where a page alone may not, there is only the title.
const ANSWER = 300; // ms that other tabs have to say that they are looked at
const tabs = new BroadcastChannel("picture-desk");
const lookedAt = () => !document.hidden && document.hasFocus();
let answered = false;
tabs.onmessage = ({ data }) => {
  if (data === "here") answered = true;
  else if (lookedAt()) tabs.postMessage("here");
};

function note(one) {
  if (one.number <= noted) return;
  noted = one.number;
  if (lookedAt() || window.Notification?.permission !== "granted") return;
  answered = false;
  tabs.postMessage("who looks?");
  setTimeout(() => answered || show(one), ANSWER);
}

function show({ number, title, body }) {
  try {
    const shown = new Notification(title, { body, tag: `picture-desk-${number}`, silent: true });
    shown.onclick = () => (window.focus(), shown.close());
  } catch {} // Android
}

// Streamlit calls us again where a drawing has other data than the one before, and what we return only at the very end. So
// each carries back the ring that it has heard, and is known by it: the answer to one where nothing has changed is seen too,
// and a drawing that was under way before the ring is not taken for it.
const parts = new WeakMap();

export default inOrder(({ data, parentElement, setStateValue }) => {
  const part = parts.get(parentElement) ?? {};
  parts.set(parentElement, part);
  if (part.line && part.line.url !== data.url) leave(part);
  part.line = lineTo(data.url);
  part.line.parts.add(part);
  Object.assign(part, { leisurely: data.leisurely, title: data.title, every: data.every * 1000 });
  part.wake = (number) => setStateValue("news", number);
  if (data.title && document.title !== data.title) document.title = data.title;
  if (data.ended) note(data.ended);
  clearInterval(part.timer);
  if (data.every) part.timer = setInterval(tick, 500, part);
  if (data.ring >= (part.ring ?? 0)) drawn(part, data.revision);
  connect(part.line);
  return () => leave(part);
});

function leave(part) {
  const line = part.line;
  line.parts.delete(part);
  clearTimeout(part.later);
  clearTimeout(part.unseen);
  clearInterval(part.timer);
  setTimeout(() => line.parts.size || hangUp(line), REST);
}
