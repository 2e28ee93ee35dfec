"""Which pictures stand beside a picture, for whoever walks from one to the next. It changes nothing."""

from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col, select

from data.db import Database
from data.schema import NOT_DELETED, Artifact, Task

MOST = 24
"""Tasks of the batch, and again of the same request: nobody walks further, and a program's batch may hold thousands."""


class Pairing:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def siblings(self, task_id: str) -> tuple[str, ...]:
        """Tasks with pictures: this one's batch in its order, itself included; then the same request, newest first."""
        with self._db.read() as session:
            task = session.exec(select(Task.batch_id, Task.digest).where(Task.id == task_id)).one_or_none()
            if task is None:
                return ()
            batch_id, digest = task
            batch = _with_pictures(session, col(Task.batch_id) == batch_id)
            again = _with_pictures(session, col(Task.digest) == digest, col(Task.batch_id) != batch_id, newest=True)
            return (*batch, *again)


def _with_pictures(session: Session, *which: ColumnElement[bool], newest: bool = False) -> list[str]:
    output = select(Artifact.id).where(Artifact.task_id == Task.id, Artifact.role == "output")
    order = col(Task.seq).desc() if newest else col(Task.seq)
    return list(session.exec(select(Task.id).where(*which, NOT_DELETED, output.exists()).order_by(order).limit(MOST)))
