"""Saved views: queries that a person keeps under a name, opens with one press, renames and lets go."""

from collections.abc import Callable

import streamlit as st

from dashboard.components import filters, formats, narrowing, toasts, trouble
from dashboard.language import t
from dashboard.resources import desk
from data.errors import NotAllowed, NotFound
from data.query import Query
from data.saved_views import LONGEST_NAME


def views_button(person: str, query: Query) -> None:
    """The button that opens the list of views."""
    kept = desk().saved_views.all(person)
    with st.popover(t("Views"), icon=":material/bookmark:", key="views", on_change="rerun"):
        if forgotten := st.session_state.get("view_forgotten"):
            name, saved = forgotten
            _bring_back(name, saved, person)
        for index, (name, saved) in enumerate(kept.items()):
            _view(index, name, saved, person, current=saved == query)
        if not kept:
            st.caption(t("No view yet. Search or choose filters, then save them under a name."))
        if query.text:
            st.button(
                t("Save this view…"), icon=":material/bookmark_add:", key="save_view", on_click=ask, args=["save"]
            )


def _view(index: int, name: str, saved: Query, person: str, *, current: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = ":material/check:" if current else None
        st.button(
            formats.literal(name), key=f"view_{index}", icon=icon, width="stretch", on_click=_open, args=[saved]
        )  # fmt: skip
        st.button(
            t("Rename"), key=f"rename_view_{index}", type="tertiary", on_click=ask,
            args=["rename", name],
        )  # fmt: skip
        st.button(
            t("Delete"), key=f"forget_view_{index}", type="tertiary", on_click=_forget,
            args=[name, saved, person],
        )  # fmt: skip


def _bring_back(name: str, saved: Query, person: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(t("“{name}” is deleted.", name=formats.literal(name)))
        st.button(t("Undo"), key="unforget_view", on_click=_unforget, args=[name, saved, person])


def _open(saved: Query) -> None:
    st.session_state["views"] = False
    filters.show(saved)


def ask(what: str, name: str = "") -> None:
    """Opens the question for a name at the next run: to "save", or to "rename" the view of that name."""
    st.session_state["views"] = False  # it would stand before the question
    st.session_state["view_asked"] = (what, name)


def dialog_if_asked(person: str, query: Query) -> None:
    """The question for a name."""
    asked = st.session_state.get("view_asked")
    if asked is None:
        return
    what, name = asked
    title = t("Rename the view") if what == "rename" else t("Save this view")

    @st.dialog(title, on_dismiss=_close)
    def question() -> None:
        wanted = st.text_input(
            t("Name"), name or narrowing.named(query, person)[:LONGEST_NAME], key="view_name",
            max_chars=LONGEST_NAME, live="300ms",
        )  # fmt: skip
        if fault := st.session_state.pop("view_fault", ""):
            st.error(formats.literal(fault), icon=":material/error:")
        save_button(
            t("Rename") if what == "rename" else t("Save"), wanted, "view_named", _keep, what, name, person, query
        )
        toasts.show()
        if "view_asked" not in st.session_state:
            st.rerun()

    question()


def save_button(label: str, name: str | None, key: str, save: Callable[..., None], *said: object) -> None:
    """Beside a field for a `name`: says what is missing, as the form's button does; Enter presses it (`keys.js`)."""
    named = bool((name or "").strip())
    with st.container(key=f"names_{key}"):
        st.button(
            label if named else t("Give it a name"), key=key, type="primary", disabled=not named, on_click=save,
            args=said,
        )  # fmt: skip


def _close() -> None:
    st.session_state.pop("view_asked", None)


def _keep(what: str, name: str, person: str, query: Query) -> None:
    wanted = st.session_state["view_name"] or ""
    with trouble.callback():
        try:
            if what == "rename":
                desk().saved_views.rename(person, name, wanted)
            else:
                desk().saved_views.save(person, wanted, query)
                toasts.leave(t("Saved. It is under Views."), ":material/bookmark:")
        except (NotAllowed, NotFound) as refused:  # said where the name is written
            st.session_state["view_fault"] = t(refused.sentence)
        else:
            _close()


def _forget(name: str, saved: Query, person: str) -> None:
    with trouble.callback():
        desk().saved_views.forget(person, name)
        st.session_state["view_forgotten"] = (name, saved)


def _unforget(name: str, saved: Query, person: str) -> None:
    with trouble.callback():
        desk().saved_views.save(person, name, saved)
        st.session_state.pop("view_forgotten", None)
