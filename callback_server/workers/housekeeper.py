"""The regular duties of the sidecar: housekeeping every hour, the comparison with the provider's record every night.

Each is one process's at a time, across all sidecars, by the lease on its chore. The work is done in a thread or waits
on the wire, so the loops that make pictures never wait for it; told to stop, it stops at the next small step.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from callback_server.providers.registry import Account
from callback_server.settings import ServerSettings
from callback_server.workers.comparison import Comparer
from callback_server.workers.loop import finish
from data.artifacts import ArtifactStore
from data.chores import COMPARISON, HOUSEKEEPING, Chores
from data.db import Database
from data.expired import Kept
from data.health import HealthBoard
from data.housekeeping import Housekeeping, Report
from data.money import format_credits
from data.reconciliation import Books, Difference, Progress
from data.sentences import Sentence, counted, paragraph
from data.storage import ObjectStorage
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""How often a sidecar looks whether a duty is due."""
LEASE = timedelta(minutes=30)
KEEP_SECONDS = 60.0
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = timedelta(minutes=10)
"""A fresh desk makes its first pictures in peace."""
NIGHT = 3  # o'clock, UTC
JITTER = timedelta(minutes=30)
PICTURES, MONEY = "pictures", "money"
"""The lamps."""


@dataclass
class Housekeeper:
    """The steps for `repeat`."""

    chores: Chores
    keeping: Housekeeping
    comparer: Comparer
    board: HealthBoard
    clock: Callable[[], datetime]
    _stopping: threading.Event = field(default_factory=threading.Event)
    _next_keep: float = 0.0

    async def tidy(self) -> bool:
        """One slice of the housekeeping, if it is due and nobody else is at it."""
        return await self._to_its_end(self._tidy)

    async def compare(self) -> bool:
        """The nightly comparison, if it is due and nobody else is at it."""
        first = night(await asyncio.to_thread(self.clock))
        if not await asyncio.to_thread(self.chores.claim, COMPARISON, DAY, LEASE, first=first):
            return False
        progress = Progress.of(await asyncio.to_thread(self.chores.report, COMPARISON))
        progress.next_night(await asyncio.to_thread(self.clock))
        try:
            await self.comparer.run(progress, self._keep_comparison)
        finally:  # told to stop in the middle, it need not wait until the lease has run out
            await finish(asyncio.to_thread(self._end_comparison, progress))
        return True

    async def _to_its_end(self, work: Callable[[], bool]) -> bool:
        """Work in a thread; whoever cancels us waits for its next small step, for the database is closed after us."""
        running = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._stopping.set()
            await running
            raise

    def _tidy(self) -> bool:
        if not self.chores.claim(HOUSEKEEPING, HOUR, LEASE, first=self.clock() + FIRST):
            return False
        self._next_keep = time.monotonic() + KEEP_SECONDS
        report = self.keeping.run(self.chores.report(HOUSEKEEPING), go_on=self._go_on)
        if self.chores.done(HOUSEKEEPING, report.plain(), self.clock() + (HOUR if report.complete else timedelta(0))):
            tell_pictures(self.board, report)
        return True

    def _go_on(self) -> bool:
        if self._stopping.is_set():
            return False
        if time.monotonic() < self._next_keep:
            return True
        self._next_keep = time.monotonic() + KEEP_SECONDS
        return self.chores.keep(HOUSEKEEPING, LEASE)

    async def _keep_comparison(self, progress: Progress) -> bool:
        return await asyncio.to_thread(self.chores.keep, COMPARISON, LEASE, report=progress.plain())

    def _end_comparison(self, progress: Progress) -> None:
        """A comparison that was broken off goes on in half an hour, from where it stands."""
        now = self.clock()
        due = night(now) if progress.complete else now + JITTER
        if self.chores.done(COMPARISON, progress.plain(), due):
            tell_money(self.board, progress, now)


def housekeeper(
    settings: ServerSettings,
    db: Database,
    storage: ObjectStorage,
    artifacts: ArtifactStore,
    *,
    accounts: Mapping[str, Account],
    submissions: SubmissionStore,
) -> Housekeeper:
    """The housekeeper of this sidecar."""
    keeping = Housekeeping(db, storage, artifacts, kept(settings))
    return Housekeeper(Chores(db), keeping, Comparer(accounts, Books(db), submissions), HealthBoard(db), db.now)


def kept(settings: ServerSettings) -> Kept:
    """How long the settings keep what is over."""
    return Kept(requests=settings.retention_days, webhooks=settings.inbox_days)


def night(now: datetime) -> datetime:
    """The next night's hour, a little later each time, so that many desks do not ask the provider at one moment."""
    at = now.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return at + (DAY if at <= now else timedelta(0)) + random.random() * JITTER  # noqa: S311 - nothing secret


def tell_pictures(board: HealthBoard, report: Report) -> None:
    """The lamp about what lies in storage."""
    log.info("housekeeping", extra={kind: found.count for kind, found in report.found.items() if found.count})
    data: dict[str, Any] = {"damaged": report.damaged, "trouble": report.trouble}
    message: str = counted(report.looked_at, "{n} picture was looked at: it is as it was stored.",
                           "{n} pictures were looked at: all are as they were stored.")  # fmt: skip
    if report.damaged:
        message = paragraph(
            counted(len(report.damaged), "{n} stored picture is missing or damaged.",
                    "{n} stored pictures are missing or damaged."),
            Sentence("What the provider still keeps is restored free, where its picture is open in History; else bring "
                     "it back from a backup. Nothing is deleted, and nothing is paid again."),
        )  # fmt: skip
    elif report.trouble:
        message = report.trouble[0]
    board.report(PICTURES, ok=not report.damaged and not report.trouble, message=message, data=data)


def tell_money(board: HealthBoard, progress: Progress, now: datetime) -> None:
    """The lamp about our books beside the provider's."""
    told = progress.told(now)
    calls = counted(progress.compared, "{n} call compared", "{n} calls compared")
    if told:
        message = _differences(told)
    elif progress.complete:
        message = Sentence("Our books and the provider's record agree: {calls}.", calls=calls)
    else:
        message = Sentence(
            "The comparison with the provider's record was broken off and goes on by itself: {calls} so far.",
            calls=calls,
        )
    message = paragraph(message, *progress.notes, progress.trouble)
    data = {"differences": [vars(each) for each in told], "notes": progress.notes, "since": progress.since,
            "until": progress.until}  # fmt: skip
    board.report(MONEY, ok=not told, message=message, data=data)


def _differences(told: Sequence[Difference]) -> Sentence:
    over = sum(each.theirs_micro - each.ours_micro for each in told)
    places = counted(len(told), "in {n} place", "in {n} places")
    amount = format_credits(abs(over))
    fact = (
        Sentence("Our books and the provider's record differ {places}, by {n} credits more than we noted.",
                 places=places, n=amount) if over >= 0 else
        Sentence("Our books and the provider's record differ {places}, by {n} credits less than we noted.",
                 places=places, n=amount)
    )  # fmt: skip
    return paragraph(
        fact,
        Sentence("The latest: {text}", text=told[0].text),
        Sentence("Compare the list with the provider's log page; ask the provider about what is wrong there."),
    )
