"""Along which index SQLite is sent, as it keeps no statistics: what a query leaves is counted as far as that pays.

It decides how fast a list comes, never what is in it.
"""

from dataclasses import replace

from sqlalchemy import Connection

from data import fulltext
from data.filters import hits, leads, lengths, narrowed
from data.hits import words_of
from data.query import Choice, Query
from data.walks import Narrowed

SORTED = 5000
"""Hits of words, or of a person, a model and the like, that SQLite puts in order of cost, or of a cost that it puts in
the order of `seq`; of more, the first are met soon by going through all."""
WALKED = 20_000
"""Tasks of a person or a model that are gone through for the few of some cost, rather than all of that cost."""
ALONE = 2000
"""Most tasks of a person, a project, a tag and the like that are each asked for the words that are looked for."""
ASKED = 20
"""Hits in the index of words that are gone through in the time in which one task is asked for a word."""
STEPS = (100, ALONE, WALKED)
"""How far the tasks of each person, model, status and project are counted to see which are the fewest."""
SOON = 100
"""Of so many of the best guess a page of `MET` may be there already: then the fewest need not be known."""
MET = 60


def walked(connection: Connection, query: Query, viewer: str) -> Narrowed:
    """What `query` leaves when `viewer` looks, by the shortest way that is known."""
    words = words_of(query)
    begun = fulltext.begun(connection, words[-1]) if words else ()
    by_cost, lead, length = query.sort == "cost", *_lead(connection, query, viewer)
    alone = bool(query.words) and _alone(connection, query, viewer, begun, length)
    frequent = by_cost and bool(query.words) and not alone and _heard(connection, query, begun, SORTED) > SORTED
    few = not by_cost and not alone and _few(connection, query, viewer)
    rare = by_cost and (alone or _rare(connection, query, viewer, lead, length))
    return narrowed(
        query, viewer, sqlite=True, begun=begun, frequent=frequent, few=few, rare=rare, lead=lead, alone=alone
    )


def _lead(connection: Connection, query: Query, viewer: str) -> tuple[tuple[str, ...], int]:
    """The index with the fewest of those that lead to these tasks, and how many it has, up to `WALKED + 1`.

    Somebody may have nothing in a project of a hundred thousand, and a project little of somebody's; what is
    walked to its end for a page that is not full should be the least there is. They are counted further and further
    until one of them ends, unless the first of the best guess are what is looked for anyway: then its walk is
    short. Beside words only those are of interest that can each be asked for them.
    """
    by_cost, words = query.sort == "cost", bool(query.words)
    ways = () if query.batch.of or (_is_marked(query) and not words) else leads(query, viewer)
    if len(ways) > 1 or (ways and (words or (by_cost and "status" not in ways[0]))):
        for most in (ALONE,) if words and not by_cost else STEPS:
            near = SOON if most == STEPS[0] and not (by_cost or words) else 0
            told = {"most": most + 1, "near": near, "page": MET}
            *counts, met = connection.execute(lengths(query, viewer), told).one()
            fewest = min(range(len(ways)), key=counts.__getitem__)
            if counts[fewest] <= most:
                return ways[fewest], counts[fewest]
            if met == MET:
                break
    return next(iter(ways), ()), WALKED + 1


def _is_marked(query: Query) -> bool:
    """Whether a star, a pick or a tag leads to it, and no index of the tasks is walked."""
    return bool(query.star or query.pick or (query.tag.of and (query.sort != "cost" or len(query.tag.of) == 1)))


def _alone(connection: Connection, query: Query, viewer: str, begun: tuple[str, ...], length: int) -> bool:
    """Whether each task of a star, a pick, a tag or a lead is asked for the words sooner than their hits are read."""
    if _is_marked(query):
        mark = Query(star=True) if query.star else Query(pick=True) if query.pick else Query(tag=Choice(query.tag.of))
        length = _hits(connection, mark, viewer, ALONE)
    most = min(ASKED * max(length, 1), SORTED)
    return length <= ALONE and not query.batch.of and _heard(connection, query, begun, most) > most


def _heard(connection: Connection, query: Query, begun: tuple[str, ...], most: int) -> int:
    """How many prompts hold the words, up to `most + 1`."""
    return int(connection.execute(hits(query, begun, most=most + 1)).scalar_one())


def _rare(connection: Connection, query: Query, viewer: str, lead: tuple[str, ...], length: int) -> bool:
    """Whether so few are these people's, of these models and with that end that they are put in order of cost.

    What is not done has cost little, if anything: along the costs it would be met at their very end.
    """
    if "status" in lead and "done" not in query.status.of:
        return True
    one = Query(model=query.model, by=query.by, status=query.status, project=query.project, cause=query.cause)
    read = not query.project.of or lead == ("project",)  # else the index says for which project each is
    return (length <= WALKED or not read) and _hits(connection, one, viewer, SORTED, lead=lead) <= SORTED


def _few(connection: Connection, query: Query, viewer: str) -> bool:
    """Whether so few cost what it says that they are better gathered than met on the way.

    What many cost may still be rare with what else the index of costs holds: nothing that is done costs nothing.
    That is read to its end only where the way would be longer yet.
    """
    if query.cost_above is None and query.cost_below is None:
        return False
    priced = Query(cost_above=query.cost_above, cost_below=query.cost_below, sort="cost")
    if not _many(connection, priced, viewer, SORTED):
        return True
    if "done" not in query.status.of:
        return False
    others = Query(model=query.model, by=query.by)
    if others.parts and not _many(connection, others, viewer, WALKED):
        return False
    both = replace(priced, model=query.model, by=query.by, status=query.status)
    return not _many(connection, both, viewer, SORTED)


def _many(connection: Connection, part: Query, viewer: str, most: int) -> bool:
    """Whether this part of a query leaves more than `most` tasks."""
    return _hits(connection, part, viewer, most) > most


def _hits(connection: Connection, part: Query, viewer: str, most: int, *, lead: tuple[str, ...] = ()) -> int:
    """How many tasks this part of a query leaves, up to `most + 1`."""
    found = narrowed(part, viewer, sqlite=True, lead=lead).count(most=most)
    return int(connection.execute(found).scalar_one())
