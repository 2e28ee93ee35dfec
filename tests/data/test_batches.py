"""A batch that was looked through: made whole or not at all, once, within its cap, and seen as one."""

import os
import subprocess
import sys
from collections import Counter
from functools import partial

import pytest
from sqlalchemy import event
from sqlmodel import col, func, select
from stores import MODELS, Stores

from data.again import Said as Price
from data.batches import Batches
from data.errors import BudgetExceeded, NotAllowed
from data.expired import purge
from data.failures import Failures
from data.glances import Glances
from data.ledger import TEAM, Ledger
from data.mode import enter
from data.plan import LONGEST_NAME, Plan
from data.query import Choice, Query, Word
from data.query_reading import read
from data.removal import Removal
from data.requests import GenerationRequest
from data.results import BatchResults
from data.schema import Batch, LedgerEntry, RequestKey, Spending, Task, TaskEvent
from data.search import Search
from data.settling import Word as Said
from data.status import Outcome, TaskStatus

S = TaskStatus
CREDIT = 1_000_000
PLAN = Plan("spring", "lines")


def requests(count: int, model: str = MODELS[0]) -> list[GenerationRequest]:
    return [GenerationRequest(model, f"kite {number} 风筝", {}, ()) for number in range(count)]


def start(stores: Stores, count: int = 4, *, person: str = "ann", cap: int | None = None) -> list[Task]:
    return stores.tasks.create(requests(count), person=person, plan=Plan("spring", "lines", cap))


def counted(stores: Stores) -> dict[str, int]:
    with stores.db.read() as session:
        tables = (Task, TaskEvent, LedgerEntry, Batch, RequestKey)
        return {table.__name__: session.exec(select(func.count()).select_from(table)).one() for table in tables}


def reserved(stores: Stores) -> int:
    with stores.db.read() as session:
        return session.exec(select(Spending.reserved_micro).where(Spending.scope == TEAM)).one()


# Started ------------------------------------------------------------------------------------------------------------


def test_five_hundred_are_written_with_the_statements_of_a_few(stores: Stores) -> None:
    said: list[str] = []
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2].split()[0]))
    tasks = start(stores, 500)
    assert len(said) < 40
    assert [task.position for task in tasks] == list(range(500))
    assert [task.prompt for task in sorted(tasks, key=lambda task: task.seq or 0)] == [
        request.prompt for request in requests(500)
    ]
    assert counted(stores) == {"Task": 500, "TaskEvent": 500, "LedgerEntry": 500, "Batch": 1, "RequestKey": 0}
    assert reserved(stores) == 2000 * CREDIT
    assert Search(stores.db).count(read("风筝").query, "ann") == 500


@pytest.mark.parametrize("statement", [2, 4, 6, 8])
def test_a_process_killed_while_it_starts_a_batch_has_made_nothing_and_the_next_press_makes_it_once(
    stores: Stores, statement: int
) -> None:
    script = f"""
import os, signal
from itertools import count
from sqlalchemy import event
from data.db import Database
from data.plan import Plan
from data.requests import GenerationRequest
from data.tasks import TaskStore
db, steps = Database(os.environ["DATABASE_URL"]), count()
def step(*_):
    if next(steps) == {statement}:
        os.kill(os.getpid(), signal.SIGKILL)
db.now()
event.listen(db.engine, "before_cursor_execute", step)
asked = [GenerationRequest({MODELS[0]!r}, f"kite {{n}} 风筝", {{}}, ()) for n in range(300)]
TaskStore(db).create(asked, person="ann", request_key="press", plan=Plan("spring", "lines", 2_000_000_000))
"""
    address = stores.db.url.render_as_string(hide_password=False)
    env = os.environ | {"DATABASE_URL": address}
    killed = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert set(counted(stores).values()) == {0}
    for _ in range(2):
        made = stores.tasks.create(requests(300), person="ann", request_key="press", plan=PLAN)
        assert len(made) == 300
    assert counted(stores) == {"Task": 300, "TaskEvent": 300, "LedgerEntry": 300, "Batch": 1, "RequestKey": 1}


def test_a_batch_that_would_pass_its_cap_is_not_made(stores: Stores) -> None:
    with pytest.raises(BudgetExceeded, match="cap of this batch has 15 credits left, and this needs 16"):
        start(stores, 4, cap=15 * CREDIT)
    assert set(counted(stores).values()) == {0}
    assert len(start(stores, 4, cap=16 * CREDIT)) == 4


