"""`python -m callback_server.replay --since 2026-11-23T10:00Z [--submission ID]`: stored webhooks are heard once more.

For the day on which webhooks were kept but not acted upon. It only makes their submissions due for a look; the server,
which may run meanwhile, does the rest. Exit codes: 2 for what cannot be understood, 1 for a database that is not there.
"""

import argparse
import sys
from datetime import datetime

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.settings import ServerSettings
from data.db import Database
from data.errors import DatabaseUnavailable
from data.inbox import Inbox


def moment(text: str) -> datetime:
    """A time with its zone: without one nobody knows which hour is meant."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no zone; write {text}Z for UTC")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints how many submissions are due for a look now; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m callback_server.replay", description="Hears webhooks again.")
    parser.add_argument("--since", type=moment, required=True, help="first arrival, for example 2026-11-23T10:00Z")
    parser.add_argument("--submission", help="only those of this paid call")
    asked = parser.parse_args(arguments)
    try:
        db = Database(ServerSettings().database_address)
    except (ValidationError, SettingsError, DatabaseUnavailable) as error:
        print(f"The settings cannot be used. {error}", file=sys.stderr)
        return 2
    try:
        db.migrate()
        due = Inbox(db).replay(asked.since, asked.submission)
    except DatabaseUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        db.close()
    print(f"{due} {'submission is' if due == 1 else 'submissions are'} due for a look.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
