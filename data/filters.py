"""What a `Query` means in SQL: which table is walked, in which order, and what each of its rows must fulfil.

Every list walks one index and stops when it has enough, so it costs the same with a million tasks. SQLite
keeps no statistics and would sometimes rather sort; so it is told which index to walk (`leads`; `ways.py` finds which
has the fewest), and several people, models or tags are walked one by one and put together (`branches`). PostgreSQL has
statistics and is told nothing.

What cost the most is walked along the index of costs, which holds whose it is, by which model, for which project and
how it went: what is left out is passed over there. Only what few are (of a tag, a star, a pick, a batch, a rare word,
of a person, a model or a status that has few) is gathered and put in order.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import col

from data import fulltext
from data.days import days, stretch
from data.hits import words_of
from data.query import ME, NONE, STATUSES, Choice, Query
from data.query_reading import model_ids
from data.schema import NOT_DELETED, Pick, Star, Tag, Task
from data.status import TaskStatus
from data.walks import BOOKED, Narrowed, Stretch, table


def narrowed(
    query: Query, viewer: str, *, sqlite: bool, begun: tuple[str, ...] = (), frequent: bool = False, few: bool = False,
    rare: bool = False, lead: tuple[str, ...] = (), alone: bool = False,
) -> Narrowed:  # fmt: skip
    """What `query` leaves when `viewer` looks. `begun`: what `fulltext.begun` says of its last word.

    `frequent`: its words have so many hits that they are better met on the way along the costs than put in order.
    `few`: so few have cost what it says, by these people and models and with that end, that a walk in another order
    might meet the first of them at its very end. `rare`: so few are these people's, of these models and with that end
    that they are better put in order than met on the way along the costs. `lead`: which of `leads` has the fewest.
    `alone`: so few are there (of a star, a pick or a tag, else along `lead`) that each is asked for the words.
    """
    if query.last is not None:  # today is another day tomorrow, so no statement may be kept with it
        since = datetime.now(UTC).date() - timedelta(days=query.last)
        query = replace(query, last=None, after=max(since, query.after or since))
    by_model = (_models(query.model.of), _models(query.model.but))
    return _narrowed(
        query, viewer, by_model, begun, sqlite=sqlite, frequent=frequent, few=few, rare=rare, lead=lead, alone=alone
    )


def leads(query: Query, viewer: str) -> tuple[tuple[str, ...], ...]:
    """The columns of each index that leads to the tasks of `query`, the best guess first."""
    return _leads(_values(query, viewer, _models(query.model.of)))


def lengths(query: Query, viewer: str) -> sa.Select[Any]:
    """SQLite: how many tasks there are along each of `leads`, up to `most`, which is handed in when it runs.

    Beside them, how many of the first `near` of the best guess are along all of the others too, up to `page`.
    """
    return _lengths(query, viewer, _models(query.model.of))


@lru_cache(maxsize=256)
def _lengths(query: Query, viewer: str, models: tuple[str, ...]) -> sa.Select[Any]:
    task, values = table(Task), _values(query, viewer, models)
    most, near, page = (sa.bindparam(name, type_=sa.BigInteger) for name in ("most", "near", "page"))

    def number(of: sa.Select[Any]) -> Any:
        return sa.select(sa.func.count()).select_from(of.subquery()).scalar_subquery()

    best, *others = _leads(values)
    named = {name for way in others for name in way} - {*best}
    order = task.c.seq if query.sort == "oldest" else task.c.seq.desc()
    told = (task.c.seq, *(task.c[name] for name in sorted(named)))
    first = _along(task, values, best, *told).order_by(order).limit(near).subquery()
    both = sa.select(first.c.seq).where(*(_any_of(first.c[name], values[name]) for name in sorted(named)))
    each = (number(_along(task, values, way, task.c.seq).limit(most)) for way in (best, *others))
    return sa.select(*each, number(both.limit(page)))


def hits(query: Query, begun: tuple[str, ...], *, most: int) -> sa.Select[Any]:
    """SQLite: how many prompts hold its words, up to `most`; those of deleted tasks too, as no row is read for it."""
    index, seq = fulltext.index(sqlite=True)
    found = sa.select(seq).select_from(index).where(fulltext.matches(_sought(query, begun), _without(query)))
    return sa.select(sa.func.count()).select_from(found.limit(most).subquery())


def _models(names: Sequence[str]) -> tuple[str, ...]:
    """Looked up each time: the catalogue may change while we run."""
    return tuple(sorted({each for name in names for each in model_ids(name) or {name}}))


@lru_cache(maxsize=256)
def _narrowed(
    query: Query, viewer: str, by_model: tuple[tuple[str, ...], tuple[str, ...]], begun: tuple[str, ...],
    *, sqlite: bool, frequent: bool, few: bool, rare: bool, lead: tuple[str, ...], alone: bool,
) -> Narrowed:  # fmt: skip
    task, (models, not_models) = table(Task), by_model
    source, seq, where, branches, rest = _source(query, viewer, begun, sqlite=sqlite, frequent=frequent, alone=alone)
    values = _values(query, viewer, models)
    lead = lead or next(iter(_leads(values)), ())
    held = dict(values)  # all of it in the index of costs, too
    by_cost, sorts = query.sort == "cost", query.sort == "cost" and rare and bool(lead)
    walks_costs = by_cost and not sorts and source is task and not query.batch.of
    walked = lead if source is task and not query.batch.of and not walks_costs else ()
    if by_cost and branches:  # one order over all of them
        where, branches = [*where, sa.or_(*branches)], []
    within = stretch(query)
    if sqlite and words_of(query) and source is not task and not alone and _rarely(values, lead):
        where += _known(values, lead, seq)
        within = _ends(values, lead, within)
    if any(len(values[name]) > 1 for name in walked):
        branches = [_any_of(task.c[walked[0]], (value,)) for value in values.pop(walked[0])]
    where += [_any_of(task.c[name], some) for name, some in values.items() if some]
    others = {"person": _people(query.by.but, viewer), "model": not_models, "status": _statuses(query.status.but)}
    where += [task.c[name].not_in(some) for name, some in others.items() if some]
    where += [_none_of(task.c.project, _projects(query.project.but))] if query.project.but else []
    where += [task.c.batch_id.not_in(query.batch.but)] if query.batch.but else []
    where += [fulltext.holds(each, seq, sqlite=True) for each in _sought(query, begun)] if alone else []
    if not sqlite or query.batch.of or alone or (by_cost and not words_of(query)):
        where += [~fulltext.holds(each, seq, sqlite=sqlite) for each in _without(query)]
    where += _marks(rest, seq, viewer) + _causes(query.cause) + _cost(query, BOOKED) + days(query)
    where += [seq.in_(_of_that_cost(query, held))] if few else []
    hint = f"INDEXED BY ix_task_{'_'.join(walked)}_seq" if walked else "NOT INDEXED"
    hint = "INDEXED BY ix_task_batch" if query.batch.of else "INDEXED BY ix_task_cost" if walks_costs else hint
    without = tuple(_without(query)) if sqlite and not (words_of(query) or query.batch.of or by_cost) else ()
    if by_cost or not sqlite:
        where, within = [*where, *within.conditions(seq)], Stretch()
    ties, gathers = sqlite and walks_costs, sqlite and by_cost and not walks_costs
    where = [NOT_DELETED, *where]
    return Narrowed(source, seq, tuple(where), tuple(branches), hint, without, query.sort, within, ties, gathers)


def _source(
    query: Query, viewer: str, begun: tuple[str, ...], *, sqlite: bool, frequent: bool, alone: bool
) -> tuple[Any, Any, list[ColumnElement[bool]], list[ColumnElement[bool]], Query]:
    """The table that is walked, its sort key, its conditions and branches; and what of the query is still to be met."""
    task, own = table(Task), table(Task).c.seq
    if query.batch.of:  # the fewest there can be, so that even a word is looked for among them
        held = [fulltext.holds(each, own, sqlite=sqlite) for each in words_of(query)]
        return task, own, held, [task.c.batch_id == each for each in query.batch.of], query
    if (words := _sought(query, begun)) and not alone:
        index, seq = fulltext.index(sqlite=sqlite)
        where = [fulltext.matches(words, _without(query))] if sqlite else _stand(words)
        if frequent:
            return task, own, [(own + 0).in_(sa.select(seq).where(*where))], [], query  # not each looked up by its own
        return index.join(task, own == seq), seq, where, [], query
    if query.star:
        stars = table(Star)
        joined = stars.join(task, own == stars.c.seq)
        return joined, stars.c.seq, [stars.c.person == viewer], [], replace(query, star=None)
    if query.pick:
        picks = table(Pick)
        # SQLite walks what no index leads to: of these two the picks, which are few.
        joined = picks.join(task, own == (picks.c.seq + 0 if sqlite else picks.c.seq))
        return joined, picks.c.seq, [], [], replace(query, pick=None)
    if query.tag.of and (query.sort != "cost" or len(query.tag.of) == 1):
        tags = table(Tag)
        joined, branches = tags.join(task, own == tags.c.seq), [tags.c.name == tag for tag in query.tag.of]
        return joined, tags.c.seq, [], branches, replace(query, tag=Choice(but=query.tag.but))
    return task, own, [], [], query


def _values(query: Query, viewer: str, models: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """What the columns that an index leads to must be, best first: a project may hold nearly every task, and none."""
    failed = ("failed",) if query.cause.of else ()  # it means the failed, to whom an index leads
    others = tuple(word for word in STATUSES if word != "done") if "done" in query.status.but else ()  # few, too
    return {"person": _people(query.by.of, viewer), "model": models,
            "status": _statuses(query.status.of or failed or others),
            "project": _projects(query.project.of)}  # fmt: skip


def _leads(values: dict[str, tuple[Any, ...]]) -> tuple[tuple[str, ...], ...]:
    """As `leads`; a column with several values is the only one of its index, and walked once for each.

    Nearly every task has succeeded: walking those among somebody's own would be the long way round.
    """
    named = [name for name, some in values.items() if some]
    if len(named) > 1 and TaskStatus.SUCCEEDED in values["status"]:
        named.remove("status")
    one = [name for name in named if len(values[name]) == 1]
    pairs = [("person", other) for other in ("model", "status") if {"person", other}.issubset(one)]
    paired = {name for pair in pairs for name in pair}
    single = [name for name in dict.fromkeys([*one, *named]) if name not in paired]
    return (*pairs, *((name,) for name in single))


def _rarely(values: dict[str, tuple[Any, ...]], walked: tuple[str, ...]) -> bool:
    """Whether an index leads to these tasks that is not one of nearly all: those in no project, or those done."""
    return bool(walked) and {None, TaskStatus.SUCCEEDED}.isdisjoint(values[walked[0]])


def _known(values: dict[str, tuple[Any, ...]], walked: tuple[str, ...], seq: Any) -> list[ColumnElement[bool]]:
    """SQLite: that a hit is one of these tasks, by an index alone.

    The task's own row, of which most are read for nothing, lies anywhere in a large file: half to a third of the time
    with a person who has few of the hits.
    """
    own = table(Task).alias("own")
    return [_along(own, values, walked, sa.literal(1)).where(own.c.seq == seq).exists()]


def _ends(values: dict[str, tuple[Any, ...]], walked: tuple[str, ...], within: Stretch) -> Stretch:
    """SQLite: and from the first of these tasks to the last, by one step each: those of a project lie together."""
    if any(len(values[name]) > 1 for name in walked):
        return within
    own = table(Task).alias("end")
    first, last = (_along(own, values, walked, end(own.c.seq)).scalar_subquery() for end in (sa.func.min, sa.func.max))
    return Stretch((*within.first, first), (*within.beyond, last + 1))


def _along(own: Any, values: dict[str, tuple[Any, ...]], walked: tuple[str, ...], *columns: Any) -> sa.Select[Any]:
    """SQLite: of the tasks to which an index leads."""
    mine = sa.select(*columns).where(
        own.c.deleted_at.is_(None), *(_any_of(own.c[name], values[name]) for name in walked)
    )
    return mine.with_hint(own, f"INDEXED BY ix_task_{'_'.join(walked)}_seq", "sqlite")


def _people(ids: Sequence[str], viewer: str) -> tuple[str, ...]:
    return tuple(sorted({viewer if person == ME else person for person in ids}))


def _projects(keys: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(None if key == NONE else key for key in sorted(keys))


def _any_of(column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """That it has one of these values; None stands for nothing being there."""
    some = [value for value in values if value is not None]
    there = [column.in_(some) if len(some) > 1 else column == some[0]] if some else []
    return sa.or_(*there, *([column.is_(None)] if len(some) < len(values) else []))


def _none_of(column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """That it has none of them; where nothing is there, that is none of the others."""
    others = column.not_in([value for value in values if value is not None])
    return sa.and_(others, column.is_not(None)) if None in values else sa.or_(others, column.is_(None))


def _statuses(words: Sequence[str]) -> tuple[TaskStatus, ...]:
    return tuple(sorted({status for word in words for status in STATUSES[word]}))


def _sought(query: Query, begun: tuple[str, ...]) -> list[fulltext.Wanted]:
    """Its words, of which the last may be any of those that were `begun`."""
    words = words_of(query)
    return [*words[:-1], *(replace(last, last_may_be=begun) for last in words[-1:])]


def _without(query: Query) -> list[fulltext.Wanted]:
    return [each for word in query.without if (each := fulltext.wanted(word.text)) is not None]


def _stand(words: Sequence[fulltext.Wanted]) -> list[ColumnElement[bool]]:
    return [condition for each in words for condition in fulltext.stands(each)]


def _marks(query: Query, seq: Any, viewer: str) -> list[ColumnElement[bool]]:
    found = []
    if query.star is not None:
        mine = sa.exists().where(col(Star.person) == viewer, col(Star.seq) == seq)
        found.append(mine if query.star else ~mine)
    if query.pick is not None:
        picked = sa.exists().where(col(Pick.seq) == seq)
        found.append(picked if query.pick else ~picked)
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


def _cost(query: Query, cost: Any) -> list[ColumnElement[bool]]:
    above = [cost > query.cost_above] if query.cost_above is not None else []
    return above + ([cost < query.cost_below] if query.cost_below is not None else [])


def _of_that_cost(query: Query, values: dict[str, tuple[Any, ...]]) -> sa.Select[Any]:
    own = table(Task).alias("priced")
    mine = [_any_of(own.c[name], some) for name, some in values.items() if some]
    found = sa.select(own.c.seq).where(own.c.deleted_at.is_(None), *_cost(query, own.c.booked_micro), *mine)
    return found.with_hint(own, "INDEXED BY ix_task_cost", "sqlite")
