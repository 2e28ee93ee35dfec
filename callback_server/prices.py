"""`python -m callback_server.prices`: what the gateway offers and charges beside our catalogue, and what differs.

It asks kie's list of models and its public price list, which is free, and changes nothing: an admin or an editor of the
catalogue decides. Exit codes: 0 no difference, 1 differences, or it could not be asked, 2 for settings that cannot be
used.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.providers.base import ProviderUnavailable
from callback_server.providers.kie_wire import micro, sort_trouble, verdict_of
from callback_server.providers.line import Line
from callback_server.providers.reading import listed, mapping, parse, whole, words
from callback_server.settings import KIE, AccountSettings, ServerSettings
from data.catalog import Catalog, catalog, follow
from data.errors import PictureDeskError
from data.money import format_credits
from data.schema import utcnow

PAUSE_SECONDS = 1.05
"""The catalogue answers one request a second for the whole account (kie-api 2.5)."""
PAGE_SIZE = 100
MOST_PAGES = 50
MAX_ANSWER_BYTES = 8 << 20
_PRACTICE = (
    "Practice mode: these are the lists of the stand-in, which cost nobody anything. "
    "Set NANO_BANANA_API_KEY to compare with those of kie.ai."
)
_OURS = re.compile(r"nano-?banana|seedream|\bveo|sora", re.IGNORECASE)
"""The models that this desk is about; the gateway has hundreds of others."""


@dataclass(frozen=True)
class Offer:
    """A model as the gateway lists it, and every price that its price list has for it, in micro-credits."""

    id: str
    title: str
    prices: frozenset[int] = frozenset()


def main() -> int:
    """Asks, says what differs, gives the exit code."""
    try:
        settings = ServerSettings()
    except (ValidationError, SettingsError, OSError, UnicodeError):
        print("The settings cannot be used; the callback server says what is wrong when it is started.",
              file=sys.stderr)  # fmt: skip
        return 2
    account = next((each for each in settings.provider_accounts if each.provider == KIE), None)
    if account is None:
        print("No key of kie.ai is set: set NANO_BANANA_API_KEY to compare with its lists.", file=sys.stderr)
        return 1
    follow(settings.state_dir)
    try:
        found = differences(catalog(), asyncio.run(offers(account)), utcnow().date())
    except (PictureDeskError, ProviderUnavailable) as error:
        said = str(error).rstrip(".")
        whom = "the stand-in" if settings.practice else "kie.ai"
        print(f"The comparison with {whom} could not be made: {said}. Nothing was charged. Try again later.",
              file=sys.stderr)  # fmt: skip
        return 1
    if settings.practice:
        print(_PRACTICE)
    print("\n".join(found) if found else "Nothing differs.")
    return 1 if found else 0


def differences(ours: Catalog, theirs: Sequence[Offer], on: date) -> list[str]:
    """A sentence for each model that only one side has, and for each whose prices differ."""
    offered = {offer.id: offer for offer in theirs}
    specs = [spec for spec in ours.models if spec.provider == KIE]
    known: dict[str, set[int | None]] = {}
    for spec in specs:
        known.setdefault(spec.sent_as, set()).update(spec.prices_on(on) or {None})
    paused = {spec.sent_as for spec in specs if spec.paused}
    gone = {spec.sent_as for spec in specs if spec.retired(on)}
    out = [f"{name} is offered there and not in our catalogue." for name in offered if name not in known]
    out += [f"{name} is paused in our catalogue and on their list." for name in offered if name in paused]
    out += [f"{name} is retired in our catalogue and on their list." for name in offered if name in gone]
    out += [f"{name} is in our catalogue and not on their list."
            for name in known if name not in offered and name not in paused | gone]  # fmt: skip
    out += [f"{name} costs {_said(offer.prices)} credits there and {_said(known[name])} in our catalogue."
            for name, offer in offered.items()
            if offer.prices and name in known and offer.prices != known[name]]  # fmt: skip
    return out


def _said(prices: frozenset[int] | set[int | None]) -> str:
    """ "4, 6 and 9": prices in micro-credits, the lowest first."""
    amounts = [format_credits(each) for each in sorted(each for each in prices if each is not None)]
    amounts += ["(price unknown)"] if None in prices else []
    return " and ".join(filter(None, (", ".join(amounts[:-1]), amounts[-1])))


async def offers(account: AccountSettings) -> list[Offer]:
    """The gateway's models of our families, with the prices of its public list. Raises ProviderUnavailable."""
    line = Line(key=account.key, urls=(account.api_url,), seconds=60, most_bytes=MAX_ANSWER_BYTES)
    try:
        data = await _data(line, "GET", f"{account.api_url}/api/v1/models")
        models = [mapping(each) for each in listed(data.get("models"))]
        named = [Offer(name, words(each.get("title"))) for each in models
                 if _OURS.search(name := words(each.get("model")))]  # fmt: skip
        if not named:
            raise ProviderUnavailable("Its list of models holds none of our families.")
        slugs = {words(each.get("slug")): words(each.get("model")) for each in models if each.get("slug")}
        prices: dict[str | None, set[int]] = {}
        async for row in _rows(line, account.api_url):
            price = micro(row.get("creditPrice"))
            if price is not None and price > 0:
                prices.setdefault(_model_of(row, named, slugs), set()).add(price)
    finally:
        await line.aclose()
    return [replace(each, prices=frozenset(prices.get(each.id, ()))) for each in named]


async def _rows(line: Line, base: str) -> AsyncIterator[dict[str, Any]]:
    """The rows of the public price list, page by page, one call a second."""
    for number in range(1, MOST_PAGES + 1):
        await asyncio.sleep(PAUSE_SECONDS)
        asked = {"pageNum": number, "pageSize": PAGE_SIZE}
        data = await _data(line, "POST", f"{base}/client/v1/model-pricing/page", json=asked)
        for each in listed(data.get("records")):
            yield mapping(each)
        if number >= (whole(data.get("pages")) or 0):
            return


async def _data(line: Line, method: str, url: str, **options: Any) -> Mapping[str, Any]:
    status, headers, body = await line.ask(method, url, **options)
    answer = parse(body)
    data = mapping(mapping(answer).get("data"))
    if verdict_of(status, answer) != 200 or not data:
        raise sort_trouble(status, headers, answer)
    return data


def _model_of(row: Mapping[str, Any], named: Sequence[Offer], slugs: Mapping[str, str]) -> str | None:
    """Whose price a row is: by the address that it points to, else by the model's title at its beginning.

    The list has no field for the id. Of several titles that fit the longest counts: "nano banana" begins many.
    """
    anchor = urlsplit(words(row.get("anchor"), 1000))
    pointed = [*parse_qs(anchor.query).get("model", []), slugs.get(anchor.path.rpartition("/")[2], "")]
    for offer in named:
        if offer.id in pointed:
            return offer.id
    said = words(row.get("modelDescription")).lower()
    fitting = [offer for offer in named if offer.title and said.startswith(offer.title.lower())]
    return max(fitting, key=lambda offer: len(offer.title)).id if fitting else None


if __name__ == "__main__":
    sys.exit(main())
