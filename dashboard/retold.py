"""Knows our own sentences again in the English that the database keeps, and says them in this session's language.

Lamps, refusals and notes on references are written down as English text by whoever finds them out. No code stands
beside them: so rows that are years old are translated too, and what no sentence of ours fits - a provider's own words -
stays as it was said.
"""

import re
import string
from functools import cache, lru_cache

from dashboard.language import language, t, translations
from data.sentences import Joined, Sentence

_LEAST, _LEAST_OPEN = 6, 9
"""Letters that a sentence must have beside its slots, or it would be found in anything; more if it ends in a slot."""
_NUMBER = r"(?:≈ )?[\d.,]+"  # what a slot called `n` holds
_FAULTS = " · "
"""Between two faults of a catalogue."""
_FLAW = re.compile(r"(?P<file>.*?[\w-]\.\w[\w.-]*) (?P<fact>(?:is|has|needs|cannot) (?:(?!\. ).)+)\.")
"""What is wrong with a file: too little of that sentence stands beside its slots to be known by it."""
_BETWEEN = re.compile(r"(?<=[.!?:…]) ")


def retold(text: str) -> str:
    """A stored text as it is said in this session's language."""
    return t(_known(language(), text))


@lru_cache(maxsize=2048)
def _known(of: str, text: str) -> str:
    """The sentence that the text is, or the several that stand in it one after the other; else the text."""
    if not translations(of):
        return text
    if _FAULTS in text:
        return Joined((_known(of, one) for one in text.split(_FAULTS)), _FAULTS, _FAULTS)
    pieces, found = _BETWEEN.split(text), list[str]()
    while pieces:
        many = next((many for many in range(len(pieces), 0, -1) if _one(of, " ".join(pieces[:many]))), 1)
        piece = " ".join(pieces[:many])
        known, pieces = _one(of, piece), pieces[many:]
        # Behind a sentence of ours stands what its language puts there, behind a stranger's words the blank they had.
        found += ([known, " "] if known else [f"{piece} "]) if pieces else [known or piece]
    ours = any(one != " " and _ours(of, one) for one in found)
    return Joined(found, "", "") if ours else _list(of, text)


def _list(of: str, text: str) -> str:
    """What was done to a reference stands in a list: "rotated upright, 3 → 2 MB"."""
    found = [_one(of, piece) or piece for piece in text.split(", ")]
    return Joined(found, ", ", ", ") if len(found) > 1 and any(_ours(of, one) for one in found) else text


def _ours(of: str, text: str) -> bool:
    return isinstance(text, Sentence) or text in translations(of)


def _one(of: str, text: str) -> str:
    """The one sentence that the whole text is; empty where it is none of ours."""
    if text in translations(of):
        return text
    for pattern, template in _patterns(of):
        if match := pattern.fullmatch(text):
            return Sentence(template, **{name: _known(of, value) for name, value in match.groupdict().items()})
    if (flaw := _FLAW.fullmatch(text)) and (fact := _one(of, flaw["fact"])):
        return Sentence(
            "{file} {fact}.", file=flaw["file"], fact=fact if isinstance(fact, Sentence) else Sentence(fact)
        )
    return ""


@cache
def _patterns(of: str) -> list[tuple[re.Pattern[str], str]]:
    """What each sentence with slots looks like when they are filled, those with the most words of their own first."""
    found = []
    for template in translations(of):
        parts = list(string.Formatter().parse(template))
        words = sum(char.isalpha() for literal, *_ in parts for char in literal)
        least = _LEAST_OPEN if parts[-1][1] else _LEAST
        if words >= least and any(name for _, name, *_ in parts):
            found.append((words, template, _pattern(parts)))
    return [(re.compile(pattern, re.DOTALL), template) for _, template, pattern in sorted(found, reverse=True)]


def _pattern(parts: list[tuple[str, str | None, str | None, str | None]]) -> str:
    seen, pattern = set[str](), ""
    for literal, name, *_ in parts:
        pattern += re.escape(literal)
        if name:
            any_text = _NUMBER if name == "n" else ".+?"
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{any_text})"
            seen.add(name)
    return pattern
