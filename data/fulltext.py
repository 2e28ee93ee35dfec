"""Prompts as an index of words, on SQLite (FTS5) and PostgreSQL (GIN) with the same answers: one splitting for both.

Neither database can split Chinese, so `split` does it here, on what is written and on what is looked for alike: a
character of a script that is written without blanks is a word of its own, and a longer Chinese word is a phrase.
Whatever this says must be said in the transaction that writes the task's row. The tables are no part of `schema.py`,
because no ORM can describe them; migration 0005 makes them.

The FTS5 table keeps no text of its own (contentless). To forget a row it must be told the words it was given, and
SQLite before 3.43 checks nothing: `forget` gets them by splitting the prompt again. So whoever changes what `split`
gives must build the index anew, in a migration (`build`).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

NAME = "task_text"
BATCH = 1000
LONGEST = 100
"""Characters of one word that count: PostgreSQL refuses words of 2 kB, and nobody types so many."""
PREFIX = 3
"""A word with fewer letters is found whole only: half of all prompts hold a word that begins with "a"."""

MERGED = 50
"""Pages of 4 kB that are put together in one transaction: some 10 ms, and where a part is ended and given up 100."""
BEGUN = 64
"""Words that are named one by one for their beginning; more of them cost more than they spare."""
VOCABULARY = f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{NAME}_vocabulary USING fts5vocab(main, {NAME}, instance)"
"""To be said by every connection to SQLite: its window on the index's own words. It keeps nothing."""

_TABLE = sa.table(NAME, sa.column("seq", sa.BigInteger), sa.column("words", sa.Text))
_FTS = sa.table(NAME, sa.column("rowid", sa.BigInteger), sa.column("words", sa.Text), sa.column(NAME, sa.Text))
_VECTOR = "array_to_tsvector(string_to_array(btrim(words), ' '))"

_MARKS = re.compile("[\u0300-\u036f\ufe00-\ufe0f]")  # accents; and whether an emoji is drawn in colour
_BLANKLESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u303c\u3040-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00016fe0-\U00018dff"
    "\U0001aff0-\U0001b2ff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Hangul, kana, bopomofo, Yi, Han: one character is one word."""
_APART = frozenset("PZCS")
"""First letters of the Unicode categories that part words. Pictographs (So) are words themselves."""


class _Splitting(dict[int, str]):
    """What `str.translate` makes of each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        char, category = chr(code), unicodedata.category(chr(code))
        if category == "So" or (_BLANKLESS.match(char) and category[0] not in "PZ"):
            self[code] = f" {char} "
        else:  # a character this Python does not know yet (Cn) is taken for a letter, as the next Python may say
            self[code] = " " if category[0] in _APART and category != "Cn" else char
        return self[code]


_SPLITTING = _Splitting()


def split(text: str) -> str:
    """The words of a text, with one blank between two: lower case, no accents, full-width forms made plain."""
    if text.isascii():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        folded = unicodedata.normalize("NFC", _MARKS.sub("", folded))
    return " ".join(word[:LONGEST] for word in folded.translate(_SPLITTING).split())


def add(connection: Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Indexes these prompts, by their task's `seq`."""
    rows = [{"at": seq, "words": split(text)} for seq, text in texts]
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(_ADD_SQLITE, rows)
    else:
        connection.execute(_ADD, [row | {"words": f" {row['words']} "} for row in rows])


def forget(connection: Connection, texts: Iterable[tuple[int, str]]) -> None:
    """Takes these prompts, exactly as they were added, out of the index; those that are not in it are passed over."""
    told = dict(texts)
    if connection.dialect.name != "sqlite":
        connection.execute(sa.delete(_TABLE).where(_TABLE.c.seq.in_(list(told))))
        return
    known = connection.execute(sa.select(_FTS.c.rowid).where(_FTS.c.rowid.in_(list(told)))).scalars().all()
    rows = [{"at": seq, "words": split(told[seq])} for seq in known]
    if rows:
        connection.execute(_FORGET_SQLITE, rows)


_ADD_SQLITE = sa.text(f"INSERT INTO {NAME} (rowid, words) VALUES (:at, :words)")  # noqa: S608 - a constant of ours
_FORGET_SQLITE = sa.text(f"INSERT INTO {NAME} ({NAME}, rowid, words) VALUES ('delete', :at, :words)")  # noqa: S608 - a constant of ours
_MERGE = sa.text(f"INSERT INTO {NAME} ({NAME}, rank) VALUES ('merge', :pages)")  # noqa: S608 - a constant of ours
_ADD = sa.text(f"INSERT INTO {NAME} (seq, words) VALUES (:at, :words)")  # noqa: S608 - a constant of ours


