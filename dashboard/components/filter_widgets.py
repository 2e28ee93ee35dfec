"""What the filters of History are made of: widgets that show what the address says and write into it.

It knows no filter in particular; `filters.py` does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from dashboard.components import address, formats, listing
from dashboard.language import t


def key_of(name: str, value: Any) -> str:
    """The key of a widget in which stands what the address says.

    Where it says something else than the widget, the widget is another one from now on: a closed popover would not
    hear of the new value, and would send us the old one again.
    """
    turn = st.session_state.setdefault(f"f_turn_{name}", 0)
    kept = st.session_state.get(named(name), value)
    half_chosen = isinstance(kept, tuple) and len(kept) == 1  # the second of two days is still to come
    if kept != value and not half_chosen:
        st.session_state[f"f_turn_{name}"] = turn + 1
    st.session_state.setdefault(named(name), value)
    return named(name)


def named(name: str) -> str:
    """The key of the widget that shows this filter now."""
    turn = st.session_state.get(f"f_turn_{name}", 0)
    return f"f_{name}_{turn}" if turn else f"f_{name}"


def changed(name: str) -> None:
    """A widget's callback: what it says now stands in the address."""
    value = st.session_state[named(name)]
    address.say(**{name: value if isinstance(value, list) else [value] if value else []})
    listing.anew()


def popover(name: str, label: str, values: Sequence[str], body: Callable[[], None]) -> None:
    """A button that says what is chosen, and opens the choice."""
    more = f" +{len(values) - 1}" if len(values) > 1 else ""
    value = f"**{formats.literal(_short(values[0]))}**{more}" if values else ""
    shown = t("{label}: {value}", label=label, value=value) if values else label
    with st.popover(shown, key=f"pick_{name}"):
        body()


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
