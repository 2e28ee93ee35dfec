"""References by their address: a stranger's is waited for, one of ours is taken at once, none is sent half."""

from datetime import timedelta
from typing import Any

import films
import pictures
import pytest
from room import Room, choose, drawn, generate, press, tell, texts, write
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from dashboard.components import words
from data.images import StoredImage
from data.linked import MOST_WAITING, LinkedPictures
from data.links import LinkSigner, signing_key
from data.schema import LinkedPicture
from data.settings import Settings
from data.settling import Word
from data.shrinking import Fit

ADDRESS = "https://pictures.example/cat.png?token=of-ann"
LEASE = timedelta(seconds=60)


@pytest.fixture
def room(form_room: Room) -> Room:
    form_room.say_hello()
    return form_room


@pytest.fixture
def linked(room: Room) -> LinkedPictures:
    return LinkedPictures(room.db)


def typed(app: AppTest, address: str) -> AppTest:
    app.text_input(key="address").set_value(address)
    return app.button(key="add_address").click().run()


def label(app: AppTest) -> str:
    return generate(app).label.replace("\\", "")


def refused(app: AppTest) -> list[str]:
    return [one["sentence"] for one in drawn(app, "slots").get("refused", [])]


def names(app: AppTest) -> list[str]:
    return [one["name"] for one in drawn(app, "slots").get("slots", [])]


def on_their_way(app: AppTest) -> list[tuple[int, str]]:
    return [(one["number"], one["name"]) for one in drawn(app, "slots").get("awaited", [])]


def arrives(room: Room, linked: LinkedPictures, name: str = "cat.png", size: int = 64) -> StoredImage:
    errand = linked.claim(LEASE)
    assert errand is not None
    image = room.artifacts.take_reference(pictures.png(size, 64), name)
    assert linked.arrived(errand.id, image)
    return image


def link(room: Room, sha256: str, variant: str = "320", *, days: float = 0) -> str:
    signer = LinkSigner(signing_key(Settings()))
    return "http://127.0.0.1:8600" + signer.path(sha256, variant, now=room.db.now() - timedelta(days=days))


def asked_for(room: Room) -> int:
    with room.db.read() as session:
        return len(session.exec(select(LinkedPicture)).all())


# By address -----------------------------------------------------------------------------------------------------


def test_an_address_has_its_slot_at_once_and_nothing_can_be_bought_until_its_picture_is_there(
    room: Room, linked: LinkedPictures
) -> None:
    app = write(typed(room.open(), ADDRESS), "as a drawing")
    assert (on_their_way(app), names(app)) == ([(1, "cat.png")], [])
    assert (label(app), generate(app).disabled) == ("Image 1 is still loading", True)
    assert drawn(app, "news_awaited"), "the page listens for it"
    image = arrives(room, linked)
    app.run()
    assert (on_their_way(app), names(app), generate(app).disabled) == ([], ["cat.png"], False)
    assert drawn(app, "slots")["words"]["title"] == "1 of 10 · Nano Banana Edit will use them"
    assert not drawn(app, "news_awaited"), "nothing listens any more"
    press(app)
    (task,) = room.all_tasks()
    assert [row.sha256 for row in room.history.detail(task.id).inputs] == [image.sha256]


def test_the_picture_that_is_late_is_named_by_its_place(room: Room, linked: LinkedPictures) -> None:
    app = typed(typed(room.open(), ADDRESS), "https://h.example/dog.png")
    arrives(room, linked)
    assert label(write(app, "as a drawing")) == "Image 2 is still loading"
    assert on_their_way(app) == [(2, "dog.png")]


def test_a_batch_can_do_without_a_picture_that_is_on_its_way(room: Room) -> None:
    app = write(typed(room.open(), ADDRESS), "a kite\na boat")
    app.button(key="batch_button").click().run()
    (start,) = [button for button in app.button if str(button.key).startswith("batch_generate")]
    assert (start.label, start.disabled) == ("Image 1 is still loading", True)
    assert app.checkbox(key="batch_references").label == "Make each from the form’s reference picture too"
    app.checkbox(key="batch_references").uncheck().run()
    (start,) = [button for button in app.button if str(button.key).startswith("batch_generate")]
    assert (start.label.startswith("Start 2"), start.disabled) == (True, False)
    start.click().run()
    assert [room.history.detail(task.id).inputs for task in room.all_tasks()] == [(), ()]


FAILED = "cat.png could not be fetched. The connection failed. Nothing was charged."


def fails(linked: LinkedPictures) -> None:
    errand = linked.claim(LEASE)
    assert errand is not None
    linked.failed(errand.id, FAILED)


def at_the_field(app: AppTest) -> list[str]:
    """What is said below it, and what it holds."""
    return [*(one.value.replace("\\", "") for one in app.error), str(app.text_input(key="address").value)]


