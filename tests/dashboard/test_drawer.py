"""The drawer, and what is made of a picture next: walking, family, marks, and the form that is filled and undone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pictures
import pytest
import streamlit as st
from room import MODELS, Room, acts, cards, drawn, generate, press, tell, write
from sqlmodel import update

from dashboard.components import acts as doing
from dashboard.components import filled, iterate, origin
from data.catalog import catalog
from data.marks import Marks
from data.query import Query
from data.relation import Parent, Relation
from data.requests import validate
from data.rows import stored_image
from data.schema import Artifact
from data.settling import Word

Session = dict[str, Any]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Session]:
    """What a callback leaves in the session, without a page around it."""

    def after(call: Callable[..., None], *args: str, **state: Any) -> Session:
        with monkeypatch.context() as patch:
            patch.setattr(st, "session_state", state)
            patch.setattr(st, "query_params", state.setdefault("query", {}))
            call(*args)
        return state

    return after


def made(room: Room, prompt: str = "a red kite", model: str = MODELS[0], **params: Any) -> str:
    """A finished task's id."""
    spec = catalog().require(model)
    task = room.tasks.create([validate(spec, prompt, params, ())], person="local")[0]
    room.done()
    return task.id


def sheet(room: Room, task: str, **state: Any) -> dict[str, Any]:
    app = room.open(task=task)
    for name, value in state.items():
        app.session_state[name] = value
    return drawn(app.run() if state else app, "sheet")


# Walking --------------------------------------------------------------------------------------------------------


def test_the_drawer_knows_what_stands_beside_it_in_the_list_that_was_on_the_screen(form_room: Room) -> None:
    ids = [made(form_room, prompt) for prompt in ("kite 1", "boat", "kite 2", "kite 3")]
    app = form_room.open("history", q="kite", task=ids[2])
    made(form_room, "kite 4")
    walk = drawn(app.run(), "sheet")["walk"]
    assert [one["id"] for one in walk["newer"]] == [ids[3]], "what came after the list was shown is not in it"
    assert [one["id"] for one in walk["older"]] == [ids[0]], "the boat was not found"
    assert (walk["more_newer"], walk["more_older"]) == (False, False)
    assert "/1280?" in walk["older"][0]["picture"]["src"]


def test_what_a_search_has_found_is_used_again_in_the_form(form_room: Room) -> None:
    task = made(form_room, "a red kite")
    app = form_room.open("history", q="kite", task=task)
    tell(app, "sheet", "use_again", task)
    assert not app.exception
    assert app.text_area(key="prompt").value == "a red kite"


def test_what_is_deleted_in_the_drawer_gives_its_place_to_the_next_of_the_list_and_comes_back_by_undo(
    form_room: Room,
) -> None:
    first, second, third = (made(form_room, prompt) for prompt in ("kite 1", "kite 2", "kite 3"))
    app = form_room.open("history", q="kite", task=second)
    assert [one["act"] for one in drawn(app, "sheet")["menu"]][-1] == "delete"
    tell(app, "sheet", "delete", second)
    assert drawn(app, "sheet")["id"] == first
    assert drawn(app, "sheet")["undo"]["text"].startswith("1 deleted. Until ")
    tell(app, "sheet", "undo", "")
    assert (drawn(app, "sheet")["id"], drawn(app, "sheet")["undo"]) == (first, None)
    assert form_room.history.card(second).prompt == "kite 2"
    for each in (first, second, third):
        tell(app, "sheet", "delete", each)
    assert drawn(app, "sheet") == {}, "the last of the list closes the drawer"
    assert form_room.search.ids(Query(), "local") == ()


def test_what_is_deleted_in_the_drawer_is_selected_no_longer(form_room: Room) -> None:
    first, second = (made(form_room, prompt) for prompt in ("kite 1", "kite 2"))
    app = form_room.open("history")
    tell(app, "gallery", "select", f"{first} {second}")
    app.query_params["task"] = second
    tell(app.run(), "sheet", "delete", second)
    chosen = drawn(app.run(), "gallery")["selected"]
    assert (chosen["count"], chosen["here"]) == (1, [first])


