"""What requests are made for: a short name that the team shares. A request belongs to one project or to none.

Nobody keeps a list of them: a project is there as long as a request stands in it, and moving all of them away ends it.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import EllipsisType
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from data.db import Database, insert_new
from data.errors import NotAllowed
from data.moves import log_each
from data.query import NONE, plain, project_key
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

    def move(self, task_ids: Sequence[str], name: str, *, who: str) -> tuple[dict[str, str], str]:
        """Puts these requests into the project of this name, new or not; with "" into none.

        Gives for each that was elsewhere the name of where it was ("" for none), which `put_back` takes, and the name
        of the project in which all stand now: one that was there keeps its own, however this one is written.

        Raises:
            NotAllowed: it cannot be a name; nothing was moved.
        """
        former, names = self._moved(dict.fromkeys(task_ids, name), who)
        return former, names.get(_key(name) or "", "")

    def of(self, task_ids: Sequence[str]) -> dict[str, int]:
        """The names of the projects of these requests, and how many of them stand in each; "" is none."""
        many = (col(Project.name), sa.func.count())
        mine = sa.select(*many).join_from(Task, Project, col(Project.key) == col(Task.project), isouter=True)
        with self._db.look() as connection:
            rows = connection.execute(mine.where(col(Task.id).in_(task_ids)).group_by(col(Project.name))).all()
        return {name or "": count for name, count in rows}

    def put_back(self, former: Mapping[str, str], name: str, *, who: str) -> int:
        """Undoes a move to `name` ("" is none): each request goes where it was. Gives how many were moved.

        What somebody has moved on meanwhile stays where they put it.
        """
        return len(self._moved(former, who, since=_key(name))[0])

    def _moved(
        self, to: Mapping[str, str], who: str, *, since: str | EllipsisType | None = ...
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Moves each request to the project of its name; only those that stand in `since`, where it is given.

        Gives where each was, by name, and the names of all projects concerned, by key.
        """
        with self._db.transaction() as session:
            now = self._clock()
            keys = dict(zip(to, entered(session, list(to.values()), who, now), strict=True))
            # All are locked by one statement, in the one order of `lock_tasks`, before any is changed.
            mine = sa.select(col(Task.id), col(Task.project)).where(col(Task.id).in_(list(to)))
            rows = session.connection().execute(mine.order_by(col(Task.seq)).with_for_update()).all()
            was = {task_id: key for task_id, key in rows if key != keys[task_id] and since in (..., key)}
            some = select(Project.key, Project.name).where(col(Project.key).in_({*keys.values(), *was.values()}))
            names = dict(session.exec(some).all())
            for key in {keys[task_id]: None for task_id in was}:
                ids = [task_id for task_id in was if keys[task_id] == key]
                session.connection().execute(sa.update(Task).where(col(Task.id).in_(ids)).values(project=key))
                log_each(session, ids, "moved" if key else "moved_out", now=now, who=who,
                         detail=names[key] if key else None)  # fmt: skip
        return {task_id: names[key] if key else "" for task_id, key in was.items()}, names


def entered(session: Session, names: Sequence[str | None], who: str, now: datetime) -> list[str | None]:
    """The keys of the projects of these names, in the caller's transaction; those that are new are there from now on.

    Raises NotAllowed.
    """
    shown: dict[str, str] = {}
    for name in dict.fromkeys(filter(None, names)):
        shown.setdefault(project_key(project_name(name)), project_name(name))
    for key in sorted(shown):  # in one order, or two who enter the same new names would wait for each other
        new = {"name": shown[key], "person": who, "at": now}
        if not insert_new(session, Project, {"key": key, **new}):  # one in which nothing stands begins anew
            empty = (col(Project.key) == key, col(Project.name) != shown[key], ~_FILLED)
            session.connection().execute(sa.update(Project).where(*empty).values(**new))
    return [_key(name or "") for name in names]


def project_name(name: str) -> str:
    """As it is shown: without quotes, one blank between two words, its accents composed. Raises NotAllowed."""
    name = unicodedata.normalize("NFC", plain(name))
    if not 0 < len(name) <= LONGEST_PROJECT or project_key(name) == NONE:
        raise NotAllowed(
            Sentence("The name of a project has 1 to {most} characters, and is not “{none}”. Nothing was changed.",
                     most=LONGEST_PROJECT, none=NONE)
        )  # fmt: skip
    return name


def _key(name: str) -> str | None:
    return project_key(project_name(name)) if name else None
