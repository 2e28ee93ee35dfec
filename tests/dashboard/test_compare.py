"""The Compare page: what a link opens, what it says when it cannot, and one walk through it in a browser."""

import re
from typing import Any

import pytest
from keyboards import strikes
from pictures import encoded
from PIL import Image
from playwright.sync_api import Page, WebSocketRoute, expect
from processes import Desk
from room import Room, drawn, tell, texts
from streamlit.testing.v1 import AppTest

from dashboard.components import words
from data.artifacts import ArtifactStore
from data.catalog import catalog
from data.db import Database
from data.requests import validate
from data.rows import artifact_row
from data.schema import Submission, Task, utcnow
from data.status import Outcome, TaskStatus
from data.storage import ObjectStorage


def batch(room: Room, *prompts: str, **params: Any) -> list[str]:
    """One batch with a picture for each prompt; the tasks' ids."""
    spec = catalog().require("google/nano-banana")
    made = room.tasks.create([validate(spec, prompt, params, ()) for prompt in prompts], person="local")
    for _ in prompts:
        room.done()
    return [task.id for task in made]


def opened(room: Room, **query: str) -> AppTest:
    app = room.open("compare", **query)
    assert not app.exception
    return app


def differing(app: AppTest) -> dict[str, Any]:
    return {row["name"]: row.get("pieces") or (row["a"], row["b"]) for row in drawn(app, "pair")["rows"]}


def test_a_link_opens_two_pictures_in_the_mode_it_names(form_room: Room) -> None:
    a, b = batch(form_room, "a red kite", "a red kite")
    view = drawn(opened(form_room, a=a, b=b, mode="slider"), "pair")
    assert (view["mode"], view["a"]["ref"], view["ring"][view["at"]]["ref"]) == ("slider", a, b)
    assert "/1280?" in view["a"]["src"]
    assert "/original?" in view["a"]["full"]
    assert "n=a-red-kite_" in view["a"]["href"]
    assert drawn(opened(form_room, a=a, b=b, mode="nonsense"), "pair")["mode"] == "side"


def test_only_what_differs_is_told_and_that_nothing_else_does(form_room: Room) -> None:
    a, b = batch(form_room, "a red kite", "a red kite", aspect_ratio="1:1")
    (c,) = batch(form_room, "a blue kite", aspect_ratio="16:9")
    same = opened(form_room, a=a, b=b)
    assert differing(same) == {}
    assert drawn(same, "pair")["end"].endswith("only the pictures differ.")
    told = opened(form_room, a=a, b=c)
    assert differing(told) == {
        "Prompt": [["same", "a "], ["gone", "red"], ["new", "blue"], ["same", " kite"]],
        "Shape": ("1:1", "16:9"),
    }
    assert drawn(told, "pair")["end"] == "Nothing else differs."


def test_another_model_is_told_with_what_it_cannot_be_asked_for(form_room: Room) -> None:
    (a,) = batch(form_room, "a red kite", output_format="png")
    spec = catalog().require("seedream/4.5-text-to-image")
    made = form_room.tasks.create([validate(spec, "something else altogether", {"quality": "4K"}, ())], person="local")
    form_room.done()
    rows = differing(opened(form_room, a=a, b=made[0].id))
    assert rows["Model"] == ("Nano Banana", "Seedream 4.5")
    assert rows["Quality"] == ("no such setting", "4K")
    assert rows["File format"] == ("PNG", "no such setting")
    assert rows["Prompt"] == ("a red kite", "something else altogether")


def test_b_walks_through_its_batch_and_what_is_made_meanwhile_waits(form_room: Room) -> None:
    a, b, c = batch(form_room, "a red kite", "a red kite", "a red kite")
    app = opened(form_room, a=a, b=b)
    (later,) = batch(form_room, "a red kite")
    app.query_params["b"] = c
    view = drawn(app.run(), "pair")
    assert ([one["ref"] for one in view["ring"]], view["at"]) == ([b, c], 1)
    fresh = drawn(opened(form_room, a=a, b=c), "pair")
    assert [one["ref"] for one in fresh["ring"]] == [b, c, later]


