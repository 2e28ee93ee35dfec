"""Tables are brought up to date beside servers that run: nobody hangs, nothing ends in a deadlock or by halves."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from databases import Databases
from processes import wait_until

from data.db import HEAD, Database
from data.errors import DatabaseUnavailable
from data.migrations import config

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
OLD = "0009"


def old(databases: Databases, folder: Path) -> tuple[Database, str]:
    """A database of an older release, and its address for a server of that release."""
    url = databases.empty(folder)
    database = Database(url)
    with database.engine.connect() as connection:
        command.upgrade(config(connection), OLD)
        connection.commit()
    return database, url


def revision(url: str) -> str:
    with psycopg.connect(url) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        return str(found)


def test_a_server_that_works_meets_no_deadlock_and_the_start_ends_with_a_sentence(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds a call's row and comes to the task's; the migration would hold the tasks and come to the calls."""
    monkeypatch.setattr("data.migrations.PATIENCE", 1.0)
    database, url = old(databases, tmp_path)
    with psycopg.connect(url) as server, ThreadPoolExecutor() as pool:
        server.execute("SELECT * FROM submission FOR UPDATE")
        starting = pool.submit(database.migrate)
        time.sleep(0.3)
        for _ in range(20):
            server.execute("UPDATE task SET attempts = attempts + 1")
            time.sleep(0.1)
        with pytest.raises(DatabaseUnavailable, match=r"another server.*Nothing was changed\. Stop all other servers"):
            starting.result(timeout=10)
        assert revision(url) == OLD
        server.commit()
    database.migrate()
    assert revision(url) == HEAD
    database.close()


def test_a_server_meets_no_deadlock_though_each_table_is_waited_for_only_a_little(
    databases: Databases, tmp_path: Path
) -> None:
    """It holds the tasks and comes to the artifacts, which were locked before: two tables between are held shortly."""
    database, url = old(databases, tmp_path)

    def waited_for(table: str) -> bool:
        found = (
            "SELECT 1 FROM pg_locks WHERE relation = to_regclass(%s) AND mode = 'AccessExclusiveLock' AND NOT granted"
        )
        with psycopg.connect(url) as watcher:
            return watcher.execute(found, [table]).fetchone() is not None

    with ThreadPoolExecutor() as pool, psycopg.connect(url) as server:
        server.execute("UPDATE task SET attempts = attempts + 1")
        with psycopg.connect(url) as one, psycopg.connect(url) as other:
            one.execute("SELECT * FROM batch FOR UPDATE")
            other.execute("SELECT * FROM budget FOR UPDATE")
            starting = pool.submit(database.migrate)
            wait_until(lambda: waited_for("batch"))
            comes = pool.submit(server.execute, "SELECT * FROM artifact")
            for holder in (one, other):
                time.sleep(0.35)
                holder.commit()
            comes.result(timeout=10)  # psycopg.errors.DeadlockDetected, where it has waited for a second
        server.commit()
        starting.result(timeout=60)
    assert revision(url) == HEAD
    database.close()


def limit(url: str, *limits: str) -> None:
    """What an admin sets for the whole database; it holds for connections that come."""
    with psycopg.connect(url, autocommit=True) as admin:
        for one in limits:
            admin.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET {one}")  # type: ignore[arg-type]


def test_a_lock_timeout_of_the_database_does_not_end_the_start_at_once(databases: Databases, tmp_path: Path) -> None:
    """Neither while a table is held, nor while another process that starts is at it."""
    database, url = old(databases, tmp_path)
    limit(url, "lock_timeout = '50ms'")
    database.engine.dispose()
    with psycopg.connect(url) as server, ThreadPoolExecutor() as pool:
        server.execute("SELECT pg_advisory_xact_lock(7311405)")
        starting = pool.submit(database.migrate)
        time.sleep(0.3)
        server.commit()
        server.execute("SELECT * FROM submission FOR UPDATE")
        time.sleep(0.3)
        server.commit()
        starting.result(timeout=60)
    assert revision(url) == HEAD
    database.close()


def test_where_a_deadlock_is_looked_for_at_once_the_wait_for_the_tables_still_ends(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.migrations.PATIENCE", 0.5)
    database, url = old(databases, tmp_path)
    limit(url, "deadlock_timeout = '1ms'")
    database.engine.dispose()
    with psycopg.connect(url) as server, ThreadPoolExecutor() as pool:
        server.execute("SELECT * FROM submission FOR UPDATE")
        starting = pool.submit(database.migrate)
        try:
            with pytest.raises(DatabaseUnavailable, match="Nothing was changed"):
                starting.result(timeout=10)
        finally:
            server.rollback()
    database.close()


def test_what_changes_the_tables_may_take_longer_than_locking_them_and_than_any_other_statement(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, url = old(databases, tmp_path)
    limit(url, "statement_timeout = '1s'")
    database.engine.dispose()
    change = command.upgrade

    def slowly(settings: Config, revision: str) -> None:
        settings.attributes["connection"].exec_driver_sql("SELECT pg_sleep(1.1)")
        change(settings, revision)

    monkeypatch.setattr(command, "upgrade", slowly)
    database.migrate()
    assert revision(url) == HEAD
    database.close()


def test_between_the_short_transactions_of_others_a_moment_is_found(databases: Databases, tmp_path: Path) -> None:
    database, url = old(databases, tmp_path)
    stop, done = threading.Event(), list[int]()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as server:
            while not stop.is_set():
                with server.transaction():
                    server.execute("SELECT * FROM submission FOR UPDATE")
                    time.sleep(0.02)
                    server.execute("UPDATE task SET attempts = attempts + 1")
                done.append(1)

    with ThreadPoolExecutor() as pool:
        servers = [pool.submit(work) for _ in range(3)]
        try:
            database.migrate()
        finally:
            stop.set()
        for server in servers:
            server.result(timeout=10)
    assert done
    assert revision(url) == HEAD
    database.close()
