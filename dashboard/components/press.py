"""The one press that spends: what stands in its way, and how it becomes tasks, once."""

import re
import secrets
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import resources
from dashboard.components import budget, filters, form_words, origin, project_choice, server, words
from dashboard.components.chosen import choose
from dashboard.components.controls import joined
from dashboard.components.form import Form, read
from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.language import t
from data.asks import digest
from data.errors import InvalidRequest, NotAllowed, PictureDeskError
from data.query import project_key
from data.requests import MAX_COUNT, GenerationRequest, validate_count
from data.schema import Task
from data.sentences import Sentence

ONE_PRESS_SECONDS = 1.0
OLD_SECONDS = 30.0
"""Whoever pressed so long ago has gone on to something else."""


def number() -> int:
    """The number of the press that the button now on the screen stands for."""
    count: int = st.session_state.setdefault("press", 1)
    return count


def key(promise: tuple[object, ...]) -> str:
    """The key of the button that promises this. With another promise it is another button: a press that was on its way
    to the one before does not reach it."""
    return f"generate_{number()}_{digest_of(promise)}"


def digest_of(what: object) -> str:
    """A short name for what `repr` says of it."""
    return f"{zlib.crc32(repr(what).encode()):08x}"


def heard() -> int:
    """How many presses have reached us in this session, whatever became of them."""
    count: int = st.session_state.get("presses_heard", 0)
    return count


def is_fresh(pressed: int, asked: str = "", *, age: float = 0.0) -> bool:
    """Whether the button of this number may still buy. `asked`: the digest of what it would ask for; `age`: how many
    seconds ago it was pressed.

    A double click reaches us as two presses, and must not buy a second batch. However slow the server, the second one
    names the button that the person saw, whose number is used up by then; and where the server is so quick that the
    next button is there already, a press within a second of the last is the same press. Whoever has written something
    else meanwhile, and was as quick, has pressed for that.
    """
    if asked and asked not in st.session_state.get("pressed_for", ("",)):
        return True
    then = time.monotonic() - age
    return pressed == number() and then - st.session_state.get("pressed_at", -1e9) >= ONE_PRESS_SECONDS


def press(person: str, pressed: int, promised: tuple[object, ...], *, age: float = 0.0) -> None:
    """The button's callback: validates, creates the batch and remembers what was used. Nothing typed is lost.

    `promised` is the form's promise when the button was drawn: form, catalogue and server are asked again here, and
    may say something else. `age`: how many seconds ago it was pressed.
    """
    state, asked = st.session_state, _asked(read())
    state["presses_heard"] = heard() + 1
    if not is_fresh(pressed, asked, age=age):
        state["pressed_at"] = time.monotonic()  # presses that come on and on, as of a key held down, are one
        return
    state["refusal"], state["pressed_text"] = None, state["prompt"]
    try:
        if server.look().halt:
            raise NotAllowed(words.HALTED_PRESS)
        made = _create(form := read(), person, pressed, promised)
    except DATABASE_ERRORS:
        state["refusal"] = (words.PRESS_UNANSWERED, read())
    except PictureDeskError as error:
        form = read()
        changed = bool(form.willing) and form.promise != promised and not server.about().halt
        state["refusal"] = (words.CHANGED if changed else error.sentence, form)
    else:
        state["arrived"] = state["pressed_batch"] = made[0].batch_id
        state["press"] = max(pressed, number()) + 1
        choose([ask.choice.name for ask in form.asks])  # whatever stood in for a model that is gone
        origin.settled()
        _remember(person, form)
        filters.names_changed()
    state["pressed_at"], state["pressed_for"] = time.monotonic(), (asked, _asked(read()))


def unheard(person: str, said: Mapping[str, Any]) -> None:
    """A press of which the browser does not know that we heard: see `composer.js`. It buys what was seen, or nothing.

    Its button may be gone, its press may have come after all, and the form may say something else by now.
    """
    state = st.session_state
    text, came = str(said["text"]), said["heard"] != heard()
    if state.get("page") != words.GENERATE or said["age"] > OLD_SECONDS or (came and text == shown(pressed_text())):
        return
    form = read()
    _, pressed, promised = str(said["button"]).split("_")
    is_same = text == shown(state["prompt"]) and said["form"] == beside_the_prompt(form)
    if is_same and promised == key(form.promise).split("_")[-1]:
        press(person, int(pressed), form.promise, age=said["age"])
    elif not came:
        state["refusal"] = (words.CHANGED, _unseen(form))


def beside_the_prompt(form: Form) -> str:
    """The digest of all that a press asks for but its prompt, of which the browser knows more than we."""
    asks = [(ask.choice.name, sorted(ask.params.items())) for ask in form.asks]
    references = [reference.sha256 for reference in form.references]
    state, project = st.session_state, project_key(project_choice.chosen())
    return digest_of((asks, references, form.count, state["template"], state["blanks"], project))


