"""Leaving practice, or going back to it: what was asked for in one mode is never made in the other.

A task that waits since practice was asked for in the belief that it is free; with a key set it would be bought.
"""

from collections.abc import Callable
from datetime import datetime

from sqlmodel import col, select

from data.db import Database, insert_new
from data.ledger import book
from data.moves import move
from data.practice import ROW
from data.schema import Health, Task
from data.status import TaskStatus


def enter(db: Database, *, practice: bool, clock: Callable[[], datetime] | None = None) -> int:
    """Says which mode the server runs in. Where that has changed, what still waits is cancelled; gives the number.

    What the other mode's provider has already is left alone: its picture is kept if it comes.
    """
    with db.transaction() as session:
        now = (clock or db.now)()
        message = "Practising: nothing costs anything." if practice else "Real pictures are made and paid for."
        if insert_new(session, Health, {"name": ROW, "ok": True, "message": message, "at": now,
                                        "data": {"practice": practice}}):  # fmt: skip
            return 0
        row = session.exec(select(Health).where(Health.name == ROW).with_for_update()).one()
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
