// The drawer: one task whole. Prompts and the provider's words are text, never markup.
// It walks through the list behind it: a key shows the next picture at once, for it is here already, and Python follows
// with the rest. Each step is an event of the queue, so none gets lost however fast they come.

function pictures(data, me) {
  return data.pictures.map((one, at) =>
    el("div", { class: "picture", "data-key": one.src },
      one.video && !me.unplayable.has(one.full) ? film(one, data) : still(one, data, at, me),
      one.video && me.unplayable.has(one.full) && el("p", { class: "under soft" }, data.words.unplayable),
      el("p", { class: "under" }, el("span", { class: "soft" }, one.facts), data.pictures.length > 1 && el("span", { class: "acts" }, one.href && save(one), one.edit && action(one.edit, data.id)))));
}

// A click looks closer; as a link it can also be opened in a tab of its own.
function still(one, data, at, me) {
  if (me.gone.has(one.src) && !one.gone) me.lost.delete(one.src); // its file is back
  me.gone[one.gone ? "add" : "delete"](one.src);
  if (me.lost.has(one.src)) return el("p", { class: "stage absent soft", role: "status" }, data.words.absent);
  return el("a", { class: "stage", href: one.full, target: "_blank", rel: "noopener", title: `${data.words.closer} (${capOf("sheet", "Z")})`, "aria-label": `${data.words.closer}: ${data.prompt}`, role: "button", "aria-haspopup": "dialog", "data-at": at },
    el("img", { src: one.src, alt: data.prompt, width: one.width, height: one.height, decoding: "async" }));
}

// It plays when a person wants it and not before: of the file, only what tells its length is loaded.
function film(one, data) {
  return el("video", { class: "stage", src: one.full, poster: one.src, controls: true, controlslist: "nodownload", preload: "metadata", playsinline: true, "aria-label": data.prompt, width: one.width, height: one.height });
}

function save(one) {
  return action({ label: one.label, href: one.href, title: one.name, keys: one.keys });
}

function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

// Beside a value, to take it along: of a sentence that holds an id, the id alone.
function take(name, text, words) {
  const label = words.take.replace("{name}", name);
  return el("button", { class: "take", type: "button", "data-act": "take", "data-text": text, "aria-label": label, title: label });
}

async function taken(node, me) {
  await clip(node.dataset.text);
  say(me.data.words.copied, me);
  node.classList.add("done");
  setTimeout(() => (node.classList.remove("done"), say("", me)), 1500);
}

// Of an id of ours its end, which tells it from all others; the whole is what is copied.
const short = (text) => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? `…${text.slice(-12)}` : text);

function pairs(rows, words) {
  return el("dl", {}, rows.map(([name, value, own]) => [el("dt", { class: "soft" }, name), el("dd", { dir: "auto", title: value }, short(value), take(name, own ?? value, words))]));
}

// Asked and used side by side; a difference has a sign and a word, not only a colour.
function comparison(rows, words) {
  if (!rows.some((row) => row.used)) return pairs(rows.map((row) => [row.name, row.asked]), words);
  const used = (row) => row.used
    ? el("td", { dir: "auto" }, row.differs && el("span", { class: "sign", title: words.differs }, "≠ ", el("span", { class: "unseen" }, `${words.differs}: `)), row.used, take(row.name, row.used, words))
    : el("td", { class: "soft" }, el("span", { "aria-hidden": "true" }, "–"), el("span", { class: "unseen" }, words.unsaid));
  return el("table", {},
    el("thead", {}, el("tr", { class: "soft" }, el("th", { scope: "col" }, el("span", { class: "unseen" }, words.setting)), el("th", { scope: "col" }, words.asked), el("th", { scope: "col" }, words.used))),
    el("tbody", {}, rows.map((row) =>
      el("tr", { class: row.differs && "differs" }, el("th", { class: "soft", scope: "row" }, row.name), el("td", { dir: "auto", colspan: row.fact && 2 }, row.asked, /[\p{L}\p{N}]/u.test(row.asked) && take(row.name, row.asked, words)), !row.fact && used(row)))));
}

