"""What settling a paid call means for its task and its money, in the caller's transaction.

The pieces that `submissions.py` and `deadlines.py` put together; each expects the submission's row to be locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from data.ledger import book
from data.moves import lock_submission, lock_task, log, move
from data.rows import not_on_record
from data.schema import Artifact, Submission, Task
from data.status import Outcome, TaskStatus

_S = TaskStatus
WAITING_FOR_WORD = frozenset({_S.SUBMITTING, _S.UNCONFIRMED, _S.RUNNING})


@dataclass(frozen=True)
class Word:
    """What was said about a submission: the fields of a provider's report that the ledger keeps."""

    state: str  # running, succeeded or failed
    provider_task_id: str
    outputs: tuple[str, ...] = ()
    charged_micro: int | None = None
    cause: str | None = None  # a code of data/causes.py
    message: str | None = None  # the provider's own words
    retryable: bool = False
    report: dict[str, object] | None = None


def doubt(session: Session, submission_id: str, now: datetime, *, message: str) -> bool:
    """SENDING → UNKNOWN and SUBMITTING → UNCONFIRMED, in the caller's transaction."""
    submission = lock_submission(session, submission_id)
    if submission is None or submission.outcome != Outcome.SENDING:
        return False
    submission.outcome, submission.fail_message = Outcome.UNKNOWN, message
    session.add(submission)
    session.flush()
    move(session, submission.task_id, _S.UNCONFIRMED, since={_S.SUBMITTING}, now=now, kind="in_doubt",
         submission_id=submission_id, detail=message)  # fmt: skip
    return True


def contradicts(session: Session, submission: Submission, word: Word, now: datetime) -> bool:
    """A second provider id for one call, or one id for two calls, is an alarm and not a result.

    An id that only a webhook named, and no report has borne out yet, is a hint: the provider's own answer replaces it.
    """
    known = submission.provider_task_id
    if known == word.provider_task_id:
        return False
    replaceable = known is None or submission.last_report_at is None
    if replaceable and not name_is_taken(session, submission, word.provider_task_id):
        return False
    log(session, submission.task_id, "alarm_second_id", now=now, submission_id=submission.id,
        detail=f"known as {known}, now called {word.provider_task_id}")  # fmt: skip
    return True


def name_is_taken(session: Session, submission: Submission, provider_task_id: str) -> bool:
    """Whether another call of the account has this name at the provider."""
    taken = select(Submission.id).where(
        Submission.account == submission.account, Submission.provider_task_id == provider_task_id,
        Submission.id != submission.id,
    )  # fmt: skip
    return session.exec(taken).first() is not None


def settle(
    session: Session,
    submission: Submission,
    outcome: Outcome,
    now: datetime,
    *,
    fail_code: str | None = None,
    fail_message: str | None = None,
    charged_micro: int | None = None,
) -> None:
    submission.outcome = outcome
    submission.settled_at = now
    submission.answered_at = submission.answered_at or now
    submission.poll_at = None
    submission.fail_code, submission.fail_message = fail_code, fail_message
    charge(session, submission, charged_micro)


def charge(session: Session, submission: Submission, charged_micro: int | None) -> None:
    """Keeps what the provider says it took, and the task's sum of it; None says nothing."""
    if charged_micro is not None:
        submission.charged_micro = charged_micro
    session.add(submission)
    session.flush()
    total = select(func.coalesce(func.sum(Submission.charged_micro), 0)).where(Submission.task_id == submission.task_id)
    session.connection().execute(
        update(Task).where(col(Task.id) == submission.task_id).values(charged_micro=session.exec(total).one())
    )


def end_of_try(
    session: Session,
    submission: Submission,
    now: datetime,
    *,
    cause: str,
    message: str,
    retry_in: timedelta | None,
    kind: str,
) -> None:
    """The call is over without a result: back to the queue, failed, or cancelled where a person wished so."""
    task = lock_task(session, submission.task_id)  # a wish to cancel that comes now waits, and finds what we made of it
    values: dict[str, Any]
    to, values = _S.FAILED, {"error_code": cause, "error_detail": message[:2000]}
    if task.cancel_requested_at is not None:
        to, values = _S.CANCELLED, {}
    elif retry_in is not None:
        to, values = _S.QUEUED, {"error_code": cause, "error_detail": message[:2000], "not_before": now + retry_in}
    move(session, task.id, to, since=WAITING_FOR_WORD, now=now, kind=kind, submission_id=submission.id,
         detail=message[:2000], **values)  # fmt: skip
    book(session, task.id, now)


def failures(session: Session, submission: Submission) -> int:
    """How many of the task's calls the provider itself has failed, this one included."""
    failed = (Submission.task_id == submission.task_id, Submission.outcome == Outcome.PROVIDER_FAILED)
    return session.exec(select(func.count()).select_from(Submission).where(*failed)).one()


def fresh_addresses(session: Session, submission: Submission, word: Word, now: datetime) -> bool:
    """A look at a finished call may name new addresses: worth another download, while a file of it is still to come.

    Once one has a row, a file is known by its place in the list that we keep, so that a new list which lacks any is of
    no use.
    """
    mine = select(Artifact.position, Artifact.sought_at)
    rows = session.exec(mine.where(Artifact.submission_id == submission.id, Artifact.role == "output")).all()
    home = [position for position, sought_at in rows if sought_at is None]
    fresh = _in_place(submission.outputs, word.outputs)
    if rows:
        fresh = fresh[: len(submission.outputs)]
        if len(fresh) < len(submission.outputs) or not not_on_record(fresh, home):
            return False
    if not fresh or fresh == submission.outputs:
        return False
    submission.outputs = fresh
    if submission.fetch_at is not None:
        submission.fetch_at = now
    session.add(submission)
    log(session, submission.task_id, "fresh_addresses", now=now, submission_id=submission.id)
    return True


def _in_place(known: Sequence[str], fresh: Sequence[str]) -> list[str]:
    """The fresh addresses in the order of the known ones, as far as there are any; what is left over stands last.

    A file keeps its name whatever is signed anew around it, in whatever order a provider lists them: by place alone one
    paid file would be stored twice, and another never. Those of new names fill the places of names that are gone.
    """
    name = _name if len({*map(_name, known)}) == len(known) else str
    others = list(dict.fromkeys(fresh))
    placed: list[str | None] = []
    for url in known:
        placed.append(next((other for other in others if name(other) == name(url)), None))
        others = [other for other in others if other != placed[-1]]
    left = iter(others)
    return [url for url in (*(url or next(left, None) for url in placed), *left) if url is not None]


def _name(url: str) -> str:
    """The path of an address: without its host, which may be another mirror, and without what follows a "?"."""
    return url.partition("?")[0].split("/", 3)[-1]
