"""What a `Query` means in SQL: which table is walked, newest first, and what each of its rows must fulfil.

Every list walks one index downwards and stops when it has enough, so it costs the same with a million tasks. SQLite
keeps no statistics and would sometimes rather sort; so it is told which index to walk, and several people, models or
tags are walked one by one and put together (`branches`). PostgreSQL has statistics and is told nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause, Select
from sqlmodel import col

from data import fulltext, history
from data.query import ME, STATUSES, Choice, Query
from data.query_reading import model_ids
from data.schema import NOT_DELETED, Star, Table, Tag, Task
from data.status import TaskStatus

SLACK = timedelta(minutes=1)
"""`created_at` and `seq` grow together, but for so long: two hosts may commit in another order than they began."""
EDGE: Any = sa.bindparam("edge", type_=sa.BigInteger)
TOP: Any = sa.bindparam("top", type_=sa.BigInteger)
EDGES: dict[str, Any] = {
    "older": lambda seq: seq < EDGE, "newer": lambda seq: seq > EDGE, "shown": lambda seq: seq <= TOP,
}  # fmt: skip
"""Conditions on a sort key by name: beyond `edge` in one or the other direction, and not above `top`. Both are handed
in when the statement runs."""
COLUMNS: dict[str, tuple[Any, ...]] = {
    "card": history.COLUMNS, "id": (col(Task.id),),
    "cause": (col(Task.id), col(Task.error_code), col(Task.charged_micro), col(Task.booked_micro)),
}  # fmt: skip
_LAST = 2**63 - 1


def table(of: type[Table]) -> Any:
    """The table of a class of `schema.py`, apart from the class."""
    return of.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Narrowed:
    """The tasks that a query leaves: rows of `source`, in the order of `seq`, for which all of `where` holds."""

    source: FromClause
    seq: Any  # its column that is the task's sort key
    where: tuple[ColumnElement[bool], ...]
    branches: tuple[ColumnElement[bool], ...]  # and any of these, unless there are none
    hint: str  # to SQLite: how to come to the tasks
    without: tuple[fulltext.Wanted, ...] = ()  # and that hold none of these, where `where` does not say it
    _kept: dict[Any, Any] = field(default_factory=dict)

    def rows(self, columns: str, *more: str, limit: int) -> Select[Any]:
        """Columns (of COLUMNS) of the newest `limit` of these tasks; `more`: conditions (of EDGES) on their sort key.

        With "newer" it is the oldest, oldest first. Made once for each query: writing a statement takes longer than
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

    def beside(self, *upwards: str) -> Select[Any]:
        """The ids of the next newer task, for which `upwards` holds, and of the next older one."""
        key = ("beside", upwards)
        if key not in self._kept:
            both = (self.rows("id", *upwards, limit=1), self.rows("id", "older", limit=1))
            self._kept[key] = sa.select(*(each.scalar_subquery() for each in both))
        found: Select[Any] = self._kept[key]
        return found

    def _rows(self, columns: Sequence[Any], more: Sequence[str], limit: int) -> Select[Any]:
        if len(self.branches) > 1:
            own = table(Task).c.seq
            mine = sa.select(*columns).where(own.in_(sa.select(self._seqs(more, limit).subquery().c.seq)))
            return mine.order_by(_order(own, more))
        return self._walk(columns, self.branches, more, limit)

    def _seqs(self, more: Sequence[str], limit: int) -> Select[Any]:
        column = self.seq.label("seq")
        walks = [self._walk([column], [branch], more, limit) for branch in self.branches or (sa.true(),)]
        if len(walks) == 1:
            return walks[0]
        found = sa.union(*(sa.select(walk.subquery().c.seq) for walk in walks)).subquery()
        return sa.select(found.c.seq).order_by(_order(found.c.seq, more)).limit(limit)

    def _walk(
        self, columns: Sequence[Any], also: Sequence[ColumnElement[bool]], more: Sequence[str], limit: int
    ) -> Select[Any]:
        edges = [EDGES[name](self.seq) for name in more] + self._lacks(tuple(more), limit)
        walk = sa.select(*columns).select_from(self.source).where(*self.where, *also, *edges)
        return walk.with_hint(table(Task), self.hint, "sqlite").order_by(_order(self.seq, more)).limit(limit)

    def _lacks(self, more: tuple[str, ...], limit: int) -> list[ColumnElement[bool]]:
        if not self.without:
            return []
        key = ("lacks", more, limit)  # once for all branches: they read the same hits
        if key not in self._kept:
            many = min(max(64, 8 * limit), 4000)
            near = fulltext.Near(lambda seq: [EDGES[name](seq) for name in more], "newer" in more, many)
            self._kept[key] = fulltext.lacks(self.without, self.seq, near)
        return [self._kept[key]]


