"""What has failed, by its cause, and trying all of one cause again: one press, one price, paid once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from data.asks import asked_again, left_to_try
from data.catalog import catalog
from data.db import Database
from data.errors import InvalidRequest, NotAllowed
from data.ids import these
from data.plan import Plan
from data.query import Query
from data.relation import Parent, Relation
from data.requests import MAX_COUNT
from data.schema import Artifact, Submission, Task
from data.search import Search
from data.sentences import Sentence
from data.status import TERMINAL, Outcome
from data.tasks import TaskStore

AT_ONCE = 100
"""Tasks that one press tries again: more than that nobody looks through before they pay for it."""
LOOKED_AT = 500
"""Tasks of a cause that are looked at for it."""


@dataclass(frozen=True)
class Again:
    """What one press would ask for. `estimate_micro` is today's price, None where that of one is unknown."""

    ids: tuple[str, ...]  # newest first
    estimate_micro: int | None
    doubtful: int  # of them, those that were perhaps taken after all


@dataclass(frozen=True)
class Group:
    """The tasks that failed by one cause: a code of `causes.FAILED`, or "" where none is known."""

    cause: str
    ids: tuple[str, ...]  # newest first
    charged_micro: int  # for all of them
    again: Again


@dataclass(frozen=True)
class Retried:
    """The new tasks, and how many were left out because their model has gone or changed."""

    tasks: tuple[Task, ...]
    left_out: int


class Failures:
    """Reads failures over one database, and asks again through the store that everybody asks through."""

    def __init__(
        self, db: Database, search: Search, tasks: TaskStore, clock: Callable[[], datetime] | None = None
    ) -> None:
        """All over the same database; `clock` gives the present moment in UTC, by default the database's."""
        self._db, self._search, self._tasks = db, search, tasks
        self._clock = clock or db.now

    def groups(self, query: Query, viewer: str, *, top: int | None = None) -> tuple[Group, ...]:
        """The newest failures among these tasks (`search.SELECTED`) by cause, the most frequent cause first."""
        causes = self._search.causes(query, viewer, top=top)
        ordered = sorted(causes.items(), key=lambda each: (-len(each[1]), each[0]))
        left = self._left([task_id for _, ids in ordered for task_id in list(ids)[:LOOKED_AT]])
        return tuple(Group(code, tuple(ids), sum(ids.values()), _again(list(ids), left)) for code, ids in ordered)

    def retry(self, task_ids: Sequence[str], *, who: str, cap_micro: int | None = None) -> Retried:
        """Asks again for those that are left to try, as one new batch that costs at most `cap_micro` (micro-credits).

        Raises:
            NotAllowed: none of them is left to try, or every model has gone or changed.
            BudgetExceeded: it would pass a budget, or cost more than `cap_micro`; none of it was made.
        """
        requests, parents, left_out = [], [], 0
        with self._db.read() as session:
            mine = select(Task).where(col(Task.id).in_(task_ids[:AT_ONCE]), *left_to_try()).order_by(col(Task.seq))
            for task in session.exec(mine).all():
                try:
                    requests.append(asked_again(session, task, self._clock()))
                    parents.append(Parent(task.id, Relation.RETRY))
                except InvalidRequest:
                    left_out += 1
            ids = [parent.task_id for parent in parents]
            retries = (col(Task.parent_id).in_(ids), Task.relation == Relation.RETRY)
            ended = session.exec(
                select(sa.func.count()).select_from(Task).where(*retries, col(Task.status).in_(TERMINAL))
            ).one()
        if not requests:
            raise NotAllowed(Sentence("Nothing of this is left to try again."))
        key = f"retry-these:{these(ids)}:{ended}"
        plan = Plan(requests[0].prompt, "retry") if len(requests) > MAX_COUNT else None  # too many for a card each
        made = self._tasks.create(
            requests, person=who, parents=parents, request_key=key, cap_micro=cap_micro, plan=plan
        )
        return Retried(tuple(made), left_out)

    def _left(self, task_ids: Sequence[str]) -> dict[str, tuple[int | None, bool]]:
        """Of those that are left to try again: today's price, and whether a call of theirs is in doubt."""
        task, file, call = col(Task.id), col(Artifact.task_id), col(Submission.task_id)
        inputs = sa.select(sa.func.count()).where(file == task, col(Artifact.role) == "input").scalar_subquery()
        doubtful = sa.exists().where(call == task, col(Submission.outcome) == Outcome.UNKNOWN)
        mine = sa.select(task, col(Task.model), col(Task.params), inputs, doubtful)
        mine = mine.where(task.in_(task_ids), *left_to_try())
        known, today = {spec.id: spec for spec in catalog().models}, self._clock().date()
        with self._db.look() as connection:
            rows = connection.execute(mine).all()
        return {
            task_id: (known[model].estimate(params, on=today, references=references), bool(doubt))
            for task_id, model, params, references, doubt in rows
            if model in known
        }


def _again(ids: Sequence[str], left: dict[str, tuple[int | None, bool]]) -> Again:
    mine = [task_id for task_id in ids if task_id in left][:AT_ONCE]
    prices = [price for task_id in mine if (price := left[task_id][0]) is not None]
    total = sum(prices) if len(prices) == len(mine) else None
    return Again(tuple(mine), total, sum(left[task_id][1] for task_id in mine))
