"""One account's line to its provider over HTTP: what a paid call and a free one may do, and what each failure proves.

Whichever wire speaks through it, a paid call leaves once, over a connection of its own, and is never sent again; what
comes back is read up to a bound, and the key is nowhere in it. What an answer means is the wire's own business.

Proxies named in the environment are used, because a provider's address is the administrator's own choice and some
networks have no other way out; never for this very machine. (`download`, whose addresses come from outside, ignores
them.)
"""

import asyncio
import functools
import json
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from callback_server.providers.base import NotSent, ProviderUnavailable, Refused, Unknown
from callback_server.settings import is_loopback

# The failures that come before the first byte of a request. A proxy that refuses its tunnel is one of them.
_NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
# TimeoutError is an OSError; a broken TLS record is an OSError that httpx does not translate.
_ANY_FAILURE = (*_NOTHING_LEFT, httpx.HTTPError, httpx.StreamError, OSError)

_FREE_SECONDS = 120.0

Wire = tuple[int, Mapping[str, str], bytes]
"""An answer: status, headers, body."""


class _TooLongError(httpx.StreamError):
    """The answer passed the cap."""


class Line:
    """`header` is the one that carries the key, `scheme` what stands before it there; `most_bytes` bounds an answer."""

    def __init__(
        self, *, key: SecretStr, urls: tuple[str, ...], seconds: float, most_bytes: int,
        header: str = "Authorization", scheme: str = "Bearer ",
    ) -> None:  # fmt: skip
        """Opens no connection yet. `seconds` bounds a whole paid call; `urls` are the bases that will be called."""
        secret = key.get_secret_value()
        self._key, self._seconds, self._most = secret.encode("ascii"), seconds, most_bytes
        headers = {header: f"{scheme}{secret}", "Accept-Encoding": "identity"}
        trust_env = not any(is_loopback(httpx.URL(url).host) for url in urls)
        # A server may close an idle connection at the very moment we write to it, and then a call that it never saw
        # would be in doubt. So a paid call always opens a connection of its own, which is closed behind it. And no
        # redirect is followed: it would carry the key, or a paid call, to another address.
        self._paid = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=httpx.Timeout(seconds, connect=min(10.0, seconds / 2)),
            headers=headers | {"Connection": "close"}, follow_redirects=False, trust_env=trust_env, verify=_tls(),
        )  # fmt: skip
        self._free = httpx.AsyncClient(
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=30),
            timeout=httpx.Timeout(30, connect=10),
            headers=headers, follow_redirects=False, trust_env=trust_env, verify=_tls(),
        )  # fmt: skip

    async def pay(self, url: str, request: Mapping[str, Any]) -> Wire | Refused | NotSent | Unknown:
        """Makes a paid call once. Where no answer came it is said what that proves; nothing is raised for the wire.

        Cancelling it leaves the call in doubt, like any death of the sender.
        """
        try:  # in a thread: references inside the request may be a hundred megabytes
            body = await asyncio.to_thread(_written, request)
        except (ValueError, TypeError, RecursionError) as problem:
            return Refused("invalid", f"The request cannot be written as JSON: {problem}")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(
                    self._paid, "POST", url, content=body, headers={"Content-Type": "application/json"}
                )
        except _NOTHING_LEFT as problem:
            return NotSent(_said(problem))
        except _ANY_FAILURE as problem:
            return Unknown(_said(problem))

    async def ask(self, method: str, url: str, **options: Any) -> Wire:
        """One call that costs nothing, with every failure of the wire as ProviderUnavailable."""
        try:
            async with asyncio.timeout(_FREE_SECONDS):
                return await self._exchange(self._free, method, url, **options)
        except _ANY_FAILURE as problem:
            raise ProviderUnavailable(_said(problem)) from None

    async def aclose(self) -> None:
        """Closes both clients."""
        await self._paid.aclose()
        await self._free.aclose()

    async def _exchange(self, client: httpx.AsyncClient, method: str, url: str, **options: Any) -> Wire:
        """Status, headers and a bounded body, in which the key is blacked out should it be echoed."""
        async with client.stream(method, url, **options) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._most:
                    raise _TooLongError(f"The provider's answer is longer than {self._most >> 20} MB")
        if len(self._key) > 8 and self._key in body:
            body = body.replace(self._key, b"***")
        return response.status_code, response.headers, bytes(body)


def _written(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, ensure_ascii=False, allow_nan=False).encode()


def _said(problem: BaseException) -> str:
    """An exception as a short sentence: some of httpx's have no text at all."""
    text = str(problem).strip()
    return f"{type(problem).__name__}: {text}"[:500] if text else type(problem).__name__


@functools.cache
def _tls() -> ssl.SSLContext:
    """httpx's own certificate rules, read once for all accounts; a house's authority in SSL_CERT_FILE counts."""
    return httpx.create_ssl_context()
