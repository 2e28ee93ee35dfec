"""The batch dialog and the card of a whole batch: looked through, started once, seen as one."""

from typing import Any

import pictures
import pytest
from room import Room, cards, drawn, generate, tell, write
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from dashboard.components import acts, words
from dashboard.components.batch_kept import Kept
from dashboard.language import t
from data.batches import Batches
from data.catalog import catalog
from data.ledger import TEAM
from data.plan import Plan
from data.preferences import Preferences
from data.requests import validate
from data.schema import Task
from data.settling import Word

THREE = "a red kite\n\na paper boat\na  red kite\nan old lighthouse"


def opened(room: Room, **kept: Any) -> AppTest:
    """The dialog, with what a person has put into it."""
    app = room.open()
    app.button(key="batch_button").click().run()
    for name, value in kept.items():
        setattr(app.session_state["batch"], name, value)
    return app.run()


def start(app: AppTest) -> Button:
    (button,) = [one for one in app.button if str(one.key).startswith("batch_generate_")]
    return button


def label(app: AppTest) -> str:
    return start(app).label.replace("\\", "")


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.error, *app.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    app.segmented_control(key="batch_origin").set_value("file").run()
    app.file_uploader(key="batch_file").set_value([(name, data, "text/csv")])
    return app.run()


def batch(room: Room, count: int, *, cap: int | None = None) -> list[Task]:
    spec = catalog().require("google/nano-banana")
    asked = [validate(spec, f"kite {number}", {}, ()) for number in range(count)]
    return room.tasks.create(asked, person="local", plan=Plan("Spring", "lines", cap))


def card(app: AppTest) -> dict[str, Any]:
    (found,) = [one for one in cards(app) if "bar" in one]
    return found


# Looked through -----------------------------------------------------------------------------------------------------


def test_a_pasted_list_is_shown_with_what_is_left_out_its_price_and_its_time(form_room: Room) -> None:
    app = opened(form_room, text=THREE)
    assert (
        "3 prompts · 1 blank line left out · line 4 repeats an earlier one and is left out · Kept if you close this."
        in said(app)
    )
    (part,) = drawn(app, "batch_table")["parts"]
    assert [(row["line"], row["prompt"], row["model"], row["count"]) for row in part["rows"]] == [
        ("1", "a red kite", "Nano Banana", "× 1"), ("3", "a paper boat", "Nano Banana", "× 1"),
        ("5", "an old lighthouse", "Nano Banana", "× 1"),
    ]  # fmt: skip
    assert label(app) == "Start 3 · ≈ 12 credits ($0.06)"
    assert "3 pictures, here in about " in said(app)


def test_prompts_times_models_times_shapes_times_repeats(form_room: Room) -> None:
    app = opened(form_room, text="\n".join(f"kite {number}" for number in range(8)))
    app.multiselect(key="batch_models").set_value(["Nano Banana", "Seedream 4.5"]).run()
    app.multiselect(key="batch_shapes").set_value(["1:1", "16:9"]).run()
    app.number_input(key="batch_repeat").set_value(2).run()
    assert label(app) == "Start 64 · ≈ 336 credits ($1.68)"
    (part,) = drawn(app, "batch_table")["parts"]
    assert (len(part["rows"]), part["more"]) == (20, "and 3 more prompts: 24 pictures")


def test_all_rows_are_shown_to_whoever_asks_for_them_until_the_dialog_is_opened_again(form_room: Room) -> None:
    app = opened(form_room, text="\n".join(f"kite {number}" for number in range(12)))

    def told() -> tuple[str, int, str, str]:
        (part,) = drawn(app, "batch_table")["parts"]
        return part["title"], len(part["rows"]), part["more"], part["all"]["label"] if part["all"] else ""

    first = ("The first 5 of 12 prompts, as they are asked for", 5, "and 7 more prompts: 7 pictures", "Show all 12")
    assert told() == first
    tell(app, "batch_table", "show_all")
    assert told() == ("The 12 prompts, as they are asked for", 12, "", "")
    assert label(app) == "Start 12 · ≈ 48 credits ($0.24)"
    app.session_state["batch_open"] = False
    app.run().button(key="batch_button").click().run()
    assert told() == first


