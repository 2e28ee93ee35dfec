"""Whose tasks have moved since the last look: what open screens are told, so that they draw anew.

Every change of a task writes a `TaskEvent` in its own transaction, so the events' numbers are the revision of it all.
A picture that a form waits for (`linked.py`) is no task: its person alone is told once it is settled, and it has no
number. It knows no screen and no socket.
"""

from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlmodel import col

from data.db import Database
from data.links import EVERYBODY
from data.schema import LinkedPicture, Task, TaskEvent, UTCDateTime

_NUMBER = cast("Mapped[int]", col(TaskEvent.id))  # of a row that is there it is never None
AT_ONCE = 500
_MARGIN = 200
"""PostgreSQL gives numbers out before the commit, so a lower one may appear later: so far back is looked again."""

_NEWEST = sa.select(_NUMBER).order_by(_NUMBER.desc()).limit(_MARGIN)
_SINCE: Any = sa.bindparam("since", type_=sa.BigInteger)
_LATER = (
    sa.select(_NUMBER, col(TaskEvent.task_id))
    .where(_SINCE < _NUMBER).order_by(_NUMBER).limit(AT_ONCE)
)  # fmt: skip
_FRESH = timedelta(minutes=1)
"""Longer than a settled picture takes to be seen here; beyond it, what waits for one asks by itself."""
_SETTLED = sa.select(col(LinkedPicture.id), col(LinkedPicture.person)).where(
    col(LinkedPicture.settled_at) > sa.bindparam("since", type_=UTCDateTime())
)
_PEOPLE = sa.select(col(Task.person)).distinct().where(col(Task.id).in_(sa.bindparam("moved", expanding=True)))


class News:
    """Remembers what it has told; used by one thread at a time. What was there before the first look is no news."""

    def __init__(self, db: Database) -> None:
        """Asks the database nothing yet."""
        self._db = db
        self._margin = 0 if db.is_sqlite else _MARGIN
        self._told: frozenset[int] | None = None
        self._settled: frozenset[str] = frozenset()
        self.revision = 0
        """The highest number that was seen; 0 before the first event."""

    def skip(self) -> None:
        """What was there before the next look is no news."""
        self._told = None

    def take(self) -> frozenset[str]:
        """Whom to tell what has moved since the last call, of at most AT_ONCE events; empty: no more.

        The people whose it is, and EVERYBODY where a task is among it.
        """
        since = self._db.now() - _FRESH
        with self._db.look() as connection:
            settled = connection.execute(_SETTLED, {"since": since}).all()
            waited = frozenset(person for link_id, person in settled if link_id not in self._settled)
            self._settled = frozenset(link_id for link_id, _ in settled)
            if self._told is None:
                self._remember(list(connection.execute(_NEWEST).scalars()))
                return frozenset()
            rows = connection.execute(_LATER, {"since": self.revision - self._margin}).all()
            moved = [task_id for number, task_id in rows if number not in self._told]
            self._remember([number for number, _ in rows])
            if not moved:
                return waited
            return waited.union([EVERYBODY], connection.execute(_PEOPLE, {"moved": moved}).scalars())

    def _remember(self, numbers: list[int]) -> None:
        self.revision = max(numbers, default=self.revision)
        self._told = frozenset(n for n in (*(self._told or ()), *numbers) if n > self.revision - self._margin)
