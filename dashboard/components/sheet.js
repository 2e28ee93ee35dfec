// The drawer: one task whole. Prompts and the provider's words are text, never markup.

function pictures(data, me) {
  return data.pictures.map((one) =>
    el("div", { class: "picture", "data-key": one.src },
      one.video && !me.unplayable?.has(one.full) ? film(one, data) : still(one, data),
      one.video && me.unplayable?.has(one.full) && el("p", { class: "under soft" }, data.words.unplayable),
      el("p", { class: "under" }, el("span", { class: "soft" }, one.facts), data.pictures.length > 1 && save(one))));
}

function still(one, data) {
  return el("a", { href: one.full, target: "_blank", rel: "noopener", title: data.words.full, style: `aspect-ratio:${one.width}/${one.height}` },
    el("img", { src: one.src, alt: data.prompt, width: one.width, height: one.height, decoding: "async" }));
}

// It plays when a person wants it and not before: of the file, only what tells its length is loaded.
function film(one, data) {
  return el("video", { src: one.full, poster: one.src, controls: true, controlslist: "nodownload", preload: "metadata", playsinline: true, "aria-label": data.prompt, width: one.width, height: one.height, style: `aspect-ratio:${one.width}/${one.height}` });
}

function save(one) {
  return action({ label: one.label, href: one.href, title: one.name });
}

function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

function pairs(rows) {
  return el("dl", {}, rows.map(([name, value]) => [el("dt", { class: "soft" }, name), el("dd", { dir: "auto" }, value)]));
}

// Asked and used side by side; a difference has a sign and a word, not only a colour.
function comparison(rows, words) {
  if (!rows.some((row) => row.used)) return pairs(rows.map((row) => [row.name, row.asked]));
  const used = (row) => row.used
    ? el("td", { dir: "auto" }, row.differs && el("span", { class: "sign", title: words.differs }, "≠ ", el("span", { class: "unseen" }, `${words.differs}: `)), row.used)
    : el("td", { class: "soft" }, el("span", { "aria-hidden": "true" }, "–"), el("span", { class: "unseen" }, words.unsaid));
  return el("table", {},
    el("thead", {}, el("tr", { class: "soft" }, el("th", { scope: "col" }, el("span", { class: "unseen" }, words.setting)), el("th", { scope: "col" }, words.asked), el("th", { scope: "col" }, words.used))),
    el("tbody", {}, rows.map((row) =>
      el("tr", { class: row.differs && "differs" }, el("th", { class: "soft", scope: "row" }, row.name), el("td", { dir: "auto", colspan: row.fact && 2 }, row.asked), !row.fact && used(row)))));
}

function render(data, me) {
  const { words } = data;
  return el("div", { class: data.tone },
    el("p", { class: "state" }, el("span", { class: "dot" }), el("b", {}, data.word), el("span", { class: "soft" }, data.fact)),
    data.say && el("p", { class: "say" }, data.say),
    pictures(data, me),
    el("div", { class: "acts" }, data.pictures.length === 1 && save(data.pictures[0]), data.actions.map((one) => action(one, data.id))),
    section(words.prompt,
      el("p", { class: "prompt", dir: "auto" }, data.prompt),
      el("button", { class: "act", type: "button", "data-act": "copy", "data-text": data.prompt, "data-done": words.copied }, words.copy)),
    data.references.length > 0 && section(words.references,
      el("ul", { class: "refs" }, data.references.map((one) => el("li", { title: one.note }, el("img", { src: one.src, alt: one.name, width: 72, height: 72, loading: "lazy" }))))),
    section(words.settings, comparison(data.settings, words)),
    section(words.timeline, el("ol", { class: "timeline" }, data.timeline.map(([at, what, detail]) =>
      el("li", {}, el("time", { class: "soft" }, at), el("span", {}, what, detail && el("small", { class: "soft", dir: "auto" }, detail)))))),
    el("details", { "data-key": "ids" }, el("summary", {}, words.details), pairs(data.ids)));
}

export default function (component) {
  const cleanup = desk(component, render, { local: { copy } });
  const me = desks.get(component.parentElement);
  me.redraw = () => morph(me.root, el("div", { class: "root" }, render(component.data, me)));
  if (me.unplayable) return cleanup;
  me.unplayable = new Set();
  me.root.addEventListener("error", ({ target }) => { // H.265, for example, which not every browser knows
    if (target.nodeName !== "VIDEO") return;
    me.unplayable.add(target.getAttribute("src"));
    me.redraw();
  }, true); // errors do not bubble
  return cleanup;
}
