"""What a webhook's hint does to its submission: due for a look at once, and named where it had no name yet.

It believes nothing else, overrules nothing that is known, and knows neither deliveries nor how they were proven.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, select, update
from sqlmodel import Session, col

from data.moves import log
from data.schema import Submission, TaskEvent
from data.status import Outcome

ALARM = "alarm_second_id"

IDS: BindParameter[str] = bindparam("ids", expanding=True)
CALL: tuple[Any, ...] = (Submission.id, Submission.task_id, Submission.account, Submission.provider_task_id)
# In one order, so that two servers never wait for each other in a circle.
_LOCKED = select(*CALL).where(col(Submission.id).in_(IDS)).order_by(col(Submission.id)).with_for_update()
_UNSETTLED = select(col(Submission.id)).where(col(Submission.id).in_(IDS), col(Submission.outcome) != Outcome.SUCCEEDED)
_DUE = (
    update(Submission)
    .where(col(Submission.id).in_(_UNSETTLED.order_by(col(Submission.id)).with_for_update()))
    .values(poll_at=bindparam("now"))
)
_NAME = (
    update(Submission)
    .where(col(Submission.id) == bindparam("call"), col(Submission.provider_task_id).is_(None))
    .values(provider_task_id=bindparam("name"))
)
# Two lists and not one of pairs, which SQLite would not look up in the index.
_TAKEN = select(*CALL[2:]).where(
    col(Submission.account).in_(bindparam("accounts", expanding=True)),
    col(Submission.provider_task_id).in_(bindparam("names", expanding=True)),
)


def hint(session: Session, news: Sequence[tuple[Row[Any], str]], now: datetime) -> int:
    """Due at once, where that may bring news; how many became so. `news`: rows of `CALL`, and how each was called.

    A first provider id is kept; another one, or one that another call bears, is an alarm and not a result. The rows may
    be out of date: a call keeps its name for ever, and where anything is not as known the rows are read again.
    """
    due = {call.id for call, name in news}
    if any(call.provider_task_id != name for call, name in news):
        due = _name(session, news, now)
    if not due:
        return 0
    return session.connection().execute(_DUE, {"ids": sorted(due), "now": now}).rowcount


def _name(session: Session, news: Sequence[tuple[Row[Any], str]], now: datetime) -> set[str]:
    """Gives first names and raises alarms: the calls that the news is truly about."""
    connection = session.connection()
    calls = {call.id: call for call in connection.execute(_LOCKED, {"ids": sorted({call.id for call, _ in news})})}
    names = {call.id: call.provider_task_id for call in calls.values()}
    news = [(calls[call.id], name) for call, name in news if call.id in calls]
    taken = _taken(connection, {(call.account, name) for call, name in news if names[call.id] is None})
    first, due = [], set()
    for call, name in news:
        if names[call.id] is None and (call.account, name) not in taken:
            names[call.id] = name
            taken.add((call.account, name))
            first.append({"call": call.id, "name": name})
        if names[call.id] == name:
            due.add(call.id)
        else:
            _alarm(session, call, names[call.id], name, now)
    if first:
        connection.execute(_NAME, first)
    return due


def _taken(connection: Connection, names: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (account, provider task id) are borne already."""
    if not names:
        return set()
    accounts, called = ({pair[n] for pair in names} for n in range(2))
    found = connection.execute(_TAKEN, {"accounts": sorted(accounts), "names": sorted(called)})
    return {(account, name) for account, name in found}


def _alarm(session: Session, call: Row[Any], known: str | None, name: str, now: datetime) -> None:
    """Once for each call and name: a sender repeats itself."""
    mine = (col(TaskEvent.task_id) == call.task_id, col(TaskEvent.submission_id) == call.id)
    said = session.scalars(select(col(TaskEvent.detail)).where(*mine, col(TaskEvent.kind) == ALARM))
    ending = f", now called {name}"
    if not any((detail or "").endswith(ending) for detail in said):
        log(session, call.task_id, ALARM, now=now, who="webhook", submission_id=call.id,
            detail=f"known as {known}{ending}")  # fmt: skip