def pressed_text() -> str:
    """What stood in the prompt's field when we last heard a press that counted."""
    return st.session_state.get("pressed_text") or ""


def shown(text: str | None) -> str:
    """As a field of the browser holds it."""
    return re.sub(r"\r\n?", "\n", text or "")


def _asked(form: Form) -> str:
    """The digest of what a press of this form would ask for, "" where it would be refused."""
    try:
        return digest(form.requests() * form.count) if form.willing else ""
    except InvalidRequest:
        return ""


def _create(form: Form, person: str, pressed: int, promised: tuple[object, ...]) -> list[Task]:
    """The batch. Raises PictureDeskError with a sentence; then nothing of it was made."""
    if not form.willing:
        fault = form.refusing[0].fault
        raise InvalidRequest(fault.sentence if fault else words.NONE_TAKES_IT, field="model", code="refused")
    if form.promise != promised:
        raise NotAllowed(words.CHANGED)
    if form.awaited:
        raise NotAllowed(words.STILL_LOADING)
    if form.unfilled:
        raise NotAllowed(
            Sentence(
                "Blanks of the template are empty: {names}. Nothing was asked for and nothing was charged. Fill them.",
                names=joined(form.unfilled),
            )
        )
    validate_count(form.total)
    requests = [request for request in form.requests() for _ in range(form.count)]
    # What the button said is also the most that it may cost: a new price may come into force this very moment.
    most = None if form.price is None else form.price * form.count
    projects = [project_choice.chosen()] * len(requests)
    return resources.desk().tasks.create(
        requests,
        person=person,
        parents=origin.parents(requests),
        request_key=request_key(pressed, requests, projects),
        cap_micro=most,
        projects=projects,
    )


def _remember(person: str, form: Form) -> None:
    state = st.session_state
    with suppress(SQLAlchemyError):  # it is asked for; only the next visit would start with other settings
        resources.desk().preferences.remember(
            person, choice=[ask.choice.name for ask in form.asks], count=form.count, settings=state["wanted"],
            draft=state["prompt"] or "", project=project_choice.chosen(),
        )  # fmt: skip
        if state["template"]:
            resources.desk().templates.used(state["template"]["id"])


def request_key(pressed: int, requests: list[GenerationRequest], projects: list[str]) -> str:
    """One key for one press of one session: if its answer is lost after the commit, the next press finds its batch.

    What is asked, and for which project each, is part of it, so that whoever changes the form after a lost answer asks
    for something new. A project is the same however it is written: what was typed is chosen from the list afterwards.
    """
    session = st.session_state.setdefault("presses", secrets.token_hex(12))
    return f"screen:{session}:{pressed}:{digest(requests)[:24]}:{digest_of([project_key(name) for name in projects])}"


def _unseen(form: Form) -> tuple[str, str]:
    """What of the form a press was refused for whose text we have not got: it may stand in the field unsent."""
    return beside_the_prompt(form), form.prompt


def refusal(form: Form, *, edited: bool) -> str:
    """Why the last press was refused, while the form still says what was refused.

    `edited`: in the prompt's field stands another text than the one that we have.
    """
    sentence, refused = st.session_state.get("refusal") or ("", None)
    return t(sentence) if refused == _unseen(form) or (refused == form and not edited) else ""


def obstacle(form: Form, left: budget.Left | None, person: str, *, empty: bool) -> tuple[str, str]:
    """Why the button cannot be pressed, as its label and as the whole sentence; both empty when it can.

    `empty`: nothing stands in the prompt's field.
    """
    if server.about().halt:
        return t(words.HALTED_LABEL), t(words.HALTED_DO)
    if form.awaited:
        return form_words.loading(len(form.references)), ""
    if empty and form.wants_words:
        return t(words.ADD_PROMPT), ""
    if form.unfilled:
        return t("Fill in: {names}", names=t(joined(form.unfilled))), ""
    if not form.willing:
        sentences = [t(ask.fault.sentence) for ask in form.refusing if ask.fault]
        if len(sentences) > 1:
            return t(words.NONE_TAKES_IT), ""  # each is named beside the button
        return t(words.NOT_YET), sentences[0]
    if form.total > MAX_COUNT:
        return form_words.too_many(form.total, MAX_COUNT)
    if left is None:
        return "", ""
    return budget.obstacle(left, form.count, person)


def same_as(form: Form) -> Task | None:
    """The newest task of anybody who asked for the same within a day, where every model was asked for it."""
    try:
        found = [resources.desk().tasks.like(request) for request in form.requests()]
    except InvalidRequest:
        return None
    known = [task for task in found if task is not None]
    return max(known, key=lambda task: task.seq or 0) if known and len(known) == len(found) else None