def test_what_cannot_be_had_is_said_where_it_was_typed_and_can_be_mended_there(
    room: Room, linked: LinkedPictures
) -> None:
    app = write(typed(room.open(), ADDRESS), "as a drawing")
    assert at_the_field(app) == [""]
    fails(linked)
    app.run()
    assert (at_the_field(app), refused(app)) == ([FAILED, ADDRESS], [])
    assert (on_their_way(app), generate(app).disabled) == ([], False)
    (button,) = [one for one in app.get("popover") if "refused" in one.proto.popover.label]
    assert button.proto.popover.icon == ":material/error:"
    assert "One file that you added was refused" in texts(app).replace("\\", "")
    app.switch_page("app_pages/history.py").run()
    app.switch_page("app_pages/generate.py").run()
    assert at_the_field(app) == [FAILED, ADDRESS]
    typed(app, f"{ADDRESS}&mended")
    arrives(room, linked)
    app.run()
    assert (at_the_field(app), names(app)) == ([""], ["cat.png"])


def test_of_two_that_cannot_be_had_the_second_is_told_below_and_a_dropped_one_too(
    room: Room, linked: LinkedPictures
) -> None:
    app = typed(typed(room.open(), ADDRESS), "https://h.example/dog.png")
    tell(app, "carried", "link", "https://h.example/dropped.png")
    for _ in range(3):
        fails(linked)
    app.run()
    assert (at_the_field(app), refused(app)) == ([FAILED, ADDRESS], [FAILED, FAILED])


def test_what_is_no_address_is_refused_where_it_was_typed(room: Room) -> None:
    app = typed(room.open(), "a red kite")
    (said,) = [one.value for one in app.error if "address" in one.value]
    assert said.replace("\\", "").startswith("This is not the address of a picture on the web. Nothing was charged.")
    assert (refused(app), app.text_input(key="address").value) == ([], "a red kite"), "it can be mended there"
    assert asked_for(room) == 0
    app = typed(app, ADDRESS)
    assert ([*app.error], app.text_input(key="address").value, len(on_their_way(app))) == ([], "", 1)


def test_one_that_loads_can_be_taken_out(room: Room, linked: LinkedPictures) -> None:
    app = write(typed(room.open(), ADDRESS), "as a drawing")
    (one,) = drawn(app, "slots")["awaited"]
    app = tell(app, "slots", "forget", one["id"])
    assert (drawn(app, "slots"), generate(app).disabled, linked.claim(LEASE)) == ({}, False, None)


def test_a_reload_waits_for_the_same_and_what_is_lost_meanwhile_is_said(room: Room, linked: LinkedPictures) -> None:
    typed(typed(room.open(), ADDRESS), "https://h.example/dog.png")
    app = room.open()
    assert on_their_way(app) == [(1, "cat.png"), (2, "dog.png")]
    arrives(room, linked)
    linked.forget("local", drawn(app, "slots")["awaited"][1]["id"])
    app = room.open()
    assert (names(app), on_their_way(app)) == (["cat.png"], [])
    assert refused(app) == ["dog.png is not being fetched any more. Nothing was charged. Add it again."]


def test_a_press_that_was_on_its_way_when_an_address_came_buys_nothing(room: Room, linked: LinkedPictures) -> None:
    app = write(room.open(), "as a drawing")
    wish, name = linked.ask("local", ADDRESS, Fit(10**7, 10**7))
    app.session_state["awaited"] = [[wish, name]]
    press(app)
    assert room.all_tasks() == []
    assert words.STILL_LOADING in [str(error.value).replace("\\", "") for error in app.error]


def test_a_batch_with_the_forms_references_waits_for_them_too(room: Room) -> None:
    app = write(typed(room.open(), ADDRESS), "a kite\na boat")
    app.button(key="batch_button").click().run()
    (start,) = [one for one in app.button if str(one.key).startswith("batch_generate_")]
    assert (start.label.replace("\\", ""), start.disabled) == ("Image 1 is still loading", True)


def test_what_was_on_its_way_before_a_filling_comes_back_with_its_undo(room: Room, linked: LinkedPictures) -> None:
    room.ask("a red kite")
    room.done()
    app = typed(room.open(), ADDRESS)
    filling = {"prompt": "a red kite", "params": {}, "references": (), "origin": None}
    app.session_state["fill"] = filling
    app.run()
    assert on_their_way(app) == []
    arrives(room, linked)
    assert names(app.run()) == [], "it belongs to the form of before"
    app = tell(app, "filled_from", "undo")
    assert names(app) == ["cat.png"]


# Our own --------------------------------------------------------------------------------------------------------


