"""Accounts: one per key, closed together."""

import asyncio

import pytest

from callback_server.providers.ark import Ark
from callback_server.providers.base import PaidCall
from callback_server.providers.gemini import Gemini
from callback_server.providers.kie import Kie
from callback_server.providers.registry import accounts, aclose
from callback_server.settings import ServerSettings


def test_one_key_is_one_account_for_all_families() -> None:
    (account,) = accounts(ServerSettings(_env_file=None, nano_banana_api_key="first-key"))
    assert account.name == "kie"
    assert account.serves == {("kie", family) for family in ("nano-banana", "seedream", "veo", "sora")}
    assert isinstance(account.provider, Kie)
    asyncio.run(aclose([account]))


def test_two_keys_are_two_accounts_whose_families_do_not_overlap() -> None:
    opened = accounts(ServerSettings(_env_file=None, nano_banana_api_key="first-key", seedream_api_key="second-key"))
    first, second = (account.serves for account in opened)
    assert second == {("kie", "seedream")}
    assert first == {("kie", "nano-banana"), ("kie", "veo"), ("kie", "sora")}
    assert "first-key" not in repr(opened)
    assert "second-key" not in repr(opened)
    asyncio.run(aclose(opened))


def test_a_direct_road_waits_longer_on_more_seats_and_never_serves_the_gateways_tasks() -> None:
    keys = {"nano_banana_api_key": "first-key", "gemini_api_key": "second-key", "ark_api_key": "third-key"}
    kie, google, ark = accounts(ServerSettings(_env_file=None, submit_timeout_seconds=40, **keys))
    assert isinstance(google.provider, Gemini)
    assert isinstance(ark.provider, Ark)
    assert (google.serves, ark.serves) == ({("gemini", "nano-banana")}, {("ark", "seedream")})
    assert (kie.submit_seconds, kie.seats, kie.provider.at_once) == (40, 4, False)
    for road in (google, ark):
        assert (road.submit_seconds, road.seats, road.provider.at_once) == (300, 10, True)
        assert "-key" not in repr(road)
    asyncio.run(aclose([kie, google, ark]))


@pytest.mark.parametrize(("chosen", "budget", "seats"), [(None, 10, 10), (2, 10, 2), (64, 10, 10), (None, 3, 3)])
def test_no_more_calls_are_on_their_way_than_may_be_in_doubt(chosen: int | None, budget: int, seats: int) -> None:
    chosen_seats = {} if chosen is None else {"sends_at_once": chosen}
    settings = ServerSettings(_env_file=None, gemini_api_key="a-key", doubt_budget=budget, **chosen_seats)
    (road,) = accounts(settings)
    assert road.seats == seats
    asyncio.run(aclose([road]))


def test_a_closed_account_does_not_pay() -> None:
    async def scenario() -> None:
        opened = accounts(ServerSettings(_env_file=None))
        await aclose(opened)
        for account in opened:
            with pytest.raises(RuntimeError, match="closed"):
                await account.provider.submit(PaidCall("s", "m", {}, None))

    asyncio.run(scenario())
