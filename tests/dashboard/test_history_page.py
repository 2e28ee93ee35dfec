"""The History page: what is looked for, shown, selected, deleted and brought back, and tried again."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyboards import strikes
from past import Past, S, Was
from playwright.sync_api import Locator, Page, WebSocket, WebSocketRoute, expect
from processes import Desk
from room import Room, drawn, tell, texts
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from dashboard.components import news
from dashboard.components.address import Chosen, narrowed, spread
from dashboard.components.formats import literal
from data.catalog import catalog
from data.marks import Marks
from data.preferences import Preferences
from data.query import SORTS, Choice, Query, Word
from data.query_reading import read
from data.removal import Removal
from data.requests import validate
from data.saved_views import SavedViews
from data.schema import utcnow
from data.tasks import TaskStore


@pytest.fixture
def past(form_room: Room, tmp_path: Path) -> Past:
    """What the desk has made before; its pictures lie where the desk looks for them."""
    return Past(tmp_path, form_room.db.url.render_as_string(hide_password=False))


def items(app: AppTest) -> list[str]:
    return [item["prompt"] for item in drawn(app, "gallery").get("items", [])]


def press(app: AppTest, act: str, *names: str) -> AppTest:
    return tell(app, "gallery", act, " ".join(names))


def asked(app: AppTest, name: str) -> list[str]:
    """What the address says."""
    values = app.query_params.get(name, [])
    return [values] if isinstance(values, str) else list(values)


def chosen(app: AppTest) -> tuple[int, int]:
    """How many are selected, and their bytes."""
    selected = drawn(app, "gallery")["selected"]
    return selected["count"], selected["bytes"]


# What is looked for -------------------------------------------------------------------------------------------------


def test_an_empty_history_teaches_and_leads_to_the_form(room: Room) -> None:
    app = room.open("history")
    assert "Nothing here yet" in texts(app)
    assert not [one for one in app.text_input if one.key == "q"], "filters over nothing explain nothing"
    app.button(key="make_first").click().run()
    assert app.text_area(key="prompt")


def test_a_sample_of_an_empty_history_fills_the_form_with_its_prompt(form_room: Room) -> None:
    app = form_room.open("history")
    sample = next(one for one in app.button if str(one.key).startswith("sample_"))
    sample.click().run()
    assert app.text_area(key="prompt").value.startswith("Flat illustration of a lighthouse keeper")


def test_a_history_of_which_all_is_deleted_leads_to_what_was_deleted(form_room: Room) -> None:
    task = form_room.ask()
    form_room.fail()
    Removal(form_room.db).delete([task.id], who="local")
    app = form_room.open("history")
    assert "Everything that was here is deleted" in texts(app)
    assert "It can be brought back for 30 days after it was deleted." in texts(app)
    assert "Nothing here yet" not in texts(app)
    assert "stays here" not in texts(app)
    app.button(key="see_deleted").click().run()
    assert drawn(app, "deleted")["items"][0]["id"] == task.id


def test_the_filter_that_hides_all_is_named_as_it_is_above_the_list(form_room: Room) -> None:
    form_room.ask("a boat")
    app = form_room.open("history", by="me", last="7")
    for typed, named in (
        ("kite", "Words: kite"), ("cost:>10", "Cost: >10"), ("-status:running", "Status: not Under way"),
        ("star:yes", "Starred"), ("pick:yes", "Picked"), ("-project:none", "Project: not No project"),
    ):  # fmt: skip
        app.text_input(key="q").set_value(typed).run()
        assert f"**{named}** hides 1 request." in texts(app).replace("\\", ""), typed


def test_what_is_chosen_narrows_what_is_typed_and_stands_in_the_address(form_room: Room, past: Past) -> None:
    past.write([
        Was("kite of mine"), Was("kite of ann", person="ann"), Was("boat of ann", person="ann"),
        Was("kite by seedream", model="seedream/4.5-text-to-image"), Was("old kite", ago=timedelta(days=40)),
    ])  # fmt: skip
    app = form_room.open("history")
    app.text_input(key="q").set_value("kite").run()
    assert len(items(app)) == 4
    app.selectbox(key="f_by").set_value("ann").run()
    assert items(app) == ["kite of ann"]
    assert asked(app, "by") == ["ann"]
    app.selectbox(key="f_by").set_value(None).run()
    app.pills(key="f_last").set_value("30").run()
    assert "old kite" not in items(app)
    app.pills(key="f_model").set_value(["seedream"]).run()
    assert items(app) == ["kite by seedream"]
    assert drawn(app, "gallery")["count"] == "1 request"
    again = form_room.open("history", q="kite", last="30", model="seedream")
    assert items(again) == ["kite by seedream"], "a copied link shows the same"
    app.pills(key="f_model").set_value([]).run()
    assert "model" not in app.query_params


def test_two_people_of_one_name_are_told_apart(form_room: Room, past: Past) -> None:
    past.write([Was("hers", person="a|1"), Was("his", person="a|2")])
    for one in ("a|1", "a|2"):
        Preferences(form_room.db).remember(one, name="Kim")
    app = form_room.open("history")
    assert app.selectbox(key="f_by").options[1:] == ["Kim (a|1)", "Kim (a|2)"]
    app.selectbox(key="f_by").set_value("a|2").run()
    assert items(app) == ["his"]
    app.button(key="clear").click().run()
    assert items(app) == ["his", "hers"]


def test_a_link_means_the_same_in_every_language(form_room: Room, past: Past) -> None:
    past.write([Was("a kite"), Was("a boat", S.CANCELLED)])
    form_room.open("settings").segmented_control(key="speak").set_value("zh").run()
    app = form_room.open("history", status="cancelled")
    assert items(app) == ["a boat"]
    assert asked(app, "status") == ["cancelled"]


def test_two_days_hold_what_was_made_between_them(form_room: Room, past: Past) -> None:
    past.write([Was(f"{days} days ago", ago=timedelta(days=days)) for days in (9, 5, 1)])
    app, today = form_room.open("history"), utcnow().date()
    app.date_input(key="f_days").set_value((today - timedelta(days=6), today - timedelta(days=3))).run()
    assert items(app) == ["5 days ago"]
    app.pills(key="f_last").set_value("7").run()
    assert items(app) == ["1 days ago", "5 days ago"]
    assert "since" not in app.query_params


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [("2001-01-01", "2099-12-31", 1), ("2099-01-01", "", 0), ("", "2001-01-01", 0), ("2099-01-01", "2001-01-01", 1)],
)
def test_days_of_another_age_in_the_address_break_nothing(
    form_room: Room, past: Past, since: str, until: str, found: int
) -> None:
    past.write([Was("a kite")])
    app = form_room.open("history", since=since, until=until)
    assert not app.exception
    assert len(items(app)) == found


def test_a_month_is_jumped_to_and_the_newer_ones_are_a_page_back(form_room: Room, past: Past) -> None:
    past.write([Was("older", ago=timedelta(days=70)), Was("newer", ago=timedelta(days=2))])
    app = form_room.open("history")
    months = app.selectbox(key="f_jump").options
    app.selectbox(key="f_jump").select(months[-1]).run()
    assert items(app) == ["older"]
    press(app, "newer", str(drawn(app, "gallery")["newer"]))
    assert items(app) == ["newer"]


def test_in_a_list_of_the_oldest_a_jump_leads_to_the_first_of_the_month(form_room: Room, past: Past) -> None:
    past.write([Was("older", ago=timedelta(days=100)), Was("newer"), Was("newest")])
    app = form_room.open("history", sort="oldest")
    assert items(app) == ["older", "newer", "newest"]
    app.selectbox(key="f_jump").select(app.selectbox(key="f_jump").options[0]).run()
    assert items(app) == ["newer", "newest"]
    assert app.query_params["sort"] in ("oldest", ["oldest"])
    press(app, "newer", str(drawn(app, "gallery")["newer"]))
    assert "older" in items(app)


def test_a_jump_in_a_list_by_cost_goes_to_the_newest_first(form_room: Room, past: Past) -> None:
    past.write([Was("older", ago=timedelta(days=70)), Was("newer", ago=timedelta(days=2))])
    app = form_room.open("history", sort="cost")
    app.selectbox(key="f_jump").select(app.selectbox(key="f_jump").options[-1]).run()
    assert items(app) == ["older"]
    assert "sort" not in app.query_params


@pytest.mark.parametrize("cursor", ["abc", "-1", "9" * 30, "²"])
def test_nonsense_in_the_address_shows_the_first_page(form_room: Room, cursor: str) -> None:
    form_room.ask("a red kite")
    nonsense: dict[str, Any] = {"before": cursor, "status": "happy", "last": cursor, "since": cursor, "star": "2"}
    app = form_room.open("history", **nonsense)
    assert items(app) == ["a red kite"]
    assert not app.exception


CHOICES = st.builds(
    Choice, *[st.lists(st.sampled_from(["me", "ann", "seedream", "veo3", "x y"]), max_size=2).map(tuple)] * 2
)
DAYS = st.none() | st.dates(date(1000, 1, 1), date(3000, 1, 1))


@given(st.builds(
    Query, words=st.lists(st.builds(Word, st.sampled_from(["kite", "red car", "猫"])), max_size=2).map(tuple),
    model=CHOICES, by=CHOICES, project=CHOICES, tag=CHOICES, cause=CHOICES, after=DAYS, before=DAYS,
    star=st.none() | st.booleans(), pick=st.none() | st.booleans(),
    status=st.builds(Choice, st.lists(st.sampled_from(["done", "failed"]), max_size=2).map(tuple)),
    last=st.none() | st.sampled_from([7, 8, 30]), cost_above=st.none() | st.just(5_000_000),
    sort=st.sampled_from(SORTS),
))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_kept_query_fills_the_toolbar_with_what_makes_it_again(query: Query) -> None:
    typed, said = spread(query)
    one = {name: values[0] for name, values in said.items()}
    again = Chosen(
        status=one.get("status", ""), model=tuple(said.get("model", ())), by=one.get("by", ""),
        tag=tuple(said.get("tag", ())), last=one.get("last", ""), star="star" in said,
        project=tuple(said.get("project", ())), pick="pick" in said, sort=one.get("sort", ""),
        since=date.fromisoformat(one["since"]) if "since" in one else None,
        until=date.fromisoformat(one["until"]) if "until" in one else None,
    )  # fmt: skip
    assert narrowed(read(typed).query, again) == query


def test_a_view_is_saved_opened_renamed_and_its_loss_undone(form_room: Room, past: Past) -> None:
    past.write([Was("a kite"), Was("a boat", S.CANCELLED)])
    app = form_room.open("history", q="kite", status="done")
    app.button(key="save_view").click().run()
    assert app.text_input(key="view_name").value == "kite · Done", "a name that says what it narrows is offered"
    app.text_input(key="view_name").set_value(" Good  kites ")
    app.button(key="view_named").click().run()
    views = SavedViews(form_room.db)
    assert views.all("local") == {"Good kites": read("kite status:done").query}
    app = form_room.open("history")
    app.button(key="view_0").click().run()
    assert (items(app), app.text_input(key="q").value) == (["a kite"], "kite")
    assert asked(app, "status") == ["done"]
    app.button(key="rename_view_0").click().run()
    app.text_input(key="view_name").set_value(" ").run()
    button = app.button(key="view_named")
    assert (button.label, button.disabled) == ("Give it a name", True)
    app.text_input(key="view_name").set_value("Kites")
    app.run().button(key="view_named").click().run()
    assert list(views.all("local")) == ["Kites"]
    app.button(key="forget_view_0").click().run()
    assert views.all("local") == {}
    app.button(key="unforget_view").click().run()
    assert list(views.all("local")) == ["Kites"]


# What is shown ------------------------------------------------------------------------------------------------------


def test_how_much_a_search_has_found_is_said_aloud_and_how_much_is_listed_by_news_is_not(
    form_room: Room, past: Past
) -> None:
    past.write([Was("a red kite"), Was("a blue kite"), Was("a boat")])
    app = form_room.open("history")
    everything = drawn(app, "page_frame")["found"]
    assert everything["said"] == "3 requests"
    form_room.ask("a fourth")
    assert drawn(app.run(), "page_frame")["found"]["of"] == everything["of"]
    found = {words: drawn(write_search(app, words), "page_frame")["found"] for words in ("kite", "nothing like it")}
    assert [one["said"] for one in found.values()] == ["2 requests", "No match among 4 requests"]
    assert len({everything["of"], *(one["of"] for one in found.values())}) == 3


def write_search(app: AppTest, words: str) -> AppTest:
    return app.text_input(key="q").set_value(words).run()


def test_history_is_newest_first_and_turns_pages_both_ways(form_room: Room, past: Past) -> None:
    past.write([Was(f"prompt {index}", S.CANCELLED) for index in range(70)])
    app = form_room.open("history")
    assert items(app) == [f"prompt {index}" for index in range(69, 9, -1)]
    press(app, "older", str(drawn(app, "gallery")["older"]))
    assert items(app) == [f"prompt {index}" for index in range(9, -1, -1)]
    assert drawn(app, "gallery")["older"] is None
    press(app, "newer", str(drawn(app, "gallery")["newer"]))
    assert items(app)[0] == "prompt 69"


def test_a_tile_says_model_age_cost_and_state_in_words(room: Room) -> None:
    room.ask("a red kite")
    room.done(count=2)
    item = drawn(room.open("history"), "gallery")["items"][0]
    assert (item["model"], item["age"], item["cost"], item["word"]) == ("Nano Banana", "just now", "4 credits", "Done")
    assert item["more"] == {"sign": "2", "name": "2 pictures"}
    assert "/320?" in item["picture"]


def test_a_tile_says_how_long_ago_and_not_a_number_that_reads_like_a_duration(
    form_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    form_room.ask()
    monkeypatch.setattr("dashboard.resources.now", lambda: utcnow() + timedelta(minutes=5, seconds=1))
    assert drawn(form_room.open("history"), "gallery")["items"][0]["age"] == "5 min ago"


def test_a_long_prompt_does_not_make_the_page_heavy(form_room: Room, past: Past) -> None:
    past.write([Was("红色的风筝 " * 800)])
    assert len(json.dumps(drawn(form_room.open("history"), "gallery")["items"], ensure_ascii=False)) < 2_000


def test_a_word_that_nobody_wrote_offers_the_one_that_was_meant(form_room: Room, past: Past) -> None:
    past.write([Was("a harbour at dusk"), Was("a kite")])
    app = form_room.open("history", q="harbuor", status="done")
    assert (items(app), app.button(key="meant").label) == ([], "Did you mean “harbour”?")
    app.button(key="meant").click().run()
    assert (items(app), app.text_input(key="q").value, asked(app, "status")) == (
        ["a harbour at dusk"], "harbour", ["done"],
    )  # fmt: skip


def test_what_is_asked_for_meanwhile_waits_for_a_press(form_room: Room) -> None:
    form_room.ask("first")
    app = form_room.open("history")
    assert drawn(app, "gallery")["fresh"] == ""
    form_room.ask("second")
    app.run()
    assert (items(app), drawn(app, "gallery")["fresh"]) == (["first"], "1 new")
    press(app, "show_new")
    assert (items(app), drawn(app, "gallery")["fresh"]) == (["second", "first"], "")


def test_an_order_is_kept_in_the_address_and_followed_by_all_that_walks(form_room: Room, past: Past) -> None:
    ids = past.write([Was(f"prompt {index}", S.CANCELLED) for index in range(62)])
    app = form_room.open("history")
    app.radio(key="f_sort").set_value("oldest").run()
    assert (asked(app, "sort"), items(app)) == (["oldest"], [f"prompt {index}" for index in range(60)])
    words = drawn(app, "gallery")["words"]
    assert (words["newer"], words["older"]) == ("Previous", "Next")
    press(app, "older", str(drawn(app, "gallery")["older"]))
    assert items(app) == ["prompt 60", "prompt 61"]
    form_room.ask("what is new")
    app.run()
    assert (items(app), drawn(app, "gallery")["fresh"]) == (["prompt 60", "prompt 61"], "1 new")
    assert drawn(app, "gallery")["arrow"] == "↓"
    press(app, "all")
    assert chosen(app)[0] == 62
    press(app, "show_new")  # to its end, where that is
    assert (items(app)[-1], drawn(app, "gallery")["fresh"]) == ("what is new", "")
    press(app, "open", ids[0])
    walk = drawn(app, "sheet")["walk"]
    assert ([one["prompt"] for one in walk["newer"]], walk["more_newer"]) == ([], False)
    assert [one["prompt"] for one in walk["older"]][:2] == ["prompt 1", "prompt 2"]
    assert drawn(app, "sheet")["words"]["newest"] == "This is the first of the list"


def test_the_dearest_come_first_among_what_is_looked_for(form_room: Room, past: Past) -> None:
    past.write([Was("kite", S.CANCELLED), Was("boat", S.CANCELLED), Was("kite that cost", S.SUCCEEDED)])
    past.write([Was("kite again", S.FAILED)])
    app = form_room.open("history", q="kite sort:cost")
    assert items(app) == ["kite that cost", "kite again", "kite"]
    app.radio(key="f_sort").set_value("").run()
    assert (app.text_input(key="q").value, asked(app, "sort"), items(app)[0]) == ("kite", [], "kite again")
    app.radio(key=app.radio[0].key).set_value("cost").run()
    app.button(key="save_view").click().run()
    app.text_input(key="view_name").set_value("Dear kites")
    app.button(key="view_named").click().run()
    assert SavedViews(form_room.db).all("local") == {"Dear kites": read("kite sort:cost").query}
    app.button(key="clear").click().run()
    assert (asked(app, "sort"), items(app)) == (["cost"], ["kite that cost", "kite again", "boat", "kite"])


def test_an_order_that_was_typed_stays_when_the_filters_go(form_room: Room, past: Past) -> None:
    past.write([Was("kite"), Was("boat"), Was("red kite")])
    app = form_room.open("history")
    app.text_input(key="q").set_value("kite sort:oldest").run()
    assert items(app) == ["kite", "red kite"]
    app.button(key="clear").click().run()
    assert (app.text_input(key="q").value, asked(app, "sort")) == ("", ["oldest"])
    assert items(app) == ["kite", "boat", "red kite"]


def chip(app: AppTest) -> Any:
    """The status that is marked above the list."""
    (marked,) = [one for one in app.segmented_control if str(one.key).startswith("f_status")]
    return marked


def test_a_status_that_is_typed_marks_its_chip_and_another_chip_takes_its_word_away(form_room: Room) -> None:
    form_room.ask("a red kite")
    form_room.fail()
    form_room.ask("a blue kite")
    app = form_room.open("history", q="kite status:failed")
    assert chip(app).value == "failed"
    assert drawn(app, "fold")["label"] == "Filters (1)"
    assert items(app) == ["a red kite"]
    chip(app).set_value("").run()
    assert (chip(app).value, app.text_input(key="q").value, items(app)) == ("", "kite", ["a blue kite", "a red kite"])
    app.text_input(key="q").set_value("kite status:failed").run()
    chip(app).set_value("running").run()
    assert (chip(app).value, app.text_input(key="q").value, items(app)) == ("running", "kite", ["a blue kite"])
    assert asked(app, "status") == ["running"]
    for typed in ("kite status:failed status:done", "kite -status:running", "kite"):
        app.text_input(key="q").set_value(typed).run()
        chip(app).set_value("").run()
        app.text_input(key="q").set_value(typed).run()
        assert chip(app).value == "", f"{typed}: no chip says that"


def test_what_changes_changes_where_it_is(form_room: Room) -> None:
    form_room.ask("first")
    app = form_room.open("history", status="running")
    assert drawn(app, "gallery")["items"][0]["word"] == "Queued"
    form_room.done()
    app.run()
    assert [(item["prompt"], item["word"]) for item in drawn(app, "gallery")["items"]] == [("first", "Done")]


def test_the_count_says_how_many_are_being_made(form_room: Room, past: Past) -> None:
    past.write([Was("done"), Was("being made", S.RUNNING)])
    assert drawn(form_room.open("history"), "gallery")["count"] == "2 requests · 1 under way"


def test_the_size_of_the_tiles_is_remembered(form_room: Room, past: Past) -> None:
    past.write([Was("a kite")])
    app = form_room.open("history")
    assert drawn(app, "gallery")["size"] == "m"
    press(app, "size", "l")
    assert drawn(app, "gallery")["size"] == "l"
    assert drawn(form_room.open("history"), "gallery")["size"] == "l"


def test_a_picture_without_its_file_says_so(form_room: Room, past: Past, tmp_path: Path) -> None:
    past.write([Was("a kite")])
    app = form_room.open("history")
    sha = drawn(app, "gallery")["items"][0]["sha"]
    assert drawn(press(app, "missing", sha), "gallery")["items"][0]["missing"] == "Cannot be loaded now"
    (tmp_path / "pictures" / sha[:2] / sha[2:4] / sha).unlink()
    told = "File missing — restore from provider (14 days left)"
    assert drawn(press(app, "missing", sha), "gallery")["items"][0]["missing"] == told
    press(app, "open", drawn(app, "gallery")["items"][0]["id"])
    assert "The provider keeps it for 14 more days" in drawn(app, "sheet")["say"]
    assert drawn(app, "sheet")["pictures"][0]["href"] == "", "what is not here is not offered for download"
    tell(app, "sheet", "restore_file", drawn(app, "sheet")["id"])
    assert form_room.errands.due().fetches


def test_a_database_that_does_not_answer_leaves_the_pictures_on_the_page(
    form_room: Room, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.write([Was("a kite")])
    app = form_room.open("history")

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr("data.history.History.cards", gone)
    app.run()
    assert items(app) == ["a kite"]
    assert drawn(app, "gallery")["stale"].startswith("Live updates paused, last ")
    monkeypatch.undo()
    assert "stale" not in drawn(press(app, "again"), "gallery")


# What is selected ---------------------------------------------------------------------------------------------------


def test_a_selection_is_kept_over_pages_and_weighed(form_room: Room, past: Past) -> None:
    ids = past.write([Was(f"kite {index}") for index in range(62)])
    app = form_room.open("history")
    press(app, "select", ids[61], ids[60])
    size = sum(item["size"] for item in drawn(app, "gallery")["items"][:2])
    press(app, "older", str(drawn(app, "gallery")["older"]))
    assert (chosen(app), drawn(app, "gallery")["selected"]["here"]) == ((2, size), [])
    press(app, "select", ids[0])
    assert drawn(app, "gallery")["selected"]["here"] == [ids[0]]
    assert drawn(app, "gallery")["selected"]["all"] == "Select all 62 matching"
    press(app, "unselect", ids[61])
    assert chosen(app)[0] == 2
    assert chosen(press(app, "clear")) == (0, 0)


def test_all_that_match_are_selected_and_nothing_that_nobody_saw(form_room: Room, past: Past) -> None:
    past.write([*(Was(f"kite {index}", S.CANCELLED) for index in range(62)), Was("boat")])
    app = form_room.open("history", q="kite")
    form_room.ask("kite that came meanwhile")
    press(app, "all")
    assert chosen(app)[0] == 62
    assert drawn(app, "gallery")["fresh"] == "1 new"


def test_a_zip_is_of_the_kind_that_was_pressed_and_is_asked_for_once(form_room: Room, past: Past) -> None:
    (one,) = past.write([Was("a")])
    app = form_room.open("history")
    press(app, "select", one)
    for kind in (each["kind"] for each in drawn(app, "gallery")["zip_kinds"]):
        tell(app, "gallery", "zip", kind)
        fields = drawn(app, "gallery")["zip"]["form"]["fields"]
        assert (fields["ids"], fields["k"]) == (one, kind)
    assert drawn(app.run(), "gallery")["zip"] is None
    tell(app, "gallery", "zip", "everything")
    assert drawn(app, "gallery")["zip"] is None


def test_stars_and_tags_are_put_on_all_that_is_selected(form_room: Room, past: Past) -> None:
    one, other, third = past.write([Was("a"), Was("b"), Was("c")])
    app, marks = form_room.open("history"), Marks(form_room.db)
    press(app, "star", one)
    assert marks.of([one, other], "local").keys() == {one}
    press(app, "select", one, other)
    press(app, "star_all")
    assert marks.of([one, other, third], "local").keys() == {one, other}
    assert drawn(app, "gallery")["selected"]["marked"] == {"star": 2, "pick": 0}
    press(app, "unstar_all")
    assert marks.of([one, other], "local") == {}
    tell(app, "gallery", "tag", "Red car")
    assert drawn(app, "gallery")["selected"]["tags"] == {"red car": 2}
    assert [item["tags"] for item in drawn(app, "gallery")["items"]] == [[], ["red car"], ["red car"]]
    app.pills(key="f_tag").set_value(["red car"]).run()
    assert items(app) == ["b", "a"]
    tell(app, "gallery", "untag", "red car")
    assert marks.tags_of([one, other]) == {}
    press(app, "star", one)
    app = form_room.open("history", star="yes")
    assert items(app) == ["a"]


def test_two_that_are_selected_are_put_beside_one_another(form_room: Room, past: Past) -> None:
    one, other, _ = past.write([Was("a"), Was("b"), Was("c")])
    app = form_room.open("history")
    press(press(app, "select", other, one), "compare_chosen")
    assert drawn(app, "pair")["a"]["ref"] == other
    assert asked(app, "b") == [one]


def test_what_is_deleted_leaves_its_place_and_comes_back_by_undo(form_room: Room, past: Past) -> None:
    one, other, runs = past.write([Was("a"), Was("b"), Was("c", S.RUNNING)])
    app = form_room.open("history")
    press(app, "select", one, other, runs)
    press(app, "delete")
    view = drawn(app, "gallery")
    told = view["undo"]["text"]
    assert told.startswith("2 deleted. Until ")
    assert told.endswith(" 1 stays: its picture is still on its way.")
    assert [(item["prompt"], item["gone"]) for item in view["items"]] == [("c", False), ("b", True), ("a", True)]
    assert form_room.search.ids(Query(), "local") == (runs,)
    assert chosen(app)[0] == 1, "what stays is still selected"
    press(app, "undo")
    assert [item["gone"] for item in drawn(app, "gallery")["items"]] == [False] * 3
    assert drawn(app, "gallery")["undo"] is None
    press(app, "delete", runs)
    assert literal("1 stays: its picture is still on its way.") in [one.value for one in app.toast]
    press(press(app, "clear"), "delete", one)
    press(app, "restore", one)
    assert form_room.search.ids(Query(), "local") == (runs, other, one)


def test_what_was_deleted_is_listed_with_its_end_and_brought_back(form_room: Room, past: Past) -> None:
    one, other = past.write([Was("a"), Was("b")])
    removal = Removal(form_room.db)
    removal.delete([one, other], who="ann")
    app = form_room.open("history", view="deleted")
    view = drawn(app, "deleted")
    assert [item["prompt"] for item in view["items"]] == ["b", "a"]
    assert view["items"][0]["line"].startswith("until ")
    assert view["items"][0]["line"].endswith(" · by ann")
    tell(app, "deleted", "select", other)
    tell(app, "deleted", "delete")
    tell(app, "deleted", "restore")
    assert [item["word"] for item in drawn(app, "deleted")["items"]] == ["Back again", "Done"]
    app.button(key="leave_deleted").click().run()
    assert items(app) == ["b"]


# What has failed ----------------------------------------------------------------------------------------------------


def test_failures_are_told_by_cause_and_tried_again_once_at_the_price_on_the_button(
    form_room: Room, past: Past
) -> None:
    ids = past.write([*(Was(f"kite {n}", S.FAILED) for n in range(7)), Was("boat", S.FAILED, cause="overdue")])
    app = form_room.open("history", status="failed")
    first, second = drawn(app, "gallery")["sections"]
    assert (first["title"], first["count"], second["title"]) == ("Refused by policy", "7", "Overdue")
    assert "Nothing was charged." in first["text"]
    assert first["ids"] == ids[6:0:-1]
    assert [act["label"] for act in first["actions"]] == ["Retry all 7 · ≈ 28 credits ($0.14)", "Show all"]
    press(app, "retry_group", "policy")
    made = [task for task in form_room.all_tasks() if task.status == S.QUEUED]
    assert sorted(task.prompt for task in made) == [f"kite {n}" for n in range(7)]
    press(app, "retry_group", "policy")
    assert len(form_room.all_tasks()) == 15
    (section, _) = drawn(app, "gallery")["sections"]
    assert ([act["act"] for act in section["actions"]], section["count"]) == (["show_group"], "7 · none left to try")
    press(app, "show_group", "policy")
    assert (len(items(app)), drawn(app, "gallery")["sections"]) == (7, None)
    assert app.text_input(key="q").value == "cause:policy"


def test_beside_how_many_failed_stands_how_many_are_left_to_try_as_the_button_says(form_room: Room, past: Past) -> None:
    ids = past.write([Was(f"kite {n}", S.FAILED) for n in range(4)])

    def told() -> tuple[str, str]:
        (section,) = drawn(form_room.open("history", status="failed"), "gallery")["sections"]
        return section["count"], "".join(act["label"].partition(" ·")[0] for act in section["actions"])

    assert told() == ("4", "Retry all 4")
    form_room.tasks.retry(ids[0], who="local")
    assert told() == ("4 · 3 left to try", "Retry the 3 left")
    for task_id in ids[1:3]:
        form_room.tasks.retry(task_id, who="local")
    assert told() == ("4 · 1 left to try", "Retry the one left")
    form_room.tasks.retry(ids[3], who="local")
    assert told() == ("4 · none left to try", "")
    form_room.fail("policy")  # a retry in vain is one more, and the one that is left
    assert told() == ("5 · 1 left to try", "Retry the one left")


def test_whoever_might_pay_twice_is_asked_first(form_room: Room, past: Past) -> None:
    past.write([Was("kite", S.FAILED, cause="unconfirmed", doubtful=True, account="kie")])
    (section,) = drawn(form_room.open("history", status="failed"), "gallery")["sections"]
    assert "you pay for it twice" in section["actions"][0]["ask"]["text"]


# In a browser -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_pictures_are_walked_selected_deleted_and_brought_back_by_keys(shared_desk: Desk, page: Page) -> None:
    was = Past(shared_desk.state_dir, shared_desk.database_url)
    was.write([Was(f"walked {index}", size=(320, 240)) for index in range(9)])
    was.close()
    page.goto(f"{shared_desk.url}/history?q=walked")
    tiles, bar = page.get_by_role("option"), page.get_by_role("region", name="What is selected")
    expect(tiles).to_have_count(9)
    tiles.first.focus()
    page.keyboard.press("End")
    expect(tiles.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(tiles.nth(5)).to_be_focused()  # six in a row at this width
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(bar).to_contain_text("3 selected")
    tiles.first.click(modifiers=["Control"])
    expect(bar).to_contain_text("4 selected")
    tiles.first.click(modifiers=["Control"])
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(3)
    strikes(page, "а", "KeyF", repeats=3)  # F on a Russian keyboard, held: a star does not flicker
    expect(page.locator(".star.on")).to_have_count(3)
    strikes(page, "и", "KeyB", repeats=3)
    expect(page.locator(".picked")).to_have_count(3)
    page.keyboard.press("m")
    page.keyboard.type("Spring")
    page.keyboard.press("Enter")
    expect(bar).to_contain_text("3 moved to Spring.")
    page.keyboard.press("z")
    expect(bar).not_to_contain_text("moved")
    strikes(page, "и", "KeyB")
    expect(page.locator(".picked")).to_have_count(0)
    places = [tile.bounding_box() for tile in tiles.all()]
    page.keyboard.press("Delete")
    expect(bar).to_contain_text("3 deleted.")
    expect(page.locator("[data-state=deleted]")).to_have_count(3)
    assert [tile.bounding_box() for tile in tiles.all()] == places
    page.keyboard.press("z")
    expect(page.locator("[data-state=deleted]")).to_have_count(0)
    expect(bar).to_have_count(0)
    frames(page, tiles.nth(1), tiles.nth(0), before=6)  # from the gap before the second
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(1)
    page.keyboard.down("Control")
    frames(page, tiles.nth(2), tiles.nth(2), before=6)
    page.keyboard.up("Control")
    expect(bar).to_contain_text("2 selected")
    frames(page, tiles.nth(2), tiles.nth(0), before=-6)  # from a tile: that is no frame
    expect(bar).to_contain_text("2 selected")
    page.keyboard.press("Escape")
    tiles.nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("walked 7")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog")).to_contain_text("walked 6")
    page.keyboard.press("Escape")  # before the address has heard of the step
    expect(tiles.nth(2)).to_be_focused()


def frames(page: Page, beside: Locator, to: Locator, *, before: float) -> None:
    """Draws a frame with the mouse, from so many pixels before one tile into another."""
    one, other = beside.bounding_box(), to.bounding_box()
    assert one is not None
    assert other is not None
    page.mouse.move(one["x"] - before, one["y"] + 40)
    page.mouse.down()
    page.mouse.move(other["x"] + 30, other["y"] + 70, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_new_is_announced_and_moves_nothing_until_it_is_wanted(shared_desk: Desk, page: Page) -> None:
    was = Past(shared_desk.state_dir, shared_desk.database_url)
    was.write([Was("announced 1"), Was("announced 2")])
    page.goto(f"{shared_desk.url}/history?q=announced")
    tiles = page.get_by_role("option")
    expect(tiles).to_have_count(2)
    places = [tile.bounding_box() for tile in tiles.all()]
    request = validate(catalog().require("google/nano-banana"), "announced 3", {}, [])
    TaskStore(was.db).create([request], person="local")
    pill = page.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    assert [tile.bounding_box() for tile in tiles.all()] == places
    pill.click()
    expect(tiles).to_have_count(3)
    expect(tiles.first).to_have_accessible_name(re.compile("announced 3"))
    was.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_grid_is_told_of_news_at_once_and_asks_for_none(shared_desk: Desk, page: Page) -> None:
    was = Past(shared_desk.state_dir, shared_desk.database_url)
    was.write([Was("quiet 1")])
    asked: list[object] = []

    def listen(line: WebSocket) -> None:
        line.on("framesent", lambda said: asked.append(said))  # noqa: PLW0108 - Playwright takes no builtin

    page.on("websocket", listen)
    page.goto(f"{shared_desk.url}/history?q=quiet")
    expect(page.get_by_role("option")).to_have_count(1)
    page.wait_for_timeout(3_000)  # the page settles
    asked.clear()
    page.wait_for_timeout(2_000 * news.TIMER_SECONDS)
    assert not asked, "an idle page asks nothing, so it costs the database nothing"
    streamlit = page.get_by_test_id("stApp")
    streamlit.evaluate("app => (app.dataset.testScriptState = 'running')")  # it may be drawing another page
    request = validate(catalog().require("google/nano-banana"), "quiet 2", {}, [])
    TaskStore(was.db).create([request], person="local")
    page.wait_for_timeout(1_000)
    assert not asked, "a ring that meets a change of pages would empty the next one"
    streamlit.evaluate("app => (app.dataset.testScriptState = 'notRunning')")
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert asked, "the server's word had it drawn"
    was.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_was_asked_for_while_streamlit_was_away_is_asked_for_again(shared_desk: Desk, page: Page) -> None:
    was = Past(shared_desk.state_dir, shared_desk.database_url)
    was.write([Was("dropped 1")])
    to_drop: list[str] = []

    def between(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        line.on_message(lambda said: to_drop.pop() if to_drop else server.send(said))

    page.route_web_socket(re.compile("/_stcore/stream"), between)
    page.goto(f"{shared_desk.url}/history?q=dropped")
    expect(page.get_by_role("option")).to_have_count(1)
    page.wait_for_timeout(3_000)  # the page settles
    to_drop.append("the next")
    request = validate(catalog().require("google/nano-banana"), "dropped 2", {}, [])
    TaskStore(was.db).create([request], person="local")
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    assert not to_drop
    was.close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_bar_says_whether_it_picks_or_unpicks_what_is_selected(shared_desk: Desk, page: Page) -> None:
    was = Past(shared_desk.state_dir, shared_desk.database_url)
    ids = was.write([Was(f"chosen {index}", size=(320, 240)) for index in range(3)])
    Marks(was.db).pick(ids[2:], "ann")
    was.close()
    page.goto(f"{shared_desk.url}/history?q=chosen")
    tiles, deeds = page.get_by_role("option"), page.get_by_role("region", name="What is selected")
    tiles.nth(1).click(modifiers=["Control"])
    expect(deeds.get_by_role("button", name="Pick", exact=True)).to_be_visible()
    tiles.nth(2).click(modifiers=["Control"])
    tiles.nth(0).click(modifiers=["Control"])  # that one is picked already
    expect(deeds.get_by_role("button", name="Star", exact=True)).to_be_visible()
    deeds.get_by_role("button", name="Pick the other 2").click()
    expect(page.locator("[role=option][aria-label*=Picked]")).to_have_count(3)
    tiles.nth(1).focus()
    expect(deeds.get_by_role("button", name="Unpick")).to_be_visible()
    page.keyboard.press("b")
    expect(deeds).to_contain_text("3 are no longer picked.")
    expect(deeds.get_by_role("button", name="Pick", exact=True)).to_be_visible()
