"""Deleting takes out of sight, never spends, and never hides a picture that comes after all."""

from datetime import timedelta

import pytest
from stores import Stores, picture

from data.errors import NotFound
from data.glances import Glances
from data.ledger import TEAM, Ledger
from data.query import Query
from data.removal import KEPT_FOR, Removal, Removed
from data.requests import GenerationRequest
from data.status import TaskStatus
from data.submissions import Claim


@pytest.fixture
def removal(stores: Stores) -> Removal:
    return Removal(stores.db, stores.clock)


def failed(stores: Stores, name: str = "p1") -> Claim:
    claim = stores.running(name)
    stores.fail(claim, name)
    return claim


def doubtful(stores: Stores) -> Claim:
    """A request that was perhaps taken, and whose person was told that it failed."""
    stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="no answer")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    assert stores.card(claim.task.id).status == TaskStatus.FAILED
    return claim


def test_a_deleted_task_is_nowhere_and_comes_back_as_it_was(stores: Stores, removal: Removal) -> None:
    claim = stores.running()
    stores.succeed(claim)
    stores.bring_home()
    before, task_id = stores.card(claim.task.id), claim.task.id
    assert removal.delete([task_id, "no such task"], who="bob") == Removed((task_id,), 0)
    assert removal.delete([task_id], who="cy") == Removed((), 0)
    with pytest.raises(NotFound):
        stores.card(task_id)
    assert stores.search.page(Query(), "ann").cards == stores.history.recent("ann") == ()
    assert (stores.history.total(), Glances(stores.db).count()) == (0, 0)
    assert stores.tasks.like(GenerationRequest(claim.task.model, claim.task.prompt, {}, ())) is None
    (deleted,) = removal.deleted()
    assert (deleted.card, deleted.by, deleted.until) == (before, "bob", stores.clock() + KEPT_FOR)
    assert removal.restore([task_id], who="ann") == 1
    assert removal.restore([task_id], who="ann") == 0
    assert stores.card(task_id) == before
    assert stores.events(task_id)[-2:] == ["deleted", "restored"]


def test_what_is_under_way_stays(stores: Stores, removal: Removal) -> None:
    ended = failed(stores)
    running = stores.running("p2", person="bob")
    fetching = stores.running("p3", person="cy")
    stores.succeed(fetching, "p3")
    queued = stores.task().id
    ids = [queued, ended.task.id, running.task.id, fetching.task.id]
    assert removal.delete(ids, who="ann") == Removed((ended.task.id,), 3)
    assert {card.id for card in stores.search.page(Query(), "ann").cards} == set(ids) - {ended.task.id}


def test_nothing_can_be_asked_of_a_deleted_task(stores: Stores, removal: Removal) -> None:
    claim = doubtful(stores)
    task_id, batch = claim.task.id, claim.task.batch_id
    removal.delete([task_id], who="ann")
    for act in (
        lambda: stores.tasks.retry(task_id, who="ann"),
        lambda: stores.tasks.write_off(task_id, who="ann", again=True),
        lambda: stores.tasks.retry_download(task_id, who="ann"),
        lambda: stores.tasks.check_now(task_id, who="ann"),
        lambda: stores.tasks.name_call(task_id, "p9", who="ann"),
        lambda: stores.tasks.get(task_id),
    ):
        with pytest.raises(NotFound):
            act()
    assert Glances(stores.db).failed_of_batch(batch).count == 0
    assert stores.no_claim()
    assert len(stores.calls(task_id)) == 1


def test_the_same_request_key_still_finds_a_deleted_batch(stores: Stores, removal: Removal) -> None:
    request = GenerationRequest("google/nano-banana", "a red kite", {}, ())
    (task,) = stores.tasks.create([request], person="ann", request_key="once")
    stores.tasks.cancel(task.id, who="ann")
    removal.delete([task.id], who="ann")
    assert [each.id for each in stores.tasks.create([request], person="ann", request_key="once")] == [task.id]
    assert stores.no_claim()


def test_a_late_picture_brings_a_deleted_task_back(stores: Stores, removal: Removal) -> None:
    claim = doubtful(stores)
    removal.delete([claim.task.id], who="ann")
    assert stores.succeed(claim, "late")
    assert stores.card(claim.task.id).status == TaskStatus.FETCHING
    stores.bring_home()
    card = stores.card(claim.task.id)
    assert (card.status, len(card.pictures)) == (TaskStatus.SUCCEEDED, 1)
    assert "came_back" in stores.events(claim.task.id)


def test_a_second_picture_brings_a_deleted_task_back_too(stores: Stores, removal: Removal) -> None:
    claim = doubtful(stores)
    stores.tasks.write_off(claim.task.id, who="ann", again=True)
    again = stores.claim()
    stores.submissions.accepted(again.submission_id, "second")
    stores.succeed(again, "second")
    stores.bring_home()
    removal.delete([claim.task.id], who="ann")
    assert stores.succeed(claim, "first after all")
    assert stores.card(claim.task.id).status == TaskStatus.SUCCEEDED
    assert removal.delete([claim.task.id], who="ann") == Removed((), 1), "its second file is still to come"
    stores.bring_home()
    assert len(stores.card(claim.task.id).pictures) == 2


def test_a_file_of_a_slow_fetcher_brings_a_deleted_task_back(stores: Stores, removal: Removal) -> None:
    claim = stores.running()
    stores.succeed(claim)
    fetch = stores.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    stores.errands.fetch_failed(fetch.submission_id, cause="expired", message="", permanent=True)
    removal.delete([claim.task.id], who="ann")
    stores.errands.stored(fetch.submission_id, 0, picture())
    assert stores.card(claim.task.id).status == TaskStatus.SUCCEEDED


def test_deleting_moves_no_money(stores: Stores, removal: Removal) -> None:
    claim = stores.running()
    stores.succeed(claim)
    stores.bring_home()
    ledger = Ledger(stores.db, stores.clock)
    before = ledger.spent("2026-11")
    assert before[0].scope == TEAM
    removal.delete([claim.task.id], who="ann")
    assert ledger.spent("2026-11") == before


def test_after_thirty_days_it_cannot_be_brought_back(stores: Stores, removal: Removal) -> None:
    claim = failed(stores)
    removal.delete([claim.task.id], who="ann")
    stores.clock.forward(days=30)
    assert removal.deleted() == ()
    assert removal.restore([claim.task.id], who="ann") == 0


def test_what_was_deleted_is_shown_page_by_page_the_last_first(stores: Stores, removal: Removal) -> None:
    ids = [failed(stores, f"p{n}").task.id for n in range(5)]
    for task_id in (ids[3], ids[0]):
        removal.delete([task_id], who="ann")
        stores.clock.forward(seconds=1)
    removal.delete([ids[1], ids[2], ids[4]], who="bob")
    order = [ids[4], ids[2], ids[1], ids[0], ids[3]]
    assert [row.card.id for row in removal.deleted()] == order
    first = removal.deleted(limit=2)
    edge = first[-1].card.seq
    assert [row.card.id for row in (*first, *removal.deleted(before=edge))] == order
    removal.restore([first[-1].card.id], who="ann")
    assert removal.deleted(before=edge) == ()
