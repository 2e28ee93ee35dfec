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
      // Only now and then once more: where the server took the drawer away, the page behind it is inert a moment longer.
      for (const later of [0, 250]) setTimeout(() => me.root.isConnected && document.activeElement === document.body && goTo(node, me), later);
    }
  });
  me.watch?.disconnect();
  (me.watch = watch).observe(document.body, { childList: true, subtree: true });
}
