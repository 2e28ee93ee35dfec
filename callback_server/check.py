"""`python -m callback_server.check`: says what is wrong with the settings, one line each, and starts nothing.

The launcher asks it before it starts anything, so that it need not read a secret itself. No value is ever printed.
Exit code 0 when every setting can be used, else 2.
"""

import logging
import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.settings import ServerSettings


def faults() -> list[str]:
    """A sentence for each setting that cannot be used, by the name its author knows."""
    try:
        settings = ServerSettings()
    except ValidationError as error:
        return [_sentence(str(each["loc"][0]).upper(), each["msg"]) for each in error.errors(include_input=False)]
    except (SettingsError, OSError, UnicodeError) as error:
        return [f"The settings cannot be read: {error}."]
    return _database_faults(settings.database_url) if settings.database_url else []


def _database_faults(address: str) -> list[str]:
    """The address alone is looked at: a database that is not up yet is waited for elsewhere."""
    from data.db import Database  # noqa: PLC0415 - costs half a second, and most desks set no address
    from data.errors import DatabaseUnavailable  # noqa: PLC0415

    try:
        Database(address).close()
    except (DatabaseUnavailable, OSError) as error:
        return [str(error)]
    return []


def _sentence(name: str, said: str) -> str:
    said = said.removeprefix("Value error, ").rstrip(".")
    return f"{said}." if said.startswith(name) else f"{name} cannot be used: {said}."


def main() -> int:
    """Prints the faults."""
    logging.disable()  # what is merely unwise is said by the server itself
    found = faults()
    print("\n".join(found))
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