def test_a_card_beside_the_form_is_deleted_from_its_menu_what_is_under_way_is_not(form_room: Room) -> None:
    done, waits = made(form_room, "a kite"), form_room.ask("still waiting").id
    app = form_room.open()
    cards = {card["id"]: card for card in drawn(app, "now")["cards"]}
    assert ([one["act"] for one in cards[done]["menu"]][-1], cards[waits]["menu"]) == ("delete", [])
    assert "delete" not in [one["act"] for one in sheet(form_room, waits)["menu"]]
    tell(app, "now", "delete", done)
    assert [card["id"] for card in drawn(app, "now")["cards"]] == [waits]
    assert drawn(app, "take_back")["undo"]["text"].startswith("1 deleted. Until ")
    tell(app, "take_back", "undo", "")
    assert {card["id"] for card in drawn(app, "now")["cards"]} == {done, waits}


def test_what_was_just_deleted_is_shown_where_its_undo_says_that_it_can_be_brought_back(form_room: Room) -> None:
    newer, older = (made(form_room, prompt) for prompt in ("a boat", "a kite"))
    app = form_room.open("history", view="deleted")
    assert not drawn(app, "deleted"), "nothing is deleted yet"
    app = app.switch_page("app_pages/generate.py").run()
    tell(app, "now", "delete", newer)
    said = drawn(app, "take_back")["undo"]
    assert "it can be brought back, in History under More, Deleted." in said["text"]
    tell(app, "take_back", said["also"]["act"])
    assert app.query_params["view"] == "deleted"
    assert [item["id"] for item in drawn(app, "deleted")["items"]] == [newer]
    app = form_room.open("history")
    tell(app, "gallery", "select", older)
    tell(app, "gallery", "delete", older)
    tell(app, "gallery", "show_deleted")
    view = drawn(app, "deleted")
    assert ({item["id"] for item in view["items"]}, view["selected"]["count"]) == ({newer, older}, 0)


def test_beside_the_form_one_walks_through_ones_own(form_room: Room) -> None:
    mine = made(form_room, "mine")
    form_room.ask("of somebody else", person="bob")
    newer = form_room.ask("mine too").id
    walk = sheet(form_room, mine)["walk"]
    assert [one["id"] for one in walk["newer"]] == [newer]
    assert walk["newer"][0]["picture"] is None


def test_the_words_of_the_search_are_marked_in_the_prompt(form_room: Room) -> None:
    task = made(form_room, "一只熊猫 and a Kité")
    pieces = drawn(form_room.open("history", q="熊猫 kite", task=task), "sheet")["pieces"]
    assert [text for text, hit in pieces if hit] == ["熊猫", "Kité"]
    assert sheet(form_room, task, list=(Query(), None))["pieces"] == [["一只熊猫 and a Kité", False]]


def test_a_copy_without_metadata_is_offered_of_what_can_be_cleaned(form_room: Room) -> None:
    (clean,) = [one for one in sheet(form_room, made(form_room))["menu"] if one["act"] == "clean"]
    assert "/clean?" in clean["href"]
    assert not [one for one in sheet(form_room, form_room.ask("still waiting").id)["menu"] if one["act"] == "clean"]


def test_settings_are_offered_inside_a_copy_and_beside_it_of_a_video_only_beside(form_room: Room) -> None:
    task = made(form_room)
    told = {one["act"]: one["href"] for one in sheet(form_room, task)["menu"] if one["act"] in ("told", "sidecar")}
    assert f"k={task}" in told["told"]
    assert "/with-settings?" in told["told"]
    assert "/settings.json?" in told["sidecar"]
    assert ".png.json&" in told["sidecar"]
    with form_room.db.transaction() as session:
        session.exec(update(Artifact).values(mime="video/mp4", duration_ms=8000))
    acts = {one["act"] for one in sheet(form_room, task)["menu"]}
    assert ("sidecar" in acts, "told" in acts, "clean" in acts) == (True, False, False)


