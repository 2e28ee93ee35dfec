"""Writing to a database that may be locked, full or gone for a while, and saying so in a sentence.

It knows which troubles pass by themselves; what is written, and why it must not be lost, is the caller's matter.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from data.sentences import Sentence, paragraph

log = logging.getLogger(__name__)

T = TypeVar("T")
PASSING = (OperationalError, InterfaceError, InternalError, NoConnectionFree)
"""Locked, full, read-only, shut down, unreachable, no connection free. Anything else is a fault of ours and would come
back each time. (PostgreSQL calls a read-only server an internal error.)"""

_DRIVERS = ("sqlite3", "psycopg")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0

_SENTENCES = {
    "locked": Sentence("The database is locked by another program."),
    "full": Sentence("The disk that holds the database is full."),
    "No space left": Sentence("The disk that holds the database is full."),
    "readonly": Sentence("The database is read-only."),
    "read-only": Sentence("The database is read-only."),
}


async def insist(what: str, write: Callable[[], T]) -> T:
    """Runs `write` in a thread, again and again while the database refuses it; gives its answer.

    For what must get on record while this process lives, because it is worth money or work. After our death the lease
    of whatever was claimed takes care.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            return await asyncio.to_thread(write)
        except PASSING as error:
            log.warning("%s waits for the database: %s", what, said(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def said(error: BaseException) -> str:
    """The database's own words, without the statement and without values that a second line may hold."""
    source = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first = str(source).strip().partition("\n")[0]
    return f"{type(source).__name__}: {first}"[:300]


def passes(error: BaseException) -> bool:
    """Whether waiting helps: the database is away or busy. A kept connection raises its driver's own errors."""
    return isinstance(error, PASSING) or type(error).__module__.partition(".")[0] in _DRIVERS


def sentence(error: SQLAlchemyError) -> str:
    """What is wrong with the database, for a person who watches it."""
    words = said(error)
    known = next(
        (text for part, text in _SENTENCES.items() if part in words), Sentence("The database does not answer.")
    )
    return paragraph(known, Sentence("Work waits and nothing is paid twice."))
