"""The task API for programs: ask for pictures, read a task, cancel it.

Reading needs a token as soon as any is set. While none is set it is open, as the first API was: a task's id holds 74
random bits and is told only to whoever made it. Asking and cancelling exist only while a token is set (`programs` is
not even mounted otherwise), because they spend money. What a program asks for is held to the same rules as the screen.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callback_server.routes.bodies import is_id, read_capped, strict_json
from callback_server.routes.opened import Desk, Opened
from callback_server.routes.record import Record, record
from callback_server.routes.references import take_references
from callback_server.routes.refusals import Refusal, Refused, shape_fault
from callback_server.settings import ServerSettings
from callback_server.signing import token_matches
from data.catalog import catalog
from data.errors import InvalidRequest, NotAllowed, NotFound
from data.money import MICRO
from data.projects import LONGEST_PROJECT, project_name
from data.requests import GenerationRequest, validate, validate_count
from data.schema import Task, utcnow
from data.status import SEED_WORDS

PRIORITIES = {"high": -1, "normal": 0, "low": 1}
MAX_REFERENCES = 20  # more than any model takes; each model's own limit is judged later


class Ask(BaseModel):
    """What to make. A field that is not listed here is refused, for it would be ignored at your expense."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="Id of a model, such as google/nano-banana")
    prompt: str
    params: dict[str, Any] = Field({}, description="The model's settings, such as aspect_ratio")
    count: int = Field(1, description="Pictures, each one a task: 1 to 8")
    references: list[str] = Field(
        [], max_length=MAX_REFERENCES, description="Pictures: data URLs in base64, or public http(s) addresses"
    )
    priority: Literal["high", "normal", "low"] = Field("normal", description="Within the queue; then comes fairness")
    max_credits: str | None = Field(
        None, pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$", description='What all of it may cost at most, such as "12.5"'
    )
    person: str = Field("api", min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$",
                        description="For whom; tasks are listed and shared out by person")  # fmt: skip
    project: str | None = Field(None, min_length=1, max_length=LONGEST_PROJECT,
                                description="Name of the project that it is made for, new or not")  # fmt: skip

    @property
    def cap_micro(self) -> int | None:
        """The cap in micro-credits."""
        return None if self.max_credits is None else int(Decimal(self.max_credits) * MICRO)


class Asked(BaseModel):
    """A task that now exists; `url` is where it can be read."""

    task_id: str
    status: str
    url: str


class Batch(BaseModel):
    """The tasks of one request."""

    batch_id: str
    tasks: list[Asked]


class RetriedBatch(Batch):
    """Those of a batch that were asked for again. `left_out`: how many were left to try and were not.

    Their model has gone or changed, or they may be paid for already.
    """

    left_out: int


class Queue(BaseModel):
    """The queue of all people together."""

    waiting: int
    seconds: float


class Cancelled(BaseModel):
    """`cancelled` true: it never left and cost nothing. False: the wish is noted, but its call is already paid for."""

    task_id: str
    status: str
    cancelled: bool


