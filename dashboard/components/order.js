// Stands before each of our components. Streamlit calls one at each drawing, once its module is there; calls that wait for
// it come in any order, for so a browser answers `import`, and the end that an overtaken one has told is called at once.
// So the newest drawing counts, whichever comes last, and an end is one where the element has left the page.

// Whatever Streamlit is told within one turn of its timer goes out as one request: as one of a single part, where a part
// has told some of it, and then nothing else is drawn, whatever else was pressed. `told` says for all components how much
// is going out just now, how often anything was told, when last, and since when the server owes a run for it; see `news.js`, which alone tells what
// nobody has asked for.
const told = (window.pictureDeskTold ??= { open: 0, times: 0, at: 0, owed: 0 });

function telling(tell) {
  return (...args) => {
    const at = performance.now();
    Object.assign(told, { open: told.open + 1, times: told.times + 1, at, owed: told.owed || at });
    tell(...args);
    setTimeout(() => (told.open -= 1)); // behind the timer of Streamlit
  };
}

function inOrder(draw) {
  const newest = new WeakMap();
  return (component) => {
    const { data, parentElement } = component, last = newest.get(parentElement);
    if (last?.epoch === data.epoch && last.drawn > data.drawn) return undefined;
    newest.set(parentElement, data);
    const end = draw({ ...component, setStateValue: telling(component.setStateValue), setTriggerValue: telling(component.setTriggerValue) });
    return () => parentElement.isConnected || end?.();
  };
}