def test_a_batch_that_would_pass_a_budget_is_not_made(stores: Stores) -> None:
    Ledger(stores.db, stores.clock).set_budget(TEAM, 15 * CREDIT, who="ann")
    with pytest.raises(BudgetExceeded, match="team's budget"):
        start(stores, 4)
    assert set(counted(stores).values()) == {0}


def test_a_long_name_is_cut_and_stands_on_one_line(stores: Stores) -> None:
    stores.tasks.create(requests(1), person="ann", plan=Plan("a  name\nin lines " * 20, "lines"))
    (batch,) = Batches(stores.db).recent("ann")
    assert batch.name.startswith("a name in lines a name")
    assert len(batch.name) == LONGEST_NAME


# The cap, to the end ------------------------------------------------------------------------------------------------


def charge(stores: Stores, amount: int) -> None:
    claim = stores.claim()
    said = Said("succeeded", f"p-{claim.submission_id}", ("http://h/1.png",), charged_micro=amount * CREDIT)
    assert stores.submissions.apply(claim.submission_id, said)


def test_where_the_provider_charges_more_than_its_list_what_is_not_sent_stops_at_the_cap(stores: Stores) -> None:
    tasks = start(stores, 4, cap=20 * CREDIT)
    charge(stores, 4)
    charge(stores, 9)  # 13 charged and 8 held back: one too many
    claim = stores.claim()
    assert stores.no_claim()
    stores.submissions.apply(
        claim.submission_id, Said("succeeded", "p3", ("http://h/3.png",), charged_micro=4 * CREDIT)
    )
    (batch,) = Batches(stores.db).recent("ann")
    assert (batch.spent_micro, batch.held_micro, batch.counts[S.FAILED]) == (17 * CREDIT, 0, 1)
    (stopped,) = [stores.card(task.id) for task in tasks if stores.card(task.id).status == S.FAILED]
    assert (stopped.error_code, stopped.charged_micro, stopped.attempts) == ("over_cap", 0, 0)
    assert "over_cap" in stores.events(stopped.id)
    assert reserved(stores) == 0


def test_each_task_that_stops_at_its_cap_ends_alone_so_that_none_is_waited_for_with_the_sums_locked(
    stores: Stores,
) -> None:
    tasks, said = start(stores, 5, cap=20 * CREDIT), [""]
    charge(stores, 4)
    charge(stores, 14)  # all but two credits: none of the three others
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(f"{said.pop()}{told[2]};"))
    event.listen(stores.db.engine, "commit", lambda _: said.append(""))
    assert stores.no_claim()
    assert [stores.card(task.id).error_code for task in tasks[2:]] == ["over_cap"] * 3
    endings = [each for each in said if "UPDATE spending" in each]
    assert len(endings) == 3
    assert not any("UPDATE task " in each.partition("UPDATE spending")[2] for each in endings)


def test_a_dear_picture_within_the_cap_stops_nothing(stores: Stores) -> None:
    start(stores, 2, cap=14 * CREDIT)
    charge(stores, 9)
    stores.claim()


def test_giving_a_doubt_up_and_trying_again_passes_no_cap(stores: Stores) -> None:
    (task,) = start(stores, 1, cap=7 * CREDIT)
    stores.submissions.in_doubt(stores.claim().submission_id, message="timeout")
    with pytest.raises(BudgetExceeded, match="passes the cap of its batch by 1 credit"):
        stores.tasks.write_off(task.id, who="ann", again=True)
    assert stores.calls(task.id)[0].outcome == Outcome.UNKNOWN
    assert stores.card(task.id).status == S.UNCONFIRMED


# Cancelled, tried again ---------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_cancelled_for_free_and_the_rest_goes_on(stores: Stores) -> None:
    tasks, other = start(stores, 5), stores.task(person="bob")
    claim = stores.claim()
    assert stores.tasks.cancel_waiting(tasks[0].batch_id, who="ann") == 4
    cards = [stores.card(task.id) for task in tasks]
    assert Counter(card.status for card in cards) == {S.SUBMITTING: 1, S.CANCELLED: 4}
    assert all((card.finished_at is not None) == (card.status == S.CANCELLED) for card in cards)
    assert stores.events(cards[-1].id) == ["created", "cancelled"]
    assert stores.card(other.id).status == S.QUEUED
    assert reserved(stores) == 8 * CREDIT
    assert stores.succeed(claim)
    assert stores.tasks.cancel_waiting(tasks[0].batch_id, who="ann") == 0


