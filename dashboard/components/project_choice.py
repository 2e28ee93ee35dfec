"""For which project the next press asks: a quiet choice beside the templates, and the same in the batch dialog.

It stays what it was, over a reload too, for one is mostly at the same thing. Whoever goes on from a picture (Edit,
Vary, Use again) works for that picture's project, so the form takes it over, in sight, with the form's Undo; one in
no project changes nothing. What stands here when the button is pressed is what counts, however it came there.
"""

from contextlib import suppress

import streamlit as st

from dashboard import resources
from dashboard.components import filters, formats, toasts
from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.language import t
from data.errors import NotAllowed
from data.projects import project_name
from data.query import project_key


def start(kept: object) -> None:
    """Seeds it with what it was at the last visit."""
    st.session_state["project"] = kept if isinstance(kept, str) else ""


def take(project: str | None) -> None:
    """Whoever goes on from something of this project goes on for it."""
    if project:
        st.session_state["project"] = project
        keep()


def chosen() -> str:
    """The name of the project; "" for none."""
    return str(st.session_state.get("project") or "")


def button() -> None:
    """Says which it is, and opens the choice."""
    label = formats.literal(chosen() or t("Project"))
    with st.popover(label, key="project_button", icon=":material/folder:", type="tertiary", wrap=False):
        choice("project_choice")
        st.caption(t("What you ask for next belongs to it, until you choose another. History can show it alone."))


def choice(key: str) -> None:
    """One of those that are there, or a new name."""
    now = chosen()
    there = dict(filters.names().projects)
    if now and project_key(now) not in there:
        there = {project_key(now): now, **there}
    st.session_state[key] = there.get(project_key(now))
    st.selectbox(
        t("Project"), list(there.values()), index=None, key=key, placeholder=t("No project"), accept_new_options=True,
        on_change=_take, args=(key,),
    )  # fmt: skip


def _take(key: str) -> None:
    name = st.session_state[key]
    try:
        st.session_state["project"] = project_name(name) if name else ""
    except NotAllowed as error:
        toasts.leave(t(error.sentence), ":material/error:")
    else:
        keep()


def keep() -> None:
    """Remembers it for the next visit."""
    with suppress(*DATABASE_ERRORS):  # the next visit would only start with the one before
        resources.desk().preferences.remember(st.session_state["form_of"], project=chosen())