def test_rows_that_would_be_refused_are_in_red_and_left_out_of_the_price(form_room: Room) -> None:
    app = opened(form_room)
    upload(app, "list.csv", "prompt,model,ratio,note\nkite,,16:9,x\nboat,Nano Bananna,,y\n灯塔,,7:3,z\n".encode())
    bad, good = drawn(app, "batch_table")["parts"]
    assert (bad["bad"], bad["title"], good["bad"]) == (True, "2 rows are left out", False)
    assert [row["fault"].partition(":")[0] for row in bad["rows"]] == [
        "No model is called “Nano Bananna”. Did you mean Nano Banana?", "“7", ]  # fmt: skip
    assert "left out: note." in said(app)
    assert label(app) == "Start 1 · ≈ 4 credits ($0.02)"


def test_a_file_that_cannot_be_read_is_a_sentence(form_room: Room) -> None:
    app = upload(opened(form_room), "list.csv", "prompt\nun café près de la forêt".encode("latin-1"))
    assert "Save it as CSV in UTF-8." in said(app)
    assert (label(app), start(app).disabled) == ("Choose a CSV file", True)


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        ({"text": ""}, "Add prompts"),
        ({"text": "kite", "models": []}, "No row can be made"),
        ({"text": "\n".join(map(str, range(300))), "repeat": 2}, "600 pictures – at most 500"),
        ({"text": "\n".join(map(str, range(2_001)))}, "More than 2,000 rows – at most 500 pictures"),
        ({"text": THREE, "cap": 11.0}, "1 credit ($0.005) above the cap"),
        ({"text": "kite", "models": ["Veo 3.1 Lite"], "cap": 100.0}, "Price unknown – no cap can be kept"),
    ],
)
def test_why_it_cannot_be_started_stands_on_the_button(form_room: Room, kept: dict[str, Any], says: str) -> None:
    app = opened(form_room, **kept)
    assert (label(app), start(app).disabled) == (says, True)


def test_a_budget_that_the_batch_would_pass_is_said_before_the_press(form_room: Room) -> None:
    form_room.ledger.set_budget(TEAM, 10_000_000, who="local")
    app = opened(form_room, text=THREE)
    assert start(app).disabled
    assert label(app).startswith("Team budget")


def test_nothing_is_lost_when_the_dialog_closes_or_the_page_is_loaded_anew(form_room: Room) -> None:
    app = opened(form_room, text=THREE, repeat=2, cap=99.0, name="Spring")
    app.session_state["batch_open"] = False
    app.run()
    app.button(key="batch_button").click().run()
    assert label(app) == "Start 6 · ≈ 24 credits ($0.12)"
    assert (app.number_input(key="batch_cap").value, app.text_input(key="batch_name").value) == (99.0, "Spring")
    Preferences(form_room.db).remember("local", batch=THREE)
    assert label(opened(form_room)) == "Start 3 · ≈ 12 credits ($0.06)"


def test_a_list_that_was_written_into_the_prompt_is_offered_as_one(form_room: Room) -> None:
    app = write(form_room.open(), THREE)
    assert app.button(key="batch_button").label == "Batch of 4 lines…"
    assert generate(app).label.replace("\\", "") == "Generate 1 · ≈ 4 credits ($0.02)"  # which may be what they mean
    app.button(key="batch_button").click().run()
    assert label(app) == "Start 3 · ≈ 12 credits ($0.06)"
    app.session_state["batch_open"] = False
    write(app.run(), "two\nlines")
    app.button(key="batch_button").click().run()
    assert label(app) == "Start 2 · ≈ 8 credits ($0.04)"
    app.button(key="batch_before").click().run()  # what stood there is not lost
    assert label(app) == "Start 3 · ≈ 12 credits ($0.06)"


def test_beside_the_tick_stand_the_pictures_that_would_go_with_each(form_room: Room) -> None:
    app = form_room.open()
    app.file_uploader[0].set_value([("a <b>.png", pictures.png(64, 64), "image/png")]).run()
    app.button(key="batch_button").click().run()
    image = app.session_state["references"][0]
    (shown,) = [one.proto.body for one in app.get("html") if "<div class='batch-references" in one.proto.body]
    assert f"/files/{image.sha256}" in shown
    assert "alt='a &lt;b&gt;.png'" in shown
    assert "off" not in shown
    app.checkbox(key="batch_references").uncheck().run()
    (shown,) = [one.proto.body for one in app.get("html") if "<div class='batch-references" in one.proto.body]
    assert "class='batch-references off'" in shown


# Started ------------------------------------------------------------------------------------------------------------


