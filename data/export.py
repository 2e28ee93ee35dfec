"""The history as a table for other programs: one line for each task, in CSV."""

import csv
import io
import json
from collections.abc import Iterable, Mapping

from data.history import Card
from data.manifest import called, inert
from data.marks import Marked
from data.money import format_credits
from data.query import STATUSES
from data.status import TaskStatus

COLUMNS = (
    "request", "asked_at", "person", "model", "prompt", "settings", "status", "cause", "finished_at", "credits",
    "pictures", "width", "height", "video_seconds", "bytes", "sha256", "starred", "tags", "project", "picked_by",
)  # fmt: skip


def to_csv(cards: Iterable[Card], marks: Mapping[str, Marked], names: Mapping[str, str]) -> bytes:
    """UTF-8 with a byte order mark, by which a spreadsheet knows it. Times in UTC; `names` as in `manifest.called`."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for card in cards:
        lines.writerow(map(inert, _line(card, marks.get(card.id, Marked()), names)))
    return text.getvalue().encode("utf-8-sig", "replace")


def _state(status: TaskStatus) -> str:
    """The screens' word in English, in every language: a table is read by programs, and History finds it by `status:`.

    "done", "failed"; what is with a provider is "running", of which "unconfirmed" is a part, so the narrower stands.
    """
    return next((word for word, of in STATUSES.items() if of == {status}), "running")


def _line(card: Card, marked: Marked, names: Mapping[str, str]) -> list[str]:
    first = card.pictures[0] if card.pictures else None
    length = first.duration_ms if first else None
    return [
        card.id, card.created_at.isoformat(timespec="seconds"), called(card.person, names), card.model,
        card.prompt, json.dumps(card.params, ensure_ascii=False, sort_keys=True), _state(card.status),
        card.error_code or "", card.finished_at.isoformat(timespec="seconds") if card.finished_at else "",
        format_credits(card.charged_micro), str(len(card.pictures)), str(first.width) if first else "",
        str(first.height) if first else "", str(length / 1000) if length is not None else "",
        str(sum(one.size for one in card.pictures)), " ".join(one.sha256 for one in card.pictures),
        "yes" if marked.starred else "no", ", ".join(marked.tags), card.project or "",
        called(marked.pick.person, names) if marked.pick else "",
    ]  # fmt: skip
