"""`python -m callback_server.sandbox`: the sandbox as a process of its own, on this machine only."""

import argparse
import ipaddress
import logging
import os
from pathlib import Path

import uvicorn

from .app import create_app
from .config import SandboxConfig

GRACE = 1  # seconds that open answers get after SIGTERM


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m callback_server.sandbox", description=__doc__)
    defaults = SandboxConfig(Path())
    parser.add_argument("--port", type=int, default=8799)
    parser.add_argument("--host", type=loopback, default="127.0.0.1", help="a loopback address")
    parser.add_argument("--state-dir", type=Path, required=True, help="where its books and pictures are kept")
    parser.add_argument("--key", default=defaults.key, help="the API key it accepts")
    parser.add_argument("--webhook-key", default=None, help="signs callbacks; without it they are unsigned")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="typical drawing time")
    parser.add_argument("--credits", type=float, default=defaults.credits, help="the balance at the very start")
    parser.add_argument("--mirror-codes", action="store_true", help="let the HTTP status repeat the body code")
    parser.add_argument("--creates-per-window", type=int, default=defaults.creates_per_window, help="per 10 s and key")
    parser.add_argument("--callback-timeout", type=float, default=defaults.callback_timeout)
    parser.add_argument("--callback-gaps", type=gaps, default=defaults.callback_gaps, help="before each retry: 1,3,9")
    rough = os.environ.get("SANDBOX_ROUGH", "") == "1"
    parser.add_argument(
        "--rough", action="store_true", default=rough, help="paint few large squares: a fifth of the CPU"
    )
    parser.add_argument("--public-url", default=None, help="base of the URLs it hands out; else each request's Host")
    parser.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    return parser.parse_args()


def loopback(text: str) -> str:
    """Accept a loopback address only: a sandbox hands out money that does not exist."""
    if text != "localhost" and not ipaddress.ip_address(text).is_loopback:
        raise argparse.ArgumentTypeError("the sandbox listens on this machine only: give a loopback address")
    return text


def gaps(text: str) -> tuple[float, ...]:
    """Read the gaps between callback tries; an empty text means no retry."""
    return tuple(float(part) for part in text.split(",") if part.strip())


def main() -> None:
    """Serve until told to stop."""
    asked = vars(arguments())
    port, host, level = asked.pop("port"), asked.pop("host"), asked.pop("log_level")
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    app = create_app(SandboxConfig(**asked))
    uvicorn.run(app, host=host, port=port, log_level=level, access_log=False, timeout_graceful_shutdown=GRACE)


if __name__ == "__main__":
    main()
