// The "Now" strip: one card per task, reserved in the picture's final shape from the first moment.

// What failed or was cancelled needs no room for a picture. But a card that was drawn tall stays so until the list itself
// changes: it fails while people look at it, and nothing may move under their mouse.
function keepTall(data, me) {
  const listed = data.cards.map((card) => card.id).join();
  if (me.listed === listed) return;
  me.listed = listed;
  me.tall = new Set(data.cards.filter((card) => !card.compact).map((card) => card.id));
}

function figure(card, me) {
  if (card.compact && !me.tall.has(card.id)) return card.say && el("p", { class: "note" }, card.say);
  const shape = `aspect-ratio:${card.width}/${card.height}`;
  if (card.picture) {
    const image = me.missing.has(card.picture) ? el("span", { class: "say soft" }, me.text.missing) : el("img", { src: card.picture, alt: card.prompt, width: card.width, height: card.height, decoding: "async" });
    const more = card.more && el("span", { class: "more" }, card.more);
    return el("button", { class: "figure", type: "button", style: shape, "data-act": "open", "data-id": card.id, title: card.open }, image, playMark(card.video), more);
  }
  const moving = card.tone === "work";
  const start = { submitting: "2%", fetching: "97%" }[card.state];
  return el("div", { class: moving ? "figure blank moving" : "figure blank", style: shape },
    card.pixels && el("p", { class: "pixels soft" }, card.pixels),
    card.tick ? clock(card, me) : card.place && el("p", { class: "big" }, card.place),
    card.say && el("p", { class: card.place ? "say soft" : "say" }, card.say),
    moving && el("div", { class: "bar", "aria-hidden": "true" }, el("i", { "data-fill": card.id, style: start && `width:${start}` })));
}

// What the eye looks for while a picture is made, in the place where it will be.
function clock(card, me) {
  const { since, usual, patience, text, then, late, seconds, minutes } = card.tick, now = elapsed(card.tick, me);
  const kept = { "data-since": since, "data-usual": usual, "data-patience": patience, "data-text": text, "data-then": then, "data-late": late, "data-seconds": seconds, "data-minutes": minutes, "data-bar": card.id };
  return el("div", { class: "clock", ...kept }, el("p", { class: "big" }, now.gone), el("p", { class: "soft" }, now.words));
}

function drawCard(card, me) {
  return el("li", { class: `card ${card.tone}`, "data-key": card.id, "data-state": card.state },
    figure(card, me),
    el("p", { class: "state" },
      el("span", { class: "dot" }), el("b", {}, card.word), el("span", { class: "fact soft" }, card.fact)),
    el("p", { class: "prompt clamp", dir: "auto", title: card.prompt }, card.prompt),
    el("p", { class: "meta soft" }, card.meta),
    el("div", { class: "acts" }, buttons(card.actions, card.id, me), menu(card.menu, card.id, me.text, me)),
    card.details && el("details", {}, el("summary", {}, card.details.label), el("p", { class: "own", dir: "auto" }, card.details.text)));
}

// First what is usual; beyond that how long nearly all of them take; and much later that it is still there.
function elapsed({ since, usual, patience, text, then, late, seconds, minutes }, me) {
  const gone = Math.max(0, Math.floor(me.now() - since));
  return {
    gone: gone < 100 ? seconds.replace("{n}", gone) : minutes.replace("{n}", Math.round(gone / 60)),
    words: gone > patience ? late : then && gone > usual ? then : text,
  };
}

// Straight to 85 % at the usual time, then ever slower: it never says "done" before the file is here.
function filled(seconds, usual) {
  return seconds < usual ? (0.85 * seconds) / usual : 0.97 - 0.12 * Math.exp((usual - seconds) / usual);
}

function tick(me) {
  for (const node of me.root.querySelectorAll("[data-since]")) {
    const { since, usual, patience, bar } = node.dataset;
    const { gone, words } = elapsed({ ...node.dataset, since: +since, usual: +usual, patience: +patience }, me);
    [gone, words].forEach((text, at) => node.children[at].textContent !== text && (node.children[at].textContent = text));
    const fill = me.root.querySelector(`[data-fill="${bar}"]`);
    if (fill) fill.style.width = `${100 * filled(Math.max(0, me.now() - since), +usual || 20)}%`;
  }
}

// Says politely what changed since the last drawing; the first drawing says nothing.
function news(data, me) {
  const before = me.words;
  me.words = new Map(data.cards.map((card) => [card.id, card.word]));
  if (!before) return "";
  const changed = data.cards.filter((card) => before.get(card.id) !== card.word && card.tone !== "work");
  return changed.map((card) => `${card.word}: ${card.prompt.slice(0, 80)}`).join(". ") || me.said || "";
}

function render(data, me) {
  me.text = data.words;
  me.missing ??= new Set();
  me.said = news(data, me);
  keepTall(data, me);
  return [
    el("p", { class: "unseen", role: "status", "aria-live": "polite" }, me.said),
    data.queue && el("p", { class: "queue soft" }, data.queue),
    el("ul", { class: "strip", "aria-label": data.label }, data.cards.map((card) => (card.bar ? drawBatch(card) : drawCard(card, me)))),
  ];
}

// Whoever stood on a card that has gone goes on at the one in its place, or at the last.
function letGo(held, at, me) {
  if (held && !held.isConnected) goTo([...me.root.querySelectorAll(".strip > li")].slice(0, at + 1).at(-1), me);
}

function open(node, me) {
  const { id } = node.dataset;
  wish("open", id, me);
  comeBack(me, `[data-key="${CSS.escape(id)}"]`);
}

function goTo(node, me) {
  const card = node ?? me.root.querySelector(".strip > li"); // it may have been deleted in the drawer
  (card?.querySelector("button.figure") ?? card?.querySelector("button"))?.focus();
}

// On a phone the strip is below the form, and whoever looks at older ones has left its top: after a press the new one
// comes into view, once for each batch.
function showArrival(data, me) {
  if (!data.arrived || me.arrived === data.arrived) return;
  me.arrived = data.arrived;
  setTimeout(() => {
    const { top } = me.root.getBoundingClientRect(), calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (top <= 0 || top > window.innerHeight / 2) me.root.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  }, 50); // by then the page has its new height
}

export default inOrder((component) => {
  const held = component.parentElement.activeElement, card = held?.closest(".strip > li"), at = card ? [...card.parentElement.children].indexOf(card) : 0;
  const cleanup = desk(component, render, { tick, local: { ...shared, open } });
  const me = desks.get(component.parentElement);
  me.redraw = () => morph(me.root, el("div", { class: "root" }, render(component.data, me)));
  letGo(held, at, me);
  if (!me.live) {
    prepare(me, component.parentElement);
    me.root.addEventListener("error", ({ target }) => {
      if (target.parentElement?.matches(".figure")) [me.missing.add(target.getAttribute("src")), me.redraw()];
    }, true); // errors do not bubble
    me.root.addEventListener("keydown", (event) => {
      if (!inMenu(event) && !writes(event.target)) press(event, event.target.closest(".card"));
    });
  }
  showArrival(component.data, me);
  return cleanup;
});
