"""Requests for pictures that a browser sends over the wire: first visit to History, coming back to it, reloading.

Run it by hand. A real desk with 60 pictures that were put there beforehand, and Chromium, whose own network log tells
what came from its cache. The aim: after the first visit none at all, not even one that is answered by 304.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import launch
from person import Person
from pictures import scene
from playwright.sync_api import CDPSession, sync_playwright
from processes import Desk

from data.artifacts import ArtifactStore
from data.db import Database
from data.ids import new_id
from data.schema import Artifact, Task
from data.status import TaskStatus
from data.storage import ObjectStorage

COUNT = 60


class Wire:
    """Counts what went over the wire since it was last asked."""

    def __init__(self, session: CDPSession) -> None:
        self._asked: dict[str, str] = {}
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.requestServedFromCache", lambda event: self._asked.pop(event["requestId"], None))
        session.on("Network.responseReceived", self._answered)
        session.send("Network.enable")

    def _sent(self, event: dict[str, dict[str, str]]) -> None:
        if "/files/" in event["request"]["url"]:
            self._asked[str(event["requestId"])] = event["request"]["url"]

    def _answered(self, event: dict[str, dict[str, bool]]) -> None:
        if event["response"].get("fromDiskCache"):
            self._asked.pop(str(event["requestId"]), None)

    def count(self) -> int:
        found, self._asked = len(self._asked), {}
        return found


def filled(desk: Desk) -> None:
    database = Database(desk.database_url)
    store = ArtifactStore(database, ObjectStorage(desk.state_dir), max_reference_bytes=10**7, max_pixels=10**8)
    for number in range(COUNT):
        draft = desk.folder / "draft.png"
        scene(256 + number, 256).save(draft)
        image, task_id = store.store_output(draft.read_bytes()), new_id()
        with database.transaction() as session:
            session.add(Task(id=task_id, batch_id=new_id(), person="local", model="google/nano-banana", provider="kie",
                             family="nano-banana", prompt=f"picture {number}", digest="d",
                             status=TaskStatus.SUCCEEDED))  # fmt: skip
            session.flush()
            session.add(Artifact(task_id=task_id, role="output", position=0, sha256=image.sha256, mime=image.mime,
                                 width=image.width, height=image.height, size=image.size))  # fmt: skip
    database.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Desk(Path(folder)) as desk, sync_playwright() as playwright:
        filled(desk)
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        wire = Wire(context.new_cdp_session(page))
        person = Person(page, desk)

        def told(what: str) -> None:
            person.settles()
            time.sleep(3)
            for _ in range(6):  # to the end of the page: pictures out of sight are not asked for
                page.mouse.wheel(0, 2000)
                time.sleep(0.3)
            print(f"{what:<28}{wire.count():>5} requests for pictures")

        person.opens("/history")
        page.mouse.move(700, 500)
        told("first visit")
        page.get_by_role("link", name="Generate").first.click()
        told("Generate, in between")
        page.get_by_role("link", name="History").first.click()
        told("back to History")
        page.reload()
        told("reloaded")
        other = context.new_page()
        wire = Wire(context.new_cdp_session(other))
        page.close()
        page, person = other, Person(other, desk)
        person.opens("/history")
        page.mouse.move(700, 500)
        told("in another tab")
        browser.close()


if __name__ == "__main__":
    main()
