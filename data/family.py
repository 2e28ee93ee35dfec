"""Which tasks a task came of, and which came of it: the walk along `Task.parent_id`, both ways, as one query.

It names tasks by id and knows nothing of what is shown of them. A deleted one in between is walked through.
"""

from typing import Any

import sqlalchemy as sa

from data.schema import Task

DEEPEST = 20
"""Steps away from the task, upwards and downwards."""
MOST = 200
"""Relatives that are found; the nearest come first."""


def relatives(task_id: str) -> Any:
    """The subquery (id, depth): below 0 ancestors, 0 the task, above 0 descendants, at most MOST of each.

    A parent is older than its child: whatever is written into the column by hand, the walk ends.
    """
    task: Any = Task.__table__  # type: ignore[attr-defined]
    me = sa.select(task.c.id, task.c.seq, task.c.parent_id, sa.literal(0).label("depth")).where(task.c.id == task_id)

    up, parent = me.cte("up", recursive=True), task.alias("parent")
    older = sa.select(parent.c.id, parent.c.seq, parent.c.parent_id, up.c.depth - 1)
    up = up.union_all(older.where(parent.c.id == up.c.parent_id, parent.c.seq < up.c.seq, up.c.depth > -DEEPEST))

    down, child = me.cte("down", recursive=True), task.alias("child")
    is_child = (child.c.parent_id == down.c.id, child.c.parent_id.is_not(None), child.c.seq > down.c.seq)
    younger = sa.select(child.c.id, child.c.seq, child.c.parent_id, down.c.depth + 1)
    down = down.union_all(younger.where(*is_child, down.c.depth < DEEPEST))

    found = (sa.select(walk.c.id, walk.c.depth).limit(MOST).subquery() for walk in (up, down))
    return sa.union(*(sa.select(each.c.id, each.c.depth) for each in found)).subquery("relatives")
