"""Ark's images/generations: one request, one answer with signed links to the pictures, or with the pictures inside.

Every answer carries `x-request-id`, the only name a request has. Single pictures may fail within an HTTP 200; whatever
failed is not charged.
"""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from . import ark_rules as rules
from . import direct, faults, spoil
from .ark_answer import error, item, item_error, picture_answer, refusal
from .gate import Desk, Up, base_url, bearer, examined, is_key
from .keeper import now_ms
from .links import sign
from .pictures import SUFFIXES, BadReference
from .task import Task

router = APIRouter()
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Asked:
    """A request as it was read and checked; `kept` is its body without the bytes of pictures."""

    kept: dict[str, Any]
    images: list[str]
    problem: rules.Problem | None


def _name() -> str:
    """Return a name for a request."""
    return f"02{now_ms():013d}{uuid.uuid4().hex[:17]}"


@router.get("/ark/api/v3/models")
async def list_models(request: Request, desk: Up) -> Response:
    """List the models; free, and a way to try a key."""
    request_id = _name()
    if not is_key(desk, bearer(request)):
        return error(refusal("401"), request_id)
    data = [{"id": name, "object": "model"} for name in rules.MODELS]
    return JSONResponse({"object": "list", "data": data}, headers={"x-request-id": request_id})


@router.post("/ark/api/v3/images/generations")
async def generate(request: Request, desk: Up) -> Response:
    """Answer with pictures, with errors in their place, or with one error."""
    request_id = _name()
    if not is_key(desk, bearer(request)):
        return error(refusal("401"), request_id)
    task = await _take(request_id, request, desk)
    if isinstance(task, Response):
        return task
    answer = await _answer(request, desk, task)
    spoiled = await spoil.unheard(request, task.faults)
    if spoiled is None and "refuse_after" in task.faults:
        spoiled = error(refusal(task.faults["refuse_after"]), request_id)
    return spoiled or answer


async def _take(request_id: str, request: Request, desk: Desk) -> Task | Response:
    """Take the request, or say why not. With this call its body ends: nobody holds it while the picture is drawn."""
    asked = await examined(request, rules.MAX_REQUEST, _examine)
    prompt, name = asked.kept.get("prompt"), str(asked.kept.get("model"))
    words = prompt if isinstance(prompt, str) else ""
    call = direct.Call("ark", request_id, name, words, asked.kept, base_url(request))
    struck = await direct.strike(desk, call)
    spoiled = await spoil.unread(request, struck)
    if spoiled is not None:
        await direct.turn_away(desk, call, 0, ", ".join(struck))
        return spoiled
    problem = _chosen(struck) or asked.problem or await _full(desk, name) or await _bring(desk, call.id, asked.images)
    if problem is not None:
        await direct.turn_away(desk, call, problem.status, f"{problem.code}: {problem.words}")
        return error(problem, request_id, struck)
    return await direct.take(desk, call, struck)


def _examine(raw: bytearray | None) -> Asked:
    """Read and check a body; None stands for one that is too large."""
    if raw is None:
        words = f"The request body is larger than {rules.MAX_REQUEST >> 20} MB."
        return Asked({}, [], rules.Problem(400, "InvalidParameter", words))
    body, kept = direct.opened(raw)
    problem = rules.check(body)
    return Asked(kept, [] if problem else rules.references(body), problem)


def _chosen(struck: faults.Faults) -> rules.Problem | None:
    """Return the error that a fault asks for before anything is drawn."""
    if "policy_prompt" in struck:
        return refusal(struck["policy_prompt"] or "InputTextSensitiveContentDetected")
    for fault, name in (("quota", "433"), ("http_429", "429"), ("paused", "404")):
        if fault in struck:
            return refusal(name)
    return refusal(struck["refuse"]) if "refuse" in struck else None


async def _full(desk: Desk, model: str) -> rules.Problem | None:
    """Return the rate limit of a model; each request counts as one picture."""
    taken = await asyncio.to_thread(desk.store.taken_since, "ark", model, now_ms() - MINUTE_MS)
    return refusal("429") if taken >= desk.config.images_per_minute else None


async def _bring(desk: Desk, call_id: str, images: list[str]) -> rules.Problem | None:
    """Fetch or unpack the references and keep them for the painter; return what is wrong with them."""
    for number, given in enumerate(images):
        try:
            raw = await asyncio.to_thread(rules.picture_in, given)
            if raw is None:
                raw = await desk.pictures.download(desk.client, given, rules.MAX_BYTES)
            words = await asyncio.to_thread(_keep, desk, call_id, number, raw)
        except BadReference as bad:
            words = str(bad)
        if words:
            return rules.Problem(400, "InvalidParameter", f"The parameter `image` is not valid: {words}.", "image")
    return None


def _keep(desk: Desk, call_id: str, number: int, raw: bytes) -> str | None:
    """Keep one reference, or return what is wrong with it."""
    words = rules.check_picture(raw)
    if words is None:
        desk.pictures.keep_reference(call_id, number, raw)
    return words


async def _answer(request: Request, desk: Desk, task: Task) -> JSONResponse:
    """Draw, settle, and return the answer."""
    struck, model, headers = task.faults, rules.MODELS[task.model], {"x-request-id": task.id}
    wanted = 0 if {"no_image", "policy_output"} & struck.keys() else direct.results(task, rules.count(task.input))
    good = max(wanted - ("item_error" in struck), 0)
    suffix = SUFFIXES[rules.picture_format(model, task.input)]
    names = [f"{task.id}_{number}.{suffix}" for number in range(good)]
    paths = await direct.draw(request, desk, task, names)
    if "policy_output" in struck:
        problem = refusal(struck["policy_output"] or "OutputImageSensitiveContentDetected")
        await direct.fail(desk, task, "400", problem.code)
        return error(problem, task.id)
    urls = [struck.get("private_url") or sign(f"{task.base_url}/f/{name}", desk.config.key) for name in names]
    items = [await asyncio.to_thread(item, task, url, path) for url, path in zip(urls, paths, strict=True)]
    if wanted > good:
        items.append(item_error(struck))
    if good:
        one = rules.credits_for(model, rules.size_of(model, task.input, None), len(rules.references(task.input)))
        await direct.settle(desk, task, urls, float(one * good))
    else:
        await direct.fail(desk, task, "501", struck.get("item_error", "no image"))
    return JSONResponse(picture_answer(task, items), headers=headers)
