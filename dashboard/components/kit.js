// Shared by our components; each .js file that follows is appended to this one.
// Data comes in as JSON and is only ever set as text or attribute, never as HTML. What a person does goes out as a
// queue in the component's state (`events`), because triggers get lost when they come faster than reruns. Python
// acknowledges by number (`ack`); `epoch` names its session, so that a server restart cannot replay an old "retry".

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}

// Makes `from` look like `to` and keeps every node that may stay: pictures do not flicker, focus and open fold-outs stay.
function morph(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  for (const { name, value } of [...to.attributes]) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const keyed = new Map([...from.children].filter((node) => node.dataset.key).map((node) => [node.dataset.key, node]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = wanted.dataset?.key;
    const same = at && at.nodeName === wanted.nodeName && !at.dataset?.key;
    const have = key ? keyed.get(key) : same ? at : null;
    if (!have) from.insertBefore(wanted, at);
    else {
      if (have === at) at = at.nextSibling;
      else from.insertBefore(have, at);
      morph(have, wanted);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

// The key as it is printed on it. Where no Latin letter stands on it, or its digit wants Shift, the one of its place on a
// keyboard that has them: F where a Russian one has а, 3 where a French one has ". Signs that we hear stay what they are.
function printed({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  const [, kind, place] = code?.match(/^(Key|Digit)(.)$/) ?? [];
  return place && (/[^\x00-\x7f]/.test(key) || (kind === "Digit" && !/^[-+=/?]$/.test(key))) ? place : key;
}

// What a key is read as by the file that hears it: a person may have moved what it does to another one (`keymap.py`).
let keysMoved = {};
const isPlain = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;
const keyName = (event, file) => (isPlain(event) && keysMoved[file]?.[printed(event)]) || printed(event);
const keyOf = (event, file) => (isPlain(event) ? keyName(event, file) : "");
// And the other way: what has to be pressed for it, as it is printed on a keyboard.
const capOf = (file, key) => (Object.entries(keysMoved[file] ?? {}).find(([, as]) => as === key)?.[0] ?? key).replace("-", "−");

const PRESSES = ["click", "keydown"];
const PATIENCE = 1500; // ms until what nobody has acknowledged is told again
const desks = new WeakMap();

// One instance: `render(data, me)` gives the whole tree; clicks on [data-act] become events unless `local` handles them.
function desk(component, render, { local = {}, tick = null } = {}) {
  const { data, parentElement, setStateValue } = component;
  let me = desks.get(parentElement);
  if (!me) {
    me = { root: el("div", { class: "root" }), queue: [], seq: 0, last: {} };
    me.elsewhere = (event) => event.composedPath().includes(me.root) || (me.last.at = -Infinity);
    desks.set(parentElement, me);
    parentElement.appendChild(me.root);
    me.root.addEventListener("click", (event) => clicked(event, me, local));
    me.root.addEventListener("keydown", once);
    me.over = el("div", { class: "root" }); // beside what is redrawn: a question stays open while the page lives on
    parentElement.appendChild(me.over);
  }
  keysMoved = data.moved ?? {};
  me.send = (queue) => setStateValue("events", queue);
  if (me.epoch !== data.epoch) Object.assign(me, { epoch: data.epoch, queue: [], seq: data.ack });
  me.queue = me.queue.filter((event) => event.seq > data.ack);
  me.seq = Math.max(me.seq, data.ack);
  insist(me);
  if (me.clock !== data.clock) Object.assign(me, { clock: data.clock, offset: data.clock * 1000 - Date.now() });
  for (const name of PRESSES) document.addEventListener(name, me.elsewhere, true);
  me.now = () => (Date.now() + me.offset) / 1000; // the server's seconds: a browser's clock may be wrong
  const held = parentElement.activeElement; // a node that changes its place loses the focus
  morph(me.root, el("div", { class: "root" }, render(data, me)));
  if (held?.isConnected && parentElement.activeElement !== held) held.focus({ preventScroll: true });
  clearInterval(me.timer);
  if (tick) {
    tick(me);
    if (me.root.querySelector("[data-since]")) me.timer = setInterval(() => tick(me), 1000);
  }
  return () => {
    clearInterval(me.timer);
    clearTimeout(me.again);
    for (const name of PRESSES) document.removeEventListener(name, me.elsewhere, true);
  };
}

// A browser clicks a button as often as a held Enter repeats: what that turns on and off would flicker.
function once(event) {
  if (event.repeat && event.key === "Enter" && event.target.closest("[aria-pressed], [aria-checked]")) event.preventDefault();
}

function clicked(event, me, local) {
  const node = event.target.closest("[data-act]");
  if (!node || node.getAttribute("aria-disabled") === "true") return;
  const { act, id } = node.dataset;
  if (local[act]) return void local[act](node, me);
  if (node.dataset.ask) return ask(JSON.parse(node.dataset.ask), me, () => wish(act, id, me));
  wish(act, id, me);
}

// An impatient double click is one wish. Who has pressed anything else in between wishes it again: a picture that was
// opened and closed is opened once more, or is the one to compare with.
function wish(act, id, me) {
  const { which, at } = me.last;
  if (which !== `${act} ${id}` || Date.now() - at >= 1000) tell(act, id, me);
}

// As often as it is done: a step is no wish that somebody may be impatient about.
function tell(act, id, me) {
  me.last = { which: `${act} ${id}`, at: Date.now() };
  me.queue = [...me.queue, { seq: ++me.seq, epoch: me.epoch, act, id }];
  me.send(me.queue);
  insist(me);
}

// Streamlit drops what comes for a part that it is just drawing anew, and may have kept its value all the same: the same
// value once more would be no news to it, so each time something in it is new. An event is still done only once.
function insist(me) {
  clearTimeout(me.again);
  if (me.queue.length === 0) return;
  me.again = setTimeout(() => {
    me.send(me.queue.map((event) => ({ ...event, told: Date.now() })));
    insist(me);
  }, PATIENCE);
}

// What cannot be undone is asked first, in the browser's own dialog: it holds the focus and Escape means no.
function ask({ title, text, yes, no }, me, then) {
  const box = el("dialog", { class: "ask", "aria-label": title },
    el("h2", {}, title), el("p", {}, text),
    el("div", { class: "acts" }, el("button", { class: "act", type: "button", value: "no", autofocus: true }, no), el("button", { class: "act primary", type: "button", value: "yes" }, yes)));
  box.addEventListener("click", (event) => {
    const { value } = event.target.closest("button") ?? {};
    if (value || event.target === box) box.close(); // beside the box means no
    if (value === "yes") then();
  });
  for (const name of ["keydown", "keyup", "mousedown", "pointerdown"]) box.addEventListener(name, (event) => event.stopPropagation());
  box.addEventListener("close", () => box.remove());
  me.over.replaceChildren(box);
  box.showModal();
}

// Buttons and links. A link with `download` is the browser's own download: one click, no round trip through Python.
// `keys` do the same as a click (see `press` in acts.js); `pressed` makes it a switch; `id` is whatever the act is about.
// A price is one word: a label that needs a second line begins it with "≈", or with what comes before.
const unbroken = (label) => label.replace(/(≈ )?[\d.,]+ (?=\p{L})/gu, (figure) => figure.replaceAll(" ", "\u00a0"));

function action({ act, label, title, href, primary, ask, keys: table, pressed, id: own }, id) {
  const first = table?.split(" ")[0], cap = first && capOf("actions", first), keys = cap === first ? table : cap, heard = keys?.replace("−", "-");
  const hint = keys ? `${title} (${keys.split(" ")[0]})` : title;
  const props = { class: primary ? "act primary" : "act", title: hint, "data-keys": heard, "aria-keyshortcuts": heard };
  if (href) return el("a", { ...props, href, download: "", rel: "noopener" }, unbroken(label));
  return el("button", { ...props, type: "button", "data-act": act, "data-id": own ?? id, "data-ask": ask && JSON.stringify(ask), "aria-pressed": pressed === undefined ? null : String(pressed) }, unbroken(label));
}

// Posts a form whose answer is a file, which the browser then saves by itself, showing how far it is. The frame is out of
// sight; only an answer that is no file is loaded into it, and then `failed` is called: the page itself stays.
function post({ action, fields }, failed) {
  const name = `post-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const frame = el("iframe", { name, hidden: true, tabindex: "-1", "aria-hidden": "true" });
  const form = el("form", { method: "post", action, target: name, hidden: true },
    Object.entries(fields).map(([key, value]) => el("input", { type: "hidden", name: key, value })));
  document.body.append(frame);
  document.body.append(form);
  frame.addEventListener("load", () => frame.contentDocument?.URL === "about:blank" || failed());
  form.submit();
  form.remove();
  setTimeout(() => frame.remove(), 3600 * 1000); // late: until the answer begins, the frame is what waits for it
}

// On the poster of a video: how long it is, beside a triangle that kit.css draws.
function playMark(video) {
  return video && el("span", { class: "play" }, el("span", { class: "unseen" }, video.name), el("span", { "aria-hidden": "true" }, video.length));
}

async function clip(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { style: "position:fixed;opacity:0" }); // plain http has no clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

async function copy(node) {
  await clip(node.dataset.text);
  const before = node.textContent;
  if (before === node.dataset.done) return; // a second press within the moment
  node.textContent = node.dataset.done;
  setTimeout(() => (node.textContent = before), 1500);
}
