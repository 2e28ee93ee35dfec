"""What the clock alone decides: dead senders, doubts that found no evidence, tasks overdue, results deleted there.

A deadline ends the waiting, never the evidence: a late picture still revives its task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, true, update
from sqlmodel import Session, col, select

from data.causes import DIRECT
from data.db import Database
from data.ledger import book
from data.moves import lock_submission, log, move
from data.schema import OPEN_CALL, Gate, Submission, Table, Task
from data.settling import WAITING_FOR_WORD, doubt
from data.status import OPEN, Outcome, TaskStatus

_S = TaskStatus
AHEAD = timedelta(hours=2)
"""Further ahead than this no rule puts a due time: what stands there was written before the clock was set back."""


@dataclass(frozen=True)
class Deadlines:
    """How long each kind of silence is borne."""

    overdue: timedelta = timedelta(minutes=30)
    unconfirmed: timedelta = timedelta(minutes=30)
    give_up: timedelta = timedelta(days=14)  # kie.ai deletes media after 14 days


class Clock:
    """Applies the deadlines. Any sidecar may; each act is guarded."""

    def __init__(self, db: Database, deadlines: Deadlines, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC."""
        self._db = db
        self._deadlines = deadlines
        self._clock = clock or db.now

    def tick(self) -> int:
        """Acts on everything that is past its deadline; gives the number of acts. Looks first, writes only if due."""
        now = self._clock()
        finds = (_dead_senders, self._lost_doubts, self._overdue, self._gone)
        with self._db.read() as session:
            if not any(find(session, now) for find in finds) and not _ahead(session, now):
                return 0
        with self._db.transaction() as session:
            now = self._clock()
            acts = _pull_back(session, now)
            for submission_id in _dead_senders(session, now):
                acts += doubt(session, submission_id, now, message="The server died before it could note the answer.")
            for task_id in self._lost_doubts(session, now):
                acts += move(session, task_id, _S.FAILED, since={_S.UNCONFIRMED}, now=now, kind="doubt_expired",
                             error_code="unconfirmed")  # fmt: skip
            for task_id in self._overdue(session, now):
                acts += move(session, task_id, _S.FAILED, since={_S.RUNNING}, now=now, kind="overdue",
                             error_code="overdue")  # fmt: skip
            gone = self._gone(session, now)
        for submission_id in gone:  # each by itself: who has locked the sums of money must not wait for another call
            with self._db.transaction() as session:
                acts += _give_up(session, submission_id, self._clock())
        return acts

    def _lost_doubts(self, session: Session, now: datetime) -> Sequence[str]:
        since = now - self._deadlines.unconfirmed
        query = select(Task.id).where(Task.status == _S.UNCONFIRMED, col(Task.status_at) < since)
        return session.exec(query.order_by(col(Task.seq))).all()  # as all lock them

    def _overdue(self, session: Session, now: datetime) -> Sequence[str]:
        since = now - self._deadlines.overdue
        query = select(Task.id).where(Task.status == _S.RUNNING, col(Task.status_at) < since)
        return session.exec(query.order_by(col(Task.seq))).all()

    def _gone(self, session: Session, now: datetime) -> Sequence[str]:
        """Calls whose results the provider has deleted by now: still watched, or in a doubt that nothing can end."""
        old = col(Submission.started_at) < now - self._deadlines.give_up
        watched = select(Submission.id).where(col(Submission.poll_at).is_not(None), old)
        doubtful = select(Submission.id).where(OPEN_CALL, old)
        return sorted({*session.exec(watched), *session.exec(doubtful), *_unanswerable(session)})


def _dead_senders(session: Session, now: datetime) -> Sequence[str]:
    """Sending for longer than the lease; or, it says, in the future: then the clock was set back since."""
    dead = or_(col(Submission.lease_until) < now, col(Submission.started_at) > now + AHEAD)
    return session.exec(select(Submission.id).where(OPEN_CALL, Submission.outcome == Outcome.SENDING, dead)).all()


def _unanswerable(session: Session) -> Sequence[str]:
    """Doubts whose time is over at a provider that can be asked nothing: no evidence will come, so nobody waits."""
    over = (OPEN_CALL, Submission.outcome == Outcome.UNKNOWN, Task.status == _S.FAILED, col(Task.provider).in_(DIRECT))
    return session.exec(select(Submission.id).join(Task, col(Task.id) == Submission.task_id).where(*over)).all()


def _give_up(session: Session, submission_id: str, now: datetime) -> int:
    submission = lock_submission(session, submission_id)
    if submission is None or (submission.poll_at is None and submission.outcome not in OPEN):
        return 0
    ended = False
    if submission.outcome in {Outcome.ACCEPTED, Outcome.UNKNOWN}:
        # What was never confirmed in all this time is written off, and may have been paid; what was taken, failed.
        lost = submission.outcome == Outcome.UNKNOWN
        submission.outcome = Outcome.WRITTEN_OFF if lost else Outcome.PROVIDER_FAILED
        submission.settled_at, submission.fail_code = now, "expired"
        # Its task may have come to wait for this call only now, and would wait for nothing.
        ended = move(session, submission.task_id, _S.FAILED, since=WAITING_FOR_WORD, now=now, kind="given_up",
                     submission_id=submission.id, error_code="unconfirmed" if lost else "overdue")  # fmt: skip
    submission.poll_at = None
    session.add(submission)
    session.flush()
    if not ended:
        log(session, submission.task_id, "given_up", now=now, submission_id=submission.id)
    book(session, submission.task_id, now)
    return 1


# A clock that was set back ------------------------------------------------------------------------------------------


_DUE_TIMES: tuple[tuple[type[Table], Any, Any], ...] = (
    (Submission, col(Submission.poll_at), true()),
    (Submission, col(Submission.fetch_at), true()),
    (Task, col(Task.not_before), col(Task.status) == TaskStatus.QUEUED),
    (Gate, col(Gate.paused_until), true()),
)


def _ahead(session: Session, now: datetime) -> bool:
    """Whether a due time lies further ahead than any rule puts one."""
    looks = (select(column).where(rows, column > now + AHEAD).limit(1) for _, column, rows in _DUE_TIMES)
    return any(session.exec(look).first() is not None for look in looks)


def _pull_back(session: Session, now: datetime) -> int:
    """Makes due at once what a clock set back would let wait for hours."""
    pulled = 0
    for table, column, rows in _DUE_TIMES:
        late = update(table).where(rows, column > now + AHEAD).values({column.key: now})
        pulled += session.connection().execute(late).rowcount
    return pulled
