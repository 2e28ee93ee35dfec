"""Rows whose time is over: which they are, and how they go. Nothing that money or a picture may still depend on.

Each batch is one short transaction. A request that had a paid call is never deleted, only emptied: its row, its calls
and its ledger entries are the account of what was paid, and whatever is heard of it later still finds its place. So is
one whose key somebody may still repeat: the repeated call must find its batch, not buy another.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, tuple_, update
from sqlmodel import Session, col, select

from data import fulltext, marks
from data.db import Database
from data.moves import log_each
from data.removal import KEPT_FOR
from data.schema import (
    OPEN_CALL,
    Artifact,
    Batch,
    LinkedPicture,
    ProviderFile,
    RequestKey,
    Submission,
    Table,
    Task,
    TaskEvent,
    WebhookDelivery,
)
from data.status import TERMINAL, TaskStatus

BATCH = 200
WINDOW = 20_000
"""Requests looked through at a time, by their `seq`: those that stay must not be read again and again."""
EVIDENCE = timedelta(days=15)
"""Within this a paid call may still bring news: a day more than the provider keeps results."""
KEY_LIFE = timedelta(days=90)
CLEARED = "cleared"
"""Code (`Task.error_code`) of a request that was emptied."""

TASKS, DELETED, WEBHOOKS, KEYS, UPLOADS = "requests", "deleted requests", "webhooks", "request keys", "provider files"
LINKED = "linked pictures"


@dataclass(frozen=True)
class Kept:
    """How long rows are kept, in days. 0 requests: for ever."""

    requests: int = 0
    webhooks: int = 90

    def __post_init__(self) -> None:
        """Refuses what would cut short the time in which evidence may come."""
        if self.webhooks < EVIDENCE.days or (self.requests and self.requests < EVIDENCE.days):
            raise ValueError(f"rows must be kept for at least {EVIDENCE.days} days")


@dataclass(frozen=True)
class Expired:
    """One kind of row that is over: how to name one, which they are, how a batch of them goes."""

    kind: str
    name: Any  # the column that names one
    keys: tuple[Any, ...]
    where: tuple[ColumnElement[bool], ...]
    table: type[Table]


def rows(kept: Kept, now: datetime) -> tuple[Expired, ...]:
    """Everything that goes by its age alone. (Requests are apart: see `requests`.)"""
    open_call = exists(select(Submission.id).where(Submission.id == WebhookDelivery.submission_id, OPEN_CALL))
    old = col(WebhookDelivery.received_at) < now - timedelta(days=kept.webhooks)
    return (
        Expired(WEBHOOKS, col(WebhookDelivery.digest), (col(WebhookDelivery.digest),), (old, ~open_call),
                WebhookDelivery),
        Expired(KEYS, col(RequestKey.key), (col(RequestKey.key),), (col(RequestKey.at) < now - KEY_LIFE,), RequestKey),
        Expired(UPLOADS, col(ProviderFile.sha256), (col(ProviderFile.account), col(ProviderFile.sha256)),
                (col(ProviderFile.expires_at) < now - timedelta(days=1),), ProviderFile),
        Expired(LINKED, col(LinkedPicture.id), (col(LinkedPicture.id),),
                (col(LinkedPicture.asked_at) < now - timedelta(days=1),), LinkedPicture),
    )  # fmt: skip


def count(db: Database, expired: Expired, names: int) -> tuple[int, list[str]]:
    """How many there are, and the names of the first."""
    with db.read() as session:
        total = session.exec(select(func.count()).select_from(expired.table).where(*expired.where)).one()
        return total, list(session.exec(select(expired.name).where(*expired.where).limit(names)))


def remove(db: Database, expired: Expired) -> list[str]:
    """Deletes one batch; gives the names of what went."""
    with db.transaction() as session:
        found = select(*expired.keys).where(*expired.where).limit(BATCH).with_for_update(skip_locked=True)
        keys = [tuple(row) if len(expired.keys) > 1 else (row,) for row in session.exec(found).all()]
        if keys:
            session.connection().execute(delete(expired.table).where(tuple_(*expired.keys).in_(keys)))
        return [key[-1] for key in keys]


# Requests -----------------------------------------------------------------------------------------------------------


def windows(db: Database, after: int) -> Iterator[int]:
    """The starts of the windows from `after` on, each to be looked through by `requests` and `clear`."""
    with db.read() as session:
        last = session.exec(select(func.max(Task.seq))).one() or 0
    yield from range(after, last, WINDOW)


def requests(db: Database, kept: Kept, after: int, now: datetime) -> list[str]:
    """The ids of the requests in this window that may go. None where they are kept for ever."""
    if not kept.requests:
        return []
    with db.read() as session:
        return list(session.exec(select(Task.id).where(*_over(kept, after, now)).order_by(col(Task.seq))))


def clear(db: Database, kept: Kept, after: int, now: Callable[[], datetime]) -> list[str]:
    """Deletes, or empties, one batch of the requests in this window; gives their ids."""
    if not kept.requests:
        return []
    with db.transaction() as session:
        moment = now()
        over = select(Task.id).where(*_over(kept, after, moment)).order_by(col(Task.seq)).limit(BATCH)
        return _empty(session, over, moment)


def purged(db: Database, now: datetime, names: int) -> tuple[int, list[str]]:
    """How many deleted requests would go for good, and the ids of the first."""
    with db.read() as session:
        total = session.exec(select(func.count()).select_from(Task).where(*_deleted_long_ago(now))).one()
        return total, list(session.exec(select(Task.id).where(*_deleted_long_ago(now)).limit(names)))


def purge(db: Database, now: Callable[[], datetime]) -> list[str]:
    """Lets one batch of deleted requests go, with all that they show; gives their ids.

    Their files lose their names here, and go with the litter once nothing else names them.
    """
    with db.transaction() as session:
        moment = now()
        over = select(Task.id).where(*_deleted_long_ago(moment)).order_by(col(Task.seq)).limit(BATCH)
        return _empty(session, over, moment)


def _empty(session: Session, over: Any, moment: datetime) -> list[str]:
    """Deletes these requests, or empties those whose row must stay. The name of a batch goes with the last of it."""
    ids = list(session.exec(over.with_for_update(skip_locked=True)))
    batches = session.exec(select(Task.batch_id).where(col(Task.id).in_(ids)).distinct()).all()
    paid = select(Submission.task_id).where(col(Submission.task_id).in_(ids))
    keyed = select(Task.id).join(RequestKey, col(RequestKey.batch_id) == Task.batch_id).where(col(Task.id).in_(ids))
    stay = {*session.exec(paid), *session.exec(keyed)}
    run = session.connection().execute
    texts = session.exec(select(Task.seq, Task.prompt).where(col(Task.id).in_(ids))).all()
    fulltext.forget(session.connection(), [(seq, prompt) for seq, prompt in texts if seq is not None])
    marks.forget(session, ids)
    run(delete(Artifact).where(col(Artifact.task_id).in_(ids)))
    _delete(session, [task_id for task_id in ids if task_id not in stay])
    emptied: dict[str, Any] = {"prompt": "", "params": {}, "digest": "", "error_code": CLEARED, "error_detail": None}
    run(update(Task).where(col(Task.id).in_(stay)).values(**emptied))
    left = exists(select(Task.id).where(Task.batch_id == Batch.id, func.coalesce(Task.error_code, "") != CLEARED))
    run(delete(Batch).where(col(Batch.id).in_(batches), ~left))
    log_each(session, sorted(stay), CLEARED, now=moment, who="housekeeping")
    return ids


def _delete(session: Session, ids: Collection[str]) -> None:
    run = session.connection().execute
    run(delete(TaskEvent).where(col(TaskEvent.task_id).in_(ids)))
    run(delete(Task).where(col(Task.id).in_(ids)))


def _deleted_long_ago(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Beyond bringing back, and nothing is expected of it. Until then its files stay where they are."""
    return (
        col(Task.deleted_at) < now - KEPT_FOR, col(Task.status).in_(TERMINAL), *_at_rest(now),
    )  # fmt: skip


def _over(kept: Kept, after: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Ended without a picture, long ago, and nothing can be heard of it any more."""
    return (
        col(Task.seq) > after, col(Task.seq) <= after + WINDOW,
        col(Task.status).in_((TaskStatus.FAILED, TaskStatus.CANCELLED)),
        col(Task.finished_at) < now - timedelta(days=kept.requests),
        ~exists(select(Artifact.id).where(Artifact.task_id == Task.id, Artifact.role == "output")),
        *_at_rest(now),
    )  # fmt: skip


def _at_rest(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whatever may still come of a call stands in its row: open, young, watched, or with files to fetch."""
    recent = now - EVIDENCE
    alive = or_(
        OPEN_CALL, col(Submission.started_at) > recent, col(Submission.settled_at) > recent,
        col(Submission.last_report_at) > recent, col(Submission.poll_at).is_not(None),
        col(Submission.fetch_at).is_not(None),
    )  # fmt: skip
    return (
        func.coalesce(Task.error_code, "") != CLEARED,
        col(Task.reserved_micro) == 0,
        ~exists(select(Submission.id).where(Submission.task_id == Task.id, alive)),
    )
