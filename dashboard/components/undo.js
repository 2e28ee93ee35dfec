// What was done last and can be taken back, over the page, so that nothing moves as it comes and goes. It is a part of
// its own, because what it was done with may be gone: the last card, the drawer, the whole table.

const LATE = 1000; // ms: by then a drawer has closed, and the page behind it takes the focus

function render(data, me) {
  me.data = data;
  const undo = offered(data.undo, me, ".undo", me.redraw);
  return [
    el("p", { class: "unseen", role: "status", tabindex: -1 }, undo?.text),
    undo && el("div", { class: "undo", "data-key": "undo" }, el("span", {}, undo.text), undo.also && action(undo.also, ""),
      el("button", { class: "act primary", type: "button", "data-act": "undo", "data-id": "" }, data.words.undo)),
  ];
}

// The keyboard goes on where it came from; else here, between what stands before and behind.
function takeBack(node, me) {
  me.undone = me.data.undo.until;
  (me.before?.isConnected ? me.before : me.root.querySelector("[role=status]")).focus({ preventScroll: true });
  wish("undo", "", me);
  me.redraw();
}

// What was pressed may be gone with what it was about, and nobody has the focus: then the way back has it.
function welcome(me, until) {
  const nowhere = () => document.activeElement === document.body;
  if (!me.root.isConnected || performance.now() > until) return;
  if (nowhere()) me.root.querySelector("[data-act=undo]")?.focus({ preventScroll: true });
  if (nowhere() || document.querySelector("[role=dialog]")) setTimeout(welcome, 50, me, until);
}

export default inOrder((component) => {
  const { data, parentElement } = component;
  const draw = (told, me) => {
    me.redraw ??= () => morph(me.root, el("div", { class: "root" }, render(me.data, me)));
    return render(told, me);
  };
  const cleanup = desk(component, draw, { local: { undo: takeBack } });
  const me = desks.get(parentElement);
  me.left ??= (event) => {
    const [node] = event.composedPath();
    if (!me.root.contains(node)) me.before = node;
  };
  document.addEventListener("focusin", me.left);
  if (data.undo && me.welcomed !== data.undo.until) {
    me.welcomed = data.undo.until;
    welcome(me, performance.now() + LATE);
  }
  return () => {
    cleanup();
    document.removeEventListener("focusin", me.left);
  };
});
