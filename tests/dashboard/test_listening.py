"""A part asks for one drawing at a time, knows the answer by the ring that it carries back, and never rings in the same
request as a press: Streamlit would draw that part and nothing of what was pressed."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute

from dashboard.components.mount import code

LISTEN = """async (code) => {
  const { default: draw } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const places = [0, 1].map(() => document.body.appendChild(document.createElement("div")));
  Object.assign(window, { places, rings: [], requests: [], together: null, mixed: 0, meanwhile: () => {} });
  const app = document.body.appendChild(document.createElement("div"));
  app.dataset.testid = "stApp";
  window.runs = (state) => (requests.push(state), (app.dataset.testScriptState = state));
  const flush = () => {
    requests.push(together);
    together = null;
    setTimeout(() => (runs("running"), setTimeout(runs, 10, "notRunning")), window.slowness ?? 0);
  };
  window.tell = (what) => {  // as Streamlit does: all that it is told until the timer fires goes out together
    if (!together) setTimeout(flush, 0, (together = []));
    together.push(what);
  };
  document.addEventListener("keydown", () => tell("press"));
  document.addEventListener("picture-desk-mixed", () => (mixed += 1));
  const setStateValue = (_, ring) => (rings.push(ring), tell("ring"), queueMicrotask(() => meanwhile()));
  const setTriggerValue = () => tell("page");
  window.part = (data, at = 0) => void draw({ data, parentElement: places[at], setStateValue, setTriggerValue });
}"""
PROMPT = 1_000  # ms; one that nobody answers is repeated after three seconds


class Part:
    """A part that stands in a page, and the server's end of its line."""

    def __init__(self, page: Page) -> None:
        self.page, self.drawn = page, 0
        self.line: WebSocketRoute | None = None
        page.route_web_socket("**/live", self._answer)
        page.evaluate(LISTEN, code("news"))

    def _answer(self, line: WebSocketRoute) -> None:
        self.line = line

    def draw(self, revision: int, *, ring: int = 0, **more: Any) -> None:
        """What Streamlit does with a run that has heard this ring; nothing where it has the data of the one before."""
        self.drawn += 1
        data = {"epoch": "a", "drawn": self.drawn, "url": "ws://127.0.0.1:9/live", "revision": revision, "ring": ring}
        self.data = {**data, "every": None, "leisurely": False, "title": "", **more}
        self.page.evaluate("data => part(data)", self.data)

    def tell(self, revision: int) -> None:
        """Something has moved."""
        self.page.wait_for_timeout(100)
        assert self.line is not None
        self.line.send(json.dumps({"revision": revision, "moved": True}))

    def rung(self, times: int, *, within: int = PROMPT) -> int:
        """Waits for that many rings; the number of the last."""
        self.page.wait_for_function("times => rings.length === times", arg=times, timeout=within)
        return int(self.page.evaluate("rings.at(-1)"))


@pytest.fixture
def part(page: Page) -> Part:
    return Part(page)


def test_an_answer_in_which_nothing_has_changed_leaves_the_part_ready_for_the_next_news(part: Part) -> None:
    part.draw(7)
    part.tell(8)
    ring = part.rung(1)
    part.draw(8, ring=ring)
    part.tell(8)  # of what it shows already
    again = part.rung(2)
    assert again != ring  # so that its answer has other data than the one before, whatever it shows
    part.draw(8, ring=again)
    part.tell(9)
    part.rung(3)


def test_a_drawing_that_was_under_way_is_not_taken_for_the_answer(part: Part) -> None:
    part.draw(7)
    part.tell(8)
    ring = part.rung(1)
    part.draw(7, title="drawn before it heard the ring")
    part.tell(9)
    part.page.wait_for_timeout(500)
    assert part.page.evaluate("rings.length") == 1  # one drawing at a time
    part.draw(8, ring=ring)
    part.rung(2)


def test_a_ring_that_is_never_answered_is_repeated(part: Part) -> None:
    part.draw(7)
    part.tell(8)
    part.rung(1)
    part.rung(2, within=6_000)


def test_a_run_of_which_nothing_is_seen_but_what_it_drew_holds_up_no_ring(part: Part) -> None:
    """The browser draws its beginning and its end as one."""
    part.draw(7)
    part.page.evaluate("void (window.runs = () => {})")
    part.tell(8)
    part.draw(8, ring=part.rung(1))
    part.tell(9)
    part.rung(2, within=4_000)  # a run that nobody saw was waited for five seconds


def test_a_page_that_was_opened_with_an_older_desk_hears_the_news_of_the_next(page: Page) -> None:
    older = code("news").replace("all.isBusy", "all.wasBusy")
    assert older != code("news")
    page.evaluate(LISTEN, older)
    part = Part(page)
    part.draw(7)
    part.tell(8)
    part.rung(1)


RUN = ["running", "notRunning"]
PRESS = "document.body.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true }))"


