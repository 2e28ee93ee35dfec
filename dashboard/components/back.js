// For whatever opens the drawer: the way back to the keyboard's place when it closes.

// When the drawer closes, the focus goes on at the picture that was seen last: one may have walked in there. The drawer
// says which that is on its own element; the address hears of a step only once Python has answered it.
// `otherwise`: a selector of where it goes if that one is not here; `goTo(node, me)` is the component's own.
function comeBack(me, otherwise) {
  let dialog = null;
  const watch = new MutationObserver(() => {
    const open = document.querySelector("[role=dialog]");
    if (open) dialog = open;
    else if (dialog) {
      watch.disconnect();
      const last = dialog.querySelector("[data-shows]")?.dataset.shows ?? "";
      const node = me.root.querySelector(`[data-key="${CSS.escape(last)}"]`) ?? me.root.querySelector(otherwise);
      land(me, node, performance.now() + 1000);
    }
  });
  me.watch?.disconnect();
  (me.watch = watch).observe(document.body, { childList: true, subtree: true });
}

// The page behind a drawer stays inert for a moment after it: until then nothing there takes the focus.
function land(me, node, until) {
  if (!me.root.isConnected || document.activeElement !== document.body || performance.now() > until) return;
  goTo(node, me);
  setTimeout(land, 16, me, node, until);
}
