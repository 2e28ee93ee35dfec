"""The way from one task to the next in the drawer: through the list that was on the screen when it was opened.

The browser gets a stretch of it, so that a key shows the next picture at once, and Python follows with the rest.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard.components import views, words
from dashboard.language import t
from dashboard.resources import desk, picture_url
from data.history import Card, Page
from data.query import ME, Choice, Query

SETTLED = 2.0
"""Seconds after which a browser knows of a step that it took."""
AHEAD = 5
"""Tasks to each side that the browser knows: as many presses may come before we answer the first."""


@dataclass(frozen=True)
class Listed:
    """What is walked through. `top`: the sort key of the newest that the list showed."""

    query: Query = field(default_factory=Query)
    top: int | None = None
    ids: tuple[str, ...] = ()  # of the results of a batch: what is walked through, in the order of their table


def arrive() -> str | None:
    """Which task a full run of the page shall show: the address says, unless we have just changed it ourselves."""
    state, said = st.session_state, st.query_params.get("task")
    if said and time.monotonic() - state.get("walked_at", float("-inf")) > SETTLED:
        state["walked_to"] = said
    return here() if said else None


def here() -> str | None:
    """The task that the drawer shows; None where it was left.

    Our own word, not the address: a browser sends its address along with each event, and that is the one from before
    where it has not heard yet of the step that it took.
    """
    at: str | None = st.session_state.get("walked_to") if st.query_params.get("task") else None
    if at and st.query_params["task"] != at:
        st.query_params["task"] = at
    return at


def to(task_id: str) -> None:
    """Goes to a task, in the address too."""
    st.session_state["walked_to"], st.session_state["walked_at"] = task_id, time.monotonic()
    st.query_params["task"] = task_id


def through(ids: tuple[str, ...]) -> None:
    """What the results of a batch show, in the order of their table."""
    st.session_state["results_order"] = ids


def listed(card: Card, person: str) -> Listed:
    """History's list as it stands there; beside the form one's own; for a link from elsewhere all there is."""
    page = st.session_state.get("page")
    if page == words.HISTORY and "list" in st.session_state:
        return Listed(*st.session_state["list"])
    order: tuple[str, ...] = st.session_state.get("results_order", ())
    if page == words.RESULTS and card.id in order:
        return Listed(ids=order)
    mine = page == words.GENERATE and card.person == person
    return Listed(Query(by=Choice((ME,)))) if mine else Listed()


def stretch(card: Card, person: str, here: Listed) -> dict[str, Any]:
    """The tasks next to this one on both sides, the nearest first, and whether there are more behind them.

    "newer" and "older" are the two ways through the list, back and onward, as in one that has the newest first.
    """
    if here.ids:
        return _along(here.ids, card.id)
    search = desk().search
    newer: Page = search.page(here.query, person, after=card.seq, top=here.top, limit=AHEAD)
    older: Page = search.page(here.query, person, before=card.seq, top=here.top, limit=AHEAD)
    return {
        "newer": [_item(one) for one in newer.cards[::-1]], "older": [_item(one) for one in older.cards],
        "more_newer": newer.newer is not None, "more_older": older.older is not None,
    }  # fmt: skip


def _along(ids: tuple[str, ...], task_id: str) -> dict[str, Any]:
    """The same in a list of which all ids are known."""
    at = ids.index(task_id)
    before, behind = ids[max(0, at - AHEAD) : at][::-1], ids[at + 1 : at + 1 + AHEAD]
    return {
        "newer": [_item(one) for one in desk().history.cards(before)],
        "older": [_item(one) for one in desk().history.cards(behind)],
        "more_newer": at > AHEAD, "more_older": at + AHEAD + 1 < len(ids),
    }  # fmt: skip


def step(way: str, task_id: str, person: str) -> str:
    """The id of the next "newer" or "older" task; the same one at the end. Raises NotFound."""
    card = desk().history.card(task_id)
    here = listed(card, person)
    if here.ids:
        at = here.ids.index(task_id) + (-1 if way == "newer" else 1)
        return here.ids[min(max(at, 0), len(here.ids) - 1)]
    beside = desk().search.neighbours(here.query, person, card.seq, top=here.top)
    return (beside.newer if way == "newer" else beside.older) or task_id


def beside(task_id: str, person: str) -> str:
    """The id of the older task of the list, else of the newer; "" where it is the only one. Raises NotFound."""
    both = (step("older", task_id, person), step("newer", task_id, person))
    return next((one for one in both if one != task_id), "")


def without(task_id: str) -> None:
    """It is walked through no longer, for it has been deleted; the results of its batch are read anew."""
    order: tuple[str, ...] = st.session_state.get("results_order", ())
    st.session_state["results_order"] = tuple(one for one in order if one != task_id)


def ways(query: Query) -> tuple[str, str]:
    """What back and onward are called in a list in this order."""
    return (t("Previous"), t("Next")) if query.sort else (t("Newer"), t("Older"))


def ends(here: Listed) -> dict[str, str]:
    """The same for the drawer, by its own names, and what is said at both ends."""
    back, onward = (t("Previous"), t("Next")) if here.ids else ways(here.query)
    if here.query.sort or here.ids:
        first, last = t("This is the first of the list"), t("This is the last of the list")
    else:
        first, last = t("This is the newest of the list"), t("This is the oldest of the list")
    return {"newer": back, "older": onward, "newest": first, "oldest": last}


def _item(card: Card) -> dict[str, Any]:
    word, tone = views.settled(card)
    first = card.pictures[0] if card.pictures else None
    seen = first and {"src": picture_url(first.sha256, "1280"), "video": views.video_mark(first),
                      "width": first.width, "height": first.height}  # fmt: skip
    return {"id": card.id, "prompt": card.prompt, "word": t(word), "tone": tone, "picture": seen}
