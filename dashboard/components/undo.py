"""What is offered to be taken back for ten seconds after it was done, one thing in a session: the last."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.components import filters, formats, toasts
from dashboard.components.mount import mount
from dashboard.language import t, tn
from dashboard.resources import desk, now
from data.removal import KEPT_FOR, Removed

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
    """What is offered to be taken back; who shows it takes it away when its time is over."""
    last: Offer | None = st.session_state.get("undo")
    if last is None:
        return None
    also = show_deleted() if last.about == "deleted" else None
    return {"about": last.about, "text": last.text, "until": last.until, "also": also}


def show_deleted() -> dict[str, str]:
    """The way to where what was deleted is kept."""
    return {"act": "show_deleted", "label": t("Open Deleted")}


def offered_for(task_id: str) -> dict[str, Any] | None:
    """The same for the drawer: what was done with this task, or that one was deleted, after which it shows the next."""
    last: Offer | None = st.session_state.get("undo")
    return offered() if last and (last.about == "deleted" or task_id in last.of) else None


def show(on_event: Callable[[str, str], None]) -> None:
    """Offers it over the page, on those that have no bar for it. To be called in the fragment where it is done, or in
    which the list stands that it changes.
    """
    mount("undo", key="take_back", data={"undo": offered(), "words": {"undo": t("Undo")}}, on_event=on_event)


def take_back() -> None:
    """Undoes what was offered last."""
    last: Offer | None = st.session_state.pop("undo", None)
    if last is not None:
        last.back()


def move(task_ids: Sequence[str], name: str, person: str) -> None:
    """Moves these into the project of this name, "" for none, and offers to undo it. Raises NotAllowed."""
    former, project = desk().projects.move(task_ids, name, who=person)
    filters.names_changed()
    if not former:
        toasts.leave(tn(len(task_ids), "It stands there already.", "All of them stand there already."))
        return
    count = len(former)
    text = tn(count, "{n} moved to {project}.", "{n} moved to {project}.", project=project)
    if not project:
        text = tn(count, "{n} is in no project now.", "{n} are in no project now.")

    def back() -> None:
        moved = desk().projects.put_back(former, project, who=person)
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


def delete(task_ids: Sequence[str], person: str) -> tuple[str, ...]:
    """Takes them out of sight, and offers to bring them back; those that are deleted now and were not before."""
    removed = desk().removal.delete(task_ids, who=person)
    if removed.ids:
        offer("deleted", _said(removed), removed.ids, lambda: restore(removed.ids, person))
    else:
        toasts.leave(_stay(removed.under_way) if removed.under_way else t("That is deleted already."))
    return removed.ids


def _said(removed: Removed) -> str:
    day = formats.day(now() + KEPT_FOR, now())
    said = tn(
        len(removed.ids), "{n} deleted. Until {day} it can be brought back, in History under More, Deleted.",
        "{n} deleted. Until {day} they can be brought back, in History under More, Deleted.", day=day,
    )  # fmt: skip
    return f"{said} {_stay(removed.under_way)}" if removed.under_way else said


def _stay(under_way: int) -> str:
    return tn(
        under_way, "{n} stays: its picture is still on its way.", "{n} stay: their pictures are still on their way."
    )


def restore(task_ids: Sequence[str], person: str) -> None:
    """Brings these back, as they were."""
    back = desk().removal.restore(task_ids, who=person)
    toasts.leave(tn(back, "{n} is back.", "{n} are back."), ":material/undo:")