def test_of_a_call_the_providers_id_alone_is_copied(form_room: Room) -> None:
    rows = {name: (told, own) for name, told, own in sheet(form_room, made(form_room))["ids"]}
    told, own = rows["Call 1"]
    assert own.startswith("p-")
    assert told == f"kie: {own}, succeeded"
    assert rows["Model id"] == (MODELS[0], MODELS[0])


# Family and marks -----------------------------------------------------------------------------------------------


def test_a_family_is_shown_with_relations_and_costs_and_folds_what_is_many(form_room: Room) -> None:
    parent = made(form_room)
    assert sheet(form_room, parent)["family"] is None
    request = validate(catalog().require(MODELS[0]), "a red kite", {}, ())
    children = form_room.tasks.create([request] * 8, person="local", parents=[Parent(parent, Relation.VARIATION)] * 8)
    form_room.done()
    family = sheet(form_room, parent)["family"]
    assert (family["me"]["relation"], family["me"]["cost"], len(family["children"])) == ("Original", "4 credits", 8)
    assert family["fold"] == {"elders": 0, "children": 2}
    shown = sheet(form_room, children[0].id)
    assert [one["id"] for one in shown["family"]["elders"]] == [parent]
    assert shown["family"]["me"]["relation"] == "Variation"
    compared = next(one for one in shown["menu"] if one["act"] == "beside")
    assert compared["id"] == f"{parent} {children[0].id}"


def switched(shown: dict[str, Any], *acts: str) -> list[bool]:
    """Whether these switches of a card are on."""
    return [one["pressed"] for act in acts for one in shown["actions"] if one.get("act") == act]


def test_stars_are_ones_own_and_tags_picks_and_projects_are_the_teams(
    form_room: Room, session: Callable[..., Session]
) -> None:
    one, other = made(form_room), made(form_room, "a boat")
    session(doing.perform, "star", one, "local")
    session(doing.perform, "tag", f"{one} Spring Campaign", "local")
    Marks(form_room.db).star([other], "bob")
    shown = sheet(form_room, one)
    assert switched(shown, "star", "pick") == [True, False]
    assert shown["tags"]["mine"] == ["spring campaign"]
    assert sheet(form_room, other)["tags"]["others"] == ["spring campaign"]
    session(doing.perform, "pick", other, "local")
    session(doing.perform, "move", f"{other} Spring Campaign", "local")
    kept = {card["prompt"]: switched(card, "star", "pick") for card in cards(form_room.open())}
    assert kept == {"a red kite": [True, False], "a boat": [False, True]}
    picked = sheet(form_room, other)
    assert (picked["pick"][:13], picked["project"]["mine"]) == ("Picked by you", "Spring Campaign")
    assert sheet(form_room, one)["project"] == {"mine": None, "others": ["Spring Campaign"], "longest": 40}
    session(doing.perform, "move", f"{other} TrialAndError", "local")
    named = sheet(form_room, other)
    assert named["timeline"][-1][2].endswith(" · TrialAndError"), "a name that people chose is no fault of a program"
    assert "TrialAndError" not in str(named["ids"])
    session(doing.perform, "move", f"{other} ", "local")
    session(doing.perform, "unpick", other, "local")
    gone = sheet(form_room, other)
    assert (gone["pick"], gone["project"]["mine"]) == ("", None)
    assert [row[1] for row in gone["timeline"]][-5:] == [
        "Picked for the team", *["Moved to a project"] * 2, "Taken out of its project", "Pick taken off",
    ]  # fmt: skip
    session(doing.perform, "unstar", one, "local")
    session(doing.perform, "untag", f"{one} spring campaign", "local")
    assert Marks(form_room.db).of([one], "local") == {}
    assert "toasts" in session(doing.perform, "tag", f"{one} {'x' * 41}", "local")


# Filling the form -----------------------------------------------------------------------------------------------


