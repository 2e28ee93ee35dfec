"""Statements over the tasks that a query leaves: pages, counts and neighbours, in the order of the list.

What the tasks are, and along which index they are walked, is said in `filters.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause, Select
from sqlmodel import col

from data import fulltext, history
from data.schema import Table, Task

LAST = 2**63 - 1
"""Beyond every sort key and every cost."""
EDGE: Any = sa.bindparam("edge", type_=sa.BigInteger)
TOP: Any = sa.bindparam("top", type_=sa.BigInteger)
"""Handed in when the statement runs: `edge`, beyond which a part of the list lies, onward ("older") or back ("newer"),
whatever its order; and `top`, the newest that was there when the list was read and above which nothing is "shown"."""
COLUMNS: dict[str, tuple[Any, ...]] = {
    "card": history.COLUMNS, "id": (col(Task.id),), "seq": (col(Task.seq),),
    "cause": (col(Task.id), col(Task.error_code), col(Task.charged_micro), col(Task.booked_micro)),
}  # fmt: skip
BOOKED = col(Task.booked_micro)
"""What the budgets count as spent for it: a charge that the provider did not name is not nothing."""
_OTHER: Any = sa.alias(Task.__table__, "edge_task")  # type: ignore[attr-defined]
_EDGE_COST = sa.func.coalesce(
    sa.select(_OTHER.c.booked_micro).where(_OTHER.c.seq == EDGE).scalar_subquery(), LAST
)  # of a task that is purged by now: the list begins anew


def table(of: type[Table]) -> Any:
    """The table of a class of `schema.py`, apart from the class."""
    return of.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Stretch:
    """A stretch of sort keys: from each `first` that may lie in it to each that lies `beyond` it."""

    first: tuple[Any, ...] = ()
    beyond: tuple[Any, ...] = ()

    def conditions(self, seq: Any, lower: Sequence[Any] = (), upper: Sequence[Any] = ()) -> list[ColumnElement[bool]]:
        """That `seq` lies in it, and within these other bounds of the same kind, which SQLite alone may be given.

        Of two bounds on one side SQLite begins its walk at either, and may read a month before it comes to the other.
        """
        lower, upper = [*lower, *self.first], [*upper, *self.beyond]
        above = [seq >= (sa.func.max(*lower) if len(lower) > 1 else lower[0])] if lower else []
        return above + ([seq < (sa.func.min(*upper) if len(upper) > 1 else upper[0])] if upper else [])


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The tasks that a query leaves: rows of `source`, in the order of `sort`, for which all of `where` holds."""

    source: FromClause
    seq: Any  # its column that is the task's sort key
    where: tuple[ColumnElement[bool], ...]
    branches: tuple[ColumnElement[bool], ...]  # and any of these, unless there are none
    hint: str  # to SQLite: how to come to the tasks
    without: tuple[fulltext.Wanted, ...] = ()  # and that hold none of these, where `where` does not say it
    sort: str = ""  # of query.SORTS
    within: Stretch = Stretch()  # in which they all lie, where `where` does not say it
    ties: bool = False  # SQLite walks the costs: what cost just as much as the edge has to be a walk of its own
    gathers: bool = False  # SQLite puts them in order itself: it must not carry whole rows about for that
    _kept: dict[Any, Any] = field(default_factory=dict)

    def rows(self, columns: str, *more: str, limit: int) -> Select[Any]:
        """Columns (of COLUMNS) of the first `limit` of these tasks; `more`: conditions on their sort key.

        With "newer" it is the last, last first. Made once for each query: writing a statement takes longer than
        running it.
        """
        key = (columns, more, limit)
        if key not in self._kept:
            self._kept[key] = self._rows(COLUMNS[columns], more, limit)
        found: Select[Any] = self._kept[key]
        return found

    def count(self, *more: str, most: int) -> Select[Any]:
        """How many there are, up to `most + 1`."""
        key = (more, most)
        if key not in self._kept:
            self._kept[key] = sa.select(sa.func.count()).select_from(self._seqs(more, most + 1).subquery())
        found: Select[Any] = self._kept[key]
        return found

    def beside(self, *more: str) -> Select[Any]:
        """The ids of the task before one in the list, and of the one after it, for which `more` holds."""
        key = ("beside", more)
        if key not in self._kept:
            both = (self.rows("id", "newer", *more, limit=1), self.rows("id", "older", *more, limit=1))
            self._kept[key] = sa.select(*(each.scalar_subquery() for each in both))
        found: Select[Any] = self._kept[key]
        return found

    def _rows(self, columns: Sequence[Any], more: Sequence[str], limit: int) -> Select[Any]:
        if self.gathers or len(self._apart(more)) > 1:
            own = table(Task).c.seq
            mine = sa.select(*columns).where(own.in_(sa.select(self._seqs(more, limit).subquery().c.seq)))
            return mine.order_by(*self._order(own, more))
        return self._walk(columns, self._apart(more), more, limit)

    def _apart(self, more: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
        """What is walked one after the other.

        Of `(booked_micro, seq) < (?, ?)` SQLite looks up the cost alone, and would read all that cost as much.
        """
        if not self.ties or not {"older", "newer"}.intersection(more):
            return self.branches
        if "newer" in more:
            return sa.and_(BOOKED == _EDGE_COST, self.seq > EDGE), BOOKED > _EDGE_COST
        return sa.and_(BOOKED == _EDGE_COST, self.seq < EDGE), BOOKED < _EDGE_COST

    def _seqs(self, more: Sequence[str], limit: int) -> Select[Any]:
        keys = [self.seq.label("seq")] + ([BOOKED.label("booked")] if self.sort == "cost" else [])
        walks = [self._walk(keys, [branch], more, limit) for branch in self._apart(more) or (sa.true(),)]
        if len(walks) == 1:
            return walks[0]
        found = sa.union(*(sa.select(*walk.subquery().c) for walk in walks)).subquery()
        return sa.select(found.c.seq).order_by(*self._order(found.c.seq, more, found.c.get("booked"))).limit(limit)

    def _walk(
        self, columns: Sequence[Any], also: Sequence[ColumnElement[bool]], more: Sequence[str], limit: int
    ) -> Select[Any]:
        edges = self._edges(more, self.seq) + self._lacks(tuple(more), limit)
        walk = sa.select(*columns).select_from(self.source).where(*self.where, *also, *edges)
        return walk.with_hint(table(Task), self.hint, "sqlite").order_by(*self._order(self.seq, more)).limit(limit)

    def _lacks(self, more: tuple[str, ...], limit: int) -> list[ColumnElement[bool]]:
        if not self.without:
            return []
        key = ("lacks", more, limit)  # once for all branches: they read the same hits
        if key not in self._kept:
            many = min(max(64, 8 * limit), 4000) * len(self.without)  # each has hits, and asking alone asks for each
            near = fulltext.Near(lambda seq: self._edges(more, seq), self._rises(more), many)
            self._kept[key] = fulltext.lacks(self.without, self.seq, near)
        return [self._kept[key]]

    def _rises(self, more: Sequence[str]) -> bool:
        """Whether the sort key grows on the way through the list: onward from the oldest, or back from the others."""
        return (self.sort == "oldest") != ("newer" in more)

    def _order(self, seq: Any, more: Sequence[str], cost: Any = BOOKED) -> list[Any]:
        keys = [cost, seq] if self.sort == "cost" else [seq]
        return keys if self._rises(more) else [key.desc() for key in keys]

    def _edges(self, more: Sequence[str], seq: Any) -> list[ColumnElement[bool]]:
        """What `more` says, and the stretch. Down from an edge that is shown itself, all is shown."""
        if self.sort == "cost":
            key, edge = sa.tuple_(BOOKED, seq), sa.tuple_(_EDGE_COST, EDGE)
            said = {"shown": seq <= TOP, "newer": key > edge, "older": key < edge}
            return [said[name] for name in more if name == "shown" or not self.ties]
        rises = self._rises(more)
        beside = "older" in more or "newer" in more
        shown = [TOP + 1] if "shown" in more and (rises or not beside) else []
        lower, upper = ([EDGE + 1], shown) if rises else ([], [EDGE])
        return self.within.conditions(seq, lower if beside else [], upper if beside else shown)
