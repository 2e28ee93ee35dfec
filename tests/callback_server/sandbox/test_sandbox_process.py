"""The sandbox process keeps its word through SIGTERM and kill -9, and will not listen to the world."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import PATIENCE

pytestmark = pytest.mark.processes


@pytest.fixture
def own(sandbox: Any, tmp_path: Path) -> Iterator[Any]:
    """A sandbox of the test's own, on a fresh state directory."""
    options = ("--seconds", "0.6", "--callback-gaps", "0.5,0.5,0.5", "--credits", "100")
    box = type(sandbox)(tmp_path / "state", options).start()
    yield box
    box.stop(signal.SIGKILL)
    box.client.close()


def test_tasks_charges_faults_and_pending_callbacks_survive_a_kill(own: Any, receiver: Any) -> None:
    receiver.answers = [500]
    retried = own.task("first", callback=receiver.url)
    deadline = time.monotonic() + 5
    while not receiver.heard and time.monotonic() < deadline:
        time.sleep(0.02)
    running = own.task("second", callback=f"{receiver.url}/second")
    own.fault("paused", match="never")
    own.stop(signal.SIGKILL)
    heard = len(receiver.bodies(retried))
    own.start()
    assert own.finished(running)["state"] == "success"
    while len(receiver.heard) < 3 and time.monotonic() < deadline + 5:
        time.sleep(0.02)
    assert heard == 1
    assert len(receiver.bodies(retried)) == 2
    assert len(receiver.bodies(running)) == 1
    ledger = own.get("/sandbox/ledger")
    assert sorted(row["taskId"] for row in ledger["charges"]) == sorted([retried, running])
    assert ledger["balance"] == 92
    assert [rule["fault"] for rule in own.get("/sandbox/faults")["rules"]] == ["paused"]


def test_a_create_that_was_answered_is_never_forgotten(own: Any) -> None:
    taken: list[str] = []

    def create() -> None:
        for number in range(15):
            try:
                taken.append(own.task(f"kite {number}"))
            except Exception:  # noqa: BLE001  the kill may strike anywhere
                return

    worker = threading.Thread(target=create)
    worker.start()
    while len(taken) < 5:
        time.sleep(0.005)
    own.stop(signal.SIGKILL)
    worker.join()
    own.start()
    known = {row["taskId"] for row in own.get("/sandbox/ledger")["creates"]}
    assert set(taken) <= known


def test_sigterm_ends_it_within_a_second_or_so_even_with_work_under_way_and_lines_held(own: Any) -> None:
    own.task("bokeh [[fault:slow=30]]")
    with ThreadPoolExecutor(2) as callers:
        held = [
            callers.submit(call, "bokeh [[fault:stuck]] [[fault:other_size=0.1]]") for call in (own.gemini, own.ark)
        ]
        while len(own.get("/sandbox/ledger")["creates"]) < 3:
            time.sleep(0.02)
        assert own.stop() < 2.0  # one second of grace, and a busy machine
        assert all(isinstance(call.exception(10), httpx.TransportError) for call in held)
    own.start()
    made = own.get("/sandbox/ledger")
    ended = {row["provider"]: row["state"] for row in made["creates"] if row["endedAt"]}
    assert ended == {"gemini": "fail", "ark": "fail"}
    assert made["charges"] == []


def test_it_binds_loopback_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "callback_server.sandbox", "--host", "0.0.0.0", "--state-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20 * PATIENCE, check=False)
    assert ended.returncode == 2
    assert "this machine only" in ended.stderr
