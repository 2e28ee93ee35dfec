"""History by query: pages, counts and neighbours, each at a cost that does not grow with the number of tasks.

Deleted tasks are nowhere. A star is its owner's alone, so every read is told who looks (`viewer`). It changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Select

from data import fulltext
from data.days import first_since, midnight
from data.db import Database
from data.filters import narrowed
from data.history import Page, cards
from data.projects import NAMES
from data.query import Choice, Query, Word
from data.query_reading import Names, Reading, read
from data.schema import NOT_DELETED, Artifact, Tag, Task
from data.spelling import nearest
from data.walks import Narrowed, table
from data.ways import walked

COUNTED = 1000
"""Beyond this many nobody counts on; `COUNTED + 1` stands for more."""
SELECTED = 5000
"""Most tasks that are chosen at once."""


@dataclass(frozen=True)
class Neighbours:
    """The ids of the tasks beside one in a list, None at its ends."""

    newer: str | None
    older: str | None


@dataclass(frozen=True)
class Hides:
    """The filter (of `query.PARTS`) that hides the most, and how many would be there without it."""

    part: str
    count: int


@dataclass(frozen=True)
class Spent:
    """What a task has cost. `perhaps`: a call for it may have been charged beside that."""

    charged_micro: int
    perhaps: bool


class Search:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def read(self, text: str) -> Reading:
        """The query that a person typed. Costs nothing where it names nobody and nothing."""
        plain = read(text)
        said = plain.query
        named = said.model or said.by or said.tag or said.cause or said.project
        return read(text, self.names()) if named else plain

    def names(self) -> Names:
        """Who asked for anything, of which models, for which projects, and which tags there are: what can be chosen."""
        with self._db.look() as connection:
            people = _different(connection, table(Task).c.person, NOT_DELETED)
            models = _different(connection, table(Task).c.model, NOT_DELETED)
            projects = dict(connection.execute(NAMES).all())
            return Names(people, models, _different(connection, table(Tag).c.name), projects)

    def page(
        self, query: Query, viewer: str, *, before: int | None = None, after: int | None = None,
        top: int | None = None, limit: int = 60,
    ) -> Page:  # fmt: skip
        """The first cards of the list, or those just after `before` in it, or just before `after`: both a `Card.seq`.

        The names are those of the list that has the newest first: onward is older. `top`: nothing newer is in the list.
        """
        shown = () if top is None else ("shown",)
        way = ("newer",) if after is not None else ("older",) if before is not None else ()
        edge = after if after is not None else before
        with self._db.look() as connection:
            found = self._narrowed(connection, query, viewer)
            rows = _run(connection, found.rows("card", *way, *shown, limit=limit + 1), edge, top).all()
            more, rows = len(rows) > limit, rows[:limit]
            if after is not None:
                rows = rows[::-1]
            if not rows:
                return Page((), None, None)
            first, last = rows[0].seq, rows[-1].seq
            back, onward = ("newer", *shown), ("older", *shown)
            if after is not None:
                newer, older = more, _exists(connection, found, onward, last, top)
            else:
                newer, older = before is not None and _exists(connection, found, back, first, top), more
            return Page(cards(connection, rows), last if older else None, first if newer else None)

    def count(self, query: Query, viewer: str) -> int:
        """How many there are, up to `COUNTED + 1`."""
        with self._db.look() as connection:
            found = self._narrowed(connection, replace(query, sort=""), viewer)
            return int(_run(connection, found.count(most=COUNTED)).scalar_one())

    def newer(self, query: Query, viewer: str, than: int, *, most: int = 99) -> int:
        """How many have come since a list was read whose newest task had the `seq` `than`; up to `most + 1`."""
        with self._db.look() as connection:
            found = self._narrowed(connection, replace(query, sort=""), viewer)
            return int(_run(connection, found.count("newer", most=most), than).scalar_one())

    def newest(self, query: Query, viewer: str) -> int:
        """The `seq` of the newest of them, in whatever order they are listed; 0 where there is none."""
        with self._db.look() as connection:
            found = self._narrowed(connection, replace(query, sort=""), viewer)
            return _run(connection, found.rows("seq", limit=1)).scalar() or 0

    def neighbours(self, query: Query, viewer: str, seq: int, *, top: int | None = None) -> Neighbours:
        """What stands beside the task in this list. `top`: the newest that the list shows; nothing newer counts."""
        shown = () if top is None else ("shown",)
        with self._db.look() as connection:
            found = self._narrowed(connection, query, viewer)
            newer, older = _run(connection, found.beside(*shown), seq, top).one()
            return Neighbours(newer, older)

    def hides_most(self, query: Query, viewer: str) -> Hides | None:
        """For a list that is empty: the one filter without which it would hold the most; None if no single one."""
        counts = [Hides(part, self.count(query.lacking(part), viewer)) for part in query.parts]
        best = max(counts, key=lambda each: each.count, default=None)
        return best if best is not None and best.count else None

    def meant(self, query: Query, viewer: str) -> Query | None:
        """For a list that is empty: the same with each word that nobody wrote as somebody did, if that finds any."""
        words = list(query.words)
        for place, word in enumerate(query.words):
            if not self.count(Query(words=(word,)), viewer):
                with self._db.look() as connection:
                    near = nearest(connection, fulltext.split(word.text))
                words[place] = Word(near, word.exact) if near else word
        other = replace(query, words=tuple(words))
        return other if other != query and self.count(other, viewer) else None

    def ids(self, query: Query, viewer: str, *, top: int | None = None, limit: int = SELECTED) -> tuple[str, ...]:
        """The ids of the first `limit` tasks; none newer than `top`, so that nobody chooses what they did not see."""
        shown = () if top is None else ("shown",)
        with self._db.look() as connection:
            wanted = self._narrowed(connection, query, viewer).rows("id", *shown, limit=limit)
            return tuple(_run(connection, wanted, None, top).scalars())

    def causes(
        self, query: Query, viewer: str, *, top: int | None = None, limit: int = SELECTED
    ) -> dict[str, dict[str, Spent]]:
        """The newest `limit` of these tasks that have failed, by the code of the cause ("" where none is) and by id.

        Newest first, each with what it has cost.
        """
        failed = replace(query, status=Choice(("failed",)), sort="")
        shown = () if top is None else ("shown",)
        found: dict[str, dict[str, Spent]] = {}
        with self._db.look() as connection:
            wanted = self._narrowed(connection, failed, viewer).rows("cause", *shown, limit=limit)
            for task_id, code, charged, booked in _run(connection, wanted, None, top):
                found.setdefault(code or "", {})[task_id] = Spent(charged, perhaps=booked > charged)
        return found

    def weight(self, task_ids: Sequence[str]) -> int:
        """Bytes of all pictures and videos of these tasks."""
        own = table(Artifact).c
        mine = sa.select(sa.func.coalesce(sa.func.sum(own.size), 0)).where(own.task_id.in_(task_ids))
        with self._db.look() as connection:
            return int(connection.execute(mine.where(own.role == "output")).scalar_one())

    def since(self, day: date) -> int | None:
        """The sort key of the first task that was asked for on that day (UTC) or later; None where there is none."""
        with self._db.look() as connection:
            found: int | None = connection.execute(sa.select(first_since(midnight(day)))).scalar_one()
            return found

    def began(self) -> date | None:
        """The day (UTC) of the first task of all; None where there is none."""
        own = table(Task).c
        with self._db.look() as connection:
            first = connection.execute(sa.select(own.created_at).order_by(own.created_at).limit(1)).scalar()
            return first.date() if first is not None else None

    def _narrowed(self, connection: Connection, query: Query, viewer: str) -> Narrowed:
        return walked(connection, query, viewer) if self._db.is_sqlite else narrowed(query, viewer, sqlite=False)


def _run(connection: Connection, query: Select[Any], edge: int | None = None, top: int | None = None) -> Any:
    return connection.execute(query, {"edge": edge, "top": top})


def _exists(connection: Connection, found: Narrowed, more: tuple[str, ...], edge: int, top: int | None) -> bool:
    return _run(connection, found.rows("id", *more, limit=1), edge, top).first() is not None


def _different(connection: Connection, column: Any, *where: ColumnElement[bool]) -> tuple[str, ...]:
    """The different values, one step along the index for each: reading all rows for them would take seconds."""
    first = sa.select(sa.func.min(column).label("value")).where(*where).cte("different", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > first.c.value, *where).scalar_subquery()
    every = first.union_all(sa.select(following.correlate(first)).where(first.c.value.is_not(None)))
    found: Sequence[str] = connection.execute(
        sa.select(every.c.value).where(every.c.value.is_not(None))
    ).scalars().all()  # fmt: skip
    return tuple(found)
