"""How work is noticed: a commit by the system's own word, and by asking where the system says nothing."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from processes import PATIENCE
from stores import Stores

from callback_server.workers import watch as watching
from callback_server.workers.loop import repeat
from callback_server.workers.watch import Bells, Watch
from data.alarm import Alarm
from data.db import Watcher

HOUR = 3600.0


@pytest.fixture
def stores(database_url: str) -> Iterator[Stores]:
    stores = Stores(database_url)
    yield stores
    stores.close()


@pytest.fixture(autouse=True)
def _no_regular_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "TICK_SECONDS", HOUR)


async def noticed(stores: Stores, commits: int) -> Watch:
    """Rings for each of so many commits, one after the other; the watch as it is after the last."""
    bells = Bells()
    watch, news, sends = Watch(stores.db, stores.errands, bells), bells.news.listener(), bells.sends.listener()
    looking = asyncio.create_task(repeat("watch", watch.glance, 0))
    async with asyncio.timeout(20 * PATIENCE):
        await news.wait()  # the first look of all
        for _ in range(commits):
            news.clear()
            await asyncio.sleep(watching.AFTER_SECONDS)  # nobody looks any more by themselves
            await asyncio.to_thread(stores.task)
            await news.wait()
        await sends.wait()
    looking.cancel()
    await asyncio.wait([looking])
    return watch


def test_a_commit_is_noticed_though_nobody_looks(stores: Stores) -> None:
    watch = asyncio.run(noticed(stores, 2))
    assert not watch._deaf
    watch.close()


def test_where_the_system_says_nothing_a_commit_is_noticed_by_looking(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watcher, "bell", None)
    asyncio.run(noticed(stores, 2)).close()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_system_that_keeps_silent_is_not_relied_on_twice(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """It promised to tell and did not: the regular look finds the commit, and from then on we look ourselves."""
    silent, other_end = socket.socketpair()
    with silent, other_end:
        monkeypatch.setattr(watching, "TICK_SECONDS", 1.0)
        monkeypatch.setattr(Watcher, "bell", silent.fileno())
        monkeypatch.setattr(Alarm, "silence", lambda _alarm: False)
        watch = asyncio.run(noticed(stores, 2))
        assert watch._deaf
        watch.close()


def test_what_is_told_in_the_moment_of_a_look_was_told(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look was due, and the commit came before it: nobody waited for its ring, and yet it has rung."""
    silent, other_end = socket.socketpair()
    with silent, other_end:
        monkeypatch.setattr(watching, "TICK_SECONDS", 1.0)
        monkeypatch.setattr(Watcher, "bell", silent.fileno())
        watch = asyncio.run(noticed(stores, 2))
        assert not watch._deaf
        watch.close()
