"""Money: what tasks hold back, what they cost, and the monthly budgets that neither may pass.

A budget is checked in the transaction that creates the task, on rows that this transaction has locked; so two people
who press at once cannot pass it together. All amounts are integers of micro-credits; a month is a month in UTC, and a
task belongs to the month it was asked for in. Practice costs nothing: it is entered apart, and no budget counts it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import func, insert, update
from sqlmodel import Session, col, select

from data.db import Database, insert_new
from data.errors import BudgetExceeded, NotAllowed
from data.money import format_credits
from data.moves import lock_task
from data.practice import practises
from data.schema import OPEN_CALL, Batch, Budget, LedgerEntry, Spending, Submission, Task
from data.sentences import Sentence, paragraph
from data.status import Outcome, TaskStatus

_S = TaskStatus
TEAM = "team"
EVERYBODY = "person:*"
"""The limit of each person who has none of their own."""

_PRACTICE = "practice"
"""The month of what was asked for in practice. A task's first entry says so for all that follow, in any mode."""
_HOLDING = frozenset({_S.QUEUED, _S.SUBMITTING, _S.UNCONFIRMED, _S.RUNNING})
_PERHAPS_CHARGED = frozenset({Outcome.SUCCEEDED, Outcome.WRITTEN_OFF})
"""Ends after which a charge that nobody named is no sign that there was none."""


def person_scope(person: str) -> str:
    """The scope of one person's budget."""
    return f"person:{person}"


def month_of(moment: datetime) -> str:
    """ "2026-11": the month in UTC, as `Spending` and `LedgerEntry` name it."""
    return f"{moment:%Y-%m}"


@dataclass(frozen=True)
class Standing:
    """How a budget stands this month, in micro-credits. `limit` is None where there is none."""

    scope: str
    limit: int | None
    reserved: int
    charged: int

    @property
    def left(self) -> int | None:
        """What may still be asked for; never below zero."""
        return None if self.limit is None else max(0, self.limit - self.reserved - self.charged)

    @property
    def used(self) -> float:
        """The used share of the limit, from 0 to 1 and above; 0.0 without a limit."""
        return (self.reserved + self.charged) / self.limit if self.limit else 0.0


@dataclass(frozen=True)
class Sent:
    """Paid calls: how many, for how many micro-credits, and when the first of them was made."""

    calls: int
    micro: int
    first: datetime | None


class Ledger:
    """Budgets for the settings page, and how they stand."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def set_budget(self, scope: str, micro: int | None, *, who: str) -> None:
        """Sets a monthly limit in micro-credits; None lifts it. `scope`: TEAM, EVERYBODY or `person_scope(name)`.

        Raises:
            NotAllowed: it is nobody's.
        """
        if scope != TEAM and not scope.startswith(person_scope("")):
            raise NotAllowed(
                Sentence("Nobody is called “{scope}”; no budget was changed. Choose whose it is.", scope=scope)
            )
        if micro is not None and (isinstance(micro, bool) or not isinstance(micro, int) or micro < 0):
            raise ValueError("a budget is a whole number of micro-credits, or None")
        with self._db.transaction() as session:
            row = session.get(Budget, scope)
            if micro is None:
                if row is not None:
                    session.delete(row)
                return
            if row is None:
                insert_new(session, Budget, {"scope": scope, "micro": micro, "set_by": who, "set_at": self._clock()})
                row = session.exec(select(Budget).where(Budget.scope == scope)).one()
            row.micro, row.set_by, row.set_at = micro, who, self._clock()
            session.add(row)

    def budgets(self) -> list[Budget]:
        """All limits, the team's first."""
        with self._db.read() as session:
            rows = session.exec(select(Budget).order_by(col(Budget.scope))).all()
        return sorted(rows, key=lambda row: (row.scope != TEAM, row.scope != EVERYBODY, row.scope))

    def standing(self, person: str) -> tuple[Standing, Standing]:
        """How this person and the team stand this month."""
        month = month_of(self._clock())
        with self._db.look() as connection:
            mine, team = (_standing(connection, scope, month) for scope in (person_scope(person), TEAM))
            return mine, team

    def sent(self, account: str, *, since: datetime) -> Sent:
        """What the paid calls by one account since then have cost or, where nobody has said yet, are to cost."""
        nothing = col(Submission.outcome).in_((Outcome.NOT_SENT, Outcome.REJECTED, Outcome.PROVIDER_FAILED))
        free = nothing & (func.coalesce(Submission.charged_micro, 0) == 0)
        cost = func.coalesce(Submission.charged_micro, Task.estimate_micro, 0)
        sums = select(func.count(), func.sum(cost), func.min(Submission.started_at)).join_from(Submission, Task)
        with self._db.read() as session:
            calls, micro, first = session.exec(
                sums.where(Submission.account == account, col(Submission.started_at) > since, ~free)
            ).one()
        return Sent(calls, int(micro or 0), first)

    def waiting(self) -> dict[tuple[str, str], int]:
        """What the paid calls that are still to be sent are to cost, by the provider and family of their models."""
        cost = func.sum(func.coalesce(Task.estimate_micro, 0))
        queued = select(Task.provider, Task.family, cost).where(Task.status == _S.QUEUED)
        with self._db.read() as session:
            rows = session.exec(queued.group_by(Task.provider, Task.family)).all()
            return {(provider, family): int(micro) for provider, family, micro in rows}

    def spent(self, month: str) -> list[Standing]:
        """Everybody who asked for something in that month, the team first, then the dearest."""
        with self._db.read() as session:
            rows = session.exec(select(Spending).where(Spending.month == month)).all()
            found = [_standing(session.connection(), row.scope, month) for row in rows]
        return sorted(found, key=lambda row: (row.scope != TEAM, -(row.charged + row.reserved), row.scope))


