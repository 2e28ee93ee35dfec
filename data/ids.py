"""Identifiers made by us: they sort by time and exist before the row is sent."""

import secrets
import threading
import time
import uuid

_TAIL = 74  # random bits
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A version 7 UUID (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    One process's ids ascend even within a millisecond, and when the clock is set back: the next is then a random step
    above the last (section 6.2, method 2), so that rows made together keep their order wherever an id decides it.
    """
    global _last  # noqa: PLW0603
    moment = (time.time_ns() // 1_000_000) & ((1 << 48) - 1)
    with _lock:
        fresh = moment << _TAIL | secrets.randbits(_TAIL)
        if moment <= _last >> _TAIL:
            fresh = _last + 1 + secrets.randbits(_TAIL - 20)
        _last = fresh
    high, low = fresh >> 62, fresh & ((1 << 62) - 1)
    value = high >> 12 << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0x2 << 62 | low
    return str(uuid.UUID(int=value))


def new_token() -> str:
    """192 unguessable bits, safe in a URL: what a callback URL carries (`secrets.token_urlsafe`)."""
    return secrets.token_urlsafe(24)
