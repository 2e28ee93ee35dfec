"""The database tables and nothing else, in one file, so that the whole of what is kept can be read at once.

They live on a registry of their own: Streamlit's hot reload imports modules again, and SQLModel's shared registry
refuses a table defined twice. Money is an integer of micro-credits (1 credit = 1,000,000), never a float.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col

from data.ids import new_id
from data.relation import Relation
from data.status import Outcome, TaskStatus


def utcnow() -> datetime:
    """The present moment, timezone-aware, in UTC."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """Stores aware UTC times and gives them back aware; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuses naive times: a guess about the zone would move money between days."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC, whatever zone the connection speaks."""
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """SQLite's text is read in one step that gives its zone back: a page of history has three hundred times."""
        if dialect.name != "sqlite":
            return super().result_processor(dialect, coltype)
        return lambda text: None if text is None else datetime.fromisoformat(f"{text}+00:00")


def _words(enum: type[StrEnum]) -> Enum:
    """Stored as the enum's own words, so that a person with a database shell can read them."""
    return Enum(
        enum, native_enum=False, create_constraint=False, length=24, values_callable=lambda e: [m.value for m in e]
    )


_NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

OPEN_CALL = text("outcome IN ('sending', 'unknown', 'accepted')")
"""Condition of an open submission. A partial index is used only where its condition stands literally in the query."""
_SENDABLE = text("status = 'queued' AND NOT awaits_upload")
_AWAITS_UPLOAD = text("status = 'queued' AND awaits_upload")
_NOT_DELETED = text("deleted_at IS NULL")


class Table(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMING))):
    """Base of our tables, apart from SQLModel's shared registry."""


BigInt = BigInteger().with_variant(Integer, "sqlite")


class Task(Table, table=True):
    """One request to one model. `seq` is the sort key and the full-text row id; `id` is what everybody else uses."""

    __tablename__: ClassVar[str] = "task"
    __table_args__ = (
        *(Index(name, *columns, sqlite_where=_NOT_DELETED, postgresql_where=_NOT_DELETED) for name, columns in (
            # What stands behind the order is what else a list may ask for: what it leaves out is passed over in the
            # index, and no row is read for it.
            ("ix_task_person_seq", ("person", "seq", "project")),
            ("ix_task_model_seq", ("model", "seq", "project")),
            ("ix_task_project_seq", ("project", "seq")),
            ("ix_task_person_model_seq", ("person", "model", "seq", "project")),
            ("ix_task_cost", ("booked_micro", "seq", "status", "person", "model", "project")),
        )),
        Index("ix_task_status_seq", "status", "seq", "deleted_at", "project", "error_code", "booked_micro"),
        Index("ix_task_person_status_seq", "person", "status", "seq"),
        Index("ix_task_batch", "batch_id"),
        Index("ix_task_parent", "parent_id", sqlite_where=text("parent_id IS NOT NULL"),
              postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_task_deleted", "deleted_at", sqlite_where=text("deleted_at IS NOT NULL"),
              postgresql_where=text("deleted_at IS NOT NULL")),
        Index("ix_task_created_at", "created_at"),
        Index("ix_task_digest", "digest", "seq"),
        # Two lines to stand in: for the paid call, in the order of `pace.next_task`; and before it, for the hand-over,
        # which finds its account's tasks here and puts these few in order itself.
        Index("ix_task_sends", "provider", "family", "person", "priority", "seq", sqlite_where=_SENDABLE,
              postgresql_where=_SENDABLE),
        Index("ix_task_handovers", "provider", "family", "seq", sqlite_where=_AWAITS_UPLOAD,
              postgresql_where=_AWAITS_UPLOAD),
    )  # fmt: skip

    seq: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    id: str = Field(default_factory=new_id, unique=True)
    batch_id: str
    position: int = 0  # within its batch, from 0
    person: str
    source: str = "screen"  # or "api"
    parent_id: str | None = None  # the task it came of; that one may be gone
    relation: Relation | None = Field(default=None, sa_type=_words(Relation))  # in which way
    project: str | None = None  # key of the one that it belongs to

    model: str
    family: str  # of the model: which account serves it follows from this
    provider: str  # and from this
    prompt: str = Field(sa_type=Text)
    params: dict[str, Any] = Field(
        default_factory=dict, sa_type=JSON
    )  # validated inputs apart from prompt and references
    digest: str  # of what was asked, normalised: the same request again has the same

    status: TaskStatus = Field(default=TaskStatus.QUEUED, sa_type=_words(TaskStatus))
    status_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    not_before: datetime | None = Field(default=None, sa_type=UTCDateTime)  # while queued: no earlier try
    cancel_requested_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # only while its status is terminal
    deleted_by: str | None = None
    priority: int = 0  # the lower goes first; -1 high, 0 normal, 1 low
    attempts: int = 0  # submissions so far
    awaits_upload: bool = False  # a reference must be handed to the provider before the paid call
    prepare_failures: int = 0  # reference uploads that failed in a row; uploads are free

    error_code: str | None = None  # stable; `data/causes.py` has the sentence. Also why a queued task waits
    error_detail: str | None = Field(default=None, sa_type=Text)  # the provider's own words

    estimate_micro: int | None = Field(default=None, sa_type=BigInt)  # micro-credits; None: price unknown
    charged_micro: int = Field(default=0, sa_type=BigInt)  # micro-credits, as the provider reported them
    reserved_micro: int = Field(default=0, sa_type=BigInt)  # what the budgets still hold back for it
    booked_micro: int = Field(default=0, sa_type=BigInt)  # what the budgets count as spent for it


