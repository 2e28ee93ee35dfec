"""What a press on a card or in the drawer does: one call of a store, its refusal as a sentence, where to go next."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import toasts, trouble, words
from data.history import Detail
from data.images import StoredImage


def perform(act: str, task_id: str, person: str) -> None:
    """Runs inside a widget callback, before anything is drawn. Refusals become a toast; nothing is raised."""
    with trouble.callback():
        if act == "open":
            st.query_params["task"] = task_id
            _then("rerun")
        elif act == "use_again":
            use_again(task_id)
            _then("generate")
        elif act == "compare":
            _then("compare", a=task_id)
        else:
            _ask_the_store(act, task_id, person)


def _ask_the_store(act: str, task_id: str, person: str) -> None:
    tasks, history = resources.desk().tasks, resources.desk().history
    if act == "cancel" and not tasks.cancel(task_id, who=person):
        toasts.leave(f"It was sent already. {words.KEPT_IF_IT_COMES}")
    elif act == "retry":
        tasks.retry(task_id, who=person)
        _then("generate")
    elif act == "retry_failed":
        tasks.retry_failed(history.card(task_id).batch_id, who=person)
        _then("generate")
    elif act == "download_again":
        tasks.retry_download(task_id, who=person)
        _then("rerun")
    elif act == "check":
        tasks.check_now(task_id, who=person)
        toasts.leave("Asked the provider. The card changes as soon as it answers.")
    elif act == "stop":
        tasks.write_off(task_id, who=person, again=False)
        _then("rerun")
    elif act == "stop_again":
        tasks.write_off(task_id, who=person, again=True)
        _then("rerun")


def name_call(task_id: str, field: str, person: str) -> None:
    """Takes the provider's id that a person pasted into the field of this key. The next look proves it."""
    with trouble.callback():
        resources.desk().tasks.name_call(task_id, st.session_state[field] or "", who=person)
        toasts.leave(words.NAMED)


def follow_up() -> None:
    """Shows what the last act left to say, and goes where it leads. Call it where the event came in; may end the run.

    A toast of a run that ends here would be gone with it, so it is shown by the next.
    """
    where, query = st.session_state.pop("then", ("", {}))
    if where == "rerun":
        st.rerun()
    elif where:
        st.switch_page(f"app_pages/{where}.py", query_params=query or None)
    toasts.show()


def _then(where: str, **query: str) -> None:
    """Once it is drawn: "rerun", or a page's name and what its address shall say."""
    st.session_state["then"] = where, query


def compare(a: str, b: str) -> None:
    """Leads to these two beside one another."""
    _then("compare", a=a, b=b)


def fill(prompt: str, params: Mapping[str, Any], references: tuple[StoredImage, ...] | None = None) -> None:
    """Puts a prompt, settings and references into the form; the form takes them over at its next drawing."""
    st.session_state["fill"] = {"prompt": prompt, "params": dict(params), "references": references}


def take_idea(prompt: str, params: Mapping[str, Any]) -> None:
    """Fills the form that stands beside it, at once."""
    fill(prompt, params)
    _then("rerun")


def use_again(task_id: str) -> None:
    """Fills the form with everything a task was asked with."""
    detail: Detail = resources.desk().history.detail(task_id)
    references = tuple(
        StoredImage(row.sha256, row.mime, row.width, row.height, row.size, row.filename, row.note)
        for row in detail.inputs
    )
    fill(detail.card.prompt, detail.card.params, references)
    st.session_state["fill"]["model"] = detail.card.model
