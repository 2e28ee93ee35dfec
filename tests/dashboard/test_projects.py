"""Projects and picks on the screens: what is asked for goes where the form says, and what is marked is found again."""

from pathlib import Path

import pytest
import streamlit as st
from past import Past, Was
from room import Room, drawn, press, tell, texts, write
from streamlit.testing.v1 import AppTest

from dashboard.components import project_choice
from data.catalog import catalog
from data.marks import Marks
from data.projects import Projects
from data.requests import validate

CSV = b"prompt,project\na kite,\na boat,Autumn\na lamp,none\n"


@pytest.fixture
def past(form_room: Room, tmp_path: Path) -> Past:
    """What the desk has made before; its pictures lie where the desk looks for them."""
    return Past(tmp_path, form_room.db.url.render_as_string(hide_password=False))


def of_all(room: Room) -> dict[str, str | None]:
    """The project of each request, by its prompt."""
    ids = [task.id for task in room.all_tasks()]
    return {card.prompt: card.project for card in room.history.cards(ids)}


def named(app: AppTest, name: str) -> AppTest:
    """The form's project is this one, whether it is there or not: a new name cannot be written in an `AppTest`."""
    app.session_state["project"] = name
    return app.run()


def test_what_is_asked_for_belongs_to_the_project_of_the_form_which_stays(form_room: Room) -> None:
    app = form_room.open()
    press(write(app, "a kite"))
    press(write(named(app, "Spring"), "a boat"))
    assert of_all(form_room) == {"a kite": None, "a boat": "Spring"}
    again = form_room.open()
    chosen = again.selectbox(key="project_choice")
    assert (chosen.value, chosen.options) == ("Spring", ["Spring"])
    chosen.set_value(None).run()
    press(write(again, "a lamp"))
    assert of_all(form_room)["a lamp"] is None
    assert form_room.open().selectbox(key="project_choice").value is None


def test_a_name_that_cannot_be_leaves_the_project_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(st, "session_state", {"project": "Spring", "written": "none"})
        project_choice._take("written")
        assert st.session_state["project"] == "Spring"
        assert "The name of a project has 1 to 40 characters" in str(st.session_state["toasts"])


def test_a_chosen_project_stays_over_a_reload_as_the_rest_of_the_form_does(form_room: Room) -> None:
    validated = validate(catalog().require("google/nano-banana"), "a kite", {}, ())
    form_room.tasks.create([validated], person="local", projects=["Spring"])
    app = form_room.open()
    app.selectbox(key="project_choice").set_value("Spring").run()
    again = form_room.open()
    assert again.selectbox(key="project_choice").value == "Spring"
    again.selectbox(key="project_choice").set_value(None).run()
    assert form_room.open().selectbox(key="project_choice").value is None


def test_what_the_form_was_filled_from_is_known_after_a_reload_until_it_is_cut(form_room: Room) -> None:
    first = form_room.ask()
    form_room.done()
    tell(form_room.open(), "now", "edit", first.id)
    again = form_room.open()
    assert drawn(again, "filled_from")["origin"]["id"] == first.id
    press(write(again, "the same at night"))
    made = form_room.history.detail(form_room.history.recent("local")[0].id)
    assert made.parent is not None
    assert made.parent.task_id == first.id
    tell(again, "filled_from", "cut", "")
    assert not drawn(form_room.open(), "filled_from")


@pytest.mark.parametrize("deed", ["vary", "use_again", "edit"])
def test_whoever_goes_on_from_a_picture_works_for_its_project_until_it_is_undone(form_room: Room, deed: str) -> None:
    spec = catalog().require("google/nano-banana")
    tasks = form_room.tasks.create(
        [validate(spec, prompt, {}, ()) for prompt in ("a kite", "a boat")], person="local", projects=["Autumn", None]
    )
    form_room.done(2)
    app = named(form_room.open(), "Spring")
    tell(app, "now", deed, tasks[0].id)
    assert app.session_state["project"] == "Autumn"
    row = {"name": "Project", "a": "Spring", "b": "Autumn"}
    assert row in drawn(app, "filled_from")["rows"]
    tell(app, "filled_from", "undo")
    assert app.session_state["project"] == "Spring"
    tell(app, "now", deed, tasks[1].id)
    assert app.session_state["project"] == "Spring", "it belongs to none, so nothing is known of what is wanted"


