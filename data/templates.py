"""Prompts with blanks to fill in, kept under a name: one's own, or the team's, which its owner alone changes.

A deleted template comes back by its owner's Undo for 30 days; what was made with it does not depend on it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from data.db import Database
from data.errors import NotAllowed
from data.schema import Template
from data.sentences import Sentence

LONGEST_NAME = 60
"""Characters."""
LONGEST_PROMPT = 20_000
MOST = 300
"""Templates that one person sees."""
KEPT_FOR = timedelta(days=30)
_BLANK = re.compile(r"\{\s*([^{}\n]{1,40}?)\s*\}")


def slots(prompt: str) -> tuple[str, ...]:
    """The names of its blanks, `{like this}`, each once, in order."""
    return tuple(dict.fromkeys(match[1] for match in _BLANK.finditer(prompt)))


def filled(prompt: str, values: Mapping[str, str]) -> str:
    """The prompt with its blanks filled; one without a value stays as it is."""
    return _BLANK.sub(lambda match: values.get(match[1], "").strip() or match[0], prompt)


class Templates:
    """The templates of everybody."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self._clock = clock or db.now

    def visible(self, person: str, deleted: Sequence[str] = ()) -> tuple[Template, ...]:
        """Their own and the team's, by name; their own first where there are more than `MOST`, and no more than that.

        Of the deleted ones, those of theirs that are named.
        """
        mine, there = col(Template.person) == person, col(Template.deleted_at).is_(None)
        gone = sa.and_(mine, col(Template.id).in_(deleted))
        shown = sa.or_(sa.and_(there, sa.or_(mine, col(Template.team))), gone)
        with self._db.read() as session:
            by_name = (sa.func.lower(col(Template.name)), col(Template.id))
            many = session.exec(select(sa.func.count()).select_from(Template).where(shown)).one() > MOST
            order = (sa.case((mine, 0), else_=1), *by_name) if many else by_name
            rows = tuple(session.exec(select(Template).where(shown).order_by(*order).limit(MOST)))
            session.expunge_all()
        return rows

    def save(self, person: str, name: str, prompt: str, settings: Mapping[str, Any], *, team: bool) -> Template:
        """Keeps a new one. Raises NotAllowed."""
        values = _checked(name, prompt) | {"settings": dict(settings), "team": team}
        now = self._clock()
        row = Template(person=person, created_at=now, changed_at=now, **values)
        with self._db.transaction() as session:
            session.add(row)
            session.flush()
            session.expunge(row)
        return row

    def change(self, template_id: str, *, who: str, name: str, prompt: str, team: bool) -> dict[str, Any]:
        """Gives it these words; tells what it had before, in the same words. Raises NotAllowed."""
        values = _checked(name, prompt) | {"team": team}
        with self._db.transaction() as session:
            mine = select(Template).where(*_own(template_id, who), col(Template.deleted_at).is_(None))
            row = session.exec(mine.with_for_update()).first()
            if row is None:
                raise _not_theirs()
            before = {"name": row.name, "prompt": row.prompt, "team": row.team}
            row.sqlmodel_update(values | {"changed_at": self._clock()})
            session.add(row)
        return before

    def delete(self, template_id: str, *, who: str) -> None:
        """Takes it out of sight. What was deleted 30 days ago goes for good with it. Raises NotAllowed."""
        now = self._clock()
        old = sa.delete(Template).where(col(Template.deleted_at) < now - KEPT_FOR)
        gone = sa.update(Template).where(*_own(template_id, who)).values(deleted_at=now)
        with self._db.transaction() as session:
            session.connection().execute(old)
            if not session.connection().execute(gone).rowcount:
                raise _not_theirs()

    def restore(self, template_id: str, *, who: str) -> None:
        """Brings it back as it was. Raises NotAllowed."""
        back = sa.update(Template).where(*_own(template_id, who)).values(deleted_at=None)
        with self._db.transaction() as session:
            if not session.connection().execute(back).rowcount:
                raise _not_theirs()

    def used(self, template_id: str) -> None:
        """Counts a press that was made with it; one that is gone by now is not counted."""
        more = sa.update(Template).where(col(Template.id) == template_id).values(uses=col(Template.uses) + 1)
        with self._db.transaction() as session:
            session.connection().execute(more)


def _own(template_id: str, who: str) -> tuple[sa.ColumnElement[bool], ...]:
    return col(Template.id) == template_id, col(Template.person) == who


def _checked(name: str, prompt: str) -> dict[str, Any]:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise NotAllowed(
            Sentence("The name of a template has 1 to {most} characters. Nothing was saved.", most=LONGEST_NAME)
        )
    if not prompt.strip() or len(prompt) > LONGEST_PROMPT:
        most = f"{LONGEST_PROMPT:,}"
        raise NotAllowed(Sentence("The text of a template has 1 to {most} characters. Nothing was saved.", most=most))
    return {"name": name, "prompt": prompt}


def _not_theirs() -> NotAllowed:
    return NotAllowed(Sentence("Only whoever made a template can change it. Nothing was changed."))
