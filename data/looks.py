"""Looks at the provider's own record: which calls are due for one, and when the next is due.

In the caller's transaction; it knows no provider, and nothing of what a look may find.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from data.schema import Submission
from data.status import Outcome

_SETTLED = frozenset({Outcome.PROVIDER_FAILED, Outcome.SUCCEEDED})


@dataclass(frozen=True)
class Look:
    """Ask this account's provider how this task stands."""

    submission_id: str
    account: str
    provider_task_id: str
    lease: datetime  # no other look is due before; and the mark by which `end` knows this one
    last: bool  # the call is settled, and a webhook made it due once more: this look's answer is all that is awaited


def claim(session: Session, now: datetime, limit: int, first: timedelta) -> list[Look]:
    """What is due, oldest first; each is pushed forward by its next wait, of which `first` is the shortest."""
    due = session.exec(
        select(Submission).where(col(Submission.poll_at) <= now).order_by(col(Submission.poll_at)).limit(limit)
        .with_for_update(skip_locked=True)
    ).all()  # fmt: skip
    looks = []
    for row in due:
        row.poll_at = now + _wait(now - row.started_at, first)
        session.add(row)
        if (name := row.provider_task_id or row.named_as) is not None:
            looks.append(Look(row.id, row.account, name, row.poll_at, row.outcome in _SETTLED))
    return looks


def end(session: Session, look: Look) -> None:
    """No further look is due, unless one was asked for since."""
    mine = (col(Submission.id) == look.submission_id, col(Submission.poll_at) == look.lease)
    session.connection().execute(update(Submission).where(*mine).values(poll_at=None))


def _wait(age: timedelta, first: timedelta) -> timedelta:
    """Adaptive: quick while a picture may come any second, hourly when it is long overdue."""
    if age < timedelta(seconds=30):
        return first
    if age < timedelta(minutes=3):
        return max(first, timedelta(seconds=4))
    if age < timedelta(minutes=30):
        return max(first, timedelta(seconds=15))
    return max(first, timedelta(minutes=5) if age < timedelta(hours=6) else timedelta(hours=1))
