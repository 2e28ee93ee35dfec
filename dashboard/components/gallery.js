// The History grid: equal tiles under the keyboard and the mouse. The pattern is the listbox of the WAI-ARIA practices, in
// two dimensions: one tile is in the tab order, arrows lead on from it. What can be clicked in a tile besides the tile
// itself is for the mouse; each has its key.

function render(data, me) {
  me.data = data;
  if (me.told !== data.size) me.size = me.told = data.size;
  if (!data.items.some((item) => item.id === me.at)) me.at = data.items[0]?.id;
  const over = (me.laid = overlaid(data, me));
  return [
    head(data, me),
    el("div", { class: "float" },
      data.stale && el("p", { class: "stale", role: "alert" }, data.stale, el("button", { class: "act", type: "button", "data-act": "again", "data-id": "" }, data.words.again)),
      me.trouble && el("p", { class: "stale", role: "alert" }, me.trouble, el("button", { class: "act", type: "button", "data-act": "calm" }, data.words.close)),
      data.fresh && el("button", { class: "fresh", type: "button", "data-act": "show_new", "data-id": "", title: data.words.new }, [data.fresh, data.arrow].filter(Boolean).join(" "))),
    el("div", { class: me.mode ? "lists mode" : "lists", "data-key": "lists" }, lists(data, me, over)),
    pages(data),
    bar(data, me, over),
    data.view === "list" && [tagEditor(data, me, over), projectChoice(data, over), zipKinds(data)],
    el("p", { class: "unseen", role: "status", "data-key": "say" }, saying(data, me, over)),
  ];
}

function redraw(me) {
  const root = me.root.getRootNode(), held = root.activeElement;
  morph(me.root, el("div", { class: "root" }, render(me.data, me)));
  if (held?.isConnected && root.activeElement !== held) held.focus({ preventScroll: true });
  letGo(held, me);
}

// Whoever stood on what is gone (the bar, after Delete) goes on at the tile where they were.
function letGo(held, me) {
  if (held && !held.isConnected) me.root.querySelector(".tile[tabindex='0']")?.focus({ preventScroll: true });
}

function does(act, ids, me) {
  wish(act, [ids].flat().join(" "), me);
  redraw(me);
}

const tiles = (me) => [...me.root.querySelectorAll(".tile")];
const itemOf = (id, me) => me.data.items.find((item) => item.id === id);

function goTo(node, me) {
  if (!node) return;
  me.root.querySelector(".tile[tabindex='0']")?.setAttribute("tabindex", "-1");
  me.at = node.dataset.key;
  node.setAttribute("tabindex", "0");
  node.focus();
  node.scrollIntoView({ block: "nearest" });
}

// The tile in the next row, nearest in its column: sections may end in half a row.
function below(node, me, down) {
  const from = node.getBoundingClientRect(), middle = from.left + from.width / 2;
  const rows = tiles(me).map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => (down ? box.top > from.top + 4 : box.top < from.top - 4));
  const next = down ? Math.min(...rows.map(([, box]) => box.top)) : Math.max(...rows.map(([, box]) => box.top));
  const far = ([, box]) => Math.abs(box.left + box.width / 2 - middle);
  return rows.filter(([, box]) => Math.abs(box.top - next) < 4).sort((a, b) => far(a) - far(b))[0]?.[0];
}

function toggle(id, me, upTo = false) {
  if (itemOf(id, me)?.gone) return;
  const all = tiles(me).filter((node) => !node.classList.contains("gone")).map((node) => node.dataset.key);
  const from = all.indexOf(me.anchor), to = all.indexOf(id);
  const span = upTo && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  const on = span.length > 1 || !me.laid.chosen.has(id);
  Object.assign(me, { anchor: id, say: "" });
  does(on ? "select" : "unselect", span, me);
}

// A star or a pick, put on or taken off.
function mark(act, id, me) {
  const on = !me.laid.marks[act].get(id), { words } = me.data;
  me.say = { star: [words.unstarred, words.starred], pick: [words.unpicked, words.picked] }[act][Number(on)];
  does(on ? act : `un${act}`, id, me);
}

