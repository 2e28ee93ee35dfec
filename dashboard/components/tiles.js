// How the History grid looks: its head, its sections and its tiles. What a person has just done is laid over what Python
// said, until Python has heard of it: a selection must not wait for a round trip.

function overlaid(data, me) {
  const chosen = new Set(data.selected.here);
  const marks = { star: new Map(data.items.map((item) => [item.id, item.star])), pick: new Map(data.items.map((item) => [item.id, item.pick])) };
  const sizes = new Map(data.items.map((item) => [item.id, item.size]));
  let { count, bytes } = data.selected;
  const marked = { ...data.selected.marked };
  const choose = (id, on) => {
    if (chosen.has(id) === on) return;
    chosen[on ? "add" : "delete"](id);
    count += on ? 1 : -1;
    bytes += (on ? 1 : -1) * (sizes.get(id) ?? 0);
    for (const mark in marks) if (marks[mark].get(id)) marked[mark] += on ? 1 : -1;
  };
  for (const { act, id } of me.queue) {
    const ids = id.split(" ");
    if (act === "select" || act === "unselect") ids.forEach((one) => choose(one, act === "select"));
    const mark = act.replace(/^un/, "");
    if (mark in marks) ids.forEach((one) => marks[mark].set(one, act === mark));
    if (mark.endsWith("_all")) marked[mark.slice(0, -4)] = act === mark ? count : 0;
    if (act === "clear") [chosen.clear(), (count = bytes = marked.star = marked.pick = 0)];
  }
  return { chosen, marks, marked, count, bytes };
}

function picture(item, large) {
  if (item.missing) return el("span", { class: "blank" }, el("span", { class: "lost", "aria-hidden": "true" }), item.missing);
  if (!item.picture) return el("span", { class: "blank", dir: "auto" }, el("span", { class: "clamp" }, item.prompt));
  const src = large ? item.large : item.picture;
  return el("img", { src, alt: "", loading: "lazy", decoding: "async", width: item.width, height: item.height, draggable: "false", "data-sha": item.sha });
}

// With a mouse a tile can be carried away, to the reference zone of another window: by the address of its picture, which
// the desk there knows. Whoever carries one that is selected carries all that are. A finger that stays on a tile scrolls.
const MOUSE = matchMedia("(pointer: fine)").matches;
const portable = (item) => item.picture && !item.video && !item.gone && !item.missing;

function carry(event, me) {
  const id = event.target.closest?.(".tile")?.dataset.key;
  const ids = me.laid.chosen.has(id) ? me.laid.chosen : new Set([id]);
  const links = me.data.items.filter((item) => ids.has(item.id) && portable(item)).map((item) => item.picture);
  event.dataTransfer.effectAllowed = "copyLink";
  event.dataTransfer.setData("text/uri-list", links.join("\r\n"));
}

function tile(item, data, me, over) {
  const chosen = over.chosen.has(item.id), starred = over.marks.star.get(item.id) && !item.gone, picked = over.marks.pick.get(item.id) && !item.gone, { words } = data;
  const line = item.line ?? [item.model, item.cost].filter(Boolean).join(" · ");
  const name = [item.prompt, item.video?.name, item.more?.name, item.missing, item.word, line, item.age, picked && words.picked, starred && words.starred, ...item.tags].filter(Boolean).join(". ");
  return el("li", {
    class: ["tile", item.tone, item.gone && "gone"].filter(Boolean).join(" "), role: "option", tabindex: item.id === me.at ? 0 : -1,
    draggable: MOUSE && portable(item) && "true",
    "data-key": item.id, "data-state": item.gone ? "deleted" : item.state, "aria-selected": String(chosen), "aria-label": name, title: me.size !== "m" && item.prompt,
  },
    el("span", { class: "frame" },
      picture(item, me.size === "l"),
      item.picture && !item.missing && me.size === "m" && el("span", { class: "over", "aria-hidden": "true", dir: "auto" }, el("span", { class: "clamp" }, item.prompt)),
      playMark(item.video),
      picked && el("span", { class: "picked", "aria-hidden": "true" }, words.picked),
      item.more && el("span", { class: "more", "aria-hidden": "true" }, item.more.sign),
      !item.gone && el("span", { class: "tick", "aria-hidden": "true" }),
      !item.gone && data.view === "list" && el("span", { class: starred ? "star on" : "star", "aria-hidden": "true" }),
      item.gone && data.undo && el("span", { class: "back", "aria-hidden": "true" }, words.undo)),
    el("span", { class: "state", "aria-hidden": "true" }, el("span", { class: "dot" }), el("b", {}, item.word), el("span", { class: "age soft", title: item.when }, item.age)),
    el("span", { class: "line soft", "aria-hidden": "true" }, line),
    me.size === "l" && el("span", { class: "said clamp", "aria-hidden": "true", dir: "auto" }, item.picture ? item.prompt : ""), // else it stands in the frame
    me.size === "l" && el("span", { class: "tags soft", "aria-hidden": "true" }, item.tags.map((tag) => el("span", {}, tag))));
}

// One list of tiles, or one for each cause of a failure with its sentence and what can be done about it.
function lists(data, me, over) {
  const box = (items, name) => el("ul", { class: `grid ${me.size}`, role: "listbox", "aria-multiselectable": "true", "aria-label": name, "data-key": name }, items.map((item) => tile(item, data, me, over)));
  if (!data.sections) return box(data.items, data.label);
  const known = new Map(data.items.map((item) => [item.id, item]));
  return data.sections.map((one) => el("section", { "data-key": `cause ${one.id}` },
    el("div", { class: "cause" },
      el("h2", {}, one.title, el("span", { class: "soft" }, one.count)),
      el("p", { class: "soft" }, one.text),
      el("div", { class: "acts" }, one.actions.map((act) => action(act, one.id)))),
    box(one.ids.map((id) => known.get(id)).filter(Boolean), one.title)));
}

function head(data, me) {
  const { words } = data;
  const size = (name) => el("button", { type: "button", "data-act": "resize", "data-id": name, "aria-pressed": String(me.size === name), "aria-label": words.sizes[name], title: words.sizes[name] }, name.toUpperCase());
  return el("div", { class: "head" },
    el("span", { class: "count soft" }, data.count),
    el("button", { class: me.mode ? "act on" : "act", type: "button", "data-act": "mode", "aria-pressed": String(Boolean(me.mode)), title: words.mode }, words.select),
    el("div", { class: "sizes", role: "group", "aria-label": words.size }, Object.keys(words.sizes).map(size)));
}

function pages(data) {
  if (data.older === null && data.newer === null) return null;
  const turn = (act, label) => el("button", { class: "act", type: "button", "data-act": act, "data-id": data[act] ?? "", "aria-disabled": data[act] === null && "true" }, label);
  return el("div", { class: "pages", "data-key": "pages" }, turn("newer", `← ${data.words.newer}`), turn("older", `${data.words.older} →`));
}
