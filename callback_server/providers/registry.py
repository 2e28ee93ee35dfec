"""Which provider accounts are configured, by name. An account is a key: it has its own pace and its own money."""

from collections.abc import Iterable
from dataclasses import dataclass

from callback_server.providers.ark import Ark
from callback_server.providers.base import Provider
from callback_server.providers.direct import SEATS, SUBMIT_SECONDS
from callback_server.providers.gemini import Gemini
from callback_server.providers.kie import Kie
from callback_server.settings import ARK, GEMINI, AccountSettings, ServerSettings


@dataclass(frozen=True)
class Account:
    """One account, and the (provider, family) pairs whose tasks it pays for."""

    name: str  # "kie", "kie-seedream", "gemini", "ark": stored with every submission
    provider: Provider
    serves: frozenset[tuple[str, str]]
    submit_seconds: float = 60.0  # how long an answer to a paid call is waited for
    seats: int = 4  # paid calls on their way at the same moment


def accounts(settings: ServerSettings) -> list[Account]:
    """The configured accounts; in practice mode, the sandbox in everybody's place. Opens no connection yet."""
    return [_opened(account, settings) for account in settings.provider_accounts]


def _opened(account: AccountSettings, settings: ServerSettings) -> Account:
    seconds, seats = settings.submit_timeout_seconds, settings.sends_at_once
    if account.provider in (GEMINI, ARK):
        # The picture is drawn while we wait for the answer, so a wait that fits the gateway would leave only doubts.
        seconds = max(seconds, SUBMIT_SECONDS)
        seats = seats if "sends_at_once" in settings.model_fields_set else SEATS
        seats = min(seats, settings.doubt_budget)  # a server that dies leaves all of them in doubt
        road = Gemini if account.provider == GEMINI else Ark
        provider: Provider = road(key=account.key, api_url=account.api_url, submit_timeout_seconds=seconds)
    else:
        provider = Kie(
            key=account.key,
            api_url=account.api_url,
            upload_url=account.upload_url,
            submit_timeout_seconds=seconds,
        )
    return Account(account.name, provider, account.serves, seconds, seats)


async def aclose(opened: Iterable[Account]) -> None:
    """Closes what `accounts` made."""
    for account in opened:
        await account.provider.aclose()
