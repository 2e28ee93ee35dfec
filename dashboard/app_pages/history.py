"""History: everything that was asked for, newest first, searched in any language, in pages that a link can name."""

from dataclasses import replace

import streamlit as st

from dashboard.auth import current_user
from dashboard.components import formats, words
from dashboard.components.drawer import drawer_if_asked
from dashboard.components.gallery import gallery
from dashboard.resources import desk
from data.history import Page
from data.query import Choice
from data.query_reading import LONGEST
from data.search import COUNTED

PAGE_SIZE = 24
FILTERS = {"All": "", "Done": "done", "Running": "running", "Failed": "failed"}
"""The pills, and what each stands for in a query."""


def cursor(name: str) -> int | None:
    """A sort key from the address; anything else there counts as none."""
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def go(**to: int | None) -> None:
    """Turns the page: the cursor is part of the address. What is new may come in: a person asked for a change."""
    st.session_state.pop("history_top", None)
    for name in ("before", "after"):
        st.query_params.pop(name, None)
    for name, value in to.items():
        if value is not None:
            st.query_params[name] = str(value)


def show_all() -> None:
    """Clears the search and the filter."""
    st.session_state["status"], st.session_state["q"] = "All", ""
    go()


def turn(label: str, icon: str, key: str, **to: int | None) -> None:
    """A button to a neighbouring page, disabled at the end."""
    st.button(label, icon=icon, key=key, disabled=all(v is None for v in to.values()), on_click=go, kwargs=to)


user = current_user()
search = desk().search

typed = st.text_input(
    words.SEARCH, key="q", bind="query-params", on_change=go, placeholder=words.SEARCH_HINT, help=words.SEARCH_HELP,
    icon=":material/search:", max_chars=LONGEST, label_visibility="collapsed",
)  # fmt: skip
reading = search.read(typed or "")
for hint in reading.hints:
    said = f"**{formats.literal(hint.piece)}** was left out: {formats.literal(hint.sentence)}"
    st.markdown(f":small[:material/info: {said}]")

with st.container(horizontal=True, vertical_alignment="center"):
    status = st.segmented_control(
        "Status", list(FILTERS), default="All", key="status", required=True, bind="query-params", on_change=go,
        label_visibility="collapsed",
    )  # fmt: skip
    chosen = FILTERS[status or "All"]
    query = replace(reading.query, status=Choice((chosen,))) if chosen else reading.query
    count = search.count(query, user.id) if query else desk().glances.count()
    st.caption(formats.requests(count, COUNTED) if query else formats.requests(count))

before, after = cursor("before"), cursor("after")
if before is None and after is None:
    # The first page stays the one that was opened: a picture made meanwhile must not shift the grid under the mouse.
    before = st.session_state.get("history_top")
page: Page = search.page(query, user.id, before=before, after=after, limit=PAGE_SIZE)
if page.cards and after is None:
    st.session_state.setdefault("history_top", page.cards[0].seq + 1)

if page.cards:
    if page.newer is not None and cursor("before") is None and after is None:
        st.button("New ones ↑", key="show_new", on_click=go)
    gallery(page.cards, user.id)
    if page.newer is not None or page.older is not None:
        with st.container(horizontal=True, horizontal_alignment="center", key="pages"):
            turn("Newer", ":material/chevron_left:", "newer", after=page.newer)
            turn("Older", ":material/chevron_right:", "older", before=page.older)
elif (total := desk().glances.count()) == 0:
    with st.container(key="first_time"):
        st.subheader("Nothing here yet", anchor=False)
        st.caption("Every picture that is asked for stays here, with its prompt, its cost and what happened to it.")
        if st.button("Make the first one", type="primary", key="make_first"):
            st.switch_page("app_pages/generate.py")
else:
    with st.container(key="no_match"):
        st.subheader(f"None of {formats.requests(total)} matches", anchor=False)
        hides = search.hides_most(query, user.id) if query else None
        many = formats.requests(hides.count, COUNTED) if hides else ""
        st.caption(words.hidden_by(hides.part, many) if hides else words.ALL_HIDE if query else words.EMPTY_PAGE)
        st.button("Clear filters", key="clear_filters", on_click=show_all)

drawer_if_asked(user.id)
