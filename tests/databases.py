"""A fresh database for a test, on SQLite or on PostgreSQL: one shape, so that a test need not know which.

Making tables costs more than most tests. SQLite copies a migrated file; PostgreSQL empties a database that an earlier
test has given back, or copies one from a template.
"""

import itertools
import os
import tempfile
from functools import cache
from pathlib import Path

import postgres
from psycopg.errors import UndefinedTable

from data import fulltext
from data.db import HEAD, Database
from data.schema import Table

KINDS = ("sqlite", "postgresql")
ALONE = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


class Sqlite:
    """Files in the test's own folder."""

    kind = "sqlite"

    def fresh(self, folder: Path) -> str:
        """The URL of a migrated database without rows. `folder` is where SQLite puts its file."""
        url = self.empty(folder)
        (folder / "picture-desk.sqlite").write_bytes(migrated_file())
        return url

    def empty(self, folder: Path) -> str:
        """The URL of a database without tables."""
        folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder / 'picture-desk.sqlite'}"

    def give_back(self, url: str) -> None:
        """Nothing to do: the file lies in the test's folder."""


class Postgresql:
    """Databases of this process's own server."""

    kind = "postgresql"

    def __init__(self) -> None:
        self._names = (f"desk_{os.getpid()}_{number}" for number in itertools.count())
        self._free: list[str] = []
        self._template = ""

    def fresh(self, folder: Path) -> str:
        """The URL of a migrated database without rows. The folder is not used."""
        if self._free:
            return self._free.pop()
        server, name = postgres.server(), next(self._names)
        if not self._template:
            url = self.empty(folder)
            db = Database(url)
            db.migrate()
            db.close()
            self._template = url.rpartition("/")[2]
        server.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return server.url(name)

    def empty(self, folder: Path) -> str:
        """The URL of a database without tables. The folder is not used."""
        del folder
        server, name = postgres.server(), next(self._names)
        server.execute(f"CREATE DATABASE {name}")
        return server.url(name)

    def give_back(self, url: str) -> None:
        """Cuts whoever still uses it and waits until they are gone, empties it, and keeps it for the next."""
        server, name = postgres.server(), url.rpartition("/")[2]
        # DELETE, leaves first: TRUNCATE makes each table's files anew, and takes ten times as long for a few rows.
        tables = [fulltext.NAME, *(table.name for table in reversed(Table.metadata.sorted_tables))]
        emptied = [f"DELETE FROM {table}" for table in tables]
        restarted = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
        version = f"UPDATE alembic_version SET version_num = '{HEAD}'"
        try:
            server.execute(ALONE, "; ".join([*emptied, restarted, version]), database=name)
            self._free.append(url)
        except UndefinedTable:  # the test has spoilt it
            server.execute(f"DROP DATABASE {name}")


Databases = Sqlite | Postgresql


@cache
def databases_of(kind: str) -> Databases:
    """This process's databases of one kind."""
    return Sqlite() if kind == "sqlite" else Postgresql()


@cache
def migrated_file() -> bytes:
    """An SQLite file with all tables and no rows."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/empty.sqlite")
        db.migrate()
        db.close()  # the last connection folds the write-ahead log into the file
        return Path(folder, "empty.sqlite").read_bytes()