def test_the_ledgers_entries_add_up_to_its_sums_after_a_batch_was_cancelled(stores: Stores) -> None:
    stores.tasks.cancel_waiting(start(stores, 3)[0].batch_id, who="ann")
    with stores.db.read() as session:
        assert session.exec(select(func.sum(LedgerEntry.reserved_micro))).one() == 0
        assert session.exec(select(func.count()).where(col(Task.reserved_micro) != 0)).one() == 0
    assert reserved(stores) == 0


def test_a_task_whose_batch_is_tried_again_is_not_paid_for_once_more_beside_it(stores: Stores) -> None:
    tasks = start(stores, 2)
    for number in range(2):
        claim = stores.claim()
        stores.submissions.apply(claim.submission_id, Said("failed", f"p{number}", (), 0, "policy", "no"))
    again = stores.tasks.retry_failed(tasks[0].batch_id, who="ann").tasks
    assert [stores.tasks.retry(task.id, who="bob").id for task in tasks] == [task.id for task in again]
    assert counted(stores)["Task"] == 4
    claim = stores.claim()
    stores.submissions.apply(claim.submission_id, Said("failed", "p3", (), 0, "policy", "no"))
    with pytest.raises(NotAllowed, match="tried again since"):
        stores.tasks.retry(tasks[0].id, who="bob")
    assert stores.tasks.retry(again[0].id, who="bob").id not in {task.id for task in again}


def test_the_name_of_a_batch_goes_with_the_last_of_its_requests(stores: Stores) -> None:
    """It may be a prompt, and somebody deleted that."""
    tasks, other = start(stores, 3), start(stores, 1, person="bob")
    stores.fail(stores.claim())
    stores.tasks.cancel_waiting(tasks[0].batch_id, who="ann")
    removal = Removal(stores.db, stores.clock)
    for gone, batches in ((tasks[:2], 2), (tasks[2:], 1)):
        removal.delete([task.id for task in gone], who="ann")
        stores.clock.forward(days=31)
        assert len(purge(stores.db, stores.clock)) == len(gone)
        assert counted(stores)["Batch"] == batches
    assert Batches(stores.db).recent("bob")[0].id == other[0].batch_id


def test_the_failed_of_a_batch_are_tried_again_as_one_batch_of_the_same_name(stores: Stores) -> None:
    tasks = start(stores, 3)
    for number in range(2):
        claim = stores.claim()
        stores.submissions.apply(claim.submission_id, Said("failed", f"p{number}", (), 0, "policy", "no"))
    again = stores.tasks.retry_failed(tasks[0].batch_id, who="ann").tasks
    assert len({task.batch_id for task in (*tasks, *again)}) == 2
    second, first = Batches(stores.db).recent("ann")
    assert [(each.name, each.size, each.cap_micro) for each in (first, second)] == [
        ("spring", 3, None),
        ("spring", 2, None),
    ]
    assert (first.again, first.refused, first.count(S.FAILED), first.active, second.active) == (2, 0, 2, 1, 2)
    assert (first.of_retries, second.of_retries) == (False, True)
    with pytest.raises(NotAllowed):
        stores.tasks.retry_failed(tasks[0].batch_id, who="ann")


def all_fail(stores: Stores, count: int) -> None:
    for _ in range(count):
        claim = stores.claim()
        stores.submissions.apply(claim.submission_id, Said("failed", claim.submission_id, (), 0, "policy", "no"))


