// On every page: a visit starts at its top, and a form that was just filled comes into view, with its prompt focused.
// Streamlit may keep the scroll of the page before; and a press far down the page would fill a form that nobody sees.
// In a narrow window the links are in a sheet over the page; Streamlit takes it away only where it finds a phone.
// How much a search has found is said once the typing pauses: whoever hears the page does not see the list change.
// Where a press has gone out as one of a part alone (`news.js`), the whole page is drawn. And where a page has vanished: a
// request of a fragment names the page that it was sent from; one that was sent before a change of pages and comes after
// it has Streamlit announce a run of the former page, and its browser empty the one that stands there. Whatever the cause:
// `mount.begin_page` has left a mark, and a mark that is gone is seen.
// The document says in which language it is: screen readers choose their voice by it, and browsers the shape of a sign.

const last = { page: "", path: "", filled: "", found: null };
const PAUSE = 700; // ms
const aloud = Object.assign(document.createElement("p"), { className: "picture-desk-aloud", role: "status" });
const PROMPT = ".st-key-composer .st-key-prompt textarea";

function whenThere(selector, then, tries = 120) {
  const node = document.querySelector(selector);
  if (node) then(node);
  else if (tries) requestAnimationFrame(() => whenThere(selector, then, tries - 1));
}

function show(prompt) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  prompt.closest(".st-key-composer").scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
  prompt.focus({ preventScroll: true });
  holdFocus(15);
}

// Streamlit may draw the field anew once what came with it takes its place; nobody shall then type into nothing.
function holdFocus(times) {
  if (document.activeElement === document.body) document.querySelector(PROMPT)?.focus({ preventScroll: true });
  if (times) setTimeout(holdFocus, 100, times - 1);
}

// How high it is what sticks to the top of a wide History; page.css knows where it does.
const height = new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty("--toolbar", `${target.offsetHeight}px`));

function measure(toolbar) {
  height.disconnect();
  height.observe(toolbar);
}

const BLANK = 300; // ms at rest without a mark
const AGAIN = 5_000; // ms between two requests for a whole page
const rests = () => !told.isBusy() && document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning";
const vanished = new MutationObserver(() => {
  clearTimeout(vanished.later);
  if (!marked()) vanished.later = setTimeout(redraw, BLANK);
});
document.addEventListener("picture-desk-mixed", () => setTimeout(askWhenAtRest, BLANK));

function askWhenAtRest() {
  if (rests()) vanished.ask();
  else setTimeout(askWhenAtRest, BLANK);
}

const marked = () => vanished.block.querySelector(".picture-desk-page");

function watch(block) {
  vanished.disconnect();
  vanished.block = block;
  vanished.observe(block, { childList: true });
}

function redraw() {
  if (!vanished.block.isConnected || marked()) return;
  const asks = rests();
  if (asks) vanished.ask();
  vanished.later = setTimeout(redraw, asks ? AGAIN : BLANK);
}

function say(found) {
  aloud.textContent = ""; // the same number of another search is news too
  clearTimeout(aloud.later);
  aloud.later = setTimeout(() => (aloud.textContent = found.said), PAUSE);
}

// Who taps on a link leaves the field that they have written in, and of one tap Streamlit would ask for the page first and
// tell the text second, as of the page that was left. So a link waits a turn of its timer, and until what was told before has
// its run, in which it is kept. Of several the last counts.
const PATIENCE = 1_000; // ms
const LINKS = "[data-testid=stTopNavLink], [data-testid=stTopNavDropdownLink], [data-testid=stSidebarNavLink], [data-testid=stAlert] a";

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(LINKS);
  if (link?.origin !== location.origin || !event.isTrusted || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  clearTimeout(follow.later);
  follow.later = setTimeout(follow, 0, link, performance.now() + PATIENCE);
}, true);

function follow(link, until) {
  if (told.isOwed() && performance.now() < until) return void (follow.later = setTimeout(follow, 20, link, until));
  leaves(link);
  if (!link.closest("[data-testid=stAlert]")) return link.click();
  // A link in a text leads on in this tab, as those in the head do: Streamlit opens another tab for it, and hears of an
  // address alone as of one to which the browser has gone back.
  history.pushState(null, "", link.href);
  dispatchEvent(new PopStateEvent("popstate"));
}

// Whoever turns back before the next page has begun stays, and no page arrives.
function leaves({ pathname }) {
  told.left = pathname === last.path && location.pathname === last.path ? -Infinity : performance.now();
}

addEventListener("popstate", () => leaves(location)); // the browser goes back

export default inOrder(({ data, parentElement, setTriggerValue }) => {
  const arrived = last.page && last.page !== data.page;
  const filled = data.filled && last.filled !== data.filled;
  if (aloud.parentNode !== parentElement) parentElement.append(aloud);
  if (!arrived && last.found && data.found && last.found.of !== data.found.of) say(data.found);
  Object.assign(last, data, { path: location.pathname });
  if (arrived) told.left = -Infinity;
  vanished.ask = () => setTriggerValue("vanished", true);
  watch(parentElement.closest("[data-testid=stVerticalBlock]"));
  document.documentElement.lang = data.lang;
  if (arrived) document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0, behavior: "instant" });
  if (data.page === "History") whenThere(".st-key-toolbar", measure);
  if (arrived && innerWidth < 768) document.querySelector("[data-testid=stSidebar][data-collapsed=false] [data-testid=stSidebarCollapseButton] button")?.click();
  if (filled) whenThere(PROMPT, show);
});