// Of what is selected, or of the tile that is named.
function marks(act, id, me) {
  if (me.laid.count) wish(lacking(act, me.laid) > 0 ? `${act}_all` : `un${act}_all`, "", me);
  else mark(act, id, me);
}

function open(id, me) {
  if (itemOf(id, me)?.gone) return me.data.undo && wish("restore", id, me);
  if (me.data.view === "deleted") return toggle(id, me);
  wish("open", id, me);
  comeBack(me, ".tile[tabindex='0']");
}

// Deletes what is selected, or the tile that is named; which of the two, the bar shows.
function remove(id, me) {
  const ids = me.laid.count ? "" : id;
  if (ids && itemOf(id, me)?.gone) return;
  wish("delete", ids, me);
}

// Opens the box of the tags or of the project, for what is selected or the tile that is named.
function edit(which, me, id) {
  if (!me.laid.count && id) does("select", id, me);
  const box = me.root.querySelector(which);
  if (!me.laid.count || !box) return;
  box.showPopover();
  box.querySelector("input").focus();
}

const ONCE = /^[ABFMSTZ ]$|^(Enter|Delete|Backspace|Escape)$/; // what is one press, however long it is held

function pressed(event, me) {
  if (event.target.matches?.(".newtag, .newproject")) return typed(event, me);
  if (event.target.closest?.("[popover]")) return; // keys belong to what is open: Escape closes it, and no more
  const node = event.target.closest?.(".tile");
  if (event.defaultPrevented || event.altKey) return;
  const id = node?.dataset.key, plain = !event.ctrlKey && !event.metaKey, list = me.data.view === "list";
  const all = tiles(me), at = all.indexOf(node);
  const to = node && { ArrowRight: all[at + 1], ArrowLeft: all[at - 1], Home: all[0], End: all.at(-1), ArrowDown: below(node, me, true), ArrowUp: below(node, me, false) };
  const key = keyName(event, "gallery"), moves = to && key in to && plain;
  if (event.repeat && !moves && ONCE.test(key) && (key === "A" ? !plain : plain) && (node || !/^( |Enter)$/.test(key)))
    return void (event.target.closest?.("button") || event.preventDefault());
  if (moves) {
    if (event.shiftKey && to[key]) {
      if (!me.laid.chosen.has(id)) toggle(id, me);
      me.anchor ??= id;
      toggle(to[key].dataset.key, me, true);
    }
    goTo(to[key], me);
  } else if (key === "A" && !plain) does("select", all.filter((one) => !one.classList.contains("gone")).map((one) => one.dataset.key), me);
  else if (!plain) return;
  else if (node && key === "Enter") open(id, me);
  else if (node && key === " ") toggle(id, me, event.shiftKey);
  else if (list && key === "F" && (me.laid.count || (node && !itemOf(id, me).gone))) marks("star", id, me);
  else if (list && key === "B" && (me.laid.count || (node && !itemOf(id, me).gone))) marks("pick", id, me);
  else if (list && node && (key === "Delete" || key === "Backspace")) remove(id, me);
  else if (list && key === "T") edit(".tagbox", me, id);
  else if (list && key === "M") edit(".projectbox", me, id);
  else if (key === "Z" && undoes(me.data, me)) local.undo(null, me);
  else if (key === "S") local.mode(null, me);
  else if ((key === "N" || key === "P") && me.data[key === "N" ? "older" : "newer"] !== null) turn(key === "N" ? "older" : "newer", me);
  else if (key === "Escape" && (me.laid.count || me.mode)) [(me.mode = false), does("clear", "", me)];
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function typed(event, me) {
  event.stopPropagation();
  const name = event.target.value.trim();
  if (event.key !== "Enter" || event.isComposing || !name) return;
  event.target.value = "";
  if (event.target.matches(".newtag")) wish("tag", name, me);
  else moveTo(name, me);
}

// One project and no other: the box has done its work, and the keyboard goes on at the tile where it was.
function moveTo(name, me) {
  me.root.querySelector(".projectbox").hidePopover();
  me.root.querySelector(".tile[tabindex='0']")?.focus({ preventScroll: true });
  wish("move", name, me);
}

function turn(act, me) {
  me.turned = me.data.page;
  wish(act, String(me.data[act]), me);
}

function clickedTile(event, me) {
  const node = event.target.closest(".tile"), id = node?.dataset.key;
  if (!node) return;
  goTo(node, me);
  if (event.target.closest(".star")) mark("star", id, me);
  else if (event.target.closest(".tick") || event.shiftKey || event.ctrlKey || event.metaKey || me.mode) toggle(id, me, event.shiftKey);
  else open(id, me);
}

const local = {
  calm: (_, me) => [(me.trouble = null), redraw(me)],
  mode: (_, me) => [(me.mode = !me.mode), redraw(me)],
  resize: (node, me) => [(me.size = node.dataset.id), wish("size", me.size, me), redraw(me)],
  tags: (_, me) => edit(".tagbox", me),
  project: (_, me) => edit(".projectbox", me),
  move: (node, me) => moveTo(node.dataset.id, me),
  zips: (_, me) => [me.root.querySelector(".zipbox").showPopover(), me.root.querySelector(".zipbox button").focus()],
  zip: (node, me) => [node.closest(".zipbox").hidePopover(), wish("zip", node.dataset.id, me)],
  undo: (_, me) => [(me.undone = me.data.undo.until), wish("undo", "", me), redraw(me)],
  show_new: (_, me) => [wish("show_new", "", me), me.root.scrollIntoView({ block: "start", behavior: "instant" })],
  clear: (_, me) => [(me.mode = false), does("clear", "", me)],
  older: (_, me) => turn("older", me),
  newer: (_, me) => turn("newer", me),
};

function listen(me) {
  me.root.addEventListener("keydown", (event) => pressed(event, me));
  me.root.addEventListener("click", (event) => clickedTile(event, me));
  me.root.addEventListener("dragstart", (event) => carry(event, me));
  me.root.addEventListener("focusin", (event) => {
    const node = event.target.closest?.(".tile");
    if (node) me.at = node.dataset.key;
  });
  // What opens over the bar gives the focus back to where it was, unless somebody has taken it elsewhere.
  const held = () => me.root.getRootNode().activeElement;
  me.root.addEventListener("beforetoggle", ({ newState }) => newState === "open" && (me.opener = held()), true);
  me.root.addEventListener("toggle", ({ target, newState }) => {
    if (newState === "closed" && me.opener?.isConnected && (!held() || target.contains(held()))) me.opener.focus({ preventScroll: true });
  }, true);
  // Where nothing has the focus, keys are the grid's too: Z after a press of the mouse. Not under a dialog.
  const nowhere = (event) => {
    if (!me.root.isConnected) return document.removeEventListener("keydown", nowhere);
    const held = document.activeElement;
    if ((!held || held === document.body || held.matches("main, section")) && !document.querySelector("[role=dialog]")) pressed(event, me);
  };
  document.addEventListener("keydown", nowhere);
  // A picture that does not come is asked about once; `error` does not bubble, so it is caught on its way down.
  me.asked = new Set();
  me.root.addEventListener("error", (event) => {
    const { sha } = event.target.dataset;
    if (!sha || me.asked.has(sha)) return;
    me.asked.add(sha);
    wish("missing", sha, me);
  }, true);
}

// The form comes once for each press; a drawing that shows it again sends nothing.
function download({ zip, words }, me) {
  if (!zip || me.posted === `${me.epoch} ${zip.number}`) return;
  me.posted = `${me.epoch} ${zip.number}`;
  post(zip.form, () => [(me.trouble = words.zip_failed), redraw(me)]);
}

export default inOrder((component) => {
  const held = component.parentElement.activeElement;
  const cleanup = desk(component, render, { local });
  const me = desks.get(component.parentElement);
  letGo(held, me);
  if (!me.ready) [(me.ready = true), listen(me), listenToLasso(me)];
  download(component.data, me);
  if (me.turned && me.turned !== component.data.page) {
    me.root.scrollIntoView({ block: "start", behavior: "instant" });
    goTo(tiles(me)[0], me); // the keyboard goes on at the first tile of the other page
    me.turned = "";
  }
  return cleanup;
});