def _order(seq: Any, more: Sequence[str]) -> Any:
    return seq if "newer" in more else seq.desc()


def narrowed(query: Query, viewer: str, *, sqlite: bool, begun: tuple[str, ...] = ()) -> Narrowed:
    """What `query` leaves when `viewer` looks. `begun`: what `fulltext.begun` says of its last word."""
    if query.last is not None:  # today is another day tomorrow, so no statement may be kept with it
        since = datetime.now(UTC).date() - timedelta(days=query.last)
        query = replace(query, last=None, after=max(since, query.after or since))
    return _narrowed(query, viewer, (_models(query.model.of), _models(query.model.but)), begun, sqlite)


def last_word(query: Query) -> fulltext.Wanted | None:
    """The word that is still being typed, if it may go on."""
    words = _words(query)
    return words[-1] if words and words[-1].begins else None


def _models(names: Sequence[str]) -> tuple[str, ...]:
    """Looked up each time: the catalogue may change while we run."""
    return tuple(sorted({each for name in names for each in model_ids(name) or {name}}))


@lru_cache(maxsize=256)
def _narrowed(
    query: Query, viewer: str, by_model: tuple[tuple[str, ...], tuple[str, ...]], begun: tuple[str, ...], sqlite: bool
) -> Narrowed:
    task, (models, not_models) = table(Task), by_model
    source, seq, where, branches, rest = _source(query, viewer, begun, sqlite=sqlite)
    failed = ("failed",) if query.cause.of else ()  # it means the failed, to whom an index leads
    statuses = _statuses(query.status.of or failed)
    values = {"person": _people(query.by.of, viewer), "model": models, "status": statuses}
    walked = _walked(values) if source is task and not query.batch.of else ()
    if sqlite and _words(query) and not query.batch.of:
        where += _known(values, seq)
    if any(len(values[name]) > 1 for name in walked):
        branches = [task.c[walked[0]] == value for value in values.pop(walked[0])]
    where += [
        task.c[name].in_(some) if len(some) > 1 else task.c[name] == some[0] for name, some in values.items() if some
    ]
    others = {"person": _people(query.by.but, viewer), "model": not_models, "status": _statuses(query.status.but)}
    where += [task.c[name].not_in(some) for name, some in others.items() if some]
    where += [task.c.batch_id.not_in(query.batch.but)] if query.batch.but else []
    if not sqlite or query.batch.of:
        where += [~fulltext.holds(each, seq, sqlite=sqlite) for each in _without(query)]
    where += _marks(rest, seq, viewer) + _causes(query.cause) + _cost(query) + _days(query, seq)
    hint = f"INDEXED BY ix_task_{'_'.join(walked)}_seq" if walked else "NOT INDEXED"
    if query.batch.of:
        hint = "INDEXED BY ix_task_batch"
    without = tuple(_without(query)) if sqlite and not (_words(query) or query.batch.of) else ()
    return Narrowed(source, seq, (NOT_DELETED, *where), tuple(branches), hint, without)


def _source(
    query: Query, viewer: str, begun: tuple[str, ...], *, sqlite: bool
) -> tuple[Any, Any, list[ColumnElement[bool]], list[ColumnElement[bool]], Query]:
    """The table that is walked, its sort key, its conditions and branches; and what of the query is still to be met."""
    task, own = table(Task), table(Task).c.seq
    if query.batch.of:  # the fewest there can be, so that even a word is looked for among them
        held = [fulltext.holds(each, own, sqlite=sqlite) for each in _words(query)]
        return task, own, held, [task.c.batch_id == each for each in query.batch.of], query
    if words := _words(query):
        words[-1] = replace(words[-1], last_may_be=begun)
        index, seq = fulltext.index(sqlite=sqlite)
        where = [fulltext.matches(words, _without(query))] if sqlite else _stand(words)
        return index.join(task, own == seq), seq, where, [], query
    if query.star:
        stars = table(Star)
        joined = stars.join(task, own == stars.c.seq)
        return joined, stars.c.seq, [stars.c.person == viewer], [], replace(query, star=None)
    if query.tag.of:
        tags = table(Tag)
        joined, branches = tags.join(task, own == tags.c.seq), [tags.c.name == tag for tag in query.tag.of]
        return joined, tags.c.seq, [], branches, replace(query, tag=Choice(but=query.tag.but))
    return task, own, [], [], query


