"""`python -m callback_server`: the callback server alone, stopped by SIGTERM or Ctrl-C with exit code 0.

Exit codes: 2 for settings that cannot be used, 1 when what the server needs cannot be opened, 3 when its port is taken.
"""

import logging
import signal
import sys
import threading
from types import FrameType

import uvicorn
from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.app import create_app
from callback_server.settings import ServerSettings
from data.catalog import catalog
from data.db import Database
from data.errors import PictureDeskError
from data.links import signing_key
from data.logs import setup_logs

log = logging.getLogger("callback_server")

GRACE_SECONDS = 5  # for requests under way; the workers have their own


class Server(uvicorn.Server):
    """A first signal stops it in order; after a second one nothing is waited for that takes long."""

    def __init__(self, config: uvicorn.Config, hurry: threading.Event) -> None:
        super().__init__(config)
        self._hurry = hurry

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn's own second signal would skip the orderly end, in which calls in doubt are put on record."""
        if self.should_exit:
            self._hurry.set()
        else:
            super().handle_exit(sig, frame)


def main() -> int:
    """Serves until told to stop; gives the exit code."""
    try:
        settings = ServerSettings()
    except (ValidationError, SettingsError, OSError, UnicodeError) as error:
        print(f"The settings cannot be used. {_sentences(error)}", file=sys.stderr)
        return 2
    setup_logs(settings, "callback_server")
    try:
        _look_ahead(settings)
    except (PictureDeskError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return _serve(settings)


def _look_ahead(settings: ServerSettings) -> None:
    """Meets what may fail at start here, where it becomes a sentence; inside the server it would be a traceback."""
    catalog()
    signing_key(settings)
    db = Database(settings.database_address)
    try:
        db.migrate()
    finally:
        db.close()


def _serve(settings: ServerSettings) -> int:
    # One worker: one writer, one pace, one set of loops. No access log: callback addresses hold tokens.
    hurry = threading.Event()
    config = uvicorn.Config(
        create_app(settings, hurry=hurry),
        host=settings.listen_host,
        port=settings.callback_port,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # no route asks who calls, nor by which scheme: that layer would be work for nothing
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config, hurry)
    # uvicorn raises the signal again once it has stopped, for whoever handled it before: that must not kill us.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    # Bound before anything starts: a second server on a taken port must not run its workers even for a moment.
    listening = config.bind_socket()
    log.info("the callback server starts", extra={"host": settings.listen_host, "port": settings.callback_port})
    server.run([listening])
    log.info("the callback server has stopped")
    return 0


def _sentences(error: Exception) -> str:
    """One sentence for each wrong setting, by the name its author knows."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = ((".".join(map(str, each["loc"])).upper(), each["msg"]) for each in error.errors(include_input=False))
    return " ".join(f"{name}: {said.removeprefix('Value error, ').rstrip('.')}." for name, said in faults)


if __name__ == "__main__":
    sys.exit(main())