@pytest.mark.parametrize("slowness", [0, 700], ids=["quick", "slow"])
def test_a_ring_waits_until_what_was_pressed_is_drawn(page: Page, slowness: int) -> None:
    page.clock.install()
    part = Part(page)
    part.draw(7)
    page.evaluate("slowness => { window.slowness = slowness; }", slowness)
    page.clock.run_for(20)
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.evaluate(PRESS)
    part.tell(8)
    page.wait_for_timeout(200)  # until it is heard; the page's own clock stands still
    while not page.evaluate("rings.length"):
        page.clock.run_for(20)
    page.clock.run_for(slowness + 20)
    assert page.evaluate("requests") == [["press"], *RUN, ["ring"], *RUN]
    assert page.evaluate("mixed") == 0


def test_whoever_types_for_long_holds_up_no_timer_for_ever(page: Page) -> None:
    page.clock.install()
    part = Part(page)
    part.draw(7, every=1)
    for _ in range(70):
        page.evaluate("document.body.dispatchEvent(new Event('input', { bubbles: true }))")
        page.clock.run_for(100)
    assert page.evaluate("rings.length")


def test_a_ring_waits_until_what_was_told_before_it_is_drawn(part: Part) -> None:
    part.page.evaluate("window.slowness = 700")
    part.draw(7)
    part.page.evaluate("data => part(data, 1)", part.data | {"drawn": 1})
    part.tell(8)
    part.rung(2, within=6_000)
    part.page.wait_for_function("requests.length === 6")
    assert part.page.evaluate("requests") == [["ring"], *RUN, ["ring"], *RUN]


def test_after_a_press_that_went_out_with_a_ring_the_page_is_asked_for(part: Part) -> None:
    part.draw(7)
    part.page.evaluate(f"void (meanwhile = () => {PRESS})")
    part.tell(8)
    part.page.wait_for_function("requests.length === 3")
    assert part.page.evaluate("requests") == [["ring", "press"], *RUN]
    part.page.wait_for_function("mixed === 1")


STAND = """data => {
  places[0].dataset.testid = "stVerticalBlock";
  places[0].append(Object.assign(document.createElement("i"), { className: "picture-desk-page" }));
  part(data);
}"""
GENERATE = {"epoch": "a", "drawn": 1, "page": "Generate", "filled": "", "lang": "en", "found": None}
MIXED = "void document.dispatchEvent(new Event('picture-desk-mixed'))"


def test_the_page_that_is_asked_for_waits_until_everything_is_at_rest(page: Page) -> None:
    page.evaluate(LISTEN, code("page"))
    page.evaluate(STAND, GENERATE)
    page.evaluate("void runs('running')")
    page.evaluate(MIXED)
    page.wait_for_timeout(600)
    assert page.evaluate("requests") == ["running"]
    page.evaluate("void runs('notRunning')")
    page.wait_for_function("requests.length > 2")
    assert page.evaluate("requests.slice(0, 3)") == [*RUN, ["page"]]


LINKS = """<textarea></textarea><a data-testid=stTopNavLink href=/history>History</a>
<a data-testid=stTopNavLink href=/>Generate</a>"""


@pytest.fixture
def linked(page: Page) -> Page:
    """Generate, with the links above it."""
    page.route("**/*", lambda route: route.fulfill(body=LINKS, content_type="text/html"))
    page.goto("http://127.0.0.1/")
    page.evaluate(LISTEN, code("page").replace("PATIENCE = 1_000", "PATIENCE = 60_000"))  # however slow this machine
    page.evaluate(STAND, GENERATE)
    page.evaluate("""() => document.querySelectorAll("a").forEach((link) => link.addEventListener("click", (event) => {
      event.preventDefault();
      requests.push(link.textContent);  // this one Streamlit sends at once
    }))""")
    page.evaluate("void runs('notRunning')")
    return page


def test_a_link_leads_on_behind_what_its_tap_has_told_and_nothing_follows_it(linked: Page) -> None:
    page = linked
    page.evaluate("document.querySelector('textarea').addEventListener('blur', () => tell('text'))")
    page.get_by_role("textbox").focus()
    page.get_by_role("link", name="History").click()
    page.wait_for_function("requests.includes('notRunning')")
    assert [one for one in page.evaluate("requests") if one not in RUN] == [["text"], "History"]
    page.evaluate(MIXED)
    page.wait_for_timeout(1_000)
    assert ["page"] not in page.evaluate("requests")
    page.evaluate("data => part(data)", GENERATE | {"drawn": 2, "page": "History"})
    page.wait_for_function("requests.some((one) => one[0] === 'page')")


def test_of_two_links_that_wait_for_what_was_told_the_last_leads_on(linked: Page) -> None:
    linked.evaluate("window.slowness = 60_000")
    linked.evaluate(MIXED)
    linked.wait_for_function("requests.length === 2")
    linked.get_by_role("link", name="Generate").click()
    linked.get_by_role("link", name="History").click()
    linked.evaluate("void runs('running')")
    linked.wait_for_function("requests.includes('History')")
    assert linked.evaluate("requests") == ["notRunning", ["page"], "running", "History"]


def test_who_turns_back_before_the_next_page_has_begun_is_heard_at_once(linked: Page) -> None:
    for name in ("History", "Generate"):
        linked.get_by_role("link", name=name).click()
        linked.wait_for_function("name => requests.includes(name)", arg=name)
    linked.evaluate(MIXED)
    linked.wait_for_function("requests.some((one) => one[0] === 'page')", timeout=3_000)
