"""Keeps the lamps of the Settings page true: providers, storage, webhook, catalogue. The heartbeat is `pulse`.

Trouble that a worker meets is written at once, and once; good news comes from the regular free check.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from callback_server.providers.base import ProviderUnavailable
from callback_server.providers.registry import Account
from data.catalog import catalog, catalog_trouble
from data.causes import WAITING
from data.errors import NotFound, StorageError
from data.health import HealthBoard
from data.history import History
from data.schema import utcnow
from data.sentences import Sentence, counted
from data.storage import ObjectStorage
from data.videos import check as check_reader

log = logging.getLogger(__name__)

TROUBLE_SECONDS = 10.0
CHECK_SECONDS = 300.0
_STORAGE = "storage"
_CATALOGUE = "catalogue"
_VIDEOS = "videos"


@dataclass
class Lamps:
    """Writes `storage`, `webhook`, `catalogue`, `provider:<account>` and, once there was trouble, `videos` rows."""

    board: HealthBoard
    history: History
    storage: ObjectStorage
    accounts: Mapping[str, Account]
    callback_base: str | None
    _trouble: dict[str, str] = field(default_factory=dict)  # account → the code, storage → the words last told
    _next_round: float = 0.0

    @property
    def storage_refuses(self) -> bool:
        """Whether the disk has refused a picture, and has not taken the test's small file since."""
        return _STORAGE in self._trouble

    async def check(self) -> bool:
        """The regular look at everything that can be asked for free; at what is in trouble, more often."""
        all_of_it = time.monotonic() >= self._next_round
        if all_of_it:
            self._next_round = time.monotonic() + CHECK_SECONDS
        looks = [self.check_provider(name) for name in self.accounts if all_of_it or name in self._trouble]
        if all_of_it or _STORAGE in self._trouble:
            looks.append(self.check_storage())
        if _VIDEOS in self._trouble:
            looks.append(self.check_videos())
        looks.append(self.check_catalogue(again=all_of_it))
        await asyncio.gather(*looks)
        return bool(looks)

    async def answer_requests(self) -> bool:
        """Looks at what a person pressed "check" for; the step of a loop."""
        for name in await asyncio.to_thread(self.board.asked):
            if name == "webhook":
                await self.round_trip()
            elif name == "storage":
                await self.check_storage()
            elif name.startswith("provider:") and name.removeprefix("provider:") in self.accounts:
                await self.check_provider(name.removeprefix("provider:"))
            else:
                await asyncio.to_thread(
                    self.board.report, name, ok=False, message=Sentence("There is no such part any more.")
                )
        return False

    async def check_provider(self, name: str) -> None:
        """Asks for the credits: free, and it proves address and key. A direct road tells nobody what is left."""
        started = time.monotonic()
        try:
            left = await self.accounts[name].provider.credits()
        except ProviderUnavailable as error:
            await self.provider_trouble(name, error.code, str(error), again=True)
            return
        if refusal := await self._refusal(name):
            await self.provider_trouble(name, refusal, "Free calls are answered, paid ones refused.", again=True)
            return
        seconds = time.monotonic() - started
        message = Sentence("Answers in {n} s.", n=f"{max(seconds, 0.1):.1f}")
        data: dict[str, Any] = {"seconds": round(seconds, 3)} | ({} if left is None else {"credits_micro": left})
        await asyncio.to_thread(self.board.report, f"provider:{name}", ok=True, message=message, data=data)
        self._trouble.pop(name, None)

    async def _refusal(self, name: str) -> str | None:
        """Why the account has just refused a paid call, though it answers free ones; None where it has not."""
        paused = await asyncio.to_thread(self.history.paused_accounts, utcnow())
        _, code = paused.get(name, (None, ""))
        return code if code in WAITING and code not in {"rate_limited", "unreachable"} else None

    async def provider_trouble(self, name: str, code: str, detail: str, *, again: bool = False) -> None:
        """A worker met trouble with this account; said once per kind of trouble."""
        known = self._trouble.get(name) == code
        if code == "rate_limited" or (known and not again):
            return  # being asked to slow down is everyday life, not trouble
        self._trouble[name] = code
        cause = WAITING.get(code) or WAITING["unreachable"]
        if not known:
            log.warning("provider trouble: %s", detail, extra={"account": name})
        data = {"code": code, "detail": detail[:500]}
        message = cause.told
        await asyncio.to_thread(self.board.report, f"provider:{name}", ok=False, message=message, data=data)

    async def storage_trouble(self, detail: str) -> None:
        """The disk refused a picture; logged once for each reason."""
        if self._trouble.get(_STORAGE) != detail:
            log.warning("storage trouble: %s", detail)
        self._trouble[_STORAGE] = detail
        await asyncio.to_thread(self.board.report, "storage", ok=False, message=detail)

    async def check_storage(self) -> None:
        """Writes and removes a small file."""
        try:
            free = await asyncio.to_thread(self._probe_storage)
        except (StorageError, NotFound) as error:
            await self.storage_trouble(str(error))
            return
        message = Sentence("{n} GB free.", n=f"{free / 1e9:.0f}")
        await asyncio.to_thread(self.board.report, "storage", ok=True, message=message, data={"free_bytes": free})
        # Forgotten once the good news is written: a database that refused it would leave the lamp dark.
        if self._trouble.pop(_STORAGE, None) is not None:
            log.warning("storage is well again")

    async def reader_trouble(self, detail: str) -> None:
        """No video can be read here. The disk is well, and pictures are bought on."""
        if self._trouble.get(_VIDEOS) != detail:
            log.warning("video trouble: %s", detail)
        self._trouble[_VIDEOS] = detail
        await asyncio.to_thread(self.board.report, _VIDEOS, ok=False, message=detail)

    async def check_videos(self) -> None:
        """Starts the reader once."""
        try:
            await asyncio.to_thread(check_reader)
        except StorageError as error:
            await self.reader_trouble(str(error))
            return
        await asyncio.to_thread(
            self.board.report, _VIDEOS, ok=True, message=Sentence("The program that reads videos starts.")
        )
        self._trouble.pop(_VIDEOS, None)

    async def check_catalogue(self, *, again: bool) -> None:
        """Whether the catalogue's files are in force; a change that is not is told within a look, and once."""
        trouble = await asyncio.to_thread(catalog_trouble)
        known = self._trouble.get(_CATALOGUE, "")
        if trouble == known and not again:
            return
        message = trouble or counted(len(catalog().models), "{n} model on offer.", "{n} models on offer.")
        await asyncio.to_thread(self.board.report, _CATALOGUE, ok=not trouble, message=message)
        self._trouble[_CATALOGUE] = trouble
        if trouble != known:
            log.warning("catalogue: %s", message)

    def _probe_storage(self) -> int:
        self.storage.check()
        return self.storage.free_bytes()

    async def round_trip(self) -> None:
        """Calls our own public address the way a provider would, and says whether the call came home."""
        if not self.callback_base:
            message = Sentence(
                "No public address is set: results are fetched by asking the provider every few seconds."
            )
            await asyncio.to_thread(self.board.report, "webhook", ok=True, message=message)
            return
        nonce = secrets.token_urlsafe(24)
        url = f"{self.callback_base}/api/webhook/nano-banana/test/{nonce}"
        await asyncio.to_thread(
            self.board.report, "webhook", ok=True, message=Sentence("Testing the round trip…"), data={"nonce": nonce}
        )
        started = time.monotonic()
        try:
            async with httpx.AsyncClient(timeout=15) as client:
                response = await client.post(url, json={"test": True})
            problem = await self._arrived(nonce, response.status_code)
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        message = Sentence("A call to {address} came home in {n} s.", address=self.callback_base, n=f"{seconds:.2f}")
        if problem is not None:
            message = Sentence(
                "A call to {address} did not come home ({why}). Results are asked for instead.",
                address=self.callback_base, why=problem,
            )  # fmt: skip
        data = {"seconds": round(seconds, 3)}
        await asyncio.to_thread(self.board.report, "webhook", ok=problem is None, message=message, data=data)

    async def _arrived(self, nonce: str, status: int) -> str | None:
        """What is wrong; None if the call came to one of our own servers, which wrote so, and not to a stranger's."""
        row = (await asyncio.to_thread(self.board.all)).get("webhook")
        if row is not None and row.data.get("nonce") == nonce and "arrived_at" in row.data:
            return None
        if status < 300:
            return Sentence("somebody else answered {status}", status=status)
        return Sentence("it was answered {status}", status=status)
