"""The press that starts a batch: the same numbers, promise and request key as the form's one, so that it buys once."""

import time

import streamlit as st

from dashboard import resources
from dashboard.components import awaited, budget, filters, form_words, formats, press, project_choice, server, words
from dashboard.components.batch_kept import FILE, Kept, cap_micro, kept, plan_of, remember, reviewed
from dashboard.components.batch_rows import MOST_PICTURES, MOST_ROWS, Review
from dashboard.components.trouble import DATABASE_ERRORS
from dashboard.language import t, tn
from data.errors import NotAllowed, PictureDeskError


def promise(here: Kept, found: Review) -> tuple[object, ...]:
    """All that decides what a press costs and whom it pays; and what it makes, for here all of that is in sight."""
    calls = [
        (row.request.model, row.request.prompt, tuple(sorted(row.request.params.items())), row.price, row.count,
         row.project)
        for row in found.good if row.request is not None
    ]  # fmt: skip
    references = [image.sha256 for row in found.good[:1] if row.request for image in row.request.references]
    return server.about().practice, here.cap, tuple(references), *calls


def start(person: str, pressed: int, promised: tuple[object, ...]) -> None:
    """The button's callback: one transaction makes the whole batch, or says why not. Nothing typed is lost."""
    here, state = kept(), st.session_state
    if not press.is_fresh(pressed):
        return
    here.refused = ""
    try:
        if server.look().halt:
            raise NotAllowed(words.HALTED_PRESS)
        found = reviewed(here)
        if promise(here, found) != promised or obstacle(here, found, None, person):
            raise NotAllowed(words.CHANGED)
        requests, projects = found.requests(), found.projects(project_choice.chosen())
        # What the button said is also the most that it may cost: a new price may come into force this very moment.
        made = resources.desk().tasks.create(
            requests, person=person, request_key=press.request_key(pressed, requests, projects), cap_micro=found.price,
            plan=plan_of(here, found), projects=projects,
        )  # fmt: skip
    except DATABASE_ERRORS:
        here.refused = words.PRESS_UNANSWERED
    except PictureDeskError as error:
        here.refused = error.sentence
    else:
        state["arrived"], state["press"], state["batch_open"] = made[0].batch_id, pressed + 1, False
        state["batch"] = Kept(models=here.models, shapes=here.shapes, typed=here.typed + 1)
        remember(person)
        filters.names_changed()
    state["pressed_at"] = time.monotonic()


def obstacle(here: Kept, found: Review, left: budget.Left | None, person: str) -> str:
    """Why it cannot be started, as the button's label; empty where it can."""
    if server.about().halt:
        return t(words.HALTED_LABEL)
    if here.references and awaited.waiting():
        return form_words.loading(len(st.session_state["references"]))
    if not found.lines.lines:
        return t("Choose a CSV file") if here.origin == FILE and not here.file else t("Add prompts")
    if found.cut:
        return t("More than {rows} rows – at most {most} pictures", rows=f"{MOST_ROWS:,}", most=MOST_PICTURES)
    if not found.good:
        return t("No row can be made")
    if found.pictures > MOST_PICTURES:
        return t("{n} pictures – at most {most}", n=f"{found.pictures:,}", most=MOST_PICTURES)
    cap = cap_micro(here)
    if cap is not None and found.unpriced:
        return t("Price unknown – no cap can be kept")
    if cap is not None and found.known_price > cap:
        over = formats.money(found.known_price - cap, practice=server.about().practice)
        return t("{credits} above the cap", credits=over)
    return budget.obstacle(left, 1, person)[0] if left else ""


def label(found: Review) -> str:
    """What the press would buy."""
    price = estimate(found)
    return tn(found.pictures, "Start {n} · {price}", "Start {n} · {price}", price=price)


def estimate(found: Review) -> str:
    """What it will cost, as far as anybody knows."""
    known = formats.about(found.known_price, practice=server.about().practice)
    if not found.unpriced:
        return known
    if found.unpriced == found.pictures:
        return formats.about(None)
    return tn(
        found.unpriced, "at least {price}, {n} price unknown", "at least {price}, {n} prices unknown", price=known
    )
