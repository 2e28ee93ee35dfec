"""Three to six pictures side by side, and a table of what differs between any of them. It writes nothing.

Their order is the address's, the one that was put first leads; and so are their numbers, which stay with them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.components import differences
from dashboard.components.mount import mount
from dashboard.components.pair import ALL_THE_SAME, NOTHING_ELSE, WORDS, Found, side
from dashboard.language import spoken, t, tn
from dashboard.resources import desk

_WORDS: dict[str, Any] = {
    "stage": "The pictures",
    "how": "Zoom and move one, and the others follow. A number puts its picture first, and stays with it.",
    "first": "First", "front": "Put {n} first", "leave": "Leave {n} out",
    "fronted": "First is now {n}, {name}.", "left": "{n}, {name}, was left out. The others keep their numbers.",
    "pixels": "Their sizes differ: all are fitted to the same box, none is stretched.",
    "films": "Of a video its still is compared. Open it to play it.",
}  # fmt: skip


def draw(numbered: Mapping[int, Found], on_event: Callable[[str, str], None], *, person: str) -> None:
    """The whole view, in the order of the address, with the marks that `person` sees."""
    found = [*numbered.values()]
    marks = desk().marks.of([one.shot.card.id for one in found], person)
    words = spoken(WORDS) | spoken(_WORDS)
    shots = [side(one.shot, marks) | {"number": number} for number, one in numbered.items()]
    notes = [words["pixels"]] if len({(one["width"], one["height"]) for one in shots}) > 1 else []
    if any(one["video"] for one in shots):
        notes.append(words["films"])
    rows = differences.table([(one.detail, one.index) for one in found])
    data = {
        "words": words, "shots": shots, "notes": notes, "box": min(one["width"] / one["height"] for one in shots),
        "title": tn(len(shots), "{n} picture", "{n} pictures"), "rows": rows,
        "end": t(NOTHING_ELSE if rows else ALL_THE_SAME),
    }  # fmt: skip
    mount("several", key="several", data=data, on_event=on_event)
