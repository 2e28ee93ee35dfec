"""A sandbox process on a free loopback port, a client that knows its key, and a receiver for callbacks."""

import http.server
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from nursery import Child
from processes import free_port

KEY = "practice-key"
WEBHOOK_KEY = "test-webhook-key"


@dataclass
class SandboxProcess:
    """One running sandbox; `kill` and `start` can be called again and again on the same state."""

    state_dir: Path
    options: tuple[str, ...]
    port: int = field(default_factory=free_port)
    process: Child | None = None
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(
            base_url=self.url, headers=headers, timeout=20, trust_env=False, verify=False, limits=limits
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "SandboxProcess":
        arguments = ["--port", str(self.port), "--state-dir", str(self.state_dir), *self.options]
        self.process = Child("callback_server.sandbox", arguments, os.environ, Path(os.devnull))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if self.client.get("/healthz").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.03)
        raise AssertionError("the sandbox did not start")

    def stop(self, how: int = signal.SIGTERM) -> float:
        """Send the signal, wait for the end, return how long it took in seconds."""
        assert self.process is not None
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(10)
        return time.monotonic() - began

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, json=body).json()

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def create(self, prompt: str = "a red kite", model: str = "google/nano-banana", **more: Any) -> Any:
        callback = {"callBackUrl": more.pop("callback")} if "callback" in more else {}
        body = {"model": model, "input": {"prompt": prompt} | more} | callback
        return self.post("/api/v1/jobs/createTask", body)

    def task(self, prompt: str = "a red kite", **more: Any) -> str:
        answer = self.create(prompt, **more)
        assert answer["code"] == 200, answer
        return str(answer["data"]["taskId"])

    def gemini(
        self, *parts: Any, model: str = "gemini-3.1-flash-lite-image", key: str = KEY, **config: Any
    ) -> httpx.Response:
        """One generateContent; a text among the parts is a text part."""
        said = [{"text": part} if isinstance(part, str) else part for part in parts]
        body = {"contents": [{"role": "user", "parts": said}]} | ({"generationConfig": config} if config else {})
        path = f"/gemini/v1beta/models/{model}:generateContent"
        return self.client.post(path, json=body, headers={"x-goog-api-key": key, "Authorization": ""})

    def ark(self, prompt: str = "a red kite", model: str = "seedream-5-0-flash-260915", **more: Any) -> httpx.Response:
        """One images/generations, small unless it says otherwise; a value of None is left out."""
        body = {"model": model, "prompt": prompt, "watermark": False, "size": "1024x1024"} | more
        body = {name: value for name, value in body.items() if value is not None}
        return self.client.post("/ark/api/v3/images/generations", json=body)

    def charges(self) -> list[tuple[str, str, float]]:
        """What the ledger says was charged: provider, task id and credits."""
        rows = self.get("/sandbox/ledger")["charges"]
        return [(row["provider"], row["taskId"], row["credits"]) for row in rows]

    def record(self, task_id: str) -> Any:
        return self.get(f"/api/v1/jobs/recordInfo?taskId={task_id}")

    def finished(self, task_id: str) -> dict[str, Any]:
        """Poll until the task has ended; return the record's data."""

        def ended() -> Any:
            data = self.record(task_id)["data"]
            return data if data and data["state"] in ("success", "fail") else None

        return dict(eventually(ended, pause=0.11))

    def fault(self, fault: str, **more: Any) -> int:
        return int(self.post("/sandbox/faults", {"fault": fault} | more)["id"])


def eventually(probe: Callable[[], Any], *, within: float = 8.0, pause: float = 0.05) -> Any:
    """Return the first truthy answer of the probe."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError("it did not happen in time")


@dataclass
class Receiver:
    """What our callback address heard, and how it answers."""

    url: str
    heard: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # statuses for the next calls; then 200

    def bodies(self, task_id: str) -> list[Any]:
        return [body for _, _, body in self.heard if body["data"]["taskId"] == task_id]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One quick sandbox for all of these tests; each finds it reset."""
    options = ("--seconds", "0.08", "--webhook-key", WEBHOOK_KEY, "--callback-gaps", "0.1,0.2,0.3", "--credits", "500")
    box = SandboxProcess(tmp_path_factory.mktemp("sandbox") / "state", options).start()
    yield box
    box.stop()
    box.client.close()


@pytest.fixture
def box(sandbox: SandboxProcess) -> SandboxProcess:
    sandbox.post("/sandbox/reset", {})
    return sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server that notes every POST."""
    ears: Receiver

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ears.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(ears.answers.pop(0) if ears.answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ears = Receiver(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield ears
    server.shutdown()
    server.server_close()