async def bearer(request: Request, desk: Desk) -> None:
    """Refuses whoever names none of the tokens, once any is set. Each is compared, so that time tells nothing."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    tokens = desk.settings.tokens
    matches = [token_matches(token, given.strip()) for token in tokens]
    if tokens and not (scheme.lower() == "bearer" and any(matches)):
        message = "This needs a token: send the header Authorization: Bearer <token>."
        raise Refused(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})


_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Refusal, "description": "No valid token"},
    404: {"model": Refusal, "description": "No such task"},
}
readers = APIRouter(prefix="/api", tags=["tasks"], dependencies=[Depends(bearer)], responses=_REFUSALS)
programs = APIRouter(prefix="/api", tags=["tasks"], dependencies=[Depends(bearer)], responses=_REFUSALS)


async def known_form(task_id: str) -> str:
    """Keeps what cannot be an id away from the database."""
    if not is_id(task_id):
        raise NotFound("There is no such request.")
    return task_id


TaskId = Annotated[str, Depends(known_form)]


@readers.get("/task/{task_id}")
async def read_task(task_id: TaskId, request: Request, desk: Desk) -> Record:
    """Everything about one task."""
    detail = await run_in_threadpool(desk.history.detail, task_id)
    return record(detail, desk.links, _base(request, desk))


@programs.post(
    "/generate/image",
    status_code=202,
    responses={400: {"model": Refusal}, 409: {"model": Refusal}, 413: {"model": Refusal}, 422: {"model": Refusal}},
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": Ask.model_json_schema()}}}
    },
)
async def generate(
    request: Request,
    desk: Desk,
    idempotency_key: Annotated[str | None, Header(max_length=200, description="Repeat it, and pay once")] = None,
) -> Batch:
    """Queues one task for each picture. A call repeated with the same `Idempotency-Key` gives the same batch."""
    try:
        ask = Ask.model_validate(strict_json(await read_capped(request, max_body_bytes(desk.settings))))
    except ValidationError as error:
        raise shape_fault(error.errors(include_url=False, include_input=False)) from error
    key = json.dumps(["api", ask.person, idempotency_key]) if idempotency_key else None
    # Without what was not said and was no field once: who repeats an older call still means the same.
    unsaid = {"project"} if ask.project is None else None
    said = hashlib.sha256(ask.model_dump_json(exclude=unsaid).encode()).hexdigest()
    tasks = await run_in_threadpool(desk.tasks.known, key, said) if key else None
    if tasks is None:
        made = await _validated(desk, ask)
        tasks = await run_in_threadpool(
            desk.tasks.create, made, person=ask.person, source="api", request_key=key, asked=said,
            priority=PRIORITIES[ask.priority], cap_micro=ask.cap_micro,
            projects=[ask.project] * len(made),
        )  # fmt: skip
    return _batch(tasks, _base(request, desk))


@programs.post("/batch/{batch_id}/retry", status_code=202, responses={409: {"model": Refusal}, 422: {"model": Refusal}})
async def retry_failed(
    batch_id: str,
    request: Request,
    desk: Desk,
    also_doubtful: Annotated[bool, Query(description="Also what may be paid for already and may come yet")] = False,
) -> RetriedBatch:
    """Asks again for what of a batch has failed, as a batch of its own; what of that fails is asked for by its id.

    What was asked for again is passed over here, though that failed too: a call that is repeated buys nothing, and is
    answered with 409 where nothing else is left. Where the new requests were cancelled, or failed and were deleted,
    the old ones are left to try as before.
    """
    if not is_id(batch_id):
        raise NotFound("There is no such batch.")
    again = await run_in_threadpool(desk.tasks.retry_failed, batch_id, who="api", also_doubtful=also_doubtful)
    return RetriedBatch(**dict(_batch(again.tasks, _base(request, desk))), left_out=again.left_out)


@readers.get("/queue")
async def queue(desk: Desk) -> Queue:
    """How many tasks wait, and in how many seconds the last of them will have been sent."""
    settings = desk.settings
    outlook = await run_in_threadpool(
        desk.history.outlook, utcnow(), creates=settings.creates_per_window,
        window=timedelta(seconds=settings.window_seconds),
    )  # fmt: skip
    return Queue(waiting=outlook.waiting, seconds=round(outlook.seconds, 1))


@programs.post("/task/{task_id}/cancel", responses={409: {"model": Refusal, "description": "It has ended"}})
async def cancel(task_id: TaskId, desk: Desk) -> Cancelled:
    """Cancels a task that still waits; of one that is with the provider, notes the wish."""
    cancelled = await run_in_threadpool(desk.tasks.cancel, task_id, who="api")
    task = await run_in_threadpool(desk.tasks.get, task_id)
    return Cancelled(task_id=task_id, status=SEED_WORDS[task.status], cancelled=cancelled)


def max_body_bytes(settings: ServerSettings) -> int:
    """Room for ten references of the largest size in base64, and for a long prompt."""
    return 10 * settings.max_reference_mb * 1_000_000 * 4 // 3 + 1_048_576


async def _validated(desk: Opened, ask: Ask) -> list[GenerationRequest]:
    """One request for each picture. What can be refused without a look at the references is refused before it."""
    spec, count, today = catalog().require(ask.model), validate_count(ask.count), utcnow().date()
    try:
        if ask.project is not None:
            project_name(ask.project)
    except NotAllowed as error:
        raise InvalidRequest(error.sentence, field="project", code="not_allowed") from error
    try:
        validate(spec, ask.prompt, ask.params, [], on=today)
    except InvalidRequest as error:
        if error.field != "references" or not ask.references:
            raise
    images = await take_references(desk, ask.references)
    return [validate(spec, ask.prompt, ask.params, images, on=today)] * count


def _batch(tasks: Sequence[Task], base: str) -> Batch:
    return Batch(batch_id=tasks[0].batch_id, tasks=[_asked(task, base) for task in tasks])


def _asked(task: Task, base: str) -> Asked:
    return Asked(task_id=task.id, status=SEED_WORDS[task.status], url=f"{base}/api/task/{task.id}")


def _base(request: Request, desk: Opened) -> str:
    """Where this server is reached: as the settings say, or as this request has it."""
    return (desk.settings.files_base_url or str(request.base_url)).rstrip("/")