// The family: what it came of → this one → what came of it. What is folded away is one click off.
function kin(one, here) {
  return el("li", { class: one.tone, "data-key": one.id },
    el("button", { class: "kin", type: "button", "data-act": "go", "data-id": one.id, "aria-label": here ? `${one.name} (${here})` : one.name, "aria-current": here && "true", title: one.name },
      one.src ? el("img", { src: one.src, alt: "", width: 56, height: 56, loading: "lazy" }) : el("span", { class: "blank" }, el("span", { class: "dot" })),
      el("span", {}, one.relation), el("small", { class: "soft" }, one.cost || " "), one.came > 0 && el("span", { class: "came", "aria-hidden": "true" }, `+${one.came}`)));
}

function family(one, me) {
  const open = me.unfolded === one.me.id, arrow = () => el("li", { class: "arrow soft", "aria-hidden": "true" }, "→");
  const fold = (count, title) => !open && count > 0 && el("li", {}, el("button", { class: "kin fold", type: "button", "data-act": "unfold", "data-id": one.me.id, "aria-label": title, title }, `+${count}`));
  const elders = open ? one.elders : one.elders.slice(one.fold.elders);
  const children = open ? one.children : one.children.slice(0, one.children.length - one.fold.children);
  return section(one.title, el("ol", { class: "family" },
    fold(one.fold.elders, one.more_elders), elders.map((each) => [kin(each), arrow()]), kin(one.me, one.me.here),
    children.length > 0 && arrow(), children.map((each) => kin(each)), fold(one.fold.children, one.more_children)));
}

// A word of the team's, with what takes it off; and a field in which another one is written.
function chip(name, act, id, label) {
  return el("span", { class: "tag", "data-key": `${act} ${name}` }, name,
    el("button", { type: "button", "data-act": act, "data-id": id, "aria-label": label, title: label }, "×"));
}

function field(act, id, label, { others, longest }) {
  return el("span", { class: act === "tag" ? "new-tag" : "new-tag wide", "data-key": `new ${act}` },
    el("input", { type: "text", list: `known-${act}`, maxlength: longest, placeholder: label, "aria-label": label, "data-task": id, "data-does": act, autocomplete: "off", enterkeyhint: "done" }),
    el("datalist", { id: `known-${act}` }, others.map((name) => el("option", { value: name }))));
}

function tags(told, id, words) {
  return section(words.tags, el("div", { class: "tags" },
    told.mine.map((name) => chip(name, "untag", `${id} ${name}`, words.remove_tag.replace("{name}", name))),
    field("tag", id, words.add_tag, told)));
}

// What was done to it last, for the ten seconds in which it can be taken back.
function undone(undo, words) {
  return undo && el("p", { class: "undo soft", "data-key": "undo" }, el("span", {}, undo.text), undo.also && action(undo.also, ""), el("button", { class: "act", type: "button", "data-act": "undo", "data-id": "" }, words.undo));
}

function project(told, id, words, undo) {
  return section(words.project, el("div", { class: "tags" },
    told.mine && chip(told.mine, "move", `${id} `, words.take_out.replace("{name}", told.mine)),
    field("move", id, told.mine ? words.to_other : words.to_project, told)),
    undone(undo?.about === "project" && undo, words));
}

// Where the steps lead that Python has not answered yet: the tasks in their order, and the place in it.
function place(data, me) {
  const line = [...data.walk.newer.toReversed(), { id: data.id, here: true }, ...data.walk.older];
  let at = data.walk.newer.length;
  for (const { act, id } of me.queue) {
    const found = act === "go" ? line.findIndex((one) => one.id === id) : -1;
    if (found >= 0) at = found;
  }
  return { line, at, waits: me.queue.some(({ act }) => act === "go" || act === "newer" || act === "older") };
}

function step(way, me) {
  const { line, at } = place(me.data, me), next = line[at + (way === "older" ? 1 : -1)];
  if (next) {
    tell("go", next.id, me);
    say([next.prompt?.slice(0, 80), next.word].filter(Boolean).join(". "), me);
  } else if (me.data.walk[`more_${way}`]) {
    if (me.queue.length < 30) tell(way, "", me); // a key that is held down runs ahead of everybody
  } else return say(way === "older" ? me.data.words.oldest : me.data.words.newest, me);
  me.redraw();
}

function steps(data, { line, at }) {
  const { words, walk } = data;
  const button = (way, sign, key, none) => el("button", { class: "act", type: "button", "data-act": way, "aria-label": words[way], title: `${words[way]} (${sign})`, "aria-keyshortcuts": key, "aria-disabled": none && "true" }, el("span", { "aria-hidden": "true" }, sign));
  return el("div", { class: "steps", role: "group", "aria-label": words.walk },
    button("newer", "←", "ArrowLeft", at === 0 && !walk.more_newer), button("older", "→", "ArrowRight", at === line.length - 1 && !walk.more_older));
}

