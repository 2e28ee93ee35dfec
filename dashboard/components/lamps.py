"""The health lamps: each part of the house says in words how it is, and one button asks it again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import streamlit as st

from dashboard import resources
from dashboard.components import credit, formats, trouble
from dashboard.components.server import about, look
from dashboard.language import t, tn
from dashboard.retold import retold
from data.catalog import ROADS
from data.errors import PictureDeskError
from data.schema import Health
from data.sentences import Sentence, listed, paragraph

_KNOWN = {"server", "storage", "webhook", "database", "practice", "catalogue"}
"""Drawn by name, or no lamp at all: the board also notes whether the desk practised. A colon marks parts of others."""
_TITLES = {"storage": "Storage", "webhook": "Webhook", "catalogue": "Models", "money": "Charges",
           "pictures": "Stored pictures", "clock": "Clock", "videos": "Video reader"}  # fmt: skip
_BY_NIGHT, _BY_EVENT = {"money", "pictures"}, {"database", "clock", "videos"}
"""Looked at once a night, and spoken of only when something changes. All others are looked at every few minutes."""
_OLD = timedelta(minutes=15)
"""A regular look is five minutes apart: what is older than this may have changed since."""
_CHECK, _TEST = Sentence("Check now"), Sentence("Test the round trip")
_WIDTH = 300
"""Pixels that a lamp has at least."""
_PATIENCE = timedelta(seconds=20)
"""How long a pressed "Check now" keeps the page looking for the answer."""


@dataclass(frozen=True)
class Lamp:
    """`state` is well, trouble, asked or unknown; `ask` is the health board's name to ask again, or empty."""

    title: str
    state: str
    message: str
    when: str  # of when the message is, as a sentence; or empty
    ask: str
    button: str = _CHECK
    waiting: bool = False


_STATES = {"well": "Working", "trouble": "Needs attention", "asked": "Checking", "unknown": "Not known"}
_LOOKS = {
    "well": ("green", "check"),
    "trouble": ("red", "priority_high"),
    "asked": ("blue", "hourglass_top"),
    "unknown": ("gray", "question_mark"),
}
"""Colour and icon of each state."""


def lamps() -> None:
    """All lamps; looks again every second while an answer is awaited, otherwise it is drawn once."""
    waiting = any(lamp.waiting for lamp in all_lamps())
    st.fragment(_lamps, run_every=1.0 if waiting else None)(waiting)


def _lamps(waiting: bool) -> None:
    with trouble.live_part("lamps"):
        shown = all_lamps()
        st.markdown(_answer(shown))
        grid = st.grid("auto", min_column_width=_WIDTH)
        for index, lamp in enumerate(shown):
            with grid.container(border=True, height="stretch", key=f"lamp_{index}"):
                _draw(lamp, index)
        if any(lamp.waiting for lamp in shown) != waiting:
            st.rerun()


def _answer(shown: Sequence[Lamp]) -> str:
    """Whether all is well, in a sentence: what needs attention by name."""
    bad = [formats.literal(lamp.title) for lamp in shown if lamp.state == "trouble"]
    if bad:
        return tn(len(bad), "{n} part needs attention: {parts}.", "{n} parts need attention: {parts}.",
                  parts=t(listed(bad)))  # fmt: skip
    well = sum(lamp.state == "well" for lamp in shown)
    if well == len(shown):
        return t("Yes: all {n} parts work.", n=well)
    return t("{n} of {all} parts work; of the rest it is not known yet.", n=well, all=len(shown))


def _draw(lamp: Lamp, index: int) -> None:
    (colour, icon), state = _LOOKS[lamp.state], t(_STATES[lamp.state])
    with st.container(gap=None):
        st.markdown(f"**{formats.literal(lamp.title)}** :{colour}-badge[:material/{icon}: {state}]")
        st.markdown(f":small[{formats.prose(t(paragraph(lamp.message, lamp.when)))}]")
        if lamp.ask:
            st.button(
                t("Checking…") if lamp.waiting else t(lamp.button), key=f"check_{index}", type="tertiary",
                icon=":material/refresh:", disabled=lamp.waiting,
                on_click=_ask, args=(lamp.ask,),
            )  # fmt: skip


def _ask(name: str) -> None:
    with trouble.callback():
        resources.desk().health.ask(name)


