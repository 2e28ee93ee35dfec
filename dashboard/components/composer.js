// Tells Python while a person types whether the prompt field is empty, and whether it differs from the text that Python
// has. Streamlit commits a text area only on blur, so without this the button would still say "Add a prompt", or that
// the old text is too long, and swallow the first click. It also looks at the field once it is drawn: what was typed
// before it listened, or while a slow server was still answering for the text before, was heard by nobody. And what a
// person typed and then left by a tap on another page, or by a reload, Streamlit may never commit: the tab remembers it
// until Python has another text, and hands it back at the next drawing of a new field.
//
// A press on a card replaces what stands in the field, and the answer may come when the person writes there already. What
// was typed after the press is no part of what it replaces: it is put behind the text that came over it.
//
// The button is a new one after each press, and whenever it promises something else. Whoever had the focus on the old
// one finds it on the new one. And Streamlit drops a press of a button that it has just replaced: what Python has not
// heard of a while later (`heard` counts what it has) is told once more from here, with the text and the settings of
// then. The same press told twice is one press, and so are those of a key that is held down: see `press.unheard`.

const last = { button: "", onButton: false, epoch: "" };
const hand = { pressedAt: 0, before: "", typedAt: 0, text: "" }; // the last press beside the field, and the last input in it
const pressed = { what: null, text: "", at: 0, timer: 0, pause: 0 };
const PATIENCE = 2000; // ms until a press is told again; then twice as long, for a slow server must get to its answer
const EARLY = 600; // ms, for a press that came before the button knew of the text
const OLD = 30000; // ms: by then whoever pressed has gone on to something else
const ONE = 1000; // ms: presses so close to each other are one
const BUTTON = ".st-key-generate button";
const isMac = /mac|iphone|ipad/i.test(navigator.platform); // as Streamlit asks what "Ctrl" is
const DRAWN = 250; // ms: by then the field shows the text that came with us
const watching = new WeakMap(); // Streamlit calls us again at each drawing, but what we return only at the very end

// Streamlit's drop zones say in the language of the page what composer.css puts there.
function tellStyles({ drop_words: words }) {
  for (const [name, word] of Object.entries(words)) document.documentElement.style.setProperty(`--${name}`, JSON.stringify(word));
}

// And what is only heard, a style cannot say: names of buttons, and why a file was refused. Streamlit makes these parts
// anew as it likes, so each zone is watched; a part that speaks our language already is left alone.
const ZONES = ".st-key-drop_zone, .st-key-batch_file";
const heard = new WeakMap(); // zone -> its words

function tellListeners({ drop_words: words }) {
  for (const zone of document.querySelectorAll(ZONES)) {
    if (!heard.has(zone)) new MutationObserver(() => speak(zone)).observe(zone, { childList: true, subtree: true });
    heard.set(zone, words);
    speak(zone);
  }
}

function speak(zone) {
  const words = heard.get(zone);
  const name = (node, text) => node.getAttribute("aria-label") !== text && node.setAttribute("aria-label", text);
  zone.querySelector("input[type=file]")?.setAttribute("aria-hidden", "true"); // the button presses it, no key and no eye reaches it
  for (const node of zone.querySelectorAll("section button:has([data-testid=stMarkdownContainer]), [data-testid=stFileChips] > button")) name(node, words[zone.matches(".st-key-batch_file") ? "choose-file" : "choose-files"]);
  for (const chip of zone.querySelectorAll("[data-testid=stFileChip]")) {
    const file = chip.querySelector("[data-testid=stFileChipName]")?.title, remove = chip.querySelector("[data-testid=stFileChipDeleteBtn] button");
    if (file && remove) name(remove, words["remove-file"].replace("{name}", file));
    const why = chip.matches("[aria-invalid]:not([role=button])") && chip.querySelector("[role=alert]");
    if (why && why.textContent !== words["refused-files"]) why.textContent = words["refused-files"];
  }
}