// Of a task that Python has not told yet there is the picture, the prompt and the state; the rest stands faint till then.
function foreseen(data, one) {
  const picture = one.picture && { ...one.picture, full: one.picture.src, facts: `${one.picture.width} × ${one.picture.height}` };
  return { ...data, id: one.id, prompt: one.prompt, pieces: [[one.prompt, false]], word: one.word, tone: one.tone, fact: "", say: "", title: "", age: "", pictures: picture ? [picture] : [], undo: null };
}

function render(told, me) {
  me.data = told;
  const where = place(told, me), one = where.line[where.at];
  const data = one.here ? told : foreseen(told, one), { words } = data;
  const undo = (me.offer = offered(data.undo, me, ".undo", () => me.redraw()));
  Object.assign(me, { stale: where.waits, seen: data.pictures, seenPrompt: data.prompt });
  me.host.dataset.shows = data.id; // for `comeBack`
  return el("div", { class: data.tone },
    el("div", { class: "head" },
      el("div", { class: "top" }, steps(told, where), el("h2", { class: "what", dir: "auto", title: data.prompt }, data.prompt)),
      el("p", { class: "state" }, el("span", { class: "dot" }), el("b", {}, data.word),
        el("span", { class: "soft" }, [data.fact, data.title].filter(Boolean).join(" · "), data.age && [" · ", el("time", { title: data.when }, data.age)]))),
    data.say && el("p", { class: "say" }, data.say),
    pictures(data, me),
    el("div", { class: me.stale ? "rest stale" : "rest", "aria-busy": me.stale && "true" },
      el("div", { class: "acts main" }, data.pictures.length === 1 && data.pictures[0].href && save(data.pictures[0]), buttons(data.actions, data.id, me), menu(data.menu, data.id, words, me)),
      data.pick && el("p", { class: "soft picked" }, data.pick), undone(undo?.about !== "project" && undo, words),
      section(words.prompt,
        el("p", { class: "prompt", dir: "auto" }, data.pieces.map(([text, hit]) => (hit ? el("mark", {}, text) : text))),
        el("button", { class: "act", type: "button", "data-act": "copy", "data-text": data.prompt, "data-done": words.copied }, words.copy)),
      data.family && family(data.family, me),
      project(data.project, data.id, words, undo),
      tags(data.tags, data.id, words),
      data.references.length > 0 && section(words.references,
        el("ul", { class: "refs" }, data.references.map((each) => el("li", { title: each.note }, el("img", { src: each.src, alt: each.name, width: 72, height: 72, loading: "lazy" }))))),
      section(words.settings, comparison(data.settings, words)),
      data.timeline.length > 0 && section(words.timeline, el("ol", { class: "timeline" }, data.timeline.map(([at, what, detail]) =>
        el("li", {}, el("time", { class: "soft" }, at), el("span", {}, what, detail && el("small", { class: "soft", dir: "auto" }, detail)))))),
      el("details", { "data-key": "ids" }, el("summary", {}, words.details), pairs(data.ids, words))));
}

// The pictures on both sides are fetched and decoded before anybody asks for them.
function preload(data, me) {
  const near = [data.walk.older[0], data.walk.newer[0], data.walk.older[1], data.walk.newer[1]];
  const kept = new Map();
  for (const src of near.map((one) => one?.picture?.src).filter(Boolean)) {
    const image = me.near?.get(src) ?? Object.assign(new Image(), { src });
    image.decode().catch(() => {}); // a file that does not come is told by the picture itself
    kept.set(src, image);
  }
  me.near = kept;
}

function written(input, me) {
  const name = input.value.trim();
  if (!name) return;
  wish(input.dataset.does, `${input.dataset.task} ${name}`, me);
  input.value = "";
}

const local = {
  ...shared,
  take: taken,
  newer: (node, me) => step("newer", me),
  older: (node, me) => step("older", me),
  go: (node, me) => node.getAttribute("aria-current") || (tell("go", node.dataset.id, me), me.redraw()),
  undo: (node, me) => [focusDrawer(node), wish("undo", "", me), (me.undone = me.offer.until), me.redraw()], // the button goes with what it offered
  unfold: (node, me) => ((me.unfolded = node.dataset.id), me.redraw()),
};

