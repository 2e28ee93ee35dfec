"""Child processes from birth to death: ports tried first, started, told apart, started again, stopped together.

It knows nothing of what it runs. A child that dies is started again, up to three times within a minute; after that
something is wrong that a person must see, and everything is stopped, for a desk without its server only looks alive.
"""

import ctypes
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

READY_WITHIN = 60.0
GRACE = 5.0
HURRY = 4.0
"""What a child with patience still gets after a second signal, to note what it leaves undone."""
RESTARTS, RESTARTS_WITHIN = 3, 60.0
TAIL = 15
PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Child:
    """One program to run: `health` is the path that answers 200 once it is ready, `setting` the name of its port."""

    name: str
    argv: tuple[str, ...]
    host: str
    port: int
    setting: str
    health: str
    env: Mapping[str, str]
    cwd: Path
    patience: float = 0.0  # seconds beyond the grace, for work that must not be broken off


@dataclass
class Running:
    """A started child and the last lines it wrote, kept for the post-mortem."""

    child: Child
    process: subprocess.Popen[str]
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    restarts: list[float] = field(default_factory=list)  # when, by the monotonic clock
    ready: bool = False

    def __post_init__(self) -> None:
        self.since = time.monotonic()
        self.reader = threading.Thread(target=self.pass_on, args=(self.process,), daemon=True)

    @property
    def dead(self) -> bool:
        return self.process.poll() is not None

    def start_again(self) -> None:
        """The same program in a new process."""
        self.process, self.ready = spawn(self.child), False
        self.__post_init__()
        self.restarts.append(self.since)
        self.reader.start()

    def pass_on(self, process: subprocess.Popen[str]) -> None:
        """Copy the child's output to ours, line by line, until it ends."""
        assert process.stdout is not None
        for line in process.stdout:
            self.tail.append(line.rstrip())
            with suppress(OSError):  # nobody may read us any more (`make run | head`); the child must not block for it
                say(f"{self.child.name:<15} | {line.rstrip()}")


class Wish:
    """What the person or the system asked of us by a signal. A second signal means: at once."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.impatient = False
        self.came = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.impatient = self.signal is not None
        self.signal = self.signal or signal.Signals(number)
        self.came.set()


def trouble_with_ports(children: Sequence[Child]) -> str | None:
    """A sentence about the first port that cannot be had. All are held until all are tried: two may be the same."""
    held: list[socket.socket] = []
    try:
        for child in children:
            family = socket.AF_INET6 if ":" in child.host else socket.AF_INET
            held.append(probe := socket.socket(family, socket.SOCK_STREAM))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((child.host, child.port))
                probe.listen(1)
            except PermissionError:
                return f"Port {child.port} ({child.name}) needs more rights. Set {child.setting} to one above 1023."
            except OSError as error:
                if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                    return f"HOST {child.host} is no address of this machine."
                where = f"Port {child.port} ({child.name})"
                return f"{where} is taken. Stop what uses it, or set {child.setting} to another."
    finally:
        for probe in held:
            probe.close()
    return None


def die_with_launcher() -> Callable[[], None] | None:
    """What a new child does first on Linux: ask the kernel to be killed when the launcher is gone, even by kill -9.

    Otherwise an orphaned server would hold its port and go on spending. SIGKILL, because nobody is left to insist, and
    because every state of ours survives it. The request is tied to the thread that starts the child: the main one.
    """
    if sys.platform != "linux":
        return None
    prctl, launcher = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:  # it died before we asked
            os._exit(1)

    return ask


def say(line: str) -> None:
    """Write one whole line at once: `print` writes its end separately, and another thread's line may come between."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def start(child: Child) -> Running:
    """Start one child."""
    return Running(child, spawn(child))


def spawn(child: Child) -> subprocess.Popen[str]:
    """A process group of its own: Ctrl-C reaches the launcher alone, which then stops them all."""
    return subprocess.Popen(  # noqa: S603 - our own programs, no shell
        child.argv,
        env=child.env,
        cwd=child.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        process_group=0,
        # Safe here even beside the reading threads: it takes no lock, only two system calls that are resolved already.
        preexec_fn=die_with_launcher(),  # noqa: PLW1509
    )


def answers(child: Child) -> bool:
    """Whether the child's health check says 200. Never through a proxy: the answer must come from this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address(child) + child.health, timeout=2) as response:
            return bool(response.status == http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException):
        return False


def address(child: Child) -> str:
    """How a browser on this machine reaches the child."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(child.host, child.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{child.port}" if ":" in host else f"http://{host}:{child.port}"