def all_lamps() -> list[Lamp]:
    """Server, database, each provider account the server knows, storage, webhook, models, and whatever else spoke.

    A part that this file does not know by name can be read, but not asked: only its own worker knows how.
    """
    board, now, known = resources.desk().health.all(), resources.now(), look()
    lamps = [_server(known.beat, known.silent(now)), _database(board.get("database"), now)]
    lamps += [_lamp(_account(name.removeprefix("provider:")), row, now, name) for name, row in sorted(board.items())
              if name.startswith("provider:") and name.removeprefix("provider:") in known.accounts]  # fmt: skip
    lamps.append(_lamp(t(_TITLES["storage"]), board.get("storage"), now, "storage"))
    webhook = _lamp(t(_TITLES["webhook"]), board.get("webhook"), now, "webhook", _TEST)
    where = Sentence("Providers call {address}.", address=known.callback_base) if known.callback_base else ""
    lamps.append(replace(webhook, message=t(paragraph(where, webhook.message))))
    models = _lamp(t(_TITLES["catalogue"]), board.get("catalogue"), now, "catalogue")
    lamps.append(replace(models, ask=""))  # looked at all the time
    others = sorted(name for name in board if name not in _KNOWN and ":" not in name)
    titles = {name: t(_TITLES[name]) if name in _TITLES else name.capitalize() for name in others}
    return [*lamps, *(replace(_lamp(titles[name], board[name], now, name), ask="") for name in others)]


def _account(name: str) -> str:
    """An account by the name that people know its provider by."""
    road, _, family = name.removeprefix("sandbox").removeprefix("-").partition("-")
    known = ROADS.get(road or "kie", name)
    if name.startswith("sandbox"):
        return t("Stand-in for {provider}", provider=known.partition(",")[0])
    if family:
        return t("Provider {provider} for {family}", provider=t(known), family=family.capitalize())
    return t("Provider {provider}", provider=t(known))


def _when(name: str, at: datetime, now: datetime) -> str:
    """When a part was looked at, and what it means that this was long ago."""
    ago = formats.age(at, now)
    if name in _BY_EVENT:
        since = formats.clock(at) if now - at < timedelta(hours=20) else formats.date_and_time(at)
        return t("Unchanged since {time}.", time=since)
    if name in _BY_NIGHT:
        return t("Checked {when}, as every night.", when=ago)
    if name == "webhook" or now - at < _OLD:
        return t("Checked {when}.", when=ago)
    return t(
        "Checked {when}, and not since: it may have changed. The callback server should check it every five minutes.",
        when=ago,
    )


def _server(beat: datetime | None, silent: bool) -> Lamp:
    title = t("Callback server")
    if silent:
        since = Sentence("Silent since {time}.", time=formats.clock(beat)) if beat else Sentence("Not started yet.")
        return Lamp(title, "trouble", t(paragraph(since, t("Requests wait and nothing is lost."))), "", "")
    return Lamp(title, "well", t("Sends requests, receives results and saves pictures."), "", "")


def _database(row: Health | None, now: datetime) -> Lamp:
    """What we see ourselves, and what the server says of its own trouble with it."""
    title = t("Database")
    try:
        total, active = resources.desk().glances.count(), resources.desk().history.active_count()
    except PictureDeskError as error:
        return Lamp(title, "trouble", t(error.sentence), "", "")
    said = t("{requests}, {n} under way.", requests=formats.requests(total), n=f"{active:,}")
    if row is None:
        return Lamp(title, "well", said, "", "")
    state, when = "well" if row.ok else "trouble", _when("database", row.at, now)
    return Lamp(title, state, t(paragraph(said, retold(row.message))), when, "")


def _lamp(title: str, row: Health | None, now: datetime, name: str, button: str = _CHECK) -> Lamp:
    if row is None:
        return Lamp(title, "unknown", t("Not looked at yet."), "", name, button)
    waiting = row.requested_at is not None and now - row.requested_at < _PATIENCE
    # The round trip under way: its nonce is on the board, its result is not.
    waiting = waiting or ("nonce" in row.data and "seconds" not in row.data and now - row.at < _PATIENCE)
    message = retold(row.message)
    left = row.data.get("credits_micro")
    if isinstance(left, int):
        practice = about().practice
        balance = t("{balance}.", balance=formats.balance(left, practice=practice))
        lasts = "" if practice else credit.lasts(name.removeprefix("provider:"), left)
        message = t(paragraph(message, balance, lasts))
    state = "asked" if waiting else "well" if row.ok else "trouble"
    when = "" if row.requested_at else _when(name, row.at, now)
    return Lamp(title, state, message, when, name, button, waiting)