def test_a_picture_of_a_request_with_several_has_its_number_in_the_link(form_room: Room) -> None:
    task = form_room.ask("a red kite")
    form_room.done(count=2)
    app = opened(form_room, a=task.id, b=f"{task.id}.2")
    assert drawn(app, "pair")["ring"][0]["width"] == 65
    assert differing(app) == {"Pixels": ("64 × 64", "65 × 64")}
    said = "The link names a picture that this request does not have: it has 2."
    for number in ("0", "3", "x", "²", "9" * 5000):
        assert said in [one.value for one in opened(form_room, a=f"{task.id}.{number}").warning]


def test_with_one_picture_its_siblings_are_offered_first_and_then_the_newest(form_room: Room) -> None:
    a, b = batch(form_room, "a red kite", "a blue kite")
    (newest,) = batch(form_room, "a lighthouse")
    view = drawn(opened(form_room, a=a), "pair")
    assert (view["at"], [one["ref"] for one in view["ring"]]) == (None, [b, newest])
    assert drawn(opened(form_room, b=a), "pair")["a"]["ref"] == a


def test_three_to_six_stand_beside_one_another_with_what_differs_between_any_of_them(form_room: Room) -> None:
    a, b, c = batch(form_room, "a red kite", "a red kite", "a blue kite", aspect_ratio="1:1")
    (d,) = batch(form_room, "something else", aspect_ratio="16:9")
    app = opened(form_room, a=a, b=b, c=c, d=d, mode="slider")
    view = drawn(app, "several")
    assert (view["title"], [one["ref"] for one in view["shots"]]) == ("4 pictures", [a, b, c, d])
    assert {row["name"]: row["values"] for row in view["rows"]} == {
        "Prompt": ["a red kite", "a red kite", [["same", "a "], ["gone", "red"], ["new", "blue"], ["same", " kite"]],
                   "something else"],
        "Shape": ["1:1", "1:1", "1:1", "16:9"],
    }  # fmt: skip
    assert drawn(opened(form_room, a=a, b=b, c=c), "several")["title"] == "3 pictures"


def test_the_best_is_put_first_and_marked_and_the_others_are_left_out_in_the_address_alone(form_room: Room) -> None:
    a, b, c = batch(form_room, "a red kite", "a red kite", "a red kite")
    app = opened(form_room, a=a, b=b, c=c)
    tell(app, "several", "front", c)
    assert [(name, app.query_params[name]) for name in app.query_params] == [("c", c), ("a", a), ("b", b)]
    again = opened(form_room, **{name: app.query_params[name] for name in app.query_params})
    for view in (drawn(app, "several"), drawn(again, "several")):
        assert [(one["number"], one["ref"]) for one in view["shots"]] == [(3, c), (1, a), (2, b)]
    tell(app, "several", "pick", c)
    tell(app, "several", "star", b)
    marked = {one["ref"]: [mark["pressed"] for mark in one["marks"]] for one in drawn(app, "several")["shots"]}
    assert marked == {a: [False, False], b: [True, False], c: [False, True]}
    tell(app, "several", "leave", a)
    assert not drawn(app, "several")
    assert (drawn(app, "pair")["a"]["ref"], app.query_params["b"]) == (c, b)
    tell(app, "pair", "unpick", c)
    assert [mark["pressed"] for mark in drawn(app, "pair")["a"]["marks"]] == [False, False]
    assert "c" not in app.query_params


def test_when_one_is_left_out_the_others_keep_their_numbers_until_two_are_left(form_room: Room) -> None:
    a, b, c, d = batch(form_room, *["a red kite"] * 4)
    app = opened(form_room, a=a, b=b, c=c, d=d)
    tell(app, "several", "leave", a)
    assert [(one["number"], one["ref"]) for one in drawn(app, "several")["shots"]] == [(2, b), (3, c), (4, d)]
    assert "a" not in app.query_params
    tell(app, "several", "front", d)
    tell(app, "several", "leave", c)
    assert (drawn(app, "pair")["a"]["ref"], app.query_params["a"], app.query_params["b"]) == (d, d, b)


def test_of_several_what_is_not_there_is_told_and_what_is_there_twice_is_shown_once(form_room: Room) -> None:
    a, b, c = batch(form_room, "a red kite", "a red kite", "a red kite")
    app = opened(form_room, a="nonsense", b=a, c=b, d=c, e=a)
    assert words.NO_SUCH_REQUEST in [one.value for one in app.warning]
    assert [one["ref"] for one in drawn(app, "several")["shots"]] == [a, b, c]
    app = opened(form_room, a=a, b="nonsense", c=b)
    assert (drawn(app, "pair")["a"]["ref"], app.query_params["b"]) == (a, b)


