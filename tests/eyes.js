// What `eyes.py` asks a page about, our components included, which are shadow roots.

window.eyes = (() => {
  const inside = ({ shadowRoot }) => (shadowRoot ? rooted(shadowRoot) : []);
  const rooted = (root) => [root, ...[...root.querySelectorAll("*")].flatMap(inside)];
  const up = (node) => node.parentElement ?? node.getRootNode().host;
  const called = (node) => `${node.tagName} ${node.className} "${(node.ariaLabel || node.innerText || node.title || "").trim().slice(0, 60)}"`;

  function at(x, y) {
    let node = document.elementFromPoint(x, y);
    for (let next; (next = node?.shadowRoot?.elementFromPoint(x, y)) && next !== node; ) node = next;
    return node;
  }

  // By how many pixels the page, or what lies over it, scrolls sideways.
  function beyond() {
    const all = [document.documentElement, ...document.querySelectorAll("[data-testid=stMain], [role=dialog]")];
    return Math.max(...all.map((node) => node.scrollWidth - node.clientWidth));
  }

  // What moves, although the browser of every test asks for less motion. What has no name is a script's: of ours none is,
  // Streamlit's unfolds an expander.
  function moving() {
    const slow = (one) => one.playState === "running" && one.effect.getComputedTiming().duration > 10;
    return rooted(document).flatMap((root) => root.getAnimations()).filter(slow).map((one) => one.animationName ?? one.transitionProperty).filter(Boolean);
  }

  // What a thumb presses and is too small: lower than 40 px where we draw it, than 24 where Streamlit does. A link within a
  // text is as high as its line, and a field is as large as what is drawn around it.
  const PRESSED = "button, summary, a[href], input, textarea, [role=option], [role=switch], [role=slider], [role=menuitem]";
  const unseen = (node) => node && (node.getBoundingClientRect().width <= 1 || unseen(node.parentElement)); // for a screen reader alone
  const target = (node) => (node.matches("input, textarea") ? node.closest("label, [data-baseweb=input]") ?? node : node);
  function small() {
    const found = new Set();
    for (const root of rooted(document)) {
      const least = root === document ? 24 : 40;
      for (const node of new Set([...root.querySelectorAll(PRESSED)].map(target))) {
        const { width, height } = node.getBoundingClientRect();
        const seen = width > 1 && !unseen(node) && node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        if (seen && !node.matches("p a, li a, input[type=file]") && (height < least - 0.5 || width < 23.5)) found.add(`${called(node)}: ${Math.round(width)} x ${Math.round(height)}`);
      }
    }
    return [...found];
  }

  // An outline, a shadow or a border in the accent, on the node itself or on what is drawn around it.
  const ACCENTS = ["rgb(43, 68, 184)", "rgb(83, 107, 230)"];
  const clear = (colours) => !colours.replace(/rgba\(0, 0, 0, 0\)/g, "").match(/rgb|color|#/);
  function ringed(node) {
    for (let step = 0; node && step < 4; step += 1, node = up(node))
      for (const pseudo of [null, "::before", "::after"]) {
        const style = getComputedStyle(node, pseudo);
        if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && !clear(style.outlineColor)) return true;
        if (step < 3 && style.boxShadow !== "none" && !clear(style.boxShadow)) return true;
        if (step > 0 && ACCENTS.includes(style.borderTopColor)) return true;
      }
    return false;
  }

  // What is wrong with the focus: it is nowhere, what has it is covered, or nothing shows it. "" where all is well.
  function focus() {
    let node = document.activeElement;
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    if (!node || node === document.body) return "the focus is nowhere";
    const tiny = node.matches("input") && node.getBoundingClientRect().width < 8;
    const shown = tiny || node.matches("[type=radio], [type=checkbox]") ? node.closest("label") ?? node : node;
    const box = shown.getBoundingClientRect();
    const points = [0.5, 0.1, 0.9].flatMap((x) => [0.5, 0.1, 0.9].map((y) => at(box.left + x * box.width, box.top + y * box.height)));
    const mine = (one) => {
      for (; one; one = up(one)) if (one === shown) return true;
      return false;
    };
    if (!points.some(mine)) return `${called(shown)} is covered or out of sight`;
    return ringed(shown) ? "" : `${called(shown)} has no ring`;
  }

  // Once every colour on the page has been what it is for as many milliseconds, and nothing fades any more: a change of
  // theme reaches what lies over the page, and our components, a drawing later than the page itself.
  async function rest(still = 250) {
    const frame = () => new Promise(requestAnimationFrame);
    const fades = () => rooted(document).some((root) => root.getAnimations().some((one) => one.playState === "running" && one.transitionProperty));
    const colours = () => rooted(document).flatMap((root) => [...root.querySelectorAll("*")].map((node) => getComputedStyle(node)).map((style) => `${style.color} ${style.backgroundColor} ${style.borderTopColor} ${style.fill} ${style.opacity}`)).join();
    for (let before = "", since = performance.now(); performance.now() - since < still; await frame()) {
      const now = colours();
      if (now !== before || fades()) since = performance.now();
      before = now;
    }
  }

  return { beyond, moving, small, focus, rest };
})();
