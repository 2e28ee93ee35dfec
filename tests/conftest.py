"""What all tests share: the rings, the guards around them, and the fixtures of the third ring (a desk, a browser).

The ring of a test follows from the fixtures it uses; a mark of its own wins. Nothing here knows what the product does.
"""

import asyncio
import ipaddress
import json
import os
import re
import shutil
import socket
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from audit import TOTALS, totals
from browser import launch
from databases import KINDS, Databases, databases_of
from once import work_out_once
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from processes import PATIENCE, Desk
from xdist.scheduler import LoadScopeScheduling

from callback_server.settings import ServerSettings
from data import catalog as catalogue
from data.settings import PROVIDER_KEY_NAMES, Settings

RINGS = ("functions", "http", "processes")
HTTP_FIXTURES = {"client", "proxy", "sandbox", "server", "sidecar"}
GROUPS = "PICTURE_DESK_GROUPS"
"""Environment variable: the file in which a worker tells what is to stay together."""
OF_A_MODULE = {"engine", "morning", "shared", "shared_engine"}
MEMORY, ROOM = Path("/dev/shm"), 4_000_000_000
"""Where files are in memory, if it has so many bytes left: our commits wait for the disk, and no test proves that."""
SHARED = OF_A_MODULE | {"shared_desk"}
"""What many tests use together, processes all of them."""
PROCESS_FIXTURES = {"browser", "desk", "desk_factory", "open_page", "page", "shared_desk"}

OpenPage = Callable[..., Page]


