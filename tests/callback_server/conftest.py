"""The callback server over real HTTP: uvicorn in a thread on a port of its own, its routes without its workers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn
from bench import Bench
from databases import Databases
from shelf import Shelf
from sqlmodel import col, select
from stores import Stores

from callback_server.app import create_app
from callback_server.routes.opened import Opened
from callback_server.settings import ServerSettings
from data.errands import ErrandStore
from data.health import HealthBoard
from data.ids import new_token
from data.pace import Pace
from data.requests import GenerationRequest
from data.schema import Health, Submission, Table, Task, TaskEvent, WebhookDelivery
from data.settling import Word
from data.status import Outcome
from data.submissions import Claim, SubmissionStore

MODEL = "google/nano-banana"


class Server:
    """`with Server(folder, API_TOKENS=…) as server:` – `url`, an httpx `client`, and the stores it works on."""

    def __init__(self, folder: Path, database_url: str, **settings: Any) -> None:
        self.settings = ServerSettings(state_dir=folder / "var", database_url=database_url, **settings)
        self.app = create_app(self.settings, workers=False)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self.app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._socket],), daemon=True)
        self.client = httpx.Client(base_url=self.url, trust_env=False, verify=False, timeout=20)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._uvicorn.started:
            assert self._thread.is_alive(), "The server did not start."
            time.sleep(0.005)
        self.opened: Opened = self.app.state.opened
        self.db, self.history, self.tasks = self.opened.db, self.opened.history, self.opened.tasks
        self.submissions, self.errands = SubmissionStore(self.db), ErrandStore(self.db)
        self.board = HealthBoard(self.db)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._uvicorn.should_exit = True
        self._thread.join(15)
        assert not self._thread.is_alive(), "The server did not stop."

    def sent(self, prompt: str = "a red kite") -> Claim:
        """A task whose paid call is on its way."""
        self.tasks.create([GenerationRequest(MODEL, prompt, {}, ())], person="ann")
        claim = self.submissions.claim("kie", [("kie", "nano-banana")], Pace())
        assert claim is not None
        return claim

    def running(self, provider_task_id: str = "p1") -> Claim:
        """A task that the provider has; the next regular look at it is far away."""
        claim = self.sent()
        assert self.submissions.accepted(claim.submission_id, provider_task_id)
        self.looked_at()
        return claim

    def succeeded(self, provider_task_id: str = "p1") -> Claim:
        claim = self.running(provider_task_id)
        word = Word("succeeded", provider_task_id, ("http://h/1.png",), charged_micro=4_500_000)
        assert self.submissions.apply(claim.submission_id, word)
        return claim

    def looked_at(self) -> None:
        """Pushes every regular look into the future, so that a due one was caused by a webhook."""
        with self.db.transaction() as session:
            for row in session.exec(select(Submission).where(col(Submission.poll_at).is_not(None))):
                row.poll_at = None
                session.add(row)

    def call(self, claim: Claim) -> Submission:
        with self.db.read() as session:
            return session.exec(select(Submission).where(Submission.id == claim.submission_id)).one()

    def state(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that a webhook could change, to compare before and after."""
        tables: tuple[type[Table], ...] = (Task, Submission, TaskEvent, WebhookDelivery, Health)
        with self.db.read() as session:
            return {t.__name__: [row.model_dump() for row in session.exec(select(t))] for t in tables}

    def deliveries(self) -> list[WebhookDelivery]:
        with self.db.read() as session:
            return list(session.exec(select(WebhookDelivery)))

    def outcome(self, claim: Claim) -> Outcome:
        return self.call(claim).outcome


ServerFactory = Callable[..., Server]


@pytest.fixture
def server_factory(tmp_path: Path, database_url: str) -> Iterator[ServerFactory]:
    """`server_factory(api_tokens="…")` starts a server with these settings over the test's own folder."""
    with ExitStack() as running:
        yield lambda **settings: running.enter_context(Server(tmp_path, database_url, **settings))


@pytest.fixture
def server(server_factory: ServerFactory) -> Server:
    """A running server with a webhook key and an API token."""
    return server_factory(webhook_hmac_key="test-webhook-key", api_tokens="first-token, second-token")


@pytest.fixture
def wrong_token() -> str:
    return new_token()


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[Bench]:
    """The stores of a fresh database, with a folder for pictures, as the workers have them."""
    stores = Stores(database_url)
    yield Bench(stores, tmp_path)
    stores.close()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server with files to be fetched."""
    made = Shelf()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for many refusals, which must leave nothing behind."""
    folder = tmp_path_factory.mktemp("shared")
    url = databases.fresh(folder)
    with Server(
        folder, url, api_tokens="first-token, second-token", webhook_hmac_key="test-webhook-key", max_reference_mb=1
    ) as running:
        yield running
    databases.give_back(url)
