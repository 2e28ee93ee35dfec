"""The engine without the dashboard: a sandbox and a callback server as processes, and their database from inside."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from audit import audit
from local import local
from nursery import Child
from processes import free_port, wait_until
from sqlmodel import select

from data.artifacts import ArtifactStore
from data.catalog import catalog
from data.db import Database
from data.health import HealthBoard
from data.history import Card, History
from data.requests import validate
from data.schema import Gate, Health, Submission, Task
from data.status import TERMINAL, TaskStatus
from data.storage import ObjectStorage
from data.tasks import TaskStore

QUICK = {"POLL_SECONDS": "0.3", "LOG_LEVEL": "DEBUG"}
KEY = "engine-test-key"


class Engine:
    """`with Engine(folder) as engine:` – quick looks, half-second drawings, a key as if it were the real provider."""

    def __init__(
        self, folder: Path, database_url: str, env: Mapping[str, str] | None = None, *, webhooks: bool = True
    ) -> None:
        self.folder = folder
        self.callback_port, self.sandbox_port, self.second_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.callback_port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.env = {
            **os.environ,
            "STATE_DIR": str(folder / "var"),
            "DATABASE_URL": database_url,
            "CALLBACK_PORT": str(self.callback_port),
            "NANO_BANANA_API_KEY": KEY,
            "NANO_BANANA_API_URL": self.sandbox_url,
            "KIE_UPLOAD_URL": self.sandbox_url,
            "GEMINI_API_KEY": KEY,
            "GEMINI_API_URL": f"{self.sandbox_url}/gemini",
            "ARK_API_KEY": KEY,
            "ARK_API_URL": f"{self.sandbox_url}/ark/api/v3",
            "WEBHOOK_BASE_URL": self.url if webhooks else "",
            "DOWNLOAD_ALLOW_HOSTS": f"127.0.0.1:{self.sandbox_port}",
            **QUICK,
            **(env or {}),
        }
        self.processes: dict[str, Child | subprocess.Popen[bytes]] = {}
        self.db = Database(database_url)
        self.tasks, self.history, self.board = TaskStore(self.db), History(self.db), HealthBoard(self.db)
        storage = ObjectStorage(folder / "var")
        self.artifacts = ArtifactStore(self.db, storage, max_reference_bytes=10_000_000, max_pixels=64_000_000)

    def start(self, name: str) -> None:
        """Starts `sandbox`, `server` or `second server`, and waits for its health."""
        module, health, env = "callback_server", f"{self.url}/readyz", self.env
        arguments: list[str] = []
        if name == "sandbox":
            module = "callback_server.sandbox"
            arguments = ["--port", str(self.sandbox_port), "--key", KEY, "--seconds", "0.5",
                         "--state-dir", str(self.folder / "sandbox")]  # fmt: skip
            health = f"{self.sandbox_url}/healthz"
        elif name == "second server":
            url = f"http://127.0.0.1:{self.second_port}"
            health = f"{url}/readyz"
            env = self.env | {"CALLBACK_PORT": str(self.second_port), "WEBHOOK_BASE_URL": url}
        log = self.folder / f"{name}.log"
        if "PYTHONPATH" in env:  # what a test puts there is imported by an interpreter that begins
            with log.open("ab") as output:
                command = [sys.executable, "-m", module, *arguments]
                self.processes[name] = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)
        else:
            self.processes[name] = Child(module, arguments, env, log)
        wait_until(lambda: self.processes[name].poll() is not None or answers(health), 30, what=lambda: self.log(name))
        assert self.processes[name].poll() is None, self.log(name)

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends one of the two, by default as hard as can be."""
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(20)

    def ask(self, prompt: str, *, model: str = "google/nano-banana", count: int = 1, references: tuple[bytes, ...] = (),
            params: Mapping[str, Any] | None = None) -> list[str]:  # fmt: skip
        """What the Generate page does when its button is pressed; the new tasks' ids."""
        taken = [self.artifacts.take_reference(data, f"reference-{n}.png") for n, data in enumerate(references)]
        request = validate(catalog().require(model), prompt, dict(params or {}), taken)
        return [task.id for task in self.tasks.create([request] * count, person="ann")]

    def ended(self, *task_ids: str, timeout: float = 30) -> list[Card]:
        """The cards, once all of them have ended."""

        def standing() -> str:
            return f"{[self.card(task_id).status.value for task_id in task_ids]}\n{self.log('server')[-3000:]}"

        wait_until(
            lambda: all(self.card(task_id).status in TERMINAL for task_id in task_ids),
            timeout, every=0.1, what=standing,
        )  # fmt: skip
        return [self.card(task_id) for task_id in task_ids]

    def card(self, task_id: str) -> Card:
        return self.history.card(task_id)

    def lamp(self, name: str) -> Health | None:
        return self.board.all().get(name)

    def fault(self, **rule: Any) -> None:
        """Tells the sandbox to misbehave."""
        local.post(f"{self.sandbox_url}/sandbox/faults", json=rule).raise_for_status()

    def ledger(self) -> dict[str, Any]:
        """The independent witness of what was charged."""
        found: dict[str, Any] = local.get(f"{self.sandbox_url}/sandbox/ledger").raise_for_status().json()
        return found

    def charges(self, *task_ids: str) -> list[dict[str, Any]]:
        """What the sandbox charged for these tasks."""
        return self._of("charges", task_ids)

    def creates(self, *task_ids: str) -> list[dict[str, Any]]:
        """The tasks that the sandbox took for these tasks of ours."""
        return self._of("creates", task_ids)

    def _of(self, what: str, task_ids: tuple[str, ...]) -> list[dict[str, Any]]:
        calls = [call for task_id in task_ids for call in self.history.detail(task_id).submissions]
        known = {call.provider_task_id for call in calls}
        return [row for row in self.ledger()[what] if row["taskId"] in known]

    def lamp_says(self, name: str) -> tuple[bool, str] | None:
        lamp = self.lamp(name)
        return None if lamp is None else (lamp.ok, lamp.message)

    def tidy(self) -> None:
        """Cancels what still waits and opens the gate, so that one test's trouble is not the next one's."""
        with self.db.read() as session:
            waiting = session.exec(select(Task.id).where(Task.status == TaskStatus.QUEUED)).all()
        for task_id in waiting:
            self.tasks.cancel(task_id, who="ann")
        self.open_gate()

    def open_gate(self) -> None:
        """As if the pause had passed."""
        with self.db.transaction() as session:
            for gate in session.exec(select(Gate)):
                gate.paused_until = None
                session.add(gate)

    def hurry(self, task_id: str) -> None:
        """As if the wait for the next download had passed."""
        with self.db.transaction() as session:
            for call in session.exec(select(Submission).where(Submission.task_id == task_id)):
                if call.fetch_at is not None:
                    call.fetch_at = self.db.now()
                    session.add(call)

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        self.start("sandbox")
        self.start("server")
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if {"server", "sandbox"} <= set(self.processes):
                audit(self.sandbox_url, self.db)
        finally:
            self.db.close()
            for name in [*self.processes]:
                self.kill(name, signal.SIGTERM)


def answers(url: str) -> bool:
    """Whether a health check says yes."""
    try:
        return local.get(url, timeout=10).status_code == 200
    except httpx.HTTPError:
        return False
