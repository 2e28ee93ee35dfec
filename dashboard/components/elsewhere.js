// The switch of Settings for the browser's own notes. Whether they are wanted is kept on the server; whether this browser
// may show them is the browser's to say, and it is asked by a press alone. It draws nothing else; `news.js` shows them.

const can = () => "Notification" in window && !/android/i.test(navigator.userAgent); // there a page alone cannot
const allowed = () => can() && Notification.permission === "granted";

function render({ wanted, words }) {
  const on = wanted && allowed();
  const said = !can() ? words.none : Notification.permission === "denied" ? words.denied : wanted && !on ? words.ask : words.how;
  return [
    el("button", { class: "switch", type: "button", role: "switch", "aria-checked": String(on), "aria-disabled": !can() && "true", "aria-describedby": "how", "data-act": "turn" },
      el("i", { "aria-hidden": "true" }), words.label),
    el("p", { class: "soft", id: "how", role: "status" }, said),
  ];
}

async function turn(node, me) {
  if (node.getAttribute("aria-checked") === "true") return tell("off", "", me);
  await Notification.requestPermission();
  if (allowed()) tell("on", "", me);
  morph(me.root, el("div", { class: "root" }, render(me.data, me)));
}

export default inOrder((component) => {
  const cleanup = desk(component, render, { local: { turn } });
  desks.get(component.parentElement).data = component.data;
  return cleanup;
});
