"""The drawer at the right: one task whole, bound to `?task=<id>`, so that a copied link opens the same.

It is a fragment that reads the address at each drawing: walking from task to task draws nothing else of the page.
"""

from dataclasses import asdict
from typing import Any

import streamlit as st

from dashboard.components import (
    actions,
    acts,
    actual,
    comparing,
    family,
    formats,
    news,
    people,
    recipe,
    restoring,
    timeline,
    trouble,
    undo,
    views,
    walk,
    words,
)
from dashboard.components.mount import mount
from dashboard.components.now import surroundings
from dashboard.language import t
from dashboard.resources import desk, picture_url
from data import hits
from data.catalog import catalog
from data.causes import DIRECT
from data.errors import NotFound
from data.history import Card, Detail
from data.links import EVERYBODY
from data.marks import LONGEST_TAG
from data.projects import LONGEST_PROJECT
from data.status import Outcome, TaskStatus

SUGGESTED = 50
"""Tags, or projects, that are offered while one is typed."""


def drawer_if_asked(person: str) -> None:
    """Opens the drawer when the address names a task. A full rerun closes dialogs, so pages call this on every run."""
    comparing.bar()
    task_id = walk.arrive()
    if not task_id:
        return
    try:
        desk().history.card(task_id)
    except NotFound:
        st.toast(t(words.NO_SUCH_REQUEST), icon=":material/error:")
        _forget()
        return
    # Its name is for who hears it: what is seen at its head is the prompt, which changes as one walks on (`sheet.js`).
    st.dialog(t("All about it"), width=520, position="right", on_dismiss=_forget)(_sheet)(person)


def _forget() -> None:
    st.query_params.pop("task", None)


def _sheet(person: str) -> None:
    news.listen("sheet", EVERYBODY)
    task_id = walk.here()
    if not task_id:  # it was left by what was pressed in it
        acts.follow_up()
        return
    with trouble.live_part("sheet", of=task_id):
        try:
            detail = desk().history.detail(task_id)
        except NotFound:  # deleted while somebody was looking at it
            st.caption(t(words.NO_SUCH_REQUEST))
            return
        around = surroundings([detail.card], person)
        data = sheet(detail, around, person)
        mount("sheet", key="sheet", data=data, on_event=lambda act, name: _heard(act, name, person))
        if around.of(detail.card).doubtful and _has_a_list(detail):
            _name_it(detail, person)
        acts.follow_up()


def _heard(act: str, name: str, person: str) -> None:
    """What was pressed: a step to another task changes the address; the rest is done as on a card."""
    if act == "go":
        walk.to(name)
    elif act in ("newer", "older"):
        with trouble.callback():
            walk.to(walk.step(act, walk.here() or "", person))
    else:
        acts.perform(act, name, person)


def _has_a_list(detail: Detail) -> bool:
    """Whether the provider keeps a list of its tasks in which this one could be found."""
    spec = catalog().get(detail.card.model)
    return spec is None or spec.provider not in DIRECT


def _name_it(detail: Detail, person: str) -> None:
    """For whoever has found a doubtful request in the provider's own list: its id there ends the doubt."""
    field = f"name_{detail.card.id}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="name_it"):
        st.text_input(t(words.NAME_IT), key=field, max_chars=200, placeholder=t("The id of the task at the provider"))
        st.button(t("This is it"), key="name_call", on_click=acts.name_call, args=(detail.card.id, field, person))


def sheet(detail: Detail, around: views.Surroundings, person: str) -> dict[str, Any]:
    """Everything the drawer shows, ready to draw."""
    card = detail.card
    spec = catalog().get(card.model)
    lost, restore = restoring.in_drawer(card, around.now, around.rescue)
    look, here, kin = views.card_view(card, around), walk.listed(card, person), family.strip(card.id)
    return {
        "id": card.id, "word": look["word"], "tone": look["tone"], "fact": look["fact"],
        "say": lost or look["say"],
        "title": views.model_label(card, spec), "prompt": card.prompt, "words": _words() | walk.ends(here),
        "age": formats.age(card.created_at, around.now), "when": formats.date_and_time(card.created_at),
        "pieces": hits.marked(card.prompt, hits.words_of(here.query)),
        "pictures": [_picture(detail, index) for index in range(len(card.pictures))],
        "walk": walk.stretch(card, person, here), "family": kin, **_shared(card, around, person),
        "undo": undo.offered_for(card.id),
        "actions": [
            *restore, *actions.actions(card, around, in_drawer=True),
            *_of_the_batch(detail, around.practice),
        ],
        "menu": actions.rarer(
            card, parent=family.parent_of(kin), recipes=(recipe.curl(detail), recipe.python(detail))
        ),
        "references": [
            {"src": picture_url(row.sha256, "320"),
             "name": row.filename or t("Reference {number}", number=row.position + 1),
             "note": " · ".join(filter(None, [row.filename, f"{row.width} × {row.height}", t(row.note or "")]))}
            for row in detail.inputs
        ],
        "settings": [
            asdict(line) for line in actual.lines(detail, spec, practice=around.practised(card))
        ],
        "timeline": timeline.rows(detail, person),
        "ids": _ids(detail),
    }  # fmt: skip


