"""What is offered to be taken back for ten seconds after it was done, one thing in a session: the last."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.components import filters, toasts
from dashboard.language import tn
from dashboard.resources import desk

UNDO_SECONDS = 10.0


@dataclass(frozen=True)
class Offer:
    """What was done, in words; `of`: to which tasks; `back` takes it back; `until` by the server's clock."""

    about: str  # "project", "pick" or "deleted"
    text: str
    of: frozenset[str]
    back: Callable[[], None]
    until: float


def offer(about: str, text: str, of: Collection[str], back: Callable[[], None]) -> None:
    """In the place of what was offered before."""
    st.session_state["undo"] = Offer(about, text, frozenset(of), back, time.time() + UNDO_SECONDS)


def forget() -> None:
    """Nothing is offered any more."""
    st.session_state.pop("undo", None)


def offered() -> dict[str, Any] | None:
    """What the bar at the foot of History offers to take back; it takes it away when its time is over."""
    last: Offer | None = st.session_state.get("undo")
    return None if last is None else {"text": last.text, "until": last.until}


def offered_for(task_id: str) -> dict[str, str]:
    """What the drawer offers to take back of this task, by what it is about; nothing where that is over."""
    last: Offer | None = st.session_state.get("undo")
    return {last.about: last.text} if last is not None and task_id in last.of and time.time() < last.until else {}


def take_back() -> None:
    """Undoes what was offered last."""
    last: Offer | None = st.session_state.pop("undo", None)
    if last is not None:
        last.back()


def move(task_ids: Sequence[str], name: str, person: str) -> None:
    """Moves these into the project of this name, "" for none, and offers to undo it. Raises NotAllowed."""
    former = desk().projects.move(task_ids, name, who=person)
    filters.names_changed()
    if not former:
        toasts.leave(tn(len(task_ids), "It stands there already.", "All of them stand there already."))
        return
    count = len(former)
    text = tn(count, "{n} moved to {project}.", "{n} moved to {project}.", project=name)
    if not name:
        text = tn(count, "{n} is in no project now.", "{n} are in no project now.")

    def back() -> None:
        moved = desk().projects.put_back(former, name, who=person)
        filters.names_changed()
        toasts.leave(tn(moved, "{n} is back where it was.", "{n} are back where they were."), ":material/undo:")

    offer("project", text, former, back)


def unpick(task_ids: Sequence[str], person: str) -> None:
    """Takes the team's picks off these, and offers to put them back as they were: perhaps others had put them there."""
    former = desk().marks.unpick(task_ids, person)

    def back() -> None:
        picked = desk().marks.pick_back(former, person)
        toasts.leave(tn(picked, "{n} is picked again.", "{n} are picked again."), ":material/undo:")

    if former:
        offer("pick", tn(len(former), "{n} is no longer picked.", "{n} are no longer picked."), former, back)
