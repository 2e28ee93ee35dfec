"""How a loop runs: steps while there is work, then sleep until the bell rings. Nothing that a step raises ends it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from callback_server.patience import passes, said

log = logging.getLogger(__name__)

T = TypeVar("T")
Step = Callable[[], Awaitable[bool]]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
DEAF_SECONDS = 2.0
"""After trouble a loop hears no bell for at most this long: a bell that rings every second must not make it race."""
QUIET_SECONDS = 60.0
"""The same trouble of the same kind of loop, with however many seats, is logged once in so long."""


class Bell:
    """Wakes every loop that waits on it. A ring while a loop works is heard when it next listens."""

    def __init__(self) -> None:
        """Silent at first."""
        self._events: list[asyncio.Event] = []

    def listener(self) -> asyncio.Event:
        """One loop's own ear."""
        event = asyncio.Event()
        self._events.append(event)
        return event

    def ring(self) -> None:
        """Wakes all."""
        for event in self._events:
            event.set()


async def run(name: str, step: Step, bell: Bell) -> None:
    """Runs `step` until it has nothing to do (False), then waits for the bell; for ever, until cancelled."""
    ear, pause = bell.listener(), FIRST_PAUSE
    while True:
        ear.clear()
        found: bool | None = True
        while found:
            found = await survive(name, step)
        if found is not None:
            pause = FIRST_PAUSE
            await ear.wait()
            continue
        await asyncio.sleep(min(pause, DEAF_SECONDS))
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause - DEAF_SECONDS)):
                await ear.wait()
        pause = min(pause * 2, LONGEST_PAUSE)


async def repeat(name: str, step: Step, seconds: float) -> None:
    """Runs `step` every so many seconds, whatever it answers; for ever, until cancelled. After trouble, a bit later."""
    pause = seconds
    while True:
        stumbled = await survive(name, step) is None
        pause = min(max(pause * 2, FIRST_PAUSE), 5.0) if stumbled else seconds
        await asyncio.sleep(max(pause, seconds))


async def finish(work: Awaitable[T]) -> T:
    """Awaits `work` to its end even if we are cancelled meanwhile: the answer to a paid call must get on record.

    Being cancelled wins over whatever `work` raises, or a loop would take that for a stumble and go on. Whoever cancels
    twice waits no longer; the work itself then goes on for as long as the event loop does.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (problem := task.exception()) is not None:
            _tell("last", problem)
        raise


async def survive(name: str, step: Step) -> bool | None:
    """One step; None where it raised.

    The one broad `except` of the project: whatever a step raises is logged and the loop goes on, a little later. What
    the step had claimed comes back by its lease.
    """
    try:
        return await step()
    except Exception as error:  # noqa: BLE001 - the one place
        _tell(name, error)
        return None


_told: dict[tuple[str, str], float] = {}


def _tell(name: str, error: BaseException) -> None:
    """Logs the trouble: a sentence where the database is away, where the fault may be ours with the way to it.

    Never a statement's values: they hold prompts, and the tokens of callback addresses.
    """
    words = said(error)
    now = time.monotonic()
    if now - _told.get((name, words), -QUIET_SECONDS) < QUIET_SECONDS:
        log.debug("the %s loop stumbled again: %s", name, words)
        return
    if len(_told) > 1000:  # texts may differ each time
        _told.clear()
    _told[name, words] = now
    if passes(error):
        log.warning("the %s loop stumbled and goes on: %s", name, words)
    elif isinstance(error, SQLAlchemyError):
        plain = RuntimeError(words).with_traceback(error.__traceback__)
        log.error("the %s loop stumbled and goes on", name, exc_info=plain)
    else:
        log.error("the %s loop stumbled and goes on", name, exc_info=error)
