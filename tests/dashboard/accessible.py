"""For everybody: axe on every screen in its states, a run by keyboard alone, and one by thumb on a phone.

By hand: `pytest tests/dashboard/accessible.py`. The two runs are not brought up to the newest screens yet.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from past import Past, S, Was
from person import Person
from pictures import animated_gif, png
from playwright.sync_api import Locator, Page, expect
from processes import Desk

on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the other one looks just the same

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
MATTERS = {"moderate", "serious", "critical"}
"""What axe calls minor is left: all of it is how Streamlit marks its drop zone up for react-dropzone."""
BEYOND = """Math.max(...[document.documentElement, ...document.querySelectorAll("[data-testid=stMain], [role=dialog]")]
  .map((node) => node.scrollWidth - node.clientWidth))"""
"""By how many pixels the page, or what lies over it, scrolls sideways."""
MOVING = """() => {
  const inside = ({ shadowRoot }) => (shadowRoot ? rooted(shadowRoot) : []);
  const rooted = (root) => [root, ...[...root.querySelectorAll("*")].flatMap(inside)];
  const slow = (one) => one.playState === "running" && one.effect.getComputedTiming().duration > 10;
  const all = rooted(document).flatMap((root) => root.getAnimations());
  return all.filter(slow).map((one) => one.animationName ?? one.transitionProperty);
}"""
"""What moves, although the browser of every test asks for less motion."""
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]:not(:has([data-stale=true]))"
"""Streamlit fades what a run has not drawn anew yet."""
SIGN_IN = """
[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
cookie_secret = "nobody signs in here, but Streamlit asks for one"
client_id = "desk"
client_secret = "y"
"""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Where the desk looks for a sign-in; there is none until a test writes one."""
    return tmp_path / "secrets.toml"


@pytest.fixture
def fresh_desk(tmp_path: Path, secrets: Path) -> Iterator[Desk]:
    """A desk whose database is put together by hand, so that nobody audits it at the end."""
    desk = Desk(tmp_path / "desk", {"STREAMLIT_SECRETS_FILES": str(secrets)}).start()
    yield desk
    desk.stop()


@pytest.fixture
def past(fresh_desk: Desk) -> Iterator[Past]:
    past = Past(fresh_desk.state_dir, fresh_desk.database_url)
    yield past
    past.close()


class Eyes:
    """Looks at a page with axe: by day on a desktop and by night on a phone; where it is worth it, also crosswise."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: set[str] = set()

    def look(self, state: str, *, crosswise: bool = False) -> None:
        looks = [("light", DESKTOP), ("dark", PHONE), *([("dark", DESKTOP), ("light", PHONE)] if crosswise else [])]
        for scheme, size in looks:
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            ground = "rgb(250, 248, 245)" if scheme == "light" else "rgb(14, 18, 26)"
            expect(self.page.locator("[data-testid=stApp]")).to_have_css("background-color", ground)
            expect(self.page.locator(SETTLED)).to_be_visible()
            self._note(f"{state}, {scheme}, {size['width']}")
        self.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]

    def _note(self, where: str) -> None:
        for found in Axe().run(self.page).response["violations"]:
            if found["impact"] in MATTERS:
                self.troubles |= {
                    f"{where}: {found['id']}: {one['target']} {one['html'][:150]}" for one in found["nodes"]
                }
        if wide := self.page.evaluate(BEYOND):
            self.troubles.add(f"{where}: scrolls sideways by {wide} px")
        if moving := self.page.evaluate(MOVING):
            self.troubles.add(f"{where}: moves: {moving}")


def test_axe_finds_nothing_on_any_screen_in_any_state(fresh_desk: Desk, past: Past, secrets: Path, page: Page) -> None:
    eyes, person = Eyes(page), Person(page, fresh_desk)
    for path in ("/", "/history", "/compare"):
        person.opens(path)
        eyes.look(f"{path} for the first time")
    unfinished = (S.RUNNING, S.FETCHING, S.UNCONFIRMED, S.FAILED, S.CANCELLED)
    asked = [Was("A red kite"), Was("A blue kite"), *(Was(f"{state} 风筝", state) for state in unfinished)]
    a, b, *others = past.write(asked)
    task_of = dict(zip(unfinished, others, strict=True))

    look_at_generate(eyes, person, cards=len(asked))
    look_at_history(eyes, person, drawers=[a, task_of[S.UNCONFIRMED], task_of[S.FAILED]])
    look_at_compare(eyes, person, a, b)
    person.opens("/settings")
    eyes.look("/settings", crosswise=True)
    secrets.write_text(SIGN_IN)
    person.opens()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    eyes.look("sign-in")
    assert "\n".join(sorted(eyes.troubles)) == ""


def look_at_generate(eyes: Eyes, person: Person, cards: int) -> None:
    page = person.opens().page
    expect(page.locator("li.card")).to_have_count(cards)
    eyes.look("/", crosswise=True)
    person.opens_the_models()
    eyes.look("/ with the list of models")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Give up and try again").click()
    eyes.look("/ with a question")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    eyes.look("/ with the list of keys")
    page.keyboard.press("Escape")
    person.adds(*((f"{name}.png", "image/png", png(64 + n, 64)) for n, name in enumerate("ab")))
    person.adds(("dance.gif", "image/gif", animated_gif()))
    expect(page.locator(".st-key-slots").get_by_role("alert")).to_contain_text("is a GIF")
    person.types("y" * 5001)
    page.get_by_label("Prompt", exact=True).blur()
    expect(page.get_by_role("alert").filter(has_text="5,000 characters")).to_be_visible()
    eyes.look("/ with references and refusals")


def look_at_history(eyes: Eyes, person: Person, drawers: list[str]) -> None:
    page = person.opens("/history").page
    eyes.look("/history", crosswise=True)
    page.locator("[role=option]").first.focus()
    for key, state in (("Space", "with one selected"), ("t", "with its tags"), ("Delete", "with one deleted")):
        page.keyboard.press(key)
        eyes.look(f"/history {state}")
        if key == "t":
            page.keyboard.press("Escape")
    page.get_by_role("button", name="Date").click()
    eyes.look("/history with the choice of a date")
    for query in ("q=nothing%20of%20that%20cost:much", "status=failed", "view=deleted"):
        person.opens(f"/history?{query}")
        eyes.look(f"/history?{query}")
    for task in drawers:
        person.opens(f"/history?task={task}")
        expect(page.get_by_role("dialog")).to_contain_text("What happened")
        eyes.look(f"the drawer of {task}")


def look_at_compare(eyes: Eyes, person: Person, a: str, b: str) -> None:
    person.opens(f"/compare?a={a}")
    eyes.look("/compare with one")
    for mode in ("side", "slider", "difference"):  # a flicker looks like one of the two
        person.opens(f"/compare?a={a}&b={b}&mode={mode}")
        expect(person.page.get_by_role("img", name="B: A blue kite")).to_be_visible()
        eyes.look(f"/compare, {mode}")


def tab_to(wanted: Locator, key: str = "Tab", most: int = 80) -> None:
    """Presses Tab until the focus is there."""
    for _ in range(most):
        if wanted.evaluate("node => node.matches(':focus')"):
            return
        wanted.page.keyboard.press(key)
    raise AssertionError(f"{key} does not reach {wanted}")


@on_sqlite
def test_everything_from_a_prompt_to_a_comparison_is_done_by_keyboard(shared_desk: Desk, page: Page) -> None:
    person, keyboard = Person(page, shared_desk).starts_afresh(), page.keyboard
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    for prompt in ("沙丘上的红色风筝, by keys alone", "the other one, by keys alone"):
        keyboard.press("/")
        expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
        keyboard.press("Control+a")
        keyboard.type(f"{prompt}?")
        keyboard.press("Control+Enter")
        person.sees(prompt, "succeeded")

    sheet, drawer = page.get_by_role("dialog", name="Keys"), page.locator(".stDialog [role=dialog]")
    expect(sheet).to_have_count(0)  # a question mark in a text is none
    picture = person.card("红色风筝").locator("button.figure")
    tab_to(picture)
    keyboard.press("Enter")
    expect(drawer).to_contain_text("What happened")
    keyboard.press("?")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    expect(sheet).to_contain_text("Generate, also while you type")
    keyboard.press("Tab")
    assert sheet.evaluate("sheet => [document.body, sheet.getRootNode().host].includes(document.activeElement)")
    keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(drawer).to_be_visible()
    assert drawer.evaluate("drawer => drawer.contains(document.activeElement)")
    keyboard.press("Escape")
    expect(drawer).to_have_count(0)

    keyboard.press("/")
    tab_to(page.get_by_role("link", name="History"), "Shift+Tab")
    keyboard.press("Enter")
    person.settles()
    expect(page).to_have_url(re.compile("/history"))
    keyboard.press("/")
    keyboard.type("沙丘")
    keyboard.press("Enter")
    tile = page.locator(".tile")
    expect(tile).to_have_count(1)
    tab_to(tile)
    keyboard.press("Enter")
    tab_to(drawer.get_by_role("button", name="Compare with…"))
    keyboard.press("Enter")
    tab_to(page.locator("button.offer").first)
    keyboard.press("Enter")
    view = page.locator(".st-key-pair")
    expect(view.get_by_role("heading", name="What differs")).to_be_visible()
    keyboard.press("2")
    expect(view.get_by_role("status")).to_have_text(re.compile("^Slider"))
    keyboard.press("?")
    expect(sheet).to_contain_text("Swap A and B")
    keyboard.press("?")
    expect(sheet).to_have_count(0)


SMALL = """() => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      const box = node.getBoundingClientRect();
      const pressed = node.matches("button, summary, a[href], [role=option], [role=switch], [role=slider]");
      if (root !== document && pressed && node.checkVisibility() && box.width > 0 && box.height < 39.5)
        found.push(`${node.className} "${node.innerText || node.title}": ${box.height}`);
    }
  };
  walk(document);
  return found;
}"""
"""What we draw for a thumb and is lower than 40 px. What Streamlit draws is not in a shadow root."""


def fits(page: Page) -> None:
    """Nothing of ours is too small for a thumb, and nothing reaches beyond the screen."""
    assert page.evaluate(SMALL) == []
    assert page.evaluate(BEYOND) == 0


@on_sqlite
def test_everything_from_a_prompt_to_a_comparison_is_done_by_thumb(
    shared_desk: Desk, open_page: Callable[..., Page]
) -> None:
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    page = open_page(**options)
    person = Person(page, shared_desk).starts_afresh()
    person.types("by thumb alone")
    person.button.tap()
    person.sees("by thumb alone", "succeeded")
    person.settles()
    fits(page)
    drawer = page.locator(".stDialog [role=dialog]")
    person.card("by thumb alone").locator("button.figure").tap()
    expect(drawer).to_contain_text("What happened")
    fits(page)
    drawer.get_by_role("button", name="Close", exact=True).tap()
    expect(drawer).to_have_count(0)

    person.opens("/history")
    fits(page)
    page.locator(".tile:has(img)").first.tap()
    drawer.get_by_role("button", name="Compare with…").tap()
    page.locator("button.offer").first.tap()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    for mode in ("Slider", "Flicker", "Difference", "Side by side"):
        page.get_by_role("button", name=mode, exact=True).tap()
        fits(page)
    page.get_by_role("button", name="Keys").tap()
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    fits(page)
