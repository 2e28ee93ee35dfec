"""Paid calls: claimed before anything is sent, settled by what the provider says. Evidence always wins.

Every method is one transaction with compare-and-set guards and may be called twice, late, or in any order; the reasons
for each guard are the rules of DESIGN section 3. It knows no HTTP: `intake` hands in what was said. It is long and yet
one file: each guard is right only beside all the others.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from data import wish
from data.db import Database
from data.ids import new_token
from data.images import StoredImage
from data.ledger import book, over_cap
from data.moves import bring_back, lock_submission, lock_task, log, move
from data.pace import Pace, Serves, gate_is_open, held_references, lock_gate, must_upload, next_task
from data.relation import Relation
from data.schema import Submission, Task
from data.settling import (
    WAITING_FOR_WORD,
    Word,
    charge,
    contradicts,
    doubt,
    end_of_try,
    failures,
    fresh_addresses,
    name_is_taken,
    settle,
)  # fmt: skip
from data.status import ACTIVE, OPEN, Outcome, TaskStatus

_S = TaskStatus
EMPTY_LOOKS = 3
"""Looks at a finished task without a picture before its person is told."""


@dataclass(frozen=True)
class Claim:
    """The right, and the duty, to make one paid call: already on record as SENDING."""

    submission_id: str
    token: str
    task: Task
    references: tuple[StoredImage, ...]
    reference_urls: tuple[str, ...]  # where the provider holds them, in the same order
    made: float = field(default_factory=time.monotonic)  # when, on this process's own clock


class SubmissionStore:
    """The paying side of a task's life."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime] | None = None,
        *,
        first_look: timedelta = timedelta(seconds=2),
        retries: int = 1,
    ) -> None:
        """`first_look`: how long after an acceptance the provider is asked first; `retries` after its own failures."""
        self._db = db
        self._clock = clock or db.now
        self._first_look = first_look
        self._retries = retries

    def claim(self, account: str, serves: Serves, pace: Pace) -> Claim | None:
        """Takes the next task, if the gate allows it, and puts the intent to spend on record.

        One whose references have left the provider goes back for another upload; one whose batch has cost more than it
        may (the provider charged more than its list says) ends unsent, and so does a retry whose wish has its picture.
        Each in a transaction of its own: two tasks are never locked out of turn, and the sums of money last.
        """
        while True:
            with self._db.transaction() as session:
                gate = lock_gate(session, account)
                now = self._clock()  # after the lock: who waited for it must not count as having started earlier
                if not gate_is_open(session, gate, pace, now):
                    return None
                task = next_task(session, serves, pace, now)
                if task is None:
                    return None
                if must_upload(session, account, task, now):
                    continue
                if over_cap(session, task.batch_id):
                    end, why = _S.FAILED, "over_cap"
                elif task.relation == Relation.RETRY and wish.others(session, task.id, _S.SUCCEEDED, _S.FETCHING):
                    end, why = _S.CANCELLED, "has_picture"
                else:
                    return _claimed(session, account, task, pace, now)
                move(session, task.id, end, since={_S.QUEUED}, now=now, kind=why, error_code=why)
                book(session, task.id, now)

    def leaves(self, submission_id: str, pace: Pace) -> bool:
        """Whether a call that was held up may leave now, and is counted from now.

        Not if others take it for sent by now, if its task was cancelled meanwhile, or if the gate has shut. Then its
        sender gives it back unsent: it waits as what it is, queued, where a cancel is free and its turn is kept.
        """
        with self._db.transaction() as session:
            account = session.exec(select(Submission.account).where(Submission.id == submission_id)).one()
            gate = lock_gate(session, account)
            submission, now = lock_submission(session, submission_id), self._clock()
            if submission is None or submission.outcome != Outcome.SENDING:
                return False
            cancelled = lock_task(session, submission.task_id).cancel_requested_at is not None
            if cancelled or not gate_is_open(session, gate, pace, now, beside=submission_id):
                return False
            submission.started_at, submission.lease_until = now, now + pace.submit_lease
            session.add(submission)
            return True

    def accepted(self, submission_id: str, provider_task_id: str) -> bool:
        """The provider has it and named it. False where that was known, or contradicts what is known."""
        return self.apply(submission_id, Word("running", provider_task_id))

    def not_taken(
        self,
        submission_id: str,
        outcome: Outcome,
        *,
        cause: str,
        message: str,
        retry_in: timedelta | None,
        pauses_account: bool = False,
    ) -> bool:
        """Certainly nothing was created (`NOT_SENT` or `REJECTED`). Only the sender of this very call may say so.

        Not even the sender, where a webhook has named the call: whoever knows its token has taken it, and something on
        the way made the no up. Then it is in doubt, and the look that the webhook asked for tells.
        """
        with self._db.transaction() as session:
            account = session.exec(select(Submission.account).where(Submission.id == submission_id)).one_or_none()
            if account is None:
                return False
            gate = lock_gate(session, account) if pauses_account else None  # the gate before the call: one lock order
            submission, now = lock_submission(session, submission_id), self._clock()
            if submission is None or submission.outcome not in {Outcome.SENDING, Outcome.UNKNOWN}:
                return False
            if submission.provider_task_id is not None:
                doubt(session, submission_id, now, message=message)
                return False
            settle(session, submission, outcome, now, fail_code=cause, fail_message=message)
            if outcome == Outcome.NOT_SENT and retry_in is not None:
                retry_in = min(retry_in * 2 ** min(submission.attempt - 1, 4), timedelta(seconds=60))
            if gate is not None and retry_in is not None and now + retry_in > (gate.paused_until or now):
                gate.paused_until, gate.reason = now + retry_in, cause
                session.add(gate)
            end_of_try(session, submission, now, cause=cause, message=message, retry_in=retry_in, kind=outcome)
            return True

    def in_doubt(self, submission_id: str, *, message: str) -> bool:
        """No answer, or one that proves nothing. It is never sent again: evidence, a person or the clock ends it."""
        with self._db.transaction() as session:
            return doubt(session, submission_id, self._clock(), message=message)

    def still_sending(self, submission_id: str, lease: timedelta) -> bool:
        """The sender lives and has the answer, which cannot be put on record yet. False where it is in doubt by now."""
        with self._db.transaction() as session:
            submission = lock_submission(session, submission_id)
            if submission is None or submission.outcome != Outcome.SENDING:
                return False
            submission.lease_until = max(submission.lease_until, self._clock() + lease)
            session.add(submission)
            return True

    def apply(self, submission_id: str, word: Word) -> bool:
        """What a webhook, a look or an immediate answer said. Idempotent and monotone; False where nothing changed."""
        with self._db.transaction() as session:
            submission, now = lock_submission(session, submission_id), self._clock()
            return submission is not None and self._apply(session, submission, word, now)

    def completed(self, submission_id: str, word: Word) -> bool:
        """The paid call itself was answered with its end. That it is this call's answer is certain, whatever it says.

        So a name that another call has already (a proxy on the way repeats itself) must not cost us the picture.
        """
        try:
            return self._completed(submission_id, word)
        except IntegrityError:  # the other call was named at this very moment; now it is seen
            return self._completed(submission_id, word)

    def _completed(self, submission_id: str, word: Word) -> bool:
        with self._db.transaction() as session:
            submission, now = lock_submission(session, submission_id), self._clock()
            if submission is None:
                return False
            if name_is_taken(session, submission, word.provider_task_id):
                log(session, submission.task_id, "alarm_second_id", now=now, submission_id=submission_id,
                    detail=f"another call is called {word.provider_task_id} too")  # fmt: skip
                word = replace(word, provider_task_id=f"call-{submission_id}")
            return self._apply(session, submission, word, now)

    def _apply(self, session: Session, submission: Submission, word: Word, now: datetime) -> bool:
        if contradicts(session, submission, word, now):
            return False
        submission.provider_task_id = word.provider_task_id
        submission.last_report_at = now
        if word.report is not None:
            submission.report = dict(word.report)
        session.add(submission)
        if word.state == "succeeded":
            return self._succeeded(session, submission, word, now)
        if word.state == "failed":
            return self._failed(session, submission, word, now)
        return self._running(session, submission, now)

    def _running(self, session: Session, submission: Submission, now: datetime) -> bool:
        was = submission.outcome
        if was in {Outcome.ACCEPTED, Outcome.SUCCEEDED, Outcome.PROVIDER_FAILED}:
            return False
        if was in {Outcome.SENDING, Outcome.UNKNOWN}:
            submission.outcome, submission.answered_at = Outcome.ACCEPTED, submission.answered_at or now
            submission.poll_at = now + self._first_look
            session.flush()
            return move(session, submission.task_id, _S.RUNNING, since={_S.SUBMITTING, _S.UNCONFIRMED}, now=now,
                        kind="accepted", submission_id=submission.id)  # fmt: skip
        if submission.poll_at is not None:
            return False  # known, and watched
        # Settled as not taken, yet the provider has it: keep watching, so that its picture is not lost.
        submission.poll_at = now + self._first_look
        log(session, submission.task_id, "alarm_taken_after_all", now=now, submission_id=submission.id)
        return True

    def _succeeded(self, session: Session, submission: Submission, word: Word, now: datetime) -> bool:
        if submission.outcome == Outcome.SUCCEEDED:
            return fresh_addresses(session, submission, word, now)
        if not word.outputs:
            return self._empty(session, submission, word, now)
        submission.outputs = list(word.outputs)
        submission.fetch_at, submission.fetch_attempts, submission.fetch_since = now, 0, now
        settle(session, submission, Outcome.SUCCEEDED, now, charged_micro=word.charged_micro)
        if word.message:
            log(session, submission.task_id, "part_missing", now=now, submission_id=submission.id,
                detail=word.message[:2000])  # fmt: skip
        since = ACTIVE - {_S.FETCHING} | {_S.FAILED, _S.CANCELLED}
        if not move(session, submission.task_id, _S.FETCHING, since=since, now=now, kind="succeeded_there",
                    submission_id=submission.id):  # fmt: skip
            # The task has its picture, or is fetching one: this is a second paid result, and it is kept too.
            log(session, submission.task_id, "second_result", now=now, submission_id=submission.id)
            bring_back(session, submission.task_id, now)
        book(session, submission.task_id, now)
        return True

    def _empty(self, session: Session, submission: Submission, word: Word, now: datetime) -> bool:
        """Done, but no picture named. Others saw the list arrive a little later, so it is looked at on and on.

        After three looks the task fails, so that nobody waits before it; the call stays open until the provider has
        deleted what it made, and a picture that is named after all revives the task.
        """
        if submission.outcome in {Outcome.SUCCEEDED, Outcome.PROVIDER_FAILED}:
            return False
        changed = self._running(session, submission, now)
        submission.fetch_attempts += 1
        submission.fail_code, submission.fail_message = "empty_result", word.message
        charge(session, submission, word.charged_micro)
        if submission.fetch_attempts < EMPTY_LOOKS:
            submission.poll_at = now + self._first_look
        elif submission.fetch_attempts == EMPTY_LOOKS:
            changed = move(session, submission.task_id, _S.FAILED, since=WAITING_FOR_WORD, now=now,
                           kind="empty_result", submission_id=submission.id, error_code="empty_result",
                           error_detail=(word.message or "")[:2000])  # fmt: skip
        book(session, submission.task_id, now)
        return changed

    def _failed(self, session: Session, submission: Submission, word: Word, now: datetime) -> bool:
        if submission.outcome in {Outcome.SUCCEEDED, Outcome.PROVIDER_FAILED}:
            return False
        was_open = submission.outcome in OPEN
        settle(session, submission, Outcome.PROVIDER_FAILED, now, fail_code=word.cause, fail_message=word.message,
                charged_micro=word.charged_micro)  # fmt: skip
        if not was_open:
            log(session, submission.task_id, "failed_there", now=now, submission_id=submission.id, detail=word.message)
            book(session, submission.task_id, now)
            return True
        # A failure that was charged is never followed by another paid call without a person.
        again = word.retryable and not word.charged_micro and failures(session, submission) <= self._retries
        end_of_try(session, submission, now, cause=word.cause or "provider_error", message=word.message or "",
                    retry_in=timedelta(seconds=2) if again else None, kind="failed_there")  # fmt: skip
        return True


def _claimed(session: Session, account: str, task: Task, pace: Pace, now: datetime) -> Claim | None:
    submission = Submission(
        task_id=task.id,
        attempt=task.attempts + 1,
        account=account,
        token=new_token(),
        started_at=now,
        lease_until=now + pace.submit_lease,
    )
    session.add(submission)
    session.flush()
    if not move(session, task.id, _S.SUBMITTING, since={_S.QUEUED}, now=now, kind="claimed",
                submission_id=submission.id, attempts=submission.attempt):  # fmt: skip
        session.rollback()  # cancelled at this very moment: nothing may be spent
        return None
    return Claim(submission.id, submission.token, task, *held_references(session, account, task.id))
