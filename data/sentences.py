"""Sentences that remember how they were made, so that a screen can say them in another language. Knows no language."""

from collections.abc import Iterable
from typing import Any, Self


class Sentence(str):
    """English text for logs, programs and whoever does not ask; `template` and `values` for whoever translates it."""

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        """`template` names its slots in braces: `Sentence("Image {number} is too large.", number=2)`."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:  # a cached sentence is pickled
        return (self.template,), self.values


class Joined(Sentence):
    """Texts in a row. `glue` stands between them, `last` before the last one: both are translated like sentences."""

    parts: tuple[str, ...]
    glue: str
    last: str

    def __new__(cls, parts: Iterable[str], glue: str, last: str) -> Self:
        """Empty parts are left out."""
        kept = tuple(filter(None, parts))
        text = last.join(filter(None, [glue.join(kept[:-1]), *kept[-1:]]))
        made = super().__new__(cls, "{text}", text=text)
        made.parts, made.glue, made.last = kept, glue, last
        return made

    def without(self, part: str) -> "Joined":
        """The same with one part less."""
        return Joined((one for one in self.parts if one != part), self.glue, self.last)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.parts, self.glue, self.last), {}


def paragraph(*sentences: str) -> Joined:
    """One after the other: "It failed. Nothing was charged." """
    return Joined(sentences, " ", " ")


def listed(names: Iterable[str]) -> Joined:
    """ "a, b and c"."""
    return Joined(names, ", ", " and ")


def either(names: Iterable[str]) -> Joined:
    """ "a, b or c"."""
    return Joined(names, ", ", " or ")


def in_a_row(names: Iterable[str]) -> Joined:
    """ "a, b, c", for names of which there are more."""
    return Joined(names, ", ", ", ")


def counted(number: int, one: str, several: str, /, **values: Any) -> Sentence:
    """`one` or `several`, whichever fits, with `{n}` as "1,284"."""
    return Sentence(one if number == 1 else several, n=f"{number:,}", **values)
