"""Schema migrations by Alembic. `upgrade(database)` is the only way tables come into being, fresh or old.

`python -m data.migrations "what changed"` writes the next revision from the difference between tables and `schema.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from data.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from data.db import Database


def config(connection: Connection) -> Config:
    """Alembic's configuration, without an ini file, on an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent))
    settings.attributes["connection"] = connection
    return settings


def upgrade(database: "Database") -> None:
    """Brings the tables to the newest revision in one transaction; a second process waits and finds it done.

    Raises:
        DatabaseUnavailable: the database knows a revision that this code does not.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # an arbitrary number that all Picture Desk processes agree on
            connection.execute(text("SELECT pg_advisory_xact_lock(7311405)"))
        settings = config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in known:
            raise DatabaseUnavailable(
                f"The database {database.name} was written by a newer Picture Desk (revision {current}). "
                "Nothing was changed. Update the program, or point DATABASE_URL to another database."
            )
        command.upgrade(settings, "head")
        connection.commit()
