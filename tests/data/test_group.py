"""The group writer: few writes for many items, each answered after its own, whatever becomes of its neighbours."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import OperationalError

from data.errors import DatabaseUnavailable
from data.group import MAX_BATCH, MAX_WAITING, GroupWriter

BAD, TOO_MUCH = -1, -2  # what fails by itself, and what the disk has no room for


class Ledger:
    """Where tests write to: every batch that was tried, and a door that holds the first of them back."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.written: list[int] = []
        self.door = threading.Event()

    def write(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.door.wait(20)
        if BAD in items:
            raise ValueError("it cannot be written")
        if TOO_MUCH in items:
            raise OperationalError("COMMIT", {}, Exception("database or disk is full"))
        self.written += items
        return [LookupError(str(item)) if item < 0 else item * 10 for item in items]


@asynccontextmanager
async def writing(ledger: Ledger) -> AsyncIterator[GroupWriter[int, int]]:
    writer = GroupWriter(ledger.write)
    try:
        yield writer
    finally:
        ledger.door.set()
        await asyncio.to_thread(writer.close)


async def burst(writer: GroupWriter[int, int], ledger: Ledger, items: Sequence[int]) -> list[int | BaseException]:
    """All items at once; the writer begins when the first is in its hands and the others wait."""
    tasks = [asyncio.create_task(writer.put(item)) for item in items]
    while not ledger.batches:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    ledger.door.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_what_waits_is_written_at_once_and_everybody_gets_their_own_answer() -> None:
    async def run() -> None:
        ledger = Ledger()
        async with writing(ledger) as writer:
            first = asyncio.create_task(writer.put(0))
            while not ledger.batches:
                await asyncio.sleep(0.001)
            assert await burst(writer, ledger, range(1, 1001)) == [n * 10 for n in range(1, 1001)]
            assert await first == 0
        assert [len(batch) for batch in ledger.batches] == [1, MAX_BATCH, 1000 - MAX_BATCH]
        assert ledger.written == list(range(1001))

    asyncio.run(run())


def test_alone_an_item_waits_for_nobody() -> None:
    async def run() -> None:
        ledger = Ledger()
        ledger.door.set()
        async with writing(ledger) as writer:
            assert [await writer.put(n) for n in range(3)] == [0, 10, 20]
        assert ledger.batches == [[0], [1], [2]]

    asyncio.run(run())


def test_a_bad_item_does_not_fail_its_neighbours() -> None:
    async def run() -> None:
        ledger = Ledger()
        async with writing(ledger) as writer:
            answers = await burst(writer, ledger, [1, 2, BAD, -4, 5])
            assert [answers[0], answers[1], answers[4]] == [10, 20, 50]
            assert isinstance(answers[2], ValueError)
            assert isinstance(answers[3], LookupError)
            assert await writer.put(6) == 60, "the thread outlives every error"
        assert sorted(ledger.written) == [-4, 1, 2, 5, 6]

    asyncio.run(run())


def test_trouble_with_the_database_is_told_to_all_and_tried_once() -> None:
    async def run() -> None:
        ledger = Ledger()
        async with writing(ledger) as writer:
            answers = await burst(writer, ledger, [TOO_MUCH])
            assert isinstance(answers[0], DatabaseUnavailable)
            assert "disk is full" in str(answers[0].__cause__)
            told = await asyncio.gather(*(writer.put(n) for n in (7, 8, TOO_MUCH)), return_exceptions=True)
            assert isinstance(told[2], DatabaseUnavailable)
            assert await writer.put(1) == 10
        assert len(ledger.batches) <= 5, "not one by one"

    asyncio.run(run())


def test_a_client_that_has_gone_hinders_nobody_and_its_item_is_kept() -> None:
    async def run() -> None:
        ledger = Ledger()
        async with writing(ledger) as writer:
            gone, stays = asyncio.create_task(writer.put(1)), asyncio.create_task(writer.put(2))
            while not ledger.batches:
                await asyncio.sleep(0.001)
            gone.cancel()
            ledger.door.set()
            assert await stays == 20
            with pytest.raises(asyncio.CancelledError):
                await gone
        assert ledger.written == [1, 2]

    asyncio.run(run())


def test_what_waits_at_the_end_is_written_and_who_comes_later_is_told() -> None:
    async def run() -> None:
        ledger = Ledger()
        writer = GroupWriter(ledger.write)
        tasks = [asyncio.create_task(writer.put(n)) for n in range(20)]
        while not ledger.batches:
            await asyncio.sleep(0.001)
        closing = asyncio.create_task(asyncio.to_thread(writer.close))
        await asyncio.sleep(0.05)
        with pytest.raises(DatabaseUnavailable):
            await writer.put(21)
        ledger.door.set()
        await closing
        assert await asyncio.gather(*tasks) == [n * 10 for n in range(20)]
        assert not writer.alive
        assert ledger.written == list(range(20))

    asyncio.run(run())


def test_a_writer_that_is_stuck_says_so_instead_of_filling_the_memory() -> None:
    async def run() -> None:
        ledger = Ledger()
        async with writing(ledger) as writer:
            tasks = [asyncio.create_task(writer.put(n + 100)) for n in range(MAX_WAITING + MAX_BATCH + 50)]
            while not any(task.done() for task in tasks):
                await asyncio.sleep(0.001)
            told = next(task for task in tasks if task.done())
            assert isinstance(told.exception(), DatabaseUnavailable)
            ledger.door.set()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(answer, int) for answer in answers) == len(ledger.written) >= MAX_WAITING

    asyncio.run(run())