# Asking -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """Words as they are split, that stand side by side; `begins`: the last of them may go on."""

    words: tuple[str, ...]
    begins: bool = False
    last_may_be: tuple[str, ...] = ()  # what `begun` has found, where it has


@dataclass(frozen=True)
class Near:
    """Which part of a list is read: its edges, as conditions on a sort key, from which end, and how many hits far."""

    within: Callable[[ColumnElement[Any]], Sequence[ColumnElement[bool]]]
    upwards: bool
    many: int


def wanted(text: str, *, may_go_on: bool = False) -> Wanted | None:
    """What to look for; None where nothing of it can be (punctuation alone)."""
    words = tuple(split(text).split())
    if not words:
        return None
    last = words[-1]
    return Wanted(words, may_go_on and len(last) >= PREFIX and _BLANKLESS.match(last) is None)


def matches(everything: Sequence[Wanted], nothing: Sequence[Wanted]) -> ColumnElement[bool]:
    """SQLite's condition on the index itself: all of these and none of those. `everything` must not be empty."""
    found = " AND ".join(_fts(each) for each in everything)
    if nothing:
        found = f"({found}) NOT ({' OR '.join(_fts(each) for each in nothing)})"
    return _FTS.c[NAME].op("MATCH", is_comparison=True)(found)


def _fts(each: Wanted) -> str:
    if not each.last_may_be:
        return f'"{" ".join(each.words)}"' + ("*" if each.begins else "")
    whole = " ".join(each.words[:-1])
    return "(" + " OR ".join(f'"{whole} {last}"' for last in each.last_may_be) + ")"


def holds_any(words: Sequence[str], *, sqlite: bool) -> ColumnElement[bool]:
    """The condition on the index itself: any of these single words."""
    if sqlite:
        return _FTS.c[NAME].op("MATCH", is_comparison=True)(" OR ".join(f'"{word}"' for word in words))
    vector = sa.func.array_to_tsvector(sa.func.string_to_array(sa.func.btrim(_TABLE.c.words), sa.literal_column("' '")))
    return vector.op("@@", is_comparison=True)(
        sa.cast(sa.literal(" | ".join(f"'{word}'" for word in words)), _TsQuery())
    )


def begun(connection: Connection, each: Wanted) -> tuple[str, ...]:
    """SQLite: the words of the index that the last one is the beginning of, unless they are too many.

    FTS5 gathers all that any of them has before it gives the first; of words named one by one it gives the newest at
    once, and a page costs the same with a million tasks.
    """
    found = tuple(connection.execute(_BEGUN, {"first": each.words[-1]}).scalars()) if each.begins else ()
    return found if len(found) <= BEGUN else ()


def _steps() -> sa.Select[Any]:
    """From word to word of the index, one step for each: reading every place where a word stands would take seconds."""
    vocabulary = sa.table(f"{NAME}_vocabulary", sa.column("term", sa.Text), schema="temp")
    first: Any = sa.bindparam("first", type_=sa.Text)

    def following(word: Any) -> Any:
        return sa.select(vocabulary.c.term).where(vocabulary.c.term >= word).limit(1).scalar_subquery()

    begun = sa.select(following(first).label("word")).cte("begun", recursive=True)
    goes_on = sa.func.substr(begun.c.word, 1, sa.func.length(first)) == first
    begun = begun.union_all(sa.select(following(begun.c.word + sa.func.char(1)).correlate(begun)).where(goes_on))
    every = sa.func.substr(begun.c.word, 1, sa.func.length(first)) == first
    return sa.select(begun.c.word).where(every).limit(BEGUN + 1)


_BEGUN = _steps()


