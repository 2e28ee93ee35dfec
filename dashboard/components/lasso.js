// A frame drawn with the mouse over the History grid selects what it touches: from a gap between the tiles or beside
// them, never from a tile, which is dragged itself. It replaces what was selected; with Ctrl or Shift it adds to it.

const DRAWN = 6; // pixels from which a press is a frame
const EDGE = 48; // pixels from the edge of the window within which the page scrolls along
const USED = ".tile, .bar, .tagbox, button, a, input, textarea, select, summary, dialog, [role=dialog], [data-testid=stHeader], [data-testid=stSidebar]";
const page = () => document.querySelector("[data-testid=stMain]");

function beginLasso(event, me) {
  const path = event.composedPath().filter((node) => node.matches), main = page(), grid = me.root.querySelector(".lists");
  if (event.pointerType !== "mouse" || event.button || !grid || !path.includes(main) || path.some((node) => node.matches(USED))) return;
  if (event.clientY < grid.getBoundingClientRect().top || event.clientX > main.getBoundingClientRect().left + main.clientWidth) return; // or it is the scroll bar
  const from = me.root.getBoundingClientRect();
  me.lasso = { x: event.clientX - from.left, y: event.clientY - from.top, adds: event.ctrlKey || event.metaKey || event.shiftKey, node: null, caught: [] };
  const moved = (one) => drawLasso(one, me), hold = (one) => one.preventDefault();
  const end = () => {
    for (const [name, heard] of [["pointermove", moved], ["pointerup", end], ["pointercancel", end], ["selectstart", hold]]) document.removeEventListener(name, heard);
    clearInterval(me.lasso.scrolls);
    closeLasso(me);
  };
  for (const [name, heard] of [["pointermove", moved], ["pointerup", end], ["pointercancel", end], ["selectstart", hold]]) document.addEventListener(name, heard);
}

function drawLasso(event, me) {
  const { lasso } = me, from = me.root.getBoundingClientRect(), x = from.left + lasso.x, y = from.top + lasso.y;
  lasso.last = event;
  if (!lasso.node) {
    if (Math.hypot(event.clientX - x, event.clientY - y) < DRAWN) return;
    me.over.append((lasso.node = el("div", { class: "lasso" })));
    lasso.scrolls = setInterval(() => scrollLasso(me), 16);
  }
  const box = { left: Math.min(x, event.clientX), top: Math.min(y, event.clientY), right: Math.max(x, event.clientX), bottom: Math.max(y, event.clientY) };
  lasso.node.style.cssText = `left:${box.left}px;top:${box.top}px;width:${box.right - box.left}px;height:${box.bottom - box.top}px`;
  lasso.caught = tiles(me).filter((node) => {
    const at = node.getBoundingClientRect();
    const touched = at.left < box.right && at.right > box.left && at.top < box.bottom && at.bottom > box.top && !node.classList.contains("gone");
    node.classList.toggle("caught", touched);
    return touched;
  }).map((node) => node.dataset.key);
}

function scrollLasso(me) {
  const { clientY } = me.lasso.last, by = clientY > innerHeight - EDGE ? 14 : clientY < EDGE + 60 ? -14 : 0;
  if (!by) return;
  page().scrollBy({ top: by, behavior: "instant" });
  drawLasso(me.lasso.last, me);
}

function closeLasso(me) {
  const { node, caught, adds } = me.lasso;
  me.lasso = null;
  node?.remove();
  for (const one of tiles(me)) one.classList.remove("caught");
  if (!caught.length) return;
  if (!adds && me.laid.count) does("clear", "", me);
  Object.assign(me, { anchor: caught.at(-1), say: "" });
  does("select", caught, me);
}

function listenToLasso(me) {
  const begin = (event) => (me.root.isConnected ? beginLasso(event, me) : document.removeEventListener("pointerdown", begin));
  document.addEventListener("pointerdown", begin);
}
