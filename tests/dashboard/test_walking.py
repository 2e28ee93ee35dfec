"""The drawer in a browser: a walk by keys that loses none, and recipes that make what they say."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from person import Person
from pictures import png
from playwright.sync_api import Page, expect
from processes import Desk, wait_until

from data.artifacts import ArtifactStore
from data.catalog import catalog
from data.db import Database
from data.history import History
from data.query import Query
from data.requests import validate
from data.search import Search
from data.status import TERMINAL
from data.storage import ObjectStorage
from data.tasks import TaskStore


def finished(desk: Desk, *prompts: str, references: bool = False) -> list[str]:
    """The ids of tasks that have their pictures."""
    db = Database(desk.database_url)
    store = ArtifactStore(db, ObjectStorage(desk.state_dir), max_reference_bytes=10**7, max_pixels=10**7)
    images = (store.take_reference(png(300, 200), "a.png"),) if references else ()
    spec = catalog().require("google/nano-banana-edit" if references else "google/nano-banana")
    made = TaskStore(db).create([validate(spec, prompt, {}, images) for prompt in prompts], person="local")
    wait_until(lambda: all(History(db).card(task.id).status in TERMINAL for task in made), 40)
    db.close()
    return [task.id for task in made]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_keys_walk_keep_and_tag_and_none_is_lost(shared_desk: Desk, page: Page) -> None:
    prompts = [f"walk {number}" for number in range(9)]
    ids = finished(shared_desk, *prompts)
    person = Person(page, shared_desk).opens(f"/history?task={ids[-1]}")
    drawer = page.get_by_role("dialog")
    prompt = drawer.locator(".prompt")
    expect(prompt).to_have_text("walk 8")
    for _ in range(8):  # faster than anybody answers, and beyond what the browser knows at first
        page.keyboard.press("ArrowRight")
    expect(prompt).to_have_text("walk 0")
    person.settles()
    expect(page).to_have_url(f"{shared_desk.url}/history?task={ids[0]}")
    newer = drawer.get_by_role("button", name="Newer")
    newer.focus()
    place = newer.bounding_box()
    page.keyboard.press("Enter")
    expect(prompt).to_have_text("walk 1")
    expect(newer).to_be_focused()
    assert newer.bounding_box() == place
    page.keyboard.press("k")
    keep = drawer.get_by_role("button", name="Star")
    expect(keep).to_have_attribute("aria-pressed", "true")
    field = drawer.get_by_label("Add a tag")
    field.fill("reck")  # letters that are keys of the page and of Streamlit
    field.press("Enter")
    expect(drawer.get_by_role("button", name="Remove the tag reck")).to_be_visible()
    expect(prompt).to_have_text("walk 1")
    drawer.get_by_label("Put into a project").fill("spring")
    drawer.get_by_label("Put into a project").press("Enter")
    drawer.get_by_role("button", name="Undo").click()
    expect(drawer.get_by_label("Put into a project")).to_be_visible()
    drawer.get_by_role("button", name="More").click()
    menu = page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Use again")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(drawer.get_by_role("button", name="More")).to_be_focused()
    drawer.get_by_text("Details for support").click()
    page.evaluate("navigator.clipboard.writeText = async (text) => (window.taken = text)")
    drawer.get_by_role("button", name="Copy: Request").click()
    assert page.evaluate("window.taken") == ids[1]
    expect(drawer.get_by_role("status")).to_have_text("Copied")
    page.keyboard.press("v")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("walk 1")
    expect(page.get_by_text("Variation of")).to_be_visible()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_picture_is_seen_at_its_own_size_and_one_walks_on_there(shared_desk: Desk, page: Page) -> None:
    ids = finished(shared_desk, "near 0", "near 1")
    Person(page, shared_desk).opens(f"/history?task={ids[1]}")
    near = page.get_by_role("dialog", name="Look closer, at 100 %")
    drawer = page.get_by_role("dialog").filter(has=page.locator(".prompt"))
    picture = drawer.locator("a.stage")
    picture.click()
    own = near.get_by_role("img", name="near 1")
    expect(near.get_by_role("button", name="Fit, or 100 %")).to_have_text("100 %")
    width = int(picture.locator("img").get_attribute("width") or 0)
    assert own.evaluate("(img) => img.getBoundingClientRect().width * devicePixelRatio") == width
    page.mouse.move(300, 300)
    page.mouse.wheel(0, -400)
    expect(near.get_by_role("button", name="Fit, or 100 %")).not_to_have_text("100 %")
    page.keyboard.press("ArrowRight")
    expect(near.get_by_role("img", name="near 0")).to_be_visible()
    expect(near.get_by_role("button", name="Fit, or 100 %")).to_have_text("100 %")
    page.keyboard.press("Escape")
    expect(near).to_have_count(0)
    expect(drawer.locator(".prompt")).to_have_text("near 0")
    expect(picture).to_be_focused()
    page.keyboard.press("z")
    expect(near).to_be_visible()
    page.mouse.click(300, 300)
    expect(near).to_have_count(0)
    drawer.get_by_role("button", name="Star").click()
    page.keyboard.press("ArrowLeft")
    expect(drawer.locator(".prompt")).to_have_text("near 1")
    page.keyboard.press("Escape")  # wherever the focus has gone to
    expect(drawer).to_have_count(0)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_copied_recipe_asks_for_the_same_picture(desk_factory: Callable[..., Desk], page: Page) -> None:
    desk = desk_factory(env={"API_TOKENS": "for-programs"})
    prompt = 'a "red" kite for $5 `now` \\n 风筝'
    task = finished(desk, prompt, references=True)[0]
    Person(page, desk).opens(f"/history?task={task}")
    texts = {
        name: page.get_by_role("dialog").locator("[role=menuitem]", has_text=name).get_attribute("data-text") or ""
        for name in ("Copy as curl", "Copy as Python")
    }
    commands = ["sh", "-c", texts["Copy as curl"]], [sys.executable, "-c", texts["Copy as Python"]]
    env = {"PATH": os.environ["PATH"], "PICTURE_DESK_TOKEN": "for-programs"}
    for command in commands:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
        assert f"{desk.callback_url}/api/task/" in done.stdout, done.stdout
    db = Database(desk.database_url)
    mine, *copies = [History(db).detail(card.id) for card in Search(db).page(Query(), "local", limit=3).cards[::-1]]
    db.close()
    assert len(copies) == 2
    for copy in copies:
        assert (copy.card.model, copy.card.prompt) == (mine.card.model, prompt)
        assert [row.sha256 for row in copy.inputs] == [row.sha256 for row in mine.inputs]
