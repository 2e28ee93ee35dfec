"""An impatient double click is one wish; a press after another one is a wish of its own, however soon it comes."""

from typing import Any

import pytest
from playwright.sync_api import Page

from dashboard.components.mount import code

LOAD = """async (code) => {
  const { default: draw } = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const parentElement = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
  document.body.append(document.createElement("button"));
  window.told = 0;
  window.values = [];
  const setStateValue = (_, queue) => {
    values.push(JSON.stringify(queue));
    told = Math.max(told, ...queue.map(({ seq }) => seq));
  };
  window.shelf = (data) => void draw({ data, parentElement, setStateValue });
}"""
ITEM = {"id": "a", "key": "a", "prompt": "a kite", "src": "", "width": 3, "height": 2}


class Shelf:
    """A shelf of pictures that stands in a page with a button beside it."""

    def __init__(self, page: Page) -> None:
        self.page, self.drawn = page, 0
        page.evaluate(LOAD, code("kit", "shelf"))
        self.draw()

    def draw(self, *, ack: int = 0, older: int | None = 7) -> None:
        """What Python says."""
        self.drawn += 1
        data: dict[str, Any] = {
            "epoch": "a", "drawn": self.drawn, "ack": ack, "clock": 0, "label": "History", "act": "open",
            "items": [ITEM], "older": older, "newer": None, "status": "", "empty": "",
            "words": {"older": "Older", "newer": "Newer"},
        }  # fmt: skip
        self.page.evaluate("data => shelf(data)", data)

    def press(self, name: str, times: int = 1) -> None:
        """So often in one turn: no machine is too slow for it to be a double click."""
        button = self.page.get_by_role("button", name=name)
        button.evaluate("(button, times) => { while (times--) button.click(); }", times)

    @property
    def told(self) -> int:
        """How many wishes have gone out."""
        return int(self.page.evaluate("told"))


@pytest.fixture
def shelf(page: Page) -> Shelf:
    return Shelf(page)


def test_an_impatient_double_click_is_one_wish(shelf: Shelf) -> None:
    shelf.press("a kite", times=2)
    assert shelf.told == 1


ELSEWHERE = ["document.querySelector('button').click()", "document.body.dispatchEvent(new KeyboardEvent('keydown'))"]


@pytest.mark.parametrize("other", ELSEWHERE, ids=["button", "key"])
def test_who_has_pressed_anything_else_since_wishes_it_again(shelf: Shelf, other: str) -> None:
    shelf.page.get_by_role("button", name="a kite").evaluate(f"kite => {{ kite.click(); {other}; kite.click(); }}")
    assert shelf.told == 2


def test_every_page_is_turned_that_is_there_to_be_turned(shelf: Shelf) -> None:
    shelf.page.evaluate("Date.now = () => 0")  # however long a machine takes, all of it is within one second
    shelf.press("Older", times=2)
    assert shelf.told == 1
    shelf.draw(ack=1, older=6)
    shelf.press("Older")
    assert shelf.told == 2


def test_what_nobody_has_acknowledged_is_told_again_as_something_new(page: Page) -> None:
    page.clock.install()
    shelf = Shelf(page)
    shelf.press("a kite")
    page.clock.run_for(4_000)
    values = page.evaluate("values")
    assert len(set(values)) == len(values) > 2  # Streamlit calls nobody for a value that it has kept already
    assert shelf.told == 1
    shelf.draw(ack=1)
    page.clock.run_for(4_000)
    assert page.evaluate("values") == values
