"""The inbox: an authentic webhook is kept once, and in the same transaction its submission becomes due for a look.

A webhook is a hint and never a fact: kie's signature does not cover the body, so nothing in it is believed here beyond
"there is news", and a first provider id. What is true the reconciler reads from the provider's own record. It knows no
HTTP: what a body must look like is told to it by `Delivery.judge`.
"""

import hashlib
import hmac
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy
from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from data.db import Database
from data.errors import PictureDeskError
from data.hints import CALL, IDS, hint
from data.schema import Gate, Health, Submission, WebhookDelivery

MAX_PER_SUBMISSION = 20
"""Different deliveries kept for one paid call: an honest sender makes two or three; a leaked URL must fill no disk."""

KEPT_CHARACTERS = 65_536
"""How much of a body is kept to read later; its digest covers all of it."""

AT_ONCE = 512  # submissions replayed in one transaction
LAMP = "webhook"
LAMP_SECONDS = 1.0
LAST = "webhook:last"
"""Health row that says when the last webhook was taken; apart from `webhook`, whose words are the round-trip test's."""

_NOBODYS_TOKEN = secrets.token_urlsafe(24)


class Answer(StrEnum):
    """What became of a delivery."""

    KEPT = "kept"
    DOUBLE = "double"  # known already; counted
    FULL = "full"  # its submission has its twenty
    UNKNOWN = "unknown"  # no such submission, or not its token: left no trace


@dataclass(frozen=True, slots=True)
class Judged:
    """What the body names, and how the delivery proved itself: token, signature, both, or token_bad_signature."""

    provider_task_id: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as it came. `token` is the secret in its URL; None where it has proved itself otherwise.

    `judge` is asked only about an authentic delivery; it raises a PictureDeskError, which becomes the answer, for a
    body that cannot be taken. What it lets pass is UTF-8 without NUL.
    """

    submission_id: str
    token: str | None
    body: bytes
    headers: dict[str, str]
    judge: Callable[["Delivery"], Judged]


def _inserts(insert: Any) -> tuple[Any, Any]:
    """A delivery, counted where it is known already; and the lamp. In one of the two dialects."""
    add = insert(WebhookDelivery)
    times = col(WebhookDelivery.times) + add.excluded.times
    lamp = insert(Health).values(name=LAST, ok=True, message="A webhook arrived.", at=bindparam("at"), data={})
    return (
        add.on_conflict_do_update(index_elements=["digest"], set_={"times": times}),
        lamp.on_conflict_do_update(index_elements=["name"], set_={"at": lamp.excluded.at}),
    )


# Written once: making a statement costs several times what running it does.
_INSERTS = {"sqlite": _inserts(sqlite.insert), "postgresql": _inserts(postgresql.insert)}
_CALLS = sqlalchemy.select(*CALL, col(Submission.token), col(WebhookDelivery.digest)).where(col(Submission.id).in_(IDS))
_CALLS = _CALLS.outerjoin(WebhookDelivery, col(WebhookDelivery.submission_id) == Submission.id)


class Inbox:
    """Deliveries in, hints out. One method is one transaction."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; the database's own unless told otherwise."""
        self._db = db
        self._clock = clock or db.now
        self._lamp_due = 0.0  # by the monotonic clock; while webhooks pour in, it is not written with each

    def token_of(self, submission_id: str) -> str | None:
        """The secret in the callback URL of this paid call; None where there is no such call."""
        with self._db.read() as session:
            return session.exec(select(Submission.token).where(Submission.id == submission_id)).one_or_none()

    def submission_of(self, provider_task_id: str) -> str | None:
        """The newest paid call that the provider names so: for webhooks that carry nothing of ours."""
        with self._db.read() as session:
            ours = col(Submission.account).in_(select(Gate.account))  # so that the index by account and name serves
            named = select(Submission.id).where(ours, Submission.provider_task_id == provider_task_id)
            return session.exec(named.order_by(col(Submission.id).desc()).limit(1)).first()

    def deliveries(self, submission_id: str) -> list[WebhookDelivery]:
        """All that came for one paid call, in order."""
        with self._db.read() as session:
            mine = select(WebhookDelivery).where(WebhookDelivery.submission_id == submission_id)
            return list(session.exec(mine.order_by(col(WebhookDelivery.received_at), col(WebhookDelivery.digest))))

    def take(self, submission_id: str, provider_task_id: str, body: bytes, *, verdict: str) -> bool:
        """Keeps one delivery that has proved itself. False where it was known, or is one too many."""
        judged = Judged(provider_task_id, verdict)
        (answer,) = self.take_all([Delivery(submission_id, None, body, {}, lambda _: judged)])
        if isinstance(answer, Exception):
            raise answer
        return answer is Answer.KEPT

    def take_all(self, deliveries: Sequence[Delivery]) -> list[Answer | Exception]:
        """Keeps what is authentic and new, all in one transaction, and makes its submissions due for a look.

        Strangers cost a read and never a write, nor do they reach the parser. One answer for each delivery; an
        exception is that of its `judge`. If this raises, nothing was kept.
        """
        known = self._known({delivery.submission_id for delivery in deliveries})
        batch = _Batch()
        answers = [_judged(delivery, known.get(delivery.submission_id), batch) for delivery in deliveries]
        if batch.rows:
            self._keep(batch)
        return answers

    def _known(self, ids: set[str]) -> dict[str, "_Call"]:
        """The calls, with what is kept of them. Before any lock: what is decided on it must bear being out of date."""
        found: dict[str, _Call] = {}
        with self._db.engine.connect() as connection:
            for row in connection.execute(_CALLS, {"ids": sorted(ids)}):
                call = found.get(row.id) or found.setdefault(row.id, _Call(row))
                if row.digest is not None:
                    call.kept.add(row.digest)
        return found

    def _keep(self, batch: "_Batch") -> None:
        lamp = bool(batch.news) and time.monotonic() >= self._lamp_due
        with self._db.transaction() as session:
            now = self._clock()
            connection = session.connection()
            add, seen = _INSERTS[connection.dialect.name]
            # Submissions, then deliveries, each in one order: so two servers never wait for each other in a circle.
            hint(session, batch.news, now)
            connection.execute(add, [batch.rows[digest] | {"received_at": now} for digest in sorted(batch.rows)])
            if lamp:
                connection.execute(seen, {"at": now})
        if lamp:
            self._lamp_due = time.monotonic() + LAMP_SECONDS

    def replay(self, since: datetime | None = None, submission_id: str | None = None) -> int:
        """Takes the hints of stored deliveries again: how many submissions are due for a look now.

        Harmless however often it is done, for a look only reads. `since` goes by a delivery's first arrival.
        """
        stored = select(WebhookDelivery.submission_id, WebhookDelivery.provider_task_id).distinct()
        stored = stored.where(col(WebhookDelivery.provider_task_id).is_not(None))
        if since is not None:
            stored = stored.where(col(WebhookDelivery.received_at) >= since)
        if submission_id is not None:
            stored = stored.where(WebhookDelivery.submission_id == submission_id)
        named: dict[str, list[str]] = defaultdict(list)
        with self._db.read() as session:
            for each, name in session.exec(stored.order_by(col(WebhookDelivery.submission_id))):
                named[each].append(str(name))
        ids, due = list(named), 0
        for start in range(0, len(ids), AT_ONCE):
            calls = self._known(set(ids[start : start + AT_ONCE])).values()
            with self._db.transaction() as session:
                news = [(call.row, name) for call in calls for name in named[call.row.id]]
                due += hint(session, news, self._clock())
        return due

    def came_home(self, nonce: str) -> bool:
        """The round-trip test's call has arrived: true only for the nonce that was issued, which is then marked.

        The row `webhook` keeps `{"nonce": …}` while a test runs; this adds `arrived_at` (ISO 8601) and `round_trip_ms`.
        """
        now = self._clock()
        with self._db.read() as session:  # strangers who guess must not cost a write
            if not _is_issued(session.get(Health, LAMP), nonce):
                return False
        with self._db.transaction() as session:
            row = session.get(Health, LAMP)
            if row is None or not _is_issued(row, nonce):
                return False
            if "arrived_at" not in row.data:
                milliseconds = round((now - row.at).total_seconds() * 1000)
                row.data = row.data | {"arrived_at": now.isoformat(), "round_trip_ms": milliseconds}
                session.add(row)
            return True


