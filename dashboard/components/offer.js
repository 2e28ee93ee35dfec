// What can be taken back, until its time is over; a little longer to whoever is at it. `at`: where it stands.

function offered(undo, me, at, redraw) {
  if (!undo || me.undone === undo.until) return null;
  const left = (undo.until - me.now()) * 1000;
  clearTimeout(me.undoTimer);
  if (left <= 0 && !me.root.querySelector(`${at}:is(:hover, :has(:focus-visible))`)) return null;
  me.undoTimer = setTimeout(redraw, Math.max(left, 500) + 50);
  return undo;
}
