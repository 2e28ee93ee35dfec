"""The regular duties against the sandbox: done once for all sidecars, told in sentences, stopped cleanly.

The provider's record is changed where it lives, in the sandbox's own books.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from databases import Databases
from engine import KEY, Engine
from local import local
from pictures import png
from processes import wait_until
from pydantic import SecretStr
from sqlmodel import select

from callback_server import reconcile, tidy
from callback_server.providers.kie import Kie
from callback_server.providers.registry import Account
from callback_server.workers.comparison import Comparer
from callback_server.workers.housekeeper import HOUR, LEASE, MONEY, PICTURES, Housekeeper, night
from data.artifacts import ArtifactStore
from data.chores import COMPARISON, HOUSEKEEPING, Chores
from data.db import Database
from data.health import HealthBoard
from data.history import Card
from data.housekeeping import Housekeeping
from data.reconciliation import BALANCE, CHARGE, FOUND, Books, Difference, Progress
from data.requests import GenerationRequest
from data.schema import Chore, Submission, Table
from data.status import TaskStatus
from data.storage import ObjectStorage, picture_key
from data.submissions import SubmissionStore
from data.tasks import TaskStore

MICRO = 1_000_000
pytestmark = pytest.mark.http


class Sidecar:
    """The housekeeper of one more sidecar, and everything it works with."""

    def __init__(self, database_url: str, state: Path, provider_url: str = "http://127.0.0.1:9") -> None:
        self.db = Database(database_url)
        self.storage = ObjectStorage(state)
        self.artifacts = ArtifactStore(self.db, self.storage, max_reference_bytes=10**7, max_pixels=64 * 10**6)
        self.kie = Kie(key=SecretStr(KEY), api_url=provider_url, upload_url=provider_url)
        accounts = {"kie": Account("kie", self.kie, frozenset({"nano-banana", "seedream"}))}
        self.comparer = Comparer(accounts, Books(self.db), SubmissionStore(self.db),
                                 per_minute=6000, longest_wait=0.05)  # fmt: skip
        self.chores = Chores(self.db)
        keeping = Housekeeping(self.db, self.storage, self.artifacts)
        self.keeper = Housekeeper(self.chores, keeping, self.comparer, HealthBoard(self.db), self.db.now)

    def due(self, name: str) -> None:
        """As if its hour had come, and the last comparison had been last night's."""
        with self.db.transaction() as session:
            chore = session.get(Chore, name) or Chore(name=name, due_at=self.db.now())
            chore.due_at = self.db.now() - timedelta(seconds=1)
            session.add(chore)

    def progress(self) -> Progress:
        return Progress.of(self.chores.report(COMPARISON))

    def lamp(self, name: str) -> tuple[bool, str]:
        row = HealthBoard(self.db).all()[name]
        return row.ok, row.message

    def together(self, *work: Callable[[], Awaitable[bool]]) -> list[bool]:
        """Does all of it at once, on one loop, and closes the wires."""

        async def run() -> list[bool]:
            done = await asyncio.gather(*(each() for each in work))
            await self.kie.aclose()
            return done

        return asyncio.run(run())


@pytest.fixture
def sidecars(database_url: str, tmp_path: Path) -> Iterator[tuple[Sidecar, Sidecar]]:
    """Two over one database and one storage, without a provider."""
    pair = Sidecar(database_url, tmp_path / "var"), Sidecar(database_url, tmp_path / "var")
    yield pair
    for sidecar in pair:
        asyncio.run(sidecar.kie.aclose())
        sidecar.db.close()


def litter(sidecar: Sidecar, number: int = 1) -> list[Path]:
    """Old files that nobody names."""
    paths = []
    for n in range(number):
        key = picture_key(f"{n % 11:02x}{n:062x}")
        sidecar.storage.put(key, b"litter", durable=False)
        paths.append(sidecar.storage.path(key))
        os.utime(paths[-1], (0, 0))
    return paths


# Housekeeping -------------------------------------------------------------------------------------------------------


def test_of_two_sidecars_at_once_one_keeps_house(sidecars: tuple[Sidecar, Sidecar]) -> None:
    first, second = sidecars
    (path,) = litter(first)
    first.due(HOUSEKEEPING)
    assert sorted(first.together(first.keeper.tidy, second.keeper.tidy)) == [False, True]
    assert not path.exists()
    row = first.chores.row(HOUSEKEEPING)
    assert row is not None
    assert row.report["found"]["originals"]["count"] == 1
    assert row.lease_until is None
    assert timedelta(minutes=59) < row.due_at - first.db.now() <= HOUR
    assert first.lamp(PICTURES)[0]
    assert first.together(first.keeper.tidy, second.keeper.tidy) == [False, False]


