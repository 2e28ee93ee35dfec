"""What the machine beneath may do: disks, databases and clocks fail, come back, and every task ends as it should.

Whole processes; in each test the loops survive, somebody says what is wrong, and afterwards everything is completed and
paid once. The sandbox's ledger is the judge: every engine is audited at its end.
"""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import disks
import pytest
from databases import Databases
from disks import paid_once, ready
from engine import Engine
from films import mp4
from local import local
from pictures import transparent_png
from postgres import Postgres
from processes import wait_until
from shelf import Shelf

from data.db import Database
from data.status import TaskStatus

pytestmark = pytest.mark.processes
S = TaskStatus
on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
OpenEngine = Callable[..., Engine]


@pytest.fixture
def start_engine(databases: Databases, tmp_path: Path) -> Iterator[OpenEngine]:
    """Starts one engine; at the end it is audited and stopped."""
    engines: list[Engine] = []

    def start(env: dict[str, str] | None = None, *, webhooks: bool = True) -> Engine:
        engine = Engine(tmp_path, databases.fresh(tmp_path / "var"), env, webhooks=webhooks)
        engines.append(engine)
        return engine.__enter__()

    yield start
    for engine in engines:
        engine.__exit__()
        databases.give_back(engine.env["DATABASE_URL"])


def running(engine: Engine, seconds: int, count: int = 1) -> list[str]:
    """Tasks that the provider is drawing."""
    ids = engine.ask(f"kite [[fault:slow={seconds}]]", count=count)
    wait_until(lambda: {engine.card(task_id).status for task_id in ids} == {S.RUNNING}, 10)
    return ids


def all_paid_once(engine: Engine, *task_ids: str) -> None:
    for task_id in task_ids:
        paid_once(engine, task_id)
    wait_until(lambda: ready(engine)["ok"], 15, what=lambda: str(ready(engine)))


@pytest.mark.skipif(not disks.unshare(), reason="This machine lets nobody make mounts of their own (unshare --mount).")
def test_full_and_read_only_disks_delay_pictures_and_lose_none(tmp_path: Path) -> None:
    disks.run(tmp_path)


