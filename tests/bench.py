"""A provider of our choosing for the loops to speak to, over real stores and a real folder."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pictures import transparent_png
from shelf import Shelf
from stores import SERVES, Stores

from callback_server.download import Downloader
from callback_server.providers.base import (
    Accepted,
    Answer,
    Completed,
    HeldFile,
    PaidCall,
    ProviderReport,
    ProviderUnavailable,
    held,
)
from callback_server.providers.registry import Account
from callback_server.workers.dispatcher import Dispatcher
from callback_server.workers.fetcher import Fetcher
from callback_server.workers.lamps import Lamps
from callback_server.workers.reconciler import Reconciler
from data.artifacts import ArtifactStore
from data.health import HealthBoard
from data.storage import ObjectStorage

PICTURE = transparent_png()


def completed(*files: bytes) -> Completed:
    """An answer that brings these files."""
    report = ProviderReport("r-1", "succeeded", tuple(map(held, files)), charged_micro=4_000_000)
    return Completed(report, files)


@dataclass
class Bench:
    """A provider of our choosing, for the loops to speak to, and the stores that they write to."""

    stores: Stores
    folder: Path
    submits: list[PaidCall] = field(default_factory=list)
    hangs: set[str] = field(default_factory=set)  # provider task ids whose look never ends
    down: bool = False
    at_once: bool = False
    gate: asyncio.Event | None = None  # until it is set, no paid call is answered
    answer: Completed | None = None

    def __post_init__(self) -> None:
        storage = ObjectStorage(self.folder / "var")
        self.storage = storage
        self.artifacts = ArtifactStore(self.stores.db, storage, max_reference_bytes=10**7, max_pixels=10**8)
        self.account = Account("kie", self, frozenset(SERVES))
        self.board = HealthBoard(self.stores.db)
        self.lamps = Lamps(self.board, self.stores.history, storage, {"kie": self.account}, None)

    async def submit(self, call: PaidCall) -> Answer:
        self.submits.append(call)
        if self.gate is not None:
            await self.gate.wait()
        return self.answer or Accepted(f"p{len(self.submits)}")

    async def lookup(self, provider_task_id: str) -> ProviderReport | None:
        assert not self.at_once, "there is no record of it"
        if provider_task_id in self.hangs:
            await asyncio.sleep(60)
        return ProviderReport(provider_task_id, "succeeded", ("http://h/1.png",), charged_micro=4_000_000)

    async def hold(self, data: bytes, *, name: str, mime: str) -> HeldFile:  # noqa: ARG002 - the protocol's names
        if self.down:
            raise ProviderUnavailable("no route")
        return HeldFile(f"http://h/{name}", self.stores.clock() + timedelta(hours=23))

    async def credits(self) -> int | None:
        return None if self.at_once else 0

    async def aclose(self) -> None:
        pass

    @property
    def dispatcher(self) -> Dispatcher:
        stores = self.stores
        return Dispatcher(
            self.account, stores.pace, None, stores.submissions, stores.errands, self.artifacts, self.storage,
            self.lamps,
        )  # fmt: skip

    def send(self) -> bool:
        """One step of the loop, and all that it has set going."""

        async def scenario() -> bool:
            dispatcher = self.dispatcher
            found = await dispatcher.send()
            await asyncio.gather(*dispatcher.under_way)
            return found

        return asyncio.run(scenario())

    def reconciler(self) -> Reconciler:
        stores = self.stores
        return Reconciler({"kie": self.account}, stores.errands, stores.submissions, stores.deadlines, self.lamps)

    def fetcher(self, shelf: Shelf) -> Fetcher:
        host, _, port = shelf.address.partition(":")
        downloader = Downloader(max_bytes=10**7, seconds=5, exceptions={(host, int(port))})
        return Fetcher(self.stores.errands, self.artifacts, downloader, self.lamps)


def rounds(bench: Bench, shelf: Shelf, *, limit: int = 20) -> int:
    """Fetches until nothing is due for good; gives the number of tries."""
    tries = 0
    while tries < limit and asyncio.run(bench.fetcher(shelf).step()):
        tries += 1
        bench.stores.clock.forward(minutes=11)
    return tries
