"""Schema migrations by Alembic. `upgrade(database)` is the only way tables come into being, fresh or old.

`python -m data.migrations "what changed"` writes the next revision from the difference between tables and `schema.py`.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from data.errors import DatabaseUnavailable
from data.fulltext import NAME
from data.schema import Table
from data.sentences import Sentence

if TYPE_CHECKING:
    from data.db import Database

PATIENCE = 10.0
"""Seconds in which a moment is sought when nobody holds any of the tables."""
BUSY = ("57014", "40P01")
"""What PostgreSQL calls a statement that took too long, and a deadlock."""


def config(connection: Connection) -> Config:
    """Alembic's configuration, without an ini file, on an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings


def upgrade(database: "Database") -> None:
    """Brings the tables to the newest revision in one transaction; a second process waits and finds it done.

    Raises:
        DatabaseUnavailable: the database knows a revision that this code does not, or others do not let go of it.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # Whatever the database or its role allow others: this waits, and what changes large tables takes its time.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            # An arbitrary number that all Picture Desk processes agree on.
            connection.execute(text("SELECT pg_advisory_xact_lock(7311405)"))
        settings = config(connection)
        script = ScriptDirectory.from_config(settings)
        known = {each.revision for each in script.walk_revisions()}
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise DatabaseUnavailable(
                f"The database {database.name} was written by a newer Picture Desk (revision {current}). "
                "Nothing was changed. Update the program, or point DATABASE_URL to another database."
            )
        if not database.is_sqlite and current != script.get_current_head():
            _have_it_alone(connection, database.name)
        command.upgrade(settings, "head")
        connection.commit()


def _have_it_alone(connection: Connection, name: str) -> None:
    """PostgreSQL: locks every table before the first is changed, or changes none.

    Taken one by one on the way, they would be waited for with others locked that a running server wants: a deadlock,
    which PostgreSQL ends by an error at either of the two. It looks for one where somebody has waited so long
    (`deadlock_timeout`), and whoever waits for what is locked here does not: all of it together is given up earlier.
    """
    ours = sorted({*Table.metadata.tables, NAME}.intersection(inspect(connection).get_table_names()))
    if not ours:
        return
    patience = "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'"
    looked_for: int = connection.execute(text(patience)).scalar_one()
    until = time.monotonic() + PATIENCE
    while (busy := _locked(connection, ours, max(1, looked_for * 7 // 10))) is not None:
        if time.monotonic() > until:
            raise DatabaseUnavailable(
                Sentence("The tables of the database {name} are of an older Picture Desk, and another server that uses "
                         "them did not let them be changed. Nothing was changed. Stop all other servers of this "
                         "database, start this one, and then the others in the new version.", name=name)
            ) from busy  # fmt: skip
        # Autovacuum gives way to whoever has waited as long as that, and this may be done for one at a time.
        for table in ours:
            _locked(connection, [table], looked_for * 3 // 2, keep=False)


def _locked(connection: Connection, tables: Sequence[str], most: int, *, keep: bool = True) -> Exception | None:
    """Locks all of these tables, or none and gives why; waits at most for so long (ms; 0: for ever) for all of them."""
    point = connection.begin_nested()
    try:
        connection.execute(text(f"SET LOCAL statement_timeout = {most}"))
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    except OperationalError as error:
        point.rollback()
        if getattr(error.orig, "sqlstate", None) in BUSY:
            return error
        raise
    point.commit() if keep else point.rollback()
    return None
