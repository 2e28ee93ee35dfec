"""Tells open screens that something of theirs has moved: a number over a WebSocket, no more.

A number, because what a screen shows of it the screen itself reads; so nothing secret travels here, and a message that
is lost costs nothing but the wait for the next. On a busy machine with ten pages open, a part came 115 ms after the
commit (p95 148) where `run_every=1` took 446 (964), at a fifth of the idle CPU (`tests/benchmarks/sessions.py`). An
idle page asks the database nothing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from data.news import News


@dataclass(eq=False)
class Listener:
    """One open screen. `who` is a person, or EVERYBODY (`data.links`)."""

    who: str
    rings: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Who listens, and what there is to hear. Belongs to one event loop; while nobody listens it asks nothing."""

    def __init__(self, news: News) -> None:
        """Nobody listens yet."""
        self._news = news
        self._listeners: set[Listener] = set()
        self._looking = asyncio.Lock()

    @property
    def revision(self) -> int:
        """The number of the newest event that was looked at."""
        return self._news.revision

    async def step(self) -> bool:
        """One look; True where there may be more."""
        async with self._looking:
            if not self._listeners:
                return False
            moved = await asyncio.to_thread(self._news.take)
        for listener in self._listeners:
            if listener.who in moved:
                listener.rings.set()
        return bool(moved)

    @asynccontextmanager
    async def listener(self, who: str) -> AsyncIterator[Listener]:
        """An ear for as long as the `async with` lasts; `revision` is up to date when it begins."""
        mine = Listener(who)
        async with self._looking:
            if not self._listeners:
                self._news.skip()
            self._listeners.add(mine)
        try:
            await self.step()
            yield mine
        finally:
            self._listeners.discard(mine)
