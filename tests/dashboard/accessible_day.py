"""For everybody: axe on every screen in its states, all of a day's work by keyboard alone, and by thumb on a phone.

By hand (`make accessible`): a third of a whole run of the tests. Each state is seen once here; `accessible.py` sees it
by day and by night, on a desktop and on a phone.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
import states
from eyes import DESKTOP, PHONE, SETTLED, Eyes
from past import Past
from person import Person
from playwright.sync_api import Page, expect
from processes import Desk

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the other one looks just the same


def test_axe_finds_nothing_on_any_screen_in_any_state(shared_desk: Desk, page: Page) -> None:
    past = Past(shared_desk.state_dir, shared_desk.database_url)
    *failed, a, b = past.write(states.FINISHED)
    past.close()
    eyes, person = Eyes(page), Person(page, shared_desk).starts_afresh()
    states.furnish(shared_desk.database_url)
    states.generate(eyes, person)
    eyes.turn("dark", PHONE)
    states.history(eyes, person)
    states.other_lists(eyes, person)
    eyes.turn("light", PHONE)
    states.drawer(eyes, person, failed[0], "one that failed")
    states.drawer(eyes, person, b, "one that is done", menu=True)
    eyes.turn("dark", DESKTOP)
    states.compare(eyes, person, a, b, ("slider",))
    person.opens("/settings")
    eyes.look("the settings")
    eyes.assert_well()


def test_a_day_s_work_is_done_by_keyboard(shared_desk: Desk, page: Page) -> None:
    eyes, keyboard = Eyes(page), page.keyboard
    person = Person(page, shared_desk).starts_afresh()
    drawer, tiles = page.locator(".stDialog [role=dialog]"), page.locator(".tile")
    expect(page.get_by_role("button", name="Keys", exact=True)).to_be_visible()

    keyboard.press("/")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    keyboard.type("沙漠里的红色风筝, by keys alone?")  # a question mark in a text asks for no list of keys
    presses_generate(person)
    person.sees("沙漠里的红色风筝", "succeeded")
    eyes.focus("after a press of the keyboard")

    eyes.tab_to(person.card("沙漠里的红色风筝").locator("button.figure"))
    keyboard.press("e")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    expect(page.locator(".st-key-slots li[data-slot]")).to_have_count(1)
    keyboard.type("沙漠里的 kite in blue, by keys alone")
    presses_generate(person)
    person.sees("沙漠里的 kite in blue", "succeeded")

    goes(page, eyes, "History")
    searches(page, "沙漠里的")
    expect(tiles).to_have_count(2)
    eyes.tab_to(tiles.first)
    keyboard.press("Enter")
    expect(drawer).to_contain_text("沙漠里的 kite in blue")
    eyes.focus("in the drawer")
    keyboard.press("ArrowRight")
    expect(drawer).to_contain_text("沙漠里的红色风筝")
    keyboard.press("k")
    expect(drawer.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    keyboard.press("ArrowLeft")
    expect(drawer).to_contain_text("沙漠里的 kite in blue")
    asks_for_the_keys(page, "The open picture")
    expect(drawer).to_be_visible()
    assert drawer.evaluate("drawer => drawer.contains(document.activeElement)"), page.evaluate(
        "document.activeElement.outerHTML.slice(0, 200)"
    )
    eyes.tab_to(drawer.get_by_role("button", name="More"))
    keyboard.press("Enter")
    expect(drawer.get_by_role("menuitem", name="Use again")).to_be_focused()
    keyboard.press("c")
    expect(drawer.get_by_role("menuitem", name="Compare with…")).to_be_focused()
    keyboard.press("Enter")
    expect(drawer).to_have_count(0)
    choosing = page.get_by_text("Compare with what?")
    expect(choosing).to_be_visible()
    asks_for_the_keys(page, "Pictures")  # whose Escape is not that of the bar
    expect(choosing).to_be_visible()
    keyboard.press("Escape")
    expect(choosing).to_have_count(0)
    expect(tiles.first).to_be_focused()

    keyboard.press("f")
    expect(tiles.first).to_have_accessible_name(re.compile("Starred"))
    keyboard.press("Shift+ArrowRight")
    bar = page.get_by_role("region", name="What is selected")
    expect(bar).to_contain_text("2 selected")
    with page.expect_download() as download:
        eyes.tab_to(bar.get_by_role("button", name="Download ZIP"))
        keyboard.press("Enter")
        keyboard.press("Enter")  # the first of the kinds, which has the focus: the originals
    assert download.value.suggested_filename.endswith(".zip")
    keyboard.press("Escape")
    expect(bar).to_have_count(0)
    expect(tiles.locator("nth=1")).to_be_focused()
    keyboard.press("Delete")
    expect(bar).to_contain_text("1 deleted.")
    keyboard.press("z")
    expect(tiles.and_(page.locator(".gone"))).to_have_count(0)
    eyes.focus("after Undo")

    keyboard.press("Control+a")
    eyes.tab_to(bar.get_by_role("button", name="Compare"))
    keyboard.press("Enter")
    view = page.locator(".st-key-pair")
    expect(view.get_by_role("heading", name="What differs")).to_be_visible()
    keyboard.press("2")
    expect(view.get_by_role("status")).to_have_text(re.compile("^Slider"))
    eyes.tab_to(view.get_by_role("slider"))
    keyboard.press("Home")
    expect(view.get_by_role("slider")).to_have_attribute("aria-valuenow", "0")
    asks_for_the_keys(page, "Two pictures")

    goes(page, eyes, "Settings")
    eyes.tab_to(page.get_by_role("radio", name="English"))
    asks_for_the_keys(page, "Everywhere")
    eyes.assert_well()


def presses_generate(person: Person) -> None:
    """By its keys, once the button says what it will buy."""
    expect(person.button).to_contain_text("Generate 1")
    expect(person.page.locator(SETTLED)).to_be_visible()
    person.page.keyboard.press("Control+Enter")


def goes(page: Page, eyes: Eyes, name: str) -> None:
    """To another page, by its link."""
    eyes.tab_to(page.get_by_role("link", name=name).first, "Shift+Tab")
    page.keyboard.press("Enter")
    arrives(page, name)


def searches(page: Page, words: str) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.type(words)


def asks_for_the_keys(page: Page, title: str) -> None:
    """Opens the list of keys, finds what it is for there, and closes it; the focus goes on where it was."""
    sheet, held = page.get_by_role("dialog", name="Keys"), "() => document.activeElement"
    page.wait_for_function("() => document.activeElement !== document.body")  # a drawer takes it twice, to be read out
    before = page.evaluate_handle(held)
    page.keyboard.press("?")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    expect(sheet).to_contain_text(title)
    page.keyboard.press("Tab")
    assert sheet.evaluate("sheet => [document.body, sheet.getRootNode().host].includes(document.activeElement)")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert before.evaluate("(before) => before === document.activeElement")


def test_a_day_s_work_is_done_by_thumb(shared_desk: Desk, open_page: Callable[..., Page]) -> None:
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    page = open_page(**options)
    eyes = Eyes(page)
    person = Person(page, shared_desk).starts_afresh()
    drawer, tiles = page.locator(".stDialog [role=dialog]"), page.locator(".tile")
    expect(page.get_by_role("button", name="Keys", exact=True)).to_be_visible()
    person.types("海边的灯塔, by thumb alone")
    eyes.fits("the form")
    person.button.tap()
    person.sees("海边的灯塔", "succeeded")
    card = person.card("海边的灯塔")
    eyes.fits("a picture")
    card.get_by_role("button", name="Edit").tap()
    expect(page.locator(".st-key-slots li[data-slot]")).to_have_count(1)
    person.types("海边的 lighthouse at night")
    eyes.fits("an edit")
    person.button.tap()
    person.sees("海边的 lighthouse at night", "succeeded")

    thumbs_to(page, "History")
    page.get_by_label("Search", exact=True).fill("海边的")
    expect(tiles).to_have_count(2)
    eyes.fits("the list")
    top = tiles.first.bounding_box()
    assert top is not None
    assert top["y"] < PHONE["height"] / 2, "the list begins in the upper half of the screen"
    page.get_by_role("button", name="Filters").tap()
    page.get_by_role("radio", name="Done").tap()
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    eyes.fits("the filters")
    page.get_by_role("button", name="Filters (1)").tap()
    expect(page.get_by_role("radio", name="Done")).to_be_hidden()

    tiles.first.tap()
    expect(drawer).to_contain_text("海边的 lighthouse at night")
    drawer.get_by_role("button", name="Older").tap()
    expect(drawer).to_contain_text("海边的灯塔")
    drawer.get_by_role("button", name="Star").tap()
    expect(drawer.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    eyes.fits("the drawer")
    drawer.get_by_role("button", name="More").tap()
    eyes.fits("its menu")
    drawer.get_by_role("menuitem", name="Compare with…").tap()
    expect(page.get_by_text("Compare with what?")).to_be_visible()
    eyes.fits("the choice of a second")
    tiles.first.tap()
    expect(page.get_by_role("heading", name="What differs")).to_be_visible()
    for mode in ("Slider", "Flicker", "Difference", "Side by side"):
        page.get_by_role("button", name=mode, exact=True).tap()
        eyes.fits(mode)

    thumbs_to(page, "History")
    page.get_by_label("Search", exact=True).fill("海边的")
    expect(tiles).to_have_count(2)
    page.get_by_role("button", name="Select", exact=True).tap()
    for tile in (tiles.first, tiles.last):
        tile.tap()
    bar = page.get_by_role("region", name="What is selected")
    expect(bar).to_contain_text("2 selected")
    eyes.fits("two selected")
    with page.expect_download():
        bar.get_by_role("button", name="Download ZIP").tap()
        page.get_by_role("button", name="Originals").tap()
    bar.get_by_role("button", name="Delete").tap()
    expect(bar).to_contain_text("2 deleted.")
    eyes.fits("two deleted")
    bar.get_by_role("button", name="Undo").tap()
    expect(tiles.and_(page.locator(".gone"))).to_have_count(0)

    thumbs_to(page, "Settings")
    eyes.fits("the settings")
    page.get_by_role("button", name="Keys", exact=True).tap()
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    eyes.fits("the list of keys")
    eyes.assert_well()


def thumbs_to(page: Page, name: str) -> None:
    """To another page, by the menu of a phone."""
    page.get_by_test_id("stExpandSidebarButton").tap()
    page.get_by_role("link", name=name).first.tap()
    arrives(page, name)
    expect(page.locator("[data-testid=stSidebar][data-collapsed=false]")).to_have_count(0)  # the sheet of the links
    page.evaluate("() => eyes.rest()")


def arrives(page: Page, name: str) -> None:
    """The page of that name is drawn to its end."""
    expect(page.locator({"History": ".st-key-toolbar", "Settings": ".st-key-settings"}[name])).to_be_visible()
    expect(page.locator(SETTLED)).to_be_visible()
