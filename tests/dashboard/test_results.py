"""The results of a batch: the table that the address names, what stands in its cells, and what is done there."""

import re
from typing import Any

import pytest
from past import Past, Was
from playwright.sync_api import Page, expect
from processes import Desk
from room import MODELS, Room, cards, drawn, tell
from streamlit.testing.v1 import AppTest

from data.catalog import catalog
from data.failures import Failures
from data.plan import Plan
from data.preferences import Preferences
from data.removal import Removal
from data.requests import validate
from data.search import Search
from data.status import TaskStatus as S

NANO, _, SEEDREAM, _ = MODELS
PROMPTS = ("a red kite", "七只风筝")


def batch(room: Room, *prompts: str, models: tuple[str, ...] = (NANO, SEEDREAM), repeat: int = 1) -> list[str]:
    """The tasks' ids: prompt by prompt, model by model."""
    asked = [
        validate(catalog().require(model), prompt, {"aspect_ratio": "1:1"}, ())
        for prompt in prompts or PROMPTS for model in models for _ in range(repeat)
    ]  # fmt: skip
    return [task.id for task in room.tasks.create(asked, person="local", plan=Plan("Spring", "lines", None))]


def opened(room: Room, task_id: str, **query: str) -> AppTest:
    app = room.open("results", batch=room.history.card(task_id).batch_id, **query)
    assert not app.exception
    return app


def table(app: AppTest) -> dict[str, Any]:
    return drawn(app, "results")


def rows(app: AppTest) -> list[tuple[str, str, list[str]]]:
    """Of each line: the title of its group, its own, and the words of its cells."""
    return [
        (group["title"], line["title"], [cell["word"] if cell else "" for cell in line["cells"]])
        for group in table(app)["groups"] for line in group["lines"]
    ]  # fmt: skip


def foot(app: AppTest) -> dict[str, list[str]]:
    return {row["name"]: row["values"] for row in table(app)["foot"]}


def test_what_varies_is_found_and_stands_where_one_looks_for_it(form_room: Room) -> None:
    first, *_ = batch(form_room, repeat=2)
    app = opened(form_room, first)
    view = table(app)
    assert (view["title"], view["columns"]) == ("Spring", ["Nano Banana", "Seedream 4.5"])
    assert [(axis["label"], axis["at"]) for axis in view["axes"]] == [
        ("Prompt", "rows"), ("Model", "cols"), ("Repeat", ""),
    ]  # fmt: skip
    assert rows(app) == [(prompt, f"Repeat {n}", ["Queued"] * 2) for prompt in PROMPTS for n in (1, 2)]


def test_below_each_column_stands_what_came_of_it_and_what_it_cost(form_room: Room) -> None:
    first, *_ = batch(form_room)
    form_room.done()
    form_room.fail("policy")
    form_room.done()
    app = opened(form_room, first)
    assert rows(app) == [(PROMPTS[0], "", ["Done", "Refused by policy"]), (PROMPTS[1], "", ["Done", "Queued"])]
    told = foot(app)
    assert (told["Done"], told["Refused"], told["Under way"]) == (["2 of 2", "0 of 2"], ["0", "1"], ["0", "1"])
    assert (told["Cost"], told["Cost of a picture"]) == (["8 credits", "0 credits"], ["4 credits", "–"])
    assert told["Median time"] == ["1 s", "–"]
    assert table(app)["line"] == "2 of 4 done · 1 refused · 1 under way · Spent 8 credits ($0.04)"


def test_a_retry_takes_the_place_of_what_failed_and_the_page_stays(form_room: Room) -> None:
    first, *_ = batch(form_room, "a red kite")
    form_room.fail()
    form_room.done()
    app = opened(form_room, first)
    (cell, _) = table(app)["groups"][0]["lines"][0]["cells"]
    assert (cell["word"], cell["again"]["label"]) == ("Failed", "Retry · ≈ 4 credits ($0.02)")
    assert cell["say"].startswith("The model could not make a picture of this. Nothing was charged.")
    assert "Retry the failed one · ≈ 4 credits ($0.02)" in [one["label"] for one in table(app)["actions"]]
    tell(app, "results", "retry", cell["again"]["id"])
    assert rows(app) == [("", "", ["Queued", "Done"])]
    assert "retry" not in str([one["act"] for one in table(app)["actions"]])
    form_room.done()
    assert rows(app.run()) == [("", "", ["Done", "Done"])]
    assert foot(app)["Done"] == ["1 of 1", "1 of 1"]
    assert len(form_room.all_tasks()) == 3


