// Tells Python while a person types whether the prompt field is empty, and whether it differs from the text that Python
// has. Streamlit commits a text area only on blur, so without this the button would still say "Add a prompt", or that
// the old text is too long, and swallow the first click.
//
// The button is a new one after each press, and whenever it promises something else. Whoever had the focus on the old
// one finds it on the new one.

const last = { button: "", onButton: false };

export default function ({ data, setStateValue }) {
  let told = data.seen;
  const tell = (text) => {
    const seen = { base: data.base, empty: text.trim() === "", edited: text !== data.text };
    const same = told && told.base === seen.base && told.empty === seen.empty && told.edited === seen.edited;
    if (!same) setStateValue("typed", (told = seen));
  };
  const listen = (event) => {
    if (event.target.closest?.(`.st-key-${data.field}`)) tell(event.target.value);
  };
  const focus = (event) => (last.onButton = Boolean(event.target.closest?.(".st-key-generate")));
  if (last.button && last.button !== data.button && last.onButton && document.activeElement === document.body) {
    document.querySelector(".st-key-generate button")?.focus({ preventScroll: true });
  }
  last.button = data.button;
  document.addEventListener("input", listen);
  document.addEventListener("focusin", focus);
  return () => {
    document.removeEventListener("input", listen);
    document.removeEventListener("focusin", focus);
  };
}
