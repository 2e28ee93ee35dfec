"""Where in a prompt the words stand that a search has found: the answers of `fulltext`, as places in the text itself.

Pure: it reads no database. Both go through one splitting, so what is marked is what was found, in every script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from data import fulltext
from data.fulltext import Wanted
from data.query import Query

_JAMO = "[\u1160-\u11ff]"  # they follow the first letter of a Korean syllable, and are no marks to Unicode


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int


def words_of(query: Query) -> tuple[Wanted, ...]:
    """What the query looks for in prompts. Its last word may be the beginning of one: it is still being typed."""
    last = len(query.words) - 1
    found = (fulltext.wanted(one.text, may_go_on=not one.exact and at == last) for at, one in enumerate(query.words))
    return tuple(each for each in found if each is not None)


def marked(text: str, looked_for: Sequence[Wanted]) -> tuple[tuple[str, bool], ...]:
    """The text in pieces, each with whether it is a hit. Joined they are the text."""
    pieces, at = list[tuple[str, bool]](), 0
    for start, end in _merged(sorted(_places(list(_words(text)), looked_for))) if looked_for else ():
        pieces += [(text[at:start], False), (text[start:end], True)]
        at = end
    return tuple((piece, hit) for piece, hit in [*pieces, (text[at:], False)] if piece)


def _places(words: Sequence[_Word], looked_for: Iterable[Wanted]) -> Iterator[tuple[int, int]]:
    for each in looked_for:
        many = len(each.words)
        for at in range(len(words) - many + 1):
            here = [one.text[: fulltext.LONGEST] for one in words[at : at + many]]
            last = here[-1].startswith(each.words[-1]) if each.begins else here[-1] == each.words[-1]
            if last and here[:-1] == [*each.words[:-1]]:
                yield words[at].start, words[at + many - 1].end


def _merged(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Places that overlap are one; neighbours too, as the signs of a Chinese word are."""
    start = end = -1
    for one, other in places:
        if one > end:
            if end > 0:
                yield start, end
            start = one
        end = max(end, other)
    if end > 0:
        yield start, end


def _words(text: str) -> Iterator[_Word]:
    """As `fulltext.split` finds them, each with where it stands."""
    word, start, end = "", 0, 0
    for at, cluster in _clusters(text):
        for char in _folded(cluster):
            if char != " ":
                word, start, end = word + char, start if word else at, at + len(cluster)
            elif word:
                yield _Word(word, start, end)
                word = ""
    if word:
        yield _Word(word, start, end)


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Each character with the marks on it, which are folded together with it."""
    at = 0
    for following in range(1, len(text) + 1):
        if following == len(text) or not _stays(text[following]):
            yield at, text[at:following]
            at = following


def _stays(char: str) -> bool:
    return char >= "\u0300" and (unicodedata.category(char)[0] == "M" or re.match(_JAMO, char) is not None)


@lru_cache(maxsize=8192)
def _folded(cluster: str) -> str:
    """What the splitting makes of it between two letters: blanks stand where it parts words."""
    return fulltext.split(f"a{cluster}a")[1:-1]
