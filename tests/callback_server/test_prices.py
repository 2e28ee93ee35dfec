"""The comparison of our catalogue with the gateway's lists: what it finds, how it reads them, how politely it asks."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from local import local
from nursery import Child
from processes import free_port, wait_until
from pydantic import SecretStr
from wires import Request, Script, http, serving

from callback_server.prices import PAUSE_SECONDS, Offer, differences, main, offers
from callback_server.providers.base import ProviderUnavailable
from callback_server.settings import AccountSettings
from data.catalog import catalog

KEY = "a-key-that-nobody-may-see"
TODAY = date(2026, 11, 23)


def account(url: str) -> AccountSettings:
    return AccountSettings("kie", "kie", SecretStr(KEY), url, frozenset({"nano-banana"}))


def as_ours() -> list[Offer]:
    """A gateway that offers and charges exactly what our catalogue says."""
    found: dict[str, set[int]] = {}
    for spec in catalog().models:
        if spec.provider == "kie" and not spec.paused:
            found.setdefault(spec.sent_as, set()).update(spec.prices_on(TODAY))
    return [Offer(name, name, frozenset(prices)) for name, prices in found.items()]


@pytest.mark.functions
def test_nothing_differs_where_both_say_the_same() -> None:
    assert differences(catalog(), as_ours(), TODAY) == []


@pytest.mark.functions
def test_each_kind_of_difference_is_a_sentence_of_its_own() -> None:
    theirs = [offer for offer in as_ours() if offer.id != "bytedance/seedream"]
    theirs = [replace(offer, prices=frozenset({5_000_000, 9_500_000})) if offer.id == "nano-banana-2-1" else offer
              for offer in theirs]  # fmt: skip
    theirs += [Offer("seedream/6-pro", "Seedream 6 Pro"), Offer("sora-2-text-to-video", "Sora 2")]
    assert differences(catalog(), theirs, TODAY) == [
        "seedream/6-pro is offered there and not in our catalogue.",
        "sora-2-text-to-video is paused in our catalogue and on their list.",
        "bytedance/seedream is in our catalogue and not on their list.",
        "nano-banana-2-1 costs 5 and 9.5 credits there and 4, 6 and 9 in our catalogue.",
    ]


@pytest.mark.functions
def test_a_price_that_only_they_know_differs_and_one_that_nobody_lists_does_not() -> None:
    layers = "seedream/5-pro-layer-decomposition"
    theirs = [replace(offer, prices=frozenset({7_000_000} if offer.id == layers else ())) for offer in as_ours()]
    assert differences(catalog(), theirs, TODAY) == [
        f"{layers} costs 7 credits there and (price unknown) in our catalogue."
    ]


MODELS = [
    {"model": "google/nano-banana", "slug": "nano-banana", "title": "Google nano banana"},
    {"model": "nano-banana-pro", "slug": "google-pro", "title": "Google nano banana pro"},
    {"model": "seedream/4.5-edit", "slug": "seedream-4-5-edit", "title": "Seedream 4.5 edit"},
    {"model": "grok-imagine/text-to-image", "slug": "grok", "title": "Grok"},
    {"model": 5}, "odd",
]  # fmt: skip
ROWS: list[Any] = [
    {"modelDescription": "Google nano banana pro, 4K", "creditPrice": "24", "anchor": "https://kie.ai/elsewhere"},
    {
        "modelDescription": "nothing that helps",
        "creditPrice": "18.0",
        "anchor": "https://kie.ai/x?model=nano-banana-pro",
    },
    {"modelDescription": "google Nano Banana, any", "creditPrice": "4", "anchor": None},
    {"modelDescription": "nothing either", "creditPrice": "6.5", "anchor": "https://kie.ai/seedream-4-5-edit"},
    {"modelDescription": "Seedream 4.5 edit", "creditPrice": "soon"},
    {"modelDescription": "Grok", "creditPrice": "1"},
    {"modelDescription": "Google nano banana", "creditPrice": "0"},
    7,
]


def answering(models: Any = None, pages: Any = None, *, code: int = 200) -> Script:
    async def script(request: Request, writer: Any) -> None:
        listing = {"total": 3, "models": MODELS if models is None else models}
        page = {"records": ROWS[:4] if b'"pageNum":1' in request.body else ROWS[4:], "pages": 2}
        data = listing if request.target == "/api/v1/models" else (page if pages is None else pages)
        writer.write(http(json.dumps({"code": code, "msg": "words", "data": data}).encode()))

    return script


async def asked(script: Script) -> tuple[list[Offer], list[Request], float]:
    async with serving(script) as server:
        started = time.monotonic()
        return await offers(account(server.url)), server.requests, time.monotonic() - started


@pytest.mark.http
def test_prices_are_read_by_address_or_title_over_all_pages_at_one_call_a_second() -> None:
    found, requests, seconds = asyncio.run(asked(answering()))
    assert {offer.id: sorted(offer.prices) for offer in found} == {
        "google/nano-banana": [4_000_000],
        "nano-banana-pro": [18_000_000, 24_000_000],
        "seedream/4.5-edit": [6_500_000],
    }
    assert [(each.method, each.target) for each in requests] == [
        ("GET", "/api/v1/models"),
        ("POST", "/client/v1/model-pricing/page"),
        ("POST", "/client/v1/model-pricing/page"),
    ]
    assert seconds >= 2 * PAUSE_SECONDS


@pytest.mark.http
@pytest.mark.parametrize(
    "script",
    [answering(code=401), answering(models=[]), answering(models="none"), answering(models=[{"model": "grok"}])],
)
def test_a_list_that_cannot_be_read_is_no_list_of_differences(script: Script) -> None:
    with pytest.raises(ProviderUnavailable):
        asyncio.run(asked(script))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[int]:
    """The port of a sandbox process of its own."""
    port = free_port()
    arguments = ["--port", str(port), "--state-dir", str(tmp_path / "box")]
    process = Child("callback_server.sandbox", arguments, os.environ, tmp_path / "log")
    try:
        wait_until(lambda: answers(port), 20, what="the sandbox answers")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int) -> bool:
    try:
        return local.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.http
def test_the_command_names_what_the_practice_provider_charges_differently(
    sandbox: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SANDBOX_PORT", str(sandbox))
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    assert main() == 1
    heading, *said = capsys.readouterr().out.splitlines()
    assert heading.startswith("Practice mode: these are the lists of the stand-in")
    assert "nano-banana-2 costs 5, 8 and 12 credits there and 8, 12 and 18 in our catalogue." in said
    assert all(" costs " in line for line in said)  # no model of theirs is missing here, and none of ours there


@pytest.mark.http
def test_the_command_says_that_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SANDBOX_PORT", str(free_port()))
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    assert main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("The comparison with the stand-in could not be made: ")
    assert told.err.endswith(". Nothing was charged. Try again later.\n")
