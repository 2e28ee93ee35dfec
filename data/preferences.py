"""What a person's screens remember between visits; never a secret."""

from typing import Any

from sqlmodel import select

from data.db import Database, upsert
from data.schema import Preference


class Preferences:
    """Small JSON values by person and name."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def all(self, person: str) -> dict[str, Any]:
        """Everything remembered for this person."""
        with self._db.read() as session:
            rows = session.exec(select(Preference).where(Preference.person == person))
            return {row.name: row.value for row in rows}

    def everybodys(self, name: str) -> dict[str, Any]:
        """One of the values, by person; who has none is left out."""
        with self._db.read() as session:
            rows = session.exec(select(Preference).where(Preference.name == name))
            return {row.person: row.value for row in rows}

    def remember(self, person: str, **values: Any) -> None:
        """Keeps the values, each JSON."""
        with self._db.transaction() as session:
            for name, value in values.items():
                row = {"person": person, "name": name, "value": value}
                upsert(session, Preference, row, keys=("person", "name"))
