"""The launcher: everything starts together, is told apart, stops together, and leaves nothing behind.

Most tests give it small stand-in programs: what matters is how processes live and die, not what they serve.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from processes import Desk, children_of, free_port, runs, wait_until
from pydantic import SecretStr

from dashboard.__main__ import ROOT, Folder, as_environment, plan, without_secrets
from data.settings import Settings

STAND_IN = """
import http.server, os, signal, sys, time
port, mode = int(sys.argv[1]), sys.argv[2]
print("hello from", mode, flush=True)
if mode == "dies":
    print("the disk is full", flush=True)
    sys.exit(3)
if mode == "frail" and not os.path.exists("weakness"):
    open("weakness", "w").close()
elif mode == "frail":
    sys.exit(4)
if mode == "mute" and not os.path.exists("silence"):
    open("silence", "w").close()
elif mode == "mute":
    time.sleep(600)
if mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if mode == "busy":
    def asked(*a):
        print("asked to stop", flush=True)
        signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
    signal.signal(signal.SIGTERM, asked)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ok" else 404)
        self.end_headers()
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
DRIVER = """
import json, os, pathlib, sys
import dashboard.children as launcher
launcher.GRACE = float(os.environ.get("GRACE", "1"))
launcher.READY_WITHIN = float(os.environ.get("READY_WITHIN", "60"))
launcher.RESTARTS_WITHIN = float(os.environ.get("RESTARTS_WITHIN", "60"))
here = pathlib.Path.cwd()
def child(name, port, mode):
    argv = (sys.executable, "stand_in.py", str(port), mode)
    patience = 60.0 if mode == "busy" else 0.0
    env, setting = dict(os.environ), name.upper() + "_PORT"
    return launcher.Child(name, argv, "127.0.0.1", port, setting, "/ok", env, here, patience)
children = [child(*one) for one in json.loads(sys.argv[1])]
sys.exit(launcher.run(children, "a note"))
"""

