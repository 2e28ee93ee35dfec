"""What the form was filled from: the task that its next press comes of, and the form as it stood before, for one Undo.

Plain session state beside that of `form.py`, which tells this file before it is filled. How a request comes of the
task is found when it is made, from what then stands in the form (`data.lineage`).
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.resources import desk
from data.errors import NotFound
from data.history import Detail
from data.lineage import relation
from data.relation import Parent
from data.requests import GenerationRequest

_FORM = (
    "draft", "references", "awaited", "refused", "chosen", "several", "count", "wanted", "wanted_model", "template",
    "blanks", "origin", "project",
)  # fmt: skip
"""All that a filling may overwrite, by its keys in the session, as far as they are there."""


@dataclass(frozen=True)
class Origin:
    """The task that the form was filled from. `note` is what must be said of it, such as another model than asked."""

    task_id: str
    lent: str = ""  # SHA-256 of its picture as it lies among the references
    note: str = ""
    again: bool = False  # its request was wanted as it was, not yet another of it


def before_filling(wanted: Mapping[str, Any]) -> None:
    """Keeps the form as it stands, and whom its next press comes of. To be called before anything of it is changed."""
    state = st.session_state
    state.setdefault("origin", None)
    state["former"] = {name: state[name] for name in _FORM if name in state}
    state["origin"] = wanted.get("origin")
    keep()


def start(kept: Any) -> None:
    """As the preferences remember it, as far as it makes sense. There is no way back to the form before, though."""
    try:
        st.session_state["origin"] = Origin(**kept) if kept else None
    except TypeError:  # written by another version
        st.session_state["origin"] = None


def keep() -> None:
    """Remembers it over a reload, as the rest of the form is: what is made then still knows what it came of."""
    here = of_the_form()
    with suppress(*DATABASE_ERRORS):
        desk().preferences.remember(st.session_state["form_of"], origin=asdict(here) if here else None)


def of_the_form() -> Origin | None:
    """The task that the form was filled from, if any."""
    found: Origin | None = st.session_state.get("origin")
    return found


def former() -> dict[str, Any] | None:
    """The form as it stood before it was filled; None where nothing can be undone any more."""
    found: dict[str, Any] | None = st.session_state.get("former")
    return found


def undo() -> None:
    """Brings the former form back whole. A callback."""
    state, kept = st.session_state, st.session_state.pop("former", None)
    if kept is None:
        return
    for name, value in kept.items():
        state[name] = value
    state["prompt"], state["filled"] = state["draft"], secrets.token_hex(4)


def cut() -> None:
    """What is asked for next comes of nothing. A callback."""
    st.session_state["origin"] = None


def settled() -> None:
    """The form was pressed: what it was before can no longer be wanted back. A next press comes of the same task."""
    st.session_state.pop("former", None)


def detail() -> Detail | None:
    """The task that the form was filled from, whole; None where there is none, or it has been deleted."""
    here = of_the_form()
    if here is None:
        return None
    try:
        return desk().history.detail(here.task_id)
    except NotFound:
        return None


def parents(requests: Sequence[GenerationRequest]) -> list[Parent | None]:
    """Of which task each of these requests comes."""
    here, whole = of_the_form(), detail()
    if here is None or whole is None:
        return []
    ways = [relation(whole, request, {here.lent}) for request in requests]
    return [Parent(here.task_id, way) if way else None for way in ways]
