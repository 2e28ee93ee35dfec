"""What has failed, by its cause, and trying all of one cause again: one press, one price, paid once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col

from data.again import Left, Retried, Said, left, retry_these
from data.db import Database
from data.practice import by_task
from data.query import Query
from data.schema import Task
from data.search import Search, Spent

AT_ONCE = 100
"""Tasks that one press tries again: more than that nobody looks through before they pay for it."""
LOOKED_AT = 500
"""Tasks of a cause that are looked at for it."""


@dataclass(frozen=True)
class Again:
    """What one press would ask for. `estimate_micro` is today's price, None where that of one is unknown."""

    ids: tuple[str, ...]  # newest first
    estimate_micro: int | None
    doubtful: int  # of them, those that may be paid for already


@dataclass(frozen=True)
class Group:
    """The tasks that failed by one cause: a code of `causes.FAILED`, or "" where none is known."""

    cause: str
    ids: tuple[str, ...]  # newest first
    charged_micro: int  # for all of them, or, where some were practice and some were not, for those that were not
    perhaps_charged: bool  # whether a call for one of them may have been charged beside that
    practised: bool  # all of them
    again: Again


class Failures:
    """Reads failures over one database, and asks for them again."""

    def __init__(self, db: Database, search: Search, clock: Callable[[], datetime] | None = None) -> None:
        """Both over the same database; `clock` gives the present moment in UTC, by default the database's."""
        self._db, self._search = db, search
        self._clock = clock or db.now

    def groups(self, query: Query, viewer: str, *, top: int | None = None) -> tuple[Group, ...]:
        """The newest failures among these tasks (`search.SELECTED`) by cause, the most frequent cause first."""
        causes = self._search.causes(query, viewer, top=top)
        ordered = sorted(causes.items(), key=lambda each: (-len(each[1]), each[0]))
        looked_at = [task_id for _, ids in ordered for task_id in list(ids)[:LOOKED_AT]]
        with self._db.look() as connection:
            open_to = left(connection, col(Task.id).in_(looked_at), today=self._clock().date())
            practised = by_task(connection, [task_id for _, ids in ordered for task_id in ids])
        return tuple(_group(code, ids, open_to, practised) for code, ids in ordered)

    def retry(self, task_ids: Sequence[str], *, who: str, said: Said = Said()) -> Retried:  # noqa: B008 - a value
        """Asks again for those that are left to try, as one new batch that costs no more than the button `said`.

        Raises:
            NotAllowed: none of them is left to try, or every model has gone or changed.
            BudgetExceeded: it would pass a budget, or cost more than was said; none of it was made.
        """
        with self._db.transaction() as session:
            return retry_these(session, task_ids[:AT_ONCE], who=who, now=self._clock(), said=said)


def _group(code: str, ids: dict[str, Spent], open_to: dict[str, Left], practised: dict[str, bool]) -> Group:
    real = [spent for task_id, spent in ids.items() if not practised.get(task_id, True)]
    counted = real or list(ids.values())
    return Group(
        code, tuple(ids), sum(one.charged_micro for one in counted), any(one.perhaps for one in counted), not real,
        _again(list(ids), open_to),
    )  # fmt: skip


def _again(ids: Sequence[str], open_to: dict[str, Left]) -> Again:
    mine = [task_id for task_id in ids if task_id in open_to and open_to[task_id].offered][:AT_ONCE]
    prices = [price for task_id in mine if (price := open_to[task_id].price_micro) is not None]
    total = sum(prices) if len(prices) == len(mine) else None
    return Again(tuple(mine), total, sum(open_to[task_id].doubtful for task_id in mine))
