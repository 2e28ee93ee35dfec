"""The reads that screens and API need: cards, one task whole, the queue. Pages are in `search.py`. It changes nothing.

List rows carry only what a list shows; the provider's record and the events come with one task (`detail`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row, func
from sqlmodel import Session, col, select

from data.db import Database
from data.errors import NotFound
from data.family import relatives
from data.outlook import Outlook, outlook, place
from data.practice import practised
from data.relation import Parent, Relation
from data.schema import NOT_DELETED, Artifact, Batch, Gate, Project, Submission, Task, TaskEvent
from data.sentences import Sentence
from data.status import ACTIVE, Outcome, TaskStatus
from data.usual import Usual, usual


@dataclass(frozen=True)
class Picture:
    """A stored output, picture or video, as a list shows it."""

    sha256: str
    mime: str
    width: int
    height: int
    size: int  # bytes
    duration_ms: int | None = None  # of a video
    replaced_by: str | None = None  # what came in its place when it was gone from storage


@dataclass(frozen=True)
class Card:
    """One task in a list, in the order of `COLUMNS`. Money in micro-credits, times in UTC."""

    id: str
    seq: int
    batch_id: str
    person: str
    model: str
    prompt: str
    params: dict[str, Any]
    status: TaskStatus
    status_at: datetime
    created_at: datetime
    finished_at: datetime | None
    not_before: datetime | None
    cancel_requested_at: datetime | None
    attempts: int
    error_code: str | None
    error_detail: str | None
    estimate_micro: int | None
    charged_micro: int
    booked_micro: int  # what the budgets count as spent for it
    project: str | None  # the name of the one that it belongs to
    pictures: tuple[Picture, ...]

    @property
    def perhaps_charged(self) -> bool:
        """Whether a call for it may have been charged of which the provider has named no charge."""
        unpriced = self.estimate_micro is None and self.attempts > 1  # then nothing can be booked for one given up
        return self.booked_micro > self.charged_micro or unpriced


@dataclass(frozen=True)
class Page:
    """Cards, newest first. `older` and `newer` are the cursors of the neighbouring pages, None at the ends."""

    cards: tuple[Card, ...]
    older: int | None
    newer: int | None


@dataclass(frozen=True)
class Detail:
    """One task whole: its card, its files, its paid calls and everything that happened, oldest first."""

    card: Card
    source: str
    parent: Parent | None
    inputs: tuple[Artifact, ...]
    outputs: tuple[Artifact, ...]
    submissions: tuple[Submission, ...]
    events: tuple[TaskEvent, ...]

    @property
    def call(self) -> Submission | None:
        """The paid call that brought the result, or the last."""
        won = [call for call in self.submissions if call.outcome == Outcome.SUCCEEDED]
        return next(reversed(won or list(self.submissions)), None)

    @property
    def practised(self) -> bool:
        """Whether it was practice; nothing that was never sent has cost anything either."""
        return practised(call.account for call in self.submissions)

    @property
    def retry_of(self) -> str | None:
        """The task that this one repeats."""
        return self.parent.task_id if self.parent and self.parent.relation == Relation.RETRY else None


@dataclass(frozen=True)
class Kin:
    """A task in a family. `depth`: steps from the one that was asked for; ancestors below 0, descendants above."""

    card: Card
    parent: Parent | None
    depth: int


_PROJECT = sa.select(col(Project.name)).where(col(Project.key) == col(Task.project)).correlate(Task).scalar_subquery()
_OWN_COLUMNS: tuple[Any, ...] = (
    Task.id, Task.seq, Task.batch_id, Task.person, Task.model, Task.prompt, Task.params, Task.status,
    Task.status_at, Task.created_at, Task.finished_at, Task.not_before, Task.cancel_requested_at, Task.attempts,
    Task.error_code, Task.error_detail, Task.estimate_micro, Task.charged_micro,
    Task.booked_micro,
)  # fmt: skip
COLUMNS: tuple[Any, ...] = (*map(col, _OWN_COLUMNS), _PROJECT.label("project"))
_LOOKED_BACK = 2000
"""Tasks of a person that are walked for the few that stand alone, should all of them be of large batches."""

_ORDER: tuple[Any, ...] = (col(Artifact.replaced_by).is_not(None), col(Artifact.created_at), col(Artifact.position))
"""Of a task's files: one that is gone, and in whose place another came, stands last and is the face of nothing."""
_OUTPUTS = (
    sa.select(*(col(column) for column in (
        Artifact.task_id, Artifact.sha256, Artifact.mime, Artifact.width, Artifact.height, Artifact.size,
        Artifact.duration_ms, Artifact.replaced_by,
    )))
    .where(col(Artifact.task_id).in_(sa.bindparam("ids", expanding=True)), col(Artifact.role) == "output")
    .order_by(*_ORDER)
)  # fmt: skip