@pytest.mark.parametrize("count", [1, 2, 6, 7])
def test_two_to_six_that_are_selected_in_history_can_be_compared(form_room: Room, count: int) -> None:
    made = batch(form_room, *(f"kite {number}" for number in range(count)))
    app = form_room.open("history")
    tell(app, "gallery", "select", " ".join(made))
    tell(app, "gallery", "compare_chosen")
    view = drawn(app, "several") or drawn(app, "pair")
    assert bool(view) == (2 <= count <= 6)
    if count == 6:
        assert [app.query_params[name] for name in "abcdef"] == made


def test_one_and_the_same_picture_is_not_compared_with_itself(form_room: Room) -> None:
    a, b = batch(form_room, "a red kite", "a blue kite")
    app = opened(form_room, a=a, b=a)
    assert "Both are the same picture." in app.info[-1].value
    assert [one["ref"] for one in drawn(app, "pair")["ring"]] == [b]


@pytest.mark.parametrize("empty", ["a", "b"])
def test_a_link_to_nothing_or_to_what_has_no_picture_says_so(form_room: Room, empty: str) -> None:
    (a,) = batch(form_room, "a red kite")
    waiting = form_room.ask("a *blue* kite").id
    for ref, said in [("nonsense", words.NO_SUCH_REQUEST), (waiting, "a \\*blue\\* kite” has no picture to compare")]:
        app = opened(form_room, **({"a": a, "b": ref} if empty == "b" else {"a": ref, "b": a}))
        assert said in app.warning[0].value
        assert ("pair" in str(app.get("bidi_component"))) == (empty == "b")


def test_an_empty_page_leads_to_history_and_offers_the_last_two_of_one_batch(form_room: Room) -> None:
    assert opened(form_room).button(key="make_first").label == "Make the first one", "there is nothing in History yet"
    batch(form_room, "the only one")
    app = opened(form_room)
    assert app.button(key="to_history").label == "Go to History"
    assert "last two" not in texts(app)
    a, b, _ = batch(form_room, "a red kite", "a blue kite", "a green kite")
    batch(form_room, "alone")
    app = opened(form_room)
    app.button(key="last_two").click().run()
    view = drawn(app, "pair")
    assert (view["a"]["ref"], view["ring"][view["at"]]["ref"]) == (a, b)


def test_the_drawer_offers_to_compare_what_has_a_picture(form_room: Room) -> None:
    (a,) = batch(form_room, "a red kite")
    waiting = form_room.ask("a blue kite").id
    offered = {
        ref: "compare" in [one["act"] for one in drawn(form_room.open(task=ref), "sheet")["menu"]]
        for ref in (a, waiting)
    }
    assert offered == {a: True, waiting: False}


