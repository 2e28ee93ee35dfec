"""What strangers send: bodies counted while they are read and parsed so that nothing in them can surprise us later."""

import json
import math
import re

from fastapi import Request
from starlette.requests import ClientDisconnect

from callback_server.routes.refusals import Refused

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_LONGEST_NUMBER = 40  # digits; beyond it a number is nonsense, and costs quadratic time to read


def is_id(text: str) -> bool:
    """Whether a text from a URL can be one of our ids at all; what cannot be one is kept away from the database."""
    return _ID.fullmatch(text) is not None


async def read_capped(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes, or Refused 413 as soon as it is more.

    Content-Length may refuse early but never reassures: a chunked body has none. What is left unread the server
    discards as it comes, so memory stays flat whatever is sent.
    """
    declared = request.headers.get("content-length", "")
    body = bytearray()
    if not (declared.isdecimal() and int(declared[:20]) > limit):
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    break
            else:
                return bytes(body)
        except ClientDisconnect as gone:
            raise Refused(400, "cut_off", "The request broke off.") from gone
    raise Refused(413, "too_large", f"The body is larger than {limit:,} bytes.")


def strict_json(raw: bytes) -> object:
    """The value of a JSON text, or Refused 400.

    Stricter than `json.loads`, which takes NaN, Infinity, numbers without end, UTF-16 and escaped lone surrogates (they
    fail only when stored), and answers deep nesting with RecursionError, which is no ValueError.
    """
    try:
        text = raw.decode("utf-8")
        value: object = _STRICT.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as problem:
        raise Refused(400, "invalid_json", "The body is not JSON that can be taken.") from problem
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number without end")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if len(text) > _LONGEST_NUMBER or not math.isfinite(value):
        raise ValueError("a number without end")
    return value


_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_int=_int, parse_float=_float)  # `loads` makes one a time