def test_a_batch_goes_into_the_project_of_the_form_unless_a_line_names_another(form_room: Room) -> None:
    app = named(form_room.open(), "Spring")
    app.button(key="batch_button").click().run()
    app.segmented_control(key="batch_origin").set_value("file").run()
    app.file_uploader(key="batch_file").set_value([("b.csv", CSV, "text/csv")]).run()
    faulty, good = drawn(app, "batch_table")["parts"]
    assert [row["fault"][:21] for row in faulty["rows"]] == ["The name of a project"]
    assert [row["project"] for row in good["rows"]] == ["", "Autumn"]
    (start,) = [one for one in app.button if str(one.key).startswith("batch_generate_")]
    start.click().run()
    assert of_all(form_room) == {"a kite": "Spring", "a boat": "Autumn"}


def test_what_is_selected_is_moved_at_once_and_put_back_by_undo(form_room: Room, past: Past) -> None:
    one, other, third = past.write([Was("a"), Was("b"), Was("c")])
    Projects(form_room.db).move([other], "Autumn", who="ann")
    app = form_room.open("history")
    tell(app, "gallery", "select", f"{one} {other}")
    assert drawn(app, "gallery")["selected"]["projects"] == {"": 1, "Autumn": 1}
    tell(app, "gallery", "move", "Spring")
    assert of_all(form_room) == {"a": "Spring", "b": "Spring", "c": None}
    assert drawn(app, "gallery")["undo"]["text"] == "2 moved to Spring."
    app.pills(key="f_project").set_value(["spring"]).run()
    assert ([item["prompt"] for item in drawn(app, "gallery")["items"]], app.query_params["project"]) == (
        ["b", "a"], "spring",
    )  # fmt: skip
    tell(app, "gallery", "undo")
    assert of_all(form_room) == {"a": None, "b": "Autumn", "c": None}
    tell(app, "gallery", "move", "")
    assert (of_all(form_room)["b"], drawn(app, "gallery")["undo"]["text"]) == (None, "1 is in no project now.")
    assert third not in drawn(app, "gallery")["selected"]["here"]


def test_a_move_in_the_drawer_is_undone_there_or_in_the_list(form_room: Room, past: Past) -> None:
    one, other = past.write([Was("a"), Was("b")])
    app = form_room.open("history", task=one)
    assert drawn(app, "sheet")["undo"] is None
    tell(app, "sheet", "move", f"{one} Spring")
    assert (of_all(form_room)["a"], drawn(app, "sheet")["undo"]["text"]) == ("Spring", "1 moved to Spring.")
    tell(app, "sheet", "undo")
    assert (of_all(form_room)["a"], drawn(app, "sheet")["undo"]) == (None, None)
    tell(app, "sheet", "move", f"{one} Spring")
    tell(app, "sheet", "go", other)
    assert drawn(app, "sheet")["undo"] is None, "that is another one"
    assert drawn(app.run(), "gallery")["undo"]["text"] == "1 moved to Spring."
    tell(app, "sheet", "move", f'{other} "spring" ')
    assert drawn(app.run(), "gallery")["undo"]["text"] == "1 moved to Spring.", "as the project is called"


def test_picks_are_seen_by_all_and_put_on_all_that_is_selected(form_room: Room, past: Past) -> None:
    one, other, _ = past.write([Was("a"), Was("b"), Was("c")])
    marks = Marks(form_room.db)
    marks.pick([one], "ann")
    app = form_room.open("history")
    assert [item["pick"] for item in drawn(app, "gallery")["items"]] == [False, False, True]
    tell(app, "gallery", "select", f"{one} {other}")
    assert drawn(app, "gallery")["selected"]["marked"] == {"star": 0, "pick": 1}
    tell(app, "gallery", "pick_all")
    app.pills(key="f_pick").set_value("yes").run()
    assert [item["prompt"] for item in drawn(app, "gallery")["items"]] == ["b", "a"]
    assert drawn(app, "gallery")["selected"]["marked"] == {"star": 0, "pick": 2}
    tell(app, "gallery", "unpick_all")
    assert marks.of([one, other], "local") == {}
    assert drawn(app, "gallery")["undo"]["text"] == "2 are no longer picked."
    tell(app, "gallery", "undo")
    picks = [marked.pick.person for marked in marks.of([one, other], "local").values() if marked.pick]
    assert (sorted(picks), [toast.value for toast in app.toast]) == (["ann", "local"], ["2 are picked again\\."])
    tell(app, "gallery", "unpick_all")
    assert "**Picked** hides" in texts(form_room.open("history", pick="yes"))


def test_a_first_visit_is_shown_first_what_the_team_picked(form_room: Room, past: Past) -> None:
    ids = past.write([Was(f"kite {n}", person="ann") for n in range(8)])
    Marks(form_room.db).pick(ids[:1], "ann")
    shown = [item["prompt"] for item in drawn(form_room.open(), "shelf")["items"]]
    assert shown == ["kite 0", *(f"kite {n}" for n in (7, 6, 5, 4, 3))]
