"""The press buys what the button showed, or nothing: whatever changes between the drawing and the click."""

from pathlib import Path

import pictures
import pytest
from room import MODELS, Room, choose, drawn, generate, label, press, say, texts, write
from streamlit.testing.v1 import AppTest

from dashboard.components import press as pressing
from dashboard.components import words
from dashboard.components.form import Form
from data import catalog as catalogue
from data.ledger import TEAM
from data.preferences import Preferences
from data.requests import GenerationRequest

NANO, DREAM, LAYERS = "Nano Banana", "Seedream 4.5", "Seedream 5 Pro Layers"
GOOGLE = "Nano Banana Pro, Google direct"
ENTRY = """
[[choice]]
name = "Next Month"
text = "next/month"

[[model]]
id = "next/month"
label = "Next Month"
family = "seedream"
provider = "kie"
mode = "text"
prompt_max = 100

[[model.prices]]
credits = "{credits}"
as_of = 2026-01-01
source = "test"
"""


@pytest.fixture
def room(form_room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """A desk whose catalogue is looked at anew each time; it takes two presses as one on a slow machine too."""
    monkeypatch.setattr(catalogue, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(pressing, "ONE_PRESS_SECONDS", 60.0)
    return form_room


@pytest.fixture
def override(tmp_path: Path) -> Path:
    """The admin's own entries."""
    return tmp_path / catalogue.OVERRIDE


def bought(room: Room) -> list[tuple[str, int | None]]:
    return [(task.model, task.estimate_micro) for task in room.all_tasks()]


def said(app: AppTest) -> str:
    return "\n".join([texts(app), *(str(one.value) for one in app.warning)]).replace("\\", "")


def a_moment_later(app: AppTest) -> AppTest:
    """The next press is a new one, and not the second half of a double click."""
    app.session_state["pressed_at"] -= 61
    return app


def refuses(app: AppTest, room: Room) -> AppTest:
    """Presses the button that is drawn, which buys nothing and says why."""
    press(app)
    assert bought(room) == []
    assert words.CHANGED in said(app)
    return app


# What may change between the drawing and the press --------------------------------------------------------------


def test_a_number_typed_and_pressed_in_one_go_is_not_bought_at_a_price_nobody_saw(room: Room) -> None:
    app = write(choose(room.open(), "Seedream 4"), "a red kite")
    assert label(app) == "Generate 1 · ≈ 5 credits ($0.025)"
    app.number_input(key="set_max_images").set_value(6)
    refuses(app, room)  # the number and the press arrive together
    assert label(app) == "Generate 1 · ≈ 30 credits ($0.15)"
    refuses(app, room)  # the second half of a double click
    press(a_moment_later(app))
    assert bought(room) == [("bytedance/seedream-v4-text-to-image", 30_000_000)]
    assert words.CHANGED not in said(app)


def test_a_model_whose_entry_is_gone_is_not_replaced_by_another(room: Room, override: Path) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = write(choose(room.open(), "Next Month"), "a red kite")
    assert label(app) == "Generate 1 · ≈ 3 credits ($0.015)"
    override.write_text("")
    refuses(app, room)
    assert drawn(app, "picker")["picked"] == [{"name": NANO, "road": "kie.ai"}]
    assert "Next Month is not offered any more; chosen instead: Nano Banana." in said(app)
    press(a_moment_later(app))
    assert bought(room) == [("google/nano-banana", 4_000_000)]
    assert "not offered any more" not in said(app)


def test_a_model_that_stands_in_for_one_that_is_gone_is_said_until_somebody_chooses(room: Room, override: Path) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = choose(room.open(), "Next Month")
    override.write_text("")
    for _ in range(2):
        assert "Next Month is not offered any more; chosen instead: Nano Banana." in said(app.run())
    override.write_text(ENTRY.format(credits=3))
    assert "not offered" not in said(app.run())
    assert drawn(app, "picker")["picked"][0]["name"] == "Next Month"
    override.write_text("")
    assert "not offered" not in said(choose(app, DREAM))


def test_a_model_that_cannot_be_read_just_now_is_not_called_gone(room: Room, override: Path) -> None:
    Preferences(room.db).remember("local", choice=["Next Month"])
    override.write_text("[[model]\n")
    assert "Next Month is not offered at the moment; chosen instead: Nano Banana." in said(room.open())


def test_whoever_uses_a_request_again_whose_model_is_gone_reads_what_stands_in_for_it(room: Room) -> None:
    app = choose(room.open(), DREAM)
    app.session_state["fill"] = {"prompt": "a red kite", "params": {}, "references": (), "model": "last/year"}
    assert "last/year is not offered any more; chosen instead: Seedream 4.5." in said(app.run())


def test_a_new_price_is_read_before_it_is_paid(room: Room, override: Path) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = write(choose(room.open(), "Next Month"), "a red kite")
    override.write_text(ENTRY.format(credits=300))
    assert label(refuses(app, room)) == "Generate 1 · ≈ 300 credits ($1.50)"
    press(a_moment_later(app))
    assert bought(room) == [("next/month", 300_000_000)]


def test_a_model_that_was_left_out_is_not_bought_because_its_key_is_back(room: Room) -> None:
    room.say_hello()
    app = write(choose(room.open(), NANO, GOOGLE), "a red kite")
    assert label(app) == "Generate 1 · ≈ 4 credits ($0.02)"
    room.say_hello("kie", "gemini")
    assert label(refuses(app, room)).startswith("Generate 2 · ")


def test_on_a_first_visit_another_model_than_the_one_shown_is_not_bought(room: Room) -> None:
    app = write(room.open(), "a red kite")  # the server has not spoken, and nothing was ever chosen
    assert drawn(app, "picker")["picked"] == [{"name": NANO, "road": "kie.ai"}]
    room.say_hello("ark")
    refuses(app, room)
    assert drawn(app, "picker")["picked"][0]["road"] == "ByteDance, direct"


def test_what_was_to_be_practice_is_not_bought_for_real(room: Room) -> None:
    room.say_hello(practice=True)
    app = write(choose(room.open(), NANO), "a red kite")
    assert label(app) == "Generate 1 · ≈ 4 practice credits"
    room.say_hello()
    assert label(refuses(app, room)) == "Generate 1 · ≈ 4 credits ($0.02)"


def test_the_same_model_by_another_road_is_paid_by_somebody_else(room: Room, override: Path) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = write(choose(room.open(), "Next Month"), "a red kite")
    override.write_text(ENTRY.format(credits=3).replace('"kie"', '"ark"'))
    refuses(app, room)


def test_where_the_price_is_unknown_any_setting_may_decide_it(room: Room) -> None:
    app = write(choose(room.open(), "Veo 3.1 Lite"), "a kite in the wind")
    assert label(app) == "Generate 1 · price unknown"
    app.segmented_control(key="set_duration").set_value("4")
    refuses(app, room)


def test_a_text_that_comes_with_the_press_is_what_is_bought(room: Room) -> None:
    app = write(room.open(), "a red")
    app.text_area(key="prompt").set_value("a red kite")
    press(app)
    assert [task.prompt for task in room.all_tasks()] == ["a red kite"]


def test_a_price_that_rises_while_the_tasks_are_made_makes_none(
    room: Room, override: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = write(choose(room.open(), "Next Month"), "a red kite")
    read = pressing.read

    def just_before(**how: bool) -> Form:
        form = read(**how)
        override.write_text(ENTRY.format(credits=300))
        return form

    monkeypatch.setattr(pressing, "read", just_before)
    refuses(app, room)


def test_a_button_that_promises_something_else_is_another_button(room: Room) -> None:
    app = write(room.open(), "a red kite")
    first = generate(app).key
    assert generate(write(app, "a blue kite")).key == first
    app.segmented_control(key="count").set_value(2).run()
    assert generate(app).key != first


# A press that Streamlit drops: its button was replaced in the same moment ----------------------------------------


def seen(app: AppTest, age: float = 2.5) -> dict[str, object]:
    """What the browser notes as the button is pressed, and tells unless it learns that the press was heard."""
    said = drawn(app, "typed")
    return {name: said[name] for name in ("button", "heard", "epoch", "form", "text")} | {"at": 1, "age": age}


def test_a_press_that_was_dropped_buys_once_however_often_it_is_told(room: Room) -> None:
    app = write(room.open(), "a red kite")
    dropped = seen(app)
    for times in range(3):
        say(app, "typed", pressed=dropped | {"times": times})
    assert len(bought(room)) == 1


def test_a_press_that_came_after_all_is_not_bought_twice(room: Room) -> None:
    app = write(room.open(), "a red kite")
    slow = seen(app)
    press(app)
    say(a_moment_later(app), "typed", pressed=slow)
    app.text_area(key="prompt").set_value("a blue kite").run()  # and whoever writes on buys nothing by that
    say(a_moment_later(app), "typed", pressed=slow | {"at": 2})
    assert len(bought(room)) == 1
    assert words.CHANGED not in said(app)


def test_a_press_that_was_refused_is_not_tried_again(room: Room) -> None:
    room.ledger.set_budget(TEAM, 1_000_000, who="local")
    app = write(room.open(), "a red kite")
    room.ledger.set_budget(TEAM, 4_000_000, who="local")
    app.run()
    slow = seen(app)
    room.ledger.set_budget(TEAM, 1_000_000, who="local")
    press(app)
    room.ledger.set_budget(TEAM, 9_000_000, who="local")
    say(a_moment_later(app), "typed", pressed=slow)
    assert bought(room) == []


@pytest.mark.parametrize("what", ["count", "project", "reference", "setting", "text"])
def test_a_dropped_press_for_what_the_form_no_longer_says_buys_nothing_and_says_so(room: Room, what: str) -> None:
    app = write(room.open(), "a red kite")
    dropped = seen(app)
    if what == "text":
        write(app, "a blue kite")
    elif what == "reference":
        app.file_uploader[0].set_value([("a.png", pictures.png(800, 800), "image/png")]).run()
    elif what == "project":
        app.session_state["project"] = "Spring"
        app.run()
    elif what == "setting":
        app.session_state["wanted"] = {"aspect_ratio": "16:9"}
        app.run()
    else:
        app.segmented_control(key="count").set_value(2).run()
    say(app, "typed", pressed=dropped)
    assert bought(room) == []
    assert words.CHANGED in said(app)


def test_a_dropped_press_for_a_text_that_stands_unsent_in_the_field_says_so_until_it_is_sent(room: Room) -> None:
    app = write(room.open(), "a red kite")
    dropped = seen(app) | {"text": "a blue kite"}
    typed = {"base": drawn(app, "typed")["base"], "empty": False, "edited": True}
    say(app, "typed", typed=typed, pressed=dropped)
    assert bought(room) == []
    assert words.CHANGED in said(app)
    assert words.CHANGED not in said(write(app, "a blue kite"))


def test_after_a_lost_answer_the_same_project_written_otherwise_is_the_same_batch(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was typed, as nobody knew whether it is there; then it is, and is chosen from the list."""
    monkeypatch.setattr(pressing, "ONE_PRESS_SECONDS", 0.0)
    room.tasks.create([GenerationRequest(MODELS[0], "a boat", {}, ())], person="local", projects=["Spring"])
    app = room.open()
    app.session_state["project"] = "spring"
    press(write(app, "a red kite"))
    app.session_state["press"] -= 1  # the answer was lost after the commit
    app.session_state["project"] = "Spring"
    press(write(app.run(), "a red kite"))
    assert len(bought(room)) == 2


def test_a_dropped_press_counts_where_its_project_is_only_written_otherwise(room: Room) -> None:
    app = room.open()
    app.session_state["project"] = "spring"
    dropped = seen(write(app, "a red kite"))
    app.session_state["project"] = "Spring"
    say(app.run(), "typed", pressed=dropped)
    assert len(bought(room)) == 1


def test_who_writes_something_else_and_presses_before_the_page_is_drawn_again_gets_both(room: Room) -> None:
    app = write(room.open(), "a red kite")
    before = seen(app)
    press(app)
    write(app, "a blue kite")
    say(app, "typed", pressed=before | {"text": "a blue kite"})
    assert len(bought(room)) == 2


def test_the_second_half_of_a_double_click_is_dropped_for_good(room: Room) -> None:
    app = press(write(room.open(), "a red kite"))
    second = seen(app)  # it met the next button, which the server was so quick to draw
    app.session_state["pressed_at"] -= 61
    say(app, "typed", pressed=second)
    assert len(bought(room)) == 1


def test_a_key_that_is_held_down_buys_once(room: Room) -> None:
    app = press(write(room.open(), "a red kite"))
    for _ in range(3):
        app.session_state["pressed_at"] -= 36
        press(app)
    assert len(bought(room)) == 1


def test_a_press_that_is_told_half_a_minute_later_or_on_another_page_buys_nothing(room: Room) -> None:
    app = write(room.open(), "a red kite")
    say(app, "typed", pressed=seen(app, age=31.0))
    app.session_state["page"] = "History"
    say(app, "typed", pressed=seen(app) | {"at": 2})
    assert bought(room) == []


def test_a_press_of_a_session_before_this_one_buys_nothing(room: Room) -> None:
    app = write(room.open(), "a red kite")
    say(app, "typed", pressed=seen(app) | {"epoch": "before"})
    assert bought(room) == []


def test_a_press_that_came_before_the_button_knew_of_the_text_counts(room: Room) -> None:
    app = room.open()
    early = seen(app)
    assert label(app) == drawn(app, "typed")["asks"]
    app.text_area(key="prompt").set_value("a red kite").run()
    say(app, "typed", pressed=early | {"text": "a red kite"})
    assert [task.prompt for task in room.all_tasks()] == ["a red kite"]


def test_what_it_is_made_from_and_what_was_refused_stand_beside_the_price(room: Room) -> None:
    app = write(room.open(), "a red kite")
    files = [("a.png", pictures.png(800, 800), "image/png"), ("b.png", b"no picture at all", "image/png")]
    app.file_uploader[0].set_value(files).run()
    assert "from 1 reference" in said(app)
    assert "One file that you added was refused (see References) and is not used." in said(app)


# A catalogue that halts everything ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["generate", "history", "settings"])
def test_an_admins_catalogue_that_was_broken_at_the_start_is_said_on_every_page_with_its_line(
    room: Room, override: Path, page: str
) -> None:
    override.write_text('[[model]]\nid = "next"\nlabel = 3\n')
    room.say_hello()
    banner = room.open(page).error[0].value.replace("\\", "")
    assert banner.startswith("**Nothing is sent, because the admin’s own models cannot be read.** What was asked for ")
    assert f'Mend the file, then it goes on by itself: {override.parent.name}/catalog.toml, line 3: model "n' in banner


def test_nothing_can_be_asked_for_by_a_catalogue_that_was_broken_at_the_start(room: Room, override: Path) -> None:
    override.write_text("[[model]\n")
    app = write(room.open(), "a red kite")
    assert (label(app), generate(app).disabled) == (words.HALTED_LABEL, True)
    override.write_text(ENTRY.format(credits=3))
    app.run()
    assert (label(app), generate(app).disabled) == ("Generate 1 · ≈ 4 credits ($0.02)", False)
    assert "cannot be read" not in said(app)


def test_a_press_that_meets_a_server_with_a_broken_catalogue_is_refused_with_the_sentence(room: Room) -> None:
    room.say_hello()
    app = write(room.open(), "a red kite")
    halt = {"connected": [["kie", "nano-banana"]], "halt": "var/catalog.toml, line 3: model 1, id: is missing"}
    room.health.report("server", ok=True, message="Working.", data=halt)  # it was restarted, and we were not
    press(app)
    assert bought(room) == []
    assert (label(app), generate(app).disabled) == (words.HALTED_LABEL, True)
    assert words.HALTED_PRESS in said(app)
    assert "line 3: model 1, id: is missing" in said(app)
    room.say_hello()
    press(a_moment_later(app.run()))
    assert len(bought(room)) == 1


def test_a_change_that_is_merely_not_in_force_halts_nothing(room: Room, override: Path) -> None:
    override.write_text(ENTRY.format(credits=3))
    app = write(choose(room.open(), "Next Month"), "a red kite")
    override.write_text("[[model]\n")
    press(app)
    assert bought(room) == [("next/month", 3_000_000)]
    assert "cannot be read" not in said(app)


# How much one press may ask for ---------------------------------------------------------------------------------


def test_one_press_asks_for_no_more_than_eight_over_all_models(room: Room) -> None:
    app = write(choose(room.open(), NANO, DREAM), "a red kite")
    app.segmented_control(key="count").set_value(4).run()
    assert label(app).startswith("Generate 8")
    choose(app, NANO, DREAM, "Seedream 5 Lite")
    assert label(app).startswith("Generate 6")
    press(app)
    assert len(room.all_tasks()) == 6
    kie = [choice.name for choice in catalogue.catalog().choices if catalogue.catalog().spec_of(choice).kind == "image"]
    app = write(choose(app, *kie[:9]), "a blue kite")  # as a version before this one may have kept it
    assert (label(app), generate(app).disabled) == ("9 at once – at most 8", True)
    assert "One press asks for at most 8, over all models together; this would be 9." in said(app)


def test_one_unknown_price_hides_none_of_the_others(room: Room) -> None:
    app = write(choose(room.open(), NANO, DREAM, LAYERS), "a red kite")
    app.file_uploader[0].set_value([("a.png", pictures.png(800, 800), "image/png")]).run()
    assert label(app) == "Generate 3 · at least ≈ 10.5 credits ($0.0525), one price unknown"
    assert "at least ≈ 10.5 credits ($0.0525) for one of each, one price unknown" in said(app)
    room.ledger.set_budget(TEAM, 100_000_000, who="local")
    assert label(app.run()) == "Price unknown – no budget allows it"


# A model that needs no words ------------------------------------------------------------------------------------


def with_layers(room: Room) -> AppTest:
    app = choose(room.open(), NANO, LAYERS)
    return app.file_uploader[0].set_value([("a.png", pictures.png(800, 800), "image/png")]).run()


def test_without_words_only_the_model_that_needs_none_is_asked_and_the_other_is_named(room: Room) -> None:
    app = with_layers(room)
    assert (label(app), generate(app).disabled) == ("Generate 1 · price unknown", False)
    assert "Nano Banana is left out. The prompt is empty. Describe the picture you want." in said(app)
    press(app)
    assert [model for model, _ in bought(room)] == ["seedream/5-pro-layer-decomposition"]


def test_a_field_that_was_just_emptied_counts_as_empty(room: Room) -> None:
    app = write(with_layers(room), "a red kite")
    assert label(app).startswith("Generate 2")
    base = drawn(app, "typed")["base"]
    app.session_state["typed"] = {"typed": {"base": base, "empty": True, "edited": True}}
    assert label(app.run()) == "Generate 1 · price unknown"


def test_where_nobody_can_be_asked_without_words_the_button_asks_for_them(room: Room) -> None:
    app = choose(room.open(), NANO, LAYERS)
    assert (label(app), generate(app).disabled) == (words.ADD_PROMPT, True)


def test_a_field_that_the_browser_emptied_on_the_way_back_costs_no_text(form_room: Room) -> None:
    app = write(form_room.open(), "a text of some length")
    app.session_state["page"] = "History"
    app.text_area(key="prompt").set_value("").run()
    assert app.text_area(key="prompt").value == "a text of some length"
    app.text_area(key="prompt").set_value("").run()  # a person does that on the page itself
    assert app.text_area(key="prompt").value == ""


def test_what_was_typed_and_never_committed_is_given_back_once(form_room: Room) -> None:
    app = form_room.open()
    lost = {"base": drawn(app, "typed")["base"], "empty": True, "edited": False, "lost": "typed, then away", "at": 1}
    app.session_state["typed"] = {"typed": lost}
    app.run()
    assert app.text_area(key="prompt").value == "typed, then away"
    app.text_area(key="prompt").set_value("").run()
    assert app.text_area(key="prompt").value == ""
