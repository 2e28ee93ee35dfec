"""The loops that move tasks: send, look, fetch. Each does one step at a time and leaves every fact in the database."""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import SecretStr
from sqlalchemy import make_url

from callback_server.download import Downloader
from callback_server.live import Live
from callback_server.providers.registry import Account, accounts, aclose
from callback_server.settings import ServerSettings
from callback_server.workers.dispatcher import Dispatcher
from callback_server.workers.fetcher import Fetcher
from callback_server.workers.housekeeper import LOOK_SECONDS, housekeeper
from callback_server.workers.lamps import TROUBLE_SECONDS, Lamps
from callback_server.workers.linker import Linker
from callback_server.workers.loop import repeat, run
from callback_server.workers.pulse import BEAT_SECONDS, Pulse
from callback_server.workers.reconciler import Reconciler
from callback_server.workers.watch import Bells, Watch
from data.artifacts import ArtifactStore
from data.db import Database
from data.deadlines import Clock, Deadlines
from data.errands import ErrandStore
from data.health import HealthBoard
from data.history import History
from data.linked import LinkedPictures
from data.news import News
from data.notes import replay
from data.pace import Pace
from data.roads import Roads
from data.sentences import Sentence
from data.storage import ObjectStorage
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)

GRACE_SECONDS = 3.0
ANSWER_SECONDS = 120.0
"""So long the last answers are waited for on a road that gives each only once."""
DEADLINE_SECONDS = 5.0
LINKS_AT_ONCE = 2
"""Pictures for forms, of all people together: each is decoded, and what was paid for comes first."""


@dataclass(frozen=True)
class Workers:
    """The running loops."""

    tasks: tuple[asyncio.Task[None], ...]
    dispatchers: tuple[Dispatcher, ...]
    reconciler: Reconciler
    downloaders: tuple[Downloader, ...]
    watch: Watch
    pulse: Pulse
    live: Live
    hurry: threading.Event = field(default_factory=threading.Event)  # whoever stops us has no time for answers

    @property
    def alive(self) -> bool:
        """Whether every loop still runs."""
        return not any(task.done() for task in self.tasks)

    async def stop(self) -> None:
        """Ends all loops, so that nothing more is bought; then the paid calls, once what can be had of them is home.

        A call that is given up all the same is put on record as in doubt, never forgotten.
        """
        await _ended(self.tasks)
        await last_answers(self.dispatchers, self.hurry)
        await _ended([call for dispatcher in self.dispatchers for call in dispatcher.under_way])
        await self.reconciler.stop()
        await aclose(dispatcher.account for dispatcher in self.dispatchers)
        for downloader in self.downloaders:
            await downloader.aclose()
        self.watch.close()


async def last_answers(
    dispatchers: Collection[Dispatcher], hurry: threading.Event, seconds: float = ANSWER_SECONDS
) -> None:
    """Waits for the answers that nobody can be asked for later: each is paid for, and may be a picture."""
    roads = [dispatcher for dispatcher in dispatchers if dispatcher.account.provider.at_once]
    until, told = time.monotonic() + seconds, False
    while calls := {call for road in roads for call in road.under_way}:
        if hurry.is_set() or time.monotonic() > until:
            return
        if not told:
            many = "1 paid answer" if len(calls) == 1 else f"{len(calls)} paid answers"
            log.warning("waiting for %s, at most %d s; Ctrl-C again stops now and leaves a doubt", many, seconds)
        told = True
        await asyncio.wait(calls, timeout=0.2)


async def _ended(running: Collection["asyncio.Task[Any]"]) -> None:
    """Told to stop, and not a second time: an answer that waits for the database goes on for as long as we live."""
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=GRACE_SECONDS)


