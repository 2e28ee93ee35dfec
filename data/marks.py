"""What people put on pictures without judging them: a star of one's own, and tags and picks that the team shares.

It knows nothing of deleted tasks: a mark comes back with its task, and goes for good when the task is purged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from data.db import Database, insert_new
from data.errors import NotAllowed
from data.moves import log_each
from data.query import plain
from data.schema import Pick, Star, Tag, Task
from data.sentences import Sentence

LONGEST_TAG = 40
"""Characters."""
MOST_TAGS = 20
"""Of one task."""


_SEQS: Any = (
    sa.select(col(Task.id), col(Task.seq))
    .where(col(Task.id).in_(sa.bindparam("ids", expanding=True))).order_by(col(Task.seq))
)  # fmt: skip
_OF: Any = sa.bindparam("seqs", expanding=True)
_STARS: Any = sa.select(col(Star.seq)).where(
    col(Star.person) == sa.bindparam("person", type_=sa.String), col(Star.seq).in_(_OF)
)
_TAGS: Any = sa.select(col(Tag.seq), col(Tag.name)).where(col(Tag.seq).in_(_OF)).order_by(col(Tag.name))
_PICKS: Any = sa.select(col(Pick.seq), col(Pick.person), col(Pick.at)).where(col(Pick.seq).in_(_OF))
"""Written once: an open page asks at every move of a task, and writing a statement takes longer than running it."""


@dataclass(frozen=True)
class Picked:
    """Who picked it first, and when (UTC)."""

    person: str
    at: datetime


@dataclass(frozen=True)
class Marked:
    """The marks of one task, as one person sees them."""

    starred: bool = False
    tags: tuple[str, ...] = ()
    pick: Picked | None = None


class Marks:
    """Stars, picks and tags, by the ids of tasks. Whatever is asked for twice is there once."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def of(self, task_ids: Sequence[str], person: str) -> dict[str, Marked]:
        """The marks of these tasks; those without any are left out."""
        with self._db.look() as connection:
            ids: dict[int, str] = {seq: task_id for task_id, seq in connection.execute(_SEQS, {"ids": task_ids})}
            of = {"seqs": list(ids)}
            stars: set[int] = set(connection.execute(_STARS, {**of, "person": person}).scalars())
            picks = {seq: Picked(*of) for seq, *of in connection.execute(_PICKS, of)}
            tags: dict[int, list[str]] = {}
            for seq, name in connection.execute(_TAGS, of):
                tags.setdefault(seq, []).append(name)
        return {
            ids[seq]: Marked(seq in stars, tuple(tags.get(seq, ())), picks.get(seq))
            for seq in stars | tags.keys() | picks.keys()
        }

    def tags_of(self, task_ids: Sequence[str]) -> dict[str, int]:
        """The tags of these tasks together, and how many of them have each, in the order of the names."""
        with self._db.look() as connection:
            seqs = sa.select(col(Task.seq)).where(col(Task.id).in_(task_ids))
            mine = sa.select(col(Tag.name), sa.func.count()).where(col(Tag.seq).in_(seqs)).group_by(col(Tag.name))
            rows = connection.execute(mine.order_by(col(Tag.name))).all()
        return {row[0]: row[1] for row in rows}

    def count(self, task_ids: Sequence[str], person: str) -> tuple[int, int]:
        """How many of these tasks have this person's star, and how many the team's pick."""
        seqs = sa.select(col(Task.seq)).where(col(Task.id).in_(task_ids))
        stars = sa.select(sa.func.count()).where(col(Star.person) == person, col(Star.seq).in_(seqs))
        picks = sa.select(sa.func.count()).where(col(Pick.seq).in_(seqs))
        with self._db.look() as connection:
            return connection.execute(stars).scalar_one(), connection.execute(picks).scalar_one()

    def star(self, task_ids: Sequence[str], person: str) -> None:
        """Puts this person's star on the tasks; ids that do not exist are passed over, here and below."""
        with self._db.transaction() as session:
            for _, seq in _seqs(session, task_ids):
                insert_new(session, Star, {"person": person, "seq": seq, "at": self._clock()})

    def unstar(self, task_ids: Sequence[str], person: str) -> None:
        """Takes it away."""
        with self._db.transaction() as session:
            seqs = [seq for _, seq in _seqs(session, task_ids)]
            session.connection().execute(sa.delete(Star).where(col(Star.person) == person, col(Star.seq).in_(seqs)))

    def pick(self, task_ids: Sequence[str], person: str) -> None:
        """Puts the team's pick on the tasks; one that is picked already stays the pick of whoever was first."""
        with self._db.transaction() as session:
            now = self._clock()
            new = [
                task_id for task_id, seq in _seqs(session, task_ids)
                if insert_new(session, Pick, {"seq": seq, "person": person, "at": now})
            ]  # fmt: skip
            log_each(session, new, "picked", now=now, who=person)

    def unpick(self, task_ids: Sequence[str], person: str) -> dict[str, Picked]:
        """Takes it away, whoever put it there. Gives what is gone, by task, which `pick_back` takes."""
        with self._db.transaction() as session:
            ids = {seq: task_id for task_id, seq in _seqs(session, task_ids)}
            gone = sa.delete(Pick).where(col(Pick.seq).in_(list(ids)))
            rows = session.connection().execute(gone.returning(col(Pick.seq), col(Pick.person), col(Pick.at)))
            there = {ids[seq]: Picked(by, at) for seq, by, at in sorted(rows.all())}
            log_each(session, list(there), "unpicked", now=self._clock(), who=person)
        return there

    def pick_back(self, former: Mapping[str, Picked], person: str) -> int:
        """Undoes `unpick`: each is the pick of whom it was, but where somebody has picked it meanwhile.

        Gives how many were put back.
        """
        with self._db.transaction() as session:
            back = [
                task_id for task_id, seq in _seqs(session, list(former))
                if insert_new(session, Pick, {"seq": seq, "person": former[task_id].person, "at": former[task_id].at})
            ]  # fmt: skip
            log_each(session, back, "pick_back", now=self._clock(), who=person)
        return len(back)

    def tag(self, task_ids: Sequence[str], name: str, person: str) -> str:
        """Puts a tag on the tasks; gives it as it is kept.

        Raises:
            NotAllowed: it is empty or too long, or one of the tasks has too many; none was tagged.
        """
        name = tag_name(name)
        with self._db.transaction() as session:
            found = _seqs(session, task_ids)
            for _, seq in found:
                insert_new(session, Tag, {"name": name, "seq": seq, "person": person, "at": self._clock()})
            several = select(Tag.seq).where(col(Tag.seq).in_([seq for _, seq in found])).group_by(col(Tag.seq))
            if session.exec(several.having(sa.func.count() > MOST_TAGS).limit(1)).first() is not None:
                raise NotAllowed(Sentence("A picture takes at most {most} tags. Nothing was changed.", most=MOST_TAGS))
        return name

    def untag(self, task_ids: Sequence[str], name: str) -> None:
        """Takes a tag away, whoever put it there."""
        with self._db.transaction() as session:
            seqs = [seq for _, seq in _seqs(session, task_ids)]
            mine = (col(Tag.name) == plain(name).casefold(), col(Tag.seq).in_(seqs))
            session.connection().execute(sa.delete(Tag).where(*mine))


def tag_name(name: str) -> str:
    """As it is kept, and looked for: in lower case, without quotes. Raises NotAllowed."""
    name = plain(name).casefold()
    if not 0 < len(name) <= LONGEST_TAG:
        raise NotAllowed(Sentence("A tag has 1 to {most} characters. Nothing was changed.", most=LONGEST_TAG))
    return name


def forget(session: Session, task_ids: Sequence[str]) -> None:
    """Takes all marks off, in the caller's transaction: these tasks go for good."""
    seqs = [seq for _, seq in _seqs(session, task_ids)]
    session.connection().execute(sa.delete(Star).where(col(Star.seq).in_(seqs)))
    session.connection().execute(sa.delete(Tag).where(col(Tag.seq).in_(seqs)))
    session.connection().execute(sa.delete(Pick).where(col(Pick.seq).in_(seqs)))


def _seqs(session: Session, task_ids: Sequence[str]) -> list[tuple[str, int]]:
    """Id and sort key of those that exist, by sort key: everybody locks in one order."""
    return [(task_id, seq) for task_id, seq in session.connection().execute(_SEQS, {"ids": list(task_ids)})]
