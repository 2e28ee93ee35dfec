"""What the days of a query mean in SQL: conditions on the time of asking, and the sort keys that they lie between."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from data.query import Query
from data.schema import Task
from data.walks import LAST, Stretch, table

SLACK = timedelta(minutes=1)
"""`created_at` and `seq` grow together, but for so long: two hosts may commit in another order than they began."""


def days(query: Query) -> list[ColumnElement[bool]]:
    created, found = table(Task).c.created_at, []
    if query.after is not None:
        found.append(created >= midnight(query.after))
    if query.before is not None:
        found.append(created < midnight(query.before))
    return found


def stretch(query: Query) -> Stretch:
    """Days as a stretch of `seq`, found by one step into the index of `created_at`; `days` then says it exactly."""
    first, beyond = tuple[Any, ...](), tuple[Any, ...]()
    if query.after is not None:
        first = (first_since(_moved(midnight(query.after), -SLACK)),)
    if query.before is not None:
        beyond = (sa.func.coalesce(first_since(_moved(midnight(query.before), SLACK)), LAST),)
    return Stretch(first, beyond)


def midnight(day: date) -> datetime:
    """When that day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def first_since(moment: datetime) -> Any:
    """The sort key of the first task that was asked for then or later, as a part of a statement."""
    other = table(Task).alias("since")
    first = sa.select(other.c.seq).where(other.c.created_at >= moment).order_by(other.c.created_at, other.c.seq)
    return first.limit(1).scalar_subquery()
