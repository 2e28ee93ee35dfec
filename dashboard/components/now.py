"""The Now strip: this person's running and newest tasks, drawn anew when one of them moves."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import (
    acts,
    credit,
    elsewhere,
    news,
    server,
    starters,
    trouble,
    undo,
    views,
    words,
)
from dashboard.components.batch_card import batch_view, outlook
from dashboard.components.mount import mount
from dashboard.language import t
from data.batches import Standing
from data.history import Card
from data.pairing import mates
from data.status import ACTIVE, TaskStatus

_WITH_OPEN_CALLS = {TaskStatus.UNCONFIRMED, TaskStatus.FAILED, TaskStatus.SUCCEEDED}
"""Where what a person may do depends on the paid calls; of what is being made, only where it is late or cancelled."""
QUEUE_PATIENCE = timedelta(seconds=3)
"""A queue that is gone sooner than this is not worth a line."""
ARRIVES = 5.0
"""Seconds after a press in which its cards are still brought into view."""


def surroundings(cards: Sequence[Card], person: str = "") -> views.Surroundings:
    """What these cards, drawn together, share; for `person` with the stars and tags."""
    here, now = resources.desk(), resources.now()
    about = server.look()
    failed = [card.id for card in cards if card.status == TaskStatus.FAILED]
    return views.Surroundings(
        now=now,
        practice=about.practice,
        unconfirmed=timedelta(minutes=about.unconfirmed_minutes),
        paused=here.history.paused_accounts(now),
        rescue=timedelta(days=about.rescue_days),
        calls=here.glances.calls([card.id for card in cards if _depends_on_calls(card, now)]),
        inputs=here.glances.inputs(failed),
        stand_ins=here.glances.stand_ins(failed),
        made_in_practice=here.glances.practised([card.id for card in cards]),
        marks=here.marks.of([card.id for card in cards], person) if person else {},
        mates=mates(cards),
    )


def _depends_on_calls(card: Card, now: datetime) -> bool:
    return card.status in _WITH_OPEN_CALLS or views.may_be_asked_for(card, now)


def now_strip(person: str) -> None:
    """Draws the strip and keeps it true."""
    st.fragment(_strip)(person)


def _strip(person: str) -> None:
    with news.turn():
        seen = news.seen()
        every: float | None = news.TIMER_SECONDS
        with trouble.live_part("now"):
            every = _draw(person)
        undo.show(lambda act, task_id: acts.perform(act, task_id, person))
        news.keep_true("now", person, seen=seen, every=every)


def _draw(person: str) -> float | None:
    """Draws the cards; after how many seconds they may have changed without any news."""
    cards = in_reading_order(resources.desk().history.recent(person))
    batches = resources.desk().batches.recent(person)
    if not cards and not batches:
        if not starters.starters(person):
            ideas()
        acts.follow_up()  # the form stands outside this fragment
        return None
    around = surroundings(cards, person)
    data = {
        "label": t(words.NOW), "arrived": _arrived(), "queue": _queue(cards, around.now),
        "words": {"menu": t("More"), "copied": t("Copied"), "missing": t(words.CANNOT_BE_SHOWN)},
        "cards": _views(cards, batches, around),
    }  # fmt: skip
    mount("cards", key="now", data=data, on_event=lambda act, task_id: acts.perform(act, task_id, person))
    acts.follow_up()
    return _every(cards, batches)


def _arrived() -> str | None:
    """The batch of a press just now. Told in more than one drawing: the next may overtake the first on its way."""
    pressed = st.session_state.get("pressed_at", float("-inf"))
    return st.session_state.get("arrived") if time.monotonic() - pressed < ARRIVES else None


def _every(cards: Sequence[Card], batches: Sequence[Standing]) -> float | None:
    """A place in the queue moves with other people's tasks, of which this person hears nothing."""
    waits = any(card.status == TaskStatus.QUEUED for card in cards)
    if waits or any(batch.count(TaskStatus.QUEUED) for batch in batches):
        return news.TIMER_SECONDS
    return news.SLOW_SECONDS if any_active(cards) or any(batch.active for batch in batches) else None


def _views(cards: Sequence[Card], batches: Sequence[Standing], around: views.Surroundings) -> list[dict[str, Any]]:
    """Every card, whole batches among the others: the newest first."""
    newest = {card.batch_id: card.seq for card in reversed(cards)}
    found = [(newest[card.batch_id], views.card_view(card, around)) for card in cards]
    waiting = any(batch.count(TaskStatus.QUEUED) for batch in batches)
    whole = outlook() if waiting else None
    found += [(batch.seq, batch_view(batch, whole, practice=around.practice)) for batch in batches]
    return [view for _, view in sorted(found, key=lambda each: -each[0])]


def _queue(cards: Sequence[Card], now: datetime) -> str:
    """How long everybody's queue is, while something of this person waits in it; else nothing."""
    waits = [now - card.status_at for card in cards if card.status == TaskStatus.QUEUED]
    if not waits:
        return ""
    whole = outlook()
    worth = whole.waiting and (whole.seconds >= 1 or max(waits) > QUEUE_PATIENCE)
    return t(words.queue(whole.waiting, whole.seconds)) if worth else ""


def in_reading_order(cards: Sequence[Card]) -> list[Card]:
    """Newest batch first, and inside a batch its first picture first."""
    newest = {card.batch_id: card.seq for card in reversed(cards)}
    return sorted(cards, key=lambda card: (-newest[card.batch_id], card.seq))


def ideas() -> None:
    """The empty state: says what belongs here and offers prompts to start from."""
    with st.container(key="ideas"):
        st.subheader(t(words.EMPTY_TITLE), anchor=False)
        st.caption(t(words.EMPTY_TEXT))
        grid = st.grid("auto", min_column_width=240)
        for index, (title, shape, prompt) in enumerate(words.IDEAS):
            with grid.container(border=True, height="stretch"):
                st.markdown(f"**{t(title)}** · {shape}")
                st.caption(t(prompt))
                idea = (t(prompt), {"aspect_ratio": shape})
                st.button(t(words.USE_IDEA), key=f"idea_{index}", on_click=acts.take_idea, args=idea)


def pulse(person: str, title: Callable[[int], str]) -> None:
    """Keeps what stands outside the strip true: the tab's title, also in a tab that nobody sees, and the budget.

    `title`: of the tab, by how many of this person's tasks are under way.
    """
    st.fragment(_watch)(person, title, _standing(person))


def _watch(person: str, title: Callable[[int], str], drawn: object) -> None:
    with news.turn():
        seen, says, ended = news.seen(), "", None
        with suppress(*trouble.DATABASE_ERRORS):
            if _standing(person) != drawn:
                st.rerun()
            says = title(resources.desk().history.active_count(person))
            ended = elsewhere.look(person, seen)
        news.keep_true("pulse", person, seen=seen, leisurely=True, title=says, ended=ended)
        acts.follow_up()


def _standing(person: str) -> object:
    """What the page says of budgets, where one is in force, and the form of what the accounts hold."""
    held = credit.told() if st.session_state["page"] == words.GENERATE else None
    return [each for each in resources.desk().ledger.standing(person) if each.limit is not None], held


def any_active(cards: Sequence[Card]) -> bool:
    """Whether a list shows anything that still changes."""
    return any(card.status in ACTIVE for card in cards)
