"""What was deleted and can be brought back: until when, and who deleted it. The same grid, with one thing to do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard.components import acts, address, formats, gallery, listing, people, selection, trouble, undo
from dashboard.components.mount import mount
from dashboard.components.now import surroundings
from dashboard.components.tiles import Around, tile
from dashboard.language import t, tn
from dashboard.resources import desk
from data.removal import KEPT_FOR, Deleted


def is_asked_for() -> bool:
    """Whether the address names this view."""
    return st.query_params.get("view") == "deleted"


def enter() -> None:
    """Shows what was deleted."""
    _leave_the_list()
    st.query_params["view"] = "deleted"


def leave() -> None:
    """Back to what is not."""
    _leave_the_list()
    st.query_params.pop("view", None)


def _leave_the_list() -> None:
    selection.clear()
    st.session_state.pop("deleted_list", None)
    undo.forget()
    listing.anew()


def deleted(person: str) -> None:
    """The whole view."""
    if "deleted_list" not in st.session_state:  # somebody has just come, perhaps by what offered Undo
        selection.clear()
        undo.forget()
    with st.container(horizontal=True, vertical_alignment="center", key="deleted_head"):
        st.button(t("Back to History"), icon=":material/arrow_back:", key="leave_deleted", on_click=leave)
        st.subheader(t("Deleted"), anchor=False)
    if _page():
        days = KEPT_FOR.days
        st.caption(
            t(
                "What is deleted stays here for {days} days and can be brought back as it was, with its star and its "
                "tags. After that, prompt and pictures are gone for good.",
                days=days,
            )
        )
        st.fragment(_grid)(person)
    else:
        st.caption(
            t(
                "Nothing is deleted. What you delete in History stays here for {days} days, and can be brought back.",
                days=KEPT_FOR.days,
            )
        )


def _page() -> tuple[Deleted, ...]:
    """One page, as it was when it was turned to: what was brought back stays where it is."""
    before = address.place().get("before")
    kept = st.session_state.get("deleted_list")
    if kept is None or kept[0] != before:
        found = desk().removal.deleted(before=before, limit=listing.PAGE + 1)
        kept = st.session_state["deleted_list"] = (before, found)
    rows: tuple[Deleted, ...] = kept[1]
    return rows


def _grid(person: str) -> None:
    with trouble.live_part("deleted", of=address.place()):
        mount("gallery", key="deleted", data=_data(person), on_event=lambda act, name: heard(act, name, person))
        acts.follow_up()


def _data(person: str) -> dict[str, Any]:
    rows = _page()
    shown, more = rows[: listing.PAGE], len(rows) > listing.PAGE
    ids = [row.card.id for row in shown]
    back = {card.id: card for card in desk().history.cards(ids)}
    around = surroundings(())
    with_lines = Around(around, {}, missing=gallery.missing(), lines=_lines(shown, person, around.now))
    items = [tile(back.get(row.card.id, row.card), with_lines) for row in shown]
    for item in items:
        if item["id"] in back:
            item |= {"word": t("Back again"), "tone": "done", "line": item["age"]}
    return {
        "label": t("Deleted"), "view": "deleted", "items": items, "sections": None,
        "count": tn(len(shown), "{n} request", "{n} requests"), "fresh": "",
        "older": shown[-1].card.seq if more else None, "newer": None, "page": f"deleted {address.place()}",
        "selected": selection.look(ids, 0, person), "undo": None, "size": gallery.size(person), "known_tags": [],
        "words": gallery.told(),
    }  # fmt: skip


def _lines(rows: Sequence[Deleted], person: str, now: datetime) -> dict[str, str]:
    """Until when each can be brought back, and who deleted it."""
    who = {by: people.by(by, person) for by in {row.by for row in rows if row.by}}
    return {row.card.id: _line(formats.day(row.until, now), who.get(row.by)) for row in rows}


def _line(until: str, by: str | None) -> str:
    return t("until {day} · {by}", day=until, by=by) if by else t("until {day}", day=until)


def heard(act: str, name: str, person: str) -> None:
    """What is pressed here: of all that the grid knows, what makes sense for something that is deleted."""
    if act in ("select", "unselect", "clear", "restore", "older", "size", "missing"):
        gallery.heard(act, name, person)
