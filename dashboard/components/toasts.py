"""Short messages that a callback leaves and the run after it shows.

A callback of a fragment may not draw: Streamlit would warn in the console at each one.
"""

import streamlit as st


def leave(text: str, icon: str = ":material/info:") -> None:
    """To be called in a callback."""
    st.session_state.setdefault("toasts", []).append((text, icon))


def show() -> None:
    """To be called in a run, of the page or of a fragment."""
    for text, icon in st.session_state.pop("toasts", []):
        st.toast(text, icon=icon)
