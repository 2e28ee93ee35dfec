"""The one way a task's status changes: a guarded UPDATE and its event, in the caller's transaction.

Losing the race is a normal answer (`False`), never an exception: a webhook, a poll and a person may all be first.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, update
from sqlmodel import Session, col, select

from data.errors import NotFound
from data.schema import Submission, Task, TaskEvent
from data.sentences import Sentence
from data.status import TERMINAL, TRANSITIONS, TaskStatus

CAME_BACK = "came_back"
"""Kind of the event: it had been deleted, and a picture came after all."""


def lock_submission(session: Session, submission_id: str) -> Submission | None:
    """The row as it is now, locked until the transaction ends: nobody else settles the call meanwhile.

    Locks are taken in one order everywhere: gate, submission, task, spending.
    """
    return session.get(Submission, submission_id, with_for_update=True, populate_existing=True)


def lock_task(session: Session, task_id: str) -> Task:
    """The row as it is now, locked until the transaction ends. Raises NotFound."""
    query = select(Task).where(Task.id == task_id).with_for_update().execution_options(populate_existing=True)
    task = session.exec(query).one_or_none()
    if task is None:
        raise NotFound(Sentence("There is no such request."))
    return task


def lock_tasks(session: Session, *which: ColumnElement[bool]) -> list[Task]:
    """The rows that fit as they are now, locked until the transaction ends, in the one order in which many are locked.

    Look at anything beside these rows (a retry of them, say) in a statement after this one: on PostgreSQL a statement
    that waits for a lock still sees the rest of the database as it was before the wait.
    """
    query = select(Task).where(*which).order_by(col(Task.seq)).with_for_update()
    return list(session.exec(query.execution_options(populate_existing=True)))


def fetch_anew(session: Session, call: Submission, now: datetime) -> bool:
    """The files of a finished call that are not home are fetched again. False where they are being fetched already."""
    if call.fetch_at is not None:
        return False
    call.fetch_at, call.fetch_attempts, call.fetch_since = now, 0, now
    call.settled_at = call.settled_at or now
    call.poll_at = now  # its addresses may have run out: a look names fresh ones
    session.add(call)
    session.flush()
    return True


def move(
    session: Session,
    task_id: str,
    to: TaskStatus,
    *,
    since: Collection[TaskStatus],
    now: datetime,
    kind: str,
    who: str = "server",
    submission_id: str | None = None,
    detail: str | None = None,
    **values: Any,
) -> bool:
    """Moves the task to `to` if it stands in one of `since`; `values` are further columns to set.

    Whatever the task waited or failed for is forgotten unless `values` says it anew, and a deleted task that moves is
    back in sight: what is on its way, or comes after all, is never hidden. Every pair must be in `TRANSITIONS`; a pair
    that is not is a mistake of the caller and raises ValueError.
    """
    forbidden = [status for status in since if to not in TRANSITIONS[status]]
    if forbidden:
        raise ValueError(f"no such transition: {', '.join(forbidden)} → {to}")
    found = session.exec(select(Task.status, Task.deleted_at).where(Task.id == task_id)).one_or_none()
    if found is None or found[0] not in since:
        return False
    before, deleted_at = found
    columns = _moved_columns(to, now) | values
    guard = (col(Task.id) == task_id, col(Task.status) == before)
    if session.connection().execute(update(Task).where(*guard).values(**columns)).rowcount == 0:
        return False
    log(
        session,
        task_id,
        kind,
        now=now,
        who=who,
        submission_id=submission_id,
        detail=detail,
        moved=(TaskStatus(before), to),
    )
    if deleted_at is not None:
        log(session, task_id, CAME_BACK, now=now, submission_id=submission_id)
    return True


def move_each(
    session: Session, task_ids: Sequence[str], to: TaskStatus, *, since: TaskStatus, now: datetime, kind: str, who: str,
    **values: Any,
) -> None:  # fmt: skip
    """The same for many tasks at once, all of which stand in `since` and were locked by the caller."""
    if to not in TRANSITIONS[since]:
        raise ValueError(f"no such transition: {since} → {to}")
    if not task_ids:
        return
    columns = _moved_columns(to, now) | values
    session.connection().execute(update(Task).where(col(Task.id).in_(task_ids)).values(**columns))
    moved = {"from_status": since, "to_status": to}
    events = [{"task_id": task_id, "at": now, "kind": kind, "who": who, **moved} for task_id in task_ids]
    session.connection().execute(insert(TaskEvent), events)


def _moved_columns(to: TaskStatus, now: datetime) -> dict[str, Any]:
    """What every move sets, whatever else it sets."""
    return {
        "status": to,
        "status_at": now,
        "finished_at": now if to in TERMINAL else None,
        "not_before": None,
        "error_code": None,
        "error_detail": None,
        "deleted_at": None,
        "deleted_by": None,
    }


def bring_back(session: Session, task_id: str, now: datetime) -> None:
    """A deleted task for which there is news, although it stands where it stood: it is in sight again."""
    deleted = (col(Task.id) == task_id, col(Task.deleted_at).is_not(None))
    if session.connection().execute(update(Task).where(*deleted).values(deleted_at=None, deleted_by=None)).rowcount:
        log(session, task_id, CAME_BACK, now=now)


def log_each(
    session: Session, task_ids: Sequence[str], kind: str, *, now: datetime, who: str, detail: str | None = None
) -> None:
    """The same event for each of these tasks, in one go."""
    if task_ids:
        same = {"at": now, "kind": kind, "who": who, "detail": detail}
        events = [{"task_id": task_id, **same} for task_id in task_ids]
        session.connection().execute(insert(TaskEvent), events)


def log(
    session: Session,
    task_id: str,
    kind: str,
    *,
    now: datetime,
    who: str = "server",
    submission_id: str | None = None,
    detail: str | None = None,
    moved: tuple[TaskStatus, TaskStatus] | None = None,
) -> None:
    """Writes a TaskEvent row; `moved` is (from, to) where the status changed."""
    before, after = moved or (None, None)
    event = {"task_id": task_id, "submission_id": submission_id, "at": now, "kind": kind, "who": who, "detail": detail,
             "from_status": before, "to_status": after}  # fmt: skip
    session.connection().execute(insert(TaskEvent), event)
