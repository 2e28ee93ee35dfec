"""Alive and ready: what the launcher and a load balancer ask, and the process that answers them from start to end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from processes import free_port, wait_until
from sqlalchemy import text

from callback_server.__main__ import main

from .conftest import Server, ServerFactory


def test_alive_is_answered_without_a_look_at_anything(server: Server) -> None:
    server.db.close()
    shutil.rmtree(server.settings.state_dir)
    assert server.client.get("/healthz").json() == {"ok": True}


def test_ready_when_everything_is(server: Server) -> None:
    answer = server.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        200,
        {"ok": True, "database": "ok", "storage": "ok", "workers": "ok", "clock": "ok"},
    )
    assert answer.headers["cache-control"] == "no-store"


def test_a_database_without_tables_is_not_ready(server: Server) -> None:
    with server.db.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    answer = server.client.get("/readyz")
    assert (answer.status_code, answer.json()["ok"], answer.json()["storage"]) == (503, False, "ok")
    assert answer.json()["database"] == "The database does not answer."


def test_a_storage_folder_that_cannot_be_written_is_not_ready(server: Server) -> None:
    (server.settings.state_dir / "probe").write_text("a file where a folder is wanted")
    answer = server.client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "ok")
    assert answer.json()["storage"] != "ok"


def test_a_dead_worker_is_not_ready(server: Server) -> None:
    server.app.state.opened = replace(server.opened, workers_run=lambda: False)
    answer = server.client.get("/readyz")
    assert (answer.status_code, "Restart" in answer.json()["workers"]) == (503, True)


def test_asking_often_does_not_write_often(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    probes: list[int] = []
    whole = server.opened.storage.check
    monkeypatch.setattr(server.opened.storage, "check", lambda: (probes.append(1), whole()))
    for _ in range(20):
        assert server.client.get("/readyz").status_code == 200
    assert len(probes) <= 2


def test_an_unknown_address_is_404_in_our_shape(server: Server) -> None:
    answer = server.client.get("/nothing/here")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_the_api_describes_itself(server: Server, server_factory: ServerFactory) -> None:
    assert "/api/generate/image" in server.client.get("/api/openapi.json").json()["paths"]
    closed = server_factory()
    assert "/api/generate/image" not in closed.client.get("/api/openapi.json").json()["paths"]


def test_a_server_can_be_started_again_over_the_same_state(server_factory: ServerFactory) -> None:
    for _ in range(2):
        assert server_factory().client.get("/readyz").status_code == 200


@pytest.mark.http
@pytest.mark.parametrize("line", [
    b"GET /api/task/\xff\xfe HTTP/1.1",
    b"GET /files/\xff/320?e=\xff&s=%ff HTTP/1.1",
    b"POST /api/webhook/nano-banana/%ff/%00 HTTP/1.1",
    b"GET /files/" + b"a" * 64 + b"/320?e=%ff&s=%F0%9F&n=%00&t=%0d%0a HTTP/1.1",
    b"GET http://[/readyz HTTP/1.1",
    b"GET /readyz HTTP/1.1\r\nContent-Length: 99999999999999999999999999",
    b"\x16\x03\x01",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1",
    b"POST /api/webhook/nano-banana HTTP/1.1\r\nX-Webhook-Signature: x\r\nX-Webhook-Timestamp: 1\r\nContent-Length: -5",
])  # fmt: skip
@pytest.mark.parametrize("host", [b"x", b"[", b"a b", b"\xff", b""])
def test_broken_http_is_never_a_5xx(shared: Server, line: bytes, host: bytes) -> None:
    """As bytes on a socket, because an honest client would not send them."""
    with socket.create_connection(("127.0.0.1", httpx.URL(shared.url).port)) as wire:
        wire.sendall(
            line + b"\r\nHost: " + host + b"\r\nAuthorization: Bearer first-token\r\nConnection: close\r\n\r\n"
        )
        wire.shutdown(socket.SHUT_WR)
        wire.settimeout(10)
        try:
            answer = wire.recv(65_536)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.split(b" ")[1] < b"500", answer[:200]


# The process -------------------------------------------------------------------------------------------------------


def start(folder: Path, **settings: object) -> "subprocess.Popen[str]":
    values = {"STATE_DIR": folder / "var", "CALLBACK_PORT": free_port(), "SANDBOX_PORT": free_port()} | settings
    return subprocess.Popen([sys.executable, "-m", "callback_server"], cwd=folder, stderr=subprocess.PIPE, text=True,
                            env=os.environ | {name: str(value) for name, value in values.items()})  # fmt: skip


@pytest.mark.processes
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly_while_clients_hold_on(tmp_path: Path, how: signal.Signals) -> None:
    port = free_port()
    with start(tmp_path, CALLBACK_PORT=port) as process, httpx.Client(trust_env=False, verify=False) as client:
        wait_until(lambda: answers(client, f"http://127.0.0.1:{port}/readyz"), 20)
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(b"POST /api/webhook/nano-banana HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n")
            began = time.monotonic()
            process.send_signal(how)
            _, said = process.communicate(timeout=40)
    assert process.returncode == 0, said
    assert time.monotonic() - began < 12
    assert "Traceback" not in said


@pytest.mark.parametrize(("setting", "value"), [
    ("CALLBACK_PORT", "eighty"), ("WEBHOOK_BASE_URL", "ftp://x"), ("NANO_BANANA_API_KEY", "sk secret words"),
])  # fmt: skip
def test_a_setting_that_cannot_be_used_is_one_sentence_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], setting: str, value: str
) -> None:
    monkeypatch.setenv(setting, value)
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith(f"The settings cannot be used. {setting}: ")
    assert value not in said


@pytest.mark.processes
@pytest.mark.parametrize(("setting", "value", "code", "sentence"), [
    ("DATABASE_URL", "no address", 1, "DATABASE_URL cannot be used"),
    ("STATE_DIR", "/proc/nowhere", 1, "/proc/nowhere"),
])  # fmt: skip
def test_what_cannot_be_opened_at_start_is_one_sentence(
    tmp_path: Path, setting: str, value: str, code: int, sentence: str
) -> None:
    with start(tmp_path, **{setting: value}) as process:
        _, said = process.communicate(timeout=40)
    assert (process.returncode, sentence in said) == (code, True), said
    assert "Traceback" not in said


@pytest.mark.processes
def test_a_taken_port_ends_the_server_before_it_does_anything(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        start(tmp_path, CALLBACK_PORT=taken.getsockname()[1]) as process,
    ):
        _, said = process.communicate(timeout=40)
    assert (process.returncode, "in use" in said) == (3, True), said


def answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False
