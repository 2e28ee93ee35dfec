"""The History grid: one browser component for a whole page of thumbnails, alive only while a shown task runs."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.components import acts, formats, news, trouble, views, words
from dashboard.components.mount import mount
from dashboard.components.now import any_active, surroundings
from dashboard.resources import desk, picture_url
from data.catalog import catalog
from data.history import Card
from data.links import EVERYBODY
from data.status import ACTIVE


def gallery(cards: Sequence[Card], person: str) -> None:
    """Draws these cards. They are a snapshot: what is new stays out until a person turns the page, nothing moves."""
    live = any_active(cards)
    st.fragment(_grid, run_every=news.timer(live))(tuple(cards), person, live)


def _grid(cards: tuple[Card, ...], person: str, live: bool) -> None:
    if live:
        news.listen("gallery", EVERYBODY)
    with trouble.live_part():
        _draw(cards, person, live)


def _draw(cards: tuple[Card, ...], person: str, live: bool) -> None:
    if live:
        cards = tuple(desk().history.card(card.id) if card.status in ACTIVE else card for card in cards)
    around = surroundings(())
    items = [_item(views.card_view(card, around), card, around) for card in cards]
    data = {"label": words.HISTORY, "items": items}
    mount("gallery", key="gallery", data=data, on_event=lambda act, task_id: acts.perform(act, task_id, person))
    acts.follow_up()


def _item(look: dict[str, Any], card: Card, around: views.Surroundings) -> dict[str, Any]:
    first = card.pictures[0] if card.pictures else None
    return {
        "id": card.id, "state": look["state"], "tone": look["tone"], "word": look["word"], "prompt": card.prompt,
        "model": views.model_label(card, catalog().get(card.model)),
        "age": formats.age(card.created_at, around.now),
        "cost": formats.money_short(card.charged_micro) if card.charged_micro else "",
        "picture": picture_url(first.sha256, "320") if first else None,
        "video": views.video_mark(first),
        "width": first.width if first else None, "height": first.height if first else None,
        "more": str(len(card.pictures)) if len(card.pictures) > 1 else None,
    }  # fmt: skip