NOT_DELETED: ColumnElement[bool] = col(Task.deleted_at).is_(None)
"""Condition of every task that a screen shows: a deleted one is in no list, no count and no notice."""


class Submission(Table, table=True):
    """One paid call that we made, or may have made, for a task."""

    __tablename__: ClassVar[str] = "submission"
    __table_args__ = (
        Index("uq_submission_open", "task_id", unique=True, sqlite_where=OPEN_CALL, postgresql_where=OPEN_CALL),
        Index("uq_submission_provider_task", "account", "provider_task_id", unique=True,
              sqlite_where=text("provider_task_id IS NOT NULL"), postgresql_where=text("provider_task_id IS NOT NULL")),
        Index("ix_submission_task", "task_id"),
        Index("ix_submission_account_started", "account", "started_at"),
        Index("ix_submission_open", "outcome", "started_at", sqlite_where=OPEN_CALL, postgresql_where=OPEN_CALL),
        Index("ix_submission_settled", "account", "settled_at"),
        Index("ix_submission_poll", "poll_at", sqlite_where=text("poll_at IS NOT NULL"),
              postgresql_where=text("poll_at IS NOT NULL")),
        Index("ix_submission_fetch", "fetch_at", sqlite_where=text("fetch_at IS NOT NULL"),
              postgresql_where=text("fetch_at IS NOT NULL")),
    )  # fmt: skip

    id: str = Field(default_factory=new_id, primary_key=True)
    task_id: str = Field(foreign_key="task.id")
    attempt: int  # from 1
    account: str  # the provider account whose pace and money it uses, for example "kie"
    token: str  # in the callback URL: proves that a webhook belongs to this very call
    outcome: Outcome = Field(default=Outcome.SENDING, sa_type=_words(Outcome))
    provider_task_id: str | None = None
    named_as: str | None = None  # what a person says it is called there: looked at, believed once its record is seen

    started_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    lease_until: datetime = Field(sa_type=UTCDateTime)  # a sender silent beyond this is dead: the call is in doubt
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_report_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    poll_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # next look; pushing it forward is the lease
    fetch_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # next download; pushed forward like poll_at
    fetch_attempts: int = 0
    fetch_since: datetime | None = Field(default=None, sa_type=UTCDateTime)  # when this download was asked for

    # URLs the provider named; `held:<sha256>` is a file that came inside its answer and lies in our storage already.
    outputs: list[str] = Field(default_factory=list, sa_type=JSON)
    charged_micro: int | None = Field(default=None, sa_type=BigInt)
    fail_code: str | None = None
    fail_message: str | None = Field(default=None, sa_type=Text)
    report: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # the provider's last record, bounded


