"""`python -m data.migrations "message"`: writes the next revision for whoever changed `schema.py`."""

import sys
import tempfile
from pathlib import Path

from alembic import command

from data.db import Database
from data.migrations import config


def main() -> None:
    """Migrates a scratch database to the newest revision and compares it with the tables of today."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'scratch.sqlite'}")
        with database.engine.connect() as connection:
            settings = config(connection)
            command.upgrade(settings, "head")
            number = len(list((Path(__file__).parent / "versions").glob("[0-9]*.py"))) + 1
            command.revision(settings, " ".join(sys.argv[1:]) or "change", autogenerate=True, rev_id=f"{number:04}")
        database.close()


if __name__ == "__main__":
    main()
