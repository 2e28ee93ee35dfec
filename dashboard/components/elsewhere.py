"""Tells of what has ended whoever is elsewhere: on another page by a toast, in another window by a note of the browser.

Notes are only for who asked for them under Settings; the browser is asked for its leave by that press, never before.
"""

from typing import Any

import streamlit as st

from dashboard.components import toasts, trouble, words
from dashboard.components.mount import mount
from dashboard.language import t, tn
from dashboard.resources import desk
from data.catalog import catalog
from data.causes import explain
from data.history import Card
from data.status import TaskStatus

_MARGIN = 200
"""As in `news.py`: PostgreSQL may bring a lower number later."""
_ENDED = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED})
_SHOWN = 80
"""Characters of a prompt."""


def look(person: str, seen: int | None) -> dict[str, Any] | None:
    """To be called in a run, with how far the news are: leaves a toast of what has ended since the last look.

    Gives what the browser shows of it (`news.js`); None where there is nothing, or nobody asked for it.
    """
    state = st.session_state
    kept: tuple[int | None, frozenset[int], dict[str, Any] | None] = state.get("ended", (None, frozenset(), None))
    before, told, said = kept
    if seen is None or seen == before:
        return said
    found = desk().glances.ended(person, min(seen, seen if before is None else before) - _MARGIN)
    new = [task_id for number, task_id in found.items() if number not in told]
    cards = desk().history.cards(new) if new and before is not None else ()
    cards = tuple(card for card in cards if card.status in _ENDED)  # of another one it was not the end
    if cards:
        title, text = summary(cards)
        if state["page"] != words.GENERATE:  # there they have appeared
            toasts.leave(" · ".join(filter(None, [title, text])), ":material/notifications:")
        wanted = desk().preferences.all(person).get("notify")
        said = {"number": max(found), "title": title, "body": text or t(words.APP)} if wanted else None
    state["ended"] = (seen, frozenset(found), said)
    return said


def summary(cards: tuple[Card, ...]) -> tuple[str, str]:
    """What has ended, in a line; and of what failed, why, was it charged, what to do."""
    failed = [card for card in cards if card.status == TaskStatus.FAILED]
    done = len(cards) - len(failed)
    if len(cards) == 1:
        (card,) = cards
        prompt = card.prompt if len(card.prompt) <= _SHOWN else f"{card.prompt[: _SHOWN - 1]}…"
        title = t("Failed: {prompt}", prompt=prompt) if failed else t("Done: {prompt}", prompt=prompt)
    else:
        parts = [tn(done, "{n} request is done", "{n} requests are done") if done else "",
                 tn(len(failed), "{n} failed", "{n} failed") if failed else ""]  # fmt: skip
        title = " · ".join(filter(None, parts))
    first = failed[0] if failed else None
    if first is None:
        return title, ""
    spec = catalog().get(first.model)
    road = spec.provider if spec else ""
    told = {"perhaps": first.perhaps_charged, "practice": desk().glances.practised([first.id]).get(first.id, True)}
    return title, t(explain(first.error_code or "other", first.charged_micro, road, **told))


def switch(person: str) -> None:
    """Of Settings."""
    data = {
        "wanted": bool(desk().preferences.all(person).get("notify")),
        "words": {
            "label": t("Tell me when pictures are done while I am away"),
            "how": t("By a note of your browser, without a sound: also of what fails. A tab of the desk must be open."),
            "denied": t("Your browser blocks notifications from this desk. Allow them in its settings for this site."),
            "ask": t("Not allowed in this browser yet: switch it on again here, and your browser asks."),
            "none": t("This browser cannot show notifications. The tab’s title says how many are under way."),
        },
    }  # fmt: skip
    mount("elsewhere", key="elsewhere", data=data, on_event=lambda act, _: _switched(act, person))


def _switched(act: str, person: str) -> None:
    with trouble.callback():
        desk().preferences.remember(person, notify=act == "on")
