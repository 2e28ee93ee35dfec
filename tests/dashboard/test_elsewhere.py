"""What has ended is told once, to whoever is elsewhere: by a toast on another page, by a note in another window."""

from room import Room, drawn, tell
from stores import MODELS
from streamlit.testing.v1 import AppTest

from dashboard.components.formats import literal
from data.catalog import catalog
from data.glances import Glances
from data.moves import move_each
from data.preferences import Preferences
from data.requests import validate
from data.status import TaskStatus


def pulse(app: AppTest) -> dict[str, object]:
    return drawn(app, "news_pulse")


def toasts(app: AppTest) -> list[str]:
    return [one.value for one in app.toast]


def test_what_ended_is_found_by_the_number_of_its_event(room: Room) -> None:
    before = room.history.revision()
    done, failed = room.ask().id, room.ask().id
    room.done()
    room.fail()
    room.ask(person="ben")
    room.done()
    cancelled = room.ask()
    room.tasks.cancel(cancelled.id, who="local")
    glances = Glances(room.db)
    found = glances.ended("local", before)
    assert list(found.values()) == [done, failed]
    assert list(glances.ended("local", min(found)).values()) == [failed]


def test_whoever_is_on_another_page_is_told_once_of_what_has_ended_since_they_came(form_room: Room) -> None:
    form_room.ask("before")
    form_room.done()
    app = form_room.open("settings")
    assert toasts(app) == []
    form_room.ask("a red kite")
    form_room.done()
    assert toasts(app.run()) == [literal("Done: a red kite")]
    assert toasts(app.run()) == []
    form_room.ask("b")
    form_room.done()
    form_room.ask("c")
    form_room.fail()
    (said,) = toasts(app.run())
    assert said.startswith(literal("1 request is done · 1 failed · The model could not make a picture"))
    assert literal("Nothing was charged.") in said


def test_what_failed_and_is_under_way_again_is_told_once_it_has_ended(form_room: Room) -> None:
    app = form_room.open("settings")
    again = form_room.ask("a boat")
    form_room.doubt()
    form_room.later(days=1)
    assert form_room.history.card(again.id).status == TaskStatus.FAILED
    form_room.tasks.write_off(again.id, who="local", again=True)
    assert form_room.history.card(again.id).status == TaskStatus.QUEUED
    assert toasts(app.run()) == []
    form_room.ask("a red kite")
    form_room.done()
    form_room.done()
    assert toasts(app.run()) == [literal("2 requests are done")]


def test_of_very_many_that_ended_at_once_every_one_is_counted(form_room: Room) -> None:
    app = form_room.open("settings")
    same = validate(catalog().require(MODELS[0]), "a red kite", {}, ())
    asked = [task.id for _ in range(2) for task in form_room.tasks.create([same] * 300, person="local")]
    with form_room.db.transaction() as session:
        move_each(session, asked, TaskStatus.FAILED, since=TaskStatus.QUEUED, now=form_room.db.now(), kind="failed",
                  who="server")  # fmt: skip
    (said,) = toasts(app.run())
    assert said.startswith(literal("600 failed"))
    assert toasts(app.run()) == []


def test_where_the_cards_are_no_toast_covers_them(form_room: Room) -> None:
    app = form_room.open("generate")
    form_room.ask("a red kite")
    form_room.done()
    assert toasts(app.run()) == []


def test_the_browser_is_given_a_note_only_by_who_asked_for_it(form_room: Room) -> None:
    app = form_room.open("settings")
    form_room.ask("a red kite")
    form_room.done()
    assert pulse(app.run())["ended"] is None
    tell(app, "elsewhere", "on")
    assert Preferences(form_room.db).all("local")["notify"] is True
    form_room.ask("a boat")
    form_room.fail("policy")
    note = pulse(app.run())["ended"]
    assert isinstance(note, dict)
    assert note["title"] == "Failed: a boat"
    assert "refused" in note["body"]
    assert "Nothing was charged." in note["body"]
    assert pulse(app.run())["ended"] == note, "the same number is the same note"
    tell(app, "elsewhere", "off")
    assert Preferences(form_room.db).all("local")["notify"] is False
