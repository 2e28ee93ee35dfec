// The bar at the foot of the History grid: what is selected and what can be done with it, and the ten seconds of Undo.

const BYTES = [[1e9, "GB", 1], [1e6, "MB", 1], [1e3, "kB", 0]];

function bytesOf(size) {
  const [unit, name, digits] = BYTES.find(([one]) => size >= one) ?? BYTES[2];
  return `${(size / unit).toFixed(digits)} ${name}`;
}

function bar(data, me, over) {
  const { words } = data, undo = undoes(data, me);
  if (!over.count && !undo) return null;
  // Each with a key: under whoever stands on one of them, it must not become another as the sums of a selection arrive.
  const button = (act, label, more = {}) => el("button", { class: "act", type: "button", "data-act": act, "data-id": "", "data-key": act, ...more }, label);
  const deeds = data.view === "deleted" ? [button("restore", words.restore, { class: "act primary" })] : [
    button("star_all", ...markAll("star", words, over)),
    button("pick_all", ...markAll("pick", words, over)),
    button("tags", words.tag, { "aria-haspopup": "dialog" }),
    button("project", words.move, { "aria-haspopup": "dialog" }),
    over.bytes ? button("zips", "ZIP", { title: words.zip, "aria-label": words.zip, "aria-haspopup": "dialog" }) : null, // else there is no file
    over.bytes && over.count >= 2 && over.count <= 6 ? button("compare_chosen", words.compare) : null,
    button("delete", words.delete, { class: "act bad" }),
  ];
  return el("div", { class: "bar", role: "region", "aria-label": words.bar, "data-key": "bar" },
    undo && el("div", { class: "row", "data-key": "undo" }, el("span", { class: "said" }, undo.text), undo.also && action(undo.also, ""), button("undo", words.undo, { class: "act primary" })),
    over.count > 0 && el("div", { class: "row", "data-key": "chosen" },
      el("span", { class: "said" }, el("b", {}, counted(words, over)), over.bytes ? ` · ${bytesOf(over.bytes)}` : ""),
      data.selected.all && button("all", data.selected.all, { class: "link" }),
      el("span", { class: "deeds", "data-key": "deeds" }, deeds),
      button("clear", "✕", { class: "act close", title: words.clear, "aria-label": words.clear })));
}

// What a press does to all that is selected: puts the mark on those that lack it, or, where none does, takes it off.
const lacking = (act, over) => over.count - over.marked[act];

function markAll(act, words, over) {
  const left = lacking(act, over), some = left > 0 && left < over.count;
  const label = left <= 0 ? words.all[`un${act}`] : some ? words.all[`${act}_${left === 1 ? "one" : "rest"}`].replace("{n}", left.toLocaleString("en")) : words[act];
  return [label, { "data-act": left > 0 ? `${act}_all` : `un${act}_all` }];
}

const counted = (words, over) => words.selected.replace("{n}", over.count.toLocaleString("en"));

// What a screen reader says: from a place that is always there, because what comes with its text is often not read.
function saying(data, me, over) {
  return [me.say, over.count > 0 && counted(data.words, over), undoes(data, me)?.text].filter(Boolean).join(". ");
}

const undoes = (data, me) => offered(data.undo, me, ".bar", () => redraw(me));

// What the files of the ZIP shall be: as they were made, or copies that say nothing, or all, of how they were.
function zipKinds({ words, zip_kinds: kinds }) {
  return el("div", { class: "tagbox zipbox", popover: "auto", role: "dialog", "aria-label": words.zip, "data-key": "zipbox" },
    kinds.map(({ kind, label, says }) => el("button", { class: "tagrow", type: "button", "data-key": kind, "data-act": "zip", "data-id": kind },
      el("span", {}, el("b", {}, label), el("span", { class: "soft" }, says)))));
}

// Tags of what is selected: each that the team has, ticked where all of them bear it; and a field for a new one.
function tagEditor(data, me, over) {
  const { words, selected, known_tags: known } = data;
  const names = [...new Set([...Object.keys(selected.tags), ...known])];
  const row = (name) => {
    const many = selected.tags[name] ?? 0, all = many > 0 && many >= over.count;
    return el("button", { class: "tagrow", type: "button", role: "checkbox", "aria-checked": all ? "true" : many ? "mixed" : "false", "data-key": name, "data-act": all ? "untag" : "tag", "data-id": name },
      el("span", { class: "box", "aria-hidden": "true" }, all ? "✓" : many ? "–" : ""), name, many && !all ? el("span", { class: "soft" }, words.some) : null);
  };
  return el("div", { class: "tagbox", popover: "auto", role: "dialog", "aria-label": words.tag, "data-key": "tagbox" },
    el("input", { type: "text", class: "newtag", maxlength: 40, placeholder: words.tag_new, "aria-label": words.tag_new, autocomplete: "off" }),
    el("div", { class: "tagrows" }, names.map(row)));
}

// Projects that what is selected may be moved to: the one in which all of it stands is ticked; and a field for a new one.
function projectChoice(data, over) {
  const { words, selected, known_projects: known } = data;
  const row = (name) => {
    const many = selected.projects[name] ?? 0, all = many > 0 && many >= over.count;
    return el("button", { class: "tagrow", type: "button", "aria-pressed": String(all), "data-key": `in ${name}`, "data-act": "move", "data-id": name },
      el("span", { class: "box", "aria-hidden": "true" }, all ? "✓" : many ? "–" : ""), name || words.no_project, many && !all ? el("span", { class: "soft" }, words.some) : null);
  };
  return el("div", { class: "tagbox projectbox", popover: "auto", role: "dialog", "aria-label": words.move, "data-key": "projectbox" },
    el("input", { type: "text", class: "newproject", maxlength: 40, placeholder: words.project_new, "aria-label": words.project_new, autocomplete: "off" }),
    el("div", { class: "tagrows" }, ["", ...known].map(row)));
}
