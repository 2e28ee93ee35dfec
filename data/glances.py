"""The small reads behind buttons and counters: what a task's paid calls leave open, what of a batch failed, how many.

Each is bounded: it reads a page of tasks by index, or what has happened since a look a moment ago, or counts no further
than a person reads. It changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import col, select

from data.again import left
from data.db import Database
from data.images import StoredImage
from data.practice import by_task
from data.rows import not_on_record, stored_image
from data.schema import NOT_DELETED, Artifact, Submission, Task, TaskEvent
from data.status import OPEN, Outcome, TaskStatus
from data.wish import stand_ins

COUNTED = 10_000
"""Beyond this many nobody counts on; a count must cost the same with a million rows."""


@dataclass(frozen=True)
class Calls:
    """What the paid calls of one task leave open."""

    doubtful: bool = False  # one may have been taken, and nobody knows: a person may give it up
    askable: bool = False  # the provider named one that is still awaited, so it can be asked at once
    open_since: datetime | None = None  # when the call that may still bring a result was started
    missing: int = 0  # files of a finished call that were named and are not home
    fetching: bool = False  # and that are being fetched now


@dataclass(frozen=True)
class Failed:
    """Tasks that may be tried again together. `estimate_micro` is None where a price is unknown."""

    count: int
    estimate_micro: int | None
    doubtful: int  # of them, those that may be paid for already
    ids: tuple[str, ...]  # and of those whose model has gone


_CALL: tuple[Any, ...] = tuple(
    col(column)
    for column in (
        Submission.id, Submission.task_id, Submission.outcome, Submission.provider_task_id, Submission.named_as,
        Submission.started_at, Submission.poll_at, Submission.fetch_at, Submission.outputs,
    )
)  # fmt: skip
"""Without the provider's record, which is the heavy part of the row."""
_IDS: Any = sa.bindparam("ids", expanding=True)
_CALLS = sa.select(*_CALL).where(col(Submission.task_id).in_(_IDS)).order_by(col(Submission.attempt))
_HOME = sa.select(col(Artifact.submission_id), col(Artifact.position)).where(
    col(Artifact.submission_id).in_(_IDS), col(Artifact.role) == "output"
)

_ENDED: Any = (
    sa.select(col(TaskEvent.id), col(TaskEvent.task_id))
    .join(Task, col(Task.id) == col(TaskEvent.task_id))
    .where(
        col(TaskEvent.id) > sa.bindparam("since", type_=sa.BigInteger),
        col(TaskEvent.to_status).in_((TaskStatus.SUCCEEDED, TaskStatus.FAILED)),
        col(Task.person) == sa.bindparam("person", type_=sa.String),
    )
    .order_by(col(TaskEvent.id))
)  # fmt: skip


class Glances:
    """Reads over one database."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`db` is opened and migrated; `clock` gives the present moment in UTC, by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def calls(self, task_ids: Sequence[str]) -> dict[str, Calls]:
        """What is open of each task; tasks without a paid call are left out."""
        if not task_ids:
            return {}
        found: dict[str, Calls] = {}
        with self._db.look() as connection:
            rows = connection.execute(_CALLS, {"ids": task_ids}).all()
            finished = [row.id for row in rows if row.outcome == Outcome.SUCCEEDED]
            stored: Any = connection.execute(_HOME, {"ids": finished}).all() if finished else ()
        home: dict[str, list[int]] = defaultdict(list)
        for call, position in stored:
            home[call].append(position)
        for row in rows:
            found[row.task_id] = _with(found.get(row.task_id, Calls()), row, home[row.id])
        return found

    def failed_of_batch(self, batch_id: str) -> Failed:
        """What `TaskStore.retry_failed` would ask for again, at today's price."""
        return self._failed(col(Task.batch_id) == batch_id)

    def failed_of(self, task_ids: Sequence[str]) -> Failed:
        """The same of these tasks."""
        return self._failed(col(Task.id).in_(task_ids))

    def _failed(self, which: ColumnElement[bool]) -> Failed:
        with self._db.look() as connection:
            found = left(connection, which, today=self._clock().date())
        offered = [one for one in found.values() if one.offered]
        known = [one.price_micro for one in offered if one.price_micro is not None]
        total = sum(known) if len(known) == len(offered) else None
        return Failed(len(offered), total, sum(one.doubtful for one in offered), tuple(found))

    def stand_ins(self, task_ids: Sequence[str]) -> dict[str, str | None]:
        """By task, the try that stands for the same wish now, where that is another: it offers what is left to do.

        None where that is a picture which was deleted: nothing is left to do but to bring it back.
        """
        if not task_ids:
            return {}
        with self._db.look() as connection:
            return stand_ins(connection, task_ids)

    def practised(self, task_ids: Sequence[str]) -> dict[str, bool]:
        """Of each task whether it was practice; one that was never sent is left out."""
        with self._db.look() as connection:
            return by_task(connection, task_ids)

    def inputs(self, task_ids: Sequence[str]) -> dict[str, tuple[StoredImage, ...]]:
        """The references of each task, by position; tasks without any are left out."""
        if not task_ids:
            return {}
        found: dict[str, tuple[StoredImage, ...]] = {}
        mine = select(Artifact).where(col(Artifact.task_id).in_(task_ids), Artifact.role == "input")
        with self._db.read() as session:
            for row in session.exec(mine.order_by(col(Artifact.position))):
                found[row.task_id] = (*found.get(row.task_id, ()), stored_image(row))
        return found

    def ended(self, person: str, since: int) -> dict[int, str]:
        """Tasks of this person that have succeeded or failed, by the number of the event, all of them after `since`.

        However many: who is told goes on from the newest news, so what is left out here would never be told.
        """
        with self._db.look() as connection:
            rows = connection.execute(_ENDED, {"person": person, "since": since}).all()
        return {int(number): str(task_id) for number, task_id in rows}

    def count(self, statuses: Sequence[TaskStatus] | None = None) -> int:
        """How many tasks there are in these statuses, or in all; `COUNTED + 1` stands for more than `COUNTED`."""
        mine = [col(Task.status).in_(statuses)] if statuses is not None else []
        some = sa.select(col(Task.seq)).where(*mine, NOT_DELETED).limit(COUNTED + 1).subquery()
        with self._db.read() as session:
            return session.exec(select(sa.func.count()).select_from(some)).one()


def _with(known: Calls, row: sa.Row[Any], home: Sequence[int]) -> Calls:
    """What one more call adds; `home` are the positions of it that are stored."""
    missing = len(not_on_record(row.outputs, home)) if row.outcome == Outcome.SUCCEEDED else 0
    awaited = row.outcome in OPEN or row.poll_at is not None
    return replace(
        known,
        doubtful=known.doubtful or row.outcome == Outcome.UNKNOWN,
        askable=known.askable or (awaited and (row.provider_task_id or row.named_as) is not None),
        open_since=row.started_at if row.outcome in OPEN else known.open_since,
        missing=known.missing + missing,
        fetching=known.fetching or (missing > 0 and row.fetch_at is not None),
    )
