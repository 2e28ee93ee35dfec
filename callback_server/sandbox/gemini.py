"""Google's generateContent: one request, one answer with the picture inside it.

The key travels in `x-goog-api-key`. A blocked or empty result is an HTTP 200 without a picture, and is not charged.
"""

import asyncio
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from . import direct, faults, spoil
from . import gemini_rules as rules
from .gate import Desk, Up, base_url, examined, is_key
from .gemini_answer import error, listed, picture_answer, refusal, without_picture
from .pictures import SUFFIXES, BadReference
from .task import Task

router = APIRouter()


@dataclass(frozen=True)
class Asked:
    """A request as it was read and checked; `kept` is its body without the bytes of pictures."""

    kept: dict[str, Any]
    prompt: str
    pictures: list[bytes]
    problem: rules.Problem | None


def _key_problem(request: Request, desk: Desk) -> rules.Problem | None:
    """Return the error of a missing or a wrong key."""
    key = request.headers.get("x-goog-api-key", "")
    return None if is_key(desk, key) else refusal("401" if key else "403")


@router.get("/gemini/v1beta/models")
async def list_models(request: Request, desk: Up) -> Response:
    """List the models; free, and a way to try a key."""
    problem = _key_problem(request, desk)
    return error(problem) if problem else JSONResponse(listed())


@router.post("/gemini/v1beta/models/{name}:generateContent")
async def generate(name: str, request: Request, desk: Up) -> Response:
    """Answer with a picture, with the reason why there is none, or with an error."""
    problem = _key_problem(request, desk)
    if problem is not None:
        return error(problem)
    task = await _take(name, request, desk)
    if isinstance(task, Response):
        return task
    body = await _answer(request, desk, task)
    spoiled = await spoil.unheard(request, task.faults)
    if spoiled is None and "refuse_after" in task.faults:
        spoiled = error(refusal(task.faults["refuse_after"]))
    return spoiled or JSONResponse(body)


async def _take(name: str, request: Request, desk: Desk) -> Task | Response:
    """Take the request, or say why not. With this call its body ends: nobody holds it while the picture is drawn."""
    asked = await examined(request, rules.MAX_REQUEST, partial(_examine, name))
    call = direct.Call("gemini", uuid.uuid4().hex, name, asked.prompt, asked.kept, base_url(request))
    struck = await direct.strike(desk, call)
    spoiled = await spoil.unread(request, struck)
    if spoiled is not None:
        await direct.turn_away(desk, call, 0, ", ".join(struck))
        return spoiled
    problem = _chosen(struck) or asked.problem or await _bring(desk, call.id, asked.pictures)
    if problem is not None:
        await direct.turn_away(desk, call, problem.code, f"{problem.status}: {problem.words}")
        return error(problem, struck)
    return await direct.take(desk, call, struck)


def _examine(name: str, raw: bytearray | None) -> Asked:
    """Read and check a body; None stands for one that is too large."""
    if raw is None:
        words = f"Request payload size exceeds the limit: {rules.MAX_REQUEST} bytes."
        return Asked({}, "", [], rules.Problem(400, "INVALID_ARGUMENT", words))
    body, kept = direct.opened(raw, rules.plain)
    problem = rules.check(name, body)
    return Asked(kept, rules.prompt(body), [] if problem else rules.pictures(body), problem)


def _chosen(struck: faults.Faults) -> rules.Problem | None:
    """Return the error that a fault asks for."""
    if "quota" in struck:
        return refusal("433")
    if "http_429" in struck:
        return refusal("429")
    if "paused" in struck:
        return refusal("404")
    return refusal(struck["refuse"]) if "refuse" in struck else None


async def _bring(desk: Desk, call_id: str, pictures: list[bytes]) -> rules.Problem | None:
    """Keep the references for the painter; return what is wrong with them."""
    try:
        for number, raw in enumerate(pictures):
            await asyncio.to_thread(desk.pictures.keep_reference, call_id, number, raw)
    except BadReference:
        return rules.Problem(
            400, "INVALID_ARGUMENT", "Unable to process input image. Please retry or report in the forum."
        )
    return None


async def _answer(request: Request, desk: Desk, task: Task) -> dict[str, Any]:
    """Draw, settle, and return the body of the answer."""
    model = rules.MODELS[task.model]
    empty = without_picture(task)
    suffix = SUFFIXES[model.format]
    names = [] if empty else [f"{task.id}_{number}.{suffix}" for number in range(direct.results(task, 1))]
    paths = await direct.draw(request, desk, task, names)
    if empty is not None:
        await direct.fail(desk, task, *empty.reason)
        return empty.body
    files = [await asyncio.to_thread(direct.inside, task, path) for path in paths]
    body, credits_ = await asyncio.to_thread(picture_answer, task, model, files, paths[0])
    await direct.settle(desk, task, [], float(credits_))
    return body