def painted(desk: Desk, *colours: str) -> list[str]:
    """A finished batch of plain pictures, without a call: nobody has to wait for a painter. The tasks' ids."""
    now, db, found = utcnow(), Database(desk.database_url), list[str]()
    store = ArtifactStore(db, ObjectStorage(desk.state_dir), max_reference_bytes=1, max_pixels=1)
    for position, colour in enumerate(colours):
        task = Task(
            batch_id=f"painted {colours}", position=position, person="nobody", model="google/nano-banana",
            family="nano-banana", provider="kie", prompt=f"A {colour} field", digest=colour, status_at=now,
            status=TaskStatus.SUCCEEDED, finished_at=now,
        )  # fmt: skip
        call = Submission(
            task_id=task.id, attempt=1, account="sandbox", token="t", lease_until=now, outcome=Outcome.SUCCEEDED,
            settled_at=now, outputs=["http://h/1.png"],
        )  # fmt: skip
        file = store.store_output(encoded(Image.new("RGB", (1600, 1200), colour), "PNG"))
        found.append(task.id)
        with db.transaction() as session:
            for row in (task, call, artifact_row(file, task_id=task.id, submission_id=call.id, position=0, now=now)):
                session.add(row)
                session.flush()
    db.close()
    return found


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_from_history_to_a_pair_walked_zoomed_and_swapped_by_keys(shared_desk: Desk, page: Page) -> None:
    a, b, c = painted(shared_desk, "red", "blue", "green")
    page.goto(f"{shared_desk.url}/history")
    page.get_by_role("option", name="A red field").wait_for()
    page.add_style_tag(content=".stMainBlockContainer > div { min-height: 3000px }")
    search = page.get_by_label("Search", exact=True)
    before = search.bounding_box()
    page.locator(".stMain").evaluate("main => main.scrollTo(0, 1500)")
    expect(search).to_be_in_viewport()  # what narrows the list stays above it
    page.locator(".stMain").evaluate("main => main.scrollTo(0, 0)")
    assert search.bounding_box() == before
    page.get_by_role("option", name="A red field").click()
    page.get_by_role("dialog").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Compare with…").click()
    expect(page.get_by_text("Compare with what?")).to_be_visible()
    page.get_by_role("option", name="A blue field").click()
    expect(page).to_have_url(f"{shared_desk.url}/compare?a={a}&b={b}")
    view, table = page.locator(".st-key-pair"), page.locator(".st-key-pair table")
    expect(table.locator("del")).to_have_text("only in A: red")
    expect(table.locator("ins")).to_have_text("only in B: blue")
    for name in ("A: A red field", "B: A blue field"):
        image = view.get_by_role("img", name=name)
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1280

    page.keyboard.press("ArrowRight")
    expect(view.get_by_role("status")).to_have_text("B is now 2 of 2: Nano Banana. A green field")
    expect(table.locator("ins")).to_have_text("only in B: green")
    expect(page).to_have_url(f"{shared_desk.url}/compare?a={a}&b={c}")

    page.keyboard.press("z")
    expect(view.get_by_role("button", name="100 %")).to_be_visible()
    expect(view.get_by_role("img", name="A: A red field")).to_have_attribute("src", re.compile("/original"))
    page.keyboard.press("0")

    strikes(page, "é", "Digit2")  # 2 on a French keyboard
    expect(page).to_have_url(f"{shared_desk.url}/compare?a={a}&b={c}&mode=slider")
    divider = view.get_by_role("slider")
    divider.focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(divider).to_have_attribute("aria-valuenow", "40")

    for name in ("green", "red", "green"):  # at once, to and fro
        page.keyboard.press("s")
        expect(view.get_by_role("img", name=f"A: A {name} field")).to_be_visible()
    page.reload()
    expect(view.get_by_role("img", name="A: A green field")).to_be_visible()
    expect(divider).to_be_visible()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_page_that_streamlit_has_emptied_is_drawn_again(shared_desk: Desk, page: Page) -> None:
    """A request of a fragment, sent before the change of pages, reaches the server while it draws the next page."""
    a, b = painted(shared_desk, "teal", "plum")
    sent: list[str | bytes] = []
    copies: list[str] = []

    def between(line: WebSocketRoute) -> None:
        server = line.connect_to_server()

        def answers(said: str | bytes) -> None:
            line.send(said)
            if copies:  # while the server leaves the page, as many as it takes for one to come at that moment
                copies.pop()
                server.send(sent[-1])

        def asks(said: str | bytes) -> None:
            server.send(said)
            sent[:] = [said]

        line.on_message(asks)
        server.on_message(answers)

    page.route_web_socket(re.compile("/_stcore/stream"), between)
    view, emptied = page.locator(".st-key-pair"), "Couldn't find fragment"  # what Streamlit says of such a request
    before = len(shared_desk.log())
    for _ in range(5):  # one that comes too early or too late does no harm
        page.goto(f"{shared_desk.url}/history")
        page.get_by_role("option", name="A plum field").focus()
        page.keyboard.press("Shift+ArrowRight")
        compare = page.get_by_role("region", name="What is selected").get_by_role("button", name="Compare")
        compare.wait_for()
        page.wait_for_timeout(500)
        copies[:] = ["late"] * 20
        compare.click()
        expect(page).to_have_url(f"{shared_desk.url}/compare?a={b}&b={a}")
        page.wait_for_timeout(1_000)  # it stands, and vanishes
        expect(view.get_by_role("heading", name="What differs")).to_be_visible()
        if emptied in shared_desk.log()[before:]:
            break
    assert emptied in shared_desk.log()[before:]