def test_what_another_model_was_asked_for_instead_is_led_to_and_no_result_of_this_one(form_room: Room) -> None:
    first, _ = batch(form_room, "a red kite")
    form_room.fail()
    form_room.done()
    other = validate(catalog().require(SEEDREAM), "a red kite", {}, ())
    new = form_room.tasks.retry(first, who="local", other=other)
    form_room.done()
    app = opened(form_room, first)
    (cell, _) = table(app)["groups"][0]["lines"][0]["cells"]
    assert (cell["word"], cell["again"]["act"], cell["again"]["id"]) == ("Failed", "open", new.id)
    assert (foot(app)["Done"], foot(app)["Cost"]) == (["0 of 1", "1 of 1"], ["0 credits", "4 credits"])
    assert "batch_retry" not in [one["act"] for one in table(app)["actions"]]


def test_where_the_picture_of_a_retry_was_deleted_a_cell_leads_there_and_buys_nothing(form_room: Room) -> None:
    first, *_ = batch(form_room, "a red kite")
    form_room.fail()
    form_room.done()
    retry = form_room.tasks.retry(first, who="local")
    form_room.done()
    Removal(form_room.db).delete([retry.id], who="local")
    app = opened(form_room, first)
    (cell, _) = table(app)["groups"][0]["lines"][0]["cells"]
    assert (cell["word"], cell["again"]["label"]) == ("Failed", "Open Deleted")
    tell(app, "results", "show_deleted")
    assert [item["id"] for item in drawn(app, "deleted")["items"]] == [retry.id]


def test_what_failed_again_is_tried_again_in_its_place_all_at_once(form_room: Room) -> None:
    first, *_ = batch(form_room)
    form_room.done()
    for _ in range(3):
        form_room.fail()
    batch_id = form_room.history.card(first).batch_id
    form_room.tasks.retry_failed(batch_id, who="local")
    for _ in range(3):
        form_room.fail()
    app = opened(form_room, first)
    (retry,) = [one for one in table(app)["actions"] if one["act"] == "batch_retry"]
    assert retry["label"] == "Retry the 3 failed · ≈ 17 credits ($0.085)"
    tell(app, "results", "batch_retry", retry["id"])
    assert rows(app) == [(PROMPTS[0], "", ["Done", "Queued"]), (PROMPTS[1], "", ["Queued"] * 2)]
    tell(app, "results", "batch_retry", retry["id"])
    assert len(form_room.all_tasks()) == 10
    old = form_room.open()
    assert [len([one for one in card["actions"] if one["act"] == "batch_retry"]) for card in cards(old)] == [0, 0]


def test_a_cell_and_the_card_of_the_batch_say_why_it_failed_in_a_few_words(form_room: Room) -> None:
    first, *_ = batch(form_room, *"ab")
    for cause in ("policy", "generation_failed", "generation_failed", "provider_timeout"):
        form_room.fail(cause)
    cells = [cell for group in table(opened(form_room, first))["groups"] for cell in group["lines"][0]["cells"]]
    assert sorted((cell["word"], cell["cause"]) for cell in cells) == [
        ("Failed", "No picture could be made"), ("Failed", "No picture could be made"), ("Failed", "Took too long"),
        ("Refused by policy", ""),
    ]  # fmt: skip
    (card,) = cards(form_room.open())
    assert card["line"] == "0 of 4 done · 1 refused · 3 failed"
    assert [one["text"] for one in card["causes"]] == [
        "No picture could be made × 2", "Refused by policy × 1", "Took too long × 1",
    ]  # fmt: skip
    assert card["causes"][2]["says"] == "The model took too long and the provider gave up. Try again in a while."
    Preferences(form_room.db).remember("local", language="zh")
    assert cards(form_room.open())[0]["causes"][2]["text"] == "耗时过长 × 1"


def test_of_what_was_tried_again_a_batch_card_says_no_cause(form_room: Room) -> None:
    first, second = batch(form_room, "a", models=(NANO,), repeat=2)
    form_room.fail("policy")
    form_room.fail("generation_failed")
    form_room.tasks.retry(first, who="local")
    card = next(one for one in cards(form_room.open()) if "causes" in one)
    assert [one["text"] for one in card["causes"]] == ["No picture could be made"], "one cause needs no count"
    form_room.tasks.retry(second, who="local")
    assert next(one for one in cards(form_room.open()) if "causes" in one)["causes"] == []


