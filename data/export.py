"""The history as a table for other programs: one line for each task, in CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping

from data.history import Card
from data.manifest import inert
from data.marks import Marked
from data.money import format_credits

COLUMNS = (
    "request", "asked_at", "person", "model", "prompt", "settings", "status", "cause", "finished_at", "credits",
    "pictures", "width", "height", "video_seconds", "bytes", "sha256", "starred", "tags", "project", "picked_by",
)  # fmt: skip


def to_csv(cards: Iterable[Card], marks: Mapping[str, Marked], names: Mapping[str, str]) -> bytes:
    """UTF-8 with a byte order mark, by which a spreadsheet knows it. Times in UTC; `names` are people's, by id."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for card in cards:
        lines.writerow(map(inert, _line(card, marks.get(card.id, Marked()), names)))
    return text.getvalue().encode("utf-8-sig", "replace")


def _line(card: Card, marked: Marked, names: Mapping[str, str]) -> list[str]:
    first = card.pictures[0] if card.pictures else None
    length = first.duration_ms if first else None
    return [
        card.id, card.created_at.isoformat(timespec="seconds"), names.get(card.person, card.person), card.model,
        card.prompt, json.dumps(card.params, ensure_ascii=False, sort_keys=True), card.status.value,
        card.error_code or "", card.finished_at.isoformat(timespec="seconds") if card.finished_at else "",
        format_credits(card.charged_micro), str(len(card.pictures)), str(first.width) if first else "",
        str(first.height) if first else "", str(length / 1000) if length is not None else "",
        str(sum(one.size for one in card.pictures)), " ".join(one.sha256 for one in card.pictures),
        "yes" if marked.starred else "no", ", ".join(marked.tags), card.project or "",
        names.get(marked.pick.person, marked.pick.person) if marked.pick else "",
    ]  # fmt: skip
