"""What a press on a card or in the drawer does: one call of a store, its refusal as a sentence, where to go next."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import (
    comparing,
    iterate,
    other,
    restoring,
    selection,
    server,
    toasts,
    trouble,
    undo,
    walk,
    words,
)
from dashboard.components.mount import left_undrawn
from dashboard.language import t, tn
from data.again import Said
from data.errors import InvalidRequest, NotAllowed
from data.status import TaskStatus

_FILL = {"use_again": iterate.use_again, "vary": iterate.vary, "edit": iterate.edit}

COMPARED = "abcdef"
"""What the address of Compare calls its pictures."""
_SPENDING = {"retry", "retry_failed", "stop_again", "other", "batch_retry"}
"""What asks for something anew: it waits for the catalogue as the form's button does."""


def perform(act: str, task_id: str, person: str) -> None:
    """Runs inside a widget callback, before anything is drawn. Refusals become a toast; nothing is raised.

    `task_id` may carry more behind it: which picture, which model, which tag.
    """
    with trouble.callback():
        if act == "open":
            _open(task_id)
        elif act in _FILL:
            _FILL[act](task_id)
            _then("generate")
        elif act.startswith("batch_"):
            _with_batch(act, task_id, person)
        elif act == "compare":
            comparing.choose_a(task_id)
            st.query_params.pop("task", None)
            _then("rerun")
        elif act == "beside":
            compare(*task_id.split())
        elif act == "undo":
            undo.take_back()
        elif act == "delete":
            _delete(task_id, person)
        elif act == "show_deleted":
            st.session_state.pop("deleted_list", None)  # as it is now, with what has just gone there
            _then("history", view="deleted")
        elif act in _MARKS:
            _mark(act, task_id, person)
        else:
            _ask_the_store(act, task_id, person)


def _may_spend(act: str) -> None:
    if act in _SPENDING and server.look().halt:
        raise NotAllowed(words.HALTED_PRESS)


def _promised(price: str = "", count: str = "") -> Said:
    """What the button said (`actions.promise`): it costs no more, and more may have failed since than it offered."""
    price_micro, many = (int(said) if said.isdecimal() else None for said in (price, count))
    return Said(price_micro, many)


def _with_batch(act: str, said: str, person: str) -> None:
    """ "<batch>", or where it spends "<batch> <price> <how many> <task> <task> …"."""
    tasks, (batch_id, *promised) = resources.desk().tasks, said.split(" ")
    _may_spend(act)
    if act == "batch_history":
        _then("history", q=f"batch:{batch_id}")
    elif act == "batch_results":
        _then("results", batch=batch_id)
    elif act == "batch_retry":
        _retry_failed(batch_id, person, promised)
        _then("rerun")
    elif act == "batch_cancel":
        count = tasks.cancel_waiting(batch_id, who=person)
        toasts.leave(
            tn(count, "{n} cancelled. Nothing was charged for it.", "{n} cancelled. Nothing was charged for them.")
        )
        _then("rerun")


def _retry_failed(batch_id: str, person: str, promised: Sequence[str]) -> None:
    said, tries = _promised(*promised[:2]), promised[2:]
    again = resources.desk().tasks.retry_failed(batch_id, who=person, tries=tries, said=said)
    if again.left_out:
        toasts.leave(toasts.left_out(again.left_out))


def _open(task_id: str) -> None:
    """Opens it; where a second picture is being looked for, this is the one."""
    a = comparing.a()
    if a is None or a == task_id:
        walk.to(task_id)
        _then("rerun")
    elif resources.desk().history.card(task_id).pictures:
        comparing.cancel()
        _then("compare", a=a, b=task_id)
    else:
        toasts.leave(t("That one has no picture to compare."))


def _delete(task_id: str, person: str) -> None:
    """Where the drawer shows it, the next of the list takes its place, or the one before; the last one closes it."""
    beside = walk.beside(task_id, person) if walk.here() == task_id else task_id
    if selection.delete([task_id], person) and beside != task_id:
        walk.without(task_id)
        if beside:
            walk.to(beside)
        else:
            st.query_params.pop("task", None)
            _then("rerun")


_MARKS = ("star", "unstar", "pick", "unpick", "tag", "untag", "move")


