"""The engine, its pragmas, and the two ways to use it: `transaction()` to write, `read()` to look.

Sessions never leave `data/`. On SQLite a write begins IMMEDIATE behind a lock of this process: SQLite's own waiting is
unfair (measured p99 of 0.7 s and more), and a deferred transaction that reads before it writes fails with "database is
locked" however long it waits. `synchronous=FULL`, because NORMAL may forget "about to send" when the power fails, and
the task would be paid twice.
"""

import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from data.alarm import Alarm
from data.errors import DatabaseUnavailable
from data.fulltext import VOCABULARY
from data.hinting import WithHints
from data.one_file import OneFile
from data.schema import Table, utcnow
from data.sentences import Sentence

CHANNEL = "picture_desk"
CLOCK_SECONDS = 30.0
LINE = {
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 40_000,
    "options": "-c idle_in_transaction_session_timeout=60s",
}
"""What makes a line to PostgreSQL that goes nowhere an error, and lets a host that vanished hold its locks no longer
than a minute: nothing waits for anything inside a transaction. The address may say otherwise (`?connect_timeout=3`)."""

HEAD = "0013"
"""Revision of the newest migration; a test holds it to the folder. Knowing it spares each start Alembic's import."""


class Database:
    """One engine per process. `url` is an SQLAlchemy URL; the tables are made or migrated by `migrate()`."""

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Makes the folder of an SQLite file. Raises DatabaseUnavailable for an unusable address."""
        try:
            self.url = _with_driver(make_url(url))
            self.is_sqlite = self.url.get_backend_name() == "sqlite"
            self.engine = self._engine()
        except (ArgumentError, ImportError) as error:  # not an address, or no driver for it
            raise DatabaseUnavailable(Sentence("DATABASE_URL cannot be used: {why}", why=error)) from error
        # Streamlit may drop us without a word, with all it had cached: the connections end with us.
        self._ending = weakref.finalize(self, self.engine.dispose)
        self._writer = threading.Lock()
        self._reader = self.engine
        if not self.is_sqlite:  # the same pool; what each statement sees would otherwise be a moment of its own
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._asking = threading.Lock()
        self._clock: tuple[float, datetime] | None = None

    def _engine(self) -> Engine:
        # Parameters stay out of error texts: they hold prompts and the tokens of callback addresses.
        if not self.is_sqlite:
            arguments = {name: value for name, value in LINE.items() if name not in self.url.query}
            engine = create_engine(self.url, connect_args=arguments, pool_pre_ping=True, pool_size=10, max_overflow=40,
                                   hide_parameters=True)  # fmt: skip
            event.listen(engine, "after_cursor_execute", _note_writing)
            return engine
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        arguments = {"timeout": 10, "check_same_thread": False}
        engine = create_engine(self.url, connect_args=arguments, hide_parameters=True)
        engine.dialect.statement_compiler = WithHints
        event.listen(engine, "connect", _set_pragmas)
        if self.url.database and self.url.database != ":memory:":
            OneFile(Path(self.url.database)).guard(engine)
        return engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session inside one writing transaction: committed at the end, rolled back on any exception."""
        with self._exclusive(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            if not self.is_sqlite:
                _tell_others(session)
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent moment and writes nothing."""
        with self.look() as connection, Session(connection, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """The same without a session, for reads that make no objects of tables: half the cost of a small one."""
        with self._reader.connect() as connection:
            if self.is_sqlite:  # past SQLAlchemy, which takes ten times as long to say so
                driver: Any = connection.connection.driver_connection
                driver.execute("BEGIN")
            yield connection

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with self._writer:
            yield

    def now(self) -> datetime:
        """The present moment in UTC: this host's on SQLite, the database's own where several hosts share one.

        The database is asked every half minute; between that, the steps of the host's monotonic clock are added. One
        thread asks while the others go on by the last answer; only the very first answer is waited for.
        """
        if self.is_sqlite:
            return utcnow()
        known = self._clock
        stale = known is None or time.monotonic() - known[0] > CLOCK_SECONDS
        if stale and self._asking.acquire(blocking=known is None):
            try:
                if self._clock is known:  # else somebody has asked while we waited
                    self._clock = self._ask_the_time()
                known = self._clock
            finally:
                self._asking.release()
        assert known is not None
        return known[1] + timedelta(seconds=time.monotonic() - known[0])

    def _ask_the_time(self) -> tuple[float, datetime]:
        """A moment of this host's monotonic clock, and what the database's clock said at it."""
        with self.engine.connect() as connection:
            there: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return time.monotonic(), there.astimezone(UTC)

    def migrate(self) -> None:
        """Makes or upgrades the tables. Safe when several processes start together.

        Raises:
            DatabaseUnavailable: it cannot be opened, or was written by a newer Picture Desk.
        """
        try:
            if self._revision() == HEAD:
                return
            from data.migrations import upgrade  # noqa: PLC0415 - Alembic costs 0.4 s, needed only here

            upgrade(self)
        except DatabaseError as error:
            raise DatabaseUnavailable(
                Sentence("The database {name} cannot be opened: {why}", name=self.name, why=error.orig)
            ) from error

    def _revision(self) -> str | None:
        with self.engine.connect() as connection:
            if not self.engine.dialect.has_table(connection, "alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    @property
    def name(self) -> str:
        """The address without its password, fit for a message."""
        return self.url.render_as_string(hide_password=True)

    def watcher(self) -> "Watcher":
        """A cheap way to notice that somebody else has committed."""
        return Watcher(self)

    def close(self) -> None:
        """Gives all connections back."""
        self.engine.dispose()


class Watcher:
    """Tells whether the database changed since the last look, without asking it anything.

    On SQLite `PRAGMA data_version` on a kept connection of its own: about 20 µs, and it sees the commits of every other
    connection, of this process too. On PostgreSQL every commit of ours says NOTIFY, and a kept connection listens.
    """

    def __init__(self, database: Database) -> None:
        """Keeps one connection of its own, used from one thread at a time."""
        self._is_sqlite = database.is_sqlite
        self._kept = database.engine.raw_connection()
        connection: Any = self._kept.driver_connection
        self._connection = connection
        self._seen: int | None = None
        self._alarm: Alarm | None = None
        self.rang = False
        """Whether the last look took a ring away: of what it saw, or of what is still on its way."""
        if self._is_sqlite:
            with suppress(OSError):
                self._alarm = Alarm(Path(database.url.database or "").parent)
            return
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            self.close()
            raise

    @property
    def bell(self) -> int | None:
        """A descriptor that can be read once something may have changed; None where nobody tells and one has to ask.

        SQLite's rings at the first write of a transaction, so what it announces may be seen a moment later.
        """
        if self._is_sqlite:
            return self._alarm.fileno if self._alarm else None
        return int(self._connection.fileno())

    def changed(self) -> bool:
        """True when anything was committed since the last call, and at the first. Raises without a connection."""
        if self._is_sqlite:
            version = self._connection.cursor().execute("PRAGMA data_version").fetchone()[0]
            # Only now: a commit that was seen has rung before, so its ring is among these.
            self.rang = self._alarm.silence() if self._alarm else False
        else:
            news = sum(1 for _ in self._connection.notifies(timeout=0))
            version, self.rang = (self._seen or 0) + news, news > 0
        before, self._seen = self._seen, version
        return bool(before != version)

    def close(self) -> None:
        """Ends the connection; it is not given to anybody else, for it listens."""
        if self._alarm:
            self._alarm.close()
        self._kept.invalidate()


def insert_new(session: Session, table: type[Table], values: Mapping[str, Any]) -> bool:
    """Inserts the row unless one with its key is there; True if it was inserted. Waits for whoever is inserting it."""
    insert = _insert(session, table).values(**values).on_conflict_do_nothing()
    done = session.connection().execute(insert, execution_options={"preserve_rowcount": True})
    return done.rowcount == 1


def upsert(session: Session, table: type[Table], values: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Inserts the row, or overwrites the one with the same `keys` by `values`."""
    insert = _insert(session, table).values(**values)
    rest = {name: insert.excluded[name] for name in values if name not in keys}
    session.connection().execute(insert.on_conflict_do_update(index_elements=list(keys), set_=rest))


def _insert(session: Session, table: type[Table]) -> Any:
    insert = sqlite.insert if session.connection().dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def _with_driver(url: URL) -> URL:
    """`postgres://` and `postgresql://`, as everybody writes them, with the driver that we ship."""
    plain = url.drivername in ("postgres", "postgresql")
    return url.set(drivername="postgresql+psycopg") if plain else url


def _note_writing(
    connection: Connection, cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
) -> None:
    """Remembers that the transaction has changed a row: a claim that finds nothing must wake nobody."""
    if cursor.rowcount != 0 and statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
        connection.info["writes"] = True


def _tell_others(session: Session) -> None:
    """Wakes everybody's `Watcher` when this transaction commits, if it has changed anything."""
    session.flush()
    connection = session.connection()
    if connection.info.pop("writes", False):
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


def _set_pragmas(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(VOCABULARY)
    cursor.close()
