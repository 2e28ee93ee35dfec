"""Asks the provider's record again about what was settled, and compares it with our books. Every call here is free.

Nothing in our books changes by it, except through intake: a picture that we did not have is a report like any other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from callback_server.intake import apply
from callback_server.providers.base import ProviderReport, ProviderUnavailable
from callback_server.providers.registry import Account
from data.money import format_credits
from data.reconciliation import BALANCE, Books, Call, Difference, Progress
from data.sentences import Sentence
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)

PER_MINUTE = 60
TRIES = 3
_STAGES = ("settled", "open", "balance")

Keep = Callable[[Progress], Awaitable[bool]]
"""Notes how far we are; False where another has taken over, so that we stop."""


@dataclass(frozen=True)
class Comparer:
    """Compares all accounts, one call after the other, at a pace that leaves the provider room for the real work."""

    accounts: Mapping[str, Account]
    books: Books
    submissions: SubmissionStore
    per_minute: int = PER_MINUTE
    longest_wait: float = 60.0  # seconds, before a provider in trouble is asked again

    async def run(self, progress: Progress, keep: Keep) -> bool:
        """Goes on from where `progress` stands, and says there what it found. False where it could not be finished."""
        progress.trouble = ""
        for name in sorted(self.accounts):
            if name < progress.account or self.accounts[name].provider.at_once:  # who answers at once keeps no record
                continue
            if name != progress.account or not progress.stage:
                progress.account, progress.stage, progress.after = name, _STAGES[0], None
            for stage in _STAGES[_STAGES.index(progress.stage) :]:
                if stage != progress.stage:
                    progress.stage, progress.after = stage, None
                try:
                    done = await (self._balance(name, progress) if stage == "balance" else self._calls(progress, keep))
                except ProviderUnavailable as error:
                    log.warning("the comparison is broken off: %s", error, extra={"account": name})
                    progress.trouble = Sentence(
                        "{account}: the provider could not be asked ({why}). It goes on later.", account=name, why=error
                    )
                    return False
                if not done:
                    return False
        progress.complete = True
        return True

    async def _calls(self, progress: Progress, keep: Keep) -> bool:
        while calls := await asyncio.to_thread(self._page, progress):
            for call in calls:
                await self._compare(call, progress)
                progress.after = call.cursor
                await asyncio.sleep(60 / self.per_minute)
            if not await keep(progress):
                return False
        return True

    def _page(self, progress: Progress) -> list[Call]:
        if progress.stage == "open":
            return self.books.long_open(progress.account, progress.after)
        return self.books.settled(progress.account, progress.since, progress.until, progress.after)

    async def _compare(self, call: Call, progress: Progress) -> None:
        report = await self._lookup(call)
        if isinstance(report, ProviderUnavailable):
            progress.unanswered += 1
            return
        progress.compared += 1
        if report is not None and report.callback_url and call.submission_id not in report.callback_url:
            progress.add(self.books.foreign(call))
            return
        has_news = report is not None and (
            call.may_bring_news or (report.state == "succeeded" and not call.settled_with_picture)
        )
        if report is not None and has_news and await apply(self.submissions, call.submission_id, report):
            if report.state == "succeeded" and report.outputs:
                progress.add(self.books.found(call, report.charged_micro))
            return
        state, charged = (None, None) if report is None else (report.state, report.charged_micro)
        if (difference := self.books.judge(call, state, charged)) is not None:
            progress.add(difference)

    async def _lookup(self, call: Call) -> ProviderReport | ProviderUnavailable | None:
        """The record; the refusal where this call cannot be asked about. Raises where none can, after some tries."""
        for tries_left in reversed(range(TRIES)):
            try:
                return await self.accounts[call.account].provider.lookup(call.provider_task_id)
            except ProviderUnavailable as error:
                if error.permanent:
                    return error
                if not tries_left:
                    raise
                await asyncio.sleep(min(error.retry_in.total_seconds(), self.longest_wait))
        return None

    async def _balance(self, name: str, progress: Progress) -> bool:
        """Compares what is left with what was left at the last comparison, less what we booked since."""
        at = await asyncio.to_thread(self.books.now)
        micro = await self.accounts[name].provider.credits()
        if micro is None:
            return True
        before = progress.balances.get(name)
        progress.balances[name] = {"at": at.isoformat(), "micro": micro}
        if before is None:
            progress.notes.append(Sentence("{account}: {n} credits are left; compared from the next time on.",
                                           account=name, n=format_credits(micro)))  # fmt: skip
            return True
        balance = await asyncio.to_thread(self.books.balance, name, before, at, micro)
        amount = format_credits(abs(balance.unexplained))
        if balance.unexplained > 0:
            progress.notes.append(
                Sentence(
                    "{account}: {n} credits more than our books explain: topped up, or paid back.",
                    account=name,
                    n=amount,
                )
            )
        elif balance.unexplained < 0:
            text = Sentence("{n} credits less than our books explain: charged elsewhere, or for a call we do not know "
                            "of.", n=amount)  # fmt: skip
            progress.add(Difference(at=at.isoformat(), kind=BALANCE, account=name, text=text,
                                    ours_micro=balance.low or 0, theirs_micro=micro))  # fmt: skip
        return True
