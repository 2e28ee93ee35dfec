"""The books: older ones are read, a token's price adds up, only kie has a balance, and nobody waits behind them."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest

from callback_server.sandbox.app import create_app
from callback_server.sandbox.config import SandboxConfig
from callback_server.sandbox.store import Store
from callback_server.sandbox.task import Task

pytestmark = pytest.mark.functions
OLDER = """
CREATE TABLE creates (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, key TEXT NOT NULL, code INTEGER NOT NULL,
  words TEXT NOT NULL, model TEXT, task_id TEXT);
CREATE TABLE tasks (id TEXT PRIMARY KEY, model TEXT NOT NULL, input TEXT NOT NULL, callback_url TEXT,
  playground INTEGER NOT NULL, base_url TEXT NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER,
  faults TEXT NOT NULL, ended_ms INTEGER, outcome TEXT, urls TEXT NOT NULL DEFAULT '[]', fail_code TEXT,
  fail_words TEXT, charged INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tasks_open ON tasks (due_ms) WHERE ended_ms IS NULL;
INSERT INTO creates VALUES (1, 5, 'k', 200, '', 'm', 'a');
INSERT INTO tasks VALUES ('a', 'm', '{}', NULL, 1, 'http://h', 5, 9, '{}', 9, 'success', '[]', NULL, NULL, 6500);
INSERT INTO tasks VALUES ('b', 'm', '{}', NULL, 0, 'http://h', 6, 9, '{}', NULL, NULL, '[]', NULL, NULL, 0);
"""


def task(road: str, number: int) -> Task:
    return Task(f"{road}{number}", "m", {}, None, road, "http://h", number, None, {})


def test_older_books_are_read_and_go_on(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite3"
    with sqlite3.connect(path) as db:
        db.executescript(OLDER)
    db.close()
    for _ in range(2):
        store = Store(path, 100)
        assert [(row.id, row.road, row.provider, row.charged) for row in store.tasks()] == [
            ("a", "playground", "kie", 6.5),
            ("b", "jobs", "kie", 0),
        ]
        assert [row["provider"] for row in store.creates()] == ["kie"]
        store.close()


def test_a_price_by_the_token_is_kept_to_the_millionth_and_kie_alone_has_a_balance(tmp_path: Path) -> None:
    store = Store(tmp_path / "books.sqlite3", 100)
    for road in ("jobs", "veo", "gemini", "ark"):
        store.add_task(task(road, 1))
        assert store.settle_success(task(road, 1), [], 7.317643, 9)
    assert [amount for _, amount, _ in store.charges()] == [7.317643] * 4
    assert store.balance() == pytest.approx(100 - 2 * 7.317643)
    store.close()


def test_what_a_direct_road_was_drawing_when_the_process_died_is_given_up(tmp_path: Path) -> None:
    store = Store(tmp_path / "books.sqlite3", 100)
    for road in ("jobs", "gemini", "ark"):
        store.add_task(task(road, 1))
    store.give_up_direct(7)
    assert {row.id: row.outcome for row in store.tasks()} == {"jobs1": None, "gemini1": "fail", "ark1": "fail"}
    assert store.charges() == []
    store.close()


CALLS = (
    ("GET", "/api/v1/chat/credit"),
    ("POST", "/api/v1/jobs/createTask"),
    ("POST", "/client/v1/model-pricing/page"),
    ("GET", "/gemini/v1beta/models"),
    ("POST", "/gemini/v1beta/models/x:generateContent"),
    ("GET", "/ark/api/v3/models"),
    ("POST", "/ark/api/v3/images/generations"),
    ("GET", f"/f/{'0' * 32}_0.png"),
    ("GET", "/uploads/a.png"),
)


def test_the_server_hears_others_while_a_request_waits_for_the_books(tmp_path: Path) -> None:
    app = create_app(SandboxConfig(tmp_path))

    async def ask() -> None:
        async with app.router.lifespan_context(app):
            store: Store = app.state.desk.store
            closed, open_again, heard = threading.Event(), threading.Event(), []

            def hold() -> None:
                with store.transaction():
                    closed.set()
                    heard.append(open_again.wait(5))

            holder = threading.Thread(target=hold)
            holder.start()
            await asyncio.to_thread(closed.wait)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
                calls = [asyncio.create_task(client.request(method, path)) for method, path in CALLS]
                await asyncio.sleep(0.3)  # a call that waits for the books on the event loop would not let this end
                assert not any(call.done() for call in calls)
                open_again.set()
                await asyncio.gather(*calls)
            holder.join()
            assert heard == [True]

    asyncio.run(ask())
