"""Stored files that are gone from storage: until when the provider still keeps them, and fetching them again, free.

The row of a file stays whatever becomes of the file; it says that the file is sought, and what came in its place.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row
from sqlmodel import Session, col

from data.causes import DIRECT, NOT_KEPT
from data.db import Database
from data.errors import NotAllowed
from data.images import StoredImage
from data.moves import fetch_anew, lock_submission, log
from data.rows import artifact_row
from data.schema import Artifact, Submission, Task


@dataclass(frozen=True)
class Kept:
    """A file that the provider had ready, and may still have."""

    settled_at: datetime  # when it was ready there
    under_way: bool = False  # it is being fetched again
    in_vain: bool = False  # it was asked for again, and did not come


class Lost:
    """Over one database."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC, by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def kept(self, shas: Collection[str], task_id: str | None = None) -> dict[str, Kept]:
        """What is known of these files (of one task), without those that their provider does not keep."""
        with self._db.read() as session:
            return {
                row.sha256: Kept(
                    row.settled_at,
                    under_way=row.sought_at is not None and row.fetch_at is not None,
                    in_vain=row.sought_at is not None and row.fetch_at is None,
                )
                for row in _rows(session, shas, task_id)
            }

    def restore(self, task_id: str, shas: Collection[str], *, who: str) -> None:
        """Fetches these files of a task from the provider again; costs nothing. Raises NotAllowed."""
        with self._db.transaction() as session:
            wanted = _rows(session, shas, task_id)
            if not wanted:
                raise NotAllowed(NOT_KEPT)
            now = self._clock()
            for submission_id in sorted({row.submission_id for row in wanted}):
                call = lock_submission(session, submission_id)
                if call is None:
                    continue
                mine = [row for row in wanted if row.submission_id == submission_id]
                began = fetch_anew(session, call, now)
                seek: Any = sa.update(Artifact).where(col(Artifact.id).in_([row.id for row in mine]))
                session.connection().execute(seek.values(sought_at=now))
                if began or any(row.sought_at is None for row in mine):  # else it was pressed twice
                    log(session, task_id, "download_again", now=now, who=who, submission_id=submission_id)


def came_again(
    session: Session, call: Submission, lost: Artifact, image: StoredImage | None, others: Collection[Artifact],
    *, now: datetime,
) -> None:  # fmt: skip
    """Notes what has come for a file that was sought; None where it lies in storage again, as it was.

    `others` are the outputs of the call that are on record: what is not among them stands beside them from now on.
    """
    kind, lost.sought_at, before = "file_restored", None, lost.replaced_by
    if image is None or image.sha256 == lost.sha256:
        lost.replaced_by = None
    elif image.sha256 != before:
        kind, lost.replaced_by = "restored_differs", image.sha256
        if image.sha256 not in {row.sha256 for row in others}:
            place = max(len(call.outputs), *(row.position + 1 for row in others))
            session.add(artifact_row(image, task_id=call.task_id, submission_id=call.id, position=place, now=now))
    session.add(lost)
    here, its = lost.replaced_by or lost.sha256, {lost.sha256, lost.replaced_by, before} - {None}
    for row in others:  # whatever has stood in for it is missed by nobody any more, should it be gone too
        if row.position >= len(call.outputs) and its & {row.sha256, row.replaced_by}:
            row.replaced_by = here if row.sha256 != here else None
            session.add(row)
    log(session, call.task_id, kind, now=now, submission_id=call.id)


def _rows(session: Session, shas: Collection[str], task_id: str | None) -> list[Row[Any]]:
    mine = (col(Artifact.task_id) == task_id,) if task_id is not None else ()
    wanted: Any = (
        sa.select(col(Artifact.id), col(Artifact.sha256), col(Artifact.position), col(Artifact.sought_at),
                  col(Submission.id).label("submission_id"), col(Submission.outputs), col(Submission.settled_at),
                  col(Submission.fetch_at))
        .join(Submission, col(Submission.id) == col(Artifact.submission_id))
        .join(Task, col(Task.id) == col(Artifact.task_id))
        .where(*mine, col(Artifact.sha256).in_(shas), col(Artifact.role) == "output",
               col(Submission.settled_at).is_not(None), col(Task.provider).not_in(list(DIRECT)))
    )  # fmt: skip
    return [row for row in session.connection().execute(wanted) if row.position < len(row.outputs)]
