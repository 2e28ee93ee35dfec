"""What the provider accounts still hold, beside what a press would take of it, and how long it lasts.

It only foretells, and stops nobody: what an account cannot pay waits at its gate, uncharged. Practice costs nothing,
and direct roads tell nobody what is left; of both nothing is said.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import streamlit as st

from dashboard import resources
from dashboard.components import formats, server
from dashboard.components.form import Form
from dashboard.components.server import About
from dashboard.language import t, tn
from data.catalog import ROADS
from data.schema import Health

_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Held:
    """One account that a press would draw on. Money in micro-credits."""

    road: str
    micro: int  # what it held when it was last asked, less what was sent since and what waits to be sent
    needed: int

    @property
    def short(self) -> bool:
        """Whether it cannot pay for the whole press."""
        return self.needed > self.micro


def held(form: Form) -> list[Held]:
    """The accounts of the chosen models that say what they hold, in the order of the models."""
    known, needed = server.about(), Counter[tuple[str, str]]()
    for ask in form.priced:
        road = ask.spec.provider
        needed[account_of(road, ask.spec.family, known), road] += (ask.price or 0) * form.count
    accounts = left({account for account, _ in needed}, known)
    return [Held(road, accounts[account], cost) for (account, road), cost in needed.items() if account in accounts]


def account_of(provider: str, family: str, known: About) -> str:
    """Which of the connected accounts pays for such a model: its family's own goes before its road's."""
    own = f"{provider}-{family}"
    return own if own in known.accounts else provider


def left(accounts: Iterable[str], known: About) -> dict[str, int]:
    """What each of these accounts holds now, as far as anybody knows; without those of which nobody does."""
    waiting = Counter[str]()
    for (provider, family), micro in resources.desk().ledger.waiting().items():
        waiting[account_of(provider, family, known)] += micro
    found = {account: _last_told(account, known.board) for account in accounts}
    return {account: max(0, micro - waiting[account]) for account, micro in found.items() if micro is not None}


def _last_told(account: str, board: Mapping[str, Health]) -> int | None:
    """Less what was sent since."""
    row = board.get(f"provider:{account}")
    if row is None:
        return None
    if row.data.get("code") == "no_credits":
        return 0
    told = row.data.get("credits_micro")
    if not isinstance(told, int):
        return None
    return max(0, told - resources.desk().ledger.sent(account, since=row.at).micro)


def told() -> object:
    """What the accounts hold, also after what others pressed: for whoever keeps a page that shows it true."""
    known = server.about()
    return None if known.practice else left(known.accounts, known)


@st.cache_data(ttl=timedelta(minutes=1), show_spinner=False)
def _week(account: str) -> tuple[float, float] | None:
    """Micro-credits a picture and a day, over what was sent in the last seven days; None where nothing has cost."""
    now = resources.now()
    sent = resources.desk().ledger.sent(account, since=now - _WEEK)
    if sent.first is None or not sent.micro:
        return None
    days = max(1.0, (now - sent.first) / timedelta(days=1))  # of a desk that is new, those that there were
    return sent.micro / sent.calls, sent.micro / days


def lasts(account: str, micro: int) -> str:
    """ "Enough for about 496 pictures, or for 9 days at the pace of the last 7."; empty where nothing was paid yet."""
    pace = _week(account)
    if pace is None or not micro:
        return ""
    pictures, days = int(micro / pace[0]), int(micro / pace[1])
    if pictures < 1:
        return t("Not enough for one more at the price of the last 7 days.")
    for_days = tn(days, "{n} day", "{n} days") if days else t("less than a day")
    return t(
        "Enough for about {n} more at the price of the last 7 days; at their pace, for {days}.",
        n=f"{pictures:,}", days=for_days,
    )  # fmt: skip


def line(one: Held, *, alone: bool) -> str:
    """What stands in the price line: "1,984 credits left ($9.92)", with its road where others stand beside it."""
    said = formats.balance(one.micro, practice=False)
    return said if alone else t("{road}: {balance}", road=t(ROADS[one.road]), balance=said)


def warning(one: Held) -> str:
    """What happens to a press that is dearer than what is left."""
    return t(
        "The account at {road} holds {left}, and this needs {needed}. "
        "What it does not cover waits, and is not charged, until an admin tops it up.",
        road=t(ROADS[one.road]), left=formats.money(one.micro), needed=formats.money(one.needed),
    )  # fmt: skip
