"""Which word somebody may have meant who wrote one that no prompt holds: a letter more, less, another or displaced.

No list of words is walked: the few hundred words that are one slip away are looked for at once, and the newest prompts
that hold any of them say which is the usual one. It costs the same with a million tasks.
"""

from collections import Counter
from string import ascii_lowercase

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlmodel import col

from data import fulltext
from data.schema import NOT_DELETED, Task

SHORTEST = 4
"""Letters: nearly every word of three is one slip away from another that is written."""
_LOOKED_AT = 50
"""Prompts, the newest."""


def slips(word: str) -> frozenset[str]:
    """All that are one slip away."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    less = {left + right[1:] for left, right in parts if right}
    turned = {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    other = {left + letter + right[1:] for left, right in parts if right for letter in ascii_lowercase}
    more = {left + letter + right for left, right in parts for letter in ascii_lowercase}
    return frozenset((less | turned | other | more) - {word})


def nearest(connection: Connection, word: str) -> str | None:
    """Of the words one slip away, the one that the newest prompts hold most; None where they hold none."""
    if not (word.isascii() and word.isalpha() and len(word) >= SHORTEST):
        return None
    near = slips(word)
    sqlite = connection.dialect.name == "sqlite"
    index, seq = fulltext.index(sqlite=sqlite)
    found = sa.select(col(Task.prompt)).select_from(index.join(Task, col(Task.seq) == seq))
    found = found.where(fulltext.holds_any(sorted(near), sqlite=sqlite), NOT_DELETED)
    prompts = connection.execute(found.order_by(seq.desc()).limit(_LOOKED_AT)).scalars()
    used = Counter(each for prompt in prompts for each in set(fulltext.split(prompt).split()) & near)
    return min(used, key=lambda each: (-used[each], each), default=None)