_ME: Any = sa.bindparam("person", type_=sa.String)
_OWN = (col(Task.person) == _ME, NOT_DELETED)
_SINGLE = ~sa.exists().where(col(Batch.id) == col(Task.batch_id))
_MINE = sa.select(*COLUMNS).where(*_OWN, _SINGLE).order_by(col(Task.seq).desc())
_FAR = sa.select(col(Task.seq)).where(*_OWN).order_by(col(Task.seq).desc()).offset(_LOOKED_BACK).limit(1)
_NEAR = col(Task.seq) > func.coalesce(_FAR.scalar_subquery(), 0)
# Told which index: without statistics SQLite walks everything that somebody ever asked for, at each move of theirs.
_UNDER_WAY = (
    _MINE.where(col(Task.status).in_(ACTIVE))
    .limit(100)
    .with_hint(Task, "INDEXED BY ix_task_person_status_seq", "sqlite")
)
_ENDED = _MINE.where(col(Task.status).not_in(ACTIVE), _NEAR).limit(sa.bindparam("some"))
_ACTIVE_COUNT = sa.select(func.count()).select_from(Task).where(col(Task.status).in_(ACTIVE))
_MY_ACTIVE_COUNT = _ACTIVE_COUNT.where(col(Task.person) == _ME)
_REVISION = sa.select(col(TaskEvent.id)).order_by(col(TaskEvent.id).desc()).limit(1)
_PAUSED = sa.select(col(Gate.account), col(Gate.paused_until), col(Gate.reason))
"""Written once: writing a statement takes longer than running it, and an open page runs these at every move."""


