"""What the end of a download means for its task, in the caller's transaction; the call's row is locked by then."""

from datetime import datetime

from sqlmodel import Session, col, select

from data.moves import bring_back, log, move
from data.schema import Artifact, Submission
from data.status import TaskStatus

_S = TaskStatus


def has_its_picture(session: Session, row: Submission, now: datetime) -> None:
    """The task ends well, even if another of its results could not be had and it had failed for that."""
    move(session, row.task_id, _S.FETCHING, since={_S.FAILED, _S.CANCELLED}, now=now, kind="saved_after_all",
         submission_id=row.id)  # fmt: skip
    if not move(session, row.task_id, _S.SUCCEEDED, since={_S.FETCHING}, now=now, kind="saved", submission_id=row.id):
        log(session, row.task_id, "saved_too", now=now, submission_id=row.id)
        bring_back(session, row.task_id, now)


def ends_without(session: Session, row: Submission, now: datetime, *, cause: str, message: str) -> None:
    """No more tries for these files: the task fails, unless it has, or is still fetching, another picture."""
    others = select(Submission.id).where(Submission.task_id == row.task_id, col(Submission.fetch_at).is_not(None))
    pictures = select(Artifact.id).where(Artifact.task_id == row.task_id, Artifact.role == "output")
    if session.exec(pictures.limit(1)).first() is not None:
        log(session, row.task_id, "part_missing", now=now, submission_id=row.id, detail=message)
        move(session, row.task_id, _S.SUCCEEDED, since={_S.FETCHING}, now=now, kind="saved", submission_id=row.id)
    elif session.exec(others.limit(1)).first() is None:
        move(session, row.task_id, _S.FAILED, since={_S.FETCHING}, now=now, kind="fetch_failed", detail=message,
             submission_id=row.id, error_code=cause, error_detail=message[:2000])  # fmt: skip
