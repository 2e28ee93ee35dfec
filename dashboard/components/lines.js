// A field for a list, one prompt a line. Streamlit's own tells its text only once it is left, and a dialog that closes
// takes with it what it was not told: so this one tells it while a person types, and before Escape closes anything.

const PAUSE = 350; // ms without a key
const fields = new WeakMap();

export default inOrder(({ data, parentElement, setStateValue }) => {
  let me = fields.get(parentElement);
  if (!me) {
    const root = document.createElement("label");
    root.className = "root";
    me = { said: document.createElement("span"), area: document.createElement("textarea") };
    me.area.rows = 8;
    me.area.spellcheck = false;
    me.area.dir = "auto";
    root.append(me.said, me.area);
    parentElement.append(root);
    fields.set(parentElement, me);
    me.area.addEventListener("input", () => {
      clearTimeout(me.timer);
      me.timer = setTimeout(me.tell, PAUSE);
    });
    me.area.addEventListener("blur", () => me.tell());
    me.area.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") me.tell();
      else if (event.key !== "Escape") event.stopPropagation(); // Streamlit's own shortcuts are not for whoever types
    });
    me.escape = (event) => event.key === "Escape" && me.tell();
    addEventListener("keydown", me.escape, true);
  }
  me.tell = () => {
    clearTimeout(me.timer);
    if (me.told === me.area.value) return;
    me.told = me.area.value;
    setStateValue("text", me.told);
  };
  me.said.textContent = data.label;
  if (me.typed !== data.typed) {
    me.typed = data.typed;
    me.area.value = me.told = data.text;
  }
  return () => {
    clearTimeout(me.timer);
    removeEventListener("keydown", me.escape, true);
  };
});
