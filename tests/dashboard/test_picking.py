"""What only a browser can show of the form: the list of models by keyboard and on a phone, references put in order."""

import pytest
from local import local
from person import Person
from pictures import png
from playwright.sync_api import Page, expect
from processes import Desk

from data.db import Database
from data.history import History
from data.query import Query
from data.search import Search

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)  # the other one looks just the same


@pytest.fixture
def person(shared_desk: Desk, page: Page) -> Person:
    """Somebody who has just opened the desk."""
    return Person(page, shared_desk).starts_afresh()


def test_models_of_all_roads_are_picked_by_keyboard_and_make_one_batch(person: Person) -> None:
    page = person.page
    person.wants_several()
    models = person.opens_the_models()
    expect(models.get_by_role("option", name="Nano Banana", exact=True)).to_be_focused()
    page.keyboard.press("Home")
    for wanted in ("Nano Banana Pro, Google direct", "Seedream 4.5, ByteDance direct"):
        option = models.get_by_role("option", name=wanted, exact=True)
        while not option.evaluate("option => option.matches(':focus')"):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        expect(option).to_have_attribute("aria-selected", "true")
        expect(option).to_be_focused()
    page.keyboard.press("s")  # a letter leads to the next name that begins with it
    expect(models.locator(":focus")).to_have_attribute("aria-label", "Sora 2")
    page.keyboard.press("Enter")  # and what cannot be chosen stays unchosen
    page.keyboard.press("Escape")
    expect(models).to_be_hidden()
    expect(page.get_by_role("button", name="Model: Nano Banana, Nano Banana Pro, Seedream 4.5")).to_be_focused()
    person.types("one kite, three painters")
    expect(person.button).to_contain_text("Generate 3 · ≈ ")
    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    person.sees("one kite, three painters", "succeeded", 3)
    for road in ("Nano Banana · kie.ai", "Nano Banana Pro · Google, direct", "Seedream 4.5 · ByteDance, direct"):
        expect(page.locator("li.card", has_text=road).first).to_be_visible()
    page.get_by_role("switch", name="Several at once").click()
    expect(page.get_by_role("button", name="Model: Nano Banana", exact=True)).to_be_visible()


def test_tab_leads_out_of_the_list_and_closes_it(person: Person) -> None:
    page = person.page
    models, first = person.opens_the_models(), page.get_by_role("radio", name="1", exact=True)
    page.keyboard.press("Tab")
    expect(models).to_be_hidden()
    expect(first).to_be_focused()
    person.opens_the_models()
    page.keyboard.press("Shift+Tab")
    expect(models).to_be_hidden()
    expect(page.get_by_role("switch", name="Several at once")).to_be_focused()
    person.wants_several()
    person.opens_the_models()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Done")).to_be_focused()
    page.keyboard.press("Tab")
    expect(models).to_be_hidden()
    expect(page.locator(".st-key-picker :focus")).to_have_count(0)


def test_the_list_opens_where_it_fits_and_never_over_the_head_of_the_page(person: Person) -> None:
    page = person.page
    head = page.get_by_test_id("stHeader").bounding_box()
    assert head is not None
    for height in (900, 620):
        page.set_viewport_size({"width": 1440, "height": height})
        box = person.opens_the_models().bounding_box()
        assert box is not None
        assert head["height"] <= box["y"], height
        assert box["y"] + box["height"] <= height
        assert box["height"] > 200
        page.keyboard.press("Escape")


def test_a_model_that_is_added_dropped_and_added_within_a_second_is_chosen_and_nothing_moves(person: Person) -> None:
    page = person.page
    person.wants_several()
    option = person.opens_the_models().get_by_role("option", name="Seedream 4.5", exact=True)
    place = option.bounding_box()
    for chosen in ("true", "false", "true"):
        option.click()
        expect(option).to_have_attribute("aria-selected", chosen)
    person.settles()
    assert option.bounding_box() == place
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Model: Nano Banana, Seedream 4.5")).to_be_visible()


def test_a_number_typed_and_clicked_away_is_bought_only_once_its_price_was_shown(person: Person) -> None:
    page = person.page
    person.chooses("Seedream 4")
    person.types("a dozen of kites, or six")
    button = person.button
    expect(button).to_contain_text("Generate 1 · ≈ 5 practice credits")
    page.get_by_role("spinbutton", name="Pictures in one go").fill("6")
    person.presses_generate()
    expect(button).to_contain_text("Generate 1 · ≈ 30 practice credits")
    person.settles()
    page.wait_for_timeout(1100)  # a press within a second would be the second half of a double click
    expect(person.card("a dozen of kites, or six")).to_have_count(0)
    person.presses_generate()
    expect(person.card("a dozen of kites, or six")).to_have_count(1)


def test_references_go_out_in_the_order_that_buttons_keys_and_dragging_gave_them(person: Person) -> None:
    page = person.page
    person.adds(*((f"{name}.png", "image/png", png(64 + n, 64)) for n, name in enumerate("abc")))
    slots = page.locator(".st-key-slots li[data-slot]")
    expect(slots).to_have_count(3)
    names = slots.locator("b")
    page.get_by_role("button", name="Move right a.png").click()
    expect(names).to_have_text(["b.png", "a.png", "c.png"])
    said = page.locator(".st-key-slots").get_by_role("status")
    expect(said).to_have_text("a.png is now 2 of 3")
    expect(page.get_by_role("button", name="Move right a.png")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(names).to_have_text(["b.png", "c.png", "a.png"])
    expect(said).to_have_text("a.png is now 3 of 3")
    slots.nth(2).drag_to(slots.nth(0))
    expect(names).to_have_text(["a.png", "b.png", "c.png"])
    slots.nth(2).drag_to(slots.nth(0))
    expect(names).to_have_text(["c.png", "a.png", "b.png"])
    person.types("in this very order")
    person.presses_generate()
    person.sees("in this very order", "succeeded")
    db = Database(person.desk.database_url)
    history = History(db)
    (task,) = [card for card in Search(db).page(Query(), "", limit=100).cards if card.prompt == "in this very order"]
    assert [row.filename for row in history.detail(task.id).inputs] == ["c.png", "a.png", "b.png"]
    db.close()
    creates = local.get(f"{person.desk.sandbox_url}/sandbox/ledger").json()["creates"]
    assert len([row for row in creates if row["prompt"] == "in this very order"]) == 1


def test_on_a_phone_the_list_is_a_sheet_that_a_thumb_reaches(person: Person) -> None:
    page = person.page
    page.set_viewport_size({"width": 390, "height": 844})
    for role, name in (("switch", "Several at once"), ("button", "Model: Nano Banana")):
        target = page.get_by_role(role, name=name, exact=True).bounding_box()  # type: ignore[arg-type]
        assert target is not None
        assert target["height"] >= 44
    models = person.opens_the_models()
    box = models.bounding_box()
    assert box is not None
    assert (box["x"], round(box["width"])) == (0, 390)
    assert box["y"] > 150
    models.get_by_role("option", name="Seedream 4.5", exact=True).click()
    expect(models).to_be_hidden()
    expect(page.get_by_role("button", name="Model: Seedream 4.5")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
