"""What was asked, as a row, as a digest, and asked again: between a `GenerationRequest` and its task."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from data.catalog import catalog
from data.images import StoredImage
from data.relation import Parent, Relation
from data.requests import GenerationRequest, validate
from data.rows import artifact_row, stored_image
from data.schema import NOT_DELETED, Artifact, Task
from data.status import TaskStatus


def likeness(request: GenerationRequest) -> str:
    """A digest that is equal for requests which a person would call the same: blanks and Unicode forms do not count."""
    prompt = " ".join(unicodedata.normalize("NFKC", request.prompt).split())
    return digest([replace(request, prompt=prompt)])


def asked_again(session: Session, task: Task, now: datetime) -> GenerationRequest:
    """What the task asked for, held against the catalogue of today."""
    rows = session.exec(
        select(Artifact).where(Artifact.task_id == task.id, Artifact.role == "input").order_by(col(Artifact.position))
    ).all()
    references = [stored_image(row) for row in rows]
    return validate(catalog().require(task.model), task.prompt, task.params, references, on=now.date())


def failed_of_batch(batch_id: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions on `Task`: those of the batch that are left to try again."""
    return col(Task.batch_id) == batch_id, *left_to_try()


def left_to_try() -> tuple[ColumnElement[bool], ...]:
    """Conditions on `Task`: those that came to nothing and have no retry that did better, or still may."""
    again = aliased(Task)
    tried = select(again.id).where(
        again.parent_id == Task.id, again.relation == Relation.RETRY, again.status != TaskStatus.FAILED
    )
    return col(Task.status) == TaskStatus.FAILED, ~exists(tried), NOT_DELETED


def digest(requests: Sequence[GenerationRequest]) -> str:
    """What was asked, apart from how the files were called."""
    asked = [[r.model, r.prompt, sorted(r.params.items()), [image.sha256 for image in r.references]] for r in requests]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def new_task(
    request: GenerationRequest,
    batch_id: str,
    position: int,
    *,
    person: str,
    source: str,
    parent: Parent | None,
    now: datetime,
    priority: int,
) -> Task:
    spec = catalog().require(request.model)
    return Task(
        batch_id=batch_id,
        position=position,
        person=person,
        source=source,
        parent_id=parent.task_id if parent else None,
        relation=parent.relation if parent else None,
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
        estimate_micro=spec.estimate(request.params, on=now.date(), references=len(request.references)),
    )


def input_row(task_id: str, position: int, image: StoredImage, now: datetime) -> Artifact:
    return artifact_row(image, task_id=task_id, submission_id=None, position=position, now=now)