def test_axes_are_swapped_and_chosen_in_the_address_and_what_goes_without_saying_is_not_there(form_room: Room) -> None:
    first, *_ = batch(form_room, repeat=2)
    app = opened(form_room, first, rows="repeat")
    assert [(axis["id"], axis["at"]) for axis in table(app)["axes"]] == [
        ("repeat", "rows"), ("model", "cols"), ("prompt", "")
    ]  # fmt: skip
    tell(app, "results", "rows", "model")  # which stands on the columns: both change places
    assert table(app)["columns"] == ["Repeat 1", "Repeat 2"]
    assert app.query_params["rows"] == "model"
    tell(app, "results", "cols", "prompt")
    assert table(app)["columns"] == list(PROMPTS)
    tell(app, "results", "swap")
    tell(app, "results", "cols", "model")
    assert "rows" not in app.query_params
    assert "cols" not in app.query_params
    assert [axis["at"] for axis in table(app)["axes"]] == ["rows", "cols", ""]


def test_the_drawer_walks_through_the_table_as_it_is_read(form_room: Room) -> None:
    (one, two, three, four) = batch(form_room)  # prompt by prompt
    for _ in range(4):
        form_room.done()
    app = opened(form_room, one, rows="model", cols="prompt")
    tell(app, "results", "open", one)
    assert [each["id"] for each in drawn(app, "sheet")["walk"]["older"]] == [three, two, four]
    assert drawn(app, "sheet")["walk"]["newer"] == []
    tell(app, "sheet", "older")
    assert app.query_params["task"] == three
    assert [each["id"] for each in drawn(app, "sheet")["walk"]["newer"]] == [one]
    assert drawn(app, "sheet")["words"]["oldest"] == "This is the last of the list"


def test_results_are_reached_from_the_card_and_from_history(form_room: Room) -> None:
    first, *_ = batch(form_room)
    batch_id = form_room.history.card(first).batch_id
    app = tell(form_room.open(), "now", "batch_results", batch_id)
    assert table(app)["title"] == "Spring"
    app = form_room.open("history", q=f"batch:{batch_id}")
    app.button(key="to_results").click().run()
    assert table(app)["id"] == batch_id
    assert "to_results" not in [one.key for one in form_room.open("history", q="kite").button]


def test_retries_are_told_apart_and_called_the_same_on_card_and_results(form_room: Room) -> None:
    first, *_ = batch(form_room, *"abc", models=(NANO,))
    ids = [form_room.history.card(first).batch_id]
    for come in (0, 1):  # of three none, and of what is tried again one
        for _ in range(come):
            form_room.done()
        for _ in range(3 - come):
            form_room.fail()
        ids.append(form_room.tasks.retry_failed(ids[-1], who="local").tasks[0].batch_id)
    called = ["Spring", "Retry of Spring (3)", "Retry of Spring (2)"]
    assert [card["prompt"] for card in cards(form_room.open())] == called[::-1]
    assert [table(form_room.open("results", batch=each))["title"] for each in ids] == called
    Preferences(form_room.db).remember("local", language="zh")
    assert cards(form_room.open())[0]["prompt"] == "重试：Spring（2 个请求）", "they may be of videos"


def test_what_is_tried_again_by_its_cause_has_no_name_of_one_of_its_prompts(form_room: Room) -> None:
    many = batch(form_room, *"abcdefghi", models=(NANO,))
    for _ in many:
        form_room.fail()
    failures = Failures(form_room.db, Search(form_room.db))
    (one, *_) = failures.retry(many, who="local").tasks
    assert table(opened(form_room, one.id))["title"] == "Retry of 9 requests"
    assert [card["prompt"] for card in cards(form_room.open())] == ["Retry of 9 requests", "Spring"]


def test_without_a_batch_the_last_ones_are_offered(form_room: Room) -> None:
    first, *_ = batch(form_room)
    app = form_room.open("results", batch="nonsense")
    assert app.subheader[0].value == "There is no such batch"
    app = form_room.open("results")
    assert app.subheader[0].value == "Which batch?"
    app.button(key=f"results_of_{form_room.history.card(first).batch_id}").click().run()
    assert table(app)["title"] == "Spring"