def test_what_failed_again_and_again_is_offered_by_its_newest_retry_alone(stores: Stores) -> None:
    first = start(stores, 2)
    all_fail(stores, 2)
    second = stores.tasks.retry_failed(first[0].batch_id, who="ann").tasks
    all_fail(stores, 2)
    third = stores.tasks.retry_failed(second[0].batch_id, who="ann").tasks
    all_fail(stores, 2)
    for old in (first, second):
        with pytest.raises(NotAllowed):
            stores.tasks.retry_failed(old[0].batch_id, who="ann", said=Price(8 * CREDIT, 2))
    failures = Failures(stores.db, Search(stores.db), stores.clock)
    with pytest.raises(NotAllowed):
        failures.retry([task.id for task in (*first, *second)], who="ann")
    (group,) = failures.groups(Query(), "ann")
    assert (len(group.ids), set(group.again.ids)) == (6, {task.id for task in third})
    assert counted(stores)["Task"] == 6
    offered = [
        Glances(stores.db, stores.clock).failed_of_batch(one[0].batch_id).count for one in (first, second, third)
    ]
    assert offered == [0, 0, 2]
    newest, oldest = Batches(stores.db).recent("ann")
    assert (newest.id, newest.again, oldest.id, oldest.again) == (third[0].batch_id, 0, first[0].batch_id, 2)
    Removal(stores.db, stores.clock).delete([task.id for task in third], who="ann")
    assert [one.id for one in Batches(stores.db).recent("ann")] == [second[0].batch_id, first[0].batch_id]
    assert len(stores.tasks.retry_failed(second[0].batch_id, who="ann").tasks) == 2


@pytest.mark.parametrize("by", ["a person", "a change of mode"])
def test_where_its_retries_were_cancelled_a_batch_offers_its_failed_again(stores: Stores, by: str) -> None:
    enter(stores.db, practice=True, clock=stores.clock)
    first = start(stores, 2)
    all_fail(stores, 2)
    second = stores.tasks.retry_failed(first[0].batch_id, who="ann").tasks
    if by == "a person":
        assert stores.tasks.cancel_waiting(second[0].batch_id, who="ann") == 2
    else:
        assert enter(stores.db, practice=False, clock=stores.clock) == 2
    newest, oldest = Batches(stores.db).recent("ann")
    assert (oldest.again, newest.count(S.CANCELLED), newest.again) == (0, 2, 0)
    glances, results = Glances(stores.db, stores.clock), BatchResults(stores.db)
    assert [glances.failed_of_batch(one.id).count for one in (oldest, newest)] == [2, 0]
    found = results.of(oldest.id)
    assert [one.card.id for one in found.results if found] == [task.id for task in first]
    third = stores.tasks.retry_failed(oldest.id, who="ann").tasks
    assert [task.parent_id for task in third] == [task.id for task in first]
    found = results.of(oldest.id)
    assert [one.card.id for one in found.results if found] == [task.id for task in third]


def test_what_was_tried_again_is_counted_as_such_though_a_try_between_was_deleted(stores: Stores) -> None:
    tries = [start(stores, 2)]
    for _ in range(3):
        all_fail(stores, 2)
        tries.append(list(stores.tasks.retry_failed(tries[-1][0].batch_id, who="ann").tasks))
    all_fail(stores, 2)
    Removal(stores.db, stores.clock).delete([task.id for task in tries[2]], who="ann")
    newest, first = Batches(stores.db).recent("ann", ended=4)  # of the second all was tried again
    counted = [(one.id, one.count(S.FAILED), one.again, one.refused) for one in (first, newest)]
    assert counted == [(tries[0][0].batch_id, 2, 2, 0), (tries[3][0].batch_id, 2, 0, 2)]
    offered = [Glances(stores.db, stores.clock).failed_of_batch(one.id).count for one in (first, newest)]
    assert offered == [one.count(S.FAILED) - one.again for one in (first, newest)]


def test_what_failed_again_is_asked_for_from_the_results_of_its_first_batch_by_the_names_of_its_tries(
    stores: Stores,
) -> None:
    first = start(stores, 2)
    all_fail(stores, 2)
    second = stores.tasks.retry_failed(first[0].batch_id, who="ann").tasks
    all_fail(stores, 2)

    def standing() -> list[str]:
        found = BatchResults(stores.db).of(first[0].batch_id)
        return [one.card.id for one in found.results] if found else []

    seen = standing()
    offered = Glances(stores.db, stores.clock).failed_of(seen)
    assert (seen, offered.count, set(offered.ids)) == ([task.id for task in second], 2, set(seen))
    press = partial(stores.tasks.retry_failed, first[0].batch_id, tries=offered.ids, who="ann", said=Price(None, 2))
    third = press().tasks
    assert {task.parent_id for task in third} == set(seen)
    for _ in range(2):  # under way, and then failed: a second press of the same button buys nothing either time
        with pytest.raises(NotAllowed):
            press()
        all_fail(stores, 1)
    assert counted(stores)["Task"] == 6
    newest, *_ = Batches(stores.db).recent("ann")
    assert (newest.name, newest.of_retries, standing()) == ("spring", True, [task.id for task in third])