class TaskEvent(Table, table=True):
    """What happened to a task, written in the transaction that made it happen."""

    __tablename__: ClassVar[str] = "task_event"
    __table_args__ = (Index("ix_task_event_task", "task_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    task_id: str = Field(foreign_key="task.id")
    submission_id: str | None = None
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    kind: str  # created, claimed, accepted, …
    from_status: str | None = None
    to_status: str | None = None
    who: str = "server"  # a person, or the part of the server that acted
    detail: str | None = Field(default=None, sa_type=Text)


class Artifact(Table, table=True):
    """One stored file of a task: an input (reference) or an output. The bytes live in storage under `sha256`."""

    __tablename__: ClassVar[str] = "artifact"
    __table_args__ = (
        Index("uq_artifact_input", "task_id", "position", unique=True, sqlite_where=text("role = 'input'"),
              postgresql_where=text("role = 'input'")),
        Index("uq_artifact_output", "submission_id", "position", unique=True, sqlite_where=text("role = 'output'"),
              postgresql_where=text("role = 'output'")),
        Index("ix_artifact_task", "task_id", "role", "position"),
        Index("ix_artifact_sha256", "sha256"),
    )  # fmt: skip

    id: str = Field(default_factory=new_id, primary_key=True)
    task_id: str = Field(foreign_key="task.id")
    submission_id: str | None = Field(default=None, foreign_key="submission.id")
    role: str  # "input" or "output"
    position: int  # from 0
    sha256: str
    mime: str
    width: int
    height: int
    size: int = Field(sa_type=BigInt)  # bytes
    duration_ms: int | None = None  # of a video
    filename: str | None = None  # of an upload, as the person's machine called it
    note: str | None = None  # what was done to it on the way in
    # Of an output that is gone from storage: since when it is asked for again, and the SHA-256 of what came instead.
    sought_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    replaced_by: str | None = None
    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Star(Table, table=True):
    """One person's own mark on a task."""

    __tablename__: ClassVar[str] = "star"
    __table_args__ = (Index("ix_star_seq", "seq"),)

    person: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, foreign_key="task.seq", sa_type=BigInt)
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Pick(Table, table=True):
    """The team's mark on a task: what it would choose of all that was made. One of each task, whoever put it there."""

    __tablename__: ClassVar[str] = "pick"

    seq: int = Field(
        primary_key=True, foreign_key="task.seq", sa_type=BigInt, sa_column_kwargs={"autoincrement": False}
    )
    person: str
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Project(Table, table=True):
    """What requests are made for, under a name that the team shares. It is there from its first request on.

    The row outlives its last request, shown nowhere (`projects.NAMES`): an Undo, or a deleted request that is brought
    back, finds its name, and whoever writes the name again begins it anew.
    """

    __tablename__: ClassVar[str] = "project"

    key: str = Field(primary_key=True)  # `query.project_key` of the name: "Spring" and "SPRING" are one
    name: str  # as it was first written
    person: str  # by whom
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Tag(Table, table=True):
    """A word that the team has put on a task."""

    __tablename__: ClassVar[str] = "tag"
    __table_args__ = (Index("ix_tag_seq", "seq"),)

    name: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, foreign_key="task.seq", sa_type=BigInt)
    person: str  # who put it there first
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Template(Table, table=True):
    """A prompt with blanks, `{like this}`, under a name."""

    __tablename__: ClassVar[str] = "template"

    id: str = Field(default_factory=new_id, primary_key=True)
    person: str  # who made it, and alone may change it
    team: bool = False  # whether everybody sees it
    name: str
    prompt: str = Field(sa_type=Text)
    settings: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # models, count and wishes of its form
    uses: int = 0  # presses that were made with it
    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    changed_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class LinkedPicture(Table, table=True):
    """A picture that somebody wants as a reference and has named by its address; the server fetches it.

    The address may hold a token, so it stands here only until it was tried.
    """

    __tablename__: ClassVar[str] = "linked_picture"
    __table_args__ = (
        Index("ix_linked_picture_due", "due_at", sqlite_where=text("due_at IS NOT NULL"),
              postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_linked_picture_settled", "settled_at", sqlite_where=text("settled_at IS NOT NULL"),
              postgresql_where=text("settled_at IS NOT NULL")),
        Index("ix_linked_picture_person", "person", "id"),
        Index("ix_linked_picture_asked", "asked_at"),
    )  # fmt: skip

    id: str = Field(default_factory=new_id, primary_key=True)
    person: str
    name: str  # as a screen calls it: the file's name, or the host's
    url: str | None = Field(default=None, sa_type=Text)  # None once it was tried, or nobody wants it any more
    max_bytes: int = Field(sa_type=BigInt)
    max_pixels: int = Field(sa_type=BigInt)
    asked_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # the end of a lease while somebody is at it
    tries: int = 0
    settled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    image: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # a `StoredImage`, once it is here
    refusal: str | None = Field(default=None, sa_type=Text)  # the sentence that says why it is not


