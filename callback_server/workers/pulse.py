"""The heartbeat: every few seconds one small write, which also shows what only a write and a clock can show.

A database that refuses cannot be written about in the database: what is wrong stands in `troubles`, for `/readyz`, and
on the board as soon as it can be written again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from callback_server.patience import said, sentence
from data.catalog import catalog_halt
from data.health import HealthBoard
from data.sentences import Sentence, paragraph

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
SLOW_SECONDS = 3.0
"""A write that takes longer is trouble worth telling, though it may still succeed."""
JUMP_SECONDS = 5.0
REMEMBERED_SECONDS = 600.0
"""How long the lamp tells of a jump of the clock."""

_SLOW = Sentence("The database has not taken a write for some seconds. Work waits and nothing is paid twice.")


@dataclass
class Pulse:
    """Writes the lamps `server`, `database` and `clock`. `troubles` holds a sentence for each part in trouble."""

    board: HealthBoard
    about: Mapping[str, Any]  # what the screens may know of the server's configuration; never a secret
    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    troubles: dict[str, str] = field(default_factory=dict)
    _last: tuple[float, float] | None = None  # wall and steady clock at the last beat
    _jumped_at: float = 0.0
    _silent_since: float | None = None
    _news: dict[str, tuple[bool, str]] = field(default_factory=dict)  # lamps that could not be written yet

    def __post_init__(self) -> None:
        """Well until the first beat says otherwise."""
        self._news = {"database": (True, Sentence("Takes writes.")), "clock": (True, Sentence("Runs evenly."))}

    async def beat(self) -> bool:
        """Says that the server is alive."""
        self._look_at_clocks()
        writing = asyncio.ensure_future(asyncio.to_thread(self._write))
        try:
            done, _ = await asyncio.wait({writing}, timeout=SLOW_SECONDS)
            if not done:
                self._refused(_SLOW, "no answer yet")
            await writing
        except SQLAlchemyError as error:
            self._refused(sentence(error), said(error))
        finally:
            writing.cancel()
        return True

    def _write(self) -> None:
        """In a thread: the heartbeat, and then whatever else is to be told."""
        about = {**self.about, "halt": catalog_halt()}
        self.board.report("server", ok=True, message=Sentence("The callback server is working."), data=about)
        self._answers_again()
        for name, (ok, message) in list(self._news.items()):
            self.board.report(name, ok=ok, message=message)
            self._news.pop(name)

    def _refused(self, message: str, detail: str) -> None:
        if self._silent_since is None:
            self._silent_since = self.steady()
            log.warning("the database refuses: %s", detail)
        self.troubles["database"] = message

    def _answers_again(self) -> None:
        if self._silent_since is None:
            return
        seconds, self._silent_since = self.steady() - self._silent_since, None
        was = self.troubles.pop("database", "")
        until = datetime.fromtimestamp(self.wall(), UTC)
        again = Sentence("Takes writes again since {time} UTC, after {n} s.", time=f"{until:%H:%M}", n=f"{seconds:.0f}")
        self._news["database"] = (True, paragraph(again, was))
        log.warning("the database takes writes again after %.0f s", seconds)

    def _look_at_clocks(self) -> None:
        """Compares the host's clock with the one that nobody can set."""
        now = (self.wall(), self.steady())
        before, self._last = self._last or now, now
        jump = (now[0] - before[0]) - (now[1] - before[1])
        if abs(jump) > JUMP_SECONDS:
            span = timedelta(seconds=round(abs(jump)))
            message = paragraph(
                Sentence("This machine's clock jumped {way} by {span} (hours:minutes:seconds), or the machine slept.",
                         way=Sentence("forward") if jump > 0 else Sentence("back"), span=span),
                Sentence("Nothing is lost or paid twice; waiting work may start early or late."),
            )  # fmt: skip
            self.troubles["clock"], self._jumped_at, self._news["clock"] = message, now[1], (False, message)
            log.warning("the clock jumped by %.0f s", jump)
        elif "clock" in self.troubles and now[1] - self._jumped_at > REMEMBERED_SECONDS:
            del self.troubles["clock"]
            self._news["clock"] = (True, Sentence("Runs evenly."))