class _Call:
    """One paid call: its row (`hints.CALL` and the token), and the digests that are kept of it."""

    def __init__(self, row: Any) -> None:
        self.row, self.kept = row, set[str]()


@dataclass
class _Batch:
    """What one transaction will write."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)  # by digest
    news: list[tuple[Any, str]] = field(default_factory=list)

    def add(self, delivery: Delivery, judged: Judged, call: _Call) -> Answer:
        """Sorts one delivery in."""
        # The id in front keeps what is written together near together on the disk.
        digest = f"{call.row.id}:{hashlib.sha256(delivery.body).hexdigest()[:32]}"
        if digest in self.rows:
            self.rows[digest]["times"] += 1
            return Answer.DOUBLE
        is_new = digest not in call.kept
        if is_new and len(call.kept) >= MAX_PER_SUBMISSION:
            return Answer.FULL
        self.rows[digest] = {
            "digest": digest,
            "times": 1,
            "submission_id": call.row.id,
            "provider_task_id": judged.provider_task_id,
            "verdict": judged.verdict,
            "headers": delivery.headers,
            "body": delivery.body.decode()[:KEPT_CHARACTERS],
        }
        if is_new:
            call.kept.add(digest)
            self.news.append((call.row, judged.provider_task_id))
        return Answer.KEPT if is_new else Answer.DOUBLE


def _judged(delivery: Delivery, call: _Call | None, batch: _Batch) -> Answer | Exception:
    """Authentic first, parsed second."""
    if not _same(_NOBODYS_TOKEN if call is None else call.row.token, delivery.token) or call is None:
        return Answer.UNKNOWN
    try:
        return batch.add(delivery, delivery.judge(delivery), call)
    except PictureDeskError as refused:
        return refused


def _same(token: str, given: str | None) -> bool:
    """Whether a delivery bears its call's token, or needs none. In constant time; for any text at all."""
    return given is None or hmac.compare_digest(token.encode(), given.encode("utf-8", "surrogatepass"))


def _is_issued(row: Health | None, nonce: str) -> bool:
    issued = row.data.get("nonce") if row is not None else None
    if not isinstance(issued, str) or not issued:
        return False
    return hmac.compare_digest(issued.encode(), nonce.encode("utf-8", "surrogatepass"))
