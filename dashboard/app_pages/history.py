"""History: everything that was asked for, newest first, searched in any language, in pages that a link can name."""

import streamlit as st

from dashboard.auth import current_user
from dashboard.components import (
    deleted,
    exporting,
    filters,
    first_time,
    formats,
    gallery,
    listing,
    narrowing,
    news,
    saved,
    selection,
    words,
)
from dashboard.components.drawer import drawer_if_asked
from dashboard.components.mount import begin_page
from dashboard.language import t
from dashboard.resources import desk
from data.links import EVERYBODY
from data.query import Query
from data.search import COUNTED


def menu(query: Query) -> None:
    """What is done with a whole list."""
    acts = {"all": t("Select all matching"), "export": t("Export as CSV…"), "save": t("Save this view…"),
            "deleted": t("Deleted")}  # fmt: skip
    if not query.text:
        del acts["save"]  # there is nothing to remember of a list that is as it always is
    st.menu_button(
        t("More"), list(acts), format_func=acts.__getitem__, key="history_menu", icon=":material/more_vert:",
        on_click=chosen,
    )  # fmt: skip


def chosen() -> None:
    """A choice of the menu."""
    act = st.session_state["history_menu"]
    if act == "all":
        selection.select_all(user.id)
    elif act == "export":
        exporting.ask()
    elif act == "save":
        saved.ask("save")
    elif act == "deleted":
        deleted.enter()


def toolbar() -> Query:
    """Everything above the list."""
    with st.container(horizontal=True, vertical_alignment="center", key="history_search"):
        typed, hints = filters.search_field()
        filters.fold(typed)
        if len(typed.batch.of) == 1 and st.button(t(words.RESULTS), key="to_results", icon=":material/grid_on:"):
            st.switch_page("app_pages/results.py", query_params={"batch": typed.batch.of[0]})
        views, more = st.container(width="content"), st.container(width="content")
    for hint in hints:
        left_out = t(
            "**{piece}** was left out: {why}", piece=formats.literal(hint.piece), why=formats.literal(t(hint.sentence))
        )
        st.markdown(f":small[:material/info: {left_out}]")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="history_filters"):
        query = filters.filter_row(typed, user.id)
    with views:
        saved.views_button(user.id, query)
    with more:
        menu(query)
    return query


def none() -> str:
    """Of a list that is empty."""
    return t("No match among {many}", many=formats.requests(desk().glances.count()))


def said(shown: listing.Shown) -> str:
    """How much there is in a list, for whoever does not see it."""
    drawn: str = st.session_state["gallery_drawn"]["count"] if shown.cards else none()
    return drawn


def nothing(query: Query) -> None:
    """Why nothing is here, and the way on."""
    with st.container(key="no_match"):
        st.subheader(none(), anchor=False)
        hides = desk().search.hides_most(query, user.id) if query else None
        if hides:
            what, many = narrowing.told(hides.part, query, user.id), formats.requests(hides.count, COUNTED)
            st.markdown(t("**{filter}** hides {many}.", filter=formats.literal(what), many=many))
        else:
            st.caption(t(words.ALL_HIDE if query else words.EMPTY_PAGE))
        meant = desk().search.meant(query, user.id) if query.words else None
        with st.container(horizontal=True):
            if meant:
                typed = formats.literal(" ".join(map(str, meant.words)))
                st.button(
                    t("Did you mean “{text}”?", text=typed), key="meant", type="primary", on_click=filters.show,
                    args=[meant],
                )  # fmt: skip
            if hides:
                st.button(
                    t("Drop this filter"), key="show_hidden", type="secondary" if meant else "primary",
                    on_click=filters.show, args=[query.lacking(hides.part)],
                )  # fmt: skip
            st.button(t("Clear filters"), key="clear_filters", on_click=filters.clear)
        if query.words:
            st.caption(t(words.SEARCH_HELP))


def wait_for_the_first(shown: listing.Shown) -> None:
    """An empty list has nothing that could move under the mouse: what comes, comes in at once."""
    news.listen("empty", EVERYBODY)
    if shown.top is not None and desk().search.newer(shown.query, user.id, shown.top, most=1):
        listing.forget()
        st.rerun()


begin_page()
user = current_user()
if deleted.is_asked_for():
    deleted.deleted(user.id)
elif first_time.is_it():
    first_time.teach()
    st.fragment(first_time.wait)()
else:
    with st.container(key="toolbar"):
        query = toolbar()
    with gallery.skeleton(user.id):
        shown = listing.look(query, user.id)
        if shown.cards:
            gallery.gallery(user.id)
    if not shown.cards:
        nothing(query)
        st.fragment(wait_for_the_first)(shown)
    st.session_state["found"] = {"of": query.text, "said": said(shown)}
    saved.dialog_if_asked(user.id, query)
    exporting.dialog_if_asked(user.id, query)
drawer_if_asked(user.id)
