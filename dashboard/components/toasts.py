"""Short messages that a callback leaves and the run after it shows.

A callback of a fragment may not draw: Streamlit would warn in the console at each one.
"""

import streamlit as st

from dashboard.components import formats
from dashboard.language import tn


def leave(text: str, icon: str = ":material/info:") -> None:
    """To be called in a callback."""
    st.session_state.setdefault("toasts", []).append((text, icon))


def left_out(count: int) -> str:
    """Of what was to be tried again; "" where nothing was left out."""
    if not count:
        return ""
    return tn(
        count,
        "{n} was left out: its model has gone or changed.",
        "{n} were left out: their models have gone or changed.",
    )


def show() -> None:
    """To be called in a run, of the page or of a fragment."""
    for text, icon in st.session_state.pop("toasts", []):
        st.toast(formats.literal(text), icon=icon)