def test_an_edit_takes_the_picture_and_its_shape_and_the_next_press_is_its_child(
    form_room: Room, session: Callable[..., Session]
) -> None:
    parent = made(form_room, aspect_ratio="16:9")
    app = form_room.open()
    app.session_state["fill"] = session(iterate.edit, parent)["fill"]
    app.run()
    output = form_room.history.detail(parent).outputs[0]
    assert [image.sha256 for image in app.session_state["references"]] == [output.sha256]
    assert app.text_area(key="prompt").value == ""
    assert app.pills(key="shape").value == "1:1", "the shape that it has, not the one that was asked for"
    assert drawn(app, "filled_from")["origin"]["way"] == "Edit of"
    press(write(app, "make it blue"))
    child = form_room.history.detail(form_room.all_tasks()[0].id)
    assert (child.card.model, child.parent) == ("google/nano-banana-edit", Parent(parent, Relation.EDIT))


def test_where_the_model_cannot_edit_the_next_of_its_family_does_and_it_is_said(
    form_room: Room, session: Callable[..., Session]
) -> None:
    parent = made(form_room, model="bytedance/seedream")
    app = form_room.open()
    app.session_state["fill"] = session(iterate.edit, parent)["fill"]
    app.run()
    assert app.session_state["chosen"] == ["Seedream 4.5"]
    assert drawn(app, "filled_from")["note"] == "Seedream 3 draws from text alone, so Seedream 4.5 edits."


def test_a_variation_has_a_new_seed_and_one_press_left(form_room: Room, session: Callable[..., Session]) -> None:
    parent = made(form_room, model="bytedance/seedream", seed=7)
    app = form_room.open()
    app.session_state["fill"] = session(iterate.vary, parent)["fill"]
    app.run()
    seed = app.number_input(key="set_seed").value
    assert seed not in (None, 7)
    assert len(form_room.all_tasks()) == 1, "nothing was asked for yet"
    press(app)
    child = form_room.history.detail(form_room.all_tasks()[0].id)
    assert (child.card.params["seed"], child.parent) == (seed, Parent(parent, Relation.VARIATION))


def test_whoever_varies_is_not_told_that_the_same_was_asked_for(
    form_room: Room, session: Callable[..., Session]
) -> None:
    app = press(write(form_room.open(), "a red kite"))
    form_room.done()
    parent = form_room.all_tasks()[0].id
    assert "again" in generate(app.run()).label
    app.session_state["fill"] = session(iterate.vary, parent)["fill"]
    assert "again" not in generate(app.run()).label


def test_a_remix_shows_what_it_changes_and_one_undo_brings_the_former_form_back_whole(
    form_room: Room, session: Callable[..., Session]
) -> None:
    parent = made(form_room, "a red kite over dunes", model="seedream/4.5-text-to-image", aspect_ratio="16:9")
    app = write(form_room.open(), "a blue kite over dunes")
    app.file_uploader[0].set_value([("mood.png", pictures.png(96, 64), "image/png")]).run()
    before = {name: app.session_state[name] for name in ("draft", "references", "chosen", "wanted", "count")}
    app.session_state["fill"] = session(iterate.use_again, parent)["fill"]
    shown = drawn(app.run(), "filled_from")
    rows = {row["name"]: row.get("pieces") or (row["a"], row["b"]) for row in shown["rows"]}
    assert rows["Prompt"] == [["same", "a "], ["gone", "blue"], ["new", "red"], ["same", " kite over dunes"]]
    assert rows["Model"] == ("Nano Banana", "Seedream 4.5")
    assert rows["Shape"] == ("the default", "16:9")
    assert rows["References"] == ("1 picture", "none")
    assert shown["origin"]["way"] == "The same as"
    assert drawn(write(app, "a red kite over the sea"), "filled_from")["origin"]["way"] == "Remix of"
    write(app, "a red kite over dunes")
    kept = {name: app.session_state[name] for name in (*origin._FORM, "former") if name in app.session_state}
    for name, value in session(origin.undo, **kept).items():
        if name not in ("query", "former"):
            app.session_state[name] = value
    del app.session_state["former"]
    app.run()
    assert {name: app.session_state[name] for name in before} == before
    assert app.text_area(key="prompt").value == "a blue kite over dunes"
    assert drawn(app, "filled_from") == {}
    press(app)
    assert form_room.history.detail(form_room.all_tasks()[0].id).parent is None


