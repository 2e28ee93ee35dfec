"""The queue as a whole: how many wait, and when the last of them will have been sent."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlmodel import col

from data.schema import Gate, Submission, Task, UTCDateTime
from data.status import TaskStatus


@dataclass(frozen=True)
class Outlook:
    """How many wait, and in how many seconds the last of them will have been sent."""

    waiting: int
    seconds: float


_WAITING = sa.select(sa.func.count()).select_from(Task).where(col(Task.status) == TaskStatus.QUEUED)
_SINCE: Any = sa.bindparam("since", type_=UTCDateTime())
_NOW: Any = sa.bindparam("now", type_=UTCDateTime())
_STARTED = sa.select(sa.func.count()).select_from(Submission).where(
    col(Submission.account).in_(sa.select(col(Gate.account))),  # so that the index by account serves
    col(Submission.started_at) > _SINCE, col(Submission.started_at) <= _NOW,
)  # fmt: skip
_PAUSED = sa.select(sa.func.max(col(Gate.paused_until)))
_ALL = sa.select(*(each.scalar_subquery() for each in (_WAITING, _STARTED, _PAUSED)))
_OF_MINE = sa.select(col(Task.seq)).where(col(Task.id) == sa.bindparam("id", type_=sa.String)).scalar_subquery()
_AHEAD = _WAITING.where(col(Task.seq) < _OF_MINE)


def outlook(connection: Connection, now: datetime, *, creates: int, window: timedelta, more: int = 0) -> Outlook:
    """As `History.outlook` says."""
    waiting, started, paused = connection.execute(_ALL, {"since": now - window, "now": now}).one()
    waiting += more
    beyond = max(0, waiting - max(0, creates - started))
    pause = max((paused - now).total_seconds(), 0.0) if paused is not None else 0.0
    return Outlook(waiting, pause + math.ceil(beyond / creates) * window.total_seconds())


def place(connection: Connection, task_id: str) -> int:
    """As `History.place_in_queue` says."""
    return int(connection.execute(_AHEAD, {"id": task_id}).scalar_one()) + 1
