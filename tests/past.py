"""A desk with a past: finished tasks written straight into a database, with pictures of any shape and no provider."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pictures import encoded
from PIL import Image, ImageDraw

from data import fulltext
from data.artifacts import ArtifactStore
from data.catalog import catalog
from data.db import Database
from data.ids import new_id
from data.images import StoredImage
from data.rows import artifact_row
from data.schema import Submission, Task, utcnow
from data.status import TERMINAL, Outcome, TaskStatus
from data.storage import ObjectStorage

S = TaskStatus
COLOURS = ("#c2452d", "#d98a29", "#e3c34a", "#4f8f5b", "#2f7f8f", "#3458b0", "#7a4fc0", "#b04b86", "#5b5f66", "#e8e2d6")
SIZES = ((512, 512), (640, 480), (480, 640), (768, 432), (432, 768), (800, 240))


@dataclass(frozen=True)
class Was:
    """One task of the past."""

    prompt: str
    status: TaskStatus = S.SUCCEEDED
    ago: timedelta = timedelta()
    person: str = "local"
    model: str = "google/nano-banana"
    size: tuple[int, int] = (512, 512)
    pictures: int = 1  # of one that succeeded
    cause: str = "policy"  # of one that failed
    doubtful: bool = False  # its call was perhaps taken
    account: str = "sandbox"
    batch: str = ""  # its own, where none is named


class Past:
    """Writes tasks. The pictures of one size and colour are one file."""

    def __init__(self, state_dir: Path, database_url: str) -> None:
        self.db = Database(database_url)
        storage = ObjectStorage(state_dir)
        self._store = ArtifactStore(self.db, storage, max_reference_bytes=1, max_pixels=1)
        self._painted: dict[tuple[tuple[int, int], str], StoredImage] = {}

    def write(self, tasks: Sequence[Was]) -> list[str]:
        """The ids, in the order of `tasks`: the last is the newest."""
        now, made = utcnow(), []
        for position, was in enumerate(tasks):  # before the transaction: painting takes its time
            for index in range(was.pictures if was.status == S.SUCCEEDED else 0):
                self._paint(was.size, COLOURS[(position + index) % len(COLOURS)])
        with self.db.transaction() as session:
            for position, was in enumerate(tasks):
                task = _task(was, now - was.ago, position)
                session.add(task)
                session.flush()
                assert task.seq is not None
                fulltext.add(session.connection(), [(task.seq, task.prompt)])
                made.append(task.id)
                if call := _call(was, task, now - was.ago):
                    session.add(call)
                    session.flush()
                for index in range(was.pictures if was.status == S.SUCCEEDED else 0):
                    file = self._paint(was.size, COLOURS[(position + index) % len(COLOURS)])
                    session.add(artifact_row(file, task_id=task.id, submission_id=call.id if call else None,
                                             position=index, now=now - was.ago))  # fmt: skip
        return made

    def _paint(self, size: tuple[int, int], colour: str) -> StoredImage:
        if (size, colour) not in self._painted:
            picture = Image.new("RGB", size, colour)
            width, height = size
            draw = ImageDraw.Draw(picture)
            draw.ellipse((width * 0.2, height * 0.25, width * 0.7, height * 0.9), fill="#ffffff")
            draw.rectangle((width * 0.5, height * 0.1, width * 0.95, height * 0.5), fill="#20242c")
            self._painted[size, colour] = self._store.store_output(encoded(picture, "PNG"))
        return self._painted[size, colour]

    def close(self) -> None:
        self.db.close()


def _task(was: Was, at: datetime, position: int) -> Task:
    spec = catalog().require(was.model)
    charged = 4_000_000 if was.status == S.SUCCEEDED else 0
    return Task(
        batch_id=was.batch or new_id(), position=position, person=was.person, model=was.model, family=spec.family,
        provider=spec.provider, prompt=was.prompt, params={"aspect_ratio": "1:1"}, digest=new_id(), status=was.status,
        status_at=at, created_at=at, finished_at=at if was.status in TERMINAL else None,
        error_code=was.cause if was.status == S.FAILED else None, estimate_micro=4_000_000, charged_micro=charged,
        booked_micro=charged,
    )  # fmt: skip


def _call(was: Was, task: Task, at: datetime) -> Submission | None:
    outcome = {S.SUCCEEDED: Outcome.SUCCEEDED, S.RUNNING: Outcome.ACCEPTED, S.UNCONFIRMED: Outcome.UNKNOWN}
    if was.status not in outcome and not was.doubtful:
        return None
    settled = at if was.status == S.SUCCEEDED else None
    return Submission(
        task_id=task.id, attempt=1, account=was.account, token="t", lease_until=at + timedelta(days=1), started_at=at,
        outcome=Outcome.UNKNOWN if was.doubtful else outcome[was.status], settled_at=settled,
        outputs=["http://h/1.png"] * was.pictures if settled else [],
    )  # fmt: skip