class ProviderFile(Table, table=True):
    """A reference that a provider holds for us: uploaded before the paid call, which alone may be in doubt."""

    __tablename__: ClassVar[str] = "provider_file"

    account: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    url: str = Field(sa_type=Text)
    expires_at: datetime = Field(sa_type=UTCDateTime)


class Gate(Table, table=True):
    """One row per provider account: locked by each claim, so that all workers together keep one pace."""

    __tablename__: ClassVar[str] = "gate"

    account: str = Field(primary_key=True)
    paused_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    reason: str | None = Field(default=None, sa_type=Text)


class WebhookDelivery(Table, table=True):
    """The inbox: every authentic webhook once, by the digest of what it said."""

    __tablename__: ClassVar[str] = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_submission", "submission_id"),
        Index("ix_webhook_delivery_received_at", "received_at"),
    )

    digest: str = Field(primary_key=True)
    received_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)  # of the first of its kind
    times: int = 1  # how often it came
    submission_id: str
    provider_task_id: str | None = None
    verdict: str  # token, signature, both or token_bad_signature
    headers: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # as they came, without credentials
    body: str = Field(sa_type=Text)


class Health(Table, table=True):
    """The last word about one part: written by the server, read by the screens."""

    __tablename__: ClassVar[str] = "health"

    name: str = Field(primary_key=True)  # server, webhook, storage, provider:<account>
    ok: bool
    message: str = Field(sa_type=Text)
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    requested_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # a person asked for a fresh look


class RequestKey(Table, table=True):
    """A key that an asker chose, so that the same request sent twice makes, and pays for, one batch."""

    __tablename__: ClassVar[str] = "request_key"

    key: str = Field(primary_key=True)
    digest: str  # SHA-256 of what was asked
    batch_id: str
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Batch(Table, table=True):
    """A batch that a person looked through before they started it, and that screens show as one.

    A press of a few pictures makes tasks that share a `batch_id` and has no row here.
    """

    __tablename__: ClassVar[str] = "batch"
    __table_args__ = (Index("ix_batch_person", "person", "id"),)

    id: str = Field(primary_key=True)  # its tasks' `batch_id`; sorts by time
    person: str
    name: str = Field(sa_type=Text)
    origin: str  # "lines", "file", or "retry" of another batch
    size: int  # tasks
    cap_micro: int | None = Field(default=None, sa_type=BigInt)  # micro-credits that all its tasks together may cost
    created_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class LedgerEntry(Table, table=True):
    """One movement of money, in micro-credits: what is held back for a task, and what was really charged.

    Never changed, never deleted. The sums by month stand in `Spending` and can be rebuilt from here.
    """

    __tablename__: ClassVar[str] = "ledger_entry"
    __table_args__ = (Index("ix_ledger_entry_task", "task_id"), Index("ix_ledger_entry_month", "month", "person"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)
    month: str  # "2026-11": the task's month in UTC, whenever its money moves; "practice" where it was none
    person: str
    task_id: str
    reserved_micro: int = Field(default=0, sa_type=BigInt)  # added to, or (below zero) released from, what is held back
    charged_micro: int = Field(default=0, sa_type=BigInt)  # added to what was charged


class Spending(Table, table=True):
    """The sums of `LedgerEntry` by scope and month, so that a budget is checked without reading a month of tasks."""

    __tablename__: ClassVar[str] = "spending"

    scope: str = Field(primary_key=True)  # "team" or "person:<name>"
    month: str = Field(primary_key=True)
    reserved_micro: int = Field(default=0, sa_type=BigInt)
    charged_micro: int = Field(default=0, sa_type=BigInt)


class Budget(Table, table=True):
    """A monthly limit in micro-credits, for the team, for everybody alike, or for one person."""

    __tablename__: ClassVar[str] = "budget"

    scope: str = Field(primary_key=True)  # "team", "person:<name>", or "person:*" for whoever has none of their own
    micro: int = Field(sa_type=BigInt)
    set_by: str
    set_at: datetime = Field(default_factory=utcnow, sa_type=UTCDateTime)


class Chore(Table, table=True):
    """A regular duty that one process at a time does for all: housekeeping, the nightly comparison of accounts."""

    __tablename__: ClassVar[str] = "chore"

    name: str = Field(primary_key=True)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    due_at: datetime = Field(sa_type=UTCDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    report: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)  # what the last run found and did


class Preference(Table, table=True):
    """What a person's screens remember; never a secret."""

    __tablename__: ClassVar[str] = "preference"

    person: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_type=JSON)
