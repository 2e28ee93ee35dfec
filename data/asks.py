"""What was asked, as a row, as a digest, and asked again: between a `GenerationRequest` and its task."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from data import fulltext
from data.catalog import catalog
from data.errors import NotAllowed
from data.images import StoredImage
from data.ledger import reserve
from data.moves import log_each
from data.plan import Plan
from data.relation import Parent
from data.requests import GenerationRequest, validate
from data.rows import artifact_row, stored_image
from data.schema import Artifact, RequestKey, Task
from data.sentences import Sentence


def likeness(request: GenerationRequest) -> str:
    """A digest that is equal for requests which a person would call the same: blanks and Unicode forms do not count."""
    prompt = " ".join(unicodedata.normalize("NFKC", request.prompt).split())
    return digest([replace(request, prompt=prompt)])


def inputs(session: Session, tasks: Sequence[Task]) -> dict[str, list[StoredImage]]:
    """The references of each of these tasks, in their order; tasks without any are left out."""
    mine = select(Artifact).where(col(Artifact.task_id).in_([task.id for task in tasks]), Artifact.role == "input")
    found: dict[str, list[StoredImage]] = {}
    for row in session.exec(mine.order_by(col(Artifact.position))):
        found.setdefault(row.task_id, []).append(stored_image(row))
    return found


def asked_again(task: Task, references: Sequence[StoredImage], now: datetime) -> GenerationRequest:
    """What the task asked for, held against the catalogue of today. Raises InvalidRequest."""
    return validate(catalog().require(task.model), task.prompt, task.params, references, on=now.date())


def batch_of_key(session: Session, request_key: str, asked: str) -> list[Task] | None:
    """The batch made under this key, None where there is none. Raises NotAllowed: it was for something else."""
    row = session.exec(select(RequestKey).where(RequestKey.key == request_key)).one_or_none()
    if row is None:
        return None
    if row.digest != asked:
        used = Sentence("This request key was used for another request. Nothing was charged. Choose a new key.")
        raise NotAllowed(used)
    return list(session.exec(select(Task).where(Task.batch_id == row.batch_id).order_by(col(Task.position))))


def digest(requests: Sequence[GenerationRequest]) -> str:
    """What was asked, apart from how the files were called."""
    asked = [[r.model, r.prompt, sorted(r.params.items()), [image.sha256 for image in r.references]] for r in requests]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def write_batch(
    session: Session,
    requests: Sequence[GenerationRequest],
    *,
    batch_id: str,
    person: str,
    source: str,
    parents: Sequence[Parent | None],
    now: datetime,
    priority: int = 0,
    cap_micro: int | None = None,
    plan: Plan | None = None,
    projects: Sequence[str | None] = (),
) -> list[Task]:
    """One QUEUED task per request as one batch, its money held back. Raises BudgetExceeded; then roll it back.

    `projects`: of each request the key of the project that it belongs to.
    """
    if plan is not None:
        session.add(plan.row(batch_id, person, size=len(requests), now=now))
    tasks = _write_tasks(session, requests, batch_id, person=person, source=source, parents=parents,
                         priority=priority, now=now, projects=projects)  # fmt: skip
    caps = [cap for cap in (cap_micro, plan.cap_micro if plan else None) if cap is not None]
    reserve(session, tasks, person, now, cap_micro=min(caps, default=None))
    return tasks


def _write_tasks(
    session: Session,
    requests: Sequence[GenerationRequest],
    batch_id: str,
    *,
    person: str,
    source: str,
    parents: Sequence[Parent | None],
    priority: int,
    now: datetime,
    projects: Sequence[str | None],
) -> list[Task]:
    """One QUEUED task per request, with references, event and words to be found by: few statements, however many.

    Each row says already what it holds back; the ledger enters it in the same transaction (`ledger.reserve`).
    """
    tasks = []
    for position, request in enumerate(requests):
        parent = parents[position] if parents else None
        tasks.append(_new_task(request, batch_id, position, person=person, source=source, parent=parent, now=now,
                               priority=priority, project=projects[position] if projects else None))  # fmt: skip
    if session.connection().dialect.name == "sqlite":
        # The keys that it would give: nobody else writes meanwhile. Told them one by one, it would be asked 500 times.
        last = session.exec(select(func.max(col(Task.seq)))).one() or 0
        for task in tasks:
            task.seq = last = last + 1
    session.add_all(tasks)
    session.flush()
    session.add_all(
        artifact_row(image, task_id=task.id, submission_id=None, position=position, now=now)
        for task, request in zip(tasks, requests, strict=True)
        for position, image in enumerate(request.references)
    )
    log_each(session, [task.id for task in tasks], "created", now=now, who=person)
    fulltext.add(session.connection(), [(task.seq, task.prompt) for task in tasks if task.seq is not None])
    return tasks


def _new_task(
    request: GenerationRequest,
    batch_id: str,
    position: int,
    *,
    person: str,
    source: str,
    parent: Parent | None,
    now: datetime,
    priority: int,
    project: str | None,
) -> Task:
    spec = catalog().require(request.model)
    estimate = spec.estimate(request.params, on=now.date(), references=len(request.references))
    return Task(
        batch_id=batch_id,
        position=position,
        person=person,
        source=source,
        parent_id=parent.task_id if parent else None,
        relation=parent.relation if parent else None,
        project=project,
        model=request.model,
        family=spec.family,
        provider=spec.provider,
        prompt=request.prompt,
        params=dict(request.params),
        digest=likeness(request),
        priority=priority,
        awaits_upload=bool(request.references),
        status_at=now,
        created_at=now,
        estimate_micro=estimate,
        reserved_micro=estimate or 0,
    )
