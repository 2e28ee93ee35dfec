"""What is selected in History, over all its pages, and what is done with it: mark, move, delete, and Undo."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.components import filters, listing, undo
from dashboard.language import t
from dashboard.resources import archive_form, desk
from data.links import CLEAN, KINDS, SETTINGS
from data.search import COUNTED, SELECTED


def ids() -> list[str]:
    """The ids of what is selected, in the order in which it was."""
    return list(_kept())


def _kept() -> dict[str, None]:
    kept: dict[str, None] = st.session_state.setdefault("selected", {})
    return kept


def add(task_ids: Sequence[str]) -> None:
    """Selects these too, up to `SELECTED`."""
    kept = _kept()
    kept.update(dict.fromkeys(task_ids[: SELECTED - len(kept)]))


def remove(task_ids: Sequence[str]) -> None:
    """These no longer."""
    for task_id in task_ids:
        _kept().pop(task_id, None)


def clear() -> None:
    """Nothing is selected."""
    st.session_state["selected"] = {}


def select_all(person: str) -> None:
    """Everything of the list that is shown, and nothing that has come since it was read."""
    shown = listing.known()
    if shown is not None:
        clear()
        add(desk().search.ids(shown.query, person, top=shown.top))


def look(here: Sequence[str], matching: int, person: str) -> dict[str, Any]:
    """What the bar says. `here`: the ids on this page; `matching`: how many are in the list, as far as counted."""
    chosen = ids()
    starred, picked = desk().marks.count(chosen, person) if chosen else (0, 0)
    return {
        "here": [task_id for task_id in here if task_id in _kept()], "count": len(chosen),
        "bytes": desk().search.weight(chosen) if chosen else 0, "all": _all(len(chosen), matching),
        "marked": {"star": starred, "pick": picked},
        "tags": desk().marks.tags_of(chosen) if chosen else {},
        "projects": desk().projects.of(chosen) if chosen else {},
    }  # fmt: skip


def _all(chosen: int, matching: int) -> str:
    if matching > COUNTED:
        return t("Select all matching, at most {n}", n=f"{SELECTED:,}") if chosen < SELECTED else ""
    return t("Select all {n} matching", n=f"{matching:,}") if chosen < matching else ""


def move(name: str, person: str) -> None:
    """Moves what is selected into the project of this name, "" for none; for ten seconds the bar offers to undo it.

    Raises NotAllowed.
    """
    undo.move(ids(), name, person)


def tag(name: str, person: str, *, off: bool = False) -> None:
    """Puts a tag on what is selected, or takes it off. Raises NotAllowed."""
    if off:
        desk().marks.untag(ids(), name)
    else:
        desk().marks.tag(ids(), name, person)
    filters.names_changed()


def archive_kinds() -> list[dict[str, str]]:
    """What the files of an archive may be."""
    return [
        {"kind": "original", "label": t("Originals"), "says": t("Byte for byte as the models made them")},
        {"kind": CLEAN, "label": t("Clean copies"), "says": t("Without metadata; videos are left out")},
        {
            "kind": SETTINGS,
            "label": t("With settings"),
            "says": t("Prompt and settings inside, and as JSON beside each"),
        },
    ]


def ask_for_archive(kind: str) -> None:
    """The next drawing hands the browser a form for the files of what is selected; `kind` as in `links.KINDS`."""
    if kind in KINDS:
        st.session_state["zip_asked"] = st.session_state.get("zip_asked", 0) + 1
        st.session_state["zip_kind"] = kind


def archive_if_asked(person: str) -> dict[str, Any] | None:
    """The form, in one drawing for each press; by its number the browser knows whether it has sent it."""
    asked = st.session_state.get("zip_asked", 0)
    if asked == st.session_state.get("zip_given", 0):
        return None
    st.session_state["zip_given"] = asked  # or a later selection would be sent without any press
    if not ids():
        return None
    return {"number": asked, "form": archive_form(ids(), person, st.session_state["zip_kind"])}


def delete(task_ids: Sequence[str], person: str) -> tuple[str, ...]:
    """Takes them out of sight and out of the selection, and offers to bring them back; those that have gone."""
    removed = undo.delete(task_ids, person)
    remove(removed)
    return removed


def restore(task_ids: Sequence[str], person: str) -> None:
    """Brings these back, as they were."""
    undo.restore(task_ids, person)
    remove(task_ids)
