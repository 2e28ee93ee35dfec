"""The Pair view: two pictures beside or over each other, and a table of what differs between them. It writes nothing.

Picture A stands still; B is one of a ring of pictures, which all go to the browser at once: so a key shows the next
without a round trip, and Python follows with the differences.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.components import actions, differences, formats, views, words
from dashboard.components.mount import mount
from dashboard.language import spoken, t
from dashboard.resources import desk, picture_url
from data.catalog import catalog
from data.errors import NotFound
from data.history import Card, Detail, Picture
from data.marks import Marked
from data.sentences import Sentence

MODES = ("side", "slider", "flicker", "difference")

WORDS: dict[str, Any] = {
    "modes": {"side": "Side by side", "slider": "Slider", "flicker": "Flicker", "difference": "Difference"},
    "how": {
        "side": "Zoom and move one, and the other follows.",
        "slider": "Drag the line: A is left of it, B right of it.",
        "flicker": "Hold Space, or press on the picture, to see B in the place of A.",
        "difference": "Black where both are the same; the brighter, the more they differ.",
    },
    "mode": "How to compare", "stage": "The two pictures", "walk": "Which picture is B", "zoom": "Zoom",
    "previous": "Previous B", "next": "Next B", "place": "B: {place} of {count}", "swap": "Swap A and B",
    "other": "Choose another B…", "closer": "Zoom in", "wider": "Zoom out", "fit": "Fit", "full": "Fit, or 100 %",
    "divider": "Divider: how much of A is seen", "show_b": "Show B", "by_itself": "Alternate", "bright": "Brighter",
    "calm": "Your system asks for less motion, so it does not alternate by itself.",
    "swapped": "A and B have changed places.",
    "walked": "B is now {place} of {count}: {name}. {prompt}",
    "pixels": "Their sizes differ: both are fitted to the same box, neither is stretched.",
    "shapes": "Where only one of them reaches, it is seen alone.",
    "film": "{which} is a video ({length}): its still is compared. Open it to play it.",
    "films": "Both play together, from the same moment.",
    "unplayable": "{which} is a video ({length}) that this browser cannot play: its still is compared. Download it to "
                  "watch it.",
    "player": "The two videos", "play": "Play both", "pause": "Pause both", "space": "Space", "moment": "Moment",
    "sound_off": "Sound: off", "sound_a": "Sound: A", "sound_b": "Sound: B",
    "missing": "This file does not come: it is missing, or the callback server does not answer. Open the request to "
               "see whether it can be fetched again.",
    "differences": "What differs", "fact": "Fact", "gone": "only in A: ", "new": "only in B: ",
    "pick": "Choose what to compare it with", "nothing": "There is no other picture yet.",
    "open": "Open", "again": "Use again", "download": "Download",
}  # fmt: skip
NOTHING_ELSE = Sentence("Nothing else differs.")
ALL_THE_SAME = Sentence("Same model, same prompt, same settings, same cost and time: only the pictures differ.")


@dataclass(frozen=True)
class Look:
    """How the two are seen: `bright` makes small differences plain."""

    mode: str
    bright: bool


@dataclass(frozen=True)
class Shot:
    """One picture of one task; `index` counts from 0."""

    card: Card
    index: int

    @property
    def ref(self) -> str:
        """What the address calls it: the task's id, and from the second picture on its number."""
        return f"{self.card.id}.{self.index + 1}" if self.index else self.card.id

    @property
    def picture(self) -> Picture:
        """The stored output itself."""
        return self.card.pictures[self.index]


@dataclass(frozen=True)
class Found:
    """A picture that an address names, with everything about its task."""

    detail: Detail
    index: int

    @property
    def shot(self) -> Shot:
        """The picture alone."""
        return Shot(self.detail.card, self.index)


def find(ref: str) -> Found | str:
    """The picture that an address names, or a sentence in the session's language that says why there is none."""
    task_id, dot, number = ref.partition(".")
    try:
        detail = desk().history.detail(task_id)
    except NotFound:
        return t(words.NO_SUCH_REQUEST)
    many = len(detail.card.pictures)
    if not many:
        return t(
            "“{prompt}” has no picture to compare. Its state: {state}.",
            prompt=formats.literal(detail.card.prompt[:80]), state=t(views.settled(detail.card)[0]),
        )  # fmt: skip
    index = 0 if not dot else int(number) - 1 if re.fullmatch("[0-9]{1,3}", number) else -1
    if not 0 <= index < many:
        return t("The link names a picture that this request does not have: it has {n}.", n=many)
    return Found(detail, index)


def shots(cards: Sequence[Card]) -> list[Shot]:
    """Every picture of these tasks."""
    return [Shot(card, index) for card in cards for index in range(len(card.pictures))]


def draw(
    a: Found, b: Found | None, others: Sequence[Shot], look: Look, on_event: Callable[[str, str], None], *, person: str
) -> None:
    """The whole view. `others` are the ring that B walks through; without a B, what is offered in its place.

    Marks are those that `person` sees.
    """
    marks = desk().marks.of([a.shot.card.id, *(shot.card.id for shot in others)], person)
    refs = [shot.ref for shot in others]
    shapes = [shot.picture.width / shot.picture.height for shot in (a.shot, *(others if b else ()))]
    found = differences.rows(a.detail, b.detail, (a.index, b.index)) if b else []
    data = {
        "words": spoken(WORDS), "mode": look.mode, "bright": look.bright,
        "a": side(a.shot, marks), "ring": [side(shot, marks) for shot in others],
        "at": refs.index(b.shot.ref) if b else None,
        "box": {"narrow": min(shapes), "wide": max(shapes)},  # of all: no step of a walk moves what is below
        "rows": found, "end": t(NOTHING_ELSE if found else ALL_THE_SAME),
    }  # fmt: skip
    mount("pair", key="pair", data=data, on_event=on_event)


def side(shot: Shot, marks: Mapping[str, Marked]) -> dict[str, Any]:
    """One picture, ready to draw; `marks` by task. Its switches have no keys: which picture would they mean?"""
    card, one = shot.card, shot.picture
    return {
        "ref": shot.ref, "task": card.id, "name": views.model_label(card, catalog().get(card.model)),
        "prompt": card.prompt, "facts": f"{one.width} × {one.height} · {differences.file_format(one.mime)}",
        "width": one.width, "height": one.height, "video": views.video_mark(one),
        "thumb": picture_url(one.sha256, "320"), "src": picture_url(one.sha256, "1280"),
        "marks": [one | {"keys": None} for one in actions.marks(marks.get(card.id, Marked()))],
        "full": actions.original_url(card, shot.index, save=False), "href": actions.original_url(card, shot.index),
    }  # fmt: skip