def _walked(values: dict[str, tuple[Any, ...]]) -> tuple[str, ...]:
    """The columns of the index that is walked; where one of them has several values, it is the only one.

    Nearly every task has succeeded: walking those among somebody's own would be the long way round.
    """
    named = [name for name, some in values.items() if some]
    if len(named) > 1 and TaskStatus.SUCCEEDED in values["status"]:
        named.remove("status")
    pair = tuple(named[:2])
    if pair in (("person", "model"), ("person", "status")) and all(len(values[name]) == 1 for name in pair):
        return pair
    single = next((name for name in named if len(values[name]) == 1), None)
    return (single,) if single is not None else tuple(named[:1])


def _known(values: dict[str, tuple[Any, ...]], seq: Any) -> list[ColumnElement[bool]]:
    """SQLite: that a hit is one of these tasks, by an index alone.

    The task's own row, of which most are read for nothing, lies anywhere in a large file: half to a third of the time
    with a person who has few of the hits.
    """
    walked = _walked(values)
    if not walked or TaskStatus.SUCCEEDED in values[walked[0]]:  # which is nearly every task
        return []
    own = table(Task).alias("own")
    mine = [own.c[name].in_(values[name]) for name in walked]
    known = sa.select(1).where(*mine, own.c.seq == seq, own.c.deleted_at.is_(None))
    return [known.with_hint(own, f"INDEXED BY ix_task_{'_'.join(walked)}_seq", "sqlite").exists()]


def _people(ids: Sequence[str], viewer: str) -> tuple[str, ...]:
    return tuple(sorted({viewer if person == ME else person for person in ids}))


def _statuses(words: Sequence[str]) -> tuple[TaskStatus, ...]:
    return tuple(sorted({status for word in words for status in STATUSES[word]}))


def _words(query: Query) -> list[fulltext.Wanted]:
    """The last word may be the beginning of one: it is still being typed."""
    last = len(query.words) - 1
    found = (
        fulltext.wanted(word.text, may_go_on=not word.exact and place == last) for place, word in enumerate(query.words)
    )
    return [each for each in found if each is not None]


def _without(query: Query) -> list[fulltext.Wanted]:
    return [each for word in query.without if (each := fulltext.wanted(word.text)) is not None]


def _stand(words: Sequence[fulltext.Wanted]) -> list[ColumnElement[bool]]:
    return [condition for each in words for condition in fulltext.stands(each)]


def _marks(query: Query, seq: Any, viewer: str) -> list[ColumnElement[bool]]:
    found = []
    if query.star is not None:
        mine = sa.exists().where(col(Star.person) == viewer, col(Star.seq) == seq)
        found.append(mine if query.star else ~mine)
    if query.tag.of:
        found.append(sa.or_(*(_tagged(tag, seq) for tag in query.tag.of)))
    return found + [~_tagged(tag, seq) for tag in query.tag.but]


def _tagged(tag: str, seq: Any) -> ColumnElement[bool]:
    other = table(Tag).alias()
    return sa.exists().where(other.c.name == tag, other.c.seq == seq)


def _causes(cause: Choice) -> list[ColumnElement[bool]]:
    """A cause stands also at a task that merely waits; here it means what a task has failed by."""
    code, failed = col(Task.error_code), col(Task.status) == TaskStatus.FAILED
    said = [failed, code.in_(cause.of)] if cause.of else []
    return said + ([sa.or_(~failed, code.is_(None), code.not_in(cause.but))] if cause.but else [])


def _cost(query: Query) -> list[ColumnElement[bool]]:
    """What the budgets count as spent for it: a charge that the provider did not name is not nothing."""
    cost = col(Task.booked_micro)
    above = [cost > query.cost_above] if query.cost_above is not None else []
    return above + ([cost < query.cost_below] if query.cost_below is not None else [])


def _days(query: Query, seq: Any) -> list[ColumnElement[bool]]:
    """Days as a stretch of `seq`, found by one step into the index of `created_at`; then exactly."""
    created, found = table(Task).c.created_at, []
    if query.after is not None:
        moment = midnight(query.after)
        found += [seq >= first_since(_moved(moment, -SLACK)), created >= moment]
    if query.before is not None:
        moment = midnight(query.before)
        found += [seq < sa.func.coalesce(first_since(_moved(moment, SLACK)), _LAST), created < moment]
    return found


def midnight(day: date) -> datetime:
    """When that day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def first_since(moment: datetime) -> Any:
    """The sort key of the first task that was asked for then or later, as a part of a statement."""
    other = table(Task).alias("since")
    first = sa.select(other.c.seq).where(other.c.created_at >= moment).order_by(other.c.created_at, other.c.seq)
    return first.limit(1).scalar_subquery()
