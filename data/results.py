"""The results of one batch: for each of its tasks what stands for it now, what it cost, how long it took. Reads alone.

Whoever tries a failed one again gets a new task in a batch of its own; in the results it takes the place of the failed.
Deleting any of the tries (the failed one is tidied away, say) takes the result away only once none of them is left.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row
from sqlmodel import col

from data import wish
from data.causes import REFUSED
from data.db import Database
from data.family import DEEPEST
from data.history import COLUMNS, Card, cards
from data.practice import by_task
from data.relation import Relation
from data.schema import Batch, Submission, Task
from data.status import ACTIVE, Outcome, TaskStatus

_TRY: Any = sa.select(*COLUMNS, col(Task.parent_id), col(Task.deleted_at)).order_by(col(Task.seq))
_MINE = _TRY.where(col(Task.batch_id) == sa.bindparam("batch"))
_RETRIES = _TRY.where(
    col(Task.parent_id).in_(sa.bindparam("ids", expanding=True)), col(Task.relation) == Relation.RETRY
)
_SENT = sa.select(col(Submission.task_id), col(Submission.started_at)).where(
    col(Submission.task_id).in_(sa.bindparam("ids", expanding=True)), col(Submission.outcome) == Outcome.SUCCEEDED
)
_BATCH = sa.select(col(Batch.name), col(Batch.origin), col(Batch.size)).where(col(Batch.id) == sa.bindparam("batch"))
"""Written once: an open page asks at every move, and writing a statement takes longer than running it."""


@dataclass(frozen=True)
class Result:
    """One task that the batch `asked` for, and the `card` that stands for it: its own, or that of its retry.

    `spent_micro`: micro-credits of all its tries, the deleted too, as `Results.practised` says. `seconds`: from the
    paid call to the saved picture, None before.
    """

    asked: Card
    card: Card
    spent_micro: int
    seconds: float | None


@dataclass(frozen=True)
class Tally:
    """How some results stand. Money in micro-credits; `seconds` is the median of those that have a picture."""

    count: int
    done: int
    refused: int
    failed: int  # and was not refused
    unconfirmed: int
    cancelled: int
    active: int  # under way, and not unconfirmed
    spent_micro: int
    seconds: float | None

    @property
    def each_micro(self) -> int | None:
        """What one picture has cost, with what was paid for those that did not come; None while there is none."""
        return round(self.spent_micro / self.done) if self.done else None


@dataclass(frozen=True)
class Results:
    """A batch: what it is called, or its first prompt, and its results in the order in which they were asked for."""

    name: str  # "" where it asks again for what has no name together
    results: tuple[Result, ...]
    size: int
    of_retries: bool = False  # as a `batches.Standing`
    practised: bool | None = None  # every try; where one was not, those that were cost nothing. None: none was sent


class BatchResults:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def of(self, batch_id: str) -> Results | None:
        """Any tasks that were asked for together; None where none of them is left to see."""
        with self._db.look() as connection:
            tries, deleted = _tries(connection, connection.execute(_MINE, {"batch": batch_id}).all())
            left = {task_id: [card for card in every if card.id not in deleted] for task_id, every in tries.items()}
            standing = {task_id: _standing(cards) for task_id, cards in left.items() if cards}
            if not standing:
                return None
            batch = connection.execute(_BATCH, {"batch": batch_id}).one_or_none()
            done = [card.id for card in standing.values() if card.status == TaskStatus.SUCCEEDED]
            rows: Any = connection.execute(_SENT, {"ids": done}).all() if done else ()
            practised = by_task(connection, [one.id for every in tries.values() for one in every])
        sent: dict[str, datetime] = dict(rows)
        whole = all(practised.values()) if practised else None
        results = tuple(
            Result(
                tries[task_id][0], now,
                sum(one.booked_micro for one in tries[task_id] if practised.get(one.id) in (whole, None)),
                _seconds(now, sent),
            )
            for task_id, now in standing.items()
        )  # fmt: skip
        if batch is None:
            return Results(results[0].asked.prompt, results, len(results), practised=whole)
        return Results(batch.name, results, batch.size, batch.origin == "retry", whole)


def tally(results: Iterable[Result]) -> Tally:
    """How these stand."""
    found = list(results)
    states = [each.card.status for each in found]
    refused = sum(each.card.status == TaskStatus.FAILED and each.card.error_code in REFUSED for each in found)
    took = [each.seconds for each in found if each.seconds is not None]
    unconfirmed = states.count(TaskStatus.UNCONFIRMED)
    return Tally(
        len(found), states.count(TaskStatus.SUCCEEDED), refused, states.count(TaskStatus.FAILED) - refused,
        unconfirmed, states.count(TaskStatus.CANCELLED), sum(state in ACTIVE for state in states) - unconfirmed,
        sum(each.spent_micro for each in found), median(took) if took else None,
    )  # fmt: skip


def _tries(connection: Connection, asked: Sequence[Row[Any]]) -> tuple[dict[str, list[Card]], set[str]]:
    """By task, itself and whatever was tried again for it, the oldest first; and which of all these are deleted.

    A table tells what each model made of it: what another one was asked for instead has no place there.
    """
    found = cards(connection, asked)
    tries = {card.id: [card] for card in found}
    first = {card.id: card.id for card in found}  # of each try, for which task it is
    deleted = {row.id for row in asked if row.deleted_at is not None}
    open_ends = [card.id for card in found if card.status != TaskStatus.SUCCEEDED]
    for _ in range(DEEPEST):
        rows = connection.execute(_RETRIES, {"ids": open_ends}).all() if open_ends else ()
        open_ends = []
        for row, card in zip(rows, cards(connection, rows), strict=True):
            if card.id not in first:
                first[card.id] = first[row.parent_id]
                if card.model == tries[first[card.id]][0].model:
                    tries[first[card.id]].append(card)
                open_ends.append(card.id)
        deleted |= {row.id for row in rows if row.deleted_at is not None}
    return tries, deleted


def _standing(tries: Sequence[Card]) -> Card:
    return max(tries, key=lambda card: wish.stands(card.status, card.seq))


def _seconds(card: Card, sent: Mapping[str, datetime]) -> float | None:
    if card.finished_at is None or card.id not in sent:
        return None
    return (card.finished_at - sent[card.id]).total_seconds()
