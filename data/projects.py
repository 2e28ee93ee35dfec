"""What requests are made for: a short name that the team shares. A request belongs to one project or to none.

Nobody keeps a list of them: a project is there as long as a request stands in it, and moving all of them away ends it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from data.db import Database, insert_new
from data.errors import NotAllowed
from data.moves import log_each
from data.query import NONE, plain
from data.schema import NOT_DELETED, Project, Task
from data.sentences import Sentence

LONGEST_PROJECT = 40
"""Characters."""
_FILLED = sa.exists().where(col(Task.project) == col(Project.key), NOT_DELETED)
NAMES: Any = sa.select(col(Project.key), col(Project.name)).where(_FILLED).order_by(col(Project.key))
"""Of those in which something stands, one step into their index for each."""


class Projects:
    """Moves requests from one project to another."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def move(self, task_ids: Sequence[str], name: str, *, who: str) -> dict[str, str]:
        """Puts these requests into the project of this name, new or not; with "" into none.

        Gives for each that was elsewhere the name of where it was ("" for none), which `put_back` takes.

        Raises:
            NotAllowed: it cannot be a name; nothing was moved.
        """
        return self._moved([(tuple(task_ids), name)], who)

    def of(self, task_ids: Sequence[str]) -> dict[str, int]:
        """The names of the projects of these requests, and how many of them stand in each; "" is none."""
        many = (col(Project.name), sa.func.count())
        mine = sa.select(*many).join_from(Task, Project, col(Project.key) == col(Task.project), isouter=True)
        with self._db.look() as connection:
            rows = connection.execute(mine.where(col(Task.id).in_(task_ids)).group_by(col(Project.name))).all()
        return {name or "": count for name, count in rows}

    def put_back(self, former: Mapping[str, str], *, who: str) -> int:
        """Undoes a move: each request goes where it was. Gives how many were moved."""
        back: dict[str, list[str]] = {}
        for task_id, name in former.items():
            back.setdefault(name, []).append(task_id)
        return len(self._moved(((ids, name) for name, ids in back.items()), who))

    def _moved(self, moves: Iterable[tuple[Sequence[str], str]], who: str) -> dict[str, str]:
        former: dict[str, str] = {}
        with self._db.transaction() as session:
            now = self._clock()
            for task_ids, name in moves:
                key = entered(session, [name], who, now)[0]
                mine = sa.select(col(Task.id), col(Task.project)).where(col(Task.id).in_(task_ids))
                rows = session.connection().execute(mine.order_by(col(Task.seq)).with_for_update()).all()
                was = {task_id: before or "" for task_id, before in rows if before != key}
                there = (col(Task.id).in_(list(was)),)
                session.connection().execute(sa.update(Task).where(*there).values(project=key))
                log_each(session, list(was), "moved" if key else "moved_out", now=now, who=who,
                         detail=_name(session, key))  # fmt: skip
                former |= was
            names = dict(session.exec(select(Project.key, Project.name)).all())
        return {task_id: names.get(key, "") for task_id, key in former.items()}


def entered(session: Session, names: Sequence[str | None], who: str, now: datetime) -> list[str | None]:
    """The keys of the projects of these names, in the caller's transaction; those that are new are there from now on.

    Raises NotAllowed.
    """
    keys: dict[str, str] = {}
    for name in dict.fromkeys(filter(None, names)):
        shown = project_name(name)
        keys[name] = shown.casefold()
        insert_new(session, Project, {"key": keys[name], "name": shown, "person": who, "at": now})
    return [keys[name] if name else None for name in names]


def project_name(name: str) -> str:
    """As it is shown: without quotes, one blank between two words. Raises NotAllowed."""
    name = plain(name)
    if not 0 < len(name) <= LONGEST_PROJECT or name.casefold() == NONE:
        raise NotAllowed(
            Sentence("The name of a project has 1 to {most} characters, and is not “{none}”. Nothing was changed.",
                     most=LONGEST_PROJECT, none=NONE)
        )  # fmt: skip
    return name


def _name(session: Session, key: str | None) -> str | None:
    return session.exec(select(Project.name).where(Project.key == key)).first()
