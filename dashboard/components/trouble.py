"""What a screen does when the database does not answer: a sentence above what was read last, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard.components import formats, toasts, words
from dashboard.components.mount import mount_as_last, mounted
from dashboard.language import t
from data.errors import DatabaseUnavailable, PictureDeskError
from data.schema import utcnow

DATABASE_ERRORS = (SQLAlchemyError, DatabaseUnavailable)
_NOTHING = object()
"""What a part shows that was read and mounted nothing: of it nothing is to be shown again."""


@contextmanager
def live_part(key: str, *, of: object = None) -> Iterator[None]:
    """Around the body of a fragment. Where it cannot be read, it says since when, and offers to try again.

    `key` is that of the component in it, if there is one: what it showed last stays on the page, as long as it shows
    the same thing (`of`).
    """
    before, kept = mounted(key), st.session_state.setdefault("live_parts", {})
    try:
        yield
    except DATABASE_ERRORS:
        at, known = kept.get(key, (None, None))
        last = formats.clock(at) if at is not None else ""
        said = t(words.LIVE_PAUSED_SINCE, time=last) if last else t(words.LIVE_PAUSED)
        with st.container(horizontal=True, vertical_alignment="center", key=f"paused_{key}"):
            st.caption(f":material/sync_problem: {said}", width="content")
            st.button(t(words.TRY_AGAIN), key=f"retry_{key}")
        if before is not None and mounted(key) is before and at is not None and known == of:
            mount_as_last(key)
    else:
        kept[key] = (utcnow(), of if mounted(key) is not before else _NOTHING)


@contextmanager
def callback() -> Iterator[None]:
    """Around what a press does: a refusal, or a database that does not answer, becomes a toast."""
    try:
        yield
    except PictureDeskError as error:
        toasts.leave(t(error.sentence), ":material/error:")
    except SQLAlchemyError:
        toasts.leave(t(words.DATABASE_TROUBLE), ":material/error:")
