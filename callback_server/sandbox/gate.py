"""What every route shares: the open sandbox, the key at the door, bodies, standing faults, ways of not answering.

The books are asked in the pool alone, and bodies are read there: the event loop waits for no lock and no parser.
"""

import asyncio
import hmac
import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from . import faults, wire
from .config import SandboxConfig
from .keeper import Keeper
from .pictures import Pictures
from .store import Store

MAX_BODY = 160 * 1024 * 1024  # bytes: the largest upload as base64, with room to spare
SLICE = 0.5  # seconds between two looks whether a caller is still there
T = TypeVar("T")


@dataclass
class Desk:
    """An open sandbox, kept in `app.state.desk`."""

    config: SandboxConfig
    store: Store
    pictures: Pictures
    keeper: Keeper
    client: Any
    asked: dict[str, deque[float]] = field(default_factory=dict)
    broken_polls: dict[str, int] = field(default_factory=dict)

    def live(self, name: str) -> dict[str, str] | None:
        """Return the standing fault of that name as it strikes now, and count the strike."""
        with self.store.transaction():
            for rule in self.store.rules():
                if rule.fault != name:
                    continue
                counted = faults.Rule(**(vars(rule) | {"seen": rule.seen + 1}))
                self.store.count_rule(rule.id, seen=counted.seen, used=rule.used + counted.strikes())
                if counted.strikes():
                    return {name: rule.value}
        return None

    def mirror(self) -> bool:
        """Tell whether HTTP statuses repeat body codes."""
        return self.config.mirror_codes or self.live("mirror") is not None

    def may_ask(self, about: str, per_second: int) -> bool:
        """Count one question about something; False above so many within a second."""
        now = time.monotonic()
        recent = self.asked.setdefault(about, deque())
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= per_second:
            return False
        recent.append(now)
        return True


class BrokenError(Exception):
    """The answer is an HTML page under this HTTP status."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(f"HTTP {status}")
        self.status = status


class RefusedError(Exception):
    """The answer is a refusal in an envelope."""

    def __init__(self, refusal: wire.Refusal) -> None:
        """Keep the refusal."""
        super().__init__(refusal.words)
        self.refusal = refusal


def desk_of(request: Request) -> Desk:
    """Return the open sandbox of this application."""
    desk: Desk = request.app.state.desk
    return desk


def up(request: Request) -> Desk:
    """Let nobody in while the provider is down; runs in the pool, as every dependency that is no coroutine."""
    desk = desk_of(request)
    check_up(desk, "down")
    return desk


Up = Annotated[Desk, Depends(up)]


def check_up(desk: Desk, *names: str) -> None:
    """Let nobody in while one of these faults stands. It asks the books: for the pool alone."""
    for name in names:
        standing = desk.live(name)
        if standing is not None:
            raise BrokenError(faults.status(standing, name))


def is_key(desk: Desk, text: str) -> bool:
    """Tell whether this is the key, in a time that does not depend on the answer."""
    return hmac.compare_digest(text.strip().encode(), desk.config.key.encode())


def bearer(request: Request) -> str:
    """Return the bearer key of a request; empty where there is none."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def enter(request: Request, desk: Up) -> Desk:
    """Let a call of kie in: the provider must be up and the key right."""
    if not is_key(desk, bearer(request)):
        raise RefusedError(wire.Refusal(401, wire.WORDS[401]))
    return desk


Entered = Annotated[Desk, Depends(enter)]


def base_url(request: Request) -> str:
    """Return the base of the URLs this answer hands out."""
    desk = desk_of(request)
    return (desk.config.public_url or str(request.base_url)).rstrip("/")


async def answer(desk: Desk, body: dict[str, Any]) -> Response:
    """Send one of kie's envelopes."""
    return wire.answer(body, mirror=await asyncio.to_thread(desk.mirror))


async def examined(request: Request, most: int, examine: Callable[[bytearray | None], T]) -> T:
    """Read a body of at most so many bytes, and let it be examined in the pool; None is one that is larger.

    It is kept nowhere but in what `examine` returns. What is left unread the server throws away as it comes.
    """
    declared = request.headers.get("content-length", "")
    raw = bytearray()
    if declared.isdecimal() and int(declared[:20]) > most:
        return examine(None)
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > most:
                return examine(None)
    except ClientDisconnect:
        raise BrokenError(400) from None
    return await asyncio.to_thread(examine, raw)


async def json_body(request: Request) -> Any:
    """Return the JSON body, or None where there is none that could be written down again."""
    return await examined(request, MAX_BODY, parsed)


def parsed(raw: bytearray | None) -> Any:
    """Return what a JSON text says, or None where there is none that could be written down again."""
    try:
        text = (raw or b"").decode()
        body = json.loads(text, parse_constant=_no_constant)
        if "\\u" in text:  # it may say half a character, which nobody can write
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return body


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


async def wait(request: Request, seconds: float = math.inf) -> bool:
    """Wait so long, or until the caller has gone: a server is not told of that. Tell whether he is still there."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if await request.is_disconnected():
            return False
        await asyncio.sleep(min(left, SLICE))
    return True


async def hang_up(request: Request) -> None:
    """Close the connection without an answer, as a crashing proxy does.

    ASGI has no word for it, so this reaches for the server's transport; a server that hides it sends a 502.
    """
    cycle = getattr(request.receive, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise BrokenError(502)
    transport.abort()
    await asyncio.sleep(0.01)  # until the server has noticed; it then drops whatever we return