# Seen as one --------------------------------------------------------------------------------------------------------


def test_a_batch_is_one_and_a_press_is_its_pictures(stores: Stores) -> None:
    stores.task(prompt="alone")
    start(stores, 4)
    stores.tasks.create(requests(2), person="ann")
    assert [card.prompt for card in stores.history.recent("ann")] == ["kite 1 风筝", "kite 0 风筝", "alone"]
    (batch,) = Batches(stores.db).recent("ann")
    assert (batch.size, dict(batch.counts), batch.estimate_micro) == (4, {S.QUEUED: 4}, 16 * CREDIT)
    assert batch.models == (MODELS[0],)
    assert Batches(stores.db).recent("bob") == ()


def test_what_is_under_way_is_shown_however_many_came_after_it(stores: Stores) -> None:
    first = start(stores, 2)[0].batch_id
    later = [start(stores, 1)[0].batch_id for _ in range(5)]
    for batch_id in later:
        stores.tasks.cancel_waiting(batch_id, who="ann")
    assert [each.id for each in Batches(stores.db).recent("ann", ended=2)] == [*later[:-3:-1], first]


def test_the_last_pictures_of_a_batch_come_with_it(stores: Stores) -> None:
    tasks = start(stores, 2)
    claim = stores.claim()
    stores.succeed(claim)
    stores.bring_home()
    (batch,) = Batches(stores.db).recent("ann")
    assert [(card.id, len(card.pictures)) for card in batch.last] == [(tasks[0].id, 1)]
    assert (batch.spent_micro, batch.held_micro) == (4 * CREDIT, 4 * CREDIT)
    Removal(stores.db, stores.clock).delete([tasks[0].id], who="ann")
    (batch,) = Batches(stores.db).recent("ann")
    assert (batch.count(S.SUCCEEDED), batch.last) == (0, ())
    assert (batch.spent_micro, batch.held_micro) == (4 * CREDIT, 4 * CREDIT), "deleted, and paid for all the same"


def test_the_history_is_narrowed_to_a_batch(stores: Stores) -> None:
    stores.task(prompt="kite alone")
    first, second = start(stores, 4), start(stores, 2)
    search, one, both = Search(stores.db), first[0].batch_id, (first[0].batch_id, second[0].batch_id)

    def found(query: Query) -> list[str]:
        return [card.id for card in search.page(query, "ann").cards]

    newest = [task.id for task in first[::-1]]
    assert found(read(f"batch:{one}").query) == newest
    assert found(read(f"batch:{one} kite").query) == newest
    assert found(read(f"batch:{one} kite -3").query) == newest[1:]
    assert found(read(f"batch:{one} 风筝 by:me status:queued").query) == newest
    assert found(read(f"batch:{one} status:done").query) == []
    assert found(Query(batch=Choice(both))) == [*(task.id for task in second[::-1]), *newest]
    assert found(Query((Word("kite"),), batch=Choice(but=both))) == [
        card.id for card in search.page(Query((Word("alone"),)), "ann").cards
    ]
    assert search.count(Query(batch=Choice(both)), "ann") == 6
    page = search.page(read(f"batch:{one}").query, "ann", limit=3)
    assert (len(page.cards), page.older is not None) == (3, True)
    assert [card.id for card in search.page(read(f"batch:{one}").query, "ann", before=page.older).cards] == newest[3:]
    between = search.neighbours(read(f"batch:{one}").query, "ann", page.cards[1].seq)
    assert (between.newer, between.older) == (newest[0], newest[2])


def test_a_batch_is_found_by_its_index_however_many_tasks_there_are(stores: Stores) -> None:
    if not stores.db.is_sqlite:
        pytest.skip("only SQLite is told its way, and so can be held to it")
    said: list[str] = []
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    Search(stores.db).page(read(f"batch:{start(stores)[0].batch_id} kite").query, "ann")
    (asked,) = [each for each in said if "INDEXED BY ix_task_batch" in each][:1]
    assert "ORDER BY" in asked