def test_it_is_drawn_anew_when_something_of_the_batch_moves_and_by_a_clock_only_meanwhile(form_room: Room) -> None:
    first, *_ = batch(form_room, "a red kite", models=(NANO,), repeat=2)
    app = opened(form_room, first)
    told = drawn(app, "news_results")
    assert (told["revision"], told["every"], told["leisurely"]) == (form_room.history.revision(), 15.0, False)
    form_room.done()
    form_room.done()
    assert drawn(app.run(), "news_results")["every"] is None


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_by_keys_through_the_table_to_the_best_of_three(shared_desk: Desk, page: Page) -> None:
    past = Past(shared_desk.state_dir, shared_desk.database_url)
    nano_a, seed_a, nano_b, seed_b = past.write(
        [Was(f"{name} 风筝", model=model, batch="by-keys") for name in ("one", "two") for model in (NANO, SEEDREAM)]
    )
    past.close()
    page.goto(f"{shared_desk.url}/results?batch=by-keys")
    view = page.locator(".st-key-results")
    view.get_by_role("gridcell", name="one 风筝. Nano Banana").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(view.get_by_role("gridcell", name="two 风筝. Seedream 4.5")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Details for support")
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"task={nano_b}"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(view.get_by_role("gridcell", name="two 风筝. Nano Banana")).to_be_focused()  # the one that was seen last

    view.get_by_role("gridcell", name="two 风筝. Seedream 4.5").focus()
    for key in ("Space", "ArrowLeft", "Space", "ArrowUp", "Space"):
        page.keyboard.press(key)
    expect(view.get_by_role("status")).to_have_text("3 selected")
    for role in ("columnheader", "rowheader", "columnheader"):  # at once, to and fro
        page.keyboard.press("x")
        expect(view.get_by_role(role, name="two 风筝")).to_be_visible()
    expect(view.locator("[role=gridcell]:focus")).to_have_count(1)  # the arrows lead on from it
    expect(view.get_by_role("status")).to_have_text("3 selected")
    view.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(f"{shared_desk.url}/compare?a={seed_b}&b={nano_b}&c={nano_a}")

    several = page.locator(".st-key-several")
    expect(several.get_by_role("img", name="3: one 风筝")).to_be_visible()
    page.keyboard.press("3")
    expect(page).to_have_url(f"{shared_desk.url}/compare?c={nano_a}&a={seed_b}&b={nano_b}")
    page.reload()
    expect(several.get_by_role("img").first).to_have_accessible_name("3: one 风筝")
    page.keyboard.press("+")
    expect(several.get_by_role("button", name=re.compile("^[0-9]+ %"))).to_be_visible()
    moved = several.locator(".pane img").evaluate_all("all => all.map((one) => getComputedStyle(one).transform)")
    assert (len(moved), len(set(moved))) == (3, 1)
    page.keyboard.press("Shift+Digit2")
    expect(page.locator(".st-key-pair").get_by_role("img", name="B: two 风筝")).to_be_visible()
    expect(page).to_have_url(f"{shared_desk.url}/compare?a={nano_a}&b={seed_b}")
    assert seed_a not in page.url


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_after_a_retry_in_a_cell_the_table_stays_where_it_was_scrolled_to_and_the_keyboard_in_that_cell(
    shared_desk: Desk, page: Page
) -> None:
    past = Past(shared_desk.state_dir, shared_desk.database_url)
    past.write([
        Was(f"{n} sails", model=model, batch="in-place", status=S.FAILED if n == 8 else S.SUCCEEDED)
        for n in range(10) for model in (NANO, SEEDREAM)
    ])  # fmt: skip
    past.close()
    page.goto(f"{shared_desk.url}/results?batch=in-place")
    view = page.locator(".st-key-results")
    cell = view.get_by_role("gridcell", name="8 sails. Seedream 4.5")
    cell.get_by_role("button", name="Retry").scroll_into_view_if_needed()
    before = view.locator(".scroll").evaluate("node => node.scrollTop")
    assert before > 500
    cell.get_by_role("button", name="Retry").click()
    expect(cell.get_by_role("button")).to_have_count(0)
    expect(cell).to_be_focused()
    assert abs(view.locator(".scroll").evaluate("node => node.scrollTop") - before) < 50
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    expect(view.get_by_role("gridcell", name="7 sails. Nano Banana")).to_be_focused()
