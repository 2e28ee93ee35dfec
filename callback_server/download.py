"""Fetching a result that a provider named, without letting that address lead us anywhere inside our own network.

The judgement is made where the socket is opened: a name is resolved once, every address it has must be public, and the
connection goes to the judged *number*. Checking a name and then connecting by name are two look-ups, and the second
may differ. The guard is handed to httpcore through its public `network_backend`, so no update can silently drop it;
httpx itself offers no such switch. No proxy is used: behind one, nobody could tell where the request ends up.
"""

import asyncio
import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore
import httpx

from callback_server.settings import ServerSettings
from data.errors import PictureDeskError
from data.sentences import Sentence

MAX_REDIRECTS = 3
MAX_ADDRESSES = 4  # tried one after the other; a name with more is not worth the wait
AGENT = b"PictureDesk"
"""Stores of the public web may give nothing to whoever does not say who they are."""
WEB_PORTS = frozenset({80, 443})
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 30.0
_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = (403, 404, 410)  # stores answer 403 to a link past its time

# Not public, whatever the `ipaddress` of this Python says: deprecated relays, special blocks that older tables lack,
# and 168.63.129.16, the metadata service of one cloud on an otherwise public number.
_NEVER = [
    ipaddress.ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16", "3fff::/20")
]
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_HOST = re.compile(rb"[A-Za-z0-9._:-]+")

Resolve = Callable[[str, int], Awaitable[list[str]]]


class DownloadError(PictureDeskError):
    """A file cannot be had. `code`: private_address, expired, too_large, unreachable or refused."""

    def __init__(self, message: str, *, code: str, permanent: bool) -> None:
        """`permanent`: the same address will not do better later."""
        super().__init__(message)
        self.code = code
        self.permanent = permanent


