"""The loops by themselves: what they do when they are stopped, refused, kept waiting, or given half of a result."""

import asyncio
import base64
import itertools
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import films
import pytest
from bench import PICTURE, Bench, completed, rounds
from pictures import transparent_png
from shelf import Shelf
from sqlalchemy.exc import OperationalError
from stores import MODELS, SERVES, picture

from callback_server.intake import answered
from callback_server.providers.base import (
    Accepted,
    held,
)
from callback_server.providers.registry import Account
from callback_server.workers import fetcher as fetching
from callback_server.workers import loop
from callback_server.workers.comparison import Comparer
from callback_server.workers.loop import Bell, finish, run
from callback_server.workers.pulse import REMEMBERED_SECONDS, Pulse
from data import videos
from data.catalog import catalog
from data.errors import StorageError
from data.pace import lock_gate
from data.reconciliation import Books, Progress
from data.schema import Task
from data.status import Outcome, TaskStatus

S = TaskStatus
on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


def test_a_server_stopped_while_it_claims_gives_the_claim_back_unsent(bench: Bench) -> None:
    task = bench.stores.task()

    async def scenario() -> None:
        with bench.stores.db.transaction() as session:
            lock_gate(session, "kie")  # the claim waits for the gate
            sending = asyncio.create_task(bench.dispatcher.send())
            await asyncio.sleep(0.2)
            sending.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(scenario())
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, bench.submits, bench.stores.card(task.id).status) == (Outcome.NOT_SENT, [], S.QUEUED)
    assert bench.stores.claim().task.id == task.id, "it may be sent at once"


def test_a_request_that_fits_the_catalogue_no_more_is_refused_and_never_hangs(bench: Bench) -> None:
    task = bench.stores.task()
    with bench.stores.db.transaction() as session:
        row = session.get(Task, task.seq)
        assert row is not None
        row.model = "a model of yesterday"
        session.add(row)
    assert bench.send()
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, bench.submits, bench.stores.card(task.id).status) == (Outcome.REJECTED, [], S.FAILED)


HELD_UP = ("gate shut", "cancelled", "database away")


@on_sqlite
@pytest.mark.parametrize("why", HELD_UP)
def test_a_call_that_was_held_up_here_is_given_back_unsent_and_blames_no_provider(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr("callback_server.workers.dispatcher.PROMPT", -1.0)
    task, leaves = bench.stores.task(), bench.stores.submissions.leaves

    def held_up(*call: Any) -> bool:
        if why == "gate shut":
            with bench.stores.db.transaction() as session:
                lock_gate(session, "kie").paused_until = bench.stores.clock() + timedelta(seconds=5)
        elif why == "cancelled":
            assert not bench.stores.tasks.cancel(task.id, who="ann")
        else:
            raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
        return leaves(*call)

    monkeypatch.setattr(bench.stores.submissions, "leaves", held_up)
    assert bench.send()
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, bench.submits) == (Outcome.NOT_SENT, [])
    status = S.CANCELLED if why == "cancelled" else S.QUEUED
    card = bench.stores.card(task.id)
    assert (card.status, card.error_code) == (status, None if why == "cancelled" else "held_up")
    assert "provider:kie" not in bench.board.all()
    if status == S.QUEUED:
        assert bench.stores.tasks.cancel(task.id, who="ann"), "what was not sent is cancelled for free"


CHANGED = {
    "another family": ({"family": "seedream"}, "model_unknown"),
    "a setting that is gone": ({"params": {"brush": "wide"}}, "invalid"),
    "a value that is gone": ({"params": {"output_format": "bmp"}}, "invalid"),
    "a prompt that is too long now": ({"prompt": "x" * 100_000}, "invalid"),
    "a model that pauses": ({"model": next(m.id for m in catalog().models if m.paused), "family": "sora"}, "paused"),
    "a dearer price": ({"estimate_micro": 1}, "price_rose"),
}  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("name", CHANGED)
def test_what_the_catalogue_does_not_offer_so_any_more_is_not_bought(bench: Bench, name: str) -> None:
    change, code = CHANGED[name]
    bench.account = Account("kie", bench, frozenset({*SERVES, ("kie", "sora")}))
    task = changed(bench, change)
    assert bench.send()
    card = bench.stores.card(task.id)
    assert (bench.submits, card.status, card.error_code, card.charged_micro) == ([], S.FAILED, code, 0)
    assert card.error_detail


