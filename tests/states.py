"""Requests in each state that a screen can show, put into a desk without a call: nobody waits for them, and none moves.

What is still at work is due for nothing within the hour, so that a running server leaves it as it is.
"""

from datetime import timedelta
from typing import Any

from pictures import encoded
from PIL import Image
from processes import Desk

from data.artifacts import ArtifactStore
from data.db import Database
from data.rows import artifact_row
from data.schema import Submission, Task, utcnow
from data.status import TERMINAL, Outcome, TaskStatus
from data.storage import ObjectStorage

S = TaskStatus
CALLS = {
    S.UNCONFIRMED: Outcome.UNKNOWN,
    S.RUNNING: Outcome.ACCEPTED,
    S.FETCHING: Outcome.ACCEPTED,
    S.SUCCEEDED: Outcome.SUCCEEDED,
    S.FAILED: Outcome.PROVIDER_FAILED,
}
"""What became of the one paid call; in the states that are not here there was none."""
LATER = timedelta(hours=1)


class States:
    """`states.put(S.FAILED, "a red kite")` is there when it returns."""

    def __init__(self, desk: Desk) -> None:
        self.db = Database(desk.database_url)
        storage = ObjectStorage(desk.state_dir)
        self.store = ArtifactStore(self.db, storage, max_reference_bytes=10_000_000, max_pixels=64_000_000)

    def put(self, status: TaskStatus, prompt: str, *, colour: str = "teal", batch: str = "", position: int = 0) -> str:
        """A request of the local user; one that has succeeded has a picture of that colour. Its id."""
        now = utcnow()
        ended = now if status in TERMINAL else None
        task = Task(
            batch_id=batch or f"{prompt} {now}", position=position, person="local", model="google/nano-banana",
            family="nano-banana", provider="kie", prompt=prompt, digest=f"{prompt} {now}", status=status,
            not_before=now + LATER, finished_at=ended, params={"aspect_ratio": "4:3"}, estimate_micro=4_000_000,
            error_code="generation_failed" if status == S.FAILED else None,
            error_detail="The model gave no picture." if status == S.FAILED else None,
        )  # fmt: skip
        file = self.store.store_output(encoded(Image.new("RGB", (1600, 1200), colour), "PNG"))
        with self.db.transaction() as session:
            session.add(task)
            session.flush()
            if status in CALLS:
                call = _call(task, ended=ended)
                session.add(call)
                session.flush()
            if status == S.SUCCEEDED:
                session.add(artifact_row(file, task_id=task.id, submission_id=call.id, position=0, now=now))
        return task.id

    def close(self) -> None:
        self.db.close()


def _call(task: Task, *, ended: Any) -> Submission:
    now, outcome = utcnow(), CALLS[task.status]
    known = outcome != Outcome.UNKNOWN
    return Submission(
        task_id=task.id, attempt=1, account="sandbox", token="t", lease_until=now + LATER, outcome=outcome,
        provider_task_id=f"provider-{task.id}" if known else None, settled_at=ended,
        poll_at=None if ended else now + LATER, fetch_at=now + LATER if task.status == S.FETCHING else None,
        outputs=["http://h/1.png"] if task.status in (S.FETCHING, S.SUCCEEDED) else [],
    )  # fmt: skip
