"""What a screen does when the database does not answer: a sentence in place of the part, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard.components import toasts, words
from dashboard.language import t
from data.errors import DatabaseUnavailable, PictureDeskError

DATABASE_ERRORS = (SQLAlchemyError, DatabaseUnavailable)


@contextmanager
def live_part() -> Iterator[None]:
    """Around the body of a fragment: it says that it is stale, and comes back by itself if it has a timer."""
    try:
        yield
    except DATABASE_ERRORS:
        st.caption(f":material/sync_problem: {t(words.LIVE_PAUSED)}")


@contextmanager
def callback() -> Iterator[None]:
    """Around what a press does: a refusal, or a database that does not answer, becomes a toast."""
    try:
        yield
    except PictureDeskError as error:
        toasts.leave(t(error.sentence), ":material/error:")
    except SQLAlchemyError:
        toasts.leave(t(words.DATABASE_TROUBLE), ":material/error:")
