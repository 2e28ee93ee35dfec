"""What stands beside the form before a person's first picture: what the team picked, then what it made lately."""

from dataclasses import replace

import streamlit as st

from dashboard import resources
from dashboard.components import acts, views
from dashboard.components.mount import mount
from dashboard.language import t
from data.catalog import catalog
from data.history import Card
from data.query import Choice, Query

MOST = 6
_LOOKED_AT = 30
_DONE = Query(status=Choice(of=("done",)))
_PICKED = replace(_DONE, pick=True)


def starters(person: str) -> bool:
    """Draws up to six pictures, no two of one prompt; False where the team has made none yet, and nothing is drawn."""
    found: dict[str, Card] = {}
    pages = (resources.desk().search.page(query, person, limit=_LOOKED_AT) for query in (_PICKED, _DONE))
    for card in (card for page in pages for card in page.cards):
        if card.pictures and card.pictures[0].duration_ms is None:
            found.setdefault(card.prompt, card)
    if not found:
        return False
    with st.container(key="starters"):
        st.subheader(t("Start from one of these"), anchor=False)
        st.caption(t("Your team made them. A click fills the form with prompt and settings, and buys nothing."))
        items = [_item(card) for card in list(found.values())[:MOST]]
        data = {"label": t("Start from one of these"), "act": "use_again", "captions": True, "items": items}
        mount("shelf", key="shelf", data=data, on_event=lambda act, task_id: acts.perform(act, task_id, person))
    return True


def _item(card: Card) -> dict[str, object]:
    first = card.pictures[0]
    return {
        "id": card.id, "key": card.id, "prompt": card.prompt, "width": first.width, "height": first.height,
        "src": resources.picture_url(first.sha256, "320"), "note": views.model_label(card, catalog().get(card.model)),
    }  # fmt: skip