OLD_WORD = next(
    {"model": spec.id, "family": spec.family, "params": {param.name: word}, "estimate_micro": None}
    for spec in catalog().models for param in spec.params for word in param.wire_values.values()
    if (spec.provider, spec.family) in SERVES and spec.references is None and isinstance(word, str)
    and word not in param.allowed
)  # fmt: skip


@on_sqlite
@pytest.mark.parametrize("change", [OLD_WORD, {"params": {"aspect_ratio": "16:9"}}, {"estimate_micro": None},
                                    {"estimate_micro": 10**9}])  # fmt: skip
def test_what_the_catalogue_still_offers_goes(bench: Bench, change: dict[str, Any]) -> None:
    changed(bench, change)
    assert bench.send()
    assert len(bench.submits) == 1


def changed(bench: Bench, change: dict[str, Any]) -> Task:
    """A queued task as an earlier catalogue would have made it."""
    task = bench.stores.task()
    with bench.stores.db.transaction() as session:
        row = session.get(Task, task.seq)
        assert row is not None
        for name, value in change.items():
            setattr(row, name, value)
        session.add(row)
    return task


def test_a_reference_that_our_disk_does_not_give_just_now_is_not_sent_and_shuts_no_account(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.at_once = True
    image = bench.artifacts.take_reference(PICTURE, "a.png")
    task = bench.stores.task(model=MODELS[1], references=(image,))
    asyncio.run(bench.dispatcher.hand_over())

    def refuses(_: str) -> bytes:
        raise StorageError("The disk is away.")

    monkeypatch.setattr(bench.artifacts, "read_original", refuses)
    assert bench.send()
    (call,) = bench.stores.calls(task.id)
    card = bench.stores.card(task.id)
    assert (call.outcome, card.status, card.error_code) == (Outcome.NOT_SENT, S.QUEUED, "upload_failed")
    assert bench.lamps.storage_refuses
    bench.stores.task()
    assert bench.stores.claim(), "another task need not wait"


@on_sqlite
def test_an_answer_is_on_record_even_if_the_database_is_away_for_a_while(bench: Bench) -> None:
    bench.stores.task()
    claim = bench.stores.claim()
    file = Path(str(bench.stores.db.url.database))

    async def scenario() -> None:
        file.rename(f"{file}.away")
        noting = asyncio.create_task(answered(bench.stores.submissions, claim.submission_id, Accepted("p1")))
        await asyncio.sleep(0.5)
        assert not noting.done()
        Path(f"{file}.away").rename(file)
        await noting

    asyncio.run(scenario())
    assert bench.stores.card(claim.task.id).status == S.RUNNING


def test_a_picture_inside_the_answer_is_on_disk_before_the_answer_is_on_record(bench: Bench, shelf: Shelf) -> None:
    bench.at_once, bench.answer = True, completed(PICTURE)
    task = bench.stores.task()
    assert bench.send()
    (call,) = bench.stores.calls(task.id)
    assert (call.outcome, call.outputs) == (Outcome.SUCCEEDED, [held(PICTURE)])
    assert bench.artifacts.read_original(held(PICTURE).removeprefix("held:")) == PICTURE
    assert rounds(bench, shelf) == 1
    card = bench.stores.card(task.id)
    assert (card.status, card.pictures[0].sha256) == (S.SUCCEEDED, held(PICTURE).removeprefix("held:"))


def test_a_disk_that_refuses_the_only_copy_is_asked_again_and_nothing_more_is_bought(bench: Bench) -> None:
    bench.at_once, bench.answer = True, completed(PICTURE)
    first, second = bench.stores.task(), bench.stores.task()
    in_the_way = bench.storage.root / "pictures"
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("in the way")

    async def scenario() -> None:
        dispatcher = bench.dispatcher
        assert await dispatcher.send()
        while not bench.lamps.storage_refuses:
            await asyncio.sleep(0.02)
        bench.stores.clock.forward(seconds=80)
        await asyncio.sleep(0.8)  # tried once more: the call is kept alive
        bench.stores.clock.forward(seconds=30)
        assert bench.stores.deadlines.tick() == 0
        assert bench.stores.card(first.id).status == S.SUBMITTING
        assert not await dispatcher.send(), "its picture would be in memory alone too"
        in_the_way.unlink()
        await asyncio.gather(*dispatcher.under_way)
        assert not await dispatcher.send(), "until the disk has taken the test's file"
        await bench.lamps.check_storage()
        assert await dispatcher.send()
        await asyncio.gather(*dispatcher.under_way)

    asyncio.run(scenario())
    assert bench.board.all()["storage"].ok
    assert [bench.stores.card(task.id).status for task in (first, second)] == [S.FETCHING, S.FETCHING]
    assert len(bench.submits) == 2


def test_references_travel_inside_a_call_that_is_answered_at_once(bench: Bench) -> None:
    image = bench.artifacts.take_reference(PICTURE, "a.png")
    bench.at_once, bench.answer = True, completed(PICTURE)
    bench.stores.task(model=MODELS[1], references=(image,))
    asyncio.run(bench.dispatcher.hand_over())
    assert bench.send()
    (sent,) = bench.submits[0].input["image_urls"]
    original = bench.artifacts.read_original(image.sha256)
    assert sent == f"data:{image.mime};base64,{base64.b64encode(original).decode()}"


def test_a_call_whose_reference_has_gone_from_our_storage_is_not_made(bench: Bench) -> None:
    bench.at_once = True
    task = bench.stores.task(model=MODELS[1], references=(picture(),))
    bench.stores.errands.handed_over("kie", picture().sha256, "inline:x", bench.stores.clock() + timedelta(days=1))
    bench.stores.errands.handover_done(task.id)
    assert bench.send()
    card = bench.stores.card(task.id)
    assert (bench.submits, card.status, card.error_code) == ([], S.FAILED, "references_unusable")


@pytest.mark.parametrize(("file", "tries", "code"), [(b"<html>", 1, "not_an_image"),
                                                     (None, fetching.TRIES_FOR_A_MISSING_FILE, "expired")])  # fmt: skip
def test_a_file_that_came_with_the_answer_and_cannot_be_used_is_said_so(
    bench: Bench, shelf: Shelf, file: bytes | None, tries: int, code: str
) -> None:
    bench.at_once, bench.answer = True, completed(file or PICTURE)
    task = bench.stores.task()
    assert bench.send()
    if file is None:
        bench.artifacts.original_path(held(PICTURE).removeprefix("held:")).unlink()
    assert rounds(bench, shelf) == tries
    card = bench.stores.card(task.id)
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, code, 4_000_000)


