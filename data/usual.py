"""How long each model usually takes: what a waiting person is told."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from data.schema import NOT_DELETED, Submission, Task
from data.status import Outcome, TaskStatus


def usual_seconds(session: Session, models: Sequence[str]) -> dict[str, float]:
    """By model, the median of sent → saved over its last 50 pictures; a model with fewer than five has none."""
    spans: dict[str, list[float]] = {model: [] for model in models}
    if models:
        # One short walk along the index for each model: a window over all tasks would read all of them.
        newest = (sa.select(_newest_done(model).subquery()) for model in models)
        for model, start, end in session.connection().execute(sa.union_all(*newest)):
            spans[model].append((end - start).total_seconds())
    found = {model: _usual(sorted(each)) for model, each in spans.items()}
    return {model: median for model, median in found.items() if median is not None}


def _usual(spans: list[float]) -> float | None:
    ordinary = [span for span in spans if span <= 5 * spans[len(spans) // 2]]
    return ordinary[len(ordinary) // 2] if len(ordinary) >= 5 else None


def _newest_done(model: str) -> sa.Select[str, datetime, datetime | None]:
    return (
        sa.select(col(Task.model), col(Submission.started_at), col(Task.finished_at))
        .join_from(Task, Submission, col(Task.id) == col(Submission.task_id))
        .where(
            col(Task.model) == model, col(Task.status) == TaskStatus.SUCCEEDED, col(Task.finished_at).is_not(None),
            col(Submission.outcome) == Outcome.SUCCEEDED, NOT_DELETED,
        )
        .order_by(col(Task.seq).desc())
        .limit(50)
    )  # fmt: skip
