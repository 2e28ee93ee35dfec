"""How long each model usually takes: what a waiting person is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa
from sqlmodel import Session, col

from data.schema import NOT_DELETED, Submission, Task
from data.status import Outcome, TaskStatus

LAST = 50
"""Pictures of a model that are looked at."""
_WALK = 100
"""Tasks of a model among which they are looked for."""
_FEWEST = 20
"""Fewer tell nothing: an outage makes all that is under way late, a press of eight too, and nothing tells it from work.
Of so many these are no half."""


@dataclass(frozen=True)
class Usual:
    """Seconds that a model takes. `most`: nine of ten took no longer; None where nobody can say."""

    seconds: float
    most: float | None = None


def usual(session: Session, models: Sequence[str]) -> dict[str, Usual]:
    """By model, sent → saved over its last 50 pictures; a model with fewer than twenty has none."""
    spans: dict[str, list[float]] = {model: [] for model in models}
    if models:
        for model, start, end in session.connection().execute(_newest(tuple(spans))):
            spans[model].append((end - start).total_seconds())
    found = {model: _of(sorted(each)) for model, each in spans.items()}
    return {model: each for model, each in found.items() if each is not None}


@lru_cache(maxsize=4)  # to write it down takes longer than to answer it
def _newest(models: tuple[str, ...]) -> sa.CompoundSelect[str, datetime, datetime]:
    """One short walk along the index for each model: a window over all tasks would read all of them."""
    return sa.union_all(*(sa.select(newest_done(model).subquery()) for model in models))


def _of(spans: list[float]) -> Usual | None:
    ordinary = [span for span in spans if span <= 5 * spans[len(spans) // 2]]
    if len(ordinary) < _FEWEST:
        return None
    return Usual(ordinary[len(ordinary) // 2], ordinary[-(len(ordinary) // 10) - 1])


def newest_done(model: str) -> sa.Select[str, datetime, datetime]:
    """Model, start and end of its last pictures that are here.

    Of its last few tasks alone: where all of them failed for a month, nobody waits for the walk back to what worked.
    What could not be fetched at once waited for a network or a disk, and is no measure of the work.
    """
    mine = sa.select(col(Task.id), col(Task.seq), col(Task.status), col(Task.finished_at))
    last = mine.where(col(Task.model) == model, NOT_DELETED).order_by(col(Task.seq).desc()).limit(_WALK).subquery()
    return (
        sa.select(sa.literal(model), col(Submission.started_at), last.c.finished_at)
        .join_from(last, Submission, last.c.id == col(Submission.task_id))
        .where(
            last.c.status == TaskStatus.SUCCEEDED, last.c.finished_at.is_not(None),
            col(Submission.outcome) == Outcome.SUCCEEDED, col(Submission.fetch_attempts) <= 1,
        )
        .order_by(last.c.seq.desc())
        .limit(LAST)
    )  # fmt: skip
