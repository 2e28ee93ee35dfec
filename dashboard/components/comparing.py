"""The choice of a second picture: one is marked, a bar at the foot of every page says so, the next click picks it."""

import streamlit as st

from dashboard.components import formats, words
from dashboard.language import t
from dashboard.resources import desk, picture_url
from data.errors import NotFound

_KEY = "compare_a"


def a() -> str | None:
    """The id of the task that is to be compared, while the second is being looked for."""
    found: str | None = st.session_state.get(_KEY)
    return found


def choose_a(task_id: str) -> None:
    """Marks the first of the two. A callback."""
    st.session_state[_KEY] = task_id


def cancel() -> None:
    """Nothing is looked for any more. A callback."""
    st.session_state.pop(_KEY, None)


def bar() -> None:
    """Says what is being done, and how it ends. Nothing where nothing is looked for."""
    task_id = a()
    if task_id is None or st.session_state.get("page") == words.COMPARE:
        return
    try:
        card = desk().history.card(task_id)
    except NotFound:
        cancel()
        return
    with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="comparing"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if card.pictures:
                st.image(picture_url(card.pictures[0].sha256, "320"), width=44, alt=card.prompt)
            st.markdown(formats.literal(t("Compare with what? Choose the second picture.")), width="content")
        if st.button(t("Choose from a list"), key="compare_list", type="tertiary"):
            cancel()
            st.switch_page("app_pages/compare.py", query_params={"a": task_id})
        st.button(t("Cancel"), key="compare_cancel", on_click=cancel)  # Escape: `keys.js`
