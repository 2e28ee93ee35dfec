"""The one way a task's status changes: a guarded UPDATE and its event, in the caller's transaction.

Losing the race is a normal answer (`False`), never an exception: a webhook, a poll and a person may all be first.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from data.errors import NotFound
from data.schema import Submission, Task, TaskEvent
from data.status import TERMINAL, TRANSITIONS, TaskStatus


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
        raise NotFound("There is no such request.")
    return task


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

    Whatever the task waited or failed for is forgotten unless `values` says it anew. Every pair must be in
    `TRANSITIONS`; a pair that is not is a mistake of the caller and raises ValueError.
    """
    forbidden = [status for status in since if to not in TRANSITIONS[status]]
    if forbidden:
        raise ValueError(f"no such transition: {', '.join(forbidden)} → {to}")
    before = session.exec(select(Task.status).where(Task.id == task_id)).one_or_none()
    if before is None or before not in since:
        return False
    columns = {
        "status": to,
        "status_at": now,
        "finished_at": now if to in TERMINAL else None,
        "not_before": None,
        "error_code": None,
        "error_detail": None,
    } | values
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
    return True


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
