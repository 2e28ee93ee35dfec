// Stands before each of our components. Streamlit calls one at each drawing, once its module is there; calls that wait for
// it come in any order, for so a browser answers `import`, and the end that an overtaken one has told is called at once.
// So the newest drawing counts, whichever comes last, and an end is one where the element has left the page.

function inOrder(draw) {
  const newest = new WeakMap();
  return (component) => {
    const { data, parentElement } = component, last = newest.get(parentElement);
    if (last?.epoch === data.epoch && last.drawn > data.drawn) return undefined;
    newest.set(parentElement, data);
    const end = draw(component);
    return () => parentElement.isConnected || end?.();
  };
}
