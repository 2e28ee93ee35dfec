"""A video on the screens: marked where it lies among pictures, played in the drawer when a person asks for it."""

import films
from local import local
from playwright.sync_api import Page, Request, expect
from processes import Desk

from data.artifacts import ArtifactStore
from data.db import Database
from data.rows import artifact_row
from data.schema import Submission, Task, utcnow
from data.status import Outcome, TaskStatus
from data.storage import ObjectStorage


def filmed(desk: Desk, prompt: str, data: bytes) -> str:
    """A finished task with this film; its id."""
    now, db = utcnow(), Database(desk.database_url)
    store = ArtifactStore(db, ObjectStorage(desk.state_dir), max_reference_bytes=1, max_pixels=1)
    task = Task(
        batch_id="b", person="local", model="veo3_fast", family="veo", provider="kie", prompt=prompt, digest=prompt,
        status=TaskStatus.SUCCEEDED, finished_at=now,
    )  # fmt: skip
    call = Submission(
        task_id=task.id, attempt=1, account="sandbox", token="t", lease_until=now, outcome=Outcome.SUCCEEDED,
        settled_at=now, outputs=["http://h/1.webm"],
    )  # fmt: skip
    row = artifact_row(store.store_output(data), task_id=task.id, submission_id=call.id, position=0, now=now)
    task_id = task.id
    with db.transaction() as session:
        for one in (task, call, row):
            session.add(one)
            session.flush()
    db.close()
    return task_id


def test_a_video_plays_in_the_drawer_when_asked_and_says_so_where_it_cannot(
    shared_desk: Desk, page: Page, tolerated: list[str]
) -> None:
    # WebM, because not every Chromium that tests may drive has H.264.
    task_id = filmed(shared_desk, "A kite over dunes, filmed", films.webm(size=(640, 360), frames=96))
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if request.resource_type == "media" else None)

    page.goto(f"{shared_desk.url}/history")
    tile = page.get_by_role("option", name="A kite over dunes, filmed. Video, 4 s. Done")
    expect(tile.get_by_text("0:04")).to_be_visible()
    tile.click()
    film = page.get_by_role("dialog").locator("video")
    expect(film).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("640 × 360 · 0:04 · WEBM")
    film.evaluate("film => film.readyState >= 1 || new Promise((known) => (film.onloadedmetadata = known))")
    assert film.evaluate("film => [film.paused, film.currentTime, film.duration, film.videoWidth]") == [True, 0, 4, 640]
    assert local.get(film.get_attribute("poster") or "").headers["content-type"] == "image/webp"
    parts = [request.response() for request in asked]
    assert {part.status for part in parts if part} == {206}

    film.click()
    page.wait_for_function("film => film.currentTime > 0.5", arg=film.element_handle())
    assert film.evaluate("film => !film.error")

    tolerated.append("original")
    page.route("**/original?*", lambda route: route.abort())
    page.goto(f"{shared_desk.url}/history?task={task_id}")
    expect(page.get_by_role("dialog")).to_contain_text("This browser cannot play this video. Download it to watch it.")
    expect(page.get_by_role("dialog").get_by_role("img", name="A kite over dunes, filmed")).to_be_visible()


def test_two_videos_are_compared_at_the_same_moment(shared_desk: Desk, page: Page) -> None:
    a = filmed(shared_desk, "The first kite, filmed", films.webm(size=(640, 360), frames=96))
    b = filmed(shared_desk, "The second kite, filmed", films.webm(size=(320, 180), frames=48))
    page.goto(f"{shared_desk.url}/compare?a={a}&b={b}")
    both = page.locator(".pane video")
    expect(both).to_have_count(2)
    page.wait_for_function("films => [...films].every((one) => one.readyState >= 2)", arg=both.element_handles())
    page.get_by_role("button", name="Play both").click()
    moments = "(films) => films.map((one) => one.currentTime)"
    page.wait_for_function("films => films.every((one) => one.currentTime > 0.3)", arg=both.element_handles())
    page.get_by_role("button", name="Pause both").click()
    assert both.evaluate_all("(films) => films.every((one) => one.paused)")
    one, other = both.evaluate_all(moments)
    assert abs(one - other) < 0.3
    page.get_by_role("slider", name="Moment").fill("250")
    assert both.evaluate_all(moments) == [1, 1]
    page.get_by_role("slider", name="Moment").fill("1000")
    assert both.evaluate_all(moments) == [4, 2]  # the shorter waits at its end
