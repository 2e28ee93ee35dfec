"""The two roads that answer at once, Gemini and Ark: how a request is noted, taken, drawn and settled.

What they say, and what they refuse, is theirs (`gemini`, `ark`). Neither can be asked afterwards what became of a
request, so the books are written before anybody hears of it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request

from . import counter, faults
from .gate import BrokenError, Desk, hang_up, parsed, wait
from .keeper import MAX_RESULTS, now_ms
from .task import Task


@dataclass(frozen=True)
class Call:
    """One request whose key was right. `kept` is its body without the bytes of pictures, for the books."""

    road: str
    id: str
    model: str
    prompt: str
    kept: dict[str, Any]
    base_url: str


def opened(raw: bytearray, plain: Callable[[Any], Any] = lambda body: body) -> tuple[Any, dict[str, Any]]:
    """Return the body in plain words, and what the books keep of it; None and nothing where it is no JSON."""
    try:
        body = plain(parsed(raw))
        return body, _shortened(body) if isinstance(body, dict) else {}
    except RecursionError:
        return None, {}


def _shortened(body: Any) -> Any:
    """Return a body for the books: a text longer than any prompt is a picture, and its length says enough."""
    if isinstance(body, dict):
        return {name: _shortened(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_shortened(item) for item in body]
    long = isinstance(body, str) and len(body) > 40_000
    return f"{body[:30]}… ({len(body)} characters)" if long else body


async def strike(desk: Desk, call: Call) -> dict[str, str]:
    """Return the faults that strike this request, and count them."""

    def counted() -> dict[str, str]:
        with desk.store.transaction():
            return counter.faults_for(desk.store, call.prompt, call.model)

    return await asyncio.to_thread(counted)


async def turn_away(desk: Desk, call: Call, code: int, words: str) -> None:
    """Note a request that was not taken."""
    await asyncio.to_thread(_note, desk, call, code, words)


def _note(desk: Desk, call: Call, code: int, words: str, task_id: str | None = None) -> None:
    about: dict[str, Any] = {"at": now_ms(), "key": desk.config.key, "model": call.model, "provider": call.road}
    desk.store.add_create(code=code, words=words, task_id=task_id, **about)


async def take(desk: Desk, call: Call, struck: dict[str, str]) -> Task:
    """Take a request: from here on it is drawn, whether or not anybody waits for it."""
    task = Task(
        id=call.id,
        model=call.model,
        input=call.kept,
        callback_url=None,
        road=call.road,
        base_url=call.base_url,
        created_ms=now_ms(),
        due_ms=None,  # the keeper has no part in it
        faults=struck,
    )

    def written() -> None:
        with desk.store.transaction():
            desk.store.add_task(task)
            _note(desk, call, 200, "", task.id)

    await asyncio.to_thread(written)
    return task


def results(task: Task, wanted: int) -> int:
    """Return how many pictures there are: as many as asked for, unless a fault brings more."""
    return int(faults.number(task.faults, "several", least=1, most=MAX_RESULTS)) if "several" in task.faults else wanted


def inside(task: Task, path: Path) -> bytes:
    """Return the bytes of a picture that travels inside the answer, spoiled where a file would be."""
    raw = path.read_bytes()
    if "html_file" in task.faults:
        return b"<!doctype html><title>Please wait</title>"
    return raw[: len(raw) * 3 // 5] if "truncated_file" in task.faults else raw


async def draw(request: Request, desk: Desk, task: Task, names: list[str]) -> list[Path]:
    """Paint the files of these names, and take the time that a real model takes.

    Whoever leaves pays for the picture all the same; only a stuck one ends when nobody waits for it any more.
    """
    began = time.monotonic()
    paths = [await desk.pictures.result(task, name) for name in names]
    whole = counter.drawing_ms(desk.config, task.faults, task.id) / 1000
    try:
        if "stuck" in task.faults:
            await wait(request)
            await fail(desk, task, "500", "It was stuck until the caller had gone.")
            raise BrokenError(502)
        await asyncio.sleep(max(began + whole - time.monotonic(), 0))
    except asyncio.CancelledError:  # the server stops; whoever waits hears nothing, as when a real one dies
        await hang_up(request)
        raise BrokenError(502) from None
    return paths


async def settle(desk: Desk, task: Task, urls: list[str], price: float) -> None:
    """End a request that brought a picture: it is charged now."""
    await asyncio.to_thread(desk.store.settle_success, task, urls, price, now_ms())


async def fail(desk: Desk, task: Task, code: str, words: str) -> None:
    """End a request that brought none: nobody pays for it."""
    await asyncio.to_thread(desk.store.settle_failure, task, code, words, now_ms())