def lacks(nothing: Sequence[Wanted], seq: ColumnElement[Any], near: Near) -> ColumnElement[bool]:
    """SQLite: whether the task's prompt holds none of these, in a list of which a page is read.

    The index is read beside the tasks, in the same order, as far as `near` says; only a task beyond that is asked for
    alone, which costs a search each time.
    """
    fts = _FTS.alias("near")
    match = fts.c[NAME].op("MATCH", is_comparison=True)(" OR ".join(_fts(each) for each in nothing))
    order = fts.c.rowid if near.upwards else fts.c.rowid.desc()
    hits = sa.select(fts.c.rowid.label("seq")).where(match, *near.within(fts.c.rowid)).order_by(order).limit(near.many)
    found = hits.cte("near_up" if near.upwards else "near_down")
    count = sa.select(sa.func.count()).select_from(found).scalar_subquery()
    end = sa.select((sa.func.max if near.upwards else sa.func.min)(found.c.seq)).scalar_subquery()
    known = sa.or_(count < near.many, seq <= end if near.upwards else seq >= end)
    alone = ~sa.or_(*(holds(each, seq, sqlite=True) for each in nothing))
    return sa.or_(sa.and_(known, seq.not_in(sa.select(found.c.seq))), sa.and_(~known, alone))


def holds(each: Wanted, seq: ColumnElement[Any], *, sqlite: bool) -> ColumnElement[bool]:
    """Whether the task's prompt holds it, asked for one task at a time."""
    if sqlite:
        fts = _FTS.alias("held")
        return sa.exists().where(fts.c.rowid == seq, fts.c[NAME].op("MATCH", is_comparison=True)(_fts(each)))
    rows = _TABLE.alias("held")
    return sa.exists().where(rows.c.seq == seq, *stands(each, rows.c.words))


def stands(each: Wanted, words: ColumnElement[str] = _TABLE.c.words) -> tuple[ColumnElement[bool], ...]:
    """PostgreSQL's conditions on the index: the words by GIN, side by side by the text itself.

    A tsvector's own positions end at 16,383 and at 256 a word, and a long Chinese prompt has more.
    """
    *whole, last = (f"'{word}'" for word in each.words)
    query = " & ".join([*whole, f"{last}:*" if each.begins else last])
    vector = sa.func.array_to_tsvector(sa.func.string_to_array(sa.func.btrim(words), sa.literal_column("' '")))
    beside = f"% {' '.join(each.words)}{'' if each.begins else ' '}%"
    found = vector.op("@@", is_comparison=True)(sa.cast(sa.literal(query), _TsQuery()))
    return (found, words.like(beside)) if len(each.words) > 1 else (found,)


class _TsQuery(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tsquery"


def index(*, sqlite: bool) -> tuple[sa.TableClause, ColumnElement[int]]:
    """The index as a table to select from, and its column that is the task's `seq`."""
    return (_FTS, _FTS.c.rowid) if sqlite else (_TABLE, _TABLE.c.seq)


# Making -------------------------------------------------------------------------------------------------------------


def make(connection: Connection) -> None:
    """Makes the empty index."""
    if connection.dialect.name == "sqlite":
        # The words are split already: "ascii" takes every other character for a letter, whatever Unicode says of it.
        connection.execute(sa.text(f"CREATE VIRTUAL TABLE {NAME} USING fts5(words, content='', tokenize='ascii')"))
        return
    connection.execute(sa.text(f"CREATE TABLE {NAME} (seq bigint PRIMARY KEY, words text NOT NULL)"))
    connection.execute(sa.text(f"CREATE INDEX ix_{NAME}_words ON {NAME} USING gin ({_VECTOR})"))


def build(connection: Connection) -> int:
    """Indexes every prompt there is, a batch at a time; gives how many."""
    task = sa.table("task", sa.column("seq", sa.BigInteger), sa.column("prompt", sa.Text))
    done, last = 0, 0
    while True:
        some = sa.select(task.c.seq, task.c.prompt).where(task.c.seq > last).order_by(task.c.seq).limit(BATCH)
        rows = [(seq, prompt) for seq, prompt in connection.execute(some)]
        if not rows:
            return done
        add(connection, rows)
        done, last = done + len(rows), rows[-1][0]


def merge(connection: Connection, *, anew: bool) -> bool:
    """SQLite: puts together some of the parts that the index was written in; whether there was anything to do.

    Each part is read for each word, and from its newest on it is slow to begin: a million tasks lie in a dozen, and a
    page half-way down takes seven times as long as from one. `anew`: all parts, and not only those that are on their
    way already; said again and again, it would write the whole index with each part that is written meanwhile.
    """
    if connection.dialect.name != "sqlite":
        return False
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    connection.execute(_MERGE, {"pages": -MERGED if anew else MERGED})
    return bool(driver.total_changes - before > 1)  # as SQLite says how to see it


def is_ours(table: str) -> bool:
    """Whether a table belongs to the index: it, or one that SQLite keeps it in."""
    return table == NAME or table.startswith(f"{NAME}_")
