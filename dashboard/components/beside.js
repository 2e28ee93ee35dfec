// What the views of two and of several pictures share: buttons with their keys, the zoom's own, words that differ.

const fill = (text, said) => text.replace(/{(\w+)}/g, (_, name) => said[name]);

function button(me, act, label, { id = "", text = label, pressed = null, key = null, named = text !== label } = {}) {
  return el("button", { class: "act", type: "button", "data-act": act, "data-id": id, "aria-label": named && label, title: key ? `${label} (${key})` : label, "aria-pressed": pressed === null ? null : String(pressed) }, text);
}

// `file`: where its keys are heard.
function zoomer(me, file) {
  const { words } = me.data;
  return el("div", { class: "zoom", role: "group", "aria-label": words.zoom },
    button(me, "wider", words.wider, { text: "−", key: capOf(file, "-") }), button(me, "full", words.full, { text: percent(me), key: `${capOf(file, "0")}, ${capOf(file, "Z")}`, named: false }), button(me, "closer", words.closer, { text: "+", key: capOf(file, "+") }));
}

// Chinese has no blank between two sentences.
const sentences = (all) => all.filter(Boolean).join(" ").replaceAll("。 ", "。");

// A mark stands around words, not around the blanks beside them.
function piece([kind, text], words) {
  if (kind === "same") return text;
  const [, before, core, after] = text.match(/^(\s*)(.*?)(\s*)$/s);
  return [before, el(kind === "gone" ? "del" : "ins", {}, el("span", { class: "unseen" }, words[kind]), core || "␣"), after];
}
