"""What was practice, and whether the server practises now.

What was made stays in one history, and each of it tells by the account of its calls whether it was practice.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlmodel import Session, col, select

from data.schema import Health, Submission

ROW = "practice"
"""The row of the health board that says which mode the server runs in (`mode.enter`)."""
_STAND_IN = "sandbox"
"""What the names of its accounts begin with."""
_ACCOUNTS = sa.select(col(Submission.task_id), col(Submission.account)).where(
    col(Submission.task_id).in_(sa.bindparam("ids", expanding=True))
)
# No press waits for a server that starts, which holds the row (then it counts as money); but that server waits for a
# press which has read it, and so cancels what it wrote.
_MODE = select(Health.data).where(Health.name == ROW).with_for_update(read=True, skip_locked=True)


def practised(accounts: Iterable[str]) -> bool:
    """Whether calls by these accounts cost nothing: one at a provider beside them is money."""
    return all(account.startswith(_STAND_IN) for account in accounts)


def by_task(connection: Connection, task_ids: Sequence[str]) -> dict[str, bool]:
    """Of each task whether it was practice; one that was never sent is left out."""
    accounts: dict[str, list[str]] = {}
    for task_id, account in connection.execute(_ACCOUNTS, {"ids": task_ids}) if task_ids else ():
        accounts.setdefault(task_id, []).append(account)
    return {task_id: practised(each) for task_id, each in accounts.items()}


def practises(session: Session) -> bool:
    """Whether what this transaction asks for is practice: another mode that begins meanwhile cancels it."""
    return bool((session.exec(_MODE).first() or {}).get("practice"))
