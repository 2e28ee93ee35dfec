"""One line per event, for a person or as JSON, with the same fields in both processes.

Nothing secret is written: every value that settings hold as a secret, bearer tokens, and the tokens in addresses are
replaced by `***` in the finished text, so that no caller has to think of it.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from data.settings import Settings

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record carries; whatever else is found on one came by `extra=` and is written as a field. (The last is
uvicorn's second copy of its message, for terminals.)"""
CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
TOKENS = re.compile(r"(?i)(bearer\s+|[?&](?:token|sig|signature|key|code|x-amz-[a-z-]+)=)[^\s&\"'<>\\]+")
UUID = "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
LONG_SEGMENT = re.compile(rf"(?<=/)(?!{UUID}(?![\w-]))[\w-]{{32,}}(?![\w.-])", re.ASCII)
"""A path segment of 192 bits or more: the token of a callback address. Our ids are UUIDs and stay, and so do the names
of pictures, which have an ending."""
SHORTEST_SECRET = 4  # replacing a shorter one would garble every line and hide nothing


class Redactor:
    """Replaces known secrets and what looks like a token."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets`: the exact texts that must never appear. Longer ones first: one may begin with another."""
        known = sorted({s for s in secrets if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        text = self._known.sub("***", text) if self._known else text
        return LONG_SEGMENT.sub("***", TOKENS.sub(r"\1***", text))


class LineFormatter(logging.Formatter):
    """Turns a record into its line: time, level, process, logger, event, and the fields given by `extra=`."""

    def __init__(self, *, process: str, as_json: bool, redact: Redactor) -> None:
        """`process` names who speaks: `dashboard`, `callback_server`."""
        super().__init__()
        self.process, self.as_json, self.redact = process, as_json, redact

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = self.redact(record.getMessage())
        extra = {name: self._plain(value) for name, value in vars(record).items() if name not in STANDARD}
        trace = self.redact(self.formatException(record.exc_info)) if record.exc_info else ""
        if self.as_json:
            head = {
                "time": time,
                "level": record.levelname,
                "process": self.process,
                "logger": record.name,
                "event": event,
            }
            # An extra field may not rename an event; `head` once more keeps our words, in our order.
            return json.dumps(head | extra | head | ({"exception": trace} if trace else {}), ensure_ascii=False)
        fields = "".join(f" {name}={value}" for name, value in extra.items())
        line = f"{time} {record.levelname:<7} {self.process} {record.name}: {event}{fields}"
        # A line break from outside must not look like an event of ours, nor an escape sequence move the cursor.
        line = CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), line)
        return line + "".join(f"\n    {part}" for part in trace.splitlines())

    def _plain(self, value: Any) -> Any:
        return value if value is None or isinstance(value, bool | int | float) else self.redact(str(value))


def secrets_of(settings: Settings) -> list[str]:
    """Every secret text that the settings hold, and each part of one that is a list with commas."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    texts = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    with suppress(ArgumentError):
        texts.append(make_url(settings.database_address).password or "")
    return texts + [part.strip() for text in texts if "," in text for part in text.split(",")]


def setup_logs(settings: Settings, process: str) -> None:
    """Send all logging of this process to stderr in our form. May be called again; the last call counts."""
    handler = logging.StreamHandler(sys.stderr)
    redact = Redactor(secrets_of(settings))
    handler.setFormatter(LineFormatter(process=process, as_json=settings.log_format == "json", redact=redact))
    root = logging.getLogger()
    # Only plain handlers are replaced: a test's own, which collects records, stays.
    root.handlers[:] = [handler, *(other for other in root.handlers if type(other) is not logging.StreamHandler)]
    root.setLevel(settings.log_level)
    for chatty in (
        "alembic",
        "httpcore",
        "httpx",
        "PIL",
        "uvicorn",
        "watchdog",
    ):  # each request, each plugin, each chunk
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)
