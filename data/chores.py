"""Regular duties that one process at a time does for all: who may begin is decided by one guarded UPDATE of a row.

It knows when a duty is due and who has it, never what it does. A worker that dies leaves a lease that runs out, and the
report it last kept, so that the next one goes on from there.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import col, select

from data.db import Database, insert_new
from data.deadlines import AHEAD
from data.schema import Chore

HOUSEKEEPING = "housekeeping"
COMPARISON = "comparison"


class Chores:
    """Duties by name. The object that claimed a duty is the one that may keep and end it."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now
        self._leases: dict[str, datetime] = {}  # what we wrote: nobody else can have written the same moment

    def claim(
        self, name: str, every: timedelta, lease: timedelta, *, first: datetime | None = None, early: bool = False
    ) -> bool:
        """Takes the duty if it is due and nobody has it. Costs one small read while it is not.

        A duty that was never seen is due at `first`, by default now; `early` takes one that is not due yet. Due times
        further ahead than `every`, and leases longer than `lease`, were written before a clock was set back: they
        count as passed.
        """
        if not early and not self._is_free(name, every, lease):
            return False
        with self._db.transaction() as session:
            now = self._clock()
            insert_new(session, Chore, {"name": name, "due_at": first or now, "report": {}})
            free, due = _free(now, every, lease)
            take = update(Chore).where(col(Chore.name) == name, free, *(() if early else (due,)))
            if session.connection().execute(take.values(lease_until=now + lease)).rowcount == 0:
                return False
            self._leases[name] = now + lease
            return True

    def keep(self, name: str, lease: timedelta, *, report: Mapping[str, Any] | None = None) -> bool:
        """Still at it: prolongs the lease; `report` keeps how far it is. False where another has taken over."""
        until = self._clock() + lease
        kept = self._write(name, {"lease_until": until} | ({} if report is None else {"report": dict(report)}))
        if kept:
            self._leases[name] = until
        return kept

    def done(self, name: str, report: Mapping[str, Any], next_due: datetime) -> bool:
        """Ends it and says when it is due again. False where another has taken over: then theirs is the word."""
        values = {"lease_until": None, "due_at": next_due, "ended_at": self._clock(), "report": dict(report)}
        ended = self._write(name, values)
        self._leases.pop(name, None)
        return ended

    def _write(self, name: str, values: Mapping[str, Any]) -> bool:
        """Only over our own lease: a worker that was stopped for an hour must not end what another has begun."""
        held = self._leases.get(name)
        if held is None:
            return False
        mine = (col(Chore.name) == name, col(Chore.lease_until) == held)
        with self._db.transaction() as session:
            return session.connection().execute(update(Chore).where(*mine).values(**values)).rowcount == 1

    def report(self, name: str) -> dict[str, Any]:
        """What the last run found and did; empty before the first."""
        row = self.row(name)
        return {} if row is None else row.report

    def row(self, name: str) -> Chore | None:
        """When it ended last, when it is due, and its report; None where it was never begun."""
        with self._db.read() as session:
            return session.exec(select(Chore).where(Chore.name == name)).one_or_none()

    def _is_free(self, name: str, every: timedelta, lease: timedelta) -> bool:
        now = self._clock()
        with self._db.read() as session:
            if session.exec(select(Chore.name).where(Chore.name == name)).first() is None:
                return True
            free = select(Chore.name).where(Chore.name == name, *_free(now, every, lease))
            return session.exec(free).first() is not None


def _free(now: datetime, every: timedelta, lease: timedelta) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Nobody has it; it is due."""
    until, due = col(Chore.lease_until), col(Chore.due_at)
    # AHEAD beyond the longest honest value: the clocks of two hosts may differ a little, and must not look set back.
    return (
        or_(until.is_(None), until <= now, until > now + lease + AHEAD),
        or_(due <= now, due > now + every + AHEAD),
    )
