"""What a tile of the History grid says, ready to draw: few words, small addresses, and no query for each card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.components import formats, views
from dashboard.language import t, tn
from dashboard.resources import picture_url
from data.catalog import catalog
from data.history import Card
from data.marks import Marked

LONGEST = 280
"""Characters of a prompt that a tile carries: a page of long ones would be the most of what is sent."""


@dataclass(frozen=True)
class Around:
    """What the tiles of one drawing share."""

    now: views.Surroundings
    marks: Mapping[str, Marked]
    gone: frozenset[str] = frozenset()  # ids of those that were deleted since the list was read
    missing: Mapping[str, str] = field(default_factory=dict)  # sha256 -> why its picture cannot be shown
    lines: Mapping[str, str] = field(default_factory=dict)  # id -> a line of its own, in place of model, cost and age


def tile(card: Card, around: Around) -> dict[str, Any]:
    """One tile."""
    spec = catalog().get(card.model)
    word, tone = views.state(card, views.waiting_cause(card, spec, around.now))
    first = card.pictures[0] if card.pictures else None
    marked = around.marks.get(card.id, Marked())
    gone, practice = card.id in around.gone, around.now.practised(card)
    return {
        "id": card.id, "state": card.status.value, "tone": "off" if gone else tone,
        "word": t("Deleted") if gone else t(word), "gone": gone, "prompt": _cut(card.prompt),
        "model": views.model_label(card, spec), "age": formats.age(card.created_at, around.now.now),
        "when": formats.date_and_time(card.created_at),
        "cost": formats.money_short(card.charged_micro, practice=practice) if card.charged_micro else "",
        "line": around.lines.get(card.id), "picture": picture_url(first.sha256, "320") if first else None,
        "large": picture_url(first.sha256, "1280") if first else None,
        "sha": first.sha256 if first else None, "missing": around.missing.get(first.sha256) if first else None,
        "video": views.video_mark(first), "width": first.width if first else None,
        "height": first.height if first else None, "more": _more(card), "star": marked.starred,
        "pick": marked.pick is not None,
        "tags": list(marked.tags), "size": sum(one.size for one in card.pictures),
    }  # fmt: skip


def _more(card: Card) -> dict[str, str] | None:
    """How many there are, where it is more than one: as a sign, and for who cannot see it."""
    many = len(card.pictures)
    if many < 2:
        return None
    if card.pictures[0].duration_ms is not None:
        return {"sign": str(many), "name": tn(many, "{n} video", "{n} videos")}
    return {"sign": str(many), "name": tn(many, "{n} picture", "{n} pictures")}


def _cut(prompt: str) -> str:
    return prompt if len(prompt) <= LONGEST else f"{prompt[:LONGEST].rstrip()}…"
