"""The socket of the open screens: only by a genuine link, only what is theirs, at once, and no server waits for it."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from data.linked import LinkedPictures
from data.links import EVERYBODY, LinkSigner, signing_key
from data.settings import Settings
from data.shrinking import Fit


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Engine]:
    """A callback server as a process, without a provider: what is asked for waits."""
    engine = Engine(tmp_path, database_url)
    engine.start("server")
    yield engine
    if "server" in engine.processes:
        engine.kill("server", signal.SIGTERM)
    engine.db.close()


def address(engine: Engine, who: str, now: datetime | None = None) -> str:
    signer = LinkSigner(signing_key(Settings(state_dir=engine.folder / "var")))
    return engine.url.replace("http", "ws") + signer.live_path(who, now=now or datetime.now(UTC))


def heard(screen: ClientConnection, timeout: float = 20) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(screen.recv(timeout))
    return said


def test_a_screen_hears_of_its_own_tasks_and_of_no_others(server: Engine) -> None:
    with connect(address(server, "ann")) as ann, connect(address(server, "ben")) as ben, \
            connect(address(server, EVERYBODY)) as all_of_us:  # fmt: skip
        start = {heard(screen)["revision"] for screen in (ann, ben, all_of_us)}
        assert start == {0}
        (task,) = server.ask("a red kite")  # Ann's
        for screen in (ann, all_of_us):
            said = heard(screen)
            assert (said["moved"], said["revision"] >= 1) == (True, True)
        server.tasks.cancel(task, who="ann")
        newest = server.history.revision()
        while heard(ann)["revision"] < newest:
            pass
        with pytest.raises(TimeoutError):
            heard(ben, timeout=0.5)
    with connect(address(server, "ben")) as late:
        said = heard(late)
        assert (said["moved"], said["revision"] >= newest) == (False, True)


def test_a_picture_for_a_form_is_told_to_its_person_alone(server: Engine) -> None:
    """Nothing moved on the pages that show everybody's tasks."""
    with connect(address(server, "ann")) as ann, connect(address(server, "ben")) as ben, \
            connect(address(server, EVERYBODY)) as all_of_us:  # fmt: skip
        for screen in (ann, ben, all_of_us):
            assert not heard(screen)["moved"]
        linked = LinkedPictures(server.db)
        wish, _ = linked.ask("ann", "http://127.0.0.1/cat.png", Fit(10**7, 10**7))  # the server refuses it
        assert heard(ann)["moved"]
        assert linked.found([wish])[wish].refusal
        for screen in (ben, all_of_us):
            with pytest.raises(TimeoutError):
                heard(screen, timeout=0.5)


def test_a_link_that_is_not_ours_or_no_longer_valid_opens_nothing(server: Engine) -> None:
    mine = address(server, "ann")
    for bad in (
        mine.replace("ann", "ben"),
        mine[:-1] + ("A" if mine[-1] != "A" else "B"),
        mine.partition("?")[0],
        address(server, "ann", datetime.now(UTC) - timedelta(days=15)),
    ):
        with pytest.raises(InvalidStatus) as refused, connect(bad):
            pass
        assert refused.value.response.status_code == 403


def test_an_open_screen_keeps_no_server_from_stopping(server: Engine) -> None:
    with connect(address(server, "ann")) as ann:
        heard(ann)
        server.kill("server", signal.SIGTERM)  # waits for its end
        with pytest.raises(ConnectionClosed):
            heard(ann)
    assert "has stopped" in server.log("server")
    assert "Traceback" not in server.log("server")