def obituary(running: Running) -> str:
    """Which child ended, and how."""
    code = running.process.returncode
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"The {running.child.name} {how}"


def post_mortem(running: Running) -> str:
    """Which child ended, how, and the last it said."""
    running.reader.join(timeout=1)
    said = "\n".join(f"    {line}" for line in running.tail) or "    (nothing)"
    often = f" for the {len(running.restarts) + 1}th time" if len(running.restarts) >= RESTARTS else ""
    return f"{obituary(running)}{often}, so everything was stopped. Its last lines:\n{said}"


def revive(everyone: Sequence[Running]) -> str | None:
    """Start again what has died since the last look; a sentence when one dies too often or does not come back."""
    now = time.monotonic()
    for one in everyone:
        one.restarts = [at for at in one.restarts if now - at < RESTARTS_WITHIN]
        if one.dead and len(one.restarts) >= RESTARTS:
            return post_mortem(one)
        if one.dead:
            said = f"{obituary(one)}; starting it again ({len(one.restarts) + 1} of {RESTARTS} within a minute)."
            one.start_again()
            say(said)
        elif not one.ready:
            one.ready = answers(one.child)
            if one.ready:
                say(f"The {one.child.name} is back after {now - one.since:.1f} s.")
            elif now - one.since > READY_WITHIN:
                return f"The {one.child.name} was not back within {READY_WITHIN:.0f} s, so everything was stopped."
    return None


def wait_until_ready(everyone: Sequence[Running], wish: Wish) -> str | None:
    """Return once every child answers, or a signal came; a sentence when one died or stays silent."""
    waiting, deadline = list(everyone), time.monotonic() + READY_WITHIN
    while waiting and not wish.came.is_set():
        if died := next((one for one in everyone if one.dead), None):
            return post_mortem(died)
        if time.monotonic() > deadline:
            return f"The {waiting[0].child.name} was not ready within {READY_WITHIN:.0f} s, so everything was stopped."
        for one in waiting:
            one.ready = answers(one.child)
        waiting = [one for one in waiting if not one.ready]
        wish.came.wait(0.05 if waiting else 0)
    return None


def stop(everyone: Sequence[Running], wish: Wish) -> None:
    """First whoever has work to end, while the others, which it may need for that, still serve; then all."""
    stop_these([one for one in everyone if one.child.patience], wish)
    stop_these(everyone, wish)


def stop_these(some: Sequence[Running], wish: Wish) -> None:
    """SIGTERM, some seconds of grace, then SIGKILL to whole groups. A second signal is passed on to the patient."""
    ends = {one.process.pid: time.monotonic() + GRACE + one.child.patience for one in some}
    hurried, told = False, time.monotonic() + GRACE
    for one in some:
        one.process.terminate()
    while alive := [one for one in some if not one.dead]:
        if wish.impatient and not hurried:
            hurried = True
            for one in alive:
                one.process.terminate()
                ends[one.process.pid] = time.monotonic() + (HURRY if one.child.patience else 0.0)
        if time.monotonic() > told and not hurried:
            told = float("inf")
            say(f"The {alive[0].child.name} still waits for what is paid for. Ctrl-C again stops now.")
        for one in alive:
            if time.monotonic() >= ends[one.process.pid]:
                os.killpg(one.process.pid, signal.SIGKILL)
                one.process.wait()
        time.sleep(0.02)


def run(children: Sequence[Child], note: str) -> int:
    """Run the children until a signal or a hopeless death; the exit code. The last child is what the person opens."""
    began = time.monotonic()
    if sentence := trouble_with_ports(children):
        print(sentence, file=sys.stderr)
        return 2
    wish, everyone = Wish(), list[Running]()
    try:
        everyone.extend(map(start, children))  # all are started before the first thread: see `die_with_launcher`
        for one in everyone:
            one.reader.start()
        sentence = wait_until_ready(everyone, wish)
        if not sentence and not wish.came.is_set():
            took = time.monotonic() - began
            say(f"Picture Desk is ready at {address(children[-1])} · {note} · {took:.1f} s · Ctrl-C stops it")
            while not wish.came.wait(0.2) and not sentence:
                sentence = revive(everyone)
    finally:
        stop(everyone, wish)
    if wish.signal:
        say("Picture Desk has stopped.")
        return 0 if wish.signal == signal.SIGINT else 128 + wish.signal
    print(sentence, file=sys.stderr)
    return 1
