"""Stored files that are gone from storage: until when the provider still keeps them, and fetching them again, free.

The row of a file stays whatever becomes of the file; what comes again is kept beside it where it is not the same.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row
from sqlmodel import Session, col

from data.causes import DIRECT, NOTHING_THERE
from data.db import Database
from data.errors import NotAllowed
from data.images import StoredImage
from data.moves import fetch_anew, lock_submission, log
from data.rows import artifact_row
from data.schema import Artifact, Submission, Task

_HELD = "held:"
"""Begins the address of a file that came inside an answer: only our own storage ever had it."""


class Lost:
    """Over one database."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC, by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def settled(self, shas: Collection[str]) -> dict[str, datetime]:
        """When the provider had each of these files ready, without those that it does not keep."""
        with self._db.read() as session:
            return {row.sha256: row.settled_at for row in _calls(session, shas)}

    def restore(self, task_id: str, shas: Collection[str], *, who: str) -> None:
        """Fetches these files of a task from the provider again; costs nothing. Raises NotAllowed."""
        with self._db.transaction() as session:
            mine = {row.submission_id for row in _calls(session, shas) if row.task_id == task_id}
            if not mine:
                raise NotAllowed(NOTHING_THERE)
            now = self._clock()
            for submission_id in sorted(mine):
                if (call := lock_submission(session, submission_id)) is not None:
                    fetch_anew(session, call, now)
                    log(session, task_id, "download_again", now=now, who=who, submission_id=submission_id)


def came_again(
    session: Session, call: Submission, known: Mapping[int, str], position: int, image: StoredImage, *, now: datetime
) -> None:
    """Notes that the file of this position has come again. `known`: all that is on record of the call, by position."""
    if image.sha256 not in known.values():
        place = max(len(call.outputs), *(at + 1 for at in known))
        session.add(artifact_row(image, task_id=call.task_id, submission_id=call.id, position=place, now=now))
    kind = "restored" if known[position] == image.sha256 else "restored_differs"
    log(session, call.task_id, kind, now=now, submission_id=call.id)


def _calls(session: Session, shas: Collection[str]) -> list[Row[Any]]:
    wanted: Any = (
        sa.select(col(Artifact.sha256), col(Artifact.task_id), col(Artifact.position),
                  col(Submission.id).label("submission_id"), col(Submission.outputs), col(Submission.settled_at))
        .join(Submission, col(Submission.id) == col(Artifact.submission_id))
        .join(Task, col(Task.id) == col(Artifact.task_id))
        .where(col(Artifact.sha256).in_(shas), col(Artifact.role) == "output", col(Submission.settled_at).is_not(None),
               col(Task.provider).not_in(list(DIRECT)))
    )  # fmt: skip
    rows = session.connection().execute(wanted).all()
    return [
        row for row in rows
        if row.position < len(row.outputs) and not row.outputs[row.position].startswith(_HELD)
    ]  # fmt: skip