def test_a_fresh_desk_makes_its_first_pictures_in_peace(sidecars: tuple[Sidecar, Sidecar]) -> None:
    first, _ = sidecars
    assert first.together(first.keeper.tidy, first.keeper.compare) == [False, False]


def test_the_work_goes_on_when_its_worker_has_died(sidecars: tuple[Sidecar, Sidecar]) -> None:
    first, second = sidecars
    (path,) = litter(first)
    first.due(HOUSEKEEPING)
    assert first.chores.claim(HOUSEKEEPING, HOUR, LEASE)
    assert second.together(second.keeper.tidy) == [False]
    with second.db.transaction() as session:
        chore = session.get_one(Chore, HOUSEKEEPING)
        chore.lease_until = second.db.now()
        session.add(chore)
    assert second.together(second.keeper.tidy) == [True]
    assert not path.exists()


def test_told_to_stop_it_stops_soon_and_leaves_the_rest_to_the_next(sidecars: tuple[Sidecar, Sidecar]) -> None:
    first, second = sidecars
    paths = litter(first, 3000)
    first.due(HOUSEKEEPING)

    async def stopped() -> float:
        work = asyncio.create_task(first.keeper.tidy())
        while all(path.exists() for path in paths[::100]):
            await asyncio.sleep(0.001)
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        return time.monotonic() - began

    assert asyncio.run(stopped()) < 3 * 4
    row = first.chores.row(HOUSEKEEPING)
    assert row is not None
    assert row.lease_until is None
    if not row.report["complete"]:
        assert second.together(second.keeper.tidy) == [True]
    assert not any(path.exists() for path in paths)


def test_a_damaged_picture_lights_the_lamp(sidecars: tuple[Sidecar, Sidecar]) -> None:
    first, _ = sidecars
    reference = first.artifacts.take_reference(png(64, 48), "cat.png")
    TaskStore(first.db).create([GenerationRequest("google/nano-banana-edit", "a cat", {}, (reference,))], person="ann")
    first.storage.path(picture_key(reference.sha256)).unlink()
    first.due(HOUSEKEEPING)
    assert first.together(first.keeper.tidy) == [True]
    ok, message = first.lamp(PICTURES)
    assert not ok
    assert message.startswith("1 stored picture is missing or damaged.")


def everything(sidecar: Sidecar) -> tuple[dict[str, list[str]], dict[str, int]]:
    """All rows, and all files with their ages."""
    with sidecar.db.read() as session:
        run = session.connection().execute
        rows = {table.name: sorted(map(repr, run(table.select()).all())) for table in Table.metadata.sorted_tables}
    pictures = [path for place in ("pictures", "derived") for path in (sidecar.storage.root / place).rglob("*")]
    return rows, {str(path): path.stat().st_mtime_ns for path in pictures}


