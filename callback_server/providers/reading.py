"""Reading what a provider says, whichever it is: JSON, texts, numbers, waits and addresses, without an exception.

Nothing here knows a wire; what an answer means is the business of the file for that wire.
"""

import email.utils
import json
import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

MAX_RAW_BYTES = 16_000


def parse(text: bytes | str) -> Any:
    """JSON without exceptions: None for anything unreadable, NaN and Infinity become None, bad UTF-8 is replaced.

    One odd character in a message must not cost us the task id beside it. Deep nesting is a RecursionError and a huge
    integer a ValueError (performance section 9).
    """
    try:
        decoded = text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, or a text that holds one; otherwise an empty object."""
    if isinstance(value, str):
        value = parse(value)
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    """The value if it is a JSON list, otherwise an empty one."""
    return value if isinstance(value, list) else []


def words(value: object, limit: int = 500) -> str:
    """The provider's text fit for a database and a screen: at most `limit` characters, no controls, no surrogates."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:limit]).strip()


def whole(value: object) -> int | None:
    """A code or a count as a number, also when it comes as text ("501") or as 501.0."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**6:  # NaN fails it too
        return None
    return int(value) if value == int(value) else None


def identifier(value: object) -> str | None:
    """The value if it can be the name of a call at the provider: opaque, printable text, or a number."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        value = str(value)
    plain = isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() and value.strip() == value
    return value if plain and isinstance(value, str) else None


def web_address(value: object) -> str | None:
    """The value if it is a plausible http(s) URL of at most 4,096 characters. Whether it is safe, `download` judges."""
    if not isinstance(value, str) or len(value) > 4096 or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.hostname else None


def header(headers: Mapping[str, str], name: str) -> str:
    """A header's value, however its name is spelt; empty where it is missing."""
    return next((text for key, text in headers.items() if key.lower() == name), "").strip()


def retry_after(headers: Mapping[str, str], default: timedelta) -> timedelta:
    """`Retry-After` in seconds or as a date (RFC 9110 10.2.3), held between 1 s and 1 h; else the default."""
    text = header(headers, "retry-after")
    if re.fullmatch(r"[0-9]{1,9}", text):
        return within_an_hour(timedelta(seconds=int(text)))
    try:
        when = email.utils.parsedate_to_datetime(text)
        return within_an_hour((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC))
    except (ValueError, IndexError, TypeError, OverflowError):
        return default


def within_an_hour(wait: timedelta) -> timedelta:
    """A wait that somebody else asks of us, held between 1 s and 1 h."""
    return max(timedelta(seconds=1), min(wait, timedelta(hours=1)))


def bounded(record: dict[str, Any], *, without: Collection[str] = (), hidden: Collection[str] = ()) -> dict[str, Any]:
    """A copy of at most 16 kB that any JSON column takes.

    The fields `without` are left out at the top; those called `hidden`, wherever they stand, hold a file as base64 and
    are noted by their length.
    """
    copy = mapping(_plain({key: value for key, value in record.items() if key not in without}, 8, hidden))
    for limit in (MAX_RAW_BYTES, 2000, 200, 50):
        copy = {key: _shorter(value, limit) for key, value in copy.items()}
        if len(json.dumps(copy, ensure_ascii=False).encode()) <= MAX_RAW_BYTES:
            return copy
    return {"truncated": True}


def _shorter(value: Any, limit: int) -> Any:
    """A long text cut, any other long value replaced by a note."""
    if isinstance(value, str):
        return value[:limit]
    return value if len(json.dumps(value, ensure_ascii=False)) <= limit else "(left out: too long)"


def _plain(value: object, depth: int, hidden: Collection[str]) -> Any:
    """JSON without what databases choke on: NUL and surrogates, infinities, endless integers, depth."""
    if isinstance(value, str):
        return words(value, 4000)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 1 << 63 else None
    if depth == 0 and isinstance(value, dict | list):
        return "(left out: too deep)"
    if isinstance(value, dict):
        return {
            words(key, 100): f"({len(item):,} characters of base64)" if key in hidden and isinstance(item, str)
            else _plain(item, depth - 1, hidden)
            for key, item in list(value.items())[:200]
        }  # fmt: skip
    if isinstance(value, list):
        return [_plain(item, depth - 1, hidden) for item in value[:200]]
    return value
