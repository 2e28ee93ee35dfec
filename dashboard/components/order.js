// Stands before each of our components. Streamlit calls one at each drawing, once its module is there; calls that wait for
// it come in any order, for so a browser answers `import`, and the end that an overtaken one has told is called at once.
// So the newest drawing counts, whichever comes last, and an end is one where the element has left the page.

// Whatever Streamlit is told within one turn of its timer goes out as one request: as one of a single part, where a part
// has told some of it, and then nothing else is drawn, whatever else was pressed. And each request tells what stands in all
// fields: one that comes between a press and its drawing puts back what the press has changed there. So whoever tells what
// nobody has asked for (`news.js`, `page.js`) waits while `told.isBusy()`. A request names its page, too, and the newest
// counts: whatever follows a press of a link before the next page has begun takes the visit back. So then nothing is told
// at all. All components of a page share what they know: how much goes out just now, how often anything was told or
// pressed and when last, since when a run is owed for it, and since when the page is being left. They find it by its own
// text: a page outlives its server, and the next one may know other things.
const told = (window[`picture-desk ${listening}`] ??= listening());

function listening() {
  const LEAST = 50, MOST = 2_000; // ms after a press by when its run has begun: or twice as long as it took last
  const OWED = 5_000; // ms that a run is waited for: what is told while there is no connection brings none
  const works = () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
  const all = { open: 0, times: 0, at: -Infinity, owed: -Infinity, left: -Infinity, calm: MOST };
  const since = (then) => performance.now() - then;
  const press = () => Object.assign(all, { times: all.times + 1, at: performance.now() });
  all.isOwed = () => since(all.owed) < OWED;
  all.isLeaving = () => since(all.left) < OWED;
  all.isBusy = () => works() || all.open > 0 || since(all.at) < all.calm || all.isOwed() || all.isLeaving();
  all.more = () => {
    press();
    if (!all.isOwed()) all.owed = all.at;
  };
  all.drawn = () => works() || (all.owed = -Infinity); // by a run so short that the browser shows nothing else of it
  new MutationObserver(() => {
    const took = all.isOwed() ? since(all.owed) : since(all.at); // by one of ours, or of Streamlit's own
    if (works() && took < MOST) all.calm = Math.max(LEAST, Math.min(2 * took, MOST));
    all.owed = -Infinity;
    if (works()) all.at = -Infinity; // what was pressed has its run
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });
  for (const name of ["pointerdown", "pointerup", "click", "keydown", "input", "change", "focusout", "drop", "paste"]) addEventListener(name, press, true);
  return all;
}

function telling(tell, element) {
  const say = (...args) => {
    if (!element.isConnected) return;
    if (told.isLeaving()) return void setTimeout(say, 50, ...args);
    told.more();
    told.open += 1;
    try {
      tell(...args);
    } finally {
      setTimeout(() => (told.open -= 1)); // behind the timer of Streamlit
    }
  };
  return say;
}

function inOrder(draw) {
  const newest = new WeakMap();
  return (component) => {
    const { data, parentElement } = component, last = newest.get(parentElement);
    if (last?.epoch === data.epoch && last.drawn > data.drawn) return undefined;
    newest.set(parentElement, data);
    told.drawn();
    const [setStateValue, setTriggerValue] = [component.setStateValue, component.setTriggerValue].map((tell) => telling(tell, parentElement));
    const end = draw({ ...component, setStateValue, setTriggerValue });
    return () => parentElement.isConnected || end?.();
  };
}