def start(
    settings: ServerSettings,
    db: Database,
    storage: ObjectStorage,
    artifacts: ArtifactStore,
    hurry: threading.Event | None = None,
) -> Workers:
    """Starts every loop on the running event loop."""
    first_look = timedelta(seconds=settings.poll_seconds)
    errands = ErrandStore(db, first_look=first_look)
    submissions = SubmissionStore(db, first_look=first_look, retries=settings.provider_retries)
    known = {account.name: account for account in accounts(settings)}
    board = HealthBoard(db)
    lamps, pulse = Lamps(board, History(db), storage, known, settings.callback_base), Pulse(board, about(settings))
    bells = Bells()
    deadlines = Deadlines(timedelta(minutes=settings.overdue_minutes), timedelta(minutes=settings.unconfirmed_minutes))
    reconciler = Reconciler(known, errands, submissions, Clock(db, deadlines), lamps)
    downloader = Downloader.from_settings(settings)
    fetcher = Fetcher(errands, artifacts, downloader, lamps)
    linker = Linker.from_settings(settings, LinkedPictures(db), artifacts, lamps)
    watch, live = Watch(db, errands, bells), Live(News(db))
    house = housekeeper(settings, db, storage, artifacts, accounts=known, submissions=submissions)
    # Decoding a picture holds a thread for a second; the database calls of all loops must not wait behind it.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(32, thread_name_prefix="worker"))
    served = {pair for account in known.values() for pair in account.serves}
    loops: list[Coroutine[Any, Any, None]] = [
        repeat("watch", watch.glance, 0),
        repeat("deadline", reconciler.tick, DEADLINE_SECONDS),
        repeat("heartbeat", pulse.beat, BEAT_SECONDS),
        repeat("check", lamps.check, TROUBLE_SECONDS),
        repeat("answers", partial(asyncio.to_thread, replay, storage, submissions), DEADLINE_SECONDS),
        repeat("roads", partial(asyncio.to_thread, Roads(db, served).note), DEADLINE_SECONDS),
        repeat("housekeeping", house.tidy, LOOK_SECONDS),
        repeat("comparison", house.compare, LOOK_SECONDS),
        run("look", reconciler.look, bells.looks),
        run("request", lamps.answer_requests, bells.requests),
        run("news", live.step, bells.news),
        *(run("fetch", fetcher.step, bells.fetches) for _ in range(settings.fetches_at_once)),
        *(run("link", linker.step, bells.links) for _ in range(LINKS_AT_ONCE)),
    ]
    dispatchers = tuple(
        Dispatcher(account, pace(settings, account), settings.callback_base, submissions, errands, artifacts, storage,
                   lamps)
        for account in known.values()
    )  # fmt: skip
    for dispatcher in dispatchers:
        loops += [run("hand-over", dispatcher.hand_over, bells.sends), run("send", dispatcher.send, bells.sends)]
    tasks = tuple(asyncio.create_task(loop) for loop in loops)
    downloaders = (downloader, linker.downloader)
    return Workers(tasks, dispatchers, reconciler, downloaders, watch, pulse, live, hurry or threading.Event())


def pace(settings: ServerSettings, account: Account) -> Pace:
    """What the settings allow this account. The lease of a call outlasts the wait for its answer."""
    return Pace(
        creates=settings.creates_per_window,
        window=timedelta(seconds=settings.window_seconds),
        in_flight=settings.in_flight,
        per_person=settings.per_person,
        doubts=settings.doubt_budget,
        submit_lease=timedelta(seconds=account.submit_seconds + 30),
    )


_SHOWN = (
    "nano_banana_api_key", "nano_banana_api_url", "seedream_api_key", "seedream_api_url", "gemini_api_key",
    "gemini_api_url", "ark_api_key", "ark_api_url", "webhook_base_url", "webhook_hmac_key", "api_tokens", "state_dir",
    "database_url",
)  # fmt: skip


def _shown(settings: ServerSettings, name: str) -> str:
    """A setting as a screen may show it: a secret by its last four characters, an address without its password."""
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        if len(secret) < 12 or name == "api_tokens":
            return Sentence("set")
        return Sentence("set, ends in …{end}", end=secret[-4:])
    if name == "database_url":
        return make_url(settings.database_address).render_as_string(hide_password=True)
    return str(value) if value not in (None, "") else Sentence("not set")


def about(settings: ServerSettings) -> dict[str, Any]:
    """What the screens may know of this server: names and masks, never a secret."""
    return {
        "practice": settings.practice,
        "accounts": [account.name for account in settings.provider_accounts],
        "connected": sorted({pair for account in settings.provider_accounts for pair in account.serves}),
        "pace": {
            "creates": settings.creates_per_window,
            "window_seconds": settings.window_seconds,
            "in_flight": settings.in_flight,
            "per_person": settings.per_person,
        },
        "rescue_days": Deadlines().give_up.days,
        "callback_base": settings.callback_base,
        "unconfirmed_minutes": settings.unconfirmed_minutes,
        "configured": [{"name": name.upper(), "value": _shown(settings, name)} for name in _SHOWN],
    }
