"""The drawer at the right: one task whole, bound to `?task=<id>`, so that a copied link opens the same."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from dashboard.components import actions, acts, actual, formats, news, timeline, trouble, views, words
from dashboard.components.mount import mount
from dashboard.components.now import surroundings
from dashboard.resources import desk, picture_url
from data.catalog import catalog
from data.causes import DIRECT
from data.errors import NotFound
from data.history import Detail
from data.links import EVERYBODY
from data.status import TaskStatus

_WORDS = {
    "prompt": "Prompt", "copy": "Copy", "copied": "Copied", "references": "References", "settings": "Asked and used",
    "timeline": "What happened", "details": "Details for support", "full": "Open the original in full",
    "unplayable": "This browser cannot play this video. Download it to watch it.",
    "setting": "Setting", "asked": "Asked", "used": "Used", "unsaid": "not reported", "differs": "differs",
}  # fmt: skip


def drawer_if_asked(person: str) -> None:
    """Opens the drawer when the address names a task. A full rerun closes dialogs, so pages call this on every run."""
    task_id = st.query_params.get("task")
    if not task_id:
        return
    try:
        detail = desk().history.detail(task_id)
    except NotFound:
        st.toast(words.NO_SUCH_REQUEST, icon=":material/error:")
        _forget()
        return
    spec = catalog().get(detail.card.model)
    title = views.model_label(detail.card, spec)
    st.dialog(formats.literal(title), width=520, position="right", on_dismiss=_forget)(_sheet)(task_id, person)


def _forget() -> None:
    st.query_params.pop("task", None)


def _sheet(task_id: str, person: str) -> None:
    news.listen("sheet", EVERYBODY)
    with trouble.live_part():
        detail = desk().history.detail(task_id)
        around = surroundings([detail.card])
        data = sheet(detail, around, person)
        mount("sheet", key="sheet", data=data, on_event=lambda act, name: acts.perform(act, name, person))
        if around.of(detail.card).doubtful and _has_a_list(detail):
            _name_it(detail, person)
        acts.follow_up()


def _has_a_list(detail: Detail) -> bool:
    """Whether the provider keeps a list of its tasks in which this one could be found."""
    spec = catalog().get(detail.card.model)
    return spec is None or spec.provider not in DIRECT


def _name_it(detail: Detail, person: str) -> None:
    """For whoever has found a doubtful request in the provider's own list: its id there ends the doubt."""
    field = f"name_{detail.card.id}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="name_it"):
        st.text_input(words.NAME_IT, key=field, max_chars=200, placeholder="The id of the task at the provider")
        st.button("This is it", key="name_call", on_click=acts.name_call, args=(detail.card.id, field, person))


def sheet(detail: Detail, around: views.Surroundings, person: str) -> dict[str, Any]:
    """Everything the drawer shows, ready to draw."""
    card = detail.card
    spec = catalog().get(card.model)
    look = views.card_view(card, around)
    return {
        "id": card.id, "word": look["word"], "tone": look["tone"], "fact": look["fact"], "say": look["say"],
        "prompt": card.prompt, "words": _WORDS,
        "pictures": [_picture(detail, index) for index in range(len(card.pictures))],
        "actions": [
            *actions.actions(card, around.of(card), practice=around.practice, in_drawer=True),
            *_of_the_batch(detail, around.practice),
        ],
        "references": [
            {"src": picture_url(row.sha256, "320"), "name": row.filename or f"Reference {row.position + 1}",
             "note": " · ".join(filter(None, [row.filename, f"{row.width} × {row.height}", row.note]))}
            for row in detail.inputs
        ],
        "settings": [
            asdict(line) for line in actual.lines(detail, spec, practice=around.practice)
        ],
        "timeline": timeline.rows(detail, person),
        "ids": _ids(detail),
    }  # fmt: skip


def _of_the_batch(detail: Detail, practice: bool) -> list[dict[str, Any]]:
    if detail.card.status != TaskStatus.FAILED:
        return []
    return actions.batch_action(desk().glances.failed_of_batch(detail.card.batch_id), practice=practice)


def _picture(detail: Detail, index: int) -> dict[str, Any]:
    one, count = detail.card.pictures[index], len(detail.card.pictures)
    kind = one.mime.partition("/")[2].upper()
    length = formats.length(one.duration_ms) if one.duration_ms is not None else ""
    return {
        "src": picture_url(one.sha256, "1280"), "video": views.video_mark(one),
        "width": one.width, "height": one.height,
        "full": actions.original_url(detail.card, index, save=False), "href": actions.original_url(detail.card, index),
        "label": f"Download {index + 1} of {count}" if count > 1 else "Download",
        "name": "Save the original, byte for byte",
        "facts": " · ".join(filter(None, [f"{one.width} × {one.height}", length, kind, formats.megabytes(one.size)])),
    }  # fmt: skip


def _ids(detail: Detail) -> list[tuple[str, str]]:
    rows = [("Request", detail.card.id), ("Model id", detail.card.model)]
    if detail.retry_of:
        rows.append(("Retry of", detail.retry_of))
    for call in detail.submissions:
        known = call.provider_task_id or (f"perhaps {call.named_as}" if call.named_as else "no id known")
        said = f" — {call.fail_message}" if call.fail_message else ""
        rows.append((f"Call {call.attempt}", f"{call.account}: {known}, {call.outcome.value.replace('_', ' ')}{said}"))
    return [*rows, *timeline.raw(detail)]