function handBack(field) {
  const { pressedAt, before, typedAt, text } = hand, came = field.value;
  if (!pressedAt || typedAt <= pressedAt || came === text) return;
  const typed = text.startsWith(before) ? [came, text.slice(before.length).trimStart()].filter(Boolean).join(" ") : text;
  field.focus({ preventScroll: true }); // only what is left is committed
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(field, typed);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export default inOrder(({ data, parentElement, setStateValue }) => {
  watching.get(parentElement)?.();
  tellStyles(data);
  tellListeners(data);
  const ours = data.text.replace(/\r\n?/g, "\n"); // as a field holds it
  let told = data.seen?.base === data.base ? data.seen : { base: data.base, empty: ours.trim() === "", edited: false };
  const kept = `picture-desk-typed-${data.whose}`;
  const typed = JSON.parse(sessionStorage.getItem(kept) ?? "{}"); // which text was typed over which
  const field = document.querySelector(`.st-key-${data.field} textarea`);
  const isAnew = last.epoch !== data.epoch; // after a reload, or the server's: another tab may have written meanwhile
  const isNew = isAnew || !watching.has(parentElement);
  if (typed.base !== data.base && !isAnew) sessionStorage.removeItem(kept);
  else if (isNew && field && typed.text !== undefined && typed.text !== ours && field.value === ours)
    setStateValue("typed", { ...told, lost: typed.text, at: Date.now() });
  if (field) last.epoch = data.epoch;
  if (isNew) hand.typedAt = 0;
  const tell = (text) => {
    const seen = { base: data.base, empty: text.trim() === "", edited: text !== ours };
    if (told.empty !== seen.empty || told.edited !== seen.edited) setStateValue("typed", (told = seen));
  };
  const look = setTimeout(() => {
    const field = document.querySelector(`.st-key-${data.field} textarea`);
    if (!field) return;
    handBack(field);
    tell(field.value);
  }, DRAWN);
  const isField = ({ target }) => target.closest?.(`.st-key-${data.field}`);
  const beside = (event) => isField(event) || Object.assign(hand, { pressedAt: event.timeStamp, before: document.querySelector(`.st-key-${data.field} textarea`)?.value ?? "" });
  const before = (event) => isField(event) && !event.isComposing && handBack(event.target);
  const listen = (event) => {
    if (!isField(event)) return;
    Object.assign(hand, { typedAt: event.timeStamp, text: event.target.value });
    sessionStorage.setItem(kept, JSON.stringify({ base: data.base, text: event.target.value }));
    tell(event.target.value);
  };
  const insist = () => {
    clearTimeout(pressed.timer);
    if (pressed.what) pressed.timer = setTimeout(again, pressed.pause);
  };
  const mark = () => document.querySelectorAll(BUTTON).forEach((one) => one.toggleAttribute("data-sent", Boolean(pressed.what)));
  const again = () => {
    const age = Date.now() - pressed.what.at;
    if (age > OLD) return [(pressed.what = null), mark()];
    setStateValue("pressed", { ...pressed.what, age: age / 1000 });
    pressed.pause *= 2;
    insist();
  };
  const isKeys = (event) => event.key === "Enter" && !event.shiftKey && !event.altKey && !event.isComposing && (isMac ? event.metaKey : event.ctrlKey);
  const isOnButton = (event) => event.target.closest?.(BUTTON);
  const press = (event) => {
    const button = document.querySelector(BUTTON), now = Date.now();
    const text = document.querySelector(`.st-key-${data.field} textarea`)?.value ?? ours;
    const isEarly = button?.textContent.includes(data.asks) && text.trim() !== ""; // it asks for a text that stands there by now
    if (!(event.type === "click" ? isOnButton(event) : isKeys(event) && data.shortcut) || !button || (button.disabled && !isEarly)) return;
    const isAnother = now - pressed.at > ONE || text !== pressed.text;
    Object.assign(pressed, { text, at: now });
    if (!isAnother) return;
    pressed.what = { button: data.button, heard: data.heard, form: data.form, epoch: data.epoch, text, at: now };
    pressed.pause = button.disabled ? EARLY : PATIENCE;
    mark();
    insist();
  };
  const hold = (event) => {
    if (event.repeat && (isKeys(event) || (isOnButton(event) && /^(Enter| )$/.test(event.key)))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  };
  const { what } = pressed;
  const wasHeard = what && what.heard !== data.heard && what.text === data.heard_text;
  if (wasHeard || (what && (what.epoch !== data.epoch || what.at === data.told))) pressed.what = null;
  mark();
  insist();
  const focus = (event) => (last.onButton = Boolean(event.target.closest?.(".st-key-generate")));
  if (last.button && last.button !== data.button && last.onButton && document.activeElement === document.body) {
    document.querySelector(BUTTON)?.focus({ preventScroll: true });
  }
  last.button = data.button;
  document.addEventListener("input", listen);
  document.addEventListener("beforeinput", before, true);
  document.addEventListener("click", beside, true);
  document.addEventListener("focusin", focus);
  document.addEventListener("click", press, true);
  document.addEventListener("keydown", press); // where it bubbles to, as Streamlit does: a dialog keeps its keys
  document.addEventListener("keydown", hold, true);
  const stop = () => {
    clearTimeout(look);
    clearTimeout(pressed.timer);
    document.removeEventListener("input", listen);
    document.removeEventListener("beforeinput", before, true);
    document.removeEventListener("click", beside, true);
    document.removeEventListener("focusin", focus);
    document.removeEventListener("click", press, true);
    document.removeEventListener("keydown", press);
    document.removeEventListener("keydown", hold, true);
  };
  watching.set(parentElement, stop);
  return stop;
});
