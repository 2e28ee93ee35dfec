"""Our books beside the provider's record: what is asked about, what is a difference, what a balance should be."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from stores import Stores

from data.reconciliation import CHARGE, FOUND, NO_RECORD, PAGE, STATE, Books, Call, Difference, Progress
from data.settling import Word
from data.submissions import Claim

MICRO = 1_000_000
PRICE = 4 * MICRO


@pytest.fixture
def books(stores: Stores) -> Books:
    return Books(stores.db, stores.clock)


def paid(stores: Stores, name: str = "p1", charged: int | None = PRICE) -> Claim:
    """A call that ended well at this moment."""
    claim = stores.running(name)
    word = Word("succeeded", name, ("http://h/1.png",), charged_micro=charged)
    assert stores.submissions.apply(claim.submission_id, word)
    return claim


def day_of(stores: Stores) -> tuple[str, str]:
    midnight = stores.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.isoformat(), (midnight + timedelta(days=1)).isoformat()


def settled(stores: Stores, books: Books) -> list[Call]:
    return books.settled("kie", *day_of(stores), None)


def only(stores: Stores, books: Books) -> Call:
    (call,) = settled(stores, books)
    return call


# What is asked about ------------------------------------------------------------------------------------------------


def test_the_calls_of_a_day_are_those_settled_on_it_page_by_page(stores: Stores, books: Books) -> None:
    paid(stores, "yesterday")
    stores.clock.forward(days=1)
    names = {f"p{number}" for number in range(PAGE + 5)}
    for name in sorted(names):
        paid(stores, name)
        stores.bring_home()
        stores.clock.forward(seconds=1)
    first = settled(stores, books)
    second = books.settled("kie", *day_of(stores), first[-1].cursor)
    assert len(first) == PAGE
    assert {call.provider_task_id for call in (*first, *second)} == names
    assert books.settled("kie", *day_of(stores), second[-1].cursor) == []
    assert books.settled("sandbox", *day_of(stores), None) == []


def test_a_call_that_the_provider_never_named_cannot_be_asked_about(stores: Stores, books: Books) -> None:
    stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="no answer")
    stores.tasks.write_off(claim.task.id, who="ann", again=False)
    assert settled(stores, books) == []


def test_calls_open_for_long_are_asked_about_too(stores: Stores, books: Books) -> None:
    stores.running("p1")
    assert books.long_open("kie", None) == []
    stores.clock.forward(hours=2)
    stores.running("p2")
    (call,) = books.long_open("kie", None)
    assert call.provider_task_id == "p1"
    assert books.long_open("kie", call.cursor) == []


# What differs -------------------------------------------------------------------------------------------------------


def test_the_same_state_and_charge_is_no_difference(stores: Stores, books: Books) -> None:
    paid(stores)
    assert books.judge(only(stores, books), "succeeded", PRICE) is None
    assert books.judge(only(stores, books), "succeeded", None) is None  # the provider does not say


def test_a_failure_without_a_charge_agrees_with_a_record_of_nothing(stores: Stores, books: Books) -> None:
    stores.fail(stores.running())
    assert books.judge(only(stores, books), "failed", 0) is None
    assert books.judge(only(stores, books), None, None) is None


@pytest.mark.parametrize(("ours", "state", "theirs", "kind", "said"), [
    (PRICE, "succeeded", 5 * MICRO, CHARGE, "We noted 4 credits, the provider's record says 5."),
    (PRICE, "succeeded", 0, CHARGE, "We noted 4 credits, the provider's record says 0."),
    (None, "succeeded", PRICE, CHARGE, "We noted no charge, the provider's record says 4."),
    (PRICE, "failed", 0, STATE, "says that it failed"),
    (PRICE, "running", None, STATE, "says that it still runs"),
    (PRICE, None, None, NO_RECORD, "has no record of it any more"),
])  # fmt: skip
def test_what_the_provider_says_otherwise_is_a_difference(
    stores: Stores, books: Books, *, ours: int | None, state: str | None, theirs: int | None, kind: str, said: str
) -> None:
    claim = paid(stores, charged=ours)
    found = books.judge(only(stores, books), state, theirs)
    assert found is not None
    assert (found.kind, found.task_id, found.provider_task_id) == (kind, claim.task.id, "p1")
    assert said in found.text
    if kind == CHARGE:
        assert found.theirs_micro - found.ours_micro == (theirs or 0) - (ours or 0)


def test_a_failure_that_was_charged_after_all_is_a_difference(stores: Stores, books: Books) -> None:
    stores.fail(stores.running())
    found = books.judge(only(stores, books), "failed", PRICE)
    assert found is not None
    assert (found.kind, found.theirs_micro - found.ours_micro) == (CHARGE, PRICE)


# The balance --------------------------------------------------------------------------------------------------------


def snapshot(stores: Stores, micro: int) -> dict[str, Any]:
    return {"at": stores.clock.now.isoformat(), "micro": micro}


def unexplained(stores: Stores, books: Books, before: dict[str, Any], micro: int) -> int:
    return books.balance("kie", before, stores.clock.now, micro).unexplained


def test_what_was_booked_since_explains_what_is_missing(stores: Stores, books: Books) -> None:
    paid(stores, "before")
    before = snapshot(stores, 100 * MICRO)
    stores.clock.forward(hours=1)
    paid(stores, "p1")
    paid(stores, "p2")
    assert unexplained(stores, books, before, 92 * MICRO) == 0
    assert unexplained(stores, books, before, 90 * MICRO) == -2 * MICRO
    assert unexplained(stores, books, before, 592 * MICRO) == 500 * MICRO


def test_a_call_under_way_may_have_been_charged_before_it_was_booked(stores: Stores, books: Books) -> None:
    claim = stores.running()
    before = snapshot(stores, 100 * MICRO)  # with or without its 4 credits
    stores.clock.forward(hours=1)
    assert unexplained(stores, books, before, 96 * MICRO) == 0
    stores.succeed(claim)
    for left in (100, 96):
        assert unexplained(stores, books, before, left * MICRO) == 0
    assert unexplained(stores, books, before, 95 * MICRO) == -MICRO


def test_a_doubt_that_was_written_off_may_have_been_paid(stores: Stores, books: Books) -> None:
    before = snapshot(stores, 100 * MICRO)
    stores.clock.forward(hours=1)
    stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="no answer")
    stores.tasks.write_off(claim.task.id, who="ann", again=False)
    for left in (100, 96):
        assert unexplained(stores, books, before, left * MICRO) == 0
    assert unexplained(stores, books, before, 95 * MICRO) == -MICRO


# Night after night --------------------------------------------------------------------------------------------------


def difference(at: datetime, kind: str = CHARGE, submission: str = "s") -> Difference:
    return Difference(at.isoformat(), kind, "kie", "It differs.", 0, MICRO, submission_id=submission)


def test_each_night_compares_the_days_since_the_last_one(stores: Stores) -> None:
    now, progress = stores.clock.now.replace(hour=3), Progress()
    progress.next_night(now)
    assert (progress.since[:10], progress.until[:10], progress.complete) == ("2026-11-22", "2026-11-23", False)
    progress.complete = True
    progress.next_night(now + timedelta(days=3))  # the server was off for two nights
    assert (progress.since[:10], progress.until[:10]) == ("2026-11-23", "2026-11-26")


def test_a_comparison_that_was_broken_off_goes_on_where_it_stood(stores: Stores) -> None:
    progress = Progress()
    progress.next_night(stores.clock.now)
    progress.account, progress.stage, progress.after, progress.compared = "kie", "open", ("2026-11-22", "x"), 7
    progress.add(difference(stores.clock.now))
    read = Progress.of(progress.plain())
    assert read == progress
    read.next_night(stores.clock.now + timedelta(days=1))
    assert read == progress


def test_a_difference_is_noted_once_told_for_a_week_and_kept_for_a_month(stores: Stores) -> None:
    progress, now = Progress(), stores.clock.now
    for _ in range(2):
        progress.add(difference(now))
    progress.add(difference(now, FOUND, "found"))
    assert len(progress.differences) == 2
    assert [each.kind for each in progress.told(now)] == [CHARGE]
    assert progress.told(now + timedelta(days=8)) == []
    progress.next_night(now + timedelta(days=8))
    assert len(progress.differences) == 2
    progress.complete = True
    progress.next_night(now + timedelta(days=31))
    assert progress.differences == []


def test_the_list_of_differences_is_bounded(stores: Stores) -> None:
    progress = Progress()
    for number in range(250):
        progress.add(difference(stores.clock.now, submission=str(number)))
    assert [each.submission_id for each in progress.differences][:2] == ["249", "248"]
    assert len(progress.differences) == 100
