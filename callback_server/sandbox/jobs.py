"""The jobs API: createTask, recordInfo, the balance, and the older playground paths that mean the same."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from . import faults, spoil, wire
from .counter import Order, take
from .gate import BrokenError, Desk, Entered, answer, base_url, json_body
from .keeper import now_ms
from .task import Task

router = APIRouter()
BROKEN_POLLS = "record_http"


def _road(request: Request) -> str:
    return "playground" if request.url.path.startswith("/api/v1/playground/") else "jobs"


@router.post("/api/v1/jobs/createTask")
@router.post("/api/v1/playground/createTask")
async def create_task(request: Request, desk: Entered) -> Response:
    """Take a task, or say why not."""
    return await answer_create(request, desk, _road(request))


async def answer_create(request: Request, desk: Desk, road: str) -> Response:
    """Answer a create of one of kie's roads; what was decided is committed before the answer leaves."""
    order = Order(desk.config.key, await json_body(request), base_url(request), road)
    verdict = await asyncio.to_thread(take, desk.store, desk.config, order, now_ms())
    struck, task, refusal = verdict.faults, verdict.task, verdict.refusal
    if task is not None:
        desk.keeper.wake()
    strike = spoil.unread if task is None else spoil.unheard
    spoiled = await strike(request, struck)
    if spoiled is not None:
        return spoiled
    if task is None and "http_429" in struck:
        wait = str(int(faults.number(struck, "http_429")))
        return JSONResponse(wire.envelope(429, wire.WORDS[429], None), status_code=429, headers={"Retry-After": wait})
    if task is not None and "refuse_after" in struck:
        code = int(faults.number(struck, "refuse_after", least=201, most=599))
        refusal = wire.Refusal(code, wire.WORDS.get(code, wire.WORDS[500]))
    if refusal is not None or task is None:
        refusal = refusal or wire.Refusal(500, wire.WORDS[500])
        body = wire.envelope(refusal.code, refusal.words, None, playground=road == "playground")
    else:
        data = {"taskId": task.id} if road == "veo" else {"taskId": task.id, "recordId": task.id}
        body = wire.envelope(200, wire.WORDS[200], data, playground=road == "playground")
    return await answer(desk, body)


@router.get("/api/v1/jobs/recordInfo")
@router.get("/api/v1/playground/recordInfo")
async def record_info(request: Request, desk: Entered) -> Response:
    """Say how a task stands."""
    found = await asyncio.to_thread(look, request, desk, wire.NO_RECORD, ("jobs", "playground"))
    playground = _road(request) == "playground"
    if isinstance(found, Task):
        body = wire.envelope(200, wire.WORDS[200], wire.record(found, now_ms()), playground=playground)
    else:
        body = wire.envelope(found.code, found.words, None, playground=playground)
    return await answer(desk, body)


def look(request: Request, desk: Desk, no_record: str, roads: tuple[str, ...]) -> Task | wire.Refusal:
    """Return the task that a record is asked of, or what is said instead."""
    polls_down = desk.live("polls_down")
    if polls_down is not None:
        raise BrokenError(faults.status(polls_down, "polls_down"))
    task_id = request.query_params.get("taskId", "")
    if not task_id:
        return wire.Refusal(400, wire.WORDS[400])
    now = now_ms()
    task = desk.store.task(task_id)
    if task is None or task.road not in roads:
        return wire.Refusal(422, no_record)
    if not desk.may_ask(task_id, desk.config.polls_per_second):
        return wire.Refusal(429, wire.WORDS[429])
    if "invisible" in task.faults and now - task.created_ms < faults.number(task.faults, "invisible") * 1000:
        return wire.Refusal(422, no_record)
    if BROKEN_POLLS in task.faults:
        seen = desk.broken_polls.get(task_id, 0)
        desk.broken_polls[task_id] = seen + 1
        if seen < faults.number(task.faults, BROKEN_POLLS):
            raise BrokenError(500)
    if "envelope" in task.faults and task.outcome is not None:
        code = int(faults.number(task.faults, "envelope", least=400, most=599))
        return wire.Refusal(code, task.fail_words or wire.WORDS[501])
    return task


@router.get("/api/v1/chat/credit")
async def credit(desk: Entered) -> Response:
    """Return the balance as a bare number, fractional where it is."""
    return await answer(desk, wire.envelope(200, wire.WORDS[200], await asyncio.to_thread(desk.store.balance)))