def reserve(session: Session, tasks: Sequence[Task], person: str, now: datetime, *, cap_micro: int | None) -> None:
    """Holds back what these new tasks may cost, in the transaction that has just written them (`asks.write_batch`).

    Raises:
        BudgetExceeded: the batch passes its cap, or a monthly budget; or a price is unknown where one is in force.
    """
    needed, unknown = sum(task.estimate_micro or 0 for task in tasks), any(t.estimate_micro is None for t in tasks)
    if cap_micro is not None and (unknown or needed > cap_micro):
        do = Sentence("Ask for fewer pictures or raise the cap.")
        raise _exceeded(Sentence("The cap of this batch"), cap_micro, needed, unknown, do)
    month = _PRACTICE if practises(session) else month_of(now)
    _enter_each(session, [(task, month, task.reserved_micro) for task in tasks], now)
    _add_up(session, person, month, reserved=needed, charged=0)
    _keep_budgets(session, person, month, needed, unknown=unknown)


def reserve_again(session: Session, task_id: str, now: datetime) -> None:
    """Holds back one more paid call of a task that waits once more. Raises BudgetExceeded where it passes a budget."""
    book(session, task_id, now)
    task = lock_task(session, task_id)
    unknown = task.estimate_micro is None
    if over := over_cap(session, task.batch_id):
        raise BudgetExceeded(
            Sentence("This passes the cap of its batch by {credits} credits. Ask for it as a new request instead.",
                     credits=format_credits(over))
        )  # fmt: skip
    _keep_budgets(session, task.person, _months(session, [task])[task.id], task.estimate_micro or 0, unknown=unknown)


def release(session: Session, tasks: Sequence[Task], now: datetime) -> None:
    """Holds nothing back any more for these tasks, which are locked, will not be sent, and have no call open."""
    held = [task for task in tasks if task.reserved_micro]
    if not held:
        return
    months = _months(session, held)
    _enter_each(session, [(task, months[task.id], -task.reserved_micro) for task in held], now)
    free = update(Task).where(col(Task.id).in_([task.id for task in held])).values(reserved_micro=0)
    session.connection().execute(free)
    sums: Counter[tuple[str, str]] = Counter()
    for task in held:
        sums[task.person, months[task.id]] -= task.reserved_micro
    for (person, month), reserved in sorted(sums.items()):
        _add_up(session, person, month, reserved=reserved, charged=0)


def over_cap(session: Session, batch_id: str) -> int:
    """By how many micro-credits a batch's charges and what it holds back pass its cap; 0 where they do not.

    What is held back keeps to it from the first. But a provider may charge more than its list says: then what was not
    sent yet must make room.
    """
    cap = session.exec(select(Batch.cap_micro).where(Batch.id == batch_id)).first()
    if cap is None:
        return 0
    counted = select(func.sum(col(Task.reserved_micro) + col(Task.booked_micro))).where(Task.batch_id == batch_id)
    return max(0, (session.exec(counted).one() or 0) - cap)


def _keep_budgets(session: Session, person: str, month: str, needed: int, *, unknown: bool) -> None:
    """Raises BudgetExceeded where what was just held back (`needed`, its price perhaps unknown) passes a budget."""
    own, common = Sentence("Your budget for this month"), Sentence("The team's budget for this month")
    for scope, whose in ((person_scope(person), own), (TEAM, common)) if month != _PRACTICE else ():
        standing = _standing(session.connection(), scope, month)
        if standing.limit is not None and (unknown or standing.reserved + standing.charged > standing.limit):
            left = max(0, standing.limit - standing.charged - standing.reserved + needed)
            raise _exceeded(whose, left, needed, unknown, Sentence("It can be raised in Settings."))


