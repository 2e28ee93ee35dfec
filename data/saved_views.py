"""Queries that a person keeps under a name, as text: one preference each, so that two tabs do not undo each other."""

import sqlalchemy as sa
from sqlmodel import col, select

from data.db import Database, upsert
from data.errors import NotAllowed, NotFound
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
        name = view_name(name)
        row = {"person": person, "name": _PREFIX + name, "value": query.text}
        with self._db.transaction() as session:
            upsert(session, Preference, row, keys=("person", "name"))
        return name

    def rename(self, person: str, name: str, to: str) -> str:
        """Keeps a view under another name; gives that as it is kept. Raises NotAllowed, NotFound."""
        to = view_name(to)
        if to == name:
            return name
        mine = col(Preference.person) == person
        with self._db.transaction() as session:
            taken = select(Preference.name).where(mine, col(Preference.name) == _PREFIX + to)
            if session.exec(taken).first() is not None:
                raise NotAllowed(Sentence("Another of your views has this name. Nothing was changed."))
            renamed = sa.update(Preference).where(mine, col(Preference.name) == _PREFIX + name)
            if not session.connection().execute(renamed.values(name=_PREFIX + to)).rowcount:
                raise NotFound(Sentence("There is no view of this name any more."))
        return to

    def forget(self, person: str, name: str) -> None:
        """Lets it go; one that is not there is gone already."""
        mine = (col(Preference.person) == person, col(Preference.name) == _PREFIX + plain(name))
        with self._db.transaction() as session:
            session.connection().execute(sa.delete(Preference).where(*mine))


def view_name(name: str) -> str:
    """As it is kept. Raises NotAllowed."""
    name = plain(name)
    if not 0 < len(name) <= LONGEST_NAME:
        raise NotAllowed(
            Sentence("The name of a view has 1 to {most} characters. Nothing was saved.", most=LONGEST_NAME)
        )
    return name
