"""What people ask of tasks: create, cancel, try again, give a doubt up. One method is one transaction.

What the provider answers is in `submissions.py`, what the clock says in `deadlines.py`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from data.again import Retried, Said, refuse_beside_a_retry, refuse_in_another_mode, retry_batch, retry_one
from data.asks import batch_of_key, digest, likeness, write_batch
from data.causes import ALL_HERE, ID_TAKEN, NO_DOUBT, NONE_NAMED
from data.db import Database, insert_new
from data.errors import NotAllowed, NotFound
from data.ids import new_id
from data.ledger import book, release, reserve_again
from data.moves import fetch_anew, lock_submission, lock_task, lock_tasks, log, move, move_each
from data.plan import Plan
from data.projects import entered
from data.relation import Parent
from data.requests import GenerationRequest
from data.rows import not_on_record
from data.schema import NOT_DELETED, OPEN_CALL, Artifact, RequestKey, Submission, Task
from data.sentences import Sentence
from data.status import Outcome, TaskStatus

_S = TaskStatus
_NOTHING_SAID = Said()
LIKE_FOR = timedelta(hours=24)


class TaskStore:
    """The asking side of a task's life, for screens and API."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC, by default the database's; tests hand in their own."""
        self._db = db
        self._clock = clock or db.now

    def create(
        self,
        requests: Sequence[GenerationRequest],
        *,
        person: str,
        source: str = "screen",
        parents: Sequence[Parent | None] = (),
        request_key: str | None = None,
        asked: str | None = None,
        priority: int = 0,
        cap_micro: int | None = None,
        plan: Plan | None = None,
        projects: Sequence[str | None] = (),
    ) -> list[Task]:
        """Writes one QUEUED task per request, as one batch, with its references. Nothing is sent here.

        With a `request_key`, asking for the same again gives the batch that is there: a program that repeats a call
        whose answer was lost, and a person who presses twice, pay once. `asked` is a digest of what was asked in the
        asker's own words, where these say it better than `requests` (see `known`). `parents` says of each request
        which task it comes of, `projects` for which project it is made, by name. `cap_micro` (micro-credits) is what
        the whole batch may cost at most. A `plan` is what a person looked through: then screens show the batch as one,
        and a cap of its own is kept to the very end.

        Raises:
            ValueError: nothing is asked for.
            NotAllowed: the key was used for something else, or a project cannot be called so.
            BudgetExceeded: the batch would pass its cap or a monthly budget; none of it was made.
        """
        if not requests:
            raise ValueError("a batch of nothing")
        batch_id = new_id()
        with self._db.transaction() as session:
            now = self._clock()
            if request_key is not None:
                asked = asked or digest(requests)
                row = {"key": request_key, "digest": asked, "batch_id": batch_id, "at": now}
                if not insert_new(session, RequestKey, row):
                    return batch_of_key(session, request_key, asked) or []
            return write_batch(session, requests, batch_id=batch_id, person=person, source=source, parents=parents,
                               priority=priority, now=now, cap_micro=cap_micro, plan=plan,
                               projects=entered(session, projects, person, now))  # fmt: skip

    def known(self, request_key: str, asked: str) -> list[Task] | None:
        """The batch that was made under this key, None where there is none yet.

        A repeated call is answered from here before it is judged again: a reference may be gone by now, a model
        retired, and the picture is being paid for all the same.

        Raises:
            NotAllowed: the key was used for something else.
        """
        with self._db.read() as session:
            return batch_of_key(session, request_key, asked)

    def get(self, task_id: str) -> Task:
        """The task's row. Raises NotFound."""
        with self._db.read() as session:
            return _task(session, task_id)

    def cancel(self, task_id: str, *, who: str) -> bool:
        """Cancels a waiting task for free (True); later only remembers the wish (False), for the money is spent then.

        Raises:
            NotFound: no such task.
            NotAllowed: it has ended.
        """
        with self._db.transaction() as session:
            task, now = lock_task(session, task_id), self._clock()
            if move(session, task_id, _S.CANCELLED, since={_S.QUEUED}, now=now, kind="cancelled", who=who,
                    cancel_requested_at=now):  # fmt: skip
                book(session, task_id, now)
                return True
            if task.finished_at is not None:
                raise NotAllowed(Sentence("This request has already ended; there is nothing to cancel."))
            if task.cancel_requested_at is None:
                task.cancel_requested_at = now
                session.add(task)
                log(session, task_id, "cancel_requested", now=now, who=who)
            return False

    def retry(
        self, task_id: str, *, who: str, other: GenerationRequest | None = None, said: Said = _NOTHING_SAID
    ) -> Task:
        """Asks for the same again, or (`other`) another model for it: a task that knows its origin, at today's price.

        While an earlier one like it is under way, alone or with its batch, that one is the answer: paid once. `said` is
        what the button promised.

        Raises:
            NotFound: no such task.
            NotAllowed: it is itself under way or done, or another try at it has its picture, or is newer.
            InvalidRequest: the model has gone or changed since.
            BudgetExceeded: it would pass a budget, or cost more than was said.
        """
        with self._db.transaction() as session:
            return retry_one(session, task_id, who=who, now=self._clock(), other=other, said=said)

    def retry_failed(
        self, batch_id: str, *, who: str, tries: Sequence[str] = (), said: Said = _NOTHING_SAID,
        also_doubtful: bool = True,
    ) -> Retried:  # fmt: skip
        """Asks again for what of a batch came to nothing, as one new batch; what was tried again since is left out.

        `tries` names what stands for its tasks in its results, which may be their retries: then these are asked for
        again, and none that is newer than what whoever pressed has seen.
        `also_doubtful`: also for what may be paid for already and may bring its picture yet.

        Raises:
            NotAllowed: nothing of it is left to try again, or not as many as was said.
            InvalidRequest: every model has gone or changed since.
            BudgetExceeded: it would pass a budget, or cost more than was said; none of it was made.
        """
        with self._db.transaction() as session:
            return retry_batch(session, batch_id, tries=tries, who=who, now=self._clock(), said=said,
                               also_doubtful=also_doubtful)  # fmt: skip

    def cancel_waiting(self, batch_id: str, *, who: str) -> int:
        """Cancels for free what of a batch was not sent yet, and gives how many that were; the rest goes on."""
        with self._db.transaction() as session:
            now = self._clock()
            mine = (col(Task.batch_id) == batch_id, col(Task.status) == _S.QUEUED, NOT_DELETED)
            tasks = lock_tasks(session, *mine)
            move_each(session, [task.id for task in tasks], _S.CANCELLED, since=_S.QUEUED, now=now, kind="cancelled",
                      who=who, cancel_requested_at=now)  # fmt: skip
            release(session, tasks, now)
            return len(tasks)

    def like(self, request: GenerationRequest) -> Task | None:
        """The newest task of anybody that asked for the same within 24 hours and has not come to nothing.

        A deleted one does not count: the notice would speak of a picture that nobody can look at.
        """
        with self._db.read() as session:
            since = self._clock() - LIKE_FOR
            same = (Task.digest == likeness(request), col(Task.created_at) > since)
            alive = (col(Task.status).not_in((_S.FAILED, _S.CANCELLED)), NOT_DELETED)
            return session.exec(select(Task).where(*same, *alive).order_by(col(Task.seq).desc()).limit(1)).first()

    def retry_download(self, task_id: str, *, who: str) -> None:
        """Fetches the files of a paid result again, those that are not home; costs nothing.

        Raises:
            NotFound: no such task.
            NotAllowed: every file that was named is home, or none was named.
        """
        with self._db.transaction() as session:
            _task(session, task_id)
            submission, now = lock_submission(session, _not_home(session, task_id)), self._clock()
            if submission is None:
                raise NotAllowed(NONE_NAMED)
            began = fetch_anew(session, submission, now)
            if not move(session, task_id, _S.FETCHING, since={_S.FAILED}, now=now, kind="download_again", who=who,
                        submission_id=submission.id) and began:  # fmt: skip
                log(session, task_id, "download_again", now=now, who=who, submission_id=submission.id)

    def check_now(self, task_id: str, *, who: str) -> None:
        """Has the provider asked at once.

        Raises:
            NotFound: no such task.
            NotAllowed: the provider never named it, so that there is nothing to ask for; or nothing is awaited.
        """
        with self._db.transaction() as session:
            _task(session, task_id)
            now = self._clock()
            named = or_(col(Submission.provider_task_id).is_not(None), col(Submission.named_as).is_not(None))
            mine = (col(Submission.task_id) == task_id, named)
            waiting = or_(col(Submission.poll_at).is_not(None), OPEN_CALL)
            if not session.connection().execute(update(Submission).where(*mine, waiting).values(poll_at=now)).rowcount:
                raise NotAllowed(Sentence("The provider never named this request, so there is nothing to ask it for."))
            log(session, task_id, "check_requested", now=now, who=who)

    def name_call(self, task_id: str, provider_task_id: str, *, who: str) -> None:
        """A person found the request in the provider's own list: this is its id there. The next look proves it.

        Until then it is no more than a guess, which stands in the way of nothing: whoever mistypes, or mixes two
        requests up, hides neither's picture, and may name it anew.

        Raises:
            NotFound: no such task.
            NotAllowed: nothing about it is in doubt, the provider has named it, or another request has this id.
        """
        provider_task_id = provider_task_id.strip()
        with self._db.transaction() as session:
            _task(session, task_id)
            doubtful = _doubtful(session, task_id)
            submission, now = lock_submission(session, doubtful) if doubtful else None, self._clock()
            if submission is None or submission.outcome != Outcome.UNKNOWN or not provider_task_id:
                raise NotAllowed(NO_DOUBT)
            taken = select(Submission.id).where(
                Submission.account == submission.account, Submission.provider_task_id == provider_task_id,
                Submission.id != submission.id,
            )  # fmt: skip
            if session.exec(taken).first() is not None:
                raise NotAllowed(ID_TAKEN)
            if submission.provider_task_id is not None:
                raise NotAllowed(Sentence("The provider has told us this request's id already; we look at it."))
            submission.named_as, submission.poll_at = provider_task_id, now
            session.add(submission)
            log(session, task_id, "named", now=now, who=who, submission_id=submission.id, detail=provider_task_id)

    def write_off(self, task_id: str, *, who: str, again: bool) -> None:
        """A person takes the doubt upon themselves: perhaps it was paid for. `again` queues one more paid call.

        Raises:
            NotFound: no such task.
            NotAllowed: nothing about it is in doubt, or (`again`) a newer try than it is there, or practice has begun
                or ended since.
            BudgetExceeded: `again` would pass a budget; then nothing has changed.
        """
        with self._db.transaction() as session:
            _task(session, task_id)
            doubtful = _doubtful(session, task_id)
            submission, now = lock_submission(session, doubtful) if doubtful else None, self._clock()
            if submission is None or submission.outcome != Outcome.UNKNOWN:
                raise NotAllowed(NO_DOUBT)
            if again:
                refuse_beside_a_retry(session, task_id)
                refuse_in_another_mode(session, task_id)
            submission.outcome, submission.settled_at = Outcome.WRITTEN_OFF, now
            session.add(submission)
            session.flush()
            kind = "written_off_again" if again else "written_off"
            to: dict[str, Any] = {"to": _S.QUEUED, "since": {_S.UNCONFIRMED, _S.FAILED}}
            if not again:
                to = {"to": _S.FAILED, "since": {_S.UNCONFIRMED}, "error_code": "written_off"}
            if not move(session, task_id, now=now, kind=kind, who=who, submission_id=submission.id, **to):
                log(session, task_id, kind, now=now, who=who, submission_id=submission.id)
            (reserve_again if again else book)(session, task_id, now)


def _doubtful(session: Session, task_id: str) -> str | None:
    """The task's call in doubt."""
    query = select(Submission.id).where(Submission.task_id == task_id, Submission.outcome == Outcome.UNKNOWN)
    return session.exec(query).first()


def _not_home(session: Session, task_id: str) -> str:
    """The newest finished call of the task of which a named file is not stored. Raises NotAllowed."""
    calls = session.exec(
        select(Submission.id, Submission.outputs)
        .where(Submission.task_id == task_id, Submission.outcome == Outcome.SUCCEEDED)
        .order_by(col(Submission.attempt).desc())
    ).all()
    stored = select(Artifact.position).where(Artifact.role == "output")
    for submission_id, outputs in calls:
        if not_on_record(outputs, session.exec(stored.where(Artifact.submission_id == submission_id))):
            return submission_id
    raise NotAllowed(ALL_HERE if calls else NONE_NAMED)


def _task(session: Session, task_id: str) -> Task:
    """Whoever asks for anything about a deleted task finds none: it spends nothing until somebody brings it back."""
    task = session.exec(select(Task).where(Task.id == task_id, NOT_DELETED)).one_or_none()
    if task is None:
        raise NotFound(Sentence("There is no such request."))
    return task
