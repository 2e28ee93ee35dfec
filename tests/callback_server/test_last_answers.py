"""Nothing paid for is lost with the server: an orderly stop waits for it, and after kill -9 the disk knows it."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import PICTURE, Bench, completed
from stores import Stores, picture

from callback_server.intake import word_of
from callback_server.providers.base import Answer, Completed, PaidCall, ProviderReport
from callback_server.providers.direct import Direct
from callback_server.workers import _ended, last_answers
from callback_server.workers.dispatcher import Dispatcher
from data import notes
from data.errors import StorageError
from data.expired import Kept
from data.housekeeping import Housekeeping
from data.settling import Word
from data.status import Outcome, TaskStatus

S = TaskStatus
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Iterator[Bench]:
    stores = Stores(database_url)
    yield Bench(stores, tmp_path, at_once=True, answer=completed(PICTURE))
    stores.close()


def noted(bench: Bench) -> list[str]:
    return bench.storage.names(notes.FOLDER)


async def under_way(bench: Bench) -> Dispatcher:
    """A paid call that waits for its answer."""
    bench.gate = asyncio.Event()
    dispatcher = bench.dispatcher
    assert await dispatcher.send()
    while not bench.submits:
        await asyncio.sleep(0.01)
    return dispatcher


def test_a_stop_waits_for_the_answer_that_nobody_gives_twice(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    task = bench.stores.task()

    async def scenario() -> None:
        dispatcher = await under_way(bench)
        stopping = asyncio.create_task(last_answers([dispatcher], threading.Event()))
        await asyncio.sleep(0.3)
        assert not stopping.done()
        assert bench.gate is not None
        bench.gate.set()
        await stopping

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert bench.stores.card(task.id).status == S.FETCHING
    assert [record.getMessage() for record in caplog.records] == [
        "waiting for 1 paid answer, at most 120 s; Ctrl-C again stops now and leaves a doubt"
    ]


@pytest.mark.parametrize("why", ["a second signal", "the time is over", "a provider that can be asked"])
def test_a_stop_does_not_wait_for_ever_and_leaves_a_doubt(bench: Bench, why: str) -> None:
    task = bench.stores.task()
    bench.at_once = why != "a provider that can be asked"

    async def scenario() -> None:
        dispatcher, hurry = await under_way(bench), threading.Event()
        if why == "a second signal":
            threading.Timer(0.1, hurry.set).start()
        began = time.monotonic()
        await last_answers([dispatcher], hurry, seconds=0.3 if why == "the time is over" else 60)
        await _ended(dispatcher.under_way)
        assert time.monotonic() - began < 3

    asyncio.run(scenario())
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, bench.stores.card(task.id).status) == (Outcome.UNKNOWN, S.UNCONFIRMED)


def test_a_call_that_is_stopped_before_its_first_step_is_given_back_unsent(bench: Bench) -> None:
    task = bench.stores.task()

    async def scenario() -> None:
        dispatcher = bench.dispatcher

        async def loop() -> None:
            assert await dispatcher.send()
            await asyncio.sleep(60)

        sending = asyncio.create_task(loop())
        while not dispatcher.under_way:
            await asyncio.sleep(0)
        await _ended([sending])
        await _ended(dispatcher.under_way)

    asyncio.run(scenario())
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, bench.submits) == (Outcome.NOT_SENT, [])
    assert bench.stores.claim().task.id == task.id


class Slow(Direct):
    """A road whose answers take a while to read."""

    def __init__(self) -> None:
        super().__init__(self, "http://127.0.0.1:1")  # type: ignore[arg-type] # its own line
        self.reading = threading.Event()

    async def pay(self, url: str, request: object) -> tuple[int, dict[str, str], bytes]:  # noqa: ARG002
        return 200, {}, PICTURE

    def request(self, call: PaidCall) -> tuple[str, dict[str, object]]:  # noqa: ARG002
        return "/", {}

    def sort(self, call: PaidCall, status: int, headers: object, body: bytes) -> Answer:  # noqa: ARG002
        self.reading.set()
        time.sleep(0.2)
        return completed(body)

    def refusal(self, status: int, headers: object, payload: object) -> None:  # noqa: ARG002
        return None


def test_an_answer_that_has_come_is_read_to_its_end_whoever_stops_us(databases: object) -> None:
    async def scenario() -> Answer:
        road = Slow()
        paying = asyncio.create_task(road.submit(PaidCall("s-1", "m", {}, None)))
        while not road.reading.is_set():
            await asyncio.sleep(0.01)
        paying.cancel()
        return await paying

    assert isinstance(asyncio.run(scenario()), Completed)


def killed_before_the_commit(bench: Bench, *, moves: bool = False) -> tuple[str, str]:
    """A task whose answer lies on disk and is not on record; the ids of it and of its call."""
    task = bench.stores.task()
    claim = bench.stores.claim()
    answer = completed(PICTURE)
    for data in answer.files:
        bench.dispatcher._put(data)
    notes.keep(bench.storage, claim.submission_id, word_of(answer.report))
    if moves:
        bench.stores.clock.forward(minutes=10)
        bench.stores.deadlines.tick()
        assert bench.stores.card(task.id).status == S.UNCONFIRMED
    return task.id, claim.submission_id


@pytest.mark.parametrize("moves", [False, True])
def test_an_answer_on_disk_is_told_after_a_death_before_the_commit(bench: Bench, moves: bool) -> None:
    task_id, _ = killed_before_the_commit(bench, moves=moves)
    assert notes.replay(bench.storage, bench.stores.submissions)
    card = bench.stores.card(task_id)
    assert (card.status, card.charged_micro, noted(bench)) == (S.FETCHING, 4_000_000, [])
    assert not notes.replay(bench.storage, bench.stores.submissions)


def test_an_answer_told_twice_changes_nothing(bench: Bench) -> None:
    _, submission_id = killed_before_the_commit(bench)
    word = word_of(completed(PICTURE).report)
    assert bench.stores.submissions.completed(submission_id, word)
    assert not notes.replay(bench.storage, bench.stores.submissions)
    assert noted(bench) == []


def test_the_answer_is_on_disk_while_the_database_has_it_not_and_gone_afterwards(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, seen = bench.stores.task(), []
    real = bench.stores.submissions.completed

    def completed_at_last(submission_id: str, word: Word) -> bool:
        seen.append(noted(bench))
        return real(submission_id, word)

    monkeypatch.setattr(bench.stores.submissions, "completed", completed_at_last)
    assert bench.send()
    (call,) = bench.stores.calls(task.id)
    assert (seen, noted(bench)) == ([[f"{call.id}.json"]], [])


def test_a_failure_and_an_unreadable_note_are_told_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    task = bench.stores.task()
    claim = bench.stores.claim()
    report = ProviderReport("r-9", "failed", cause="policy", fail_message="no", raw={"a": [1]})
    bench.storage.put("answers/0-broken.json", b"{")
    notes.keep(bench.storage, claim.submission_id, word_of(report))
    for _ in range(2):
        notes.replay(bench.storage, bench.stores.submissions)
    assert bench.stores.card(task.id).status == S.FAILED
    assert noted(bench) == ["0-broken.json"], "what cannot be read is left for a person"
    assert sum("cannot be used" in record.getMessage() for record in caplog.records) == 1


def test_a_disk_that_takes_no_note_keeps_no_answer_from_the_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(notes, "keep", refuses)
    task = bench.stores.task()
    assert bench.send()
    assert bench.stores.card(task.id).status == S.FETCHING


def test_housekeeping_keeps_a_picture_that_only_an_answer_on_disk_names(bench: Bench) -> None:
    killed_before_the_commit(bench)
    keeping = Housekeeping(bench.stores.db, bench.storage, bench.artifacts, Kept(), bench.stores.clock)
    sha256 = completed(PICTURE).report.outputs[0].removeprefix("held:")
    assert keeping._named({sha256, picture().sha256}) == {sha256}
