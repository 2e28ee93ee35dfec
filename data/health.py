"""Each part's last word about itself: written by the server, read by the screens.

A screen that wants a fresh word asks for it here; the two rooms meet only in the database.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from data.db import Database, insert_new, upsert
from data.schema import Health
from data.sentences import Sentence

_ALL = select(Health)
"""Written once: every open page asks at each move of a task."""


class HealthBoard:
    """Lamps by name: `server`, `storage`, `webhook`, `provider:<account>`."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC."""
        self._db = db
        self._clock = clock or db.now

    def report(self, name: str, *, ok: bool, message: str, data: Mapping[str, Any] | None = None) -> None:
        """Says how a part is; answers whatever look was asked for."""
        with self._db.transaction() as session:
            row = {"name": name, "ok": ok, "message": message, "at": self._clock(), "data": dict(data or {})}
            upsert(session, Health, row | {"requested_at": None}, keys=("name",))

    def ask(self, name: str) -> None:
        """Asks the server for a fresh look at a part."""
        with self._db.transaction() as session:
            now = self._clock()
            unseen = {"ok": False, "message": Sentence("Not looked at yet."), "at": now, "data": {}}
            insert_new(session, Health, {"name": name} | unseen)
            session.execute(update(Health).where(col(Health.name) == name).values(requested_at=now))

    def asked(self) -> set[str]:
        """The parts that somebody wants looked at now."""
        with self._db.read() as session:
            return set(session.exec(select(Health.name).where(col(Health.requested_at).is_not(None))))

    def all(self) -> dict[str, Health]:
        """Every lamp by name."""
        with self._db.read() as session:
            return {row.name: row for row in session.exec(_ALL)}
