"""What a person asked for before, in their own words: the former prompts that the form walks through."""

import sqlalchemy as sa
from sqlmodel import col

from data.db import Database
from data.schema import NOT_DELETED, Task

MOST = 50
"""Different prompts that are found at most."""
_PAGE, _PAGES = 200, 5
_CHARACTERS = 60_000
"""Of all of them together: they travel to the browser."""
_BEYOND = 2**62


class Prompts:
    """Reads over one database."""

    def __init__(self, db: Database) -> None:
        """`db` is opened and migrated."""
        self._db = db

    def former(self, person: str) -> tuple[str, ...]:
        """The different prompts of this person, newest first.

        A few pages along the index by person, however many tasks there are: whoever asked for one prompt a thousand
        times in a row finds what came before it in History.
        """
        found: dict[str, None] = {}
        room, edge = _CHARACTERS, _BEYOND
        with self._db.look() as connection:
            for _ in range(_PAGES):
                rows = connection.execute(page(person, edge)).all()
                for prompt, _seq in rows:
                    if prompt.strip() and prompt not in found:
                        room -= len(prompt)
                        if room < 0 or len(found) == MOST:
                            return tuple(found)
                        found[prompt] = None
                if len(rows) < _PAGE:
                    break
                edge = rows[-1].seq or 0
        return tuple(found)


def page(person: str, edge: int) -> sa.Select[str, int | None]:
    """Prompt and sort key of those before the sort key `edge`, newest first."""
    mine = (col(Task.person) == person, NOT_DELETED, col(Task.seq) < edge)
    return sa.select(col(Task.prompt), col(Task.seq)).where(*mine).order_by(col(Task.seq).desc()).limit(_PAGE)
