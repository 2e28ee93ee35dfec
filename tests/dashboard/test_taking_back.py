"""What was done last is offered to be taken back wherever it was done, to whoever sees, hears or presses keys alone."""

import os
import re
import signal
from pathlib import Path

import pytest
from past import Past, Was
from person import Person
from playwright.sync_api import Page, expect
from processes import Desk
from room import Room, drawn, tell, texts

from data.db import Database
from data.marks import Marks
from data.removal import Removal


@pytest.fixture
def past(form_room: Room, tmp_path: Path) -> Past:
    """What the desk has made before; its pictures lie where the desk looks for them."""
    return Past(tmp_path, form_room.db.url.render_as_string(hide_password=False))


def test_the_only_picture_comes_back_beside_the_form_and_in_the_results_of_its_batch(
    form_room: Room, past: Past
) -> None:
    (only,) = past.write([Was("a kite")])
    app = form_room.open()
    tell(app, "now", "delete", only)
    assert drawn(app, "now") == {}, "no card is left"
    assert drawn(app, "take_back")["undo"]["text"].startswith("1 deleted. Until ")
    tell(app, "take_back", "undo")
    assert [card["id"] for card in drawn(app, "now")["cards"]] == [only]
    app = form_room.open("results", batch=form_room.history.card(only).batch_id, task=only)
    tell(app, "sheet", "delete", only)
    assert "There is no such batch" in texts(app)
    assert drawn(app, "take_back")["undo"]["text"].startswith("1 deleted. Until ")
    tell(app, "take_back", "undo")
    assert (drawn(app, "results")["title"], drawn(app, "take_back")["undo"]) == ("a kite", None)


@pytest.mark.parametrize(("view", "many"), [("pair", 2), ("several", 3)])
def test_a_pick_that_is_taken_off_beside_others_can_be_put_back_there(
    form_room: Room, past: Past, view: str, many: int
) -> None:
    ids = past.write([Was(f"kite {n}") for n in range(many)])
    Marks(form_room.db).pick(ids[:1], "ann")
    app = form_room.open("compare", **dict(zip("abc", ids, strict=False)))
    tell(app, view, "unpick", ids[0])
    assert drawn(app, "take_back")["undo"]["text"] == "1 is no longer picked."
    tell(app, "take_back", "undo")
    picked = Marks(form_room.db).of(ids, "local")[ids[0]].pick
    assert (picked.person if picked else None) == "ann"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_keyboard_and_the_ear_find_the_way_back_after_a_deletion(shared_desk: Desk, page: Page) -> None:
    person = Person(page, shared_desk).starts_afresh()
    for prompt in ("a boat to keep", "a boat to lose"):
        person.types(prompt)
        person.presses_generate()
        person.sees(prompt, "succeeded")
    keep, lose = person.card("a boat to keep"), person.card("a boat to lose")

    def deletes() -> None:
        lose.get_by_role("button", name="More").focus()
        for key in ("Enter", "End", "Enter"):
            page.keyboard.press(key)
        expect(lose).to_have_count(0)

    told, undo = page.locator(".st-key-take_back [role=status]"), page.get_by_role("button", name="Undo")
    expect(told).to_have_text("")
    deletes()
    expect(told).to_contain_text("1 deleted. Until ")
    expect(keep.locator("button.figure")).to_be_focused()
    undo.focus()
    page.evaluate("() => (Date.now = () => performance.timeOrigin + performance.now() + 60_000)")  # its time is over
    person.sees("a boat to keep", "succeeded")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(lose).to_be_visible()
    expect(keep.locator("button.figure")).to_be_focused()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_after_a_deletion_in_the_drawer_its_keys_are_heard_and_undo_goes_when_its_time_is_over(
    shared_desk: Desk, page: Page
) -> None:
    person = Person(page, shared_desk).starts_afresh()
    for prompt in ("the first leaf", "the second leaf", "the third leaf"):
        person.types(prompt)
        person.presses_generate()
        person.sees(prompt, "succeeded")
    person.card("the second leaf").locator("button.figure").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator(".prompt")).to_have_text("the second leaf")
    expect(page).to_have_url(re.compile("task="))
    second = page.url.partition("task=")[2]
    drawer.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(drawer.locator(".prompt")).to_have_text("the first leaf")
    expect(drawer.get_by_role("status")).to_contain_text("1 deleted. Until ")
    expect(drawer).to_be_focused()
    page.clock.install()
    page.keyboard.press("ArrowLeft")
    expect(drawer.locator(".prompt")).to_have_text("the third leaf")
    undo = drawer.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.clock.fast_forward(11_000)
    expect(undo).to_have_count(0)
    database = Database(shared_desk.database_url)
    Removal(database).restore([second], who="local")  # for whoever compares the books afterwards
    database.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_typed_after_edit_was_pressed_outlives_a_late_answer(shared_desk: Desk, page: Page) -> None:
    person = Person(page, shared_desk).starts_afresh()
    person.types("a leaf")
    person.presses_generate()
    person.sees("a leaf", "succeeded")
    prompt, dashboard = page.get_by_label("Prompt", exact=True), shared_desk.pids["dashboard"]
    os.kill(dashboard, signal.SIGSTOP)
    try:
        person.card("a leaf").get_by_role("button", name="Edit").click()
        prompt.press_sequentially(" make it blue")
        prompt.press("Tab")
    finally:
        os.kill(dashboard, signal.SIGCONT)
    expect(page.get_by_text("Edit of")).to_be_visible()
    expect(prompt).to_have_value("make it blue")
