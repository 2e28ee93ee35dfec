"""What keeps an open page true: told of every move, drawn by a timer only while something moves unannounced."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from room import Room, drawn
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from dashboard.components import news
from data.settling import Word


def every(app: AppTest, part: str = "now") -> float | None:
    seconds: float | None = drawn(app, f"news_{part}")["every"]
    return seconds


def title(app: AppTest) -> str:
    return str(drawn(app, "news_pulse")["title"])


def test_a_page_has_a_timer_only_while_something_may_change_unannounced(form_room: Room) -> None:
    form_room.say_hello()
    app = form_room.open()
    assert every(app) is None
    form_room.ask()
    in_line = every(app.run())
    claim = form_room.running()
    at_the_provider = every(app.run())
    assert in_line is not None
    assert at_the_provider is not None
    assert in_line < at_the_provider
    form_room.ask("another")
    assert every(app.run()) == in_line  # its place moves with other people's tasks
    form_room.tasks.cancel(form_room.history.recent("local")[0].id, who="local")
    assert every(app.run()) == at_the_provider
    form_room.submissions.apply(claim.submission_id, Word("failed", f"p-{claim.submission_id}", (), 0, "policy", "no"))
    assert every(app.run()) is None


def test_of_all_parts_that_a_move_wakes_two_are_drawn_at_once() -> None:
    inside, most = list[int](), list[int]()

    def draw(number: int) -> None:
        with news.turn():
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(draw, range(8)))
    assert max(most) == news.AT_ONCE


def test_a_part_whose_turn_does_not_come_is_drawn_all_the_same(
    form_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "TURN_SECONDS", 0.05)
    form_room.say_hello()
    form_room.ask()
    with news.turn(), news.turn():
        assert every(form_room.open()) is not None
    with pytest.raises(RuntimeError), news.turn():  # and whoever fails gives its turn back
        raise RuntimeError
    assert [news._turns.acquire(blocking=False) for _ in range(3)] == [True, True, False]
    news._turns.release(news.AT_ONCE)


def test_history_has_a_slow_timer_only_while_something_is_being_made(form_room: Room) -> None:
    form_room.ask()
    app = form_room.open("history")
    assert every(app, "gallery") == news.SLOW_SECONDS
    form_room.done()
    assert every(app.run(), "gallery") is None
    form_room.ask("another")  # it waits behind the button, and is not on the page
    assert every(app.run(), "gallery") is None


def test_history_looks_often_while_the_database_is_away(form_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    form_room.ask()
    form_room.done()
    app = form_room.open("history")

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr("data.history.History.cards", gone)
    assert every(app.run(), "gallery") == news.TIMER_SECONDS
    monkeypatch.undo()
    assert every(app.run(), "gallery") is None


def test_what_is_gone_is_not_replaced_by_what_stood_before_while_the_database_is_away(
    form_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = form_room.ask("a kite").id
    form_room.done(count=2)
    app = form_room.open("compare", a=task, b=f"{task}.2")
    assert drawn(app, "pair")
    app.query_params["a"] = "deleted"
    assert not drawn(app.run(), "pair")

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    monkeypatch.setattr("dashboard.components.pair.find", gone)
    assert not drawn(app.run(), "pair"), "what can be pressed there is not what the address names"


def test_the_title_of_the_tab_counts_what_is_under_way(form_room: Room) -> None:
    app = form_room.open()
    idle = title(app)
    assert idle.startswith("Generate")
    form_room.ask()
    form_room.ask(person="somebody else")
    assert title(app.run()).startswith("(1) ")
    assert not drawn(app, "news_now").get("title")
    form_room.tasks.cancel(next(iter(form_room.history.recent("local"))).id, who="local")
    assert title(app.run()) == idle


def test_a_part_is_told_how_far_the_news_were_before_it_read(form_room: Room) -> None:
    form_room.ask("there already")
    for page, part in (("generate", "news_now"), ("history", "news_gallery")):
        app = form_room.open(page)
        before = drawn(app, part)["revision"]
        form_room.ask()
        assert drawn(app.run(), part)["revision"] == form_room.history.revision() > before


def test_the_drawing_that_a_ring_has_asked_for_carries_it_back(form_room: Room) -> None:
    app = form_room.open()
    assert drawn(app, "news_now")["ring"] == 0
    number = drawn(app, "news_now")["drawn"]
    app.session_state["news_now"] = {"news": 4}
    answer = drawn(app.run(), "news_now")
    assert (answer["ring"], answer["drawn"]) == (4, number + 1)


def pressed_elsewhere(whole: bool) -> None:
    """A run of a part, and the one after it; something of the drawer was pressed before the first."""
    import streamlit as st

    from dashboard.components import acts

    first = "runs" not in st.session_state
    st.session_state["runs"] = 1 if first else 2
    st.session_state.update(whole=whole, undrawn={"sheet"} if first else set())
    acts.follow_up()


@pytest.mark.parametrize(("whole", "runs"), [(False, 2), (True, 1)], ids=["part", "page"])
def test_a_part_that_shows_nothing_of_what_was_pressed_has_the_page_drawn(whole: bool, runs: int) -> None:
    app = AppTest.from_function(pressed_elsewhere, args=(whole,)).run()
    assert app.session_state["runs"] == runs


def fields() -> None:
    """A form of which the second drawing is the first that the browser keeps."""
    import streamlit as st

    from dashboard.components.mount import give_back

    if "drawn" not in st.session_state:
        st.session_state.update(drawn=0, prompt="a kite", count=4, shapes=["1:1"])
    elif st.session_state["vanished"]:
        give_back()
    st.session_state["drawn"] += 1
    st.text_area("Prompt", key="prompt")
    st.segmented_control("Pictures", [1, 4], key="count")
    st.pills("Shapes", ["1:1", "3:2"], key="shapes", selection_mode="multi")
    st.toggle("Several", key="several")
    st.button("Generate", key="press")
    st.file_uploader("References", key="files")


@pytest.mark.parametrize("vanished", [False, True])
def test_a_page_that_vanished_is_drawn_with_what_stood_in_its_fields(vanished: bool) -> None:
    app = AppTest.from_function(fields)
    app.session_state["vanished"] = vanished
    app.run().run()
    told = [app.text_area[0], app.get("button_group")[0], app.get("button_group")[1]]
    assert [one.proto.set_value for one in told] == [vanished] * 3
    assert app.text_area[0].value == "a kite"
    assert not app.exception
