"""What the callback server says of itself through the health board, and the banners that follow from it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import words

SILENT_AFTER = timedelta(seconds=15)  # it writes every five


@dataclass(frozen=True)
class About:
    """The server's last word about itself; `beat` is None when it never spoke."""

    practice: bool = False
    unconfirmed_minutes: float = 30.0
    rescue_days: float = 14.0
    creates: int = 20
    window_seconds: float = 10.5
    callback_base: str = ""
    accounts: tuple[str, ...] = ()
    connected: frozenset[tuple[str, str]] = frozenset()  # (provider, family) pairs that somebody pays for
    configured: tuple[dict[str, str], ...] = ()
    beat: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)

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
    row = resources.desk().health.all().get("server")
    if row is None:
        return About()
    pace = row.data.get("pace") or {}
    return About(
        rescue_days=float(row.data.get("rescue_days") or 14),
        creates=int(pace.get("creates") or 20),
        window_seconds=float(pace.get("window_seconds") or 10.5),
        practice=bool(row.data.get("practice")),
        unconfirmed_minutes=float(row.data.get("unconfirmed_minutes") or 30),
        callback_base=str(row.data.get("callback_base") or ""),
        accounts=tuple(row.data.get("accounts") or ()),
        connected=frozenset((provider, family) for provider, family in row.data.get("connected") or ()),
        configured=tuple(row.data.get("configured") or ()),
        beat=row.at,
        data=row.data,
    )


def banners() -> None:
    """What must be known on every page: practice mode, and a server that is silent."""
    known, now = about(), resources.now()
    if known.beat is None:
        st.error(words.SERVER_NEVER, icon=":material/power_off:")
    elif known.silent(now):
        st.error(words.server_silent(known.beat, now), icon=":material/power_off:")
    if known.practice:
        st.info(words.PRACTICE, icon=":material/draw:")
