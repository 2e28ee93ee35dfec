"""History with nothing in it: what will stand here, two samples, and how to get a first picture or the deleted ones."""

from pathlib import Path

import streamlit as st

from dashboard.components import acts, deleted, iterate, listing, news, words
from dashboard.language import t
from dashboard.resources import desk
from data.links import EVERYBODY
from data.removal import KEPT_FOR

_ASSETS = Path(__file__).resolve().parents[1] / "assets"
_DRAWN = {"Cover illustration": "sample-lighthouse.svg", "Wide banner": "sample-fields.svg"}
"""Of the form's ideas, those of which we have a drawing."""


def is_it() -> bool:
    """Whether nobody has asked for anything yet, or all is deleted; but what has just been deleted may come back."""
    kept = listing.known()
    return desk().glances.count() == 0 and not (kept is not None and kept.cards)


def teach() -> None:
    """In place of the toolbar and its list: filters over nothing would explain nothing."""
    if desk().removal.deleted(limit=1):
        _emptied()
        return
    with st.container(key="first_time"):
        st.subheader(t("Nothing here yet"), anchor=False)
        st.markdown(
            t(
                "Every picture that anybody asks for stays here, with its prompt, its cost and what happened to it. "
                "Later you search, star, tag and compare them. These two are samples that we drew, not pictures "
                "by a model."
            ),
            width=720,
        )
        if st.button(t("Make the first one"), type="primary", key="make_first"):
            st.switch_page("app_pages/generate.py", query_params={})
        with st.container(horizontal=True, key="samples"):
            for title, shape, prompt in words.IDEAS:
                if title in _DRAWN:
                    _sample(_DRAWN[title], t(prompt), shape)
        acts.follow_up()


def _emptied() -> None:
    """Who has deleted the last of it is no newcomer, and may want it back."""
    with st.container(key="first_time"):
        st.subheader(t("Everything that was here is deleted"), anchor=False)
        st.markdown(t("It can be brought back for {days} days after it was deleted.", days=KEPT_FOR.days))
        with st.container(horizontal=True):
            st.button(t("See what was deleted"), type="primary", key="see_deleted", on_click=deleted.enter)
            if st.button(t("Make a new one"), key="make_first"):
                st.switch_page("app_pages/generate.py", query_params={})
        acts.follow_up()


def _sample(drawing: str, prompt: str, shape: str) -> None:
    with st.container(width=320, gap="small"):
        st.image(str(_ASSETS / drawing), width="stretch", alt=prompt)
        st.markdown(f":gray-badge[{t('Sample')}]")
        st.caption(prompt)
        st.button(t("Use this prompt"), key=f"sample_{drawing}", on_click=_begin, args=(prompt, shape))


def _begin(prompt: str, shape: str) -> None:
    iterate.fill(prompt, {"aspect_ratio": shape})
    st.session_state["then"] = "generate", {}


def wait() -> None:
    """There is nothing that could move under the mouse: the first one that comes, comes in at once."""
    news.listen("empty", EVERYBODY)
    if not is_it():
        st.rerun()