def ring_of(item: pytest.Item) -> str:
    """The ring that a test is marked with, or else the one its fixtures say."""
    marked = next((ring for ring in RINGS if item.get_closest_marker(ring)), None)
    names = set(getattr(item, "fixturenames", ()))
    if marked:
        return marked
    return "processes" if names & PROCESS_FIXTURES else "http" if names & HTTP_FIXTURES else "functions"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its ring, and run the rings from the inside out.

    Several workers begin with the outermost, so that none of them ends with a long test alone. What shares processes
    goes to one worker: a second one would start them all again.
    """
    for item in items:
        item.add_marker(ring_of(item))
    worker = getattr(config, "workerinput", None)
    items.sort(key=lambda item: RINGS.index(ring_of(item)), reverse=worker is not None)
    if worker and worker["workerid"] == "gw0":
        groups = {item.nodeid: group for item in items if (group := group_of(item))}
        Path(os.environ[GROUPS]).write_text(json.dumps(groups))


def group_of(item: pytest.Item) -> str:
    """What a test shares with others, "" where nothing. The shared desk of one database is two, to be done in time."""
    shared = SHARED & set(getattr(item, "fixturenames", ()))
    if not shared:
        return ""
    stem = item.path.stem
    where = stem if shared <= OF_A_MODULE else "first" if stem < "test_j" else "second"
    callspec = getattr(item, "callspec", None)
    kind = callspec.params.get("databases", "") if callspec else ""
    return " ".join([*sorted(shared), where, str(kind)])


class Together(LoadScopeScheduling):
    """Gives a worker all tests of a group. (xdist's own groups are lost on pytest 9.2: it keeps no renamed test.)"""

    _groups: dict[str, str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        if self._groups is None:  # every worker has collected by now
            self._groups = json.loads(Path(os.environ[GROUPS]).read_text())
        return self._groups.get(nodeid, nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


class RingTimes:
    """Adds up what each ring took. Under xdist the controller hears all workers' reports, so it alone has it all."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.tests: dict[str, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ring = next((ring for ring in RINGS if ring in report.keywords), None)
        if ring:
            self.seconds[ring] += report.duration
            self.tests[ring].add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        parts = [f"{ring} {len(self.tests[ring])} ({self.seconds[ring]:.0f} s)" for ring in RINGS if self.tests[ring]]
        terminalreporter.write_line("rings: " + " · ".join(parts))
        if os.path.getsize(os.environ[TOTALS]):
            terminalreporter.write_line(totals(os.environ[TOTALS]))


def pytest_configure(config: pytest.Config) -> None:
    """Count the rings where the summary is written, and close the network before anything is imported."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RingTimes(), "ring-times")
        for name in (TOTALS, GROUPS):  # the workers, started later, inherit them
            os.environ[name] = tempfile.mkstemp(prefix="tests-")[1]
        if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # where `tmp_path` lies
    os.environ.setdefault("SANDBOX_ROUGH", "1")  # few tests look at a picture's beauty
    expect.set_options(timeout=5_000 * PATIENCE)
    guard_network()
    work_out_once()


def guard_network() -> None:
    """Refuse each connection that leaves this machine: a test that needs the world proves nothing here."""
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def only_loopback(self: socket.socket, address: Any, original: Callable[..., Any] = original) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
                raise PermissionError(f"Tests may only talk to this machine, not to {address[0]}.")
            return original(self, address)

        setattr(socket.socket, name, only_loopback)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings() -> Iterator[None]:
    """Neither the developer's environment nor their `.env` reaches a test: no key, no address, no port."""
    names = {name.upper() for name in (*ServerSettings.model_fields, *PROVIDER_KEY_NAMES)}
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper() in names or name.upper().endswith("_API_KEY"):
                patch.delenv(name)
        for settings in (Settings, ServerSettings):
            patch.setitem(settings.model_config, "env_file", None)
        yield


@pytest.fixture(autouse=True)
def _shipped_models() -> Iterator[None]:
    """What an admin adds to the catalogue in one test is on offer in no other."""
    shipped = catalogue._LIVE
    catalogue._LIVE = copy(shipped)
    yield
    catalogue._LIVE = shipped


@pytest.fixture(scope="session", params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """SQLite, then PostgreSQL: whatever needs a database is tested on both."""
    return databases_of(request.param)


@pytest.fixture
def database_url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """A migrated database without rows."""
    url = databases.fresh(tmp_path)
    yield url
    databases.give_back(url)


DESKS: pytest.StashKey[list[Desk]] = pytest.StashKey()


@pytest.fixture
def desk_factory(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """`desk_factory(env={…})` starts one more whole product in a folder of its own; all are stopped at the end."""
    desks = request.node.stash.setdefault(DESKS, [])

    def make(env: dict[str, str] | None = None, *, start: bool = True) -> Desk:
        url = databases.fresh(tmp_path / f"desk-{len(desks)}") if databases.kind == "postgresql" else ""
        desk = Desk(tmp_path / f"desk-{len(desks)}", env, database_url=url)
        desks.append(desk)
        return desk.start() if start else desk

    yield make
    for desk in desks:
        desk.audited_stop()
        databases.give_back(desk.database_url)


@pytest.fixture
def desk(desk_factory: Callable[..., Desk]) -> Desk:
    """A fresh whole product, running, with an empty state."""
    return desk_factory()


@pytest.fixture(scope="session")
def shared_desk(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One product per worker, for tests that only look at it, or that find what they made among what others made."""
    folder = tmp_path_factory.mktemp("shared") / "desk"
    url = databases.fresh(folder) if databases.kind == "postgresql" else ""
    with Desk(folder, database_url=url) as desk:
        yield desk
    databases.give_back(desk.database_url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failed test shows what its desks wrote."""
    report: Any = yield
    if report.failed:
        for desk in item.stash.get(DESKS, []):
            report.sections.append((f"desk {desk.folder.name}", desk.log()[-8_000:]))
    return report


# Streamlit asks for these below the path of a deep link too before it finds the right ones (reference: streamlit 1.67).
HARMLESS_404 = re.compile(r"/[^/]+/_stcore/(health|host-config)$")


@contextmanager
def running_loop(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Playwright's synchronous interface leaves its event loop "running" in this thread between calls.

    Whatever test comes next in this worker could then not use `asyncio.run`; so the loop counts as running only while
    a browser test does.
    """
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def _browser_and_loop() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    browser = launch(playwright)
    asyncio._set_running_loop(None)
    yield browser, loop
    with running_loop(loop):
        browser.close()
        playwright.stop()


@pytest.fixture
def browser(_browser_and_loop: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The worker's browser. Pages made from it directly are not watched: `open_page` is nearly always better."""
    browser, loop = _browser_and_loop
    with running_loop(loop):
        yield browser


@pytest.fixture
def tolerated() -> list[str]:
    """Regular expressions for console errors that a test causes on purpose: `tolerated.append("WebSocket")`."""
    return []


@pytest.fixture
def open_page(browser: Browser, tolerated: list[str], request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """`open_page(viewport=…, color_scheme="dark")` gives a page in a context of its own (another person's browser).

    At the end of the test every page must be without errors in its console, without a Streamlit exception, and must
    have asked nobody but this machine.
    """
    for name in {"desk_factory", "shared_desk"} & set(request.fixturenames):
        request.getfixturevalue(name)  # before us, so that a page closes before the desk it looks at
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def watch(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        harmless = "404" in message.text and HARMLESS_404.search(urlsplit(url).path)
        if message.type == "error" and not harmless:
            troubles.append(f"console: {message.text} ({url})")

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and not is_loopback(parts.hostname or ""):
            troubles.append(f"asked a stranger: {url}")

    def make(**options: Any) -> Page:
        options = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"} | options
        context = browser.new_context(**({"color_scheme": "light", "reduced_motion": "reduce"} | options))
        contexts.append(context)
        context.set_default_timeout(20_000 * PATIENCE)
        context.on("console", watch)
        context.on("weberror", lambda error: troubles.append(f"script: {error.error}"))
        context.on("request", lambda asking: asked(asking.url))
        page = context.new_page()
        page.on("websocket", lambda socket: asked(socket.url))
        return page

    yield make
    for page in (page for context in contexts for page in context.pages):
        troubles += [f"exception: {text}" for text in page.locator("[data-testid=stException]").all_inner_texts()]
    for context in contexts:
        context.close()
    left = [trouble for trouble in troubles if not any(re.search(pattern, trouble) for pattern in tolerated)]
    assert not left, "The page was in trouble:\n" + "\n".join(left)


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """One watched page: 1440 x 900, light, British English, UTC."""
    return open_page()