def test_a_press_starts_the_whole_batch_once_and_its_card_takes_the_dialogs_place(room: Room) -> None:
    app = opened(room, text=THREE, name="Spring", cap=20.0)
    button = start(app)
    button.click()
    app.run()
    assert len(room.all_tasks()) == 3
    assert not app.session_state["batch_open"]
    assert app.session_state["batch"].text == ""
    (found,) = Batches(room.db).recent("local")
    assert (found.name, found.size, found.cap_micro) == ("Spring", 3, 20_000_000)
    view = card(app)
    assert (view["prompt"], view["line"]) == ("Spring", "0 of 3 done · 3 queued")
    assert view["meta"] == "Spent 0 of at most 20 credits ($0.10)"
    assert view["fact"].startswith("about ")
    assert [one["act"] for one in view["actions"]] == ["batch_results", "batch_history", "batch_cancel"]


def test_a_second_press_of_the_same_button_buys_nothing(form_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.components.press.ONE_PRESS_SECONDS", 0)
    app = opened(form_room, text=THREE)
    kept, promised = Kept(**vars(app.session_state["batch"])), start(app).key
    start(app).click()
    app.run()
    app.session_state["batch"], app.session_state["batch_open"] = kept, True
    app.session_state["press"] -= 1  # the answer to the first was lost: the very same is asked for again
    app.run()
    assert start(app).key == promised
    start(app).click()
    app.run()
    assert len(form_room.all_tasks()) == 3


def test_what_changed_between_the_drawing_and_the_press_is_not_bought(form_room: Room) -> None:
    app = opened(form_room, text=THREE)
    start(app).click()
    app.session_state["batch"].repeat = 2
    app.run()
    assert form_room.all_tasks() == []
    assert t(words.CHANGED) in said(app)
    assert label(app) == "Start 6 · ≈ 24 credits ($0.12)"


# Seen as one --------------------------------------------------------------------------------------------------------


def test_a_batch_of_which_something_failed_is_not_called_done(form_room: Room) -> None:
    batch(form_room, 2)
    form_room.done()
    form_room.fail()
    view = card(form_room.open())
    assert (view["word"], view["tone"], view["to_come"]) == ("Batch done in part", "doubt", 0)
    assert view["meta"] == "Spent 4 credits ($0.02)"


def test_forty_are_one_card_that_says_how_it_stands(room: Room) -> None:
    room.say_hello()
    batch(room, 6, cap=30_000_000)
    room.done()
    claim = room.running()
    room.submissions.apply(claim.submission_id, Word("failed", f"p-{claim.submission_id}", (), 0, "policy", "no"))
    room.fail()
    room.doubt()
    view = card(room.open())
    assert view["line"] == "1 of 6 done · 1 refused · 1 failed · 1 unconfirmed · 2 queued"
    assert [(part["tone"], part["share"]) for part in view["bar"]] == [
        ("done", 16.67),
        ("bad", 33.33),
        ("doubt", 16.67),
    ]
    assert view["meta"] == "Spent 4 of at most 30 credits ($0.15)"
    assert (len(view["last"]), view["to_come"]) == (1, 3)
    assert [one["label"] for one in view["actions"]] == [
        "Results", "Open in History", "Retry the 2 failed · ≈ 8 credits ($0.04)", "Cancel the 2 not sent (free)",
    ]  # fmt: skip


def test_what_the_card_offers_is_done(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    made = batch(room, 3)
    room.fail()
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    monkeypatch.setattr("streamlit.query_params", {})
    acts.perform("batch_history", made[0].batch_id, "local")
    assert state["then"] == ("history", {"q": f"batch:{made[0].batch_id}"})
    acts.perform("batch_retry", made[0].batch_id, "local")
    acts.perform("batch_cancel", made[0].batch_id, "local")
    assert [found.counts for found in Batches(room.db).recent("local")] == [
        {"queued": 1}, {"failed": 1, "cancelled": 2},
    ]  # fmt: skip
    assert state["toasts"][-1][0] == "2 cancelled. Nothing was charged for them."


def test_a_press_of_a_few_keeps_a_card_for_each(form_room: Room) -> None:
    form_room.ask()
    batch(form_room, 4)
    form_room.ask("a blue boat")
    views = cards(form_room.open())
    assert [view["prompt"] for view in views] == ["a blue boat", "Spring", "a red kite"]
