"""Asking again for what came to nothing: the look and the purchase are one transaction, on a wish locked for it.

Several buttons ask for the same failed task again: that of its card, of its batch, of its cause, and "Give up and try
again". Whoever looked first and bought afterwards would buy what another had just bought. So each locks the whole
wish (SQLite locks everything), looks at it only then, and buys before it lets go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlmodel import Session, col, select

from data import wish
from data.asks import asked_again, inputs, write_batch
from data.catalog import catalog
from data.errors import BudgetExceeded, InvalidRequest, NotAllowed, NotFound
from data.ids import new_id
from data.money import format_credits
from data.plan import Plan, plan_of_retry
from data.practice import by_task, practises
from data.relation import Parent, Relation
from data.requests import MAX_COUNT, GenerationRequest
from data.schema import Artifact, Submission, Task
from data.sentences import Sentence, paragraph
from data.status import ACTIVE, OPEN, Outcome, TaskStatus

_RETRY = Relation.RETRY
_ENDED_IN_NOTHING = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})
_PERHAPS_PAID = col(Submission.outcome).in_((*OPEN, Outcome.SUCCEEDED))
NOTHING_DONE = Sentence("Nothing was asked for and nothing was charged.")
_TRIED_SINCE = paragraph(
    Sentence("This was tried again since, in vain too."), NOTHING_DONE, Sentence("Go on from its newest try.")
)
_DONE = (
    Sentence("This was asked for again already, and has its picture."),
    Sentence("Press “Use again” on it for one more picture."),
)
_DONE_AND_DELETED = (
    Sentence("This was asked for again already, and its picture was deleted."),
    Sentence("Bring it back in History under More, Deleted, or press “Use again” for one more picture."),
)


@dataclass(frozen=True)
class Said:
    """What a button promised when it was drawn. None: it named no number, or nobody knew a price."""

    price_micro: int | None = None  # micro-credits, of all together
    count: int | None = None


@dataclass(frozen=True)
class Left:
    """A task that may be tried again."""

    offered: bool  # whether its model is still in the catalogue
    price_micro: int | None  # today's, None where nobody knows
    doubtful: bool  # whether a call for it may be paid for, and may bring its picture yet


@dataclass(frozen=True)
class Retried:
    """The new tasks, and how many were left out: their model has gone or changed, or what was paid is to be spared."""

    tasks: tuple[Task, ...]
    left_out: int


def retry_one(
    session: Session, task_id: str, *, who: str, now: datetime, other: GenerationRequest | None, said: Said
) -> Task:
    """The task that asks for the same again, or (`other`) another model for it: the one under way, else a new one."""
    tasks = wish.lock(session, col(Task.id) == task_id)
    task = next((task for task in tasks if task.id == task_id and task.deleted_at is None), None)
    if task is None:
        raise NotFound(Sentence("There is no such request."))
    if under_way := wish.others(session, task_id, *ACTIVE):
        return under_way[0]
    if done := wish.others(session, task_id, TaskStatus.SUCCEEDED):
        happened, then = _DONE if any(task.deleted_at is None for task in done) else _DONE_AND_DELETED
        raise NotAllowed(paragraph(happened, NOTHING_DONE, then))
    if task.status not in _ENDED_IN_NOTHING:
        happened = Sentence("This request is under way again, or has its picture by now.")
        raise NotAllowed(paragraph(happened, NOTHING_DONE, Sentence("Look at it once more.")))
    if wish.tried_since(tasks, task_id):
        raise NotAllowed(_TRIED_SINCE)
    request = other or asked_again(task, inputs(session, [task]).get(task.id, ()), now)
    parent = Parent(task_id, _RETRY)
    return _bought(session, [request], [parent], [task.project], who=who, source=task.source, now=now, said=said)[0]


def retry_batch(
    session: Session, batch_id: str, *, tries: Sequence[str], who: str, now: datetime, said: Said, also_doubtful: bool
) -> Retried:
    """Those of a batch, or (`tries`) of what stands for them, that are left to try and whose model still takes them."""
    tasks = _left(session, col(Task.id).in_(tries) if tries else col(Task.batch_id) == batch_id)
    plan = plan_of_retry(session, batch_id)
    source = tasks[0].source if tasks else ""
    return _retried(session, tasks, who=who, source=source, now=now, said=said, plan=plan, also_doubtful=also_doubtful)


def retry_these(session: Session, task_ids: Sequence[str], *, who: str, now: datetime, said: Said) -> Retried:
    """The same of these tasks, of whichever batches."""
    tasks = _left(session, col(Task.id).in_(task_ids))
    # Too many for a card each are one card. It has no name: they are of as many prompts.
    plan = Plan("", "retry") if len(tasks) > MAX_COUNT else None
    return _retried(session, tasks, who=who, source="screen", now=now, said=said, plan=plan)


def refuse_beside_a_retry(session: Session, task_id: str) -> None:
    """Locks the wish of a task that is to be sent once more itself. Raises NotAllowed where a retry came before."""
    tasks = wish.lock(session, col(Task.id) == task_id)
    if wish.others(session, task_id, *ACTIVE, TaskStatus.SUCCEEDED):
        happened = Sentence("This was asked for again already, and that is under way or has its picture.")
        raise NotAllowed(paragraph(happened, NOTHING_DONE, Sentence("Look at it, or give up without trying again.")))
    if wish.tried_since(tasks, task_id):
        raise NotAllowed(_TRIED_SINCE)


def refuse_in_another_mode(session: Session, task_id: str) -> None:
    """Of a task that is to be sent once more itself. Raises NotAllowed where its calls were of the other mode.

    It would be made for money, and counted as practice, or the other way.
    """
    was = by_task(session.connection(), [task_id])[task_id]
    if was != practises(session):
        happened = Sentence("It was asked for as a real picture, and the desk practises now.")
        if was:
            happened = Sentence("It was asked for in practice, and the desk makes real pictures now.")
        raise NotAllowed(paragraph(happened, NOTHING_DONE, Sentence("Give it up, then press “Use again” on it.")))


def left(connection: Connection, *which: ColumnElement[bool], today: date) -> dict[str, Left]:
    """What is left to try of the wishes of these tasks, by id."""
    task, file, call = col(Task.id), col(Artifact.task_id), col(Submission.task_id)
    inputs = sa.select(sa.func.count()).where(file == task, col(Artifact.role) == "input").scalar_subquery()
    doubtful = sa.exists().where(call == task, _PERHAPS_PAID)
    mine = sa.select(task, col(Task.model), col(Task.params), inputs, doubtful)
    mine = mine.where(col(Task.seq).in_(wish.left_to_try(*which)))
    found, models = {}, catalog()
    rows = connection.execute(mine).all()
    practised = by_task(connection, [row[0] for row in rows if row[-1]])
    for task_id, model, params, references, doubt in rows:
        spec = models.get(model)
        price = spec.estimate(params, on=today, references=references) if spec else None
        found[task_id] = Left(spec is not None, price, bool(doubt) and not practised[task_id])
    return found


def _left(session: Session, which: ColumnElement[bool]) -> list[Task]:
    """What is left to try of the wishes of these tasks, which are locked."""
    tasks = wish.lock(session, which)
    left = set(session.exec(wish.left_to_try(which)))
    return [task for task in tasks if task.seq in left]


def _retried(
    session: Session, tasks: Sequence[Task], *, who: str, source: str, now: datetime, said: Said, plan: Plan | None,
    also_doubtful: bool = True,
) -> Retried:  # fmt: skip
    offered = [task for task in tasks if catalog().get(task.model) is not None]
    if said.count is not None and said.count != len(offered):
        happened = Sentence("The button spoke of {said}, and by now it would be {n}.", said=said.count, n=len(offered))
        raise NotAllowed(paragraph(happened, NOTHING_DONE, Sentence("Look at the button again, then press it.")))
    spared = set() if also_doubtful else _doubtful(session, offered)
    references = inputs(session, offered)
    requests, parents, projects, fault = [], [], [], None
    for task in offered:
        if task.id in spared:
            continue
        try:
            requests.append(asked_again(task, references.get(task.id, ()), now))
            parents.append(Parent(task.id, _RETRY))
            projects.append(task.project)
        except InvalidRequest as error:
            fault = error
    if not requests and fault is not None:
        raise fault
    if not requests and spared:
        happened = Sentence("What is left of this may be paid for already, and may bring its pictures yet.")
        if all(by_task(session.connection(), sorted(spared)).values()):
            happened = Sentence("What is left of this was practice, and may bring its pictures yet.")
        raise NotAllowed(paragraph(happened, NOTHING_DONE, Sentence("Wait, or ask for each of them again.")))
    if not requests:
        raise NotAllowed(Sentence("Nothing of this is left to try again."))
    made = _bought(session, requests, parents, projects, who=who, source=source, now=now, said=said, plan=plan)
    return Retried(tuple(made), len(tasks) - len(made))


def _doubtful(session: Session, tasks: Sequence[Task]) -> set[str]:
    mine = (col(Submission.task_id).in_([task.id for task in tasks]), _PERHAPS_PAID)
    return set(session.exec(select(Submission.task_id).where(*mine)))


def _bought(
    session: Session,
    requests: Sequence[GenerationRequest],
    parents: Sequence[Parent],
    projects: Sequence[str | None],
    *,
    who: str,
    source: str,
    now: datetime,
    said: Said,
    plan: Plan | None = None,
) -> list[Task]:
    tasks = write_batch(session, requests, batch_id=new_id(), person=who, source=source, parents=parents, now=now,
                        plan=plan, projects=projects)  # fmt: skip
    _keep(said, tasks)
    return tasks


def _keep(said: Said, tasks: Sequence[Task]) -> None:
    """Raises unless this costs what the button promised, or less: a price may rise between drawing and press."""
    prices = [task.estimate_micro for task in tasks]
    known = [price for price in prices if price is not None]
    if said.price_micro is None or (len(known) == len(prices) and sum(known) <= said.price_micro):
        return
    shown = format_credits(said.price_micro)
    happened = Sentence("The button said {said} credits, and by now nobody knows the price.", said=shown)
    if len(known) == len(prices):
        price = format_credits(sum(known))
        happened = Sentence("The button said {said} credits, and by now it costs {price}.", said=shown, price=price)
    raise BudgetExceeded(paragraph(happened, NOTHING_DONE, Sentence("Look at the new price, then press again.")))
