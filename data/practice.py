"""Leaving practice, or going back to it: what was asked for in one mode is never made in the other.

A task that waits since practice was asked for in the belief that it is free; with a key set it would be bought. What
was made stays in one history, and each of it tells by the account of its calls whether it was practice.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlmodel import col, select

from data.db import Database, insert_new
from data.ledger import book
from data.moves import move
from data.schema import Health, Submission, Task
from data.status import TaskStatus

_ROW = "practice"
_STAND_IN = "sandbox"
"""What the names of its accounts begin with."""
_ACCOUNTS = sa.select(col(Submission.task_id), col(Submission.account)).where(
    col(Submission.task_id).in_(sa.bindparam("ids", expanding=True))
)


def practised(accounts: Iterable[str]) -> bool:
    """Whether calls by these accounts cost nothing: one at a provider beside them is money."""
    return all(account.startswith(_STAND_IN) for account in accounts)


def by_task(connection: Connection, task_ids: Sequence[str]) -> dict[str, bool]:
    """Of each task whether it was practice; one that was never sent is left out."""
    accounts: dict[str, list[str]] = {}
    for task_id, account in connection.execute(_ACCOUNTS, {"ids": task_ids}) if task_ids else ():
        accounts.setdefault(task_id, []).append(account)
    return {task_id: practised(each) for task_id, each in accounts.items()}


def enter(db: Database, *, practice: bool, clock: Callable[[], datetime] | None = None) -> int:
    """Says which mode the server runs in. Where that has changed, what still waits is cancelled; gives the number.

    What the other mode's provider has already is left alone: its picture is kept if it comes.
    """
    with db.transaction() as session:
        now = (clock or db.now)()
        message = "Practising: nothing costs anything." if practice else "Real pictures are made and paid for."
        if insert_new(session, Health, {"name": _ROW, "ok": True, "message": message, "at": now,
                                        "data": {"practice": practice}}):  # fmt: skip
            return 0
        row = session.exec(select(Health).where(Health.name == _ROW).with_for_update()).one()
        if row.data.get("practice") == practice:
            return 0
        row.data, row.message, row.at = {"practice": practice}, message, now
        session.add(row)
        waiting = session.exec(
            select(Task.id).where(Task.status == TaskStatus.QUEUED).order_by(col(Task.seq)).with_for_update()
        ).all()
        for task_id in waiting:
            move(session, task_id, TaskStatus.CANCELLED, since={TaskStatus.QUEUED}, now=now, kind="mode_changed",
                 error_code="mode_changed")  # fmt: skip
            book(session, task_id, now)
        return len(waiting)