def book(session: Session, task_id: str, now: datetime) -> None:
    """Brings the ledger in line with a task after its call was settled or its status has changed. Idempotent.

    The estimate is held back while a paid call is to come or may still be charged, and released after that. A picture
    whose charge the provider did not name counts with its estimate, and so does a doubt that was given up, by a person
    or by the clock: a budget must not take silence for "free". Should the provider speak after all, its word counts.
    """
    task = lock_task(session, task_id)
    calls = select(func.count()).select_from(Submission).where(Submission.task_id == task_id)
    holds = task.status in _HOLDING or session.exec(calls.where(OPEN_CALL)).one() > 0
    unnamed = session.exec(
        calls.where(col(Submission.outcome).in_(_PERHAPS_CHARGED), col(Submission.charged_micro).is_(None))
    ).one()
    named = select(func.sum(Submission.charged_micro)).where(Submission.task_id == task_id, OPEN_CALL)
    estimate = task.estimate_micro or 0
    # A call may be charged and still open: done there, but with no picture named yet.
    held = max(0, estimate - (session.exec(named).one() or 0)) if holds else 0
    reserved, charged = held - task.reserved_micro, task.charged_micro + unnamed * estimate - task.booked_micro
    if reserved or charged:
        month = _months(session, [task])[task.id]
        task.reserved_micro += reserved
        task.booked_micro += charged
        entry = LedgerEntry(at=now, month=month, person=task.person, task_id=task.id, reserved_micro=reserved,
                            charged_micro=charged)  # fmt: skip
        session.add_all((task, entry))
        session.flush()
        _add_up(session, task.person, month, reserved=reserved, charged=charged)


def _months(session: Session, tasks: Sequence[Task]) -> dict[str, str]:
    """Under which month each of them is entered, by id."""
    task_id = col(LedgerEntry.task_id)
    entered = dict(session.exec(select(task_id, LedgerEntry.month).where(task_id.in_([one.id for one in tasks]))).all())
    return {task.id: entered.get(task.id) or month_of(task.created_at) for task in tasks}


def _enter_each(session: Session, held: Sequence[tuple[Task, str, int]], now: datetime) -> None:
    """What is held back for each of these tasks, or released (below zero), in the ledger alone."""
    entries = [
        {"at": now, "month": month, "person": task.person, "task_id": task.id, "reserved_micro": reserved,
         "charged_micro": 0}
        for task, month, reserved in held
    ]  # fmt: skip
    session.connection().execute(insert(LedgerEntry), entries)


def _add_up(session: Session, person: str, month: str, *, reserved: int, charged: int) -> None:
    """The same movement in the sums. The last rows that a transaction locks, and always in this order."""
    for scope in (person_scope(person), TEAM):
        row = (col(Spending.scope) == scope, col(Spending.month) == month)
        more = {
            "reserved_micro": col(Spending.reserved_micro) + reserved,
            "charged_micro": col(Spending.charged_micro) + charged,
        }
        add = update(Spending).where(*row).values(**more)
        if session.connection().execute(add).rowcount == 0:
            insert_new(session, Spending, {"scope": scope, "month": month, "reserved_micro": 0, "charged_micro": 0})
            session.connection().execute(add)


_LIMITS = sa.select(col(Budget.scope), col(Budget.micro)).where(
    col(Budget.scope).in_(sa.bindparam("scopes", expanding=True))
)
_SUMS = sa.select(col(Spending.reserved_micro), col(Spending.charged_micro)).where(
    col(Spending.scope) == sa.bindparam("scope"), col(Spending.month) == sa.bindparam("month")
)


def _standing(connection: sa.Connection, scope: str, month: str) -> Standing:
    """Every open page asks for it at each move of a task, so the statements are written once."""
    scopes = (scope,) if scope == TEAM else (scope, EVERYBODY)
    limits = {row.scope: row.micro for row in connection.execute(_LIMITS, {"scopes": scopes})}
    sums = connection.execute(_SUMS, {"scope": scope, "month": month}).one_or_none()
    return Standing(scope, limits.get(scope, limits.get(EVERYBODY)), *(sums or (0, 0)))


def _exceeded(what: str, left: int, needed: int, unknown: bool, do: str) -> BudgetExceeded:
    if unknown:
        fault = Sentence("{budget} cannot be kept, because the price of this model is unknown.", budget=what)
    else:
        fault = Sentence("{budget} has {left} credits left, and this needs {needed}.", budget=what,
                         left=format_credits(left), needed=format_credits(needed))  # fmt: skip
    return BudgetExceeded(paragraph(fault, Sentence("Nothing was charged."), do))
