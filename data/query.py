"""What a person looks for in the history: a value that pills build, SQL is made from, and an address can hold.

There is one text for each query (`Query.text`), and `query_reading.read` makes the same query of it again. It knows the
language and no database: whether a model or a person of that name exists is not its business.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any, Self

from data.fulltext import wanted
from data.money import format_credits
from data.status import ACTIVE, TaskStatus

MOST = 32
"""Words, or values of one filter: beyond that nobody means them."""
ME = "me"
"""As a person: whoever is looking."""
NONE = "none"
"""As a project: that it belongs to none."""

DEAREST = 10**18
"""Micro-credits; more does not fit into the databases' integers."""

LONGEST_BACK = 36_500
"""Days."""

SORTS = ("", "oldest", "cost")
"""The orders of a list: the newest first, which needs no word; the oldest first; what cost the most first."""

_S = TaskStatus
STATUSES: dict[str, frozenset[TaskStatus]] = {
    "done": frozenset({_S.SUCCEEDED}),
    "running": ACTIVE,
    "queued": frozenset({_S.QUEUED}),
    "unconfirmed": frozenset({_S.UNCONFIRMED}),
    "failed": frozenset({_S.FAILED}),
    "cancelled": frozenset({_S.CANCELLED}),
}
"""What may stand after `status:`, and which statuses it means."""

MARKS = ("star", "pick")
"""What is on a task or not: a star of whoever looks, a pick of the team."""

QUOTES = '"“”„‟«»「」『』＂'
"""All of them open and close a phrase: which one a keyboard gives nobody chooses. None of them is searched for."""
_NO_QUOTES = str.maketrans(dict.fromkeys(QUOTES, " "))
BATCH_ID = re.compile("[0-9a-f-]{1,64}")
_BARE = re.compile(rf"[^\s{QUOTES}:：\-－−][^\s{QUOTES}:：]*")


def plain(text: str) -> str:
    """Without quotes, control characters and broken characters, one blank between two words."""
    text = text.translate(_NO_QUOTES)
    if not text.isprintable():
        text = "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(text.split())


def project_key(name: str) -> str:
    """What two spellings of one project's name have in common, whichever keyboard composed their accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@dataclass(frozen=True)
class Word:
    """A word or phrase of a prompt. One that is not `exact` and stands last is taken for the beginning of a word."""

    text: str
    exact: bool = False

    def __post_init__(self) -> None:
        """Whatever cannot stand in a text without quotes is exact."""
        object.__setattr__(self, "text", plain(self.text))
        object.__setattr__(self, "exact", self.exact or _BARE.fullmatch(self.text) is None)

    def __str__(self) -> str:
        """As it is typed."""
        return f'"{self.text}"' if self.exact else self.text


@dataclass(frozen=True)
class Choice:
    """Any `of` these (all, where it is empty), and none of the others (`but`)."""

    of: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Each once, in order: two pills in another order are the same query."""
        object.__setattr__(self, "of", _each_once(self.of))
        object.__setattr__(self, "but", _each_once(self.but))

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.of or self.but)


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({text for value in values if (text := plain(value))})[:MOST])


def _findable(words: Iterable[Word]) -> tuple[Word, ...]:
    return tuple(word for word in dict.fromkeys(words) if wanted(word.text) is not None)[:MOST]


