// "Filters (2)": on a narrow screen, where they would take half of it, the filters of History are behind this button. They
// are drawn either way; that the host of this button is marked is all that `page.css` goes by.

export default inOrder((component) => {
  const host = component.parentElement.host;
  const open = () => String(host.hasAttribute("data-unfolded"));
  const render = ({ label }) =>
    el("button", { class: "act", type: "button", "data-act": "fold", "aria-expanded": open() }, label);
  const fold = (node) => {
    host.toggleAttribute("data-unfolded");
    node.setAttribute("aria-expanded", open());
  };
  return desk(component, render, { local: { fold } });
});
