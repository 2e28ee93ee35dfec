"""What the callback server says of itself through the health board, and the banners that follow from it."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import trouble, words
from dashboard.language import t
from data.catalog import catalog_halt
from data.schema import Health

SILENT_AFTER = timedelta(seconds=15)  # it writes every five
LOOK_SECONDS = 2.0
"""How often a page looks whether what halts everything is mended. Without such a halt it has no timer."""


@dataclass(frozen=True)
class About:
    """The server's last word about itself; `beat` is None when it never spoke."""

    practice: bool = False
    unconfirmed_minutes: float = 30.0
    rescue_days: float = 14.0
    creates: int = 20
    window_seconds: float = 10.5
    per_person: int = 20
    callback_base: str = ""
    accounts: tuple[str, ...] = ()
    connected: frozenset[tuple[str, str]] = frozenset()  # (provider, family) pairs that somebody pays for
    configured: tuple[dict[str, str], ...] = ()
    halt: str = ""  # what is wrong with the admin's catalogue while nothing is sent because of it
    beat: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)
    board: dict[str, Health] = field(default_factory=dict, compare=False)  # what everybody said, at the same look

    def silent(self, now: datetime) -> bool:
        """Whether it has not spoken for longer than it ever should."""
        return self.beat is None or now - self.beat > SILENT_AFTER


def about() -> About:
    """What the server said of itself when this page, or this live part of it, last looked."""
    kept: About | None = st.session_state.get("about")
    return kept or look()


def look() -> About:
    """Asks the health board anew: once for a page, once for each drawing of a live part, and before money is spent."""
    st.session_state["about"] = known = _read()
    return known


def _read() -> About:
    board = resources.desk().health.all()
    row = board.get("server")
    if row is None:
        return About(halt=catalog_halt())
    pace = row.data.get("pace") or {}
    return About(
        rescue_days=float(row.data.get("rescue_days") or 14),
        creates=int(pace.get("creates") or 20),
        window_seconds=float(pace.get("window_seconds") or 10.5),
        per_person=int(pace.get("per_person") or 20),
        practice=bool(row.data.get("practice")),
        unconfirmed_minutes=float(row.data.get("unconfirmed_minutes") or 30),
        callback_base=str(row.data.get("callback_base") or ""),
        accounts=tuple(row.data.get("accounts") or ()),
        connected=frozenset((provider, family) for provider, family in row.data.get("connected") or ()),
        configured=tuple(row.data.get("configured") or ()),
        halt=catalog_halt() or _halt_there(row),
        beat=row.at,
        data=row.data,
        board=board,
    )


def _halt_there(row: Health) -> str:
    """The server may have started at another moment than we did, and have read another state of the same file."""
    alive = resources.now() - row.at <= SILENT_AFTER
    return str(row.data.get("halt") or "") if alive else ""


def banners() -> None:
    """What must be known on every page: practice mode, a server that is silent, and a catalogue that halts it."""
    known, now = about(), resources.now()
    if known.beat is None:
        st.error(t(words.SERVER_NEVER), icon=":material/power_off:")
    elif known.silent(now):
        st.error(words.server_silent(known.beat, now), icon=":material/power_off:")
    if known.halt:
        st.error(words.halted(known.halt), icon=":material/block:")
        st.fragment(_until_mended, run_every=LOOK_SECONDS)(known.halt)
    if known.practice:
        st.info(t(words.PRACTICE), icon=":material/draw:")


def _until_mended(told: str) -> None:
    """A mended file is in force by itself; so the banner goes, and the button works, without a click."""
    with suppress(*trouble.DATABASE_ERRORS):
        if look().halt != told:
            st.rerun()
