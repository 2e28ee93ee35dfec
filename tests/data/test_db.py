"""The database itself: pragmas, migrations, transactions that survive neighbours."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import Databases
from postgres import Postgres
from processes import free_port, wait_until
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import select
from stores import MODELS, Stores

from data.db import HEAD, Database, insert_new
from data.errors import DatabaseUnavailable
from data.fulltext import BATCH, is_ours
from data.health import HealthBoard
from data.history import History
from data.migrations import config
from data.preferences import Preferences
from data.projects import Projects
from data.query_reading import read
from data.removal import Removal
from data.requests import GenerationRequest
from data.schema import Preference, Project, Submission, Table, Task
from data.search import COUNTED, Search


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_committed_survives_a_power_cut(stores: Stores) -> None:
    with stores.db.engine.connect() as connection:
        values = {
            p: connection.exec_driver_sql(f"PRAGMA {p}").scalar()
            for p in ("synchronous", "journal_mode", "foreign_keys")
        }
    assert values == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}


def test_migrated_tables_are_the_tables_of_the_code(stores: Stores) -> None:
    with stores.db.engine.connect() as connection:
        # A key that counts by itself has a default of its own in PostgreSQL; the code knows none.
        options = {"compare_type": True, "compare_server_default": stores.db.is_sqlite,
                   "include_name": lambda name, kind, _: kind != "table" or not is_ours(name)}  # fmt: skip
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Table.metadata) == []
        assert context.get_current_revision() == HEAD


def test_old_tasks_can_be_searched_and_keep_what_they_repeat(databases: Databases, tmp_path: Path) -> None:
    db = Database(databases.empty(tmp_path))
    with db.engine.connect() as connection:
        command.upgrade(config(connection), "0004")
        columns = ("seq", "id", "batch_id", "position", "person", "source", "retry_of", "model", "family", "provider",
                   "prompt", "params", "digest", "status", "status_at", "created_at", "priority", "attempts",
                   "awaits_upload", "prepare_failures", "charged_micro", "reserved_micro", "booked_micro")  # fmt: skip
        insert = text(f"INSERT INTO task ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})")
        now = "2026-11-23 12:00:00.000000"
        for seq in range(1, BATCH + 3):
            row = (seq, f"t{seq}", "b", 0, "ann", "screen", f"t{seq - 1}" if seq % 2 else None, "m", "f", "p",
                   f"红色 kite {seq}", "{}", "d", "failed", now, now, 0, 1, False, 0, 0, 0, 0)  # fmt: skip
            connection.execute(insert, dict(zip(columns, row, strict=True)))
        connection.commit()
    db.migrate()
    search = Search(db)
    assert search.count(read("色").query, "ann") == COUNTED + 1
    assert search.ids(read(f"kite {BATCH + 2}").query, "ann") == (f"t{BATCH + 2}",)
    assert [kin.card.id for kin in History(db).family("t3")] == ["t2", "t3"]
    assert History(db).detail("t3").retry_of == "t2"
    db.close()


def test_an_old_project_is_found_and_one_however_the_accents_of_its_name_were_composed(stores: Stores) -> None:
    names = {"Fru\u0308hling": "Frühling", "Frühling": "Frühling", "Cafe\u0301": "Café", "ΰ": "ΰ", "Herbst": "Herbst"}
    requests = [GenerationRequest(MODELS[0], "a kite", {}, ())] * len(names)
    tasks = stores.tasks.create(requests, person="ann")
    Removal(stores.db, stores.clock).delete([tasks[2].id], who="ann")
    with stores.db.transaction() as session:  # as the older program wrote them
        for task, name in zip(tasks, names, strict=True):
            session.add(Project(key=name.casefold(), name=name, person="ann"))
            session.execute(update(Task).where(Task.id == task.id).values(project=name.casefold()))
        session.execute(text("UPDATE alembic_version SET version_num = '0011'"))
    stores.db.migrate()
    Removal(stores.db, stores.clock).restore([tasks[2].id], who="ann")
    search, kept = Search(stores.db), ["Frühling", "Café", "ΰ", "Herbst"]
    assert sorted(search.names().projects.values()) == sorted(kept)
    for name in kept:
        found = search.ids(search.read(f"project:{name}").query, "bob")
        assert set(found) == {task.id for task, own in zip(tasks, names.values(), strict=True) if own == name}, name
    Projects(stores.db, stores.clock).move([tasks[0].id], "ΰ", who="bob")
    assert sorted(search.names().projects.values()) == sorted(kept)


def test_several_processes_may_start_together(databases: Databases, tmp_path: Path) -> None:
    url, errors = databases.empty(tmp_path), []

    def start() -> None:
        database = Database(url)
        try:
            database.migrate()
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_database_of_a_newer_release_is_refused_and_left_alone(stores: Stores) -> None:
    with stores.db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnavailable, match=r"newer Picture Desk.*Nothing was changed"):
        stores.db.migrate()


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("this is not a database, it is a letter to a friend" * 20)
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with pytest.raises(DatabaseUnavailable, match="cannot be opened"):
        database.migrate()
    database.close()


def test_a_transaction_that_raises_leaves_nothing(stores: Stores) -> None:
    with suppress(ZeroDivisionError), stores.db.transaction() as session:
        session.add(Preference(person="ann", name="x", value=1))
        session.flush()
        _ = 1 / 0
    with stores.db.read() as session:
        assert session.exec(select(Preference)).all() == []


def test_many_threads_write_without_an_error(stores: Stores) -> None:
    def work() -> None:
        for _ in range(10):
            stores.task()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores.history.total() == 80


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_writer_waits_for_another_process(stores: Stores) -> None:
    assert stores.db.url.database is not None
    other = sqlite3.connect(stores.db.url.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.4, lambda: other.execute("COMMIT")).start()
    stores.task()
    assert stores.history.total() == 1
    other.close()


def test_the_watcher_hears_every_commit_and_nothing_else(stores: Stores) -> None:
    watcher = stores.db.watcher()
    assert watcher.changed()
    assert not watcher.changed()
    with stores.db.read() as session:
        session.exec(select(Task)).all()
    with stores.db.transaction() as session:
        session.exec(select(Task)).all()
    assert not watcher.changed()
    stores.task()
    wait_until(watcher.changed)
    assert not watcher.changed()
    watcher.close()


def test_a_look_sees_one_moment_whatever_is_committed_meanwhile(stores: Stores) -> None:
    stores.task()
    with stores.db.read() as session:
        before = len(session.exec(select(Task)).all())
        stores.task()
        assert len(session.exec(select(Task)).all()) == before == 1
    assert stores.history.total() == 2


def test_a_row_is_inserted_once_and_the_second_is_told_so(stores: Stores) -> None:
    row = {"person": "ann", "name": "theme", "value": "dark"}
    with stores.db.transaction() as session:
        assert insert_new(session, Preference, row)
        assert not insert_new(session, Preference, row | {"value": "light"})
    assert Preferences(stores.db).all("ann") == {"theme": "dark"}


def test_what_is_remembered_again_replaces_what_was_and_nothing_else(stores: Stores) -> None:
    preferences = Preferences(stores.db)
    preferences.remember("ann", theme="dark", count=4)
    preferences.remember("bob", theme="dark")
    preferences.remember("ann", theme=None)
    assert preferences.all("ann") == {"theme": None, "count": 4}
    assert preferences.all("bob") == {"theme": "dark"}


def test_many_servers_may_say_their_first_word_at_once(stores: Stores) -> None:
    board = HealthBoard(stores.db)
    at_once(8, lambda: board.report("server", ok=True, message="I am here."))
    at_once(8, lambda: board.ask("storage"))
    assert board.asked() == {"storage"}
    assert board.all()["server"].message == "I am here."


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_everybody_may_ask_the_time_at_once(stores: Stores) -> None:
    times: list[datetime] = []
    at_once(16, lambda: times.append(stores.db.now()))
    assert len(times) == 16
    assert max(times) - min(times) < timedelta(seconds=10)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_where_hosts_share_a_database_its_clock_is_the_clock(stores: Stores) -> None:
    true = stores.db.now()
    with time_machine.travel(datetime(2031, 1, 1, tzinfo=UTC)):
        assert timedelta(0) <= stores.db.now() - true < timedelta(seconds=5)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_host_that_vanishes_does_not_hold_its_locks_for_ever(stores: Stores) -> None:
    with stores.db.read() as session:
        waits = session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
    assert waits == "1min"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_of_postgresql_may_be_spelled_as_people_do(scheme: str) -> None:
    database = Database(f"{scheme}://desk:secret@127.0.0.1/desk")
    assert database.url.drivername == "postgresql+psycopg"
    assert "secret" not in database.name
    database.close()


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password() -> None:
    database = Database(f"postgresql://desk:secret@127.0.0.1:{free_port()}/desk")
    with pytest.raises(DatabaseUnavailable, match="cannot be opened") as caught:
        database.migrate()
    assert "secret" not in str(caught.value)
    database.close()


def test_a_database_that_was_gone_is_used_again_when_it_is_back() -> None:
    server = Postgres()
    stores = Stores(server.url("postgres"))
    stores.db.migrate()
    watcher = stores.db.watcher()
    stores.task()
    assert watcher.changed()

    server.stop()
    with pytest.raises(OperationalError):
        stores.task()
    with pytest.raises(OperationalError):
        stores.history.total()
    with pytest.raises(psycopg.OperationalError):
        wait_until(lambda: watcher.changed() and False)  # it may hear the goodbye before the silence
    watcher.close()
    with pytest.raises(psycopg.OperationalError):
        stores.db.watcher()

    server.start()
    assert stores.history.total() == 1
    watcher = stores.db.watcher()
    assert watcher.changed()
    stores.task()
    wait_until(watcher.changed)
    watcher.close()
    stores.close()
    server.close()


def at_once(count: int, work: Callable[[], object]) -> None:
    """Does the work in so many threads that start together; raises what any of them raised."""
    start = threading.Barrier(count)

    def after_the_others() -> None:
        start.wait()
        work()

    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(after_the_others) for _ in range(count)]:
            done.result()


def test_an_error_of_the_database_does_not_tell_what_was_written(stores: Stores) -> None:
    def write() -> None:
        with stores.db.transaction() as session:
            session.add(Submission(task_id="no such task", attempt=1, account="kie", token="secret-token",
                                   lease_until=stores.clock()))  # fmt: skip

    with pytest.raises(IntegrityError) as caught:
        write()
    assert "secret-token" not in str(caught.value)
