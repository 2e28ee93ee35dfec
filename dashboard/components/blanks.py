"""Which template is in the form, and what its blanks are filled with: session state, kept for the next visit.

Without a template braces are only braces: nobody's prompt is read for blanks that they did not mean.
"""

import secrets
from contextlib import suppress
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components.trouble import DATABASE_ERRORS
from data.schema import Template
from data.templates import filled, slots


def start(kept: Any) -> None:
    """As it was at the last visit. Call before any widget."""
    state = st.session_state
    state["template"], state["blanks"] = None, {}
    if isinstance(kept, dict) and {"id", "name", "blanks"} <= kept.keys():
        state["template"] = {"id": kept["id"], "name": kept["name"], "use": secrets.token_hex(4)}
        state["blanks"] = dict(kept["blanks"])


def take(template: Template | None) -> None:
    """The form's prompt is this template's now, with nothing filled in; or no template's any more."""
    state = st.session_state
    if template is None and state["template"] is None:
        return
    state["blanks"] = {}
    state["template"] = template and {"id": template.id, "name": template.name, "use": secrets.token_hex(4)}
    keep()


def fill_in(name: str, value: str) -> None:
    """This is what stands in a blank now."""
    st.session_state["blanks"] = st.session_state["blanks"] | {name: value}
    keep()


def names(prompt: str) -> tuple[str, ...]:
    """The blanks of the prompt, where it is a template's."""
    return slots(prompt) if st.session_state["template"] else ()


def unfilled(prompt: str) -> tuple[str, ...]:
    """Those in which nothing stands."""
    return tuple(name for name in names(prompt) if not st.session_state["blanks"].get(name, "").strip())


def asked(prompt: str) -> str:
    """The prompt as it goes out: a template's with its blanks filled."""
    return filled(prompt, st.session_state["blanks"]) if st.session_state["template"] else prompt


def keep() -> None:
    """Remembers them for the next visit."""
    state = st.session_state
    kept = state["template"] and {**state["template"], "blanks": state["blanks"]}
    with suppress(*DATABASE_ERRORS):  # the next visit would only start without it
        resources.desk().preferences.remember(state["form_of"], template=kept)
