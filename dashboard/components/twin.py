"""The notice under the button where somebody has asked for the same already: shows what came of it."""

import streamlit as st

from dashboard.components import formats, people, walk
from dashboard.language import t
from dashboard.resources import desk, now, picture_url
from data.errors import NotFound
from data.schema import Task


def twin(task: Task, person: str) -> None:
    """Informs, and stands in nobody's way: the same may be wanted twice, and the button says "again".

    Not about what was pressed last: its cards stand beside the form.
    """
    if task.batch_id == st.session_state.get("pressed_batch"):
        return
    try:
        card = desk().history.card(task.id)
    except NotFound:
        return
    when = formats.age(task.created_at, now())
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="same"):
        if card.pictures:
            st.image(picture_url(card.pictures[0].sha256, "320"), width=48, alt=card.prompt)
        said = t("{who} asked for the same {when}.", who=people.name_of(task.person, person), when=when)
        st.caption(formats.literal(said), width="content")
        st.button(t("Open it"), type="tertiary", key="open_same", on_click=_open, args=(task.id,))


def _open(task_id: str) -> None:
    walk.to(task_id)