@on_sqlite
@pytest.mark.parametrize(("source", "cause"), [("print('ready', flush=True); os.kill(os.getpid(), 9)", "not_an_image"),
                                               ("print('ready\\n{\"flaw\": \"memory\"}')", "too_large")])  # fmt: skip
def test_a_video_whose_reader_was_killed_is_tried_for_long(
    bench: Bench, shelf: Shelf, reader: Callable[[str], None], source: str, cause: str
) -> None:
    reader(source)
    shelf.answers = {"/1": [(200, films.mp4())]}
    claim = bench.stores.running()
    bench.stores.succeed(claim, urls=(f"http://{shelf.address}/1",))
    assert rounds(bench, shelf) == fetching.TRIES_FOR_MEMORY
    assert bench.stores.card(claim.task.id).error_code == cause


@on_sqlite
def test_a_reader_that_does_not_start_has_a_lamp_of_its_own_and_stops_no_picture(
    bench: Bench, shelf: Shelf, reader: Callable[[str], None]
) -> None:
    bench.at_once, bench.answer = True, completed(PICTURE)
    shelf.answers = {"/1": [(200, films.mp4())]}
    claim = bench.stores.running()
    bench.stores.succeed(claim, urls=(f"http://{shelf.address}/1",))

    async def scenario() -> None:
        reader("import no_such_module")
        assert await bench.fetcher(shelf).step()
        card, lamp = bench.stores.card(claim.task.id), bench.board.all()["videos"]
        assert (card.status, card.error_code, lamp.ok) == (S.FETCHING, "reader_down", False)
        assert "storage" not in bench.board.all()
        assert not bench.lamps.storage_refuses
        await bench.lamps.check_videos()
        assert not bench.board.all()["videos"].ok
        reader("print('ready')")
        await bench.lamps.check_videos()
        assert bench.board.all()["videos"].ok

    asyncio.run(scenario())


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`reader(source)` puts another program in the place of the one that reads videos."""
    path = tmp_path / "reader.py"
    monkeypatch.setattr(videos, "_READER", path)
    return lambda source: path.write_text(f"import os\n{source}\n") and None


def test_who_answers_at_once_has_a_lamp_without_a_balance_and_no_record_to_compare(bench: Bench) -> None:
    bench.at_once, bench.answer = True, completed(PICTURE)
    bench.stores.task()
    assert bench.send()
    asyncio.run(bench.lamps.check_provider("kie"))
    lamp = bench.board.all()["provider:kie"]
    assert (lamp.ok, set(lamp.data)) == (True, {"seconds"})
    progress, books = Progress(), Books(bench.stores.db, bench.stores.clock)
    progress.begin(bench.stores.clock() - timedelta(days=1), bench.stores.clock() + timedelta(days=1))

    async def keep(_: Progress) -> bool:
        return True

    assert asyncio.run(Comparer({"kie": bench.account}, books, bench.stores.submissions).run(progress, keep))
    assert (progress.complete, progress.compared, progress.differences) == (True, 0, [])


def test_calls_wait_for_a_free_seat_and_not_for_each_other(bench: Bench) -> None:
    bench.account = Account("kie", bench, frozenset(SERVES), seats=2)
    for _ in range(3):
        bench.stores.task()

    async def scenario() -> None:
        dispatcher = bench.dispatcher
        bench.gate = asyncio.Event()
        assert await dispatcher.send()
        assert await dispatcher.send()
        third = asyncio.create_task(dispatcher.send())
        await asyncio.sleep(0.2)
        assert (len(bench.submits), third.done()) == (2, False)
        bench.gate.set()
        assert await third
        await asyncio.gather(*dispatcher.under_way)

    asyncio.run(scenario())
    assert len(bench.submits) == 3


def test_an_outage_of_the_provider_fails_no_task_that_waits_with_a_reference(bench: Bench) -> None:
    image = bench.artifacts.take_reference(transparent_png(), "a.png")
    task = bench.stores.task(model=MODELS[1], references=(image,))
    bench.down = True
    for _ in range(8):
        asyncio.run(bench.dispatcher.hand_over())
        bench.stores.clock.forward(minutes=2)
    card = bench.stores.card(task.id)
    assert (card.status, card.error_code) == (S.QUEUED, "unreachable")
    bench.down = False
    asyncio.run(bench.dispatcher.hand_over())
    assert bench.stores.claim().task.id == task.id


def test_a_look_that_hangs_delays_no_other(bench: Bench) -> None:
    first, second = bench.stores.running("p1"), bench.stores.running("p2")
    bench.hangs = {"p1"}
    bench.stores.clock.forward(seconds=3)

    async def scenario() -> None:
        reconciler = bench.reconciler()
        async with asyncio.timeout(5):
            assert await reconciler.look()
            while bench.stores.card(second.task.id).status != S.FETCHING:
                await asyncio.sleep(0.02)
        await reconciler.stop()

    asyncio.run(scenario())
    assert bench.stores.card(first.task.id).status == S.RUNNING


def test_what_can_be_had_of_a_result_is_kept_and_the_rest_is_named(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(200, transparent_png())], "/2": [(404, b"")]}
    claim = bench.stores.running()
    bench.stores.succeed(claim, urls=(f"http://{shelf.address}/1", f"http://{shelf.address}/2"))
    assert rounds(bench, shelf) == fetching.TRIES_FOR_A_MISSING_FILE
    card = bench.stores.card(claim.task.id)
    assert (card.status, len(card.pictures)) == (S.SUCCEEDED, 1)
    assert "part_missing" in bench.stores.events(claim.task.id)


def test_a_missing_file_is_tried_for_two_minutes_and_its_record_looked_at_again(bench: Bench, shelf: Shelf) -> None:
    shelf.answers = {"/1": [(404, b"")]}
    claim = bench.stores.running()
    bench.stores.succeed(claim, urls=(f"http://{shelf.address}/1",))
    began, tries = bench.stores.clock(), 0
    while bench.stores.card(claim.task.id).status == S.FETCHING:
        tries += asyncio.run(bench.fetcher(shelf).step())
        bench.stores.clock.forward(seconds=1)
    assert tries == fetching.TRIES_FOR_A_MISSING_FILE
    assert bench.stores.clock() - began >= timedelta(minutes=2)
    assert bench.stores.card(claim.task.id).error_code == "expired"
    assert bench.stores.calls(claim.task.id)[0].poll_at is not None, "the record is looked at for fresh addresses"


def test_a_slow_fetcher_does_not_end_what_another_has_taken_over(bench: Bench) -> None:
    claim = bench.stores.running()
    bench.stores.succeed(claim)
    slow = bench.stores.errands.claim_fetch(timedelta(seconds=12))
    bench.stores.clock.forward(seconds=13)
    quick = bench.stores.errands.claim_fetch(timedelta(seconds=12))
    assert slow is not None
    assert quick is not None
    assert not bench.stores.errands.keep_fetch(claim.submission_id, timedelta(seconds=12), attempt=slow.attempt)
    bench.stores.errands.stored(claim.submission_id, 0, picture())
    assert not bench.stores.errands.fetched(claim.submission_id, attempt=slow.attempt)
    assert bench.stores.errands.fetched(claim.submission_id, attempt=quick.attempt)


def cancelled_after(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    async def scenario() -> None:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(seconds)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_a_loop_that_stumbled_goes_on_at_once_when_the_bell_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "FIRST_PAUSE", 20.0)
    monkeypatch.setattr(loop, "DEAF_SECONDS", 0.2)
    bell, steps = Bell(), itertools.count()
    done = threading.Event()

    async def step() -> bool:
        if next(steps) < 2:
            raise OSError("trouble")
        done.set()
        return False

    async def scenario() -> None:
        running = asyncio.create_task(run("test", step, bell))
        async with asyncio.timeout(10):
            while not done.is_set():
                await asyncio.sleep(0.05)
                bell.ring()
        running.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [OSError("disk"), None])
def test_being_told_to_stop_wins_over_what_had_to_be_finished(error: OSError | None) -> None:
    finished = []

    async def work() -> None:
        await asyncio.sleep(0.1)
        finished.append(1)
        if error:
            raise error

    cancelled_after(0.02, lambda: finish(work()))
    assert finished == [1]


@pytest.mark.parametrize(("seconds", "word"), [(7200, "forward by 2:00:00"), (-7200, "back by 2:00:00")])
def test_a_clock_that_jumps_lights_its_lamp_for_a_while(bench: Bench, seconds: int, word: str) -> None:
    wall, steady = [1_800_000_000.0], [50.0]
    pulse = Pulse(bench.board, {}, lambda: wall[0], lambda: steady[0])

    def beat(passed: float, jumped: float = 0) -> tuple[bool, str]:
        wall[0], steady[0] = wall[0] + passed + jumped, steady[0] + passed
        asyncio.run(pulse.beat())
        lamp = bench.board.all()["clock"]
        return lamp.ok, lamp.message

    assert beat(5) == (True, "Runs evenly.")
    assert beat(5, 4)[0], "a clock that is being set right by a time service is no trouble"
    ok, message = beat(5, seconds)
    assert (ok, word in message) == (False, True), message
    assert pulse.troubles["clock"] == message
    assert beat(5) == (False, message)
    assert beat(REMEMBERED_SECONDS)[0]
    assert pulse.troubles == {}


@on_sqlite
def test_a_database_that_refuses_is_told_at_once_and_on_the_board_afterwards(bench: Bench) -> None:
    pulse, file = Pulse(bench.board, {}), Path(str(bench.stores.db.url.database))
    asyncio.run(pulse.beat())
    file.rename(f"{file}.away")
    assert asyncio.run(pulse.beat())
    assert "does not answer" in pulse.troubles["database"]
    Path(f"{file}.away").rename(file)
    asyncio.run(pulse.beat())
    lamp = bench.board.all()["database"]
    assert (lamp.ok, "Takes writes again" in lamp.message, pulse.troubles) == (True, True, {})


def test_trouble_that_lasts_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        for _ in range(3):
            await bench.lamps.provider_trouble("kie", "no_credits", "Credits insufficient", again=True)
            await bench.lamps.storage_trouble("The disk is full.")

    asyncio.run(scenario())
    assert [record.getMessage() for record in caplog.records] == [
        "provider trouble: Credits insufficient", "storage trouble: The disk is full.",
    ]  # fmt: skip
