"""Faults of real disks, on small ones of our own: full, read-only. Run as a program inside a mount namespace.

`tests/callback_server/test_faults.py` starts it by `unshare`; `folder/var` (pictures) and `folder/db` (the database)
are then file systems of a few megabytes that nobody else sees and that vanish with us.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from engine import Engine
from local import local
from processes import wait_until

from data.causes import explain
from data.db import Database
from data.history import Card
from data.status import TaskStatus

S = TaskStatus
MOUNT = """
mount -t tmpfs -o size=40m none "$1/var" && mount -t tmpfs -o size=6m none "$1/db" && shift && exec "$@"
"""


@cache
def unshare() -> tuple[str, ...]:
    """The command that gives a program mounts of its own; empty where this machine lets nobody do so."""
    command = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--mount")
    trial = [*command, "mount", "-t", "tmpfs", "none", "/tmp"]
    able = shutil.which("unshare") and subprocess.run(trial, capture_output=True, check=False).returncode == 0
    return command if able else ()


def run(folder: Path) -> None:
    """Runs this file as a program on small disks; fails with what it said."""
    for name in ("var", "db"):
        (folder / name).mkdir()
    command = [*unshare(), "sh", "-c", MOUNT, "sh", str(folder), sys.executable, __file__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not one more byte fits."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Nobody may write, not even root."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def ready(engine: Engine) -> dict[str, object]:
    """What /readyz says."""
    said: dict[str, object] = local.get(f"{engine.url}/readyz", timeout=20).json()
    return said


def paid_once(engine: Engine, task_id: str) -> Card:
    """The task's card, once it has its picture."""
    (card,) = engine.ended(task_id, timeout=40)
    assert card.status == S.SUCCEEDED, (card, engine.log("server")[-5000:])
    assert len(engine.creates(task_id)) == len(engine.charges(task_id)) == 1
    return card


def a_picture_waits_while_its_disk_refuses(engine: Engine, trouble: str) -> None:
    """Shared by a full and a read-only disk; call it while it is so."""
    (task_id,) = engine.ask(f"a kite over a {trouble} disk")
    wait_until(lambda: engine.card(task_id).error_code == "storage_full", 20, what=lambda: engine.log("server")[-3000:])
    card = engine.card(task_id)
    assert card.status == S.FETCHING
    assert "goes on" in explain(card.error_code, card.charged_micro)
    wait_until(lambda: trouble in (engine.lamp_says("storage") or (True, ""))[1], 15)
    said = wait_until(lambda: trouble in str((found := ready(engine))["storage"]) and found, 5)
    assert (said["ok"], said["database"]) == (False, "ok")


def an_answer_waits_while_the_database_is_full(engine: Engine, disk: Path) -> None:
    """The most expensive moment: the provider has taken the task, and says so while nothing can be written."""
    before = len(engine.ledger()["creates"])
    (task_id,) = engine.ask("kite [[fault:slow_answer=2]]")
    wait_until(lambda: len(engine.ledger()["creates"]) > before, 10)
    with full(disk):
        wait_until(lambda: "paid call waits for the database" in engine.log("server"), 15,
                   what=lambda: engine.log("server")[-3000:])  # fmt: skip
        said = wait_until(lambda: (found := ready(engine))["database"] != "ok" and found, 15)
        assert (said["ok"], "full" in str(said["database"])) == (False, True), said
        assert local.get(f"{engine.url}/healthz").status_code == 200
    paid_once(engine, task_id)
    assert "in_doubt" not in [event.kind for event in engine.history.detail(task_id).events]
    wait_until(lambda: "Takes writes again" in (engine.lamp_says("database") or (True, ""))[1], 15)


def main(folder: Path) -> None:
    """All of it on one engine, one trouble after the other."""
    url = f"sqlite:///{folder / 'db' / 'picture-desk.sqlite'}"
    db = Database(url)
    db.migrate()
    db.close()
    with Engine(folder, url) as engine:
        paid_once(engine, *engine.ask("before"))
        with full(folder / "var"):
            a_picture_waits_while_its_disk_refuses(engine, "full")
        with read_only(folder / "var"):
            a_picture_waits_while_its_disk_refuses(engine, "read-only")
        an_answer_waits_while_the_database_is_full(engine, folder / "db")
        for card in engine.history.recent("ann"):
            paid_once(engine, card.id)
        wait_until(lambda: ready(engine)["ok"], 15)
        wait_until(lambda: (engine.lamp_says("storage") or (False, ""))[0], 20)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
