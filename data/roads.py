"""Tasks that wait for a road nobody has connected: their cause is noted, and forgotten when the key is there again.

It knows no provider: which (provider, family) pairs are served, its caller says.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, tuple_, update
from sqlmodel import col, select

from data.db import Database
from data.pace import Serves
from data.schema import Task
from data.status import TaskStatus

NO_ACCOUNT = "no_account"
EVERY = 60
"""Looks between two at all waiting tasks."""


@dataclass
class Roads:
    """For a server that serves these pairs as long as it runs."""

    db: Database
    serves: Serves
    _seen: int = 0  # no task up to here need be looked at again
    _newest: int = 0
    _looks: int = 0

    def note(self) -> bool:
        """Says of each waiting task whether anybody can send it; True where that has changed of one.

        All are looked at now and then, and between only new ones: which pairs are served stays as it is. The last
        look's are looked at again, because rows may be committed in another order than they are numbered.
        """
        if self._looks % EVERY == 0:
            self._seen = self._newest = 0
        self._looks += 1
        with self.db.read() as session:
            newest = session.exec(select(func.max(Task.seq))).one() or 0
        changed = note_unserved(self.db, self.serves, after=self._seen) if newest > self._seen else False
        self._seen, self._newest = self._newest, newest
        return changed


def note_unserved(db: Database, serves: Serves, *, after: int = 0) -> bool:
    """The same once, for tasks above a number."""
    served = tuple_(col(Task.provider), col(Task.family)).in_(list(serves))
    queued = and_(col(Task.status) == TaskStatus.QUEUED, col(Task.seq) > after)
    known = func.coalesce(Task.error_code, "")
    changes: tuple[tuple[ColumnElement[bool], str | None], ...] = (
        (and_(queued, ~served, known == ""), NO_ACCOUNT),
        (and_(queued, served, known == NO_ACCOUNT), None),
    )
    with db.read() as session:
        if not any(session.exec(select(Task.seq).where(where).limit(1)).first() for where, _ in changes):
            return False
    with db.transaction() as session:
        run = session.connection().execute
        changed = [run(update(Task).where(where).values(error_code=code)).rowcount for where, code in changes]
    return any(changed)
