"""Whole processes for tests: a `Desk` is the product as a person starts it, on ports and in a folder of its own.

Linux only where it kills single children (it finds them through /proc).
"""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeVar

from audit import audit

from data.db import Database

T = TypeVar("T")

READY = "Picture Desk is ready at "
CHILDREN = {"callback_server.sandbox": "sandbox", "callback_server": "callback_server", "streamlit": "dashboard"}
"""The module after `-m` in a child's command line, and the name by which the launcher speaks of it."""


def _ports() -> Iterator[int]:
    """Those of this pytest worker, in a random order: whoever else tests on this machine began elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    return itertools.cycle(random.sample(range(20_000 + worker * 1_500, 21_500 + worker * 1_500), 1_500))


PORTS = _ports()


def free_port() -> int:
    """A port that nobody listens on, and another one at each call: asked for now, it may be bound much later.

    Below the range from which the kernel takes ports for outgoing connections (it would hand a "free" one to a browser
    between our look and the server's bind).
    """
    for port in itertools.islice(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found.")


PATIENCE = 4
"""A promise is kept late rather than never on a machine that others use too: every wait is this much longer there."""


def wait_until(
    condition: Callable[[], T], timeout: float = 10, *, every: float = 0.05, what: Callable[[], str] | str = ""
) -> T:
    """The first true answer of `condition`; AssertionError when there is none within `timeout` quiet seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while not (answer := condition()):
        if time.monotonic() > deadline:
            said = what() if callable(what) else what
            raise AssertionError(f"Not within {timeout * PATIENCE} s: {said or condition}")
        time.sleep(every)
    return answer


def children_of(pid: int) -> dict[int, list[str]]:
    """Process ids and command lines of a process's children that still run (a zombie does not)."""
    found: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            arguments = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has just ended
            continue
        if int(parent) == pid and state != "Z":
            found[int(entry.name)] = arguments
    return found


def runs(pid: int) -> bool:
    """Whether a process still does something."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Desk:
    """The whole product: launcher, callback server, sandbox and dashboard. `with Desk(folder) as desk: …`

    `folder` holds the state (`folder/var`), the log, and is where it is started from. `env` adds settings. A desk may
    be stopped and started again over the same state; the ports stay the same.
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, *, database_url: str = "") -> None:
        self.folder = folder
        self.state_dir = folder / "var"
        self.database_url = database_url or f"sqlite:///{self.state_dir / 'picture-desk.sqlite'}"
        self.dashboard_port, self.callback_port, self.sandbox_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.dashboard_port}"
        self.callback_url = f"http://127.0.0.1:{self.callback_port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.env = {
            **os.environ,
            "STATE_DIR": str(self.state_dir),
            "DASHBOARD_PORT": str(self.dashboard_port),
            "CALLBACK_PORT": str(self.callback_port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "DATABASE_URL": database_url,
            **(env or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "desk.log"

    def start(self, timeout: float = 60) -> Self:
        """Start it and wait for its ready line; AssertionError with the log when that does not come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        begin = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dashboard"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.process
        deadline = time.monotonic() + timeout * PATIENCE
        while READY.encode() not in self._log.read_bytes()[begin:]:
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"The desk did not start (exit code {process.returncode}):\n{self.log()}")
            time.sleep(0.05)
        return self

    @property
    def pids(self) -> dict[str, int]:
        """`launcher`, `callback_server`, `sandbox` and `dashboard`, as far as they run."""
        assert self.process is not None, "The desk was not started."
        found = {"launcher": self.process.pid} if self.process.poll() is None else {}
        for pid, arguments in children_of(self.process.pid).items():
            found |= {name: pid for module, name in CHILDREN.items() if module in arguments}
        return found

    def kill(self, name: str) -> None:
        """kill -9 one of the processes. The launcher then stops the others; wait for it with `ended()`."""
        os.kill(self.pids[name], signal.SIGKILL)

    def ended(self, timeout: float = 15) -> int:
        """Wait until the launcher is gone by itself; its exit code."""
        assert self.process is not None
        return self.process.wait(timeout * PATIENCE)

    def stop(self) -> int:
        """Ctrl-C, then force; the launcher's exit code. Nothing of the desk runs afterwards."""
        if self.process is None:
            return 0
        everyone = [*self.pids.values()]
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()  # its children die with it
        code = self.process.wait(15)
        wait_until(lambda: not any(map(runs, everyone)), 10, what="every process of the desk has ended")
        return code

    def log(self) -> str:
        """Everything that the desk wrote, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __enter__(self) -> Self:
        return self.start()

    def audited_stop(self) -> None:
        """Compares the sandbox's ledger with ours, where both still run; then stops."""
        database = Database(self.database_url)
        try:
            if self.process is not None and {"sandbox", "callback_server"} <= set(self.pids):
                audit(self.sandbox_url, database)
        finally:
            database.close()
            self.stop()

    def __exit__(self, *_: object) -> None:
        self.audited_stop()
