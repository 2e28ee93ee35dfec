"""Batches as one: how each stands, what it has cost of its cap, and its last pictures. It changes nothing.

Only those that were looked through before they started have a row; what is counted are their tasks, one step into the
index of `batch_id`. Deleted tasks count as part of what was asked for, and for the money that they have cost.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlmodel import col

from data import wish
from data.causes import REFUSED
from data.db import Database
from data.history import COLUMNS, Card, cards
from data.practice import practised
from data.schema import NOT_DELETED, Batch, Submission, Task
from data.status import ACTIVE, TaskStatus
from data.walks import table

LAST = 6
"""Pictures that are shown of each."""


@dataclass(frozen=True)
class Standing:
    """How a batch stands. Money in micro-credits; `seq` is the newest task's."""

    id: str
    person: str
    name: str
    size: int
    cap_micro: int | None
    created_at: datetime
    seq: int
    counts: Mapping[TaskStatus, int]
    of_retries: bool = False  # it asks again for what failed in another
    again: int = 0  # of the failed, those that were tried again
    causes: Mapping[str, int] = field(default_factory=dict)  # of the other failed: how many by which cause
    estimate_micro: int | None = None  # of all; None where a price is unknown
    spent_micro: int = 0
    held_micro: int = 0  # may still be spent
    practised: bool | None = None  # None: nothing of it was sent
    models: tuple[str, ...] = ()  # of what is under way
    last: tuple[Card, ...] = field(default=())  # with their pictures, the newest first

    def count(self, *statuses: TaskStatus) -> int:
        """How many tasks are in any of these."""
        return sum(self.counts.get(status, 0) for status in statuses)

    @property
    def active(self) -> int:
        """How many are under way."""
        return self.count(*ACTIVE)

    @property
    def refused(self) -> int:
        """How many the provider said no to, of those that were not tried again."""
        return sum(many for cause, many in self.causes.items() if cause in REFUSED)

    @property
    def superseded(self) -> bool:
        """Whether all that it asked for again has come to nothing and is asked for by a later one."""
        return self.of_retries and 0 < self.again == sum(self.counts.values())


def _recent() -> sa.Select[Any]:
    task, batch, me = table(Task), table(Batch), sa.bindparam("person", type_=sa.String)
    going = sa.select(task.c.batch_id).where(task.c.person == me, task.c.status.in_(ACTIVE)).distinct().subquery()
    newest = sa.select(batch.c.id).where(batch.c.person == me).order_by(batch.c.id.desc())
    wanted = batch.c.id.in_(sa.select(going.c.batch_id))
    wanted |= batch.c.id.in_(newest.limit(sa.bindparam("ended", type_=sa.Integer)))
    return sa.select(batch).where(batch.c.person == me, wanted)


_RECENT = _recent()
"""Written once: an open page asks at every move of a task, and writing a statement takes longer than running it."""


class Batches:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def recent(self, person: str, *, ended: int = 3) -> tuple[Standing, ...]:
        """This person's: all with something under way, and of the newest `ended` those that stand; the newest first."""
        with self._db.look() as connection:
            rows = connection.execute(_RECENT, {"person": person, "ended": ended}).all()
            found = [standing for row in rows if (standing := _standing(connection, row)) is not None]
        found = [standing for standing in found if not standing.superseded]
        return tuple(sorted(found, key=lambda each: -each.seq))


_TRIED_AGAIN: Any = (
    sa.select(col(Task.error_code), sa.func.count())
    .where(col(Task.seq).in_(wish.tried_again(col(Task.batch_id) == sa.bindparam("batch"))))
    .group_by(col(Task.error_code))
)
"""Written once, as _RECENT."""
_SENT = sa.select(col(Task.id)).where(col(Task.batch_id) == sa.bindparam("batch"), col(Task.attempts) > 0).limit(1)
_ACCOUNT = sa.select(col(Submission.account)).where(col(Submission.task_id) == _SENT.scalar_subquery()).limit(1)
"""Of any call: they are all of one mode, for where the desk changes to the other, what waits is cancelled.

Written once, as _RECENT.
"""


def _standing(connection: Connection, row: sa.Row[Any]) -> Standing | None:
    """None where nothing of it is left to see."""
    own = (col(Task.batch_id) == row.id, NOT_DELETED)
    of = (col(Task.status), col(Task.error_code), col(Task.model))
    sums = (
        sa.func.count().label("many"), sa.func.max(col(Task.seq)).label("seq"),
        sa.func.sum(col(Task.estimate_micro)).label("estimate"),
        sa.func.count(col(Task.estimate_micro)).label("priced"),
    )  # fmt: skip
    groups = connection.execute(sa.select(*of, *sums).where(*own).group_by(*of)).all()
    if not groups:
        return None
    counts: Counter[TaskStatus] = Counter()
    for group in groups:
        counts[group.status] += group.many
    again: dict[str | None, int] = {}
    if counts[TaskStatus.FAILED]:
        again = dict(connection.execute(_TRIED_AGAIN, {"batch": row.id}).all())
    causes: Counter[str] = Counter()
    for group in groups:
        if group.status == TaskStatus.FAILED:
            causes[group.error_code or ""] += group.many
    causes.subtract({cause or "": many for cause, many in again.items()})
    priced = all(group.priced == group.many for group in groups)
    money = sa.select(sa.func.sum(col(Task.booked_micro)), sa.func.sum(col(Task.reserved_micro)))
    account = connection.execute(_ACCOUNT, {"batch": row.id}).scalar()
    spent, held = connection.execute(money.where(col(Task.batch_id) == row.id)).one()  # deleted or not, it was paid
    return Standing(
        row.id, row.person, row.name, row.size, row.cap_micro, row.created_at,
        seq=max(group.seq for group in groups),
        counts=dict(counts),
        of_retries=row.origin == "retry",
        again=sum(again.values()),
        causes=+causes,
        estimate_micro=int(sum(group.estimate for group in groups)) if priced else None,
        spent_micro=int(spent),
        held_micro=int(held),
        practised=practised([account]) if account is not None else None,
        models=tuple(sorted({group.model for group in groups if group.status in ACTIVE})),
        last=_last(connection, own),
    )  # fmt: skip


def _last(connection: Connection, own: Sequence[sa.ColumnElement[bool]]) -> tuple[Card, ...]:
    done = sa.select(*COLUMNS).where(*own, col(Task.status) == TaskStatus.SUCCEEDED)
    rows = connection.execute(done.order_by(col(Task.finished_at).desc(), col(Task.seq).desc()).limit(LAST)).all()
    return cards(connection, rows)
