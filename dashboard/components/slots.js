// The reference slots under the drop zone: what was taken, in which order, what was done to it, and what was refused
// and why. Order counts ("the second picture"), so a slot is moved by its buttons, by the arrow keys, or dragged.

function mover(one, data, step, sign, label) {
  const to = one.number - 1 + step, end = to < 0 || to >= data.slots.length;
  return el("button", {
    class: "act", type: "button", "data-act": "move", "data-id": `${one.id} ${to}`, "data-step": step,
    "aria-disabled": end && "true", "aria-label": `${label} ${one.name}`, title: label,
  }, sign);
}

function slot(one, data) {
  const tone = one.over || one.trouble ? "slot bad" : "slot";
  return el("li", { class: tone, "data-key": one.id, "data-slot": one.id, draggable: data.slots.length > 1 && "true" },
    el("div", { class: "figure" }, el("img", { src: one.src, alt: one.name, draggable: "false" }), el("span", { class: "number" }, one.number)),
    el("div", { class: "text" }, one.role && el("span", { class: "role" }, one.role), el("b", { dir: "auto" }, one.name), el("span", { class: "soft" }, one.note), one.over && el("span", { class: "trouble" }, one.over), one.trouble && el("span", { class: "trouble" }, one.trouble)),
    el("div", { class: "acts" },
      one.shrink && el("button", { class: "act", type: "button", "data-act": "shrink", "data-id": one.id, "aria-label": `${one.shrink}: ${one.name}` }, one.shrink),
      data.slots.length > 1 && [mover(one, data, -1, "←", data.words.left), mover(one, data, 1, "→", data.words.right)],
      el("button", { class: "act", type: "button", "data-act": "remove", "data-id": one.id, "aria-label": `${data.words.remove} ${one.name}` }, data.words.remove)));
}

// On its way, named by its address: it has its place and its number, and can be taken out.
function coming(one, data) {
  return el("li", { class: "slot coming", "data-key": `coming ${one.id}` },
    el("div", { class: "figure" }, el("span", { class: "turning", "aria-hidden": "true" }), el("span", { class: "number" }, one.number)),
    el("div", { class: "text" }, el("b", { dir: "auto" }, one.name), el("span", { class: "soft", role: "status" }, data.words.loading)),
    el("div", { class: "acts" }, el("button", { class: "act", type: "button", "data-act": "forget", "data-id": one.id, "aria-label": `${data.words.remove} ${one.name}` }, data.words.remove)));
}

// Says which picture now stands where, after a person moved it; a redrawing says nothing anew.
function news(data, me) {
  const before = me.order ?? [], order = (me.order = data.slots.map((one) => one.id));
  const [act, id] = (me.last.which ?? "").split(" "), at = order.indexOf(id);
  if (before.length !== order.length) return "";
  if (act !== "move" || at < 0 || before.indexOf(id) === at) return me.said ?? "";
  const said = { name: data.slots[at].name, place: at + 1, count: order.length };
  return data.words.moved.replace(/{(\w+)}/g, (_, word) => said[word]);
}

function render(data, me) {
  me.said = news(data, me);
  const taken = data.slots.length + data.awaited.length > 0;
  return [
    el("p", { class: "unseen", role: "status" }, me.said),
    taken && el("p", { class: "title soft" }, data.words.title, data.how && ` · ${data.how}`),
    el("ol", { class: "slots" }, data.slots.map((one) => slot(one, data)), data.awaited.map((one) => coming(one, data)), taken && data.free && el("li", { class: "slot free soft", "data-key": "free" }, data.free)),
    el("div", { role: "alert" }, el("ul", {}, data.refused.map((one) =>
      el("li", { class: "refused bad", "data-key": one.id },
        el("span", { class: "dot" }), el("div", { class: "text", dir: "auto" }, one.sentence),
        el("button", { class: "act", type: "button", "data-act": "dismiss", "data-id": one.id }, data.words.dismiss))))),
  ];
}

function arrow(event) {
  const step = { ArrowLeft: "-1", ArrowRight: "1" }[event.key];
  const mine = step && event.target.closest("[data-slot]")?.querySelector(`[data-step="${step}"]`);
  if (!mine) return;
  mine.click();
  event.preventDefault();
  event.stopPropagation();
}

function drag(root, me) {
  let held = null;
  const over = (event) => (held ? event.target.closest("[data-slot]") : null);
  root.addEventListener("dragstart", (event) => {
    held = event.target.closest("[data-slot]")?.dataset.slot ?? null;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  });
  root.addEventListener("dragover", (event) => over(event) && event.preventDefault());
  root.addEventListener("drop", (event) => {
    const at = over(event);
    if (!at) return;
    event.preventDefault();
    const place = [...root.querySelectorAll("[data-slot]")].indexOf(at);
    if (at.dataset.slot !== held) wish("move", `${held} ${place}`, me);
  });
  root.addEventListener("dragend", () => (held = null));
}

export default inOrder((component) => {
  const cleanup = desk(component, render);
  const me = desks.get(component.parentElement);
  if (!me.ready) {
    me.ready = true;
    me.root.addEventListener("keydown", arrow);
    drag(me.root, me);
  }
  return cleanup;
});
