"""One task as programs read it: the whole record, in the words of the first API and in finer ones.

Times are ISO 8601 in UTC. Credits are decimal texts ("6.5"), because JSON's readers make doubles of numbers. The token
of a paid call never leaves: whoever has it can call our webhook.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from data.catalog import catalog
from data.causes import explain
from data.history import Detail
from data.links import LinkSigner
from data.money import format_credits
from data.schema import Artifact, Submission, TaskEvent, utcnow
from data.status import SEED_WORDS

Redact = Callable[[str | None], str | None]


class Picture(BaseModel):
    """A stored file. The link proves itself and lives for one to two weeks; ask again for a fresh one."""

    url: str
    sha256: str
    mime: str
    width: int
    height: int
    bytes: int
    duration_ms: int | None = Field(description="of a video; null for a picture")


class Trouble(BaseModel):
    """Why the task waits or failed: a stable code, our sentence, the provider's own words."""

    code: str
    message: str
    detail: str | None


class Call(BaseModel):
    """One paid call that was made, or may have been made."""

    id: str
    attempt: int
    account: str
    outcome: str
    provider_task_id: str | None
    started_at: datetime
    answered_at: datetime | None
    settled_at: datetime | None
    charged_credits: str | None = Field(description="null while the provider has not said")
    fail_code: str | None
    fail_message: str | None


class Event(BaseModel):
    """Something that happened."""

    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    detail: str | None


class Record(BaseModel):
    """A task whole."""

    task_id: str
    batch_id: str
    status: str = Field(description="pending, processing, completed, failed or cancelled")
    detail_status: str = Field(
        description="queued, submitting, unconfirmed, running, fetching, succeeded, failed or cancelled"
    )
    model: str
    prompt: str
    params: dict[str, Any]
    project: str | None = Field(description="the name of the project that it belongs to")
    created_at: datetime
    updated_at: datetime = Field(description="when the status last changed")
    finished_at: datetime | None
    not_before: datetime | None = Field(description="while it waits: no earlier try")
    cancel_requested_at: datetime | None
    estimated_credits: str | None = Field(description="null: the price is not known")
    charged_credits: str
    error: Trouble | None
    images: list[Picture]
    references: list[Picture]
    submissions: list[Call]
    events: list[Event]


def record(detail: Detail, links: LinkSigner, base: str) -> Record:
    """The record; `base` is the address that the pictures' paths are put after."""
    card, redact = detail.card, _without(detail)
    error = None
    if card.error_code is not None:
        spec = catalog().get(card.model)
        road, perhaps = spec.provider if spec else "", card.perhaps_charged
        practised = detail.practised
        message = explain(card.error_code, card.charged_micro, road, perhaps=perhaps, practice=practised)
        error = Trouble(code=card.error_code, message=message, detail=redact(card.error_detail))
    return Record(
        task_id=card.id,
        batch_id=card.batch_id,
        status=SEED_WORDS[card.status],
        detail_status=card.status.value,
        model=card.model,
        prompt=card.prompt,
        params=card.params,
        project=card.project,
        created_at=card.created_at,
        updated_at=card.status_at,
        finished_at=card.finished_at,
        not_before=card.not_before,
        cancel_requested_at=card.cancel_requested_at,
        estimated_credits=_credits(card.estimate_micro),
        charged_credits=format_credits(card.charged_micro),
        error=error,
        images=[_picture(row, links, base) for row in detail.outputs],
        references=[_picture(row, links, base) for row in detail.inputs],
        submissions=[_call(row, redact) for row in detail.submissions],
        events=[_event(row, redact) for row in detail.events],
    )


def _without(detail: Detail) -> Redact:
    """Takes the calls' tokens out of the provider's words: a refusal may repeat the callback URL it was given."""
    tokens = [call.token for call in detail.submissions]

    def redact(text: str | None) -> str | None:
        for token in tokens if text else ():
            text = text.replace(token, "***") if text else text
        return text

    return redact


def _picture(row: Artifact, links: LinkSigner, base: str) -> Picture:
    path = links.path(row.sha256, "original", now=utcnow(), mime=row.mime)
    return Picture(
        url=base + path,
        sha256=row.sha256,
        mime=row.mime,
        width=row.width,
        height=row.height,
        bytes=row.size,
        duration_ms=row.duration_ms,
    )


def _call(row: Submission, redact: Redact) -> Call:
    return Call(
        id=row.id,
        attempt=row.attempt,
        account=row.account,
        outcome=row.outcome.value,
        provider_task_id=row.provider_task_id,
        started_at=row.started_at,
        answered_at=row.answered_at,
        settled_at=row.settled_at,
        charged_credits=_credits(row.charged_micro),
        fail_code=row.fail_code,
        fail_message=redact(row.fail_message),
    )


def _event(row: TaskEvent, redact: Redact) -> Event:
    return Event(
        at=row.at, kind=row.kind, from_status=row.from_status, to_status=row.to_status, detail=redact(row.detail)
    )


def _credits(micro: int | None) -> str | None:
    return None if micro is None else format_credits(micro)
