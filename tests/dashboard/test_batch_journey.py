"""A batch in a real browser: typed, closed by accident, started by a double click, and followed to History."""

import re

from person import DONE, Person
from playwright.sync_api import Page, expect
from processes import Desk

LIST = "a red kite over dunes\na paper boat in the rain\nan old lighthouse [[fault:fail]]\na sleepy panda"


def test_a_list_survives_escape_is_bought_once_by_a_double_click_and_is_one_card(shared_desk: Desk, page: Page) -> None:
    person = Person(page, shared_desk).starts_afresh()
    page.get_by_role("button", name="Batch…").click()
    field = page.get_by_role("dialog").get_by_label("One prompt a line")
    field.press_sequentially(LIST.replace("\n", " \n"), delay=0)
    page.keyboard.press("Escape")  # at once: nothing has had the time to be told
    expect(page.get_by_role("dialog")).to_have_count(0)
    person.settles()
    page.get_by_role("button", name="Batch…").click()
    expect(field).to_have_value(LIST.replace("\n", " \n"))
    start = page.get_by_role("button", name="Start 4 · ≈ 16 practice credits")
    expect(start).to_be_in_viewport(ratio=1)  # whatever else the dialog holds
    start.dblclick()
    expect(page.get_by_role("dialog")).to_have_count(0)
    card = page.locator("li.batch")
    expect(card).to_have_count(1)
    expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuetext", "3 of 4 done · 1 failed", timeout=DONE)
    expect(card.get_by_role("button", name="Retry the failed one · ≈ 4 practice credits")).to_be_visible()
    expect(page.locator("li.card:not(.batch)", has_text="paper boat")).to_have_count(0)
    batch_id = card.get_attribute("data-key")
    card.get_by_role("button", name="Open in History").click()
    expect(page).to_have_url(re.compile(f"/history.*q=batch%3A{batch_id}"))
