"""From what a person typed to a `Query`. It never refuses: what it cannot follow it leaves out, and says so in a hint.

A plain text is words that must all be there. `model:seedream`, `by:me`, `status:failed`, `cause:policy`,
`project:spring`, `tag:poster`, `cost:>10`, `after:2026-11-01`, `before:2026-12`, `last:7d`, `star:yes`, `pick:yes`
narrow it; "…" is a phrase, and `-` before any of them turns it round.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from data.catalog import catalog
from data.causes import FAILED, WAITING
from data.fulltext import wanted
from data.money import MICRO
from data.query import (
    BATCH_ID,
    DEAREST,
    MARKS,
    ME,
    MOST,
    NONE,
    QUOTES,
    SORTS,
    STATUSES,
    Choice,
    Query,
    Word,
    plain,
    project_key,
)
from data.sentences import Sentence

LONGEST = 2000
"""Characters that are read."""

_PIECE = re.compile(
    rf"(?P<no>[-－−]?)(?:(?P<name>[A-Za-z]+)[:：](?!//))?(?:[{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}]?|(?P<word>[^\s{QUOTES}]*))"
)
_AMOUNT = r"[0-9]{1,13}(?:\.[0-9]{1,6})?"
_COST = re.compile(rf"(?P<sign>[<>]=?|=?)(?P<one>{_AMOUNT})(?:\.\.(?P<to>{_AMOUNT}))?")
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_OTHER_WORDS = {
    "succeeded": "done", "completed": "done", "ok": "done", "processing": "running", "working": "running",
    "pending": "queued", "waiting": "queued", "canceled": "cancelled", "error": "failed",
}  # fmt: skip
_YES_OR_NO = {
    "star": Sentence("A star is there or not: star:yes, star:no."),
    "pick": Sentence("Picked or not: pick:yes, pick:no."),
}
_YES_NO = {"yes": True, "true": True, "1": True, "mine": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class Names:
    """What there is to choose from, for the pills and for hints."""

    people: tuple[str, ...] = ()
    models: tuple[str, ...] = ()  # ids
    tags: tuple[str, ...] = ()
    projects: Mapping[str, str] = field(default_factory=dict)  # names by key


@dataclass(frozen=True)
class Hint:
    """A piece of the text that was left out, and a sentence about it."""

    piece: str
    sentence: str


@dataclass(frozen=True)
class Reading:
    """What was understood, and what was not."""

    query: Query
    hints: tuple[Hint, ...] = ()


class _NotUnderstood(Exception):  # noqa: N818 - caught a few lines below
    """Its text is the hint."""


@dataclass
class _Reader:
    """One text on its way to a query."""

    names: Names | None
    words: list[Word] = field(default_factory=list)
    without: list[Word] = field(default_factory=list)
    of: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _CHOICES})
    but: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _CHOICES})
    rest: dict[str, Any] = field(default_factory=dict)

    def query(self) -> Query:
        chosen: dict[str, Any] = {name: Choice(tuple(self.of[name]), tuple(self.but[name])) for name in _CHOICES}
        return replace(Query(tuple(self.words), tuple(self.without), **chosen), **self.rest)

    def take(self, name: str | None, value: str, *, no: bool, phrase: bool) -> None:
        """One piece. Raises _NotUnderstood."""
        if name is None:
            self._word(value, no=no, phrase=phrase)
        elif not value:
            raise _NotUnderstood(
                Sentence("“{name}:” needs a value, for example {example}.", name=name,
                         example=_EXAMPLES.get(name, "model:seedream"))
            )  # fmt: skip
        elif name in _CHOICES:
            (self.but if no else self.of)[name].extend(_CHOICES[name](value, self.names))
        elif name not in _EXAMPLES:
            known = ", ".join(f"{each}:" for each in _EXAMPLES)
            raise _NotUnderstood(
                Sentence("There is no filter “{name}:”. There are {known}; put a text with a colon in quotes.",
                         name=name, known=known)
            )  # fmt: skip
        elif name in MARKS:
            self.rest[name] = _mark(name, value) is not no
        elif no:
            raise _NotUnderstood(
                Sentence("“{name}:” cannot be turned round. Say it the other way, as in {example}.", name=name,
                         example=_EXAMPLES[name])
            )  # fmt: skip
        elif name == "cost":
            self.rest |= _cost(value)
        elif name == "last":
            self.rest["last"] = _days_back(value)
        elif name == "sort":
            self.rest["sort"] = _sort(value)
        else:
            self.rest[name] = _day(value)

    def _word(self, value: str, *, no: bool, phrase: bool) -> None:
        if wanted(plain(value)) is None:
            if plain(value):
                raise _NotUnderstood(Sentence("Punctuation alone cannot be searched for."))
            return
        words = self.without if no else self.words
        if len(words) >= MOST:
            raise _NotUnderstood(Sentence("Only the first {most} words are looked for.", most=MOST))
        words.append(Word(value, phrase))


def read(text: str, names: Names | None = None) -> Reading:
    """What the text asks for. With `names`, whoever and whatever does not exist is left out, with a hint."""
    reader, hints = _Reader(names), []
    for piece in _PIECE.finditer(text[:LONGEST]):
        if not piece[0]:
            continue
        name = piece["name"].casefold() if piece["name"] else None
        phrase = piece["phrase"] is not None
        try:
            reader.take(name, plain(piece["phrase"] if phrase else piece["word"]), no=bool(piece["no"]), phrase=phrase)
        except _NotUnderstood as hint:
            hints.append(Hint(piece[0], hint.args[0]))
    return Reading(reader.query(), tuple(hints))


# Values -------------------------------------------------------------------------------------------------------------


def model_ids(value: str, known: Collection[str] = ()) -> frozenset[str]:
    """The models that a person may mean: by id, by family, else by part of the name. `known`: further ids."""
    value = value.casefold()
    specs = catalog().models
    ids = {*known, *(spec.id for spec in specs)}
    if exact := {each for each in ids if each.casefold() == value}:
        return frozenset(exact)
    if family := {spec.id for spec in specs if spec.family.casefold() == value}:
        return frozenset(family)
    named = {spec.id for spec in specs if value in spec.label.casefold()}
    return frozenset(named | {each for each in ids if value in each.casefold()})


def _model(value: str, names: Names | None) -> list[str]:
    if names is not None and not model_ids(value, names.models):
        raise _NotUnderstood(Sentence("No model is called “{name}”.", name=value))
    return [value]


def _person(value: str, names: Names | None) -> list[str]:
    if names is None or value.casefold() == ME or value in names.people:
        return [ME if value.casefold() == ME else value]
    like = value.casefold()
    called = {each: each.casefold() for each in names.people}
    found = [each for each, name in called.items() if like in (name, name.partition("@")[0])]
    found = found or [each for each, name in called.items() if name.startswith(like)]
    if not found:
        raise _NotUnderstood(Sentence("Nobody called “{name}” has asked for anything.", name=value))
    return found


def _tag(value: str, names: Names | None) -> list[str]:
    if names is not None and value.casefold() not in names.tags:
        raise _NotUnderstood(Sentence("No picture has the tag “{name}”.", name=value))
    return [value]


def _project(value: str, names: Names | None) -> list[str]:
    if names is not None and project_key(value) not in {NONE, *names.projects}:
        raise _NotUnderstood(Sentence("There is no project “{name}”.", name=value))
    return [value]


def _status(value: str, _: Names | None) -> list[str]:
    word = _OTHER_WORDS.get(value.casefold(), value.casefold())
    if word not in STATUSES:
        raise _NotUnderstood(
            Sentence("There is no status “{name}”. There are {known}.", name=value, known=", ".join(STATUSES))
        )
    return [word]


def _batch(value: str, _: Names | None) -> list[str]:
    if BATCH_ID.fullmatch(value.casefold()) is None:
        raise _NotUnderstood(Sentence("A batch is named by its id. Its card on Generate opens it here."))
    return [value]


def _cause(value: str, names: Names | None) -> list[str]:
    if names is not None and value.casefold() not in {*FAILED, *WAITING}:
        raise _NotUnderstood(
            Sentence("Nothing fails by “{name}”. Show what has failed, and choose a cause there.", name=value)
        )
    return [value]


def _cost(value: str) -> dict[str, int]:
    found = _COST.fullmatch(value.replace(",", "."))
    if found is None or (found["sign"] and found["to"]):
        raise _NotUnderstood(Sentence("A cost is a number of credits: cost:>10, cost:<=4.5, cost:10..20."))
    one = _micro(found["one"])
    match found["sign"]:
        case ">":
            return {"cost_above": one}
        case ">=":
            return {"cost_above": one - 1}
        case "<":
            return {"cost_below": one}
        case "<=":
            return {"cost_below": one + 1}
        case _:
            return {"cost_above": one - 1, "cost_below": _micro(found["to"] or found["one"]) + 1}


def _micro(amount: str) -> int:
    return min(int(Decimal(amount) * MICRO), DEAREST)


def _day(value: str) -> date:
    found = _DAY.fullmatch(value)
    try:
        if found is not None:
            return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        pass
    raise _NotUnderstood(Sentence("A day is written as 2026-11-27, a month as 2026-11."))


def _days_back(value: str) -> int:
    days = value.casefold().removesuffix("d")
    if not (days.isascii() and days.isdigit() and len(days) < 6):
        raise _NotUnderstood(Sentence("A stretch of time is a number of days: last:7d, last:30d."))
    return int(days)


def _sort(value: str) -> str:
    order = value.casefold()
    if order not in (*SORTS, "newest"):
        raise _NotUnderstood(Sentence("A list is in one of three orders: sort:newest, sort:oldest, sort:cost."))
    return order if order in SORTS else ""


def _mark(name: str, value: str) -> bool:
    if value.casefold() not in _YES_NO:
        raise _NotUnderstood(_YES_OR_NO[name])
    return _YES_NO[value.casefold()]


_CHOICES: dict[str, Callable[[str, Names | None], list[str]]] = {
    "model": _model, "by": _person, "status": _status, "project": _project, "tag": _tag, "cause": _cause,
    "batch": _batch,
}  # fmt: skip
_EXAMPLES = {
    "model": "model:seedream", "by": "by:me", "status": "status:failed",
    "project": "project:spring", "tag": "tag:poster",
    "cause": "cause:policy", "cost": "cost:>10",
    "after": "after:2026-11-01", "before": "before:2026-12-01", "last": "last:7d", "star": "star:yes",
    "pick": "pick:yes",
    "sort": "sort:oldest",
    "batch": "batch:019ac2d0-8f9e-7c56-b1aa-3d1f5b7c9e02",
}  # fmt: skip
