"""Notices work: a commit by anybody within 50 ms, a due time within a second. It rings the bell of the loops concerned.

Idle costs one question of 20 µs twenty times a second and one small read a second; loops without work do not run.
"""

import asyncio
import time
from dataclasses import dataclass, field

from callback_server.workers.loop import Bell
from data.db import Database, Watcher
from data.errands import ErrandStore

GLANCE_SECONDS = 0.05
TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Bells:
    """One bell for each kind of loop."""

    sends: Bell = field(default_factory=Bell)
    looks: Bell = field(default_factory=Bell)
    fetches: Bell = field(default_factory=Bell)
    requests: Bell = field(default_factory=Bell)  # a person pressed "check" on the Settings page
    news: Bell = field(default_factory=Bell)  # anything was committed


@dataclass
class Watch:
    """Looks at the database for all loops of this process."""

    db: Database
    errands: ErrandStore
    bells: Bells
    _watcher: Watcher | None = None
    _next_tick: float = 0.0

    async def glance(self) -> bool:
        """One look; True where something had changed."""
        changed = await self._changed()
        if changed:
            self.bells.news.ring()
            self.bells.requests.ring()
        if changed or time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_SECONDS
            due = await asyncio.to_thread(self.errands.due)
            bells = self.bells
            for bell, has_work in ((bells.sends, due.sends), (bells.looks, due.looks), (bells.fetches, due.fetches)):
                if has_work:
                    bell.ring()
        return changed

    async def _changed(self) -> bool:
        if self._watcher is None:
            self._watcher = await asyncio.to_thread(self.db.watcher)
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