// A letter is meant for the one that is seen: it waits until that one is told, and a step that follows it waits behind it.
// The drawer is the only thing that can be used while it is open, so its keys are heard wherever the focus is in it.
function pressed(event, me) {
  if (!writes(event.composedPath()[0])) heard(event, me);
}

function heard(event, me) {
  const key = keyOf(event, "sheet"), letter = key.length === 1;
  if (key === "Z") return event.repeat || openCloser(me);
  if (me.stale && !event.repeat && (letter || (me.held.length && keyOf(event).startsWith("Arrow")))) return void me.held.push(event);
  const way = { ArrowLeft: "newer", ArrowRight: "older" }[keyOf(event)];
  if (way && !event.shiftKey) {
    event.preventDefault();
    return step(way, me);
  }
  press(event, me.root);
}

// Whoever writes a tag or a project presses letters that mean something else to the page around, and Escape that means the field.
function writing(event, me) {
  if (!event.target.matches?.("input")) return inMenu(event);
  event.stopPropagation();
  if (event.isComposing) return;
  if (event.key === "Enter") written(event.target, me);
  else if (event.key === "Escape") leaveField(event.target);
}

// To the drawer itself: where nothing in it has the focus, it would not hear the next Escape.
function focusDrawer(node) {
  node.getRootNode().host.closest("[role=dialog]").focus();
}

// What had the focus may go with the task that was shown, as the menu does in which it was deleted.
function letGo(held, me) {
  if (held && !held.isConnected) focusDrawer(me.root);
}

// Once, from a place that was there before: what comes with its text is often not read.
function tellOffer(me) {
  if (me.offer && me.offer.until !== me.offerTold) say(me.offer.text, me);
  me.offerTold = me.offer?.until;
}

function leaveField(field) {
  field.value = "";
  focusDrawer(field);
}

function pressedPicture(event, me) {
  const picture = event.target.closest("a.stage");
  if (!picture || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openCloser(me, Number(picture.dataset.at), event.detail > 0 ? event : null); // by Enter there is no place
}

function swiped(me) {
  let from = null;
  me.root.addEventListener("touchstart", ({ touches, target }) => (from = touches.length === 1 && target.closest(".stage") ? touches[0] : null), { passive: true });
  me.root.addEventListener("touchend", ({ changedTouches: [to] }) => {
    if (!from) return;
    const x = to.clientX - from.clientX, y = to.clientY - from.clientY;
    if (Math.abs(x) > 48 && Math.abs(x) > 2 * Math.abs(y)) step(x < 0 ? "older" : "newer", me);
  }, { passive: true });
}

function begin(me, parentElement) {
  prepare(me, parentElement);
  Object.assign(me, { gone: new Set(), unplayable: new Set(), lost: new Set(), held: [], heard: (event) => pressed(event, me), host: parentElement.getRootNode().host });
  me.root.addEventListener("keydown", (event) => writing(event, me));
  for (const name of ["keyup", "keypress"]) me.root.addEventListener(name, (event) => event.target.matches?.("input") && event.stopPropagation());
  me.root.addEventListener("click", (event) => me.stale && event.target.closest(".rest") && event.stopImmediatePropagation(), true); // by Enter: what it says is of another task
  me.root.addEventListener("click", (event) => pressedPicture(event, me));
  swiped(me);
  me.root.addEventListener("error", ({ target }) => { // H.265, for example, which not every browser knows
    const kind = target.nodeName === "VIDEO" ? me.unplayable : target.closest(".stage") ? me.lost : null;
    if (!kind) return;
    kind.add(target.getAttribute("src"));
    me.redraw();
  }, true); // errors do not bubble
}

export default inOrder((component) => {
  const { data, parentElement } = component, held = parentElement.activeElement;
  const cleanup = desk(component, (told, me) => (me.live || begin(me, parentElement), render(told, me)), { local });
  const me = desks.get(parentElement);
  me.redraw = () => {
    const held = parentElement.activeElement;
    morph(me.root, el("div", { class: "root" }, render(data, me)));
    letGo(held, me);
    showCloser(me);
  };
  letGo(held, me);
  tellOffer(me);
  showCloser(me);
  document.addEventListener("keydown", me.heard);
  preload(data, me);
  while (!me.stale && me.held.length) heard(me.held.shift(), me);
  return () => {
    cleanup();
    document.removeEventListener("keydown", me.heard);
  };
});