@dataclass(frozen=True)
class Query:
    """Everything at once must hold. Money in micro-credits; days in UTC."""

    words: tuple[Word, ...] = ()
    without: tuple[Word, ...] = ()
    model: Choice = field(default_factory=Choice)  # ids, families, or parts of a model's name
    by: Choice = field(default_factory=Choice)  # ids of people, or ME
    status: Choice = field(default_factory=Choice)  # keys of STATUSES
    project: Choice = field(default_factory=Choice)  # keys, or NONE
    tag: Choice = field(default_factory=Choice)
    cause: Choice = field(default_factory=Choice)  # codes of `causes.FAILED`, and whatever else a task has failed by
    batch: Choice = field(default_factory=Choice)  # ids
    cost_above: int | None = None  # more than
    cost_below: int | None = None  # less than
    after: date | None = None  # on that day or later
    before: date | None = None  # before that day began
    last: int | None = None  # days back from today: what was asked for since then
    star: bool | None = None  # starred by whoever looks, or not
    pick: bool | None = None  # picked by the team, or not
    sort: str = ""  # of SORTS; it leaves nothing out

    def __post_init__(self) -> None:
        """Leaves out what cannot be looked for, so that equal queries are equal values."""
        object.__setattr__(self, "words", _findable(self.words))
        object.__setattr__(self, "without", _findable(self.without))
        known = (tuple(value for value in values if value in STATUSES) for values in (self.status.of, self.status.but))
        object.__setattr__(self, "status", Choice(*known))
        named = (tuple(filter(BATCH_ID.fullmatch, map(str.casefold, each))) for each in (self.batch.of, self.batch.but))
        object.__setattr__(self, "batch", Choice(*named))
        if self.cost_above is not None:
            object.__setattr__(self, "cost_above", min(max(self.cost_above, -1), DEAREST))
        if self.cost_below is not None:
            object.__setattr__(self, "cost_below", min(max(self.cost_below, 0), DEAREST + 1))
        if self.last is not None:
            object.__setattr__(self, "last", min(max(self.last, 0), LONGEST_BACK))
        object.__setattr__(self, "sort", self.sort if self.sort in SORTS else "")
        for name in ("model", "project", "tag", "cause"):
            choice: Choice = getattr(self, name)
            fold = project_key if name == "project" else str.casefold
            lower = (tuple(map(fold, values)) for values in (choice.of, choice.but))
            object.__setattr__(self, name, Choice(*lower))

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its filters by name, of PARTS, in the order of `text`."""
        return tuple(name for name, columns in PARTS.items() if any(_says(getattr(self, each)) for each in columns))

    def lacking(self, part: str) -> Self:
        """The same without one of its `parts`."""
        nothing: dict[str, Any] = {name: getattr(_NOTHING, name) for name in PARTS[part]}
        return replace(self, **nothing)

    @property
    def text(self) -> str:
        """As it stands in the search field and in an address."""
        said = [*map(str, self.words), *(f"-{word}" for word in self.without)]
        for name in ("model", "by", "status", "project", "tag", "cause", "batch"):
            choice: Choice = getattr(self, name)
            said += [f"{name}:{_quoted(value)}" for value in choice.of]
            said += [f"-{name}:{_quoted(value)}" for value in choice.but]
        said += _cost(self.cost_above, self.cost_below)
        said += [f"{name}:{day.isoformat()}" for name in ("after", "before") if (day := getattr(self, name))]
        said += [] if self.last is None else [f"last:{self.last}d"]
        said += [f"{name}:{'yes' if mark else 'no'}" for name in MARKS if (mark := getattr(self, name)) is not None]
        said += [f"sort:{self.sort}"] if self.sort else []
        return " ".join(said)


PARTS: dict[str, tuple[str, ...]] = {
    "words": ("words", "without"), "model": ("model",), "by": ("by",), "status": ("status",),
    "project": ("project",), "tag": ("tag",),
    "cause": ("cause",), "batch": ("batch",), "cost": ("cost_above", "cost_below"), "date": ("after", "before", "last"),
    "star": ("star",), "pick": ("pick",),
}  # fmt: skip
"""The filters as a screen shows them, and the fields of each."""
_NOTHING = Query()
assert {each for columns in PARTS.values() for each in columns} == {each.name for each in fields(Query)} - {"sort"}


def _says(value: object) -> bool:
    return value is not None and value != () and value != Choice()


def _quoted(value: str) -> str:
    """What would end too early, or look like an address of the web, stands in quotes."""
    return f'"{value}"' if " " in value or value.startswith("//") else value


def _cost(above: int | None, below: int | None) -> list[str]:
    """The shortest way to say so: "more than 3.999999" is "at least 4"."""
    if above is not None and below is not None and above + 2 == below:
        return [f"cost:{format_credits(above + 1)}"]
    said = []
    for sign, value, nearest in ((">", above, 1), ("<", below, -1)):
        if value is not None:
            one, other = format_credits(value), format_credits(value + nearest)
            said.append(f"cost:{sign}={other}" if len(other) < len(one) else f"cost:{sign}{one}")
    return said
