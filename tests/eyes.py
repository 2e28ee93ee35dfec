"""What makes a page usable by everybody, asked of a browser: axe, what moves, where the focus is, how large all is.

What is found is collected, so that one walk tells all of it; `Eyes.assert_well()` ends the walk.
"""

from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
LOOKS = (("light", DESKTOP), ("dark", PHONE), ("dark", DESKTOP), ("light", PHONE))
GROUND = {"light": "rgb(250, 248, 245)", "dark": "rgb(14, 18, 26)"}
SETTLED = "[data-testid=stApp][data-test-script-state=notRunning]:not(:has([data-stale=true]))"
"""Streamlit fades what a run has not drawn anew yet."""
MATTERS = {"moderate", "serious", "critical"}
"""What axe calls minor is left: all of it is how Streamlit marks its drop zone up for react-dropzone."""
STREAMLITS = (("region", 'role="menu"'), ("aria-dialog-name", 'data-testid="stToast"'))
"""What it draws beside its landmarks, because it lies over the whole page: a menu that is open, and holds the focus.
And its toasts, which are dialogs named by an element that it does not draw."""
ASK_AXE = """every => axe.run((!every && document.querySelector("[role=dialog]")) || document,
  { resultTypes: ["violations"] }).then(({ violations }) => violations)"""
"""Of the whole page, or of what lies over it: what is behind was looked at before, and cannot be used now."""


class Eyes:
    """Looks at a page. `every`: at each state by day and by night, on a desktop and on a phone; else as it is now."""

    def __init__(self, page: Page, *, every: bool = False) -> None:
        self.page = page
        page.add_init_script(path=Path(__file__).with_suffix(".js"))
        self.every = every
        self.scheme, self.size = LOOKS[0]
        self.states = 0
        self.looks = 0
        self.troubles: list[str] = []

    def turn(self, scheme: str, size: dict[str, int]) -> None:
        """The page by day or by night, in this size, from now on."""
        self.scheme, self.size = scheme, size
        self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        self.page.set_viewport_size(size)  # type: ignore[arg-type]
        expect(self.page.locator("[data-testid=stApp]")).to_have_css("background-color", GROUND[scheme])

    def look(self, state: str) -> None:
        """Asks axe about the page as it stands; nothing moves, and nothing scrolls sideways."""
        self.states += 1
        before = self.scheme, self.size
        for scheme, size in LOOKS if self.every else (before,):
            if (scheme, size) != (self.scheme, self.size):
                self.turn(scheme, size)
            expect(self.page.locator(SETTLED)).to_be_visible()
            self.page.evaluate("() => eyes.rest()")
            self._note(f"{state}, {scheme}, {size['width']}")
        if (self.scheme, self.size) != before:
            self.turn(*before)

    def _note(self, where: str) -> None:
        self.looks += 1
        if not self.page.evaluate("() => 'axe' in window"):  # once for each document: it is half a megabyte
            self.page.evaluate(AXE_SCRIPT)
        for found in self.page.evaluate(ASK_AXE, self.every):
            if found["impact"] in MATTERS:
                self.troubles += [
                    f"{where}: {found['id']}: {one['target']} {one['html'][:150]}"
                    for one in found["nodes"]
                    if not any(found["id"] == kind and sign in one["html"] for kind, sign in STREAMLITS)
                ]
        if wide := self.page.evaluate("() => eyes.beyond()"):
            self.troubles.append(f"{where}: scrolls sideways by {wide} px")
        if moving := self.page.evaluate("() => eyes.moving()"):
            self.troubles.append(f"{where}: moves: {moving}")

    def focus(self, where: str) -> None:
        """Whatever has the focus shows it, and is in sight."""
        for _ in range(20):  # a ring takes a moment to be drawn
            if not (trouble := self.page.evaluate("() => eyes.focus()")):
                return
            self.page.wait_for_timeout(25)
        self.troubles.append(f"{where}: {trouble}")

    def tab_to(self, wanted: Locator, key: str = "Tab", most: int = 60) -> None:
        """Presses Tab until the focus is there; each stop on the way is looked at."""
        for _ in range(most):
            if wanted.evaluate("node => node.matches(':focus')"):
                return
            self.page.keyboard.press(key)
            self.focus("on the way")
        raise AssertionError(f"{key} does not reach {wanted}: {self.troubles}")

    def fits(self, state: str) -> None:
        """Nothing is too small for a thumb, and nothing reaches beyond the screen."""
        self.states += 1
        self.troubles += [f"{state}: too small: {one}" for one in self.page.evaluate("() => eyes.small()")]
        if wide := self.page.evaluate("() => eyes.beyond()"):
            self.troubles.append(f"{state}: scrolls sideways by {wide} px")

    def assert_well(self) -> None:
        """Nothing was found, all the way."""
        found = "\n".join(dict.fromkeys(self.troubles))
        assert not found, found
