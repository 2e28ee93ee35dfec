"""Notices work: a commit by anybody at once, a due time within a second. It rings the bell of the loops concerned.

The operating system says when the database was written to (PostgreSQL: when it has sent something), so an idle server
asks it one small question a second. Where nobody says so, it looks twenty times a second.
"""

import asyncio
import time
from dataclasses import dataclass, field

from callback_server.workers.loop import Bell
from data.db import Database, Watcher
from data.errands import ErrandStore

GLANCE_SECONDS = 0.05
TICK_SECONDS = 1.0
NEAR_SECONDS = 0.005
"""Between two looks while something is being written, until it is committed."""
AFTER_SECONDS = 0.5
"""So long a write is followed: then it was rolled back. And after a commit the next may have rung already."""


@dataclass(frozen=True)
class Bells:
    """One bell for each kind of loop."""

    sends: Bell = field(default_factory=Bell)
    looks: Bell = field(default_factory=Bell)
    fetches: Bell = field(default_factory=Bell)
    links: Bell = field(default_factory=Bell)
    requests: Bell = field(default_factory=Bell)  # a person pressed "check" on the Settings page
    news: Bell = field(default_factory=Bell)  # anything was committed


@dataclass
class Watch:
    """Looks at the database for all loops of this process."""

    db: Database
    errands: ErrandStore
    bells: Bells
    _watcher: Watcher | None = None
    _rang: asyncio.Event = field(default_factory=asyncio.Event)
    _told: bool = True  # of a write since the last change that was seen
    _deaf: bool = False  # something has changed without a word: from then on we ask
    _writing_until: float = 0.0
    _after_until: float = 0.0
    _next_tick: float = 0.0

    async def glance(self) -> bool:
        """Waits until there may be something to see, and looks; True where something had changed."""
        if self._watcher is not None:
            await self._wait(self._watcher.bell)
        changed, now = await self._changed(), time.monotonic()
        if self._watcher is not None and self._watcher.rang:  # perhaps only now, when nobody waited
            self._told, self._writing_until = True, now + AFTER_SECONDS
        if changed:
            self._deaf = self._deaf or not (self._told or now < self._after_until)
            # A ring may have been for the next commit already, which is still on its way to the disk.
            self._told = self._watcher is not None and self._watcher.rang
            self._writing_until, self._after_until = 0.0, now + AFTER_SECONDS
            self.bells.news.ring()
            self.bells.requests.ring()
        if changed or now >= self._next_tick:
            self._next_tick = now + TICK_SECONDS
            due = await asyncio.to_thread(self.errands.due)
            bells = self.bells
            work = (
                (bells.sends, due.sends), (bells.looks, due.looks), (bells.fetches, due.fetches),
                (bells.links, due.links),
            )  # fmt: skip
            for bell, has_work in work:
                if has_work:
                    bell.ring()
        return changed

    async def _wait(self, ear: int | None) -> None:
        """For a word from the system, but not too long."""
        loop, now = asyncio.get_running_loop(), time.monotonic()
        pause = self._next_tick - now
        if now < self._writing_until:
            pause = min(pause, NEAR_SECONDS)
        elif ear is None or self._deaf or now < self._after_until:
            pause = min(pause, GLANCE_SECONDS)
        if ear is not None:
            loop.add_reader(ear, self._rang.set)
        try:
            async with asyncio.timeout(max(0.0, pause)):
                await self._rang.wait()
            self._told, self._writing_until = True, time.monotonic() + AFTER_SECONDS
        except TimeoutError:
            pass
        finally:
            if ear is not None:  # what came in is read by the look; until then the loop would be told again and again
                loop.remove_reader(ear)
            self._rang.clear()

    async def _changed(self) -> bool:
        if self._watcher is None:
            self._watcher = await asyncio.to_thread(self.db.watcher)
            self._told, self._deaf = True, False
        try:
            return self._watcher.changed()
        except Exception:  # the file or the server has gone: a new connection may find it again
            self.close()
            raise

    def close(self) -> None:
        """Gives the kept connection back."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
