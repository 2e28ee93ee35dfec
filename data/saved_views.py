"""Queries that a person keeps under a name, as text: one preference each, so that two tabs do not undo each other."""

import sqlalchemy as sa
from sqlmodel import col, select

from data.db import Database, upsert
from data.errors import NotAllowed
from data.query import Query, plain
from data.query_reading import read
from data.schema import Preference
from data.sentences import Sentence

_PREFIX = "view:"
LONGEST_NAME = 60
"""Characters."""


class SavedViews:
    """The views of each person."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def all(self, person: str) -> dict[str, Query]:
        """Their views by name, in the order of the names."""
        mine = (Preference.person == person, col(Preference.name).startswith(_PREFIX, autoescape=True))
        with self._db.read() as session:
            rows = session.exec(select(Preference.name, Preference.value).where(*mine)).all()
        return {name.removeprefix(_PREFIX): read(str(text)).query for name, text in sorted(rows)}

    def save(self, person: str, name: str, query: Query) -> str:
        """Keeps it, in place of one of the same name; gives the name as it is kept. Raises NotAllowed."""
        name = plain(name)
        if not 0 < len(name) <= LONGEST_NAME:
            raise NotAllowed(
                Sentence("The name of a view has 1 to {most} characters. Nothing was saved.", most=LONGEST_NAME)
            )
        row = {"person": person, "name": _PREFIX + name, "value": query.text}
        with self._db.transaction() as session:
            upsert(session, Preference, row, keys=("person", "name"))
        return name

    def forget(self, person: str, name: str) -> None:
        """Lets it go; one that is not there is gone already."""
        mine = (col(Preference.person) == person, col(Preference.name) == _PREFIX + plain(name))
        with self._db.transaction() as session:
            session.connection().execute(sa.delete(Preference).where(*mine))