def test_a_thumbnail_of_history_brings_its_original_at_once_and_by_its_name(room: Room) -> None:
    room.ask("a red kite")
    room.done(2)
    second = room.history.detail(room.all_tasks()[0].id).outputs[1]
    app = tell(room.open(), "carried", "link", link(room, second.sha256))
    (slot,) = drawn(app, "slots")["slots"]
    assert (slot["id"], slot["name"][-6:]) == (second.sha256, "-2.png")
    assert slot["name"].startswith("a-red-kite_")
    assert asked_for(room) == 0


def test_several_carried_together_come_in_their_order_and_each_once(room: Room) -> None:
    room.ask("a red kite")
    room.done(3)
    shas = [row.sha256 for row in room.history.detail(room.all_tasks()[0].id).outputs]
    app = tell(room.open(), "carried", "link", "\n".join(link(room, sha) for sha in (*reversed(shas), shas[0])))
    assert [slot["id"] for slot in drawn(app, "slots")["slots"]] == shas[::-1]


def test_of_a_whole_page_that_is_carried_here_the_first_are_taken_and_that_is_said(room: Room) -> None:
    strangers = "\n".join(f"https://h.example/{number}.png" for number in range(MOST_WAITING + 3))
    app = tell(room.open(), "carried", "link", strangers)
    assert on_their_way(app)[-1] == (MOST_WAITING, f"{MOST_WAITING - 1}.png")
    assert refused(app) == ["Of 23 pictures the first 20 were taken. Nothing was charged."]


def test_the_address_of_a_task_means_its_picture(room: Room) -> None:
    room.ask("a red kite")
    room.done(2)
    (task,) = room.all_tasks()
    first, second = (row.sha256 for row in room.history.detail(task.id).outputs)
    page = f"http://127.0.0.1:8600/history?q=kite&task={task.id}"
    app = tell(room.open(), "carried", "link", f"{page}\n{page}.2")
    assert [slot["id"] for slot in drawn(app, "slots")["slots"]] == [first, second]


def test_an_upload_that_lies_in_the_form_is_known_by_its_link(room: Room) -> None:
    app = room.open()
    app.file_uploader[0].set_value([("cat.png", pictures.png(), "image/png")]).run()
    (slot,) = drawn(app, "slots")["slots"]
    app = tell(app, "carried", "link", slot["src"])
    assert (names(app), refused(app), asked_for(room)) == (["cat.png"], [], 0)


def _video(room: Room) -> str:
    room.ask("a kite that flies")
    claim = room.running()
    room.submissions.apply(claim.submission_id, Word("succeeded", f"p-{claim.submission_id}", ("http://h/1.mp4",)))
    stored = room.artifacts.store_output(films.mp4())
    room.errands.stored(claim.submission_id, 0, stored)
    return link(room, stored.sha256)


def _unfinished(room: Room) -> str:
    return f"http://127.0.0.1:8600/?task={room.ask().id}"


OURS: dict[str, tuple[Any, str]] = {
    "a link of long ago": (lambda room: link(room, "ab" * 32, days=30), "link to a picture of the desk has expired."),
    "a file that is gone": (lambda room: link(room, "ab" * 32), "there is no such file"),
    "a page": (lambda _: "http://127.0.0.1:8600/history", "the address of a page of this desk, not of a picture."),
    "a request without a picture": (_unfinished, "This request has no such picture. Nothing was charged."),
    "a request that is gone": (lambda _: f"http://127.0.0.1:8600/?task={'0' * 36}", "There is no such request."),
    "a video": (_video, "This is a video; the models take still pictures. Nothing was charged."),
}  # fmt: skip


@pytest.mark.parametrize("what", OURS)
def test_an_address_of_ours_that_means_no_picture_is_refused_and_never_fetched(room: Room, what: str) -> None:
    address, sentence = OURS[what]
    app = tell(room.open(), "carried", "link", address(room))
    (said,) = refused(app)
    assert sentence in said
    assert (asked_for(room), names(app)) == (0, [])


def test_a_link_that_was_not_made_here_is_a_strangers(room: Room) -> None:
    app = tell(room.open(), "carried", "link", f"https://other.example/files/{'ab' * 32}/320?e=1&s=x")
    assert (len(on_their_way(app)), refused(app)) == (1, [])


def test_nothing_is_taken_where_no_chosen_model_takes_references(room: Room) -> None:
    app = room.open()
    assert drawn(app, "carried")["on"] is True
    app.session_state["chosen"] = ["Seedream 3"]
    assert drawn(app.run(), "carried")["on"] is False


def test_what_is_pasted_where_no_model_takes_pictures_is_refused_in_sight_once(room: Room) -> None:
    app = choose(room.open(), "Seedream 3")
    assert not drawn(app, "carried")["on"]
    tell(tell(app, "carried", "in_vain"), "carried", "in_vain")
    assert refused(app) == [words.PASTED_IN_VAIN]
