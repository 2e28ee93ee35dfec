"""Housekeeping takes what nobody needs and nothing else: no picture that anybody names, no evidence about money."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Set
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import databases_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import png
from sqlalchemy import event, text
from sqlmodel import select
from stores import MODELS, Stores

from data import expired, fulltext, inspection, litter
from data.artifacts import ArtifactStore
from data.asks import asked_again
from data.catalog import catalog
from data.errors import InvalidRequest
from data.expired import Kept
from data.housekeeping import PAUSE, REBUILT, Housekeeping, Report
from data.images import EDGES, StoredImage
from data.linked import LinkedPictures
from data.marks import Marks
from data.preferences import Preferences
from data.query_reading import read
from data.removal import Removal
from data.requests import GenerationRequest
from data.schema import (
    Artifact,
    LedgerEntry,
    Pick,
    ProviderFile,
    RequestKey,
    Spending,
    Star,
    Submission,
    Table,
    Tag,
    Task,
    TaskEvent,
    WebhookDelivery,
)
from data.search import Search
from data.shrinking import Fit
from data.status import TaskStatus
from data.storage import ObjectStorage, picture_key, thumbnail_key

DAY = 24 * 3600


class House:
    """A database and a storage to be kept tidy."""

    def __init__(self, stores: Stores, folder: Path, kept: Kept | None = None) -> None:
        self.stores = stores
        self.storage = ObjectStorage(folder)
        self.artifacts = ArtifactStore(stores.db, self.storage, max_reference_bytes=10_000_000, max_pixels=64_000_000)
        self.keeping = Housekeeping(stores.db, self.storage, self.artifacts, kept, stores.clock)

    def tidy(self) -> Report:
        return self.keeping.run(whole=True)

    def file(self, content: bytes, *, days: float = 2) -> str:
        """A file that no row names, put so many days ago."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.storage.put(picture_key(sha256), content)
        self.age(sha256, days)
        return sha256

    def age(self, sha256: str, days: float) -> None:
        then = time.time() - days * DAY
        for key in (picture_key(sha256), *(thumbnail_key(sha256, edge) for edge in EDGES)):
            if self.storage.exists(key):
                os.utime(self.storage.path(key), (then, then))

    def picture(self, position: int = 0) -> StoredImage:
        """A picture that a task has brought home."""
        stored = self.artifacts.store_output(png(64 + position, 48))
        claim = self.stores.running(f"p{position}")
        self.stores.succeed(claim, f"p{position}")
        fetch = self.stores.errands.claim_fetch(timedelta(seconds=60))
        assert fetch is not None
        self.stores.errands.stored(fetch.submission_id, 0, stored)
        assert self.stores.errands.fetched(fetch.submission_id)
        return stored

    def has(self, sha256: str) -> bool:
        return self.storage.exists(picture_key(sha256))

    def everything(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All rows, and all files with their ages."""
        with self.stores.db.read() as session:
            rows = {
                table.name: sorted(map(repr, session.connection().execute(table.select()).all()))
                for table in Table.metadata.sorted_tables
            }
        paths = [path for path in self.storage.root.rglob("*") if path.is_file()]
        return rows, {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}

    def count(self, table: type[Table]) -> int:
        with self.stores.db.read() as session:
            return len(session.exec(select(table)).all())


@pytest.fixture
def house(stores: Stores, tmp_path: Path) -> House:
    return House(stores, tmp_path / "storage", Kept(requests=30))


def unneeded(house: House, sha256: str) -> list[litter.Litter]:
    """What a look at its shelf finds, as long as nobody names anything."""
    return [item for batch in litter.litter(house.storage, int(sha256[:2], 16), lambda _: set()) for item in batch]


def test_a_file_that_came_inside_an_answer_is_kept_for_its_call(house: House) -> None:
    """Nobody else has it: until it is fetched no row of a picture names it, and a person may retry for a fortnight."""
    sha256 = house.file(b"came inside an answer")
    claim = house.stores.running()
    house.stores.succeed(claim, urls=(f"held:{sha256}",))
    house.stores.clock.forward(days=20)
    house.tidy()
    assert house.has(sha256), "it waits to be fetched, however long"
    fetch = house.stores.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    house.stores.errands.fetch_failed(claim.submission_id, cause="not_an_image", message="", permanent=True)
    house.tidy()
    assert not house.has(sha256)


def failed(house: House, **task: Any) -> str:
    """A request whose paid call failed there."""
    claim = house.stores.running("f1", **task)
    house.stores.fail(claim, "f1")
    return claim.task.id


def cancelled(house: House, **task: Any) -> str:
    """A request that nothing was sent for."""
    task_id = house.stores.task(**task).id
    assert house.stores.tasks.cancel(task_id, who="ann")
    return task_id


def made(house: House, stored: StoredImage, name: str, **task: Any) -> str:
    """The id of a request that has this picture, and a mark of each kind."""
    claim = house.stores.running(name, **task)
    house.stores.succeed(claim, name)
    fetch = house.stores.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    house.stores.errands.stored(fetch.submission_id, 0, stored)
    assert house.stores.errands.fetched(fetch.submission_id)
    marks = Marks(house.stores.db, house.stores.clock)
    marks.star([claim.task.id], "ann")
    marks.tag([claim.task.id], "poster", "bob")
    marks.pick([claim.task.id], "cy")
    return claim.task.id


# Files --------------------------------------------------------------------------------------------------------------


def test_an_old_file_that_nobody_names_goes_and_a_young_one_stays(house: House) -> None:
    old, young = house.file(b"old"), house.file(b"young", days=0.9)
    report = house.tidy()
    assert (house.has(old), house.has(young)) == (False, True)
    assert (report.found[litter.ORIGINAL].count, report.found[litter.ORIGINAL].bytes) == (1, 3)
    assert report.found[litter.ORIGINAL].names == [old]


def test_a_picture_that_a_row_names_stays_however_old(house: House) -> None:
    stored = house.picture()
    house.age(stored.sha256, 4000)
    assert house.tidy().found[litter.ORIGINAL].count == 0
    assert house.has(stored.sha256)
    assert all(house.artifacts.thumbnail_path(stored.sha256, edge).exists() for edge in EDGES)


def test_a_picture_that_lies_in_somebodys_form_stays(house: House) -> None:
    stored = house.artifacts.take_reference(png(64, 48), "cat.png")
    house.age(stored.sha256, 5)
    Preferences(house.stores.db).remember("ann", references=[{"sha256": stored.sha256, "mime": "image/png"}])
    house.tidy()
    assert house.has(stored.sha256)


def test_thumbnails_without_a_picture_and_partial_files_go(house: House) -> None:
    stored = house.artifacts.store_output(png(64, 48))
    house.age(stored.sha256, 2)
    original = house.storage.path(picture_key(stored.sha256))
    partials = [original.with_name(f".{original.name}.0123abcd.partial"), house.storage.path("probe/x").with_name("ab")]
    for path in partials:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    report = house.tidy()
    assert [report.found[kind].count for kind in (litter.ORIGINAL, litter.THUMBNAIL, litter.PARTIAL)] == [1, 2, 2]
    assert [path for path in house.storage.root.rglob("*") if path.is_file()] == []


def test_what_housekeeping_does_not_know_it_leaves_alone(house: House) -> None:
    sha256 = house.file(b"known")
    strangers = [
        house.storage.root / "picture-desk.sqlite",
        house.storage.root / "notes" / sha256,
        house.storage.path(picture_key(sha256)).with_name("README"),
        house.storage.root / "pictures" / sha256,
    ]
    for path in strangers:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
        os.utime(path, (0, 0))
    house.tidy()
    assert all(path.exists() for path in strangers)
    assert not house.has(sha256)


def test_a_picture_put_again_while_its_old_file_is_judged_is_kept(house: House) -> None:
    """An upload finds its file there, writes nothing, and names it in a row a moment later."""
    sha256 = house.file(b"again")
    (found,) = unneeded(house, sha256)
    house.storage.put(picture_key(sha256), b"again")
    assert litter.remove([found], lambda _: set()) == []
    assert house.storage.read(picture_key(sha256)) == b"again"


def test_a_picture_put_again_in_the_very_middle_of_its_removal_is_kept(house: House) -> None:
    sha256 = house.file(b"again")
    (found,) = unneeded(house, sha256)

    def named(_: object) -> set[str]:
        house.storage.put(picture_key(sha256), b"again")  # its old file stands aside at this moment
        return set()

    litter.remove([found], named)
    assert house.storage.read(picture_key(sha256)) == b"again"


def test_a_picture_that_is_named_between_the_look_and_the_removal_is_kept(house: House) -> None:
    sha256 = house.file(b"named late")
    (found,) = unneeded(house, sha256)
    assert litter.remove([found], lambda asked: asked) == []
    assert house.storage.read(picture_key(sha256)) == b"named late"


def test_a_fresh_copy_is_not_replaced_by_the_broken_file_that_stood_aside(house: House) -> None:
    sha256 = house.file(b"again")
    house.storage.path(picture_key(sha256)).write_bytes(b"aga")
    house.age(sha256, 2)
    (found,) = unneeded(house, sha256)

    def named(asked: Set[str]) -> Set[str]:
        house.storage.put(picture_key(sha256), b"again")
        return asked

    litter.remove([found], named)
    assert house.storage.read(picture_key(sha256)) == b"again"


def test_what_a_killed_housekeeper_had_set_aside_comes_back_if_anybody_wants_it(house: House) -> None:
    stored, unwanted = house.picture(), house.file(b"unwanted")
    for sha256 in (stored.sha256, unwanted):
        path = house.storage.path(picture_key(sha256))
        path.rename(path.with_name(f".{sha256}.0123abcd.gone"))
    house.tidy()
    assert house.has(stored.sha256)
    assert not house.has(unwanted)
    assert [path.name for path in house.storage.root.rglob("*.gone")] == []


@pytest.mark.parametrize("kind", ["sqlite"])
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.0, 0.9, 1.1, 400.0]), st.booleans()), max_size=12))
@settings(max_examples=25, deadline=None)
def test_whatever_files_and_rows_there_are_none_is_lost_that_a_row_names(
    kind: str, files: list[tuple[int, float, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = Stores(databases_of(kind).fresh(Path(folder)))
        house = House(stores, Path(folder) / "storage", Kept(requests=30))
        named, young = set(), set()
        for number, days, has_row in files:
            content = f"picture {number}".encode()
            sha256 = house.file(content, days=days)
            (young.add if days < 1 else young.discard)(sha256)
            if has_row:
                named.add(sha256)
                stores.task(references=(StoredImage(sha256, "image/png", 1, 1, len(content)),))
        house.tidy()
        for number in range(10):
            sha256 = hashlib.sha256(f"picture {number}".encode()).hexdigest()
            assert house.has(sha256) == (sha256 in named | young)
        stores.close()


# Rows ---------------------------------------------------------------------------------------------------------------


def test_a_request_that_nothing_was_sent_for_goes_with_its_events_and_references(house: House) -> None:
    reference = house.artifacts.take_reference(png(64, 48), "cat.png")
    task_id = cancelled(house, model=MODELS[1], references=(reference,))
    house.age(reference.sha256, 40)
    entries = house.count(LedgerEntry)
    house.stores.clock.forward(days=29)
    assert house.tidy().found[expired.TASKS].count == 0
    house.stores.clock.forward(days=2)
    assert house.tidy().found[expired.TASKS].names == [task_id]
    assert [house.count(table) for table in (Task, TaskEvent, Artifact)] == [0, 0, 0]
    assert house.count(LedgerEntry) == entries
    assert not house.has(reference.sha256)


def test_a_request_that_was_paid_for_is_emptied_and_its_account_stays(house: House) -> None:
    task_id = failed(house, prompt="a secret kite")
    before = house.stores.calls(task_id)
    entries, events = house.count(LedgerEntry), house.stores.events(task_id)
    house.stores.clock.forward(days=31)
    assert house.tidy().found[expired.TASKS].names == [task_id]
    card = house.stores.card(task_id)
    assert (card.prompt, card.params, card.status, card.error_code) == ("", {}, TaskStatus.FAILED, expired.CLEARED)
    assert [call.model_dump() for call in house.stores.calls(task_id)] == [call.model_dump() for call in before]
    assert house.count(LedgerEntry) == entries
    assert house.stores.events(task_id) == [*events, expired.CLEARED]
    assert house.tidy().found[expired.TASKS].count == 0


def test_a_deleted_request_goes_after_thirty_days_and_its_account_stays(house: House) -> None:
    stored = house.artifacts.store_output(png(64, 48))
    task_id = made(house, stored, "p1", prompt="a secret kite")
    free = cancelled(house, prompt="a free kite")
    house.age(stored.sha256, 40)
    entries, calls, spendings = house.count(LedgerEntry), house.stores.calls(task_id), house.count(Spending)
    removal, search = Removal(house.stores.db, house.stores.clock), Search(house.stores.db)
    assert len(removal.delete([task_id, free], who="ann").ids) == 2
    house.stores.clock.forward(days=29)
    assert house.tidy().found[expired.DELETED].count == 0
    assert removal.restore([task_id], who="ann") == 1
    assert house.has(stored.sha256)
    assert search.ids(read("secret star:yes tag:poster pick:yes").query, "ann") == (task_id,)
    removal.delete([task_id], who="ann")
    house.stores.clock.forward(days=29, hours=23)
    assert house.tidy().found[expired.DELETED].names == [free]
    house.stores.clock.forward(days=1)
    assert house.keeping.survey().found[expired.DELETED].names == [task_id]
    assert house.has(stored.sha256)
    assert house.tidy().found[expired.DELETED].names == [task_id]
    assert not house.has(stored.sha256)
    assert [house.count(table) for table in (Task, Artifact, Star, Tag, Pick)] == [1, 0, 0, 0, 0]
    assert (house.count(LedgerEntry), house.count(Spending)) == (entries, spendings)
    assert [call.model_dump() for call in house.stores.calls(task_id)] == [call.model_dump() for call in calls]
    assert (removal.restore([task_id], who="ann"), house.stores.history.total()) == (0, 0)
    assert house.tidy().found[expired.DELETED].count == 0
    with house.stores.db.read() as session:
        assert session.exec(select(Task.prompt, Task.params)).all() == [("", {})]


def test_a_file_that_another_request_uses_outlives_the_deleted_one(house: House) -> None:
    stored = house.artifacts.store_output(png(64, 48))
    task_id = made(house, stored, "p1")
    house.stores.task(model=MODELS[1], references=(stored,))
    house.age(stored.sha256, 40)
    Removal(house.stores.db, house.stores.clock).delete([task_id], who="ann")
    house.stores.clock.forward(days=31)
    assert house.tidy().found[expired.DELETED].names == [task_id]
    assert house.has(stored.sha256)


def test_nothing_is_purged_of_which_a_picture_may_still_come(house: House) -> None:
    """A call in doubt stays open as long as the provider keeps results; and a call looked at is young again."""
    house.stores.task()
    claim = house.stores.claim()
    house.stores.submissions.in_doubt(claim.submission_id, message="no answer")
    house.stores.clock.forward(hours=1)
    house.stores.deadlines.tick()
    Removal(house.stores.db, house.stores.clock).delete([claim.task.id], who="ann")
    house.stores.clock.forward(days=31)
    assert house.tidy().found[expired.DELETED].count == 0, "its call is open"
    house.stores.deadlines.tick()
    assert house.tidy().found[expired.DELETED].count == 0, "it was given up just now"
    house.stores.clock.forward(days=16)
    assert house.tidy().found[expired.DELETED].names == [claim.task.id]
    assert house.stores.submissions.apply(claim.submission_id, house.stores.word("succeeded", urls=("http://h/1.png",)))
    house.stores.bring_home()
    assert house.stores.card(claim.task.id).status == TaskStatus.SUCCEEDED


def test_a_late_picture_still_finds_an_emptied_request(house: House) -> None:
    claim = house.stores.running("late")
    house.stores.fail(claim, "late")
    house.stores.clock.forward(days=31)
    house.tidy()
    assert house.stores.succeed(claim, "late")
    house.stores.bring_home()
    assert house.stores.card(claim.task.id).status == TaskStatus.SUCCEEDED


@pytest.mark.parametrize("model", [spec.id for spec in catalog().models])
def test_an_emptied_request_cannot_be_bought_again(house: House, model: str) -> None:
    """Its words are gone, so every model refuses it before anything is paid."""
    task = Task(batch_id="b", person="ann", model=model, family="f", provider="kie", prompt="", digest="")
    with pytest.raises(InvalidRequest):
        asked_again(task, (), house.stores.clock.now)


def _in_doubt(house: House) -> None:
    claim = house.stores.claim()
    assert house.stores.submissions.in_doubt(claim.submission_id, message="no answer")
    house.stores.clock.forward(minutes=31)
    assert house.stores.deadlines.tick()
    with house.stores.db.transaction() as session:
        for task in session.exec(select(Task)):
            task.reserved_micro = 0  # as for a model of unknown price
            session.add(task)


def _written_off_yesterday(house: House) -> None:
    _in_doubt(house)
    house.stores.clock.forward(days=30)
    with house.stores.db.read() as session:
        task_id = session.exec(select(Task.id)).one()
    house.stores.tasks.write_off(task_id, who="ann", again=False)


def _has_a_picture(house: House) -> None:
    claim = house.stores.claim()
    house.stores.submissions.accepted(claim.submission_id, "p1")
    house.stores.succeed(claim)
    house.stores.bring_home()


def _waits(_: House) -> None:
    return


@pytest.mark.parametrize("became", [_in_doubt, _written_off_yesterday, _has_a_picture, _waits])
def test_what_may_still_cost_money_or_bring_a_picture_stays(house: House, became: Callable[[House], None]) -> None:
    house.stores.task()
    became(house)
    house.stores.clock.forward(days=31 if became is not _written_off_yesterday else 1)
    assert house.tidy().found[expired.TASKS].count == 0
    assert house.count(Task) == 1


def test_requests_are_kept_for_ever_unless_a_person_chose_otherwise(stores: Stores, tmp_path: Path) -> None:
    house = House(stores, tmp_path / "storage")
    cancelled(house)
    stores.clock.forward(days=4000)
    assert house.tidy().found[expired.TASKS].count == 0


def test_a_key_that_may_be_repeated_still_finds_its_batch(house: House) -> None:
    request = GenerationRequest(MODELS[0], "kite", {}, ())
    (task,) = house.stores.tasks.create([request], person="ann", request_key="k1")
    house.stores.tasks.cancel(task.id, who="ann")
    house.stores.clock.forward(days=31)
    house.tidy()
    (again,) = house.stores.tasks.create([request], person="ann", request_key="k1")
    assert again.id == task.id


def test_evidence_may_not_be_thrown_away_while_it_may_be_needed() -> None:
    for kept in ({"requests": 14}, {"webhooks": 14}):
        with pytest.raises(ValueError, match="at least 15 days"):
            Kept(**kept)


def test_old_webhooks_keys_and_uploads_go_and_young_ones_stay(house: House) -> None:
    now = house.stores.clock.now
    with house.stores.db.transaction() as session:
        for name, days in (("old", 91), ("young", 89)):
            then = now - timedelta(days=days)
            session.add(WebhookDelivery(digest=name, received_at=then, submission_id="s", verdict="token", body="{}"))
            session.add(RequestKey(key=name, digest="d", batch_id="b", at=then))
        for name, hours in (("old", 25), ("young", 23)):
            session.add(ProviderFile(account="kie", sha256=name, url="u", expires_at=now - timedelta(hours=hours)))
    report = house.tidy()
    for kind in (expired.WEBHOOKS, expired.KEYS, expired.UPLOADS):
        assert report.found[kind].names == ["old"], kind
    assert [house.count(table) for table in (WebhookDelivery, RequestKey, ProviderFile)] == [1, 1, 1]


def test_a_picture_that_a_form_may_take_up_yet_stays_for_a_day_and_its_row_no_longer(house: House) -> None:
    linked = LinkedPictures(house.stores.db, house.stores.clock)
    wish, _ = linked.ask("ann", "https://h.example/a.png", Fit(10**7, 10**7))
    image = house.artifacts.take_reference(png(), "a.png")
    assert linked.arrived(wish, image)
    house.age(image.sha256, 2)
    house.stores.clock.forward(hours=23)
    house.tidy()
    assert (house.has(image.sha256), list(linked.found([wish]))) == (True, [wish])
    house.stores.clock.forward(hours=2)
    assert house.tidy().found[expired.LINKED].names == [wish]
    assert (house.has(image.sha256), linked.found([wish])) == (False, {})


def test_the_webhooks_of_an_open_call_stay(house: House) -> None:
    house.stores.task()
    claim = house.stores.claim()
    then = house.stores.clock.now - timedelta(days=200)
    with house.stores.db.transaction() as session:
        session.add(WebhookDelivery(digest="old", received_at=then, submission_id=claim.submission_id, verdict="token",
                                    body="{}"))  # fmt: skip
    assert house.tidy().found[expired.WEBHOOKS].count == 0


# Pictures -----------------------------------------------------------------------------------------------------------


def test_missing_and_broken_thumbnails_are_made_again(house: House) -> None:
    stored = house.picture()
    small, large = (house.storage.path(thumbnail_key(stored.sha256, edge)) for edge in EDGES)
    small.unlink()
    large.write_bytes(large.read_bytes()[:30])
    report = house.tidy()
    assert (report.found[REBUILT].count, report.damaged) == (2, {})
    assert house.tidy().found[REBUILT].count == 0


@pytest.mark.parametrize(("content", "fault"), [
    (None, inspection.MISSING), (b"short", inspection.WRONG_SIZE), ("other", inspection.WRONG_BYTES),
])  # fmt: skip
def test_a_damaged_original_is_reported_until_it_is_mended_and_never_deleted(
    house: House, content: bytes | str | None, fault: str
) -> None:
    stored = house.picture()
    path = house.storage.path(picture_key(stored.sha256))
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else b"x" * len(whole))
        os.utime(path, (0, 0))
    report = house.tidy()
    assert report.damaged == {stored.sha256: fault}
    assert path.exists() == (content is not None)
    # Remembered by the next run, which looks at others.
    report = house.keeping.run(report.plain() | {"cursor": {"row": "f"}})
    assert report.damaged == {stored.sha256: fault}
    path.write_bytes(whole)
    assert house.keeping.run(report.plain()).damaged == {}


def test_a_disk_that_refuses_is_told_and_the_rest_is_done(house: House) -> None:
    (house.storage.root / "probe").mkdir(parents=True)
    loop = house.storage.root / "pictures"
    loop.symlink_to(loop)  # a refusal that even root meets
    cancelled(house)
    house.stores.clock.forward(days=31)
    report = house.tidy()
    assert report.found[expired.TASKS].count == 1
    assert len(report.trouble) == 1
    assert "could not be looked through" in report.trouble[0]


# Dry, in slices, stopped --------------------------------------------------------------------------------------------


def _a_bit_of_everything(house: House) -> None:
    cancelled(house)
    failed(house)
    for number in range(30):
        house.file(f"litter {number}".encode())
    then = house.stores.clock.now - timedelta(days=100)
    with house.stores.db.transaction() as session:
        session.add(WebhookDelivery(digest="old", received_at=then, submission_id="s", verdict="token", body="{}"))
    house.stores.clock.forward(days=31)
    house.file(b"young", days=0.5)
    stored = house.picture()
    house.age(stored.sha256, 40)
    house.storage.path(thumbnail_key(stored.sha256, 320)).unlink()


def test_a_survey_changes_nothing_and_says_just_what_a_run_then_does(house: House) -> None:
    _a_bit_of_everything(house)
    before = house.everything()
    said = house.keeping.survey()
    assert house.everything() == before
    done = house.tidy()
    assert {kind: (each.count, each.bytes) for kind, each in said.found.items()} == {
        kind: (each.count, each.bytes) for kind, each in done.found.items()
    }
    assert said.found[litter.ORIGINAL].count == 30
    assert len(said.found[litter.ORIGINAL].names) == 20
    assert not any(each.count for each in house.keeping.survey().found.values())


def test_runs_in_slices_get_through_everything_in_a_day(house: House) -> None:
    _a_bit_of_everything(house)
    report: dict[str, Any] = {}
    for _ in range(24):
        report = house.keeping.run(report).plain()
    assert not any(each.count for each in house.keeping.survey().found.values())


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_index_of_prompts_is_put_together_once_a_day_and_says_what_it_said(house: House) -> None:
    search = house.stores.search

    def parts() -> int:
        with house.stores.db.look() as connection:
            return connection.execute(text("SELECT count(DISTINCT segid) FROM task_text_idx")).scalar_one()

    def written() -> tuple[str, ...]:
        for n in range(3):
            house.stores.task(prompt=f"红色 kite {n}")
        return search.ids(read("红 kite").query, "ann")

    found = written()
    assert (parts(), len(found)) == (3, 3)
    report = house.keeping.run()
    assert (parts(), search.ids(read("红 kite").query, "ann")) == (1, found)
    more = written()[:-1]
    first = house.stores.card(found[-1])
    with house.stores.db.transaction() as session:
        fulltext.forget(session.connection(), [(first.seq, first.prompt)])
    house.keeping.run(report.plain())
    assert (parts(), len(more)) == (5, 5)
    house.stores.clock.forward(days=1)
    house.keeping.run(report.plain())
    assert (parts(), search.ids(read("红 kite").query, "ann")) == (1, more)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_others_can_write_while_the_index_of_prompts_is_put_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's lock goes to whoever looks for it while it is free: so it has to be free for a while, and often."""
    monkeypatch.setattr("data.fulltext.MERGED", 1)
    for n in range(2):
        house.stores.task(prompt=" ".join(f"{n}word{m}" for m in range(6000)))
    begun, ended = list[float](), list[float]()

    def said(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if "'merge'" in statement:
            begun.append(time.monotonic())

    event.listen(house.stores.db.engine, "before_cursor_execute", said)
    event.listen(house.stores.db.engine, "commit", lambda _: ended.append(time.monotonic()))
    house.keeping.run()
    assert len(begun) > 3
    for step in begun[1:]:
        assert step - max(end for end in ended if end < step) >= 0.9 * PAUSE


def test_a_run_told_to_stop_stops_and_the_next_goes_on(house: House) -> None:
    _a_bit_of_everything(house)
    steps = iter(range(6))
    stopped = house.keeping.run(whole=True, go_on=lambda: next(steps, None) is not None)
    assert not stopped.complete
    assert house.tidy().complete
    assert not any(each.count for each in house.keeping.survey().found.values())


def test_no_call_is_ever_deleted(house: House) -> None:
    _a_bit_of_everything(house)
    calls = house.count(Submission)
    house.tidy()
    assert house.count(Submission) == calls