def test_what_replaces_all_of_it_is_no_child_any_more(form_room: Room, session: Callable[..., Session]) -> None:
    parent = made(form_room)
    app = form_room.open()
    app.session_state["fill"] = session(iterate.use_again, parent)["fill"]
    write(app.run(), "a bowl of hot soup")
    assert "origin" not in drawn(app, "filled_from") or drawn(app, "filled_from")["origin"] is None
    press(app)
    assert form_room.history.detail(form_room.all_tasks()[0].id).parent is None


# Other ways -----------------------------------------------------------------------------------------------------


def test_what_failed_is_tried_with_another_model_in_one_click_at_the_price_on_it(
    form_room: Room, session: Callable[..., Session]
) -> None:
    failed = form_room.ask("a red kite", aspect_ratio="16:9")
    form_room.fail()
    card = cards(form_room.open())[0]
    assert acts(card) == ["retry", "other", "use_again"]
    other = card["actions"][1]
    assert other["label"] == "Try with Seedream 4.5 · ≈ 6.5 credits ($0.0325)"
    for _ in range(2):  # an impatient person pays once
        assert session(doing.perform, "other", other["id"], "local")["then"] == ("generate", {})
    child, _ = form_room.all_tasks()
    detail = form_room.history.detail(child.id)
    assert (child.model, child.params["aspect_ratio"]) == ("seedream/4.5-text-to-image", "16:9")
    assert detail.parent == Parent(failed.id, Relation.RETRY)


def test_a_card_that_was_tried_with_another_model_leads_to_that_and_offers_the_wish_no_second_time(
    form_room: Room, session: Callable[..., Session]
) -> None:
    first, _ = form_room.tasks.create(
        [validate(catalog().require(MODELS[0]), f"kite {n}", {}, ()) for n in range(2)], person="local"
    )
    form_room.fail()
    form_room.fail()
    (other,) = [one for one in sheet(form_room, first.id)["actions"] if one["act"] == "other"]
    session(doing.perform, "other", other["id"], "local")
    new, *_ = form_room.all_tasks()
    for come in (lambda: None, form_room.fail):
        come()
        old = next(card for card in cards(form_room.open()) if card["id"] == first.id)
        assert acts(old) == ["open", "use_again"]
        assert (old["actions"][0]["label"], old["actions"][0]["id"]) == ("Open its newest try", new.id)
    assert form_room.tasks.retry_failed(first.batch_id, who="local").tasks[0].prompt == "kite 1", "and no other"
    assert len(form_room.all_tasks()) == 4


def test_what_is_paid_for_and_not_here_is_not_offered_to_another_model(form_room: Room) -> None:
    form_room.ask()
    claim = form_room.running()
    word = Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=4_000_000)
    form_room.submissions.apply(claim.submission_id, word)
    form_room.errands.claim_fetch(timedelta(seconds=60))
    form_room.errands.fetch_failed(claim.submission_id, cause="not_an_image", message="a web page", permanent=True)
    assert "other" not in acts(cards(form_room.open())[0])


def test_the_second_click_picks_what_the_first_is_compared_with(
    form_room: Room, session: Callable[..., Session]
) -> None:
    a, b, waits = made(form_room), made(form_room, "a boat"), form_room.ask("no picture yet").id
    state = session(doing.perform, "compare", a, "local")
    assert state["then"] == ("rerun", {})
    app = form_room.open()
    app.session_state["compare_a"] = a
    app.run()
    assert [one.key for one in app.button if str(one.key).startswith("compare")] == ["compare_list", "compare_cancel"]
    assert "toasts" in session(doing.perform, "open", waits, "local", compare_a=a)
    chosen = session(doing.perform, "open", b, "local", compare_a=a)
    assert chosen["then"] == ("compare", {"a": a, "b": b})
    assert "compare_a" not in chosen