def _of_the_batch(detail: Detail, practice: bool) -> list[dict[str, Any]]:
    if detail.card.status != TaskStatus.FAILED:
        return []
    failed = desk().glances.failed_of_batch(detail.card.batch_id)
    return actions.batch_action(detail.card.id, failed, practice=practice)


def _shared(card: Card, around: views.Surroundings, person: str) -> dict[str, Any]:
    """What the team says of it: who picked it, its project and its tags, each with those that it might get."""
    marked, names = around.marked(card), desk().search.names()
    tags = [name for name in names.tags if name not in marked.tags]
    projects = [name for name in names.projects.values() if name != card.project]
    pick = marked.pick
    said = pick and t("Picked {by}, {date}", by=people.by(pick.person, person), date=formats.date_and_time(pick.at))
    return {
        "pick": said or "",
        "tags": {"mine": list(marked.tags), "others": tags[:SUGGESTED], "longest": LONGEST_TAG},
        "project": {"mine": card.project, "others": projects[:SUGGESTED], "longest": LONGEST_PROJECT},
    }


def _picture(detail: Detail, index: int) -> dict[str, Any]:
    one, count = detail.card.pictures[index], len(detail.card.pictures)
    kind = one.mime.partition("/")[2].upper()
    length = formats.length(one.duration_ms) if one.duration_ms is not None else ""
    edit = {"act": "edit", "label": t("Edit {number}", number=index + 1), "id": f"{detail.card.id}.{index + 1}",
            "title": t("Change this picture: it becomes the first reference, you write what shall differ")}  # fmt: skip
    here = restoring.is_back(one.sha256)
    return {
        "src": picture_url(one.sha256, "1280"), "gone": not here,
        "video": views.video_mark(one),
        "width": one.width, "height": one.height,
        "full": actions.original_url(detail.card, index, save=False),
        "href": actions.original_url(detail.card, index) if here else "",
        "label": t("Download {number} of {count}", number=index + 1, count=count) if count > 1 else t("Download"),
        "name": t("Save the original, byte for byte"), "keys": "D" if index == 0 else "",
        "edit": edit if index and not views.is_video(one) else None,
        "facts": " · ".join(filter(None, [f"{one.width} × {one.height}", length, kind, formats.megabytes(one.size)])),
    }  # fmt: skip


def _ids(detail: Detail) -> list[tuple[str, str, str]]:
    """What each is called, what is shown of it, and what is copied."""
    plain = [(t("Request"), detail.card.id), (t("Model id"), detail.card.model)]
    if detail.parent:
        plain.append((family.relation_of(detail.parent.relation), detail.parent.task_id))
    rows = [(name, value, value) for name, value in plain]
    for call in detail.submissions:
        known = call.provider_task_id or (
            t("perhaps {name}", name=call.named_as) if call.named_as else t("no id known")
        )
        said = f" — {call.fail_message}" if call.fail_message else ""
        told = t("{account}: {id}, {outcome}", account=call.account, id=known, outcome=_outcome(call.outcome)) + said
        own = call.provider_task_id or call.named_as or told  # support asks for the id, and for nothing around it
        rows.append((t("Call {number}", number=call.attempt), told, own))
    return [*rows, *((name, text, text) for name, text in timeline.raw(detail))]


def _outcome(outcome: Outcome) -> str:
    return {
        Outcome.SENDING: t("sending"), Outcome.ACCEPTED: t("accepted"), Outcome.UNKNOWN: t("unknown"),
        Outcome.NOT_SENT: t("not sent"), Outcome.REJECTED: t("rejected"), Outcome.WRITTEN_OFF: t("written off"),
        Outcome.SUCCEEDED: t("succeeded"), Outcome.PROVIDER_FAILED: t("provider failed"),
    }[outcome]  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "prompt": t("Prompt"), "copy": t("Copy"), "copied": t("Copied"), "take": t("Copy: {name}", name="{name}"),
        "references": t("References"),
        "settings": t("Asked and used"), "timeline": t("What happened"), "details": t("Details for support"),
        "full": t("Open the original in full"), "setting": t("Setting"), "asked": t("Asked"), "used": t("Used"),
        "unplayable": t("This browser cannot play this video. Download it to watch it."),
        "absent": t(words.CANNOT_BE_SHOWN),
        "unsaid": t("not reported"), "differs": t("differs"), "menu": t("More"), "tags": t("Tags"),
        "undo": t("Undo"), "project": t("Project"), "to_project": t("Put into a project"),
        "to_other": t("Move to another"),
        "take_out": t("Take it out of {name}", name="{name}"),
        "add_tag": t("Add a tag"), "remove_tag": t("Remove the tag {name}", name="{name}"),
        "walk": t("Walk through the list"), "closer": t("Look closer, at 100 %"), "close": t("Close"),
        "nearer": t("Zoom in"), "wider": t("Zoom out"), "fit": t("Fit, or 100 %"),
        "no_picture": t("There is no picture of this one."),
    }  # fmt: skip
