"""Deleting with second thoughts: a deleted task is out of sight for 30 days, comes back as it was, and then is purged.

Only what has ended can be deleted, so a deleted task never spends: every way back into the queue asks for one that is
not deleted. And it loses nothing silently: while its files are being fetched it cannot be deleted, and a late picture
brings it back into sight (`moves.bring_back`). What goes for good after 30 days, `expired.py` says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from data.db import Database
from data.history import COLUMNS, Card, cards
from data.moves import log_each
from data.schema import Submission, Task
from data.status import TERMINAL

KEPT_FOR = timedelta(days=30)
MOST = 5000
"""Tasks in one act, and in the list of deleted ones."""


@dataclass(frozen=True)
class Removed:
    """What became of a wish to delete."""

    ids: tuple[str, ...]  # those that are deleted now and were not before: what Undo brings back
    under_way: int  # those that stay, because a picture is on its way


@dataclass(frozen=True)
class Deleted:
    """A deleted task, until when it can be brought back, and who deleted it."""

    card: Card
    until: datetime
    by: str


class Removal:
    """Deletes and brings back."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def delete(self, task_ids: Sequence[str], *, who: str) -> Removed:
        """Takes those out of sight that have ended and have no file still to come; a call in doubt is no hindrance."""
        fetching = sa.exists().where(col(Submission.task_id) == col(Task.id), col(Submission.fetch_at).is_not(None))
        with self._db.transaction() as session:
            mine = select(Task.id).where(col(Task.id).in_(task_ids[:MOST]), col(Task.deleted_at).is_(None))
            there = session.exec(mine.order_by(col(Task.seq)).with_for_update()).all()
            # Looked at again, now that they are locked: a call may have ended while we waited.
            ready = (col(Task.id).in_(there), col(Task.status).in_(TERMINAL), ~fetching)
            ids = session.exec(select(Task.id).where(*ready).order_by(col(Task.seq))).all()
            now = self._clock()
            values = {"deleted_at": now, "deleted_by": who}
            session.connection().execute(sa.update(Task).where(col(Task.id).in_(ids)).values(**values))
            log_each(session, ids, "deleted", now=now, who=who)
            return Removed(tuple(ids), len(there) - len(ids))

    def restore(self, task_ids: Sequence[str], *, who: str) -> int:
        """Brings back those that are deleted, as they were; gives how many."""
        with self._db.transaction() as session:
            now = self._clock()
            mine = (col(Task.id).in_(task_ids[:MOST]), col(Task.deleted_at) > now - KEPT_FOR)
            ids = session.exec(select(Task.id).where(*mine).order_by(col(Task.seq)).with_for_update()).all()
            values = {"deleted_at": None, "deleted_by": None}
            session.connection().execute(sa.update(Task).where(col(Task.id).in_(ids)).values(**values))
            log_each(session, ids, "restored", now=now, who=who)
            return len(ids)

    def deleted(self, *, before: int | None = None, limit: int = 60) -> tuple[Deleted, ...]:
        """What can be brought back, the last deleted first; beyond the task with the `seq` `before`, where it is given.

        Once that one is back, or gone for good, nothing is beyond it: the list begins anew.
        """
        when = col(Task.deleted_at)
        with self._db.read() as session:
            mine = sa.select(*COLUMNS).where(when > self._clock() - KEPT_FOR)
            if before is not None:
                other = aliased(Task)
                edge = sa.select(col(other.deleted_at)).where(col(other.seq) == before).scalar_subquery()
                mine = mine.where(sa.or_(when < edge, sa.and_(when == edge, col(Task.seq) < before)))
            newest = mine.order_by(when.desc(), col(Task.seq).desc()).limit(min(limit, MOST))
            rows = list(session.connection().execute(newest))
            those = sa.select(col(Task.id), when, col(Task.deleted_by))
            facts = session.connection().execute(those.where(col(Task.id).in_([row.id for row in rows])))
            told = {task_id: (at + KEPT_FOR, by or "") for task_id, at, by in facts if at is not None}
            return tuple(Deleted(card, *told[card.id]) for card in cards(session.connection(), rows))
