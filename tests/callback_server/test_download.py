"""The download guard: no address a provider may name opens one connection into a private network.

Every connection attempt is recorded where Python opens it (`socket.connect`), so the tables below prove more than that
an error came back. A second table opens the port gate and has real servers listening: there the judgement of the
address alone stands between the request and an answer.
"""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from callback_server.download import Downloader, DownloadError, is_public, resolve
from callback_server.settings import ServerSettings

PICTURE = b"\x89PNG\r\n\x1a\n" + b"p" * 5000
PUBLIC = "93.184.215.14"  # a public number that nothing is ever sent to: the tests' own guard stops that

# What a name server under a stranger's control may answer.
NAMES = {
    "loopback.example": ["127.0.0.1"],
    "loopback6.example": ["::1"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed6.example": [PUBLIC, "::1"],
    "ten.example": ["10.0.0.7"],
    "metadata.google.internal": ["169.254.169.254"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a00:1"],
    "garbage.example": ["not an address"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "public.example": [PUBLIC],
    "two.example": [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
}


async def resolver(host: str, port: int) -> list[str]:
    return NAMES[host] if host in NAMES else await resolve(host, port)


FORBIDDEN_HOSTS = [
    # loopback in every spelling that a resolver takes
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7F.1",
    "017700000001", "localhost", "LOCALHOST", "0", "0.0.0.0",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::ffff:0:127.0.0.1]",
    # private, link-local, metadata, shared, reserved, multicast, documentation
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1.254", "100.64.0.1",
    "100.100.100.200", "169.254.169.254", "169.254.170.2", "0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]", "168.63.129.16", "192.0.0.192", "192.0.0.8", "192.88.99.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "0.1.2.3",
    "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[fd20:ce::254]", "[ff02::1]", "[fec0::1]",
    "[2001:db8::1]", "[3fff::1]", "[100::1]", "[4000::1]",
    # names
    *(name for name in NAMES if name not in ("public.example", "two.example")),
]  # fmt: skip

# Whether a resolver or the URL's own grammar stops these differs from system to system.
STOPPED_SOMEHOW = ["0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "localhost.", "[fe80::1%25lo]", "[::1%25lo]",
                   "127.0.0.256", "127.0.0.1%00.public.example", "public.example%2f@127.0.0.1", "[127.0.0.1]",
                   "١٢٧.0.0.1"]  # fmt: skip

FORBIDDEN_URLS = [
    "ftp://127.0.0.1/a.png", "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "data:image/png;base64,AAAA",
    "javascript:alert(1)", "unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    "//127.0.0.1/a", "/etc/passwd", "a.png", "", "http://", "http:///a.png", "https://:443/", "http:127.0.0.1/a",
    "http://user@93.184.215.14/", "http://user:secret@93.184.215.14/", "http://93.184.215.14@127.0.0.1/",
    "http://93.184.215.14:80@127.0.0.1/", "http://93.184.215.14:22/", "http://93.184.215.14:8080/",
    "https://93.184.215.14:6379/", "http://93.184.215.14:65535/", "http://93.184.215.14:99999/",
    "http://93.184.215.14:-1/", "http://public.example:25/", "http://[::1/", "http://[v1.x]/", "http://\ud800/",
    "http://93.184.215.14 127.0.0.1/", "http://127.0.0.1\r\nHost: x/", "http://127.0.0.1\t/", "http://\x00/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://93.184.215.14/" + "a" * 5000,
    "http://93.184.215.14#@127.0.0.1:22/".replace("#", "%23"),
]  # fmt: skip


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every TCP connection that this process tries to open, and where to."""
    tried: list[tuple[str, int]] = []
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def recorded(self: socket.socket, address: Any, original: Callable[..., Any] = original) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                tried.append(address[:2])
            return original(self, address)

        monkeypatch.setattr(socket.socket, name, recorded)
    return tried


async def fetched(url: str, **options: Any) -> bytes | DownloadError:
    """What came of one download, by a downloader of its own."""
    downloader = Downloader(**{"max_bytes": 10_000, "seconds": 5.0, "resolver": resolver} | options)
    try:
        return await downloader.fetch(url)
    except DownloadError as error:
        return error
    finally:
        await downloader.aclose()


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(set(FORBIDDEN_HOSTS) | set(FORBIDDEN_URLS)) > 100


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", FORBIDDEN_HOSTS)
def test_a_private_address_is_never_connected_to(host: str, scheme: str, connections: list[tuple[str, int]]) -> None:
    error = asyncio.run(fetched(f"{scheme}://{host}/a.png"))
    assert isinstance(error, DownloadError)
    assert (error.code, error.permanent) == ("private_address", True), error
    assert connections == []


@pytest.mark.parametrize("host", STOPPED_SOMEHOW)
def test_an_odd_host_is_never_connected_to(host: str, connections: list[tuple[str, int]]) -> None:
    assert isinstance(asyncio.run(fetched(f"http://{host}/a.png")), DownloadError)
    assert connections == []


@pytest.mark.parametrize("url", FORBIDDEN_URLS, ids=range(len(FORBIDDEN_URLS)))
def test_an_odd_address_is_never_connected_to(url: str, connections: list[tuple[str, int]]) -> None:
    error = asyncio.run(fetched(url))
    assert isinstance(error, DownloadError)
    assert error.code in ("refused", "private_address")
    assert error.permanent
    assert connections == []


# --- a real server behind the guard ---------------------------------------------------------------------------------

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A server on loopback, IPv4 and where possible IPv6: paths and what they answer."""

    def __init__(self, pages: dict[str, Answer]) -> None:
        self.pages = pages
        self.port = 0
        self.heads: list[str] = []
        self.arrivals = 0
        self.first_bytes = b""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrivals += 1
        try:
            self.first_bytes = await reader.read(4096)
            head = self.first_bytes.decode("latin-1")
            self.heads.append(head)
            answer = self.pages.get(head.split(" ")[1] if head.count(" ") > 1 else "", b"")
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def site(**pages: Answer) -> AsyncIterator[Site]:
    served = Site({"/" + path: answer for path, answer in pages.items()})
    listening = await asyncio.start_server(served.talk, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    async with listening:
        try:
            second = await asyncio.start_server(served.talk, "::1", served.port)
        except OSError:  # no IPv6 on this machine
            yield served
        else:
            async with second:
                yield served
        await asyncio.sleep(0)


def http(body: bytes = PICTURE, status: int = 200, *extra: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *extra, "", ""]
    return "\r\n".join(lines).encode() + body


def moved(to: str, status: int = 302) -> bytes:
    return http(b"", status, f"Location: {to}")


@pytest.mark.http
def test_the_address_alone_is_judged_even_when_the_port_is_allowed_and_a_server_listens() -> None:
    async def scenario() -> None:
        async with site(**{"a.png": http()}) as served:
            for host in FORBIDDEN_HOSTS:
                error = await fetched(f"http://{host}:{served.port}/a.png", ports={served.port})
                assert isinstance(error, DownloadError), host
                assert error.code == "private_address", (host, error)
            for host in STOPPED_SOMEHOW:
                assert isinstance(
                    await fetched(f"http://{host}:{served.port}/a.png", ports={served.port}), DownloadError
                )
            assert served.arrivals == 0
            # The server is really there, and an exception for exactly this host and port really opens the way.
            honest = f"http://127.0.0.1:{served.port}/a.png"
            assert await fetched(honest, exceptions={("127.0.0.1", served.port)}) == PICTURE
            assert served.arrivals == 1

    asyncio.run(scenario())


@pytest.mark.http
def test_an_exception_is_for_one_host_as_written_and_one_port() -> None:
    async def scenario() -> None:
        async with site(**{"a.png": http()}) as served, site(**{"a.png": http()}) as other:
            allowed = {("127.0.0.1", served.port), ("loopback.example", served.port)}
            assert await fetched(f"http://127.0.0.1:{served.port}/a.png", exceptions=allowed) == PICTURE
            assert await fetched(f"http://LOOPBACK.example:{served.port}/a.png", exceptions=allowed) == PICTURE
            for url in (f"http://localhost:{served.port}", f"http://[::1]:{served.port}", f"http://127.1:{other.port}",
                        f"http://127.0.0.1:{other.port}", "http://127.0.0.1", "http://loopback.example"):  # fmt: skip
                assert isinstance(await fetched(url + "/a.png", exceptions=allowed), DownloadError), url
            assert (served.arrivals, other.arrivals) == (2, 0)

    asyncio.run(scenario())


def test_a_name_is_looked_up_once_and_the_connection_goes_to_the_judged_number(
    connections: list[tuple[str, int]],
) -> None:
    """A second look-up, by whoever opens the socket, could be answered with another address: DNS rebinding."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    error = asyncio.run(fetched("http://rebinding.example/a.png", resolver=rebinding))
    assert isinstance(error, DownloadError)
    assert error.code == "unreachable"  # the tests' guard lets nothing out
    assert asked == ["rebinding.example"]
    assert connections == [(PUBLIC, 80)]


def test_every_public_number_of_a_name_is_tried(connections: list[tuple[str, int]]) -> None:
    error = asyncio.run(fetched("https://two.example/a.png"))
    assert isinstance(error, DownloadError)
    assert (error.code, error.permanent) == ("unreachable", False)
    assert connections == [(number, 443) for number in NAMES["two.example"]]


def test_no_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, connections: list[tuple[str, int]]
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    asyncio.run(fetched("http://public.example/a.png"))
    assert connections == [(PUBLIC, 80)]


@pytest.mark.http
def test_the_request_names_the_host_and_carries_no_credential() -> None:
    async def scenario() -> None:
        async with site(**{"a.png?x=%20y": http()}) as served:
            name = f"loopback.example:{served.port}"
            allowed = {("loopback.example", served.port)}
            assert await fetched(f"http://{name}/a.png?x=%20y#part", exceptions=allowed) == PICTURE
            head = served.heads[0].lower()
            assert f"\r\nhost: {name}\r\n" in head
            assert "\r\nuser-agent: picturedesk\r\n" in head
            assert "authorization" not in head
            assert "cookie" not in head
            # Over TLS, the certificate is asked for by name although the connection went to a number.
            error = await fetched(f"https://{name}/a.png", exceptions=allowed)
            assert isinstance(error, DownloadError)
            assert error.code == "unreachable"
            assert b"loopback.example" in served.first_bytes

    asyncio.run(scenario())


@pytest.mark.http
def test_each_hop_of_a_redirect_passes_the_same_gate() -> None:
    async def scenario() -> None:
        async with site() as served:
            here = f"http://127.0.0.1:{served.port}"
            served.pages |= {
                "/a.png": http(),
                "/once": moved("/a.png"),
                "/thrice": moved(f"{here}/twice", 308),
                "/twice": moved("once", 307),
                "/four": moved("/thrice", 301),
                "/loop": moved("/loop", 303),
                "/nowhere": http(b"", 302),
                "/odd": moved("http://[::1"),
                "/file": moved("file:///etc/passwd"),
                "/user": moved(f"http://user@127.0.0.1:{served.port}/a.png"),
                "/metadata": moved("http://169.254.169.254/latest/meta-data/"),
                "/localhost": moved(f"http://localhost:{served.port}/a.png"),
                "/relative": moved(f"//loopback.example:{served.port}/a.png"),
            }
            expected = {"once": PICTURE, "twice": PICTURE, "thrice": PICTURE, "four": "refused", "loop": "refused",
                        "nowhere": "refused", "odd": "refused", "file": "refused", "user": "refused",
                        "metadata": "private_address", "localhost": "private_address",
                        "relative": "private_address"}  # fmt: skip
            for path, outcome in expected.items():
                options = {"exceptions": {("127.0.0.1", served.port)}, "ports": {80, served.port}}
                found = await fetched(f"{here}/{path}", **options)
                assert (found.code if isinstance(found, DownloadError) else found) == outcome, path

    asyncio.run(scenario())


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nContent-Length: 9999\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1.5)


CHUNKED = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
OUTCOMES: dict[str, tuple[Answer, bytes | tuple[str, bool]]] = {
    "a picture": (http(), PICTURE),
    "a chunked one": (CHUNKED, b"abc"),
    "just small enough": (http(b"x" * 10_000), b"x" * 10_000),
    "one byte too large": (http(b"x" * 10_001), ("too_large", True)),
    "too large by its own word": (http(b"", length=10_001), ("too_large", True)),
    "absurdly large": (http(b"", length=10**30), ("unreachable", False)),
    "endless": (endless, ("too_large", True)),
    "dripping": (dripping, ("unreachable", False)),
    "silent": (silent, ("unreachable", False)),
    "cut short": (http(PICTURE, length=9000), ("unreachable", False)),
    "cut at once": (b"", ("unreachable", False)),
    "no HTTP": (b"SSH-2.0-x\r\n\r\n", ("unreachable", False)),
    "empty": (http(b""), ("unreachable", False)),
    "compressed": (http(gzip.compress(PICTURE), 200, "Content-Encoding: gzip"), ("refused", True)),
    "gone": (http(b"", 404), ("expired", True)),
    "gone for good": (http(b"", 410), ("expired", True)),
    "past its time": (http(b"", 403), ("expired", True)),
    "in trouble": (http(b"", 503), ("unreachable", False)),
    "busy": (http(b"", 429), ("unreachable", False)),
    "no content": (http(b"", 204), ("refused", True)),
    "a part": (http(PICTURE, 206), ("refused", True)),
    "unauthorised": (http(b"", 401), ("refused", True)),
}


@pytest.mark.http
@pytest.mark.parametrize("name", OUTCOMES)
def test_what_a_server_answers_is_sorted_and_bounded(name: str) -> None:
    answer, expected = OUTCOMES[name]

    async def scenario() -> bytes | DownloadError:
        async with site(**{"a.png": answer}) as served:
            exceptions = {("127.0.0.1", served.port)}
            return await fetched(f"http://127.0.0.1:{served.port}/a.png", exceptions=exceptions, seconds=0.5)

    found = asyncio.run(scenario())
    assert ((found.code, found.permanent) if isinstance(found, DownloadError) else found) == expected


def test_a_name_that_does_not_exist_may_exist_later() -> None:
    for host in ("no-such-host.invalid", "a" * 64 + ".example", "xn--a.example"):
        error = asyncio.run(fetched(f"http://{host}/a.png"))
        assert isinstance(error, DownloadError)
        assert error.code in ("unreachable", "refused")


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
                                     "2a00:1450:4001::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"])  # fmt: skip
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_the_settings_limits_and_exceptions_reach_the_downloader() -> None:
    async def scenario() -> bytes | str:
        async with site(**{"a.png": http(b"x" * 1_000_001)}) as served:
            practice = ServerSettings(_env_file=None, sandbox_port=served.port, max_output_mb=1)
            downloader = Downloader.from_settings(practice)
            with pytest.raises(DownloadError) as error:
                await downloader.fetch(f"http://127.0.0.1:{served.port}/a.png")
            await downloader.aclose()
            return error.value.code

    assert asyncio.run(scenario()) == "too_large"
