"""Lets nobody work on an SQLite file that is not where it belongs."""

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry


class OneFile:
    """Guards every connection to one file.

    A connection goes on writing to a file that was moved away, and a new one makes an empty file in its place: two
    truths, and a task paid twice. While the file is gone nobody is let in; what stands there later is opened anew.
    """

    def __init__(self, path: Path) -> None:
        """Nobody has opened it yet."""
        self._path, self._was_there = path, False

    def guard(self, engine: Engine) -> None:
        """Asks at every opening and every handing out of a connection: 2 µs."""
        event.listen(engine, "do_connect", self._opening)
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "checkout", self._handed_out)

    def _opening(self, *_: object) -> None:
        if self._was_there and self._found() is None:
            raise sqlite3.OperationalError("the database file is gone")

    def _opened(self, _connection: object, record: ConnectionPoolEntry) -> None:
        record.info["file"], self._was_there = self._found(), True

    def _handed_out(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != self._found():
            raise DisconnectionError("the database file was moved or replaced")

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
