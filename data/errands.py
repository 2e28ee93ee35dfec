"""The server's errands around a paid call: hand references over before it, look how it stands, bring its files home.

Each claim pushes the row's due time forward; that is the lease: a worker that dies is replaced when the time comes.
Everything here is free of charge, so everything here may be done again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, text, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from data.db import Database, upsert
from data.homecoming import ends_without, has_its_picture
from data.images import StoredImage
from data.ledger import book
from data.looks import Look, claim, end
from data.lost import came_again
from data.moves import lock_submission, lock_task, log, move
from data.pace import Serves
from data.rows import artifact_row, stored_image
from data.schema import Artifact, LinkedPicture, ProviderFile, Submission, Task, UTCDateTime
from data.status import TaskStatus

_S = TaskStatus
HANDOVER_LEASE = timedelta(seconds=30)
MAX_PREPARE_FAILURES = 5
FETCH_FOR = timedelta(days=1)
"""How long a download that breaks off is tried again by itself; after that a person may."""


@dataclass(frozen=True)
class Fetch:
    """Bring these files home; `have` are the positions that are on record already, with the SHA-256 of each.

    Of them, `sought` are those that were gone from storage when somebody asked for them again.
    """

    submission_id: str
    task_id: str
    urls: tuple[str, ...]
    have: Mapping[int, str]
    attempt: int  # from 1
    sought: Collection[int] = ()


@dataclass(frozen=True)
class Due:
    """What there is to do at this moment."""

    sends: bool
    looks: bool
    fetches: bool
    links: bool


@dataclass(frozen=True)
class Handover:
    """Give these references to the provider, so that the paid call can name them."""

    task_id: str
    references: tuple[StoredImage, ...]


_NOW: Any = bindparam("now", type_=UTCDateTime())
_READY = or_(col(Task.not_before).is_(None), col(Task.not_before) <= _NOW)
_DUE = sa_select(
    sa_select(col(Task.seq)).where(col(Task.status) == _S.QUEUED, _READY).limit(1).scalar_subquery(),
    sa_select(col(Submission.id)).where(col(Submission.poll_at) <= _NOW).limit(1).scalar_subquery(),
    sa_select(col(Submission.id)).where(col(Submission.fetch_at) <= _NOW).limit(1).scalar_subquery(),
    sa_select(col(LinkedPicture.id)).where(col(LinkedPicture.due_at) <= _NOW).limit(1).scalar_subquery(),
)


class ErrandStore:
    """Due work for the loops, taken under a lease."""

    def __init__(
        self, db: Database, clock: Callable[[], datetime] | None = None, *, first_look: timedelta = timedelta(seconds=2)
    ) -> None:
        """`first_look` is the shortest wait between two looks at one task; older tasks are looked at less often."""
        self._db = db
        self._clock = clock or db.now
        self._first_look = first_look

    def due(self) -> Due:
        """One cheap read that tells which loops have work, so that idle loops cost nothing."""
        with self._db.look() as connection:
            found = connection.execute(_DUE, {"now": self._clock()}).one()
            return Due(*(each is not None for each in found))

    # References -------------------------------------------------------------------------------------------------

    def claim_handover(self, account: str, serves: Serves) -> Handover | None:
        """The next queued task whose references the provider may not hold; its lease is `not_before`."""
        with self._db.transaction() as session:
            now = self._clock()
            due = or_(col(Task.not_before).is_(None), col(Task.not_before) <= now)
            waiting = (text("task.status = 'queued' AND task.awaits_upload"), due)
            query = select(Task).where(*waiting).order_by(col(Task.priority), col(Task.seq)).limit(1)
            query = query.with_for_update(skip_locked=True)
            # Pair by pair: for a list of them SQLite would read every queued task.
            pairs = ((col(Task.provider) == provider, col(Task.family) == family) for provider, family in serves)
            firsts = [task for pair in pairs if (task := session.exec(query.where(*pair)).first()) is not None]
            if not firsts:
                return None
            task = min(firsts, key=lambda first: (first.priority, first.seq))
            task.not_before = now + HANDOVER_LEASE
            session.add(task)
            mine = (ProviderFile.account == account, col(ProviderFile.expires_at) > now)
            held = select(ProviderFile.sha256).where(*mine)
            rows = session.exec(
                select(Artifact).where(Artifact.task_id == task.id, Artifact.role == "input",
                                       col(Artifact.sha256).not_in(held)).order_by(col(Artifact.position))
            ).all()  # fmt: skip
            return Handover(task.id, tuple(stored_image(row) for row in rows))

    def handed_over(self, account: str, sha256: str, url: str, expires_at: datetime) -> None:
        """The provider holds this reference until `expires_at`."""
        with self._db.transaction() as session:
            row = {"account": account, "sha256": sha256, "url": url, "expires_at": expires_at}
            upsert(session, ProviderFile, row, keys=("account", "sha256"))

    def keep_handover(self, task_id: str) -> None:
        """Still at it: the lease of `claim_handover` is prolonged."""
        with self._db.transaction() as session:
            mine = (col(Task.id) == task_id, col(Task.status) == _S.QUEUED)
            session.connection().execute(update(Task).where(*mine).values(not_before=self._clock() + HANDOVER_LEASE))

    def handover_done(self, task_id: str) -> None:
        """All references are there: the task may go."""
        with self._db.transaction() as session:
            session.connection().execute(
                update(Task).where(col(Task.id) == task_id, col(Task.status) == _S.QUEUED)
                .values(awaits_upload=False, not_before=None, prepare_failures=0, error_code=None, error_detail=None)
            )  # fmt: skip

    def handover_failed(self, task_id: str, *, message: str, permanent: bool, cause: str = "upload_failed") -> None:
        """Later again, or the end: nothing was sent and nothing was paid."""
        with self._db.transaction() as session:
            task, now = lock_task(session, task_id), self._clock()
            if task.status != _S.QUEUED:
                return
            task.prepare_failures += 1
            session.add(task)
            session.flush()
            if permanent or (cause == "upload_failed" and task.prepare_failures >= MAX_PREPARE_FAILURES):
                move(session, task_id, _S.FAILED, since={_S.QUEUED}, now=now, kind="handover_failed", detail=message,
                     error_code="references_unusable", error_detail=message[:2000])  # fmt: skip
                book(session, task_id, now)
                return
            task.not_before = now + timedelta(seconds=min(60, 2**task.prepare_failures))
            task.error_code, task.error_detail = cause, message[:2000]
            session.add(task)

    # Looks ------------------------------------------------------------------------------------------------------

    def claim_looks(self, limit: int = 20) -> list[Look]:
        """Submissions that are due for a look, oldest due first; each is pushed forward by its next wait."""
        with self._db.transaction() as session:
            return claim(session, self._clock(), limit, self._first_look)

    def looked(self, look: Look) -> None:
        """The last look has been answered, and what it said is on record. One that was asked for since stays due."""
        with self._db.transaction() as session:
            end(session, look)

    # Files ------------------------------------------------------------------------------------------------------

    def claim_fetch(self, lease: timedelta) -> Fetch | None:
        """The next finished submission whose files are not home yet."""
        with self._db.transaction() as session:
            now = self._clock()
            row = session.exec(
                select(Submission).where(col(Submission.fetch_at) <= now).order_by(col(Submission.fetch_at)).limit(1)
                .with_for_update(skip_locked=True)
            ).first()  # fmt: skip
            if row is None:
                return None
            row.fetch_at = now + lease
            row.fetch_attempts += 1
            session.add(row)
            stored = _stored(session, row.id)
            have = {position: artifact.sha256 for position, artifact in stored.items()}
            return Fetch(row.id, row.task_id, tuple(row.outputs), have, row.fetch_attempts, sought=_sought(stored))

    def keep_fetch(self, submission_id: str, lease: timedelta, *, attempt: int | None = None) -> bool:
        """Still at it: the lease of `claim_fetch` is prolonged. False where another fetcher has taken over."""
        with self._db.transaction() as session:
            mine = (col(Submission.id) == submission_id, col(Submission.fetch_at).is_not(None))
            still = (col(Submission.fetch_attempts) == attempt,) if attempt is not None else ()
            prolong = update(Submission).where(*mine, *still).values(fetch_at=self._clock() + lease)
            return session.connection().execute(prolong).rowcount == 1

    def stored(self, submission_id: str, position: int, image: StoredImage) -> None:
        """One file is home: its row is written at once, so that a crash before the next one loses nothing.

        Where the task has ended without it, this is the news, and it is told in the same transaction.
        """
        with self._db.transaction() as session:
            row, now = lock_submission(session, submission_id), self._clock()
            if row is not None and position not in _stored(session, submission_id):
                session.add(
                    artifact_row(image, task_id=row.task_id, submission_id=submission_id, position=position, now=now)
                )
                session.flush()
                # No download under way: a quicker one found nothing, and gave it up.
                if row.fetch_at is None or lock_task(session, row.task_id).status == _S.SUCCEEDED:
                    has_its_picture(session, row, now)

    def restored(self, submission_id: str, position: int, image: StoredImage | None) -> None:
        """A file that is sought has come; None where it lies in storage again. Another stands beside the lost one."""
        with self._db.transaction() as session:
            row, known = lock_submission(session, submission_id), _stored(session, submission_id)
            if row is not None and position in _sought(known):
                came_again(session, row, known[position], image, known.values(), now=self._clock())

    def fetched(self, submission_id: str, *, attempt: int | None = None, missing: Sequence[int] = ()) -> bool:
        """Every file that can be had is home: the task has its picture. False where there is nothing to say so of.

        `missing` are positions (from 0) that cannot be had; their addresses are kept, and a person may try again.
        """
        with self._db.transaction() as session:
            row, now = lock_submission(session, submission_id), self._clock()
            if row is None or _is_late(row, attempt) or not (known := _stored(session, submission_id)):
                return False
            row.fetch_at = None if _sought(known) <= set(missing) else now  # sought since this download began
            session.add(row)
            session.flush()
            if missing:
                detail = "could not be had: " + ", ".join(f"file {position + 1}" for position in missing)
                log(session, row.task_id, "part_missing", now=now, submission_id=submission_id, detail=detail)
            if lock_task(session, row.task_id).status != _S.SUCCEEDED:
                has_its_picture(session, row, now)
            return True

    def fetch_failed(
        self,
        submission_id: str,
        *,
        cause: str,
        message: str,
        permanent: bool,
        ours: bool = False,
        look_again: bool = False,
        attempt: int | None = None,
    ) -> None:
        """Later again; or the end, with the URLs kept so that the download alone can be retried.

        `ours`: our own machine refused. That is never the end: the picture is paid for and waits. `look_again`
        asks the provider's record for fresh addresses first.
        """
        with self._db.transaction() as session:
            row, now = lock_submission(session, submission_id), self._clock()
            if row is None or _is_late(row, attempt):
                return
            last = not ours and (permanent or now - (row.fetch_since or now) > FETCH_FOR)
            row.fetch_at = None if last else now + timedelta(seconds=min(60 if ours else 600, 2**row.fetch_attempts))
            row.fail_message = message[:2000]
            if look_again:
                row.poll_at = now
            session.add(row)
            session.flush()
            if last:
                ends_without(session, row, now, cause=cause, message=message)
                return
            waiting = {"error_code": cause if ours else "download_retry", "error_detail": message[:2000]}
            session.connection().execute(
                update(Task).where(col(Task.id) == row.task_id, col(Task.status) == _S.FETCHING).values(**waiting)
            )
            log(session, row.task_id, "fetch_retry", now=now, submission_id=submission_id, detail=message)


def _is_late(row: Submission, attempt: int | None) -> bool:
    """Whether the download is over, or in another fetcher's hands: a slow one must not undo what a quick one did."""
    return row.fetch_at is None or (attempt is not None and attempt != row.fetch_attempts)


def _stored(session: Session, submission_id: str) -> dict[int, Artifact]:
    rows = session.exec(select(Artifact).where(Artifact.submission_id == submission_id, Artifact.role == "output"))
    return {row.position: row for row in rows}


def _sought(stored: Mapping[int, Artifact]) -> set[int]:
    return {position for position, row in stored.items() if row.sought_at is not None}
