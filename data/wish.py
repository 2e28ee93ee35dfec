"""A wish: a request, its retries, and theirs. However often it is asked again, it is one wish, and wants one picture.

Another model that is asked for what came to nothing tries the same wish.

Retries hang on each other by `parent_id`, and several may hang on one: a wish is a tree, found from any of its tasks
by climbing to its top and walking down again. Whoever asks again locks all of it (`lock`) before they look at it.

What is left to do of a wish is offered by its newest try alone: of two buttons for one wish somebody presses both.
One that was cancelled counts for none: it offers nothing itself, so the one before it does.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.moves import lock_tasks
from data.relation import Relation
from data.schema import NOT_DELETED, Task
from data.status import ACTIVE, TaskStatus

_TASK = Task.__table__  # type: ignore[attr-defined]
_RETRY = Relation.RETRY
_IN_VAIN = (TaskStatus.FAILED, TaskStatus.CANCELLED)


def lock(session: Session, *which: ColumnElement[bool]) -> list[Task]:
    """All tasks of the wishes that these belong to, oldest first, locked until the transaction ends.

    Who asks again adds to a wish, and holds all of it meanwhile: two of them meet at its first task at the latest.
    """
    members = session.connection().execute(ids(*which)).scalars().all()
    return lock_tasks(session, col(Task.id).in_(members)) if members else []


def ids(*which: ColumnElement[bool]) -> sa.Select[str]:
    """Of all tasks of the wishes that these belong to."""
    climb = sa.select(_TASK.c.id, _TASK.c.parent_id, _TASK.c.relation).where(*which).cte(recursive=True)
    above, again = _TASK.alias(), _TASK.alias()
    up = sa.select(above.c.id, above.c.parent_id, above.c.relation)
    climb = climb.union(up.where(above.c.id == climb.c.parent_id, climb.c.relation == _RETRY))
    wish = sa.select(climb.c.id).cte(recursive=True)
    down = sa.select(again.c.id).where(again.c.parent_id == wish.c.id, again.c.relation == _RETRY)
    return sa.select(wish.union(down).c.id)


def others(session: Session, task_id: str, *statuses: TaskStatus) -> list[Task]:
    """The other tasks of its wish that are in one of these, newest first."""
    mine = select(Task).where(col(Task.id).in_(ids(col(Task.id) == task_id)), Task.id != task_id)
    return list(session.exec(mine.where(col(Task.status).in_(statuses)).order_by(col(Task.seq).desc())))


def stands(status: TaskStatus, seq: int, *, deleted: bool = False) -> tuple[bool, bool, bool, bool, int]:
    """Sorts the tries at a wish; the last stands for it: one with its picture, or under way, or the newest that failed.

    A picture that is `deleted` comes before what failed: it can be brought back, and nothing is to be bought.
    """
    done = status == TaskStatus.SUCCEEDED
    return done and not deleted, status in ACTIVE, done, status != TaskStatus.CANCELLED, seq


def tried_since(tasks: Sequence[Task], task_id: str) -> bool:
    """Whether among the tasks of a wish one is left to see that is newer than this: then this offers nothing more."""
    own = next(task.seq or 0 for task in tasks if task.id == task_id)
    left = (task for task in tasks if task.deleted_at is None and task.status != TaskStatus.CANCELLED)
    return any((task.seq or 0) > own for task in left)


def stand_ins(connection: Connection, task_ids: Sequence[str]) -> dict[str, str | None]:
    """By task, what stands for its wish now, where that is another task; None where that is a picture in Deleted."""
    found: dict[str, list[tuple[tuple[bool, bool, bool, bool, int], str | None]]] = {}
    for first, task_id, seq, status, deleted_at in connection.execute(_TRIES, {"ids": task_ids}):
        deleted = deleted_at is not None
        found.setdefault(first, []).append((stands(status, seq, deleted=deleted), None if deleted else task_id))
    best = {first: max(tries)[1] for first, tries in found.items()}
    return {first: task_id for first, task_id in best.items() if task_id != first}


def left_to_try(*which: ColumnElement[bool]) -> SelectOfScalar[int | None]:
    """The `seq` of what is left to try of these: those that failed and are the last try at a wish that came to nothing.

    Nothing is left of one that has a picture or is under way. What was tried again is left at its newest try alone: an
    old button does not buy what a newer one offers as well.
    """
    wish = _wishes(*which, NOT_DELETED)
    own, last = _own_and_last(wish)
    better = sa.func.count().filter(wish.c.status.not_in(_IN_VAIN))
    lasts = sa.select(own).group_by(wish.c.first).having(better == 0).having(last == own)
    return select(col(Task.seq)).where(col(Task.seq).in_(lasts), col(Task.status) == TaskStatus.FAILED)


def tried_again(*which: ColumnElement[bool]) -> SelectOfScalar[int | None]:
    """The `seq` of those of these that failed and of whose wish there is a newer try: none of them is left to try."""
    wish = _wishes(*which, NOT_DELETED, col(Task.status) == TaskStatus.FAILED)
    own, last = _own_and_last(wish)
    return select(col(Task.seq)).where(col(Task.seq).in_(sa.select(own).group_by(wish.c.first).having(last > own)))


def _own_and_last(wish: sa.CTE) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Of each `first` its own `seq`, and that of the newest try: none that was cancelled, or failed and was deleted."""
    failed = sa.and_(wish.c.status == TaskStatus.FAILED, wish.c.deleted_at.is_(None))
    there = sa.or_(failed, wish.c.status.not_in(_IN_VAIN))
    return sa.func.max(wish.c.seq).filter(wish.c.id == wish.c.first), sa.func.max(wish.c.seq).filter(there)


def _wishes(*which: ColumnElement[bool]) -> sa.CTE:
    """(first, id, seq, status, deleted_at): each task that fits as `first`, beside all tasks of its wish."""
    above = sa.select(_TASK.c.id.label("first"), _TASK.c.id, _TASK.c.parent_id, _TASK.c.relation).where(*which)
    climb, parent = above.cte(recursive=True), _TASK.alias("parent")
    up = sa.select(climb.c.first, parent.c.id, parent.c.parent_id, parent.c.relation)
    up = up.join_from(climb, parent, parent.c.id == climb.c.parent_id).where(climb.c.relation == _RETRY)
    climb = climb.union_all(up)

    member, again = _TASK.alias("member"), _TASK.alias("again")
    kept = ("id", "seq", "status", "deleted_at")
    begin = sa.select(climb.c.first, *(member.c[name] for name in kept))
    begin = begin.join_from(climb, member, member.c.id == climb.c.id)
    wish = begin.cte(recursive=True)
    down = sa.select(wish.c.first, *(again.c[name] for name in kept)).where(again.c.relation == _RETRY)
    # UNION, not UNION ALL: who was climbed over is walked down from as well.
    return wish.union(down.join_from(wish, again, again.c.parent_id == wish.c.id))


def _tries() -> sa.Select[Any]:
    wish = _wishes(col(Task.id).in_(sa.bindparam("ids", expanding=True)))
    there = sa.or_(wish.c.deleted_at.is_(None), wish.c.status == TaskStatus.SUCCEEDED)
    return sa.select(wish.c.first, wish.c.id, wish.c.seq, wish.c.status, wish.c.deleted_at).where(there)


_TRIES = _tries()
"""Written once: an open page asks at every move of a task, and writing a statement takes longer than running it."""
