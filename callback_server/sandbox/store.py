"""The sandbox's books: one SQLite file with tasks, charges, faults, pending callbacks and uploads.

`synchronous=FULL` and one transaction per request: what was answered survives kill -9, as at a real provider.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .faults import Rule
from .tables import prepare
from .task import MILLI, Callback, Task, to_credits


class Store:
    """All reads and writes of the books; safe to call from any thread."""

    def __init__(self, path: Path, opening_balance: float) -> None:
        """Open or make the file; a fresh one starts with the opening balance."""
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        prepare(self._db)
        self._db.execute("INSERT OR IGNORE INTO account VALUES (1, ?)", (round(opening_balance * MILLI),))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make several calls one act: all of it is kept, or none."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def _run(self, sql: str, *values: Any) -> int:
        with self._lock:
            return self._db.execute(sql, values).rowcount

    # creates

    def creates_since(self, key: str, at: int) -> int:
        """Count the creates of a key at kie after `at` (ms) that the rate limit let through."""
        sql = "SELECT count(*) FROM creates WHERE at > ? AND key = ? AND words != 'rate limit' AND provider = 'kie'"
        return int(self._all(sql, at, key)[0][0])

    def taken_since(self, provider: str, model: str, at: int) -> int:
        """Count what a provider took for a model after `at` (ms)."""
        sql = "SELECT count(task_id) FROM creates WHERE at > ? AND provider = ? AND model = ?"
        return int(self._all(sql, at, provider, model)[0][0])

    def add_create(
        self,
        *,
        at: int,
        key: str,
        code: int,
        words: str,
        model: str | None,
        task_id: str | None,
        provider: str = "kie",
    ) -> None:
        """Note that a create arrived, and how it was answered."""
        sql = "INSERT INTO creates (at, key, code, words, model, task_id, provider) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._run(sql, at, key, code, words, model, task_id, provider)

    def creates(self) -> list[dict[str, Any]]:
        """List every create that arrived, oldest first."""
        sql = "SELECT at, code, words, model, task_id, provider FROM creates ORDER BY id"
        return [dict(row) for row in self._all(sql)]

    # tasks

    def add_task(self, task: Task) -> None:
        """Write a new task."""
        self._run(
            "INSERT INTO tasks (id, model, input, callback_url, road, base_url, created_ms, due_ms, faults)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            task.id,
            task.model,
            json.dumps(task.input, ensure_ascii=False),
            task.callback_url,
            task.road,
            task.base_url,
            task.created_ms,
            task.due_ms,
            json.dumps(task.faults),
        )

    def task(self, task_id: str) -> Task | None:
        """Return one task."""
        rows = self._all("SELECT * FROM tasks WHERE id = ?", task_id)
        return Task.of(rows[0]) if rows else None

    def tasks(self) -> list[Task]:
        """List all tasks, oldest first."""
        return [Task.of(row) for row in self._all("SELECT * FROM tasks ORDER BY created_ms, id")]

    def due_tasks(self, now_ms: int) -> list[Task]:
        """List the tasks whose drawing time is over but that are not settled."""
        sql = "SELECT * FROM tasks WHERE ended_ms IS NULL AND due_ms <= ? ORDER BY due_ms"
        return [Task.of(row) for row in self._all(sql, now_ms)]

    def set_faults(self, task_id: str, faults: dict[str, str]) -> None:
        """Change the faults of a task that exists already."""
        self._run("UPDATE tasks SET faults = ? WHERE id = ?", json.dumps(faults), task_id)

    def settle_success(self, task: Task, urls: list[str], price: float, now_ms: int) -> bool:
        """End a task well: its URLs, its charge and kie's new balance are one act; False if it had ended before.

        The direct roads send their bill later, so nothing is taken from a balance there.
        """
        cost = round(price * MILLI, 3)
        with self.transaction():
            sql = "UPDATE tasks SET outcome = 'success', urls = ?, charged = ?, ended_ms = ?"
            if not self._run(f"{sql} WHERE id = ? AND ended_ms IS NULL", json.dumps(urls), cost, now_ms, task.id):
                return False
            self._run("INSERT INTO charges VALUES (?, ?, ?)", task.id, cost, now_ms)
            if task.provider == "kie":
                self._run("UPDATE account SET balance = balance - ?", cost)
            return True

    def settle_failure(self, task: Task, code: str, words: str, now_ms: int) -> bool:
        """End a task badly, without a charge; False if it had ended before."""
        sql = "UPDATE tasks SET outcome = 'fail', fail_code = ?, fail_words = ?, ended_ms = ?"
        return bool(self._run(f"{sql} WHERE id = ? AND ended_ms IS NULL", code, words, now_ms, task.id))

    def give_up_direct(self, now_ms: int) -> None:
        """End what a direct road was drawing when the process died: whoever waited for it hears nothing more."""
        sql = "UPDATE tasks SET outcome = 'fail', fail_code = '500', fail_words = ?, ended_ms = ?"
        words = "The server stopped while it was drawing."
        self._run(f"{sql} WHERE ended_ms IS NULL AND road IN ('gemini', 'ark')", words, now_ms)

    # money

    def balance(self) -> float:
        """Return the credits that are left."""
        return to_credits(self._all("SELECT balance FROM account")[0][0])

    def set_balance(self, amount: float) -> None:
        """Give the account this many credits."""
        self._run("UPDATE account SET balance = ?", round(amount * MILLI))

    def charges(self) -> list[tuple[str, float, int]]:
        """List (task id, credits, at in ms), oldest first."""
        return [(row[0], to_credits(row[1]), row[2]) for row in self._all("SELECT * FROM charges ORDER BY at, rowid")]

    # callbacks

    def add_callback(self, task_id: str, due_ms: int) -> None:
        """Plan a callback."""
        self._run("INSERT INTO callbacks (task_id, due_ms) VALUES (?, ?)", task_id, due_ms)

    def due_callbacks(self, now_ms: int) -> list[Callback]:
        """List the callbacks that should be sent by now."""
        sql = "SELECT id, task_id, due_ms, attempts FROM callbacks WHERE state = 'pending' AND due_ms <= ?"
        return [Callback(*row) for row in self._all(f"{sql} ORDER BY due_ms, id", now_ms)]

    def note_callback(self, item: Callback, state: str, last_answer: str, due_ms: int) -> None:
        """Record one attempt."""
        sql = "UPDATE callbacks SET attempts = ?, state = ?, last_answer = ?, due_ms = ? WHERE id = ?"
        self._run(sql, item.attempts + 1, state, last_answer, due_ms, item.id)

    def callbacks(self) -> list[dict[str, Any]]:
        """List all callbacks, oldest first."""
        return [dict(row) for row in self._all("SELECT * FROM callbacks ORDER BY id")]

    def next_due(self) -> int | None:
        """Return when (ms) the next task or callback falls due."""
        sql = (
            "SELECT min(due_ms) FROM (SELECT due_ms FROM tasks WHERE ended_ms IS NULL AND due_ms IS NOT NULL"
            " UNION ALL SELECT due_ms FROM callbacks WHERE state = 'pending')"
        )
        found = self._all(sql)[0][0]
        return None if found is None else int(found)

    # rules

    def add_rule(self, rule: dict[str, Any]) -> int:
        """Write a rule and return its id."""
        names = ("fault", "value", "match", "model", "nth", "times")
        with self.transaction():
            sql = "INSERT INTO rules (fault, value, match, model, nth, times) VALUES (?, ?, ?, ?, ?, ?)"
            self._run(sql, *(rule[name] for name in names))
            return int(self._all("SELECT last_insert_rowid()")[0][0])

    def rules(self) -> list[Rule]:
        """List the rules, oldest first."""
        return [Rule(**dict(row)) for row in self._all("SELECT * FROM rules ORDER BY id")]

    def count_rule(self, rule_id: int, *, seen: int, used: int) -> None:
        """Write how many requests a rule has seen and struck."""
        self._run("UPDATE rules SET seen = ?, used = ? WHERE id = ?", seen, used, rule_id)

    def drop_rules(self, rule_id: int | None = None) -> int:
        """Delete one rule, or all; return how many went."""
        if rule_id is None:
            return self._run("DELETE FROM rules")
        return self._run("DELETE FROM rules WHERE id = ?", rule_id)

    # uploads

    def add_upload(self, path: str, mime: str, size: int, at: int) -> None:
        """Note an upload; the same name overwrites."""
        self._run("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?)", path, mime, size, at)

    def upload(self, path: str) -> tuple[str, int] | None:
        """Return (mime type, uploaded at in ms)."""
        rows = self._all("SELECT mime, at FROM uploads WHERE path = ?", path)
        return (rows[0][0], rows[0][1]) if rows else None

    def reset(self, balance: float) -> None:
        """Forget everything."""
        with self.transaction():
            for table in ("creates", "tasks", "charges", "callbacks", "rules", "uploads"):
                self._run(f"DELETE FROM {table}")  # noqa: S608  names from the line above
            self.set_balance(balance)
