"""The form for any model, and for several at once; what was asked beside what came; and what direct roads cannot do."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pictures
import pytest
import sqlalchemy as sa
from room import Room, acts, cards, choose, drawn, generate, label, press, texts, write
from streamlit.testing.v1 import AppTest
from test_house import contrast, streamlit_config

from dashboard.components import actual, form_words, mount, picker, words
from dashboard.components.server import About
from data.catalog import catalog
from data.requests import validate
from data.settling import Word

NANO, DREAM = "Nano Banana", "Seedream 4.5"
GOOGLE, ARK = "Nano Banana Pro, Google direct", "Seedream 4.5, ByteDance direct"
ENTRY = """
[[choice]]
name = "Next Month"
text = "next/month"

[[model]]
id = "next/month"
label = "Next Month"
family = "seedream"
provider = "{provider}"
mode = "text"
prompt_max = 100
retires = {retires}

[[model.params]]
name = "mood"
wire = "mood"
label = "Mood"
help = "How it feels."
type = "enum"
allowed = ["calm", "wild"]
default = "calm"

[[model.params]]
name = "strength"
wire = "strength"
label = "Strength"
type = "int"
min = 1
max = 9

[[model.prices]]
credits = "3"
as_of = 2026-01-01
source = "test"
"""


@pytest.fixture
def room(form_room: Room) -> Room:
    return form_room


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path


def entry(folder: Path, *, provider: str = "kie", retires: date = date(2099, 1, 1)) -> None:
    (folder / "catalog.toml").write_text(ENTRY.format(provider=provider, retires=retires.isoformat()))


def items(app: AppTest) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for group in drawn(app, "picker")["groups"] for one in group["items"]}


def said(app: AppTest) -> str:
    return "\n".join([texts(app), *(str(one.value) for one in app.warning)]).replace("\\", "")


def drop(app: AppTest, count: int) -> AppTest:
    files = [(f"{n}.png", pictures.png(64 + n, 64), "image/png") for n in range(count)]
    return app.file_uploader[0].set_value(files).run()


# The picker -----------------------------------------------------------------------------------------------------


def test_every_model_stands_by_family_and_road_with_price_and_usual_time(room: Room) -> None:
    app = room.open()
    groups = [(group["title"], group["road"]) for group in drawn(app, "picker")["groups"]]
    assert len(set(groups)) == len(groups)
    assert {("Nano Banana", "kie.ai"), ("Nano Banana", "Google, direct"), ("Seedream", "ByteDance, direct")} <= set(
        groups
    )
    assert set(items(app)) == {choice.name for choice in catalog().choices}
    assert items(app)[NANO]["facts"] == ["≈ 4 credits", "9 s"]
    assert items(app)["Veo 3.1 Lite"]["facts"][0] == "price unknown"
    assert items(app)[GOOGLE]["shown"] == "Nano Banana Pro"


def test_the_price_in_the_list_is_that_of_the_settings_in_the_form(room: Room) -> None:
    app = choose(room.open(), "Nano Banana Pro")
    assert items(app)["Nano Banana Pro"]["facts"][0] == "≈ 18 credits"
    app.segmented_control(key="set_quality").set_value("4K").run()
    assert items(app)["Nano Banana Pro"]["facts"][0] == "≈ 24 credits"
    assert items(choose(app, NANO))["Nano Banana Pro"]["facts"][0] == "≈ 24 credits"


def test_what_cannot_be_chosen_says_why(room: Room, state_dir: Path) -> None:
    entry(state_dir, retires=date(2026, 1, 1))
    room.say_hello("kie", "ark")
    found = items(room.open())
    assert (found["Sora 2"]["off"], found["Sora 2"]["note"]) == (True, catalog().require("sora-2-text-to-video").paused)
    assert (found["Next Month"]["off"], found["Next Month"]["note"]) == (True, "Retired on 1 January 2026")
    assert (found[GOOGLE]["off"], found[GOOGLE]["note"]) == (True, "Not connected: needs GEMINI_API_KEY")
    assert [found[name]["off"] for name in (NANO, ARK)] == [False, False]


def test_an_account_for_one_family_alone_connects_no_other_of_its_road(room: Room) -> None:
    data = {"accounts": ["kie-seedream"], "connected": [["kie", "seedream"]]}
    room.health.report("server", ok=True, message="Working.", data=data)
    found = items(room.open())
    assert [found[name]["off"] for name in (NANO, DREAM, ARK)] == [True, False, True]


def test_usual_times_are_looked_up_once_for_everybody_and_the_servers_word_once_for_a_page(room: Room) -> None:
    told: list[str] = []

    def tell(_: Any, __: Any, statement: str, *___: Any) -> None:
        told.append(statement)

    listening = (sa.engine.Engine, "before_cursor_execute", tell)
    room.say_hello()
    sa.event.listen(*listening)
    try:
        for _ in range(2):
            room.open()
    finally:
        sa.event.remove(*listening)
    assert len([one for one in told if "started_at" in one]) == 1
    assert len([one for one in told if "FROM health" in one]) == 2


def test_practice_connects_every_road(room: Room) -> None:
    room.say_hello(practice=True)
    assert not items(room.open())[GOOGLE]["off"]


def test_a_model_that_goes_soon_says_until_when_in_the_list_and_in_the_form(room: Room, state_dir: Path) -> None:
    day = date.today() + timedelta(days=9)  # noqa: DTZ011 - a day in a file, read within two weeks
    entry(state_dir, retires=day)
    app = choose(room.open(), "Next Month")
    assert items(app)["Next Month"]["note"].startswith(f"Offered until {day.day} ")
    assert f":material/warning: Next Month is offered until {day.day} " in said(app)


def test_a_chosen_model_whose_road_lost_its_key_is_refused_on_the_button(room: Room) -> None:
    app = write(choose(room.open(), GOOGLE), "a red kite")
    assert not generate(app).disabled
    room.say_hello()
    app.run()
    assert generate(app).disabled
    assert "Google, direct is not connected. Nothing was charged. An admin can set GEMINI_API_KEY" in said(app)


def test_a_page_older_than_the_catalogue_picks_nothing_that_is_not_on_offer_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state: dict[str, Any] = {"chosen": [NANO], "several": True, "references": [], "about": About()}
    monkeypatch.setattr("streamlit.session_state", state)
    for act, name in [
        ("add", "Sora 2"),
        ("add", "Veo 3.1 Fast"),
        ("add", "Gone"),
        ("pick", "Sora 2"),
        ("pick", "Gone"),
    ]:
        picker._act(act, name)
        assert state["chosen"] == [NANO], (act, name)
    state["about"] = About(connected=frozenset({("kie", "nano-banana")}))
    picker._act("add", ARK)
    assert state["chosen"] == [NANO]
    state["about"] = About()
    picker._act("add", ARK)
    assert state["chosen"] == [NANO, ARK]
    picker._act("pick", "Veo 3.1 Fast")
    assert state["chosen"] == ["Veo 3.1 Fast"]


def test_signs_in_an_entry_stay_signs_in_the_form(room: Room, state_dir: Path) -> None:
    text = ENTRY.format(provider="kie", retires="2099-01-01").replace('"Mood"', '"**Mood** :smile:"')
    text = text.replace('"How it feels."', '"![x](http://evil)"').replace('["calm", "wild"]', '["calm", ":red[wild]"]')
    (state_dir / "catalog.toml").write_text(text.replace('"Strength"', '"$x$"'))
    app = choose(room.open(), "Next Month")
    mood, strength = app.segmented_control(key="set_mood"), app.number_input(key="set_strength")
    assert (mood.label, strength.label) == (r"\*\*Mood\*\* \:smile\:", r"\$x\$")
    assert mood.options == ["calm", r"\:red\[wild\]"]
    assert mood.help == "\\!\\[x\\]\\(http\\:\u2060//evil\\)", "nor does the address become a link"
    choose(app, NANO)
    assert r"\*\*Mood\*\* \:smile\:" in {one.label for one in app.text_input}


def test_a_model_of_next_month_is_drawn_from_its_entry_alone(room: Room, state_dir: Path) -> None:
    entry(state_dir)
    app = write(choose(room.open(), "Next Month"), "a red kite")
    app.segmented_control(key="set_mood").set_value("wild").run()
    app.number_input(key="set_strength").set_value(7).run()
    assert label(app) == "Generate 1 · ≈ 3 credits ($0.015)"
    press(app)
    assert (room.all_tasks()[0].model, room.all_tasks()[0].params) == ("next/month", {"mood": "wild", "strength": 7})


def test_every_model_can_be_drawn_and_says_what_it_takes(room: Room) -> None:
    app = write(room.open(), "a red kite")
    for choice in catalog().choices:
        choose(app, choice.name)
        spec = catalog().spec_of(choice)
        assert not app.exception, choice.name
        assert f"{spec.prompt_max:,} characters" in str(app.text_area(key="prompt").help).replace("\\", "")
        drawn_keys = {
            one.key for kind in ("pills", "segmented_control", "number_input", "toggle") for one in app.get(kind)
        }
        wanted = {"shape" if param.name == "aspect_ratio" else f"set_{param.name}" for param in spec.params}
        assert wanted <= drawn_keys, choice.name


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_switch_can_be_seen_on_the_page_and_its_knob_on_the_switch(mode: str) -> None:
    """WCAG 2.2 AA: marks 3 to 1. Off, it is drawn in a share of the text's colour; on, in the accent."""
    (share,) = re.findall(
        r"^\.switch i .*color-mix\(in srgb, var\(--st-text-color\) (\d+)%", mount._read("picker.css"), re.M
    )
    theme: dict[str, str] = streamlit_config()["theme"][mode]  # type: ignore[index]
    ground, text = theme["backgroundColor"], theme["textColor"]
    pairs = ((int(text[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    off = "#" + "".join(f"{round(under + (over - under) * int(share) / 100):02x}" for over, under in pairs)
    for track in (off, theme["primaryColor"]):
        assert contrast(track, ground) >= 3
        assert contrast("#ffffff", track) >= 3


# A setting that the next model lacks ----------------------------------------------------------------------------


def test_a_value_is_shown_disabled_with_the_reason_and_is_back_with_its_model(room: Room) -> None:
    app = choose(room.open(), "Nano Banana Pro")
    app.segmented_control(key="set_quality").set_value("4K").run()
    choose(app, NANO)
    off = {one.label: (one.value, one.disabled) for one in app.text_input}
    assert off["Quality"] == ("4K", True)
    assert "Nano Banana has no setting for " in said(app)
    choose(app, DREAM)
    assert app.segmented_control(key="set_quality").value == "4K"
    choose(app, "Seedream 5 Pro")  # it has 1K and 2K
    assert app.segmented_control(key="set_quality").value == "1K"
    choose(app, "Nano Banana Pro")
    assert app.segmented_control(key="set_quality").value == "4K"


def test_a_video_shows_length_and_resolution_and_is_counted_as_a_video(room: Room) -> None:
    app = choose(room.open(), "Veo 3.1 Fast")
    assert app.segmented_control(key="set_duration").value == "8"
    assert app.segmented_control(key="set_resolution").options == ["720p", "1080p", "4K"]
    assert app.segmented_control(key="count").label == "Videos"
    write(app, "a kite in the wind")
    press(app)
    assert room.all_tasks()[0].params["duration"] == 8


def test_a_budget_counts_videos_as_videos(room: Room) -> None:
    room.ledger.set_budget("team", 300_000_000, who="local")
    film = validate(catalog().require("veo3_fast"), "a kite in the wind", {}, ())
    room.tasks.create([film] * 4, person="local")  # of 60 credits each
    app = choose(room.open(), "Veo 3.1 Fast")
    assert "Team budget: 60 credits ($0.30) left this month, 1 video" in said(app)
    assert "picture" not in str(app.text_area(key="prompt").placeholder)


# Several at once ------------------------------------------------------------------------------------------------


def test_several_models_make_one_batch_at_the_sum_of_their_prices(room: Room) -> None:
    app = write(choose(room.open(), NANO, DREAM), "a red kite")
    app.segmented_control(key="count").set_value(2).run()
    app.pills(key="shape").set_value("16:9").run()
    assert label(app) == "Generate 4 · ≈ 21 credits ($0.105)"
    assert "≈ 10.5 credits ($0.0525) for one of each" in said(app)
    press(app)
    tasks = room.all_tasks()
    assert sorted(task.model for task in tasks) == ["google/nano-banana"] * 2 + ["seedream/4.5-text-to-image"] * 2
    assert len({task.batch_id for task in tasks}) == 1
    assert {task.params["aspect_ratio"] for task in tasks} == {"16:9"}
    assert [card["meta"] for card in cards(app)] == [
        "Nano Banana · kie.ai · 16:9", "Nano Banana · kie.ai · 16:9",
        "Seedream 4.5 · kie.ai · 16:9", "Seedream 4.5 · kie.ai · 16:9",
    ]  # fmt: skip
    assert drawn(room.open(), "picker")["picked"] == [
        {"name": NANO, "road": "kie.ai"}, {"name": DREAM, "road": "kie.ai"},
    ]  # fmt: skip


def test_only_common_settings_are_live_and_the_others_say_whose_they_are(room: Room) -> None:
    app = choose(room.open(), NANO, DREAM)
    assert set(app.pills(key="shape").options) & {"4:5", "5:4"} == set()
    assert "Only the shapes that both models have." in said(app)
    assert "Only the shapes" not in said(room.open())
    assert "Not common to all, so each uses its own: quality and file format." in said(app)
    assert re.search(r"None of them has a setting for .*seed.* or steps\.", said(app))
    assert [one.label for one in app.text_input if one.disabled] == []
    press(write(app, "a red kite"))
    assert {task.model: task.params for task in room.all_tasks()} == {
        "google/nano-banana": {"aspect_ratio": "1:1"},
        "seedream/4.5-text-to-image": {"aspect_ratio": "1:1", "quality": "2K"},
    }


def test_what_each_of_several_models_is_asked_for_stands_in_a_line_of_its_own(room: Room) -> None:
    app = drop(choose(room.open(), NANO, DREAM, "Seedream 3"), 1)
    app.pills(key="shape").set_value("16:9").run()
    (table,) = [one.value.replace("\\", "") for one in app.markdown if "| Model |" in one.value]
    assert table.splitlines()[2:] == [
        "| Nano Banana | 1344 × 768 | ≈ 4 credits |",
        "| Seedream 4.5 | 2848 × 1600 · Quality 2K | ≈ 6.5 credits |",
        "| Seedream 3 | left out: see below | – |",
    ]
    assert "| Model |" not in said(choose(app, NANO))


def test_a_reason_that_several_models_share_is_said_once() -> None:
    why = {
        "A": "makes pictures from text alone. Choose.",
        "B": "makes pictures from text alone. Choose.",
        "C": "needs 1.",
    }
    assert form_words.left_out(why) == [
        "Left out: A and B. Each makes pictures from text alone. Choose.", "Left out: C needs 1.",
    ]  # fmt: skip
    empty = "The prompt is empty. Nothing was charged. Describe it."
    assert form_words.left_out({"A": empty, "B": empty}) == ["A and B are left out. The prompt is empty. Describe it."]


def test_models_that_refuse_are_named_before_the_press_and_left_out_of_it(room: Room) -> None:
    app = drop(choose(room.open(), NANO, "Seedream 3"), 1)
    assert "Left out: Seedream 3 makes pictures from text alone. Take the reference images out" in said(app)
    write(app, "as a drawing")
    assert label(app) == "Generate 1 · ≈ 4 credits ($0.02)"
    press(app)
    assert [task.model for task in room.all_tasks()] == ["google/nano-banana-edit"]


def test_a_text_that_came_with_the_press_buys_nothing_before_its_refusal_was_read(room: Room) -> None:
    app = write(choose(room.open(), NANO, DREAM), "short")
    app.text_area(key="prompt").set_value("x" * 4000)
    press(app)  # text and press arrive together
    assert room.all_tasks() == []
    assert "Left out: Seedream 4.5 takes a prompt of at most 3,000 characters; this one has 4,000." in said(app)
    app.session_state["pressed_at"] -= 5
    press(app)
    assert [task.model for task in room.all_tasks()] == ["google/nano-banana"]


def test_when_all_refuse_the_button_says_so_and_each_is_named(room: Room) -> None:
    app = write(choose(room.open(), NANO, DREAM), "x" * 6000)
    assert (label(app), generate(app).disabled) == ("None of these models takes this", True)
    assert "Nano Banana takes a prompt of at most 5,000 characters" in said(app)
    assert "Seedream 4.5 takes a prompt of at most 3,000 characters" in said(app)


def test_pictures_and_videos_are_not_mixed(room: Room) -> None:
    app = choose(room.open(), NANO, DREAM)
    assert (items(app)["Veo 3.1 Fast"]["off"], items(app)["Veo 3.1 Fast"]["note"]) == (
        True, "Makes videos: not to be compared with pictures.",
    )  # fmt: skip


def test_no_more_models_can_be_added_than_one_press_may_ask(room: Room) -> None:
    app = choose(room.open(), NANO, DREAM, "Seedream 5 Lite")
    assert app.segmented_control(key="count").options == ["1", "2"]
    assert not [name for name, one in items(app).items() if one["full"]]
    app.segmented_control(key="count").set_value(2).run()
    free = {name for name, one in items(app).items() if not one["full"]}
    assert free == set(items(app))  # a fourth makes eight
    choose(app, NANO, DREAM, "Seedream 5 Lite", "Seedream 4")
    assert {name for name, one in items(app).items() if not one["full"]} == {
        NANO, DREAM, "Seedream 5 Lite", "Seedream 4",
    }  # fmt: skip
    full = "One press makes at most 8. To add a model, drop another, or choose fewer of each."
    assert drawn(app, "picker")["full"] == full
    app.segmented_control(key="count").set_value(1).run()
    assert drawn(app, "picker")["full"] == ""


def test_a_model_beyond_what_one_press_may_ask_is_not_added_by_an_older_page(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {"chosen": [NANO], "several": True, "references": [], "about": About(), "count": 8}
    monkeypatch.setattr("streamlit.session_state", state)
    picker._act("add", DREAM)
    assert state["chosen"] == [NANO]
    state["count"] = 4
    picker._act("add", DREAM)
    assert state["chosen"] == [NANO, DREAM]


def test_the_same_request_is_noticed_for_several_only_where_all_were_asked(room: Room) -> None:
    press(write(choose(room.open(), NANO), "a red kite"))
    app = write(choose(room.open(), NANO), "a red kite")
    assert "You asked for the same" in said(app)
    choose(app, NANO, DREAM)
    assert "You asked for the same" not in said(app)


def test_a_budget_counts_the_pictures_of_all_models(room: Room) -> None:
    room.ledger.set_budget("team", 22_000_000, who="local")
    app = write(choose(room.open(), NANO, DREAM), "a red kite")
    app.segmented_control(key="count").set_value(4).run()
    assert label(app) == "Team budget allows 4 – choose fewer"
    room.ledger.set_budget("team", 5_000_000, who="local")
    app.run()
    assert label(app) == "Team budget is too small for all 2 models"


# References -----------------------------------------------------------------------------------------------------


def test_slots_count_to_the_smallest_limit_and_mark_what_is_too_many(room: Room) -> None:
    app = drop(choose(room.open(), NANO, DREAM), 2)
    slots = drawn(app, "slots")
    assert slots["words"]["title"] == "2 of 10 · all models will use them"
    assert (slots["free"], [slot["number"] for slot in slots["slots"]]) == ("room for 8 more", [1, 2])
    assert slots["how"] == words.REORDER
    choose(app, NANO, DREAM, "Seedream 3")
    assert drawn(app, "slots")["words"]["title"] == "2 of 10 · all but Seedream 3 will use them"
    choose(app, "Veo 3.1 Fast")
    assert drawn(app, "slots")["words"]["title"] == "2 of 2 · Veo 3.1 Fast will use them"
    choose(app, "Seedream 5 Pro Layers")
    assert [slot["over"] for slot in drawn(app, "slots")["slots"]] == ["", "Too many: 1 at most"]


def test_pictures_that_a_model_takes_for_something_each_are_called_by_that(room: Room) -> None:
    app = choose(room.open(), "Veo 3.1 Fast")
    assert "First frame and last frame, in this order." in said(app)
    slots = drawn(drop(app, 1), "slots")
    assert ([slot["role"] for slot in slots["slots"]], slots["free"]) == (["First frame"], "Last frame: free")
    slots = drawn(drop(app, 3), "slots")  # of which the first is there already
    assert [(slot["role"], slot["over"]) for slot in slots["slots"]] == [
        ("First frame", ""), ("Last frame", ""), ("", "Too many: 2 at most"),
    ]  # fmt: skip
    choose(app, "Veo 3.1 Fast", "Veo 3.1 Fast from references")
    assert {slot["role"] for slot in drawn(app, "slots")["slots"]} == {""}
    assert "in this order" not in said(app)


def test_references_in_hand_can_be_taken_out_of_a_model_that_draws_from_text_alone(room: Room) -> None:
    app = choose(drop(room.open(), 1), "Seedream 3")
    assert app.file_uploader[0].disabled
    slots = drawn(app, "slots")
    assert slots["words"]["title"] == (
        "1 · Seedream 3 draws from text alone: take them out, or choose a model that edits"
    )
    assert [slot["over"] for slot in slots["slots"]] == ["Not used"]
    assert generate(write(app, "a red kite")).disabled


# What was asked and what came -----------------------------------------------------------------------------------


def lines(app: AppTest) -> dict[str, tuple[str, str, bool]]:
    return {row["name"]: (row["asked"], row["used"], row["differs"]) for row in drawn(app, "sheet")["settings"]}


def finished(
    room: Room, model: str, params: dict[str, Any], report: dict[str, Any], size: tuple[int, int], *,
    charged: int = 5_000_000,
) -> str:  # fmt: skip
    """A task of this model that brought one picture of this size; its id."""
    spec = catalog().require(model)
    task = room.tasks.create([validate(spec, "a red kite", params, ())], person="local")[0]
    claim = room.claim(spec.provider)
    room.submissions.accepted(claim.submission_id, f"p-{claim.submission_id}")
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged, report=report)
    room.submissions.apply(claim.submission_id, word)
    room.errands.stored(claim.submission_id, 0, room.artifacts.store_output(pictures.png(*size)))
    assert room.errands.claim_fetch(timedelta(seconds=60))
    assert room.errands.fetched(claim.submission_id)
    return task.id


def test_the_drawer_sets_what_was_used_beside_what_was_asked_and_marks_differences(room: Room) -> None:
    report = {"model": "bytedance/seedream", "response": {"seed": 8}}
    task = finished(room, "bytedance/seedream", {"aspect_ratio": "1:1", "seed": 7}, report, (640, 480))
    shown = lines(room.open(task=task))
    assert shown["Model"] == ("Seedream 3 · kie.ai", "", False)
    assert shown["Version"] == ("bytedance/seedream", "bytedance/seedream", False)
    assert shown["Shape"] == ("1:1", "4:3", True)
    assert shown["Size"] == ("1024 × 1024", "640 × 480", True)
    assert shown["File format"] == ("the model chooses", "PNG", False)
    assert shown["Seed"] == ("7", "8", True)
    assert shown["Cost"] == ("≈ 3.5 credits ($0.0175)", "5 credits ($0.025)", True)
    assert shown["Time"][1].endswith(" s")


def test_another_version_and_another_format_than_asked_are_marked(room: Room) -> None:
    task = finished(room, "gemini-3-pro-image", {}, {"modelVersion": "gemini-3-pro-image-002"}, (1024, 1024))
    shown = lines(room.open(task=task))
    assert shown["Version"] == ("gemini-3-pro-image", "gemini-3-pro-image-002", True)
    assert shown["Size"] == ("1024 × 1024", "1024 × 1024", False)
    task = finished(room, "google/nano-banana", {"output_format": "jpeg"}, {}, (1024, 1024))
    assert lines(room.open(task=task))["File format"] == ("JPEG", "PNG", True)


@pytest.mark.parametrize(
    ("model", "params", "size", "row", "expected"),
    [
        ("nano-banana-2", {"quality": "4K"}, (1376, 768), "Quality", ("1K", True)),
        ("nano-banana-2", {"quality": "1K"}, (1376, 768), "Quality", ("1K", False)),
        ("seedream/4.5-text-to-image", {"quality": "4K", "aspect_ratio": "1:1"}, (2048, 2048), "Quality", ("2K", True)),
        ("veo3_fast", {"resolution": "1080p"}, (1280, 720), "Resolution", ("720p", True)),
        ("veo3_fast", {"resolution": "1080p"}, (1080, 1920), "Resolution", ("1080p", False)),
        ("veo3_fast", {"aspect_ratio": "16:9"}, (1080, 1920), "Shape", ("9:16", True)),
    ],
)
def test_a_file_smaller_than_asked_is_marked_at_its_setting(
    form_room: Room, model: str, params: dict[str, Any], size: tuple[int, int], *, row: str, expected: tuple[str, bool]
) -> None:
    detail = form_room.history.detail(finished(form_room, model, params, {}, size))
    (line,) = [one for one in actual.lines(detail, catalog().get(model), practice=False) if one.name == row]
    assert (line.used, line.differs) == expected


@pytest.mark.parametrize(("lengths", "used", "differs"), [([8.0], "8.0 s", False), ([5.0], "5.0 s", True),
                                                          ([8.0, 5.0], "8.0 s, 5.0 s", True)])  # fmt: skip
def test_a_video_shorter_than_asked_is_marked_also_where_only_the_second_is(
    form_room: Room, lengths: list[float], used: str, *, differs: bool
) -> None:
    task = finished(form_room, "veo3_fast", {"duration": 8}, {}, (1280, 720))
    detail, spec = form_room.history.detail(task), catalog().require("veo3_fast")
    films = tuple(replace(detail.card.pictures[0], duration_ms=round(length * 1000)) for length in lengths)
    filmed = replace(detail, card=replace(detail.card, pictures=films))
    (line,) = [one for one in actual.lines(filmed, spec, practice=False) if one.name == "Seconds"]
    assert (line.used, line.differs) == (used, differs)


def test_the_resolution_of_a_video_is_that_of_the_record_or_not_known(room: Room) -> None:
    silent = finished(room, "veo3_fast", {"resolution": "4k"}, {"model": "veo-3-1"}, (96, 54))
    assert lines(room.open(task=silent))["Resolution"] == ("4K", "", False)
    other = finished(room, "veo3_fast", {"resolution": "4k"}, {"response": {"resolution": "1080p"}}, (96, 54))
    assert lines(room.open(task=other))["Resolution"] == ("4K", "1080p", True)


@pytest.mark.parametrize(("share", "differs"), [(0.95, False), (1.08, False), (1.2, True), (0.8, True)])
def test_a_cost_counted_in_tokens_differs_only_beyond_a_tenth_and_is_told_rounded(
    room: Room, share: float, differs: bool
) -> None:
    price = catalog().require("gemini-3-pro-image").price({}, on=date(2026, 11, 26)) or 0
    task = finished(room, "gemini-3-pro-image", {}, {}, (1024, 1024), charged=int(price * share) // 10**4 * 10**4 + 345)
    _, used, marked = lines(room.open(task=task))["Cost"]
    assert re.fullmatch(r"≈ \d\d\.\d credits \(\$0\.1\d\d?\)", used)
    assert marked is differs


@pytest.mark.parametrize("report", [None, {}, {"model": ["x"], "data": [3], "response": "x", "info": None}])
def test_a_record_that_says_nothing_is_no_trouble(room: Room, report: Any) -> None:
    task = finished(room, "google/nano-banana", {}, report, (64, 64))
    assert "Version" not in lines(room.open(task=task))


# Direct roads ---------------------------------------------------------------------------------------------------


def doubtful(room: Room, model: str) -> str:
    spec = catalog().require(model)
    task = room.tasks.create([validate(spec, "a red kite", {}, ())], person="local")[0]
    room.submissions.in_doubt(room.claim(spec.provider).submission_id, message="timeout")
    return task.id


def test_a_doubt_on_a_direct_road_says_that_nobody_can_be_asked(room: Room) -> None:
    task = doubtful(room, "gemini-3-pro-image")
    (card,) = cards(room.open())
    assert (card["word"], acts(card)) == ("Unconfirmed", ["stop", "stop_again"])
    assert re.fullmatch(
        "No clear answer came from Google, which cannot be asked about it afterwards. It may have been charged: only "
        "the account there tells. It was not sent again. Give it up, or try again; left alone, it counts as failed "
        r"from \d\d:\d\d on\.", card["say"],
    )  # fmt: skip
    stop, again = (one["ask"] for one in card["actions"])
    assert stop["text"].startswith("Nothing more can come of it. If Google took the request, it has been charged")
    assert again["text"].startswith("Google may have taken the first request. If it did, you pay for both")
    assert (stop["no"], again["no"]) == ("Leave it", "Leave it"), "nobody waits where nothing can come"
    assert card["meta"].startswith("Nano Banana Pro · Google, direct")
    app = room.open(task=task)
    assert [one for one in app.text_input if one.key == f"name_{task}"] == []
    room.later(minutes=31)
    (card,) = cards(room.open())
    assert card["word"] == "Failed"
    assert "No clear answer ever came, and Google cannot be asked about it afterwards." in card["say"]
    assert "keeps results" not in card["say"]


def test_use_again_brings_the_model_by_its_road_and_its_settings_back(room: Room) -> None:
    room.tasks.create(
        [
            validate(
                catalog().require("seedream-4-5-251128"), "a red kite", {"quality": "4K", "aspect_ratio": "3:2"}, ()
            )
        ],
        person="local",
    )
    task = room.all_tasks()[0]
    app = choose(room.open(task=task.id), NANO)
    app.session_state["fill"] = {
        "prompt": task.prompt, "params": task.params, "references": (), "model": task.model,
    }  # fmt: skip
    app.run()
    assert app.session_state["chosen"] == [ARK]
    assert app.segmented_control(key="set_quality").value == "4K"
    assert app.pills(key="shape").value == "3:2"
