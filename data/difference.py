"""What differs between two pictures: word by word in their prompts, and fact by fact in the rest.

Pure: it reads no database and words nothing for people. What it finds, applied to the first, gives the second.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from data.history import Detail

Kind = Literal["same", "gone", "new"]
Step = tuple[Kind, str]

EDITS = 600
"""Beyond so many changed words two texts are compared by their sentences, and beyond as many of those not at all.

The walk costs edits times length: so no pair of prompts, however long or repetitive, holds a page up. (The standard
library's matcher took five minutes for one of 8,000 characters that repeats itself.)
"""

_OWN_SCRIPTS = (("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))
"""Han and kana: written without blanks, so each sign counts as a word."""
_INNER = "'’.:"
"""Between letters or digits these belong to the word: "doesn’t", "4.5", "16:9"."""
_JOINER = "\u200d"  # between the parts of one emoji
_SKIN = ("\U0001f3fb", "\U0001f3ff")


@dataclass(frozen=True)
class Piece:
    """A stretch of text that both have ("same"), only the first ("gone") or only the second ("new")."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Change:
    """One fact that is not the same: its name and both values, None where one has no such fact."""

    name: str
    a: Any
    b: Any


def pieces(a: str, b: str) -> tuple[Piece, ...]:
    """The way from one text to the other. What goes stands before what comes, and no two neighbours are of one kind.

    Words that follow one another and were replaced are one change: a rewritten phrase is read as a whole.
    """
    one, other = words(a), words(b)
    steps = _steps(one, other) or _steps(_sentences(one), _sentences(other)) or [("gone", a), ("new", b)]
    return tuple(_joined(steps))


def facts(detail: Detail, index: int) -> dict[str, Any]:
    """What the task's picture at `index` was made with and came to, in reading order; without what nobody knows.

    `params.<name>` are the settings as they were asked for, `references` the SHA-256 of each, `pixels` (width, height),
    `length` milliseconds, `cost` micro-credits and `seconds` those from the paid call to the saved picture.
    """
    card, call = detail.card, detail.call
    one = card.pictures[index]
    took = (card.finished_at - call.started_at).total_seconds() if call and card.finished_at else None
    found: dict[str, Any] = {"model": card.model, "prompt": card.prompt}
    found["references"] = tuple(row.sha256 for row in detail.inputs)
    found |= {f"params.{name}": value for name, value in card.params.items()}
    found |= {"pixels": (one.width, one.height), "format": one.mime, "length": one.duration_ms}
    found |= {"cost": card.charged_micro, "seconds": took}
    return {name: value for name, value in found.items() if value is not None}


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Change, ...]:
    """The facts that differ, in the order of `a`; those that only `b` has stand where they stand there."""
    names = list(a)
    for at, name in enumerate(b):
        if name not in a:
            names.insert(at, name)
    return tuple(Change(name, a.get(name), b.get(name)) for name in names if a.get(name) != b.get(name))


def words(text: str) -> list[str]:
    """The smallest readable parts: words, single signs of Chinese and Japanese, blanks, punctuation marks.

    Joined they are the text. An accent, and every part of an emoji, stays with what it belongs to.
    """
    found, last = list[str](), ""
    for char, following in zip(text, f"{text[1:]} ", strict=False):
        kind = "word" if last == "word" and char in _INNER and following.isalnum() else _kind(char)
        glued = kind == "mark" or (kind == last and kind != "sign")
        if found and (glued or found[-1].endswith(_JOINER)):
            found[-1] += char
        else:
            found.append(char)
        last = last if kind == "mark" else kind
    return found


def _kind(char: str) -> str:
    if char.isspace():
        return "blank"
    category = unicodedata.category(char)
    if category[0] == "M" or char == _JOINER or _SKIN[0] <= char <= _SKIN[1]:
        return "mark"
    if category[0] not in "LN" or any(first <= char <= last for first, last in _OWN_SCRIPTS):
        return "sign"
    return "word"


def _sentences(parts: Iterable[str]) -> list[str]:
    found = [""]
    for part in parts:
        found[-1] += part
        if part in {*".!?。！？"} or "\n" in part:
            found.append("")
    return [one for one in found if one]


def _steps(a: Sequence[str], b: Sequence[str]) -> list[Step]:
    """The shortest way from `a` to `b`, one part a step; empty where it is longer than EDITS (or both are empty).

    The greedy algorithm of E. Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1 (1986):
    `far[k]` is how much of `a` is used up on diagonal k (used of `a` minus used of `b`), after so many edits.
    """
    far, before = {1: 0}, list[dict[int, int]]()
    for edits in range(EDITS + 1):
        before.append(dict(far))
        for k in range(-edits, edits + 1, 2):
            x = far[k + 1] if _comes_from_above(far, k, edits) else far[k - 1] + 1
            while x < len(a) and x - k < len(b) and a[x] == b[x - k]:
                x += 1
            far[k] = x
            if x >= len(a) and x - k >= len(b):
                return [*_back(a, b, before)][::-1]
    return []


def _comes_from_above(far: Mapping[int, int], k: int, edits: int) -> bool:
    """Whether the furthest way to diagonal k ends by taking a part of `b`, and not by dropping one of `a`."""
    return k == -edits or (k != edits and far[k - 1] < far[k + 1])


def _back(a: Sequence[str], b: Sequence[str], before: Sequence[Mapping[int, int]]) -> Iterator[Step]:
    """The steps from the end to the start, by what was known before each edit."""
    x, y = len(a), len(b)
    for edits in range(len(before) - 1, -1, -1):
        far, k = before[edits], x - y
        taken = _comes_from_above(far, k, edits)
        start = far[k + 1] if taken else far[k - 1] + 1
        while x > start:
            x, y = x - 1, y - 1
            yield "same", a[x]
        if edits and taken:
            y -= 1
            yield "new", b[y]
        elif edits:
            x -= 1
            yield "gone", a[x]


def _joined(steps: Iterable[Step]) -> Iterator[Piece]:
    same = gone = new = gap = ""  # the gap is a blank behind a change; what follows decides whether it belongs to it
    for kind, text in steps:
        if kind == "same" and text.isspace() and (gone or new) and not gap:
            gap = text
            continue
        lost, came = ("" if kind == "new" else text), ("" if kind == "gone" else text)
        if kind == "same" or (gap and not ((gone or lost) and (new or came))):
            yield from _said(gone=gone, new=new)
            same, gone, new, gap = same + gap, "", "", ""
        if kind == "same":
            same += text
        else:
            yield from _said(same=same)
            same, gone, new, gap = "", gone + gap + lost, new + gap + came, ""
    yield from _said(gone=gone, new=new, same=same + gap)


def _said(**texts: str) -> Iterator[Piece]:
    yield from (Piece(cast("Kind", kind), text) for kind, text in texts.items() if text)
