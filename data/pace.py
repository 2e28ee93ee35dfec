"""The gate in front of every paid call: pace, ceilings and doubt, counted from the ledger so that restarts keep them.

One row per account is locked by each claim, so all workers and all processes together keep one pace.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, func, text
from sqlmodel import Session, col, select

from data.db import insert_new
from data.images import StoredImage
from data.rows import stored_image
from data.schema import OPEN_CALL, Artifact, Gate, ProviderFile, Submission, Task, UTCDateTime
from data.status import Outcome, TaskStatus


@dataclass(frozen=True)
class Pace:
    """What one account allows. The default is kie.ai's documented limit: 20 creates in 10 s; half a second is slack."""

    creates: int = 20
    window: timedelta = timedelta(seconds=10.5)
    in_flight: int = 100
    per_person: int = 50
    doubts: int = 10
    submit_lease: timedelta = timedelta(seconds=90)  # must outlast the HTTP timeout of the call


Serves = Collection[tuple[str, str]]
"""The (provider, family) pairs whose tasks an account pays for."""

YOUNG = timedelta(hours=1)
"""A call of yesterday that never came back must not hold a seat for the fourteen days it stays open."""


def lock_gate(session: Session, account: str) -> Gate:
    """The account's row, locked until the transaction ends; made at first use."""
    row = select(Gate).where(Gate.account == account).with_for_update()
    gate = session.exec(row).one_or_none()
    if gate is None:
        insert_new(session, Gate, {"account": account})
        gate = session.exec(row).one()
    return gate


def gate_is_open(session: Session, gate: Gate, pace: Pace, now: datetime, *, beside: str = "") -> bool:
    """Whether one more paid call may start now. Call it with the gate locked, and with a `now` read after that.

    `beside`: the id of a call that is not counted, because it is the one that asks.
    """
    if gate.paused_until is not None and gate.paused_until > now:
        return False
    mine = and_(col(Submission.account) == gate.account, col(Submission.id) != beside)
    count = select(func.count()).select_from(Submission)
    # What lies further ahead than a window was started before the clock was set back: it says nothing about this one.
    window = (col(Submission.started_at) > now - pace.window, col(Submission.started_at) <= now + pace.window)
    if session.exec(count.where(mine, *window)).one() >= pace.creates:
        return False
    if session.exec(count.where(mine, OPEN_CALL, col(Submission.started_at) > now - YOUNG)).one() >= pace.in_flight:
        return False
    doubtful = count.join(Task, col(Task.id) == Submission.task_id).where(
        mine, OPEN_CALL, Submission.outcome == Outcome.UNKNOWN, Task.status == TaskStatus.UNCONFIRMED
    )
    return session.exec(doubtful).one() < pace.doubts


_NEXT = text("""
WITH RECURSIVE
  people(person) AS (
    SELECT min(person) FROM task
    WHERE status = 'queued' AND NOT awaits_upload AND provider = :provider AND family = :family
    UNION ALL
    SELECT (SELECT min(t.person) FROM task AS t
            WHERE t.status = 'queued' AND NOT t.awaits_upload AND t.provider = :provider AND t.family = :family
              AND t.person > people.person)
    FROM people WHERE people.person IS NOT NULL
  ),
  busy(person, calls) AS (
    SELECT t.person, count(*) FROM submission AS s JOIN task AS t ON t.id = s.task_id
    WHERE s.outcome IN ('sending', 'unknown', 'accepted') AND s.started_at > :young GROUP BY t.person
  ),
  firsts(seq, calls) AS (
    SELECT (SELECT t.seq FROM task AS t
            WHERE t.status = 'queued' AND NOT t.awaits_upload AND t.provider = :provider AND t.family = :family
              AND t.person = people.person AND (t.not_before IS NULL OR t.not_before <= :now)
            ORDER BY t.priority, t.seq LIMIT 1),
           coalesce(busy.calls, 0)
    FROM people LEFT JOIN busy ON busy.person = people.person
    WHERE people.person IS NOT NULL AND coalesce(busy.calls, 0) < :per_person
  )
SELECT task.id, task.priority, firsts.calls, task.seq FROM firsts JOIN task ON task.seq = firsts.seq
ORDER BY task.priority, firsts.calls, task.seq LIMIT 1
""").bindparams(bindparam("now", type_=UTCDateTime), bindparam("young", type_=UTCDateTime))
"""One index probe for each person who waits, and one for their first task (`ix_task_sends`): as dear with ten thousand
tasks queued as with a hundred. Written out, because the index is used only where its condition stands literally."""


def next_task(session: Session, serves: Serves, pace: Pace, now: datetime) -> Task | None:
    """The queued task whose turn it is: priority, then the person with the fewest open calls, then age."""
    firsts: list[Row[Any]] = []
    for provider, family in serves:
        asked = {"provider": provider, "family": family, "now": now, "young": now - YOUNG,
                 "per_person": pace.per_person}  # fmt: skip
        firsts += session.connection().execute(_NEXT, asked).all()
    if not firsts:
        return None
    first = min(firsts, key=lambda row: (row.priority, row.calls, row.seq))
    return session.exec(select(Task).where(Task.id == first.id)).one()


def must_upload(session: Session, account: str, task: Task, now: datetime) -> bool:
    """Whether one of the task's references is not at the provider, or no longer; it then waits for an upload."""
    if session.exec(select(Task.id).where(Task.id == task.id, _lacks_upload(account, now))).first() is None:
        return False
    task.awaits_upload = True
    session.add(task)
    return True


def _lacks_upload(account: str, now: datetime) -> ColumnElement[bool]:
    """Condition: the task has a reference that the provider does not hold (any more)."""
    held = exists().where(
        and_(
            col(ProviderFile.account) == account,
            col(ProviderFile.sha256) == col(Artifact.sha256),
            col(ProviderFile.expires_at) > now,
        )
    )
    return exists().where(col(Artifact.task_id) == col(Task.id), col(Artifact.role) == "input", ~held).correlate(Task)


def held_references(session: Session, account: str, task_id: str) -> tuple[tuple[StoredImage, ...], tuple[str, ...]]:
    """The task's references, and where the provider holds each, in their order."""
    rows = session.exec(
        select(Artifact, ProviderFile.url)
        .join(ProviderFile, (col(ProviderFile.sha256) == Artifact.sha256) & (col(ProviderFile.account) == account))
        .where(Artifact.task_id == task_id, Artifact.role == "input")
        .order_by(col(Artifact.position))
    ).all()
    return tuple(stored_image(row) for row, _ in rows), tuple(url for _, url in rows)