def test_the_same_request_is_shown_with_its_picture_and_can_be_made_anew(form_room: Room) -> None:
    own = press(write(form_room.open(), "a red kite"))
    assert "open_same" not in [one.key for one in own.button], "its card stands beside the form"
    form_room.done()
    app = write(form_room.open(), "a red kite")
    assert app.button(key="open_same")
    assert generate(app).label.startswith("Generate again")
    press(app)
    assert len(form_room.all_tasks()) == 2


def test_a_recipe_names_the_token_and_the_request_and_no_secret(form_room: Room) -> None:
    image = form_room.artifacts.take_reference(pictures.png(96, 64), "mood.png")
    prompt = 'a "red" kite for $5 `now` \\n\nsecond line'
    request = validate(catalog().require(MODELS[1]), prompt, {}, (image,))
    task = form_room.tasks.create([request], person="local")[0]
    shell, python = (one["text"] for one in sheet(form_room, task.id)["menu"] if one["act"] == "copy")
    assert '"Authorization: Bearer $PICTURE_DESK_TOKEN"' in shell
    assert "\\u0024" + '5 \\u0060now\\u0060 \\u005cn\\nsecond line"' in shell
    assert "os.environ['PICTURE_DESK_TOKEN']" in python
    compile(python, "recipe", "exec")
    assert stored_image(form_room.history.detail(task.id).inputs[0]).sha256 in shell


def test_no_key_buys_behind_the_drawer_or_a_dialog(form_room: Room) -> None:
    app = write(form_room.open(), "a red kite")
    assert generate(app).proto.shortcut
    for opener, name in (("templates_open", "templating"), ("from_history", "choosing")):
        assert not generate(app.button(key=opener).click().run()).proto.shortcut
        app.session_state[name] = False
        assert generate(app.run()).proto.shortcut
    app.query_params["task"] = made(form_room)
    assert not generate(app.run()).proto.shortcut


def test_undo_of_a_filling_outlives_a_reload(form_room: Room, session: Callable[..., Session]) -> None:
    app = write(form_room.open(), "a long text of one's own")
    app.session_state["fill"] = session(iterate.use_again, made(form_room, "a red kite over dunes"))["fill"]
    app.run()
    names = (*origin._FORM, "former", "form_of", "page")
    session(filled._heard, "undo", "", **{name: app.session_state[name] for name in names if name in app.session_state})
    assert form_room.open().text_area(key="prompt").value == "a long text of one's own"


def test_a_retry_of_a_batch_buys_as_many_as_its_button_said_or_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = catalog().require(MODELS[0])
    tasks = room.tasks.create([validate(spec, f"kite {n}", {}, ()) for n in range(3)], person="local")
    room.fail()
    room.fail()
    (offered,) = [one for one in sheet(room, tasks[0].id)["actions"] if one["act"] == "retry_failed"]
    room.fail()
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    doing.perform("retry_failed", offered["id"], "local")
    assert len(room.all_tasks()) == 3
    assert "nothing was charged" in state["toasts"][-1][0]


@pytest.mark.parametrize("act", ["retry", "other", "retry_failed"])
def test_whatever_asks_again_costs_no_more_than_its_button_said(
    room: Room, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    spec = catalog().require(MODELS[0])
    tasks = room.tasks.create([validate(spec, f"kite {n}", {}, ()) for n in range(2)], person="local")
    room.fail()
    room.fail()
    offered = next(one for one in sheet(room, tasks[0].id)["actions"] if one["act"] == act)
    task_id, price, *more = offered["id"].split(" ")
    assert f" · ≈ {int(price) / 1_000_000:g} credits (" in offered["label"]
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    doing.perform(act, " ".join([task_id, str(int(price) - 1_000_000), *more]), "local")
    assert len(room.all_tasks()) == 2
    assert "Nothing was asked for and nothing was charged. Look at the new price" in state["toasts"][-1][0]
    doing.perform(act, offered["id"], "local")
    assert len(room.all_tasks()) == (4 if act == "retry_failed" else 3)
