"""Asks the provider how tasks stand, and applies the deadlines. Alone it suffices: no webhook need ever come."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from callback_server.intake import apply
from callback_server.providers.base import ProviderUnavailable
from callback_server.providers.registry import Account
from callback_server.workers.lamps import Lamps
from callback_server.workers.loop import survive
from data.causes import WAITING
from data.deadlines import Clock
from data.errands import ErrandStore
from data.looks import Look
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)

LOOKS_AT_ONCE = 24
"""Free calls are cheap, and a provider that hangs holds each for `LOOK_SECONDS`; below the client's 32 connections."""
LOOK_SECONDS = 15.0


@dataclass
class Reconciler:
    """The steps. Looks run freely beside each other, so that one that hangs delays no other."""

    accounts: Mapping[str, Account]
    errands: ErrandStore
    submissions: SubmissionStore
    clock: Clock
    lamps: Lamps
    _looking: dict[str, asyncio.Task[bool | None]] = field(default_factory=dict)  # by submission
    _rests: dict[str, float] = field(default_factory=dict)  # account → no look before, on the steady clock

    async def look(self) -> bool:
        """Sends out a look at every task that is due, as far as there is room."""
        if len(self._looking) >= LOOKS_AT_ONCE:
            await asyncio.wait(self._looking.values(), return_when=asyncio.FIRST_COMPLETED)
        looks = await asyncio.to_thread(self.errands.claim_looks, LOOKS_AT_ONCE - len(self._looking))
        for look in looks:
            if look.submission_id not in self._looking:  # a look that hangs is due again before it gives up
                task = asyncio.create_task(self._survive(look))
                self._looking[look.submission_id] = task
                task.add_done_callback(partial(self._looked, look.submission_id))
        return bool(looks)

    async def stop(self) -> None:
        """Ends the looks under way; they are free, and made again."""
        under_way = list(self._looking.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _looked(self, submission_id: str, _task: object) -> None:
        self._looking.pop(submission_id, None)

    async def _survive(self, look: Look) -> bool | None:
        return await survive("look", partial(self._look, look))

    async def _look(self, look: Look) -> bool:
        account = self.accounts.get(look.account)
        # Without an account its key was taken out of the settings; the task waits for it to come back.
        if account is None or time.monotonic() < self._rests.get(look.account, 0.0):
            return False
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                report = await account.provider.lookup(look.provider_task_id)
        except TimeoutError:
            await self.lamps.provider_trouble(look.account, "unavailable", f"A look took over {LOOK_SECONDS:g} s.")
            return False
        except ProviderUnavailable as error:
            if error.code in WAITING:  # every other look on the account would be answered the same
                self._rests[look.account] = time.monotonic() + error.retry_in.total_seconds()
            await self.lamps.provider_trouble(look.account, error.code, str(error))
            return False
        changed = report is not None and await apply(self.submissions, look.submission_id, report)
        if look.last:
            await asyncio.to_thread(self.errands.looked, look)
        return changed

    async def tick(self) -> bool:
        """Applies the deadlines once."""
        acts = await asyncio.to_thread(self.clock.tick)
        if acts:
            log.warning("%d deadlines have passed", acts)
        return False
