"""The witness stand: what tests and people ask the sandbox about itself, and how they order misfortune."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from . import drawings, faults
from .counter import RATE_LIMIT
from .gate import Desk, desk_of, json_body
from .keeper import now_ms
from .store import Store
from .task import Task

router = APIRouter()


@router.get("/healthz")
def healthz(request: Request) -> dict[str, Any]:
    """Say that the sandbox is up, whatever misfortune is ordered."""
    return {"status": "ok", "service": "sandbox", "balance": desk_of(request).store.balance()}


@router.get("/sandbox/ledger")
def ledger(request: Request) -> dict[str, Any]:
    """Return the whole truth about money and creates on every road, independent of what anybody else wrote down.

    `taskId` is what the road calls a request: kie's task id, Gemini's responseId, Ark's x-request-id. Credits are of
    0.005 USD. `balance` and the windows are kie's alone: the other two send their bill later and count otherwise.
    """
    desk = desk_of(request)
    with desk.store.transaction():
        return _ledger(desk)


def _ledger(desk: Desk) -> dict[str, Any]:
    store, now, window_ms = desk.store, now_ms(), round(desk.config.create_window * 1000)
    tasks = {task.id: task for task in store.tasks()}
    everybody = store.creates()
    refused = [row for row in everybody if row["task_id"] is None]
    arrivals = [row for row in everybody if row["provider"] == "kie"]  # only kie counts creates in a window
    charged = store.charges()
    charges = [
        {"taskId": task_id, "credits": amount, "at": at, "faults": tasks[task_id].faults} | _who(tasks[task_id])
        for task_id, amount, at in charged
    ]
    return {
        "balance": store.balance(),
        "charged": round(sum(amount for _, amount, _ in charged), 6),
        "charges": charges,
        "creates": [_full(task, now) for task in tasks.values()],
        "refused": len(refused),
        "refusals": [{name: row[name] for name in ("at", "provider", "code", "words", "model")} for row in refused],
        "rateLimited": len([row for row in refused if row["words"] == RATE_LIMIT]),
        "maxCreatesInWindow": _crowd([row["at"] for row in arrivals], window_ms),
        "maxTakenInWindow": _crowd([row["at"] for row in arrivals if row["task_id"] is not None], window_ms),
        "windowSeconds": desk.config.create_window,
    }


def _who(task: Task) -> dict[str, Any]:
    return {
        "provider": task.provider,
        "model": task.model,
        "prompt": drawings.prompt(task),
        "input": task.input,
        "callBackUrl": task.callback_url,
    }


def _full(task: Task, now: int) -> dict[str, Any]:
    return {"taskId": task.id, "at": task.created_ms, "due": task.due_ms} | _who(task) | _end(task, now)


def _end(task: Task, now: int) -> dict[str, Any]:
    return {
        "state": task.state(now),
        "credits": task.charged,
        "endedAt": task.ended_ms,
        "failCode": task.fail_code,
        "urls": list(task.urls),
        "faults": task.faults,
    }


def _crowd(moments: list[int], window_ms: int) -> int:
    """Return the largest number of moments within any half-open window; `moments` ascend."""
    most = start = 0
    for end, moment in enumerate(moments):
        while moments[start] <= moment - window_ms:
            start += 1
        most = max(most, end - start + 1)
    return most


@router.get("/sandbox/tasks")
def tasks(request: Request) -> list[dict[str, Any]]:
    """List the tasks as they stand."""
    now = now_ms()
    return [_full(task, now) for task in desk_of(request).store.tasks()]


@router.get("/sandbox/callbacks")
def callbacks(request: Request) -> list[dict[str, Any]]:
    """List the callbacks: how often each was tried and how it was last answered."""
    names = {"task_id": "taskId", "due_ms": "due", "last_answer": "lastAnswer"}
    return [{names.get(name, name): value for name, value in row.items()} for row in desk_of(request).store.callbacks()]


@router.get("/sandbox/faults")
def list_faults(request: Request) -> dict[str, Any]:
    """List the rules that stand and the faults there are."""
    return {
        "rules": [vars(rule) for rule in desk_of(request).store.rules()],
        "faults": faults.describe(faults.KINDS.items()),
        "standing": faults.describe(faults.LIVE.items()),
    }


@router.post("/sandbox/faults")
async def add_fault(request: Request) -> JSONResponse:
    """Order a fault: one rule, or a list of them."""
    body = await json_body(request)
    rules = [faults.parse_rule(item) for item in (body if isinstance(body, list) else [body])]
    wrong = next((rule for rule in rules if isinstance(rule, str)), None)
    if wrong is not None:
        return JSONResponse({"error": wrong}, status_code=422)
    good = [rule for rule in rules if isinstance(rule, dict)]
    ids = await asyncio.to_thread(_add_rules, desk_of(request).store, good)
    return JSONResponse({"ids": ids, "id": ids[0] if ids else None})


def _add_rules(store: Store, rules: list[dict[str, Any]]) -> list[int]:
    with store.transaction():
        return [store.add_rule(rule) for rule in rules]


@router.delete("/sandbox/faults")
def drop_faults(request: Request) -> dict[str, int]:
    """Withdraw every rule; tasks keep the faults they were made with."""
    return {"dropped": desk_of(request).store.drop_rules()}


@router.delete("/sandbox/faults/{rule_id}")
def drop_fault(rule_id: int, request: Request) -> dict[str, int]:
    """Withdraw one rule."""
    known = rule_id if abs(rule_id) < 2**63 else -1
    return {"dropped": desk_of(request).store.drop_rules(known)}


@router.post("/sandbox/tasks/{task_id}/faults")
async def spoil_task(task_id: str, request: Request) -> JSONResponse:
    """Give a task that exists already another fault, e.g. let its file expire."""
    store = desk_of(request).store
    rule = faults.parse_rule(await json_body(request))
    if isinstance(rule, str) or rule["fault"] not in faults.KINDS:
        words = rule if isinstance(rule, str) else "Only a rule for all calls can have this fault."
        return JSONResponse({"error": words}, status_code=422)
    task = await asyncio.to_thread(store.task, task_id)
    if task is None:
        return JSONResponse({"error": "There is no such task."}, status_code=404)
    struck = task.faults | {rule["fault"]: rule["value"]}
    await asyncio.to_thread(store.set_faults, task_id, struck)
    return JSONResponse({"taskId": task_id, "faults": struck})


@router.post("/sandbox/tasks/{task_id}/callback")
async def call_again(task_id: str, request: Request) -> JSONResponse:
    """Send the callback of a finished task once more, now."""
    desk = desk_of(request)
    task = await asyncio.to_thread(desk.store.task, task_id)
    if task is None or task.outcome is None or not task.callback_url:
        return JSONResponse({"error": "There is no finished task with a callBackUrl of that id."}, status_code=404)
    await asyncio.to_thread(desk.store.add_callback, task_id, now_ms())
    desk.keeper.wake()
    return JSONResponse({"taskId": task_id})


@router.post("/sandbox/credits")
async def set_credits(request: Request) -> JSONResponse:
    """Set the balance."""
    desk = desk_of(request)
    body = await json_body(request)
    amount = body.get("credits") if isinstance(body, dict) else None
    if isinstance(amount, bool) or not isinstance(amount, int | float) or abs(amount) > 1e12:
        return JSONResponse({"error": "'credits' is a number."}, status_code=422)
    await asyncio.to_thread(desk.store.set_balance, amount)
    return JSONResponse({"balance": desk.store.balance()})


@router.post("/sandbox/reset")
async def reset(request: Request) -> JSONResponse:
    """Forget every task, charge, rule, upload and file; the balance is fresh again."""
    desk = desk_of(request)
    await desk.keeper.stop()
    await asyncio.to_thread(desk.store.reset, desk.config.credits)
    await asyncio.to_thread(desk.pictures.clear)
    desk.asked.clear()
    desk.broken_polls.clear()
    return JSONResponse({"balance": desk.store.balance()})