def is_public(address: str) -> bool:
    """Whether an IP address, as a resolver gives it, is globally routable unicast. IPv4 inside IPv6 is unwrapped."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:  # what DNS64 makes of a public IPv4 host, and of a private one
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _GLOBAL_UNICAST:
            return False
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_private)


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host as numbers, IPv4 first. Odd spellings (`0x7f.1`) become numbers here, and only here."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    numbers = dict.fromkeys(str(entry[4][0]) for entry in found)
    return sorted(numbers, key=lambda number: ":" in number)


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Opens TCP connections to judged numbers only. The name stays above it, for TLS and the Host header."""

    def __init__(self, *, exceptions: Iterable[tuple[str, int]], ports: Iterable[int], resolver: Resolve) -> None:
        """`exceptions`: (host, port) pairs connected to unjudged, because an administrator named them."""
        self._exceptions = frozenset(exceptions)
        self._ports = frozenset(ports)
        self._resolve = resolver
        self._tcp = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolves once, judges every answer, connects to the first number that answers. Raises DownloadError."""
        problem: Exception = httpcore.ConnectError("the name has no address")
        for number in (await self.judged(host, port))[:MAX_ADDRESSES]:
            try:
                return await self._tcp.connect_tcp(number, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                problem = failed
        raise problem

    async def judged(self, host: str, port: int) -> list[str]:
        """The numbers that may be connected to, or DownloadError if even one of them is not public."""
        excepted = (host.lower(), port) in self._exceptions
        if port not in self._ports and not excepted:
            raise DownloadError(
                Sentence("Files are not fetched from port {port}.", port=port), code="refused", permanent=True
            )
        try:
            numbers = await self._resolve(host, port)
        except (OSError, UnicodeError) as failed:  # UnicodeError: a name that no resolver takes
            message = Sentence("There is no server of the name {host}, or none can be found now.", host=host)
            raise DownloadError(message, code="unreachable", permanent=False) from failed
        if not excepted and not all(is_public(number) for number in numbers):
            message = Sentence(
                "The address {host} leads into a private network; nothing was fetched from it.", host=host
            )
            raise DownloadError(message, code="private_address", permanent=True)
        return numbers

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise DownloadError(Sentence("Files are not fetched from a socket file."), code="refused", permanent=True)

    async def sleep(self, seconds: float) -> None:
        """httpcore asks for it between retries, of which there are none."""
        await asyncio.sleep(seconds)


class Downloader:
    """Fetches files of at most `max_bytes` within `seconds` each, redirects included, over connections never reused."""

    def __init__(
        self,
        *,
        max_bytes: int,
        seconds: float,
        exceptions: Iterable[tuple[str, int]] = (),
        ports: Iterable[int] = WEB_PORTS,
        resolver: Resolve = resolve,
    ) -> None:
        """`exceptions` are (host, port) pairs let through although private; `ports` and `resolver` are for tests."""
        self._max_bytes, self._seconds = max_bytes, seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=None,
            max_keepalive_connections=0,  # every file is judged anew
            network_backend=PinnedBackend(exceptions=exceptions, ports=ports, resolver=resolver),
        )

    @classmethod
    def from_settings(cls, settings: ServerSettings) -> "Downloader":
        """With the limits and the exceptions that the settings name."""
        return cls(
            max_bytes=settings.max_output_mb * 1_000_000,
            seconds=settings.download_timeout_seconds,
            exceptions=settings.download_exceptions,
        )

    async def fetch(self, url: str) -> bytes:
        """The file's bytes, never empty. In memory, because validation needs them whole and few are fetched at once.

        Raises DownloadError; a time-out, a cut connection, a 5xx or a 429 is not permanent.
        """
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(MAX_REDIRECTS + 1):
                    found = await self._once(web_url(url))
                    if isinstance(found, bytes):
                        return found
                    url = found
        except TimeoutError:
            late = Sentence("The file did not arrive within {n} s.", n=f"{self._seconds:g}")
            raise DownloadError(late, code="unreachable", permanent=False) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as problem:
            message = f"The connection failed: {type(problem).__name__} {problem}".strip()
            raise DownloadError(message[:500], code="unreachable", permanent=False) from problem
        raise DownloadError(Sentence("The address redirects too often."), code="refused", permanent=True)

    async def aclose(self) -> None:
        """Closes what is open."""
        await self._pool.aclose()

    async def _once(self, url: httpx.URL) -> bytes | str:
        """One request without any credential: the file, or the address that it is redirected to."""
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", AGENT),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
        ]
        waits = {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS, "pool": _CONNECT_SECONDS}
        async with self._pool.stream("GET", target, headers=headers, extensions={"timeout": waits}) as response:
            answered = httpx.Headers(response.headers)
            if response.status in _REDIRECTS and "location" in answered:
                return _next(url, answered["location"])
            _refuse_unless_ok(response.status)
            if answered.get("content-encoding", "identity").lower() != "identity":
                raise DownloadError(Sentence("The file came compressed, unasked."), code="refused", permanent=True)
            return await self._body(response, answered.get("content-length", ""))

    async def _body(self, response: httpcore.Response, length: str) -> bytes:
        """Counts while it reads: Content-Length may refuse early, never reassure."""
        chunks: list[bytes] = []
        total = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0
        if total <= self._max_bytes:
            total = 0
            async for chunk in response.aiter_stream():
                chunks.append(chunk)
                total += len(chunk)
                if total > self._max_bytes:
                    break
        if total > self._max_bytes:
            message = Sentence("The file is larger than {n} MB.", n=f"{self._max_bytes / 1_000_000:g}")
            raise DownloadError(message, code="too_large", permanent=True)
        if not total:
            raise DownloadError(Sentence("The file is empty."), code="unreachable", permanent=False)
        return b"".join(chunks)


def web_url(text: str) -> httpx.URL:
    """The URL, normalised, if it is http or https with a host and without user; otherwise DownloadError."""
    message = Sentence("The address is no plain http or https one.")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError, TypeError) as problem:
        raise DownloadError(message, code="refused", permanent=True) from problem
    # `raw_host`, because `host` decodes `xn--…` and raises where a stranger's label is no such thing.
    plain = url.scheme in ("http", "https") and _HOST.fullmatch(url.raw_host) and not url.userinfo
    if not plain or len(text) > 4096:
        raise DownloadError(message, code="refused", permanent=True)
    return url


def _next(url: httpx.URL, location: str) -> str:
    """Where a redirect leads, as text that goes through the same gate."""
    try:
        return str(url.join(location))
    except (httpx.InvalidURL, ValueError) as problem:
        raise DownloadError(Sentence("The address redirects to nowhere."), code="refused", permanent=True) from problem


def _refuse_unless_ok(status: int) -> None:
    """Sorts every status but 200."""
    if status == 200:
        return
    answered = Sentence("The file's server answered {status}.", status=status)
    if status in _GONE:
        raise DownloadError(
            Sentence("The file is not there, or not for everybody (HTTP {status}).", status=status),
            code="expired",
            permanent=True,
        )
    if status in (408, 425, 429) or status >= 500:
        raise DownloadError(answered, code="unreachable", permanent=False)
    raise DownloadError(answered, code="refused", permanent=True)


@functools.cache
def _tls() -> ssl.SSLContext:
    """httpx's own certificate rules, read once; a house's authority in SSL_CERT_FILE counts, it opens no way inside."""
    return httpx.create_ssl_context()