def _mark(act: str, said: str, person: str) -> None:
    """ "<task>", or for a tag or a project "<task> <name>"; a project without a name is none."""
    marks = resources.desk().marks
    task_id, _, name = said.partition(" ")
    if act == "star":
        marks.star([task_id], person)
    elif act == "unstar":
        marks.unstar([task_id], person)
    elif act == "pick":
        marks.pick([task_id], person)
    elif act == "unpick":
        undo.unpick([task_id], person)
    elif act == "move":
        undo.move([task_id], name, person)
    elif act == "tag":
        marks.tag([task_id], name, person)
    else:
        marks.untag([task_id], name)


def _ask_the_store(act: str, task_id: str, person: str) -> None:
    tasks, history = resources.desk().tasks, resources.desk().history
    _may_spend(act)
    if act == "cancel" and not tasks.cancel(task_id, who=person):
        leaving = history.card(task_id).status == TaskStatus.SUBMITTING
        practice = resources.desk().glances.practised([task_id]).get(task_id, False)
        too_late = t("It was sent already. {kept}", kept=t(words.KEPT_IF_IT_COMES))
        toasts.leave(t(words.cancel_wished(leaving=True, practice=practice)) if leaving else too_late)
    elif act == "retry":
        task_id, *promised = task_id.split(" ")
        tasks.retry(task_id, who=person, said=_promised(*promised))
        _then(_where_it_is_seen())
    elif act == "other":
        _ask_another(task_id, person)
        _then("generate")
    elif act == "retry_failed":
        task_id, *promised = task_id.split(" ")
        _retry_failed(history.card(task_id).batch_id, person, promised)
        _then(_where_it_is_seen())
    elif act == "download_again":
        tasks.retry_download(task_id, who=person)
        _then("rerun")
    elif act == "restore_file":
        restoring.restore(task_id, person)
    elif act == "check":
        tasks.check_now(task_id, who=person)
        toasts.leave(t("Asked the provider. The card changes as soon as it answers."))
    elif act == "stop":
        tasks.write_off(task_id, who=person, again=False)
        _then("rerun")
    elif act == "stop_again":
        tasks.write_off(task_id, who=person, again=True)
        _then("rerun")


def _where_it_is_seen() -> str:
    """What is tried again has its card beside the form; in the results of its batch it stands in its own place."""
    return "rerun" if st.session_state.get("page") == words.RESULTS else "generate"


def _ask_another(said: str, person: str) -> None:
    """ "<task> <price> <choice>": the same of the model that the button named."""
    here, (task_id, price, name) = resources.desk(), said.split(" ", 2)
    found = other.named(here.history.card(task_id), here.glances.inputs([task_id]).get(task_id, ()), name)
    if found is None:
        message = t("{model} cannot be asked for this any more. Nothing was charged. Choose another model.", model=name)
        raise InvalidRequest(message, field="model", code="refused")
    here.tasks.retry(task_id, who=person, other=found.request, said=_promised(price))


def name_call(task_id: str, field: str, person: str) -> None:
    """Takes the provider's id that a person pasted into the field of this key. The next look proves it."""
    with trouble.callback():
        resources.desk().tasks.name_call(task_id, st.session_state[field] or "", who=person)
        toasts.leave(t(words.NAMED))


def follow_up() -> None:
    """Shows what the last act left to say, and goes where it leads. Call it where the event came in; may end the run.

    A toast of a run that ends here would be gone with it, so it is shown by the next.
    """
    where, query = st.session_state.pop("then", ("", {}))
    if where == "rerun" or (not where and left_undrawn()):
        st.rerun()
    elif where:
        st.switch_page(f"app_pages/{where}.py", query_params=query)  # none, said as None, is refused under a search
    toasts.show()


def _then(where: str, **query: str) -> None:
    """Once it is drawn: "rerun", or a page's name and what its address shall say."""
    st.session_state["then"] = where, query


def compare(*refs: str) -> None:
    """Leads to these, two to six, beside one another."""
    _then("compare", **dict(zip(COMPARED, refs, strict=False)))


def take_idea(prompt: str, params: Mapping[str, Any]) -> None:
    """Fills the form that stands beside it, at once."""
    iterate.fill(prompt, params)
    _then("rerun")