@on_sqlite
def test_a_database_locked_for_a_quarter_of_a_minute_costs_a_quarter_of_a_minute(start_engine: OpenEngine) -> None:
    engine = start_engine()
    ids = running(engine, 2, count=2)
    creates = len(engine.ledger()["creates"])
    ids += engine.ask("boat [[fault:slow_answer=2]]")
    wait_until(lambda: len(engine.ledger()["creates"]) > creates, 10)
    script = "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=9); " \
             "c.execute('BEGIN IMMEDIATE'); print(flush=True); time.sleep(15); c.execute('ROLLBACK')"  # fmt: skip
    command = [sys.executable, "-c", script, str(engine.db.url.database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        said = wait_until(lambda: (found := ready(engine))["database"] != "ok" and found, 10)
        assert said["ok"] is False
        assert other.poll() is None
    all_paid_once(engine, *ids)
    assert "in_doubt" not in [event.kind for task_id in ids for event in engine.history.detail(task_id).events]
    wait_until(lambda: "Takes writes again" in (engine.lamp_says("database") or (True, ""))[1], 15)


@on_sqlite
def test_a_database_file_moved_away_and_back_is_found_again(start_engine: OpenEngine) -> None:
    engine = start_engine()
    ids = running(engine, 2, count=2)
    file = Path(str(engine.db.url.database))
    away = file.with_suffix(".away")
    file.rename(away)
    wait_until(lambda: "does not answer" in str(ready(engine)["database"]), 10)
    time.sleep(3)  # the provider has finished meanwhile, and called
    assert not file.exists(), "an empty database was made in its place"
    away.rename(file)
    wait_until(lambda: ready(engine)["ok"], 15, what=lambda: str(ready(engine)))
    all_paid_once(engine, *ids, *engine.ask("afterwards"))
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_postgresql_stopped_and_started_is_found_again(tmp_path: Path) -> None:
    server = Postgres()
    try:
        server.execute("CREATE DATABASE desk")
        db = Database(server.url("desk"))
        db.migrate()
        db.close()
        with Engine(tmp_path, server.url("desk")) as engine:
            ids = running(engine, 2, count=2)
            creates = len(engine.ledger()["creates"])
            ids += engine.ask("boat [[fault:slow_answer=2]]")
            wait_until(lambda: len(engine.ledger()["creates"]) > creates, 10)
            server.stop()
            wait_until(lambda: "does not answer" in str(ready(engine)["database"]), 10)
            time.sleep(3)  # the provider has finished meanwhile, and called
            server.start()
            all_paid_once(engine, *ids, *engine.ask("afterwards"))
            kinds = [event.kind for task_id in ids for event in engine.history.detail(task_id).events]
            assert "in_doubt" not in kinds
            assert "Traceback" not in engine.log("server")
    finally:
        server.close()


JUMPS = """
import os, signal, sys
if "callback_server" in sys.orig_argv:
    import datetime, time_machine
    ahead, travel = 0.0, None
    def jump(number, frame):
        global ahead, travel
        ahead += 7200 if number == signal.SIGUSR1 else -7200
        if travel:
            travel.stop()
        real = datetime.datetime.now(datetime.UTC)
        travel = time_machine.travel(real + datetime.timedelta(seconds=ahead), tick=True)
        travel.start()
    signal.signal(signal.SIGUSR1, jump)
    signal.signal(signal.SIGUSR2, jump)
"""
"""Run by the server's interpreter at its start: a signal sets its wall clock two hours forward or back."""


@on_sqlite
def test_a_clock_that_jumps_two_hours_forward_and_back_stops_nobody(start_engine: OpenEngine, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(JUMPS)
    engine = start_engine({"PYTHONPATH": str(tmp_path / "site")})
    ids = []
    for number, direction in ((signal.SIGUSR1, "forward"), (signal.SIGUSR2, "back")):
        ids += running(engine, 2)
        os.kill(engine.processes["server"].pid, number)
        says_that_it_jumped(engine, direction)
        ids += engine.ask("boat")
        # Overdue by the new clock, a task may have failed at once: it is looked at all the same, and revived.
        have_their_pictures(engine, *ids)
    all_paid_once(engine, *ids)


def says_that_it_jumped(engine: Engine, direction: str) -> None:
    # The jump itself takes a moment of the time that it skips: it may be some hundred milliseconds short.
    about = re.compile(f"jumped {direction} by (1:59:5|2:00:0)")
    said = wait_until(lambda: about.search(str((found := ready(engine))["clock"])) and found, 10)
    assert said["ok"]
    wait_until(lambda: direction in (engine.lamp_says("clock") or (True, ""))[1], 10)


def have_their_pictures(engine: Engine, *ids: str) -> None:
    wait_until(lambda: all(engine.card(task_id).status == S.SUCCEEDED for task_id in ids), 30,
               what=lambda: f"{[engine.card(task_id) for task_id in ids]}\n{engine.log('server')[-3000:]}")  # fmt: skip


@on_sqlite
def test_a_corrupt_or_missing_file_that_heals_becomes_a_picture_or_a_video(
    databases: Databases, tmp_path: Path, shelf: Shelf
) -> None:
    picture, film = transparent_png(), mp4()
    shelf.answers = {
        "/corrupt": [(200, picture[: len(picture) // 2]), (200, b"\x89PNG\r\n\x1a\n" + bytes(500)), (200, picture)],
        "/late": [(404, b""), (403, b"<html>"), (200, picture)],
        "/film": [(200, film[:-100]), (200, film)],
        "/broken": [(200, picture[:-40])],
    }
    url = databases.fresh(tmp_path / "var")
    engine = Engine(tmp_path, url)
    engine.env["DOWNLOAD_ALLOW_HOSTS"] += f",{shelf.address}"
    with engine:
        ids = [engine.ask(f"kite [[fault:private_url=http://{shelf.address}{path}]]")[0] for path in shelf.answers]
        for task_id, whole in zip(ids[:3], (picture, picture, film), strict=True):
            card = paid_once(engine, task_id)
            assert engine.artifacts.read_original(card.pictures[0].sha256) == whole
        assert card.pictures[0].duration_ms == 1000
        (card,) = engine.ended(ids[3])
        assert (card.status, card.error_code) == (S.FAILED, "not_an_image")
        shelf.answers["/broken"] = [(200, picture)]
        engine.tasks.retry_download(ids[3], who="ann")
        wait_until(lambda: engine.card(ids[3]).status == S.SUCCEEDED, 15)
        all_paid_once(engine, *ids, *engine.ask("afterwards"))
        assert local.get(f"{engine.url}/readyz").json()["storage"] == "ok"
    databases.give_back(url)