Launch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """`launch(("server", port, "serves"), …)` runs the launcher over stand-ins."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    started: list[subprocess.Popen[str]] = []

    def make(*children: tuple[str, int, str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, json.dumps(children)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], word: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if word in line:
            return lines
    raise AssertionError(f"{word!r} never came: {lines}")


@pytest.mark.processes
def test_one_line_says_that_everything_answers_and_ctrl_c_stops_it(launch: Launch) -> None:
    server, desk = free_port(), free_port()
    process = launch(("server", server, "serves"), ("dashboard", desk, "serves"))
    lines = read_until(process, "ready")
    assert lines[-1].startswith(f"Picture Desk is ready at http://127.0.0.1:{desk} · a note · ")
    assert sum("ready" in line for line in lines) == 1
    assert "server          | hello from serves" in lines
    for port in (server, desk):
        socket.create_connection(("127.0.0.1", port)).close()

    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "Picture Desk has stopped." in rest
    assert errors == ""
    assert len(children) == 2
    assert not any(map(runs, children))


@pytest.mark.processes
def test_sigterm_stops_it_with_143_even_when_a_child_does_not_listen(launch: Launch) -> None:
    process = launch(("server", free_port(), "deaf"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    children = children_of(process.pid)
    process.terminate()
    process.communicate(timeout=40)
    assert process.returncode == 143
    assert not any(map(runs, children))


@pytest.mark.processes
def test_a_second_ctrl_c_does_not_wait_for_a_child_that_does_not_listen(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRACE", "90")  # longer than the patience below
    process = launch(("server", free_port(), "deaf"))
    read_until(process, "ready")
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)


@pytest.mark.processes
def test_a_child_with_work_to_end_is_waited_for_before_the_others_until_a_second_ctrl_c(launch: Launch) -> None:
    sandbox = free_port()
    process = launch(("server", free_port(), "busy"), ("sandbox", sandbox, "serves"))
    read_until(process, "ready")
    process.send_signal(signal.SIGINT)
    read_until(process, "asked to stop")
    assert "Ctrl-C again stops now" in read_until(process, "still waits")[-1]
    socket.create_connection(("127.0.0.1", sandbox)).close()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 0


@pytest.mark.processes
def test_a_child_that_dies_at_start_stops_the_others_and_its_last_words_are_shown(launch: Launch) -> None:
    process = launch(("server", free_port(), "dies"), ("dashboard", free_port(), "serves"))
    out, errors = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "ready" not in out
    assert errors.startswith("The server ended with exit code 3, so everything was stopped.")
    assert "    the disk is full" in errors


@pytest.mark.processes
def test_a_child_that_dies_is_started_again_three_times_within_a_minute_and_then_all_is_stopped(launch: Launch) -> None:
    port = free_port()
    process = launch(("server", port, "serves"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    for time_ in (1, 2, 3):
        os.kill(child_with(process, port), signal.SIGKILL)
        lines = read_until(process, "is back after")
        assert f"The server was killed by SIGKILL; starting it again ({time_} of 3 within a minute)." in lines
    children = children_of(process.pid)
    assert len(children) == 2
    os.kill(child_with(process, port), signal.SIGKILL)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 1
    assert errors.startswith("The server was killed by SIGKILL for the 4th time, so everything was stopped.")
    assert not any(map(runs, children))


@pytest.mark.processes
def test_a_child_that_cannot_come_back_is_given_up_with_its_last_words(launch: Launch) -> None:
    port = free_port()
    process = launch(("server", port, "frail"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    os.kill(child_with(process, port), signal.SIGKILL)
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 1
    assert errors.startswith("The server ended with exit code 4 for the 4th time, so everything was stopped.")
    assert "    hello from frail" in errors


@pytest.mark.processes
def test_a_child_that_comes_back_and_says_nothing_is_not_waited_for_for_ever(
    launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READY_WITHIN", "10")
    monkeypatch.setenv("RESTARTS_WITHIN", "1")
    port = free_port()
    process = launch(("server", port, "mute"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    os.kill(child_with(process, port), signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors == "The server was not back within 10 s, so everything was stopped.\n"


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a child ask to die with its parent")
def test_a_child_that_was_started_again_is_no_orphan_either(launch: Launch) -> None:
    port = free_port()
    process = launch(("server", port, "serves"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    os.kill(child_with(process, port), signal.SIGKILL)
    read_until(process, "is back after")
    children = children_of(process.pid)
    process.kill()
    process.wait()
    assert len(children) == 2
    wait_until(lambda: not any(map(runs, children)), 5)


def child_with(process: subprocess.Popen[str], port: int) -> int:
    """The child that serves this port."""
    return next(pid for pid, argv in children_of(process.pid).items() if str(port) in argv)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a child ask to die with its parent")
def test_kill_9_of_the_launcher_leaves_no_orphan(launch: Launch) -> None:
    process = launch(("server", free_port(), "deaf"), ("dashboard", free_port(), "serves"))
    read_until(process, "ready")
    children = children_of(process.pid)
    process.kill()
    process.wait()
    assert len(children) == 2
    wait_until(lambda: not any(map(runs, children)), 5)


@pytest.mark.processes
def test_a_taken_port_is_said_before_anything_starts(launch: Launch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = launch(("server", free_port(), "serves"), ("dashboard", port, "serves"))
        out, errors = process.communicate(timeout=40)
    assert process.returncode == 2
    assert out == ""
    assert errors == (f"Port {port} (dashboard) is taken. Stop what uses it, or set DASHBOARD_PORT to another.\n")


@pytest.mark.processes
def test_one_port_for_two_programs_is_refused(launch: Launch) -> None:
    port = free_port()
    process = launch(("server", port, "serves"), ("dashboard", port, "serves"))
    _, errors = process.communicate(timeout=40)
    assert process.returncode == 2
    assert f"Port {port} (dashboard) is taken" in errors


def start_the_product(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m dashboard`, where it is expected to refuse."""
    return subprocess.run(
        [sys.executable, "-m", "dashboard"],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.processes
def test_wrong_settings_of_either_process_are_one_list_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SEEDREAM_API_KEY=kéy\nPOLL_SECONDS=often\n")
    done = start_the_product(tmp_path, DASHBOARD_PORT="many", LOG_FORMAT="xml", WEBHOOK_BASE_URL="desk.example")
    assert done.returncode == 2
    names = {"DASHBOARD_PORT", "LOG_FORMAT", "SEEDREAM_API_KEY", "POLL_SECONDS", "WEBHOOK_BASE_URL"}
    assert {line.split()[0] for line in done.stderr.splitlines()} == names
    assert len(done.stderr.splitlines()) == len(names)
    assert "kéy" not in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


@pytest.mark.processes
def test_an_address_that_is_no_database_is_said_before_anything_starts(tmp_path: Path) -> None:
    done = start_the_product(tmp_path, DATABASE_URL="nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("DATABASE_URL cannot be used: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.processes
def test_a_state_folder_that_cannot_be_written_is_said_beside_the_other_faults(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = start_the_product(tmp_path, STATE_DIR=str(tmp_path / "file" / "var"))
    assert done.returncode == 2
    assert done.stderr == f"STATE_DIR cannot be used: {tmp_path}/file/var cannot be written (Not a directory).\n"
    both = start_the_product(tmp_path, STATE_DIR=str(tmp_path / "file" / "var"), PER_PERSON="0")
    assert [line.split()[0] for line in both.stderr.splitlines()] == ["PER_PERSON", "STATE_DIR"]


def test_two_launchers_never_hold_one_state_folder(tmp_path: Path) -> None:
    first, second = Folder(tmp_path / "var", alone=True), Folder(tmp_path / "var", alone=True)
    assert first.take("http://127.0.0.1:8501") is None
    assert second.take("http://127.0.0.1:9000") == (
        f"Picture Desk runs on {tmp_path}/var already (process {os.getpid()}, http://127.0.0.1:8501). "
        "Open that one, stop it, or set STATE_DIR to another folder."
    )
    assert first.file is not None
    first.file.close()
    assert second.take("http://127.0.0.1:9000") is None
    assert second.file is not None
    second.file.close()


def test_with_postgresql_several_hosts_may_share_a_folder(tmp_path: Path) -> None:
    for _ in range(2):
        assert Folder(tmp_path / "var", alone=False).take("http://127.0.0.1:8501") is None
    assert list((tmp_path / "var").iterdir()) == []


def test_only_the_callback_server_is_given_what_is_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = {
        "NANO_BANANA_API_KEY": "k1",
        "SEEDREAM_API_KEY": "k2",
        "WEBHOOK_HMAC_KEY": "k3",
        "API_TOKENS": "k4",
        "seedream_api_key": "k5",
        "OTHER_API_KEY": "k6",
        "OTHER_SECRET": "k7",
    }
    environ = secret | {"PATH": "/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    settings = Settings(media_signing_key=SecretStr("for-links"))
    server, sandbox, desk = plan(settings, environ, practice=True)
    assert secret.items() <= server.env.items()
    for child in (sandbox, desk):
        assert not secret.keys() & child.env.keys(), child.name
        assert child.env["PATH"] == "/bin"
    assert desk.env["MEDIA_SIGNING_KEY"] == "for-links"
    assert all("PYTHONDONTWRITEBYTECODE" not in child.env for child in (server, sandbox, desk))


def test_the_sandbox_is_started_only_while_no_key_is_set() -> None:
    assert [child.name for child in plan(Settings(), {}, practice=False)] == ["callback_server", "dashboard"]


def test_relative_paths_are_meant_from_where_the_person_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    server, _, desk = plan(Settings(), {}, practice=True)
    assert server.cwd == tmp_path
    assert server.env["STATE_DIR"] == desk.env["STATE_DIR"] == str(tmp_path / "var")
    assert desk.cwd == ROOT
    assert desk.env["DATABASE_URL"] == f"sqlite:///{tmp_path}/var/picture-desk.sqlite"
    told = as_environment(Settings(database_url="sqlite:///mine.sqlite"))
    assert told["DATABASE_URL"] == f"sqlite:///{tmp_path}/mine.sqlite"


def test_the_dashboard_hears_each_setting_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(dashboard_port=9999)
    desk = plan(settings, {"dashboard_port": "1", "DASHBOARD_PORT": "2"}, practice=True)[-1]
    assert [value for name, value in desk.env.items() if name.upper() == "DASHBOARD_PORT"] == ["9999"]
    assert without_secrets({"DASHBOARD_PORT": "2"}) == {"DASHBOARD_PORT": "2"}


@pytest.mark.processes
def test_the_whole_product_starts_stops_and_starts_again_over_the_same_state(tmp_path: Path) -> None:
    product = Desk(tmp_path / "desk")
    for _ in range(2):
        with product:
            assert set(product.pids) == {"launcher", "callback_server", "sandbox", "dashboard"}
            assert "practice mode, nothing is charged" in product.log()
        assert product.ended() == 0


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a child ask to die with its parent")
def test_a_second_desk_over_the_same_state_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    first, second = Desk(tmp_path / "desk"), Desk(tmp_path / "other")
    second.env["STATE_DIR"] = str(first.state_dir)
    try:
        first.start()
        with pytest.raises(AssertionError, match=r"exit code 2"):
            second.start()
        launcher = first.pids["launcher"]
        assert f"(process {launcher}, {first.url})" in second.log()
        assert "Traceback" not in second.log()
        everyone = list(first.pids.values())
        first.kill("launcher")
        wait_until(lambda: not any(map(runs, everyone)), 10)
        second.start()
    finally:
        first.stop()
        second.stop()


def test_the_page_opens_without_an_error_and_asks_only_this_machine(desk: Desk, page: Page) -> None:
    """What is asserted beyond the heading, the `page` fixture asserts of every page."""
    page.goto(desk.url)
    expect(page.get_by_role("link", name="History")).to_be_visible()
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    expect(page.get_by_text("practice", exact=False).first).to_be_visible()