def test_the_command_says_first_and_does_then(
    sidecars: tuple[Sidecar, Sidecar],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = sidecars
    litter(first, 25)
    monkeypatch.setenv("STATE_DIR", str(first.storage.root))
    monkeypatch.setenv("DATABASE_URL", database_url)
    before = everything(first)
    assert tidy.main(["--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "25 pictures that no request names (0.1 MB) would go:"
    assert (len(said), said[-1]) == (22, "  … and 5 more")
    assert everything(first) == before
    assert second.chores.claim(HOUSEKEEPING, HOUR, LEASE)
    assert tidy.main([]) == 1
    assert "is tidying at this moment" in capsys.readouterr().out
    assert second.chores.done(HOUSEKEEPING, {}, second.db.now() + HOUR)
    assert tidy.main([]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "25 pictures that no request names (0.1 MB) went:"
    assert tidy.main(["--dry-run"]) == 0
    assert capsys.readouterr().out == "There is nothing to tidy.\n"


# The comparison -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A sandbox, and a server that has made two pictures."""
    folder = tmp_path_factory.mktemp("comparison")
    url = databases.fresh(folder / "var")
    with Engine(folder, url, webhooks=False) as running:
        cards = running.ended(*running.ask("a red kite", count=2))
        assert {card.status for card in cards} == {TaskStatus.SUCCEEDED}
        yield running
    databases.give_back(url)


@pytest.fixture
def night_shift(engine: Engine) -> Iterator[Callable[[], Sidecar]]:
    """Makes sidecars beside the engine; afterwards no comparison has ever been."""
    made: list[Sidecar] = []

    def make() -> Sidecar:
        made.append(Sidecar(engine.env["DATABASE_URL"], engine.folder / "var", engine.sandbox_url))
        made[-1].due(COMPARISON)
        return made[-1]

    yield make
    with engine.db.transaction() as session:
        for chore in session.exec(select(Chore).where(Chore.name == COMPARISON)):
            session.delete(chore)
    for sidecar in made:
        sidecar.db.close()


def compare_today(sidecar: Sidecar, **values: Any) -> Progress:
    """A comparison of everything that was settled today, as the coming night's would be."""
    progress, now = Progress(**values), sidecar.db.now()
    progress.begin(now - timedelta(days=1), now + timedelta(days=1))

    async def run() -> None:
        assert await sidecar.comparer.run(progress, _carry_on)
        await sidecar.kie.aclose()

    asyncio.run(run())
    assert progress.complete
    return progress


async def _carry_on(_: Progress) -> bool:
    return True


def record(engine: Engine, change: str, *values: Any) -> None:
    """Changes the provider's own books."""
    with closing(sqlite3.connect(engine.folder / "sandbox" / "sandbox.sqlite3", timeout=10)) as books, books:
        books.execute(change, values)


def finished(engine: Engine) -> list[Submission]:
    with engine.db.read() as session:
        return list(session.exec(select(Submission).order_by(Submission.id)))


def test_books_that_agree_are_said_to_agree(engine: Engine, night_shift: Callable[[], Sidecar]) -> None:
    progress = compare_today(night_shift())
    assert (progress.compared, progress.unanswered, progress.differences) == (len(finished(engine)), 0, [])


def test_of_two_sidecars_one_compares_and_the_lamp_tells(night_shift: Callable[[], Sidecar]) -> None:
    first, second = night_shift(), night_shift()

    async def both() -> list[bool]:
        done = await asyncio.gather(first.keeper.compare(), second.keeper.compare())
        await first.kie.aclose()
        await second.kie.aclose()
        return list(done)

    assert sorted(asyncio.run(both())) == [False, True]
    ok, message = first.lamp(MONEY)
    assert ok
    assert "agree" in message
    row = first.chores.row(COMPARISON)
    assert row is not None
    assert row.lease_until is None
    assert row.due_at.hour == 3
    assert first.progress().complete


def test_a_charge_that_the_provider_changed_afterwards_is_reported_and_our_books_stay(
    engine: Engine, night_shift: Callable[[], Sidecar]
) -> None:
    call = finished(engine)[0]
    record(engine, "UPDATE tasks SET charged = 5500 WHERE id = ?", call.provider_task_id)
    try:
        (found,) = compare_today(night_shift()).differences
    finally:
        record(engine, "UPDATE tasks SET charged = 4000 WHERE id = ?", call.provider_task_id)
    assert (found.kind, found.submission_id, found.task_id) == (CHARGE, call.id, call.task_id)
    assert (found.ours_micro, found.theirs_micro) == (4 * MICRO, 5_500_000)
    assert finished(engine)[0].charged_micro == 4 * MICRO


def test_the_lamp_says_what_differs_by_how_much_and_what_to_do(night_shift: Callable[[], Sidecar]) -> None:
    sidecar = night_shift()
    now = sidecar.db.now()
    progress = Progress(complete=True)
    progress.add(Difference(now.isoformat(), CHARGE, "kie", "We noted 4 credits.", 4 * MICRO, 5_500_000))
    assert sidecar.chores.claim(COMPARISON, HOUR, LEASE, early=True)
    assert sidecar.chores.done(COMPARISON, progress.plain(), now - timedelta(seconds=1))
    assert sidecar.together(sidecar.keeper.compare) == [True]
    ok, message = sidecar.lamp(MONEY)
    assert not ok
    assert "differ in 1 place, by 1.5 credits more than we noted" in message
    assert "Compare the list with the provider's log page" in message


def test_a_top_up_is_called_that_and_a_leak_is_a_difference(engine: Engine, night_shift: Callable[[], Sidecar]) -> None:
    left = local.get(f"{engine.sandbox_url}/healthz").json()["balance"]
    balances = compare_today(night_shift()).balances
    assert balances["kie"]["micro"] == round(left * MICRO)
    for change, kinds, said in ((500, [], "500 credits more than our books explain"), (-7, [BALANCE], "")):
        local.post(f"{engine.sandbox_url}/sandbox/credits", json={"credits": left + change}).raise_for_status()
        progress = compare_today(night_shift(), balances={name: dict(row) for name, row in balances.items()})
        assert [each.kind for each in progress.differences] == kinds
        assert said in " ".join(progress.notes)
    assert "7 credits less than our books explain" in progress.differences[0].text
    local.post(f"{engine.sandbox_url}/sandbox/credits", json={"credits": left}).raise_for_status()


def test_a_picture_that_we_did_not_know_of_is_found_and_fetched(
    engine: Engine, night_shift: Callable[[], Sidecar]
) -> None:
    """As if every look had failed and the deadline had passed: the call is closed, and the provider has its picture."""
    (task_id,) = engine.ask("a late kite [[fault:slow=4]]")
    wait_until(lambda: engine.card(task_id).status == TaskStatus.RUNNING, 10)
    with engine.db.transaction() as session:
        call = session.exec(select(Submission).where(Submission.task_id == task_id)).one()
        call.started_at -= timedelta(days=15)
        session.add(call)
    wait_until(lambda: _given_up(engine, task_id) and engine.charges(task_id), 20)
    progress = compare_today(night_shift())
    assert [(each.kind, each.task_id) for each in progress.differences] == [(FOUND, task_id)]
    (card,) = wait_until(lambda: _succeeded(engine, task_id), 20)
    assert card.charged_micro == 4 * MICRO
    assert len(engine.charges(task_id)) == 1


def _given_up(engine: Engine, task_id: str) -> bool:
    return "given_up" in [event.kind for event in engine.history.detail(task_id).events]


def _succeeded(engine: Engine, task_id: str) -> list[Card]:
    return [card for card in [engine.card(task_id)] if card.status == TaskStatus.SUCCEEDED]


def test_a_provider_that_is_down_breaks_the_comparison_off_and_it_goes_on_later(
    engine: Engine, night_shift: Callable[[], Sidecar]
) -> None:
    sidecar = night_shift()
    midnight = sidecar.db.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with engine.db.transaction() as session:  # settled on the day that the night compares
        for number, call in enumerate(session.exec(select(Submission))):
            call.settled_at = midnight - timedelta(hours=1, seconds=number)
            session.add(call)
    engine.fault(fault="polls_down")
    assert sidecar.together(sidecar.keeper.compare) == [True]
    ok, message = sidecar.lamp(MONEY)
    assert ok
    assert "was broken off and goes on by itself: 0 calls compared so far. kie: the provider could not be" in message
    httpx.delete(f"{engine.sandbox_url}/sandbox/faults").raise_for_status()
    sidecar = night_shift()
    assert sidecar.together(sidecar.keeper.compare) == [True]
    progress = sidecar.progress()
    assert (progress.complete, progress.trouble, progress.compared) == (True, "", len(finished(engine)))
    compared = f"{len(finished(engine))} calls compared."
    assert sidecar.lamp(MONEY)[1].startswith(f"Our books and the provider's record agree: {compared}")


def test_the_command_compares_one_day_and_its_exit_code_tells(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("STATE_DIR", "DATABASE_URL", "NANO_BANANA_API_KEY", "NANO_BANANA_API_URL", "KIE_UPLOAD_URL"):
        monkeypatch.setenv(name, engine.env[name])
    call = finished(engine)[-1]
    assert call.settled_at is not None
    day = f"{call.settled_at:%Y-%m-%d}"
    assert reconcile.main(["--day", day]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing differs."
    record(engine, "UPDATE tasks SET charged = 1000 WHERE id = ?", call.provider_task_id)
    assert reconcile.main(["--day", day]) == 1
    record(engine, "UPDATE tasks SET charged = 4000 WHERE id = ?", call.provider_task_id)
    said = capsys.readouterr().out
    assert f"(request {call.task_id}, there {call.provider_task_id}) −3" in said


def test_the_night_comes_once_a_day_and_not_for_all_desks_at_once() -> None:
    for hour in range(24):
        now = datetime(2026, 11, 23, hour, 1, tzinfo=UTC)
        due = [night(now) for _ in range(20)]
        assert {moment.hour for moment in due} == {3}
        assert all(timedelta(0) < moment - now <= timedelta(days=1, minutes=30) for moment in due)
        assert len(set(due)) > 1