class History:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def recent(self, person: str, *, limit: int = 12) -> tuple[Card, ...]:
        """What this person sees beside the form, apart from whole batches: what is under way, then the newest."""
        with self._db.look() as connection:
            rows = list(connection.execute(_UNDER_WAY, {"person": person}))
            some = max(0, limit - len(rows))
            rows += list(connection.execute(_ENDED, {"person": person, "some": some})) if some else []
            return cards(connection, sorted(rows, key=lambda row: row.seq, reverse=True))

    def card(self, task_id: str) -> Card:
        """One card. Raises NotFound."""
        with self._db.read() as session:
            return _one(session, task_id)

    def cards(self, task_ids: Sequence[str]) -> tuple[Card, ...]:
        """These cards, in this order; what does not exist is left out."""
        wanted = sa.select(*COLUMNS).where(col(Task.id).in_(task_ids), NOT_DELETED)
        with self._db.look() as connection:
            found = cards(connection, connection.execute(wanted).all())
        order = {task_id: place for place, task_id in enumerate(task_ids)}
        return tuple(sorted(found, key=lambda card: order[card.id]))

    def detail(self, task_id: str) -> Detail:
        """One task whole. Raises NotFound."""
        with self._db.read() as session:
            card = _one(session, task_id)
            facts = select(Task.source, Task.parent_id, Task.relation).where(Task.id == task_id)
            source, *of = session.exec(facts).one()
            files = session.exec(select(Artifact).where(Artifact.task_id == task_id).order_by(*_ORDER)).all()
            calls = session.exec(
                select(Submission).where(Submission.task_id == task_id).order_by(col(Submission.attempt))
            ).all()
            events = session.exec(
                select(TaskEvent).where(TaskEvent.task_id == task_id).order_by(col(TaskEvent.id))
            ).all()
            inputs = tuple(sorted((f for f in files if f.role == "input"), key=lambda f: f.position))
            outputs = tuple(f for f in files if f.role == "output")
            return Detail(card, source, _parent(*of), inputs, outputs, tuple(calls), tuple(events))

    def family(self, task_id: str) -> tuple[Kin, ...]:
        """What the task came of, itself, and what came of it, from the oldest generation on. Raises NotFound."""
        near = relatives(task_id)
        with self._db.read() as session:
            mine = sa.select(*COLUMNS, near.c.depth, col(Task.parent_id), col(Task.relation))
            mine = mine.join_from(near, Task, col(Task.id) == near.c.id).where(NOT_DELETED)
            rows = session.connection().execute(mine.order_by(near.c.depth, col(Task.seq))).all()
            if not any(row.depth == 0 for row in rows):
                raise NotFound(Sentence("There is no such request."))
            found = cards(session.connection(), rows)
        return tuple(
            Kin(card, _parent(row.parent_id, row.relation), row.depth) for card, row in zip(found, rows, strict=True)
        )

    def active_count(self, person: str | None = None) -> int:
        """How many tasks are under way, of one person or of all."""
        with self._db.look() as connection:
            query = _ACTIVE_COUNT if person is None else _MY_ACTIVE_COUNT
            return int(connection.execute(query, {} if person is None else {"person": person}).scalar_one())

    def revision(self) -> int:
        """The number of the newest event of all tasks; 0 where there is none. No task changes without one."""
        with self._db.look() as connection:
            return connection.execute(_REVISION).scalar() or 0

    def total(self) -> int:
        """How many tasks there are."""
        with self._db.read() as session:
            return session.exec(select(func.count()).select_from(Task).where(NOT_DELETED)).one()

    def place_in_queue(self, task_id: str) -> int:
        """1 for the next to be sent. Approximate: fairness between people may reorder."""
        with self._db.look() as connection:
            return place(connection, task_id)

    def outlook(self, now: datetime, *, creates: int, window: timedelta, more: int = 0) -> Outlook:
        """How long the queue is (with so many `more`) and when its last will be sent, at `creates` calls per `window`.

        Of one account: with two, each drains beside the other, and it is sooner. A pause is waited for first; what
        the in-flight ceiling or a budget of doubts holds up on top is not foreseen.
        """
        with self._db.look() as connection:
            return outlook(connection, now, creates=creates, window=window, more=more)

    def paused_accounts(self, now: datetime) -> dict[str, tuple[datetime, str]]:
        """Accounts whose gate is shut: until when, and the cause's code."""
        with self._db.look() as connection:
            rows = connection.execute(_PAUSED).all()
        return {account: (until, reason or "") for account, until, reason in rows if until is not None and until > now}

    def usual(self, models: Sequence[str]) -> dict[str, Usual]:
        """By model, how long sent → saved took over its last 50 pictures; a model with fewer than five has none.

        The wait in our queue is not the model's, and a call that took more than five times the median was held up by
        something else: a server that was down, say.
        """
        with self._db.read() as session:
            return usual(session, models)


def _one(session: Session, task_id: str) -> Card:
    rows = list(session.connection().execute(sa.select(*COLUMNS).where(col(Task.id) == task_id, NOT_DELETED)))
    if not rows:
        raise NotFound(Sentence("There is no such request."))
    return cards(session.connection(), rows)[0]


def cards(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> tuple[Card, ...]:
    """The cards of rows that begin with `COLUMNS`, with their pictures."""
    pictures: dict[str, list[Picture]] = {row.id: [] for row in rows}
    if rows:
        for task_id, *facts in connection.execute(_OUTPUTS, {"ids": list(pictures)}):
            pictures[str(task_id)].append(Picture(*facts))
    values: Iterable[tuple[Any, ...]] = ((*row[: len(COLUMNS)], tuple(pictures[row.id])) for row in rows)
    return tuple(Card(*each) for each in values)


def _parent(task_id: str | None, relation: str | None) -> Parent | None:
    return Parent(task_id, Relation(relation)) if task_id is not None and relation is not None else None
