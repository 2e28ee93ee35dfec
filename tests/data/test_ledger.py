"""Money: what is held back, what was charged, and budgets that nothing passes, not even two people at once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select
from stores import MODELS, Stores, picture

from data.asks import write_batch
from data.errors import BudgetExceeded, NotAllowed
from data.ledger import EVERYBODY, TEAM, Ledger, month_of, person_scope
from data.mode import enter
from data.requests import GenerationRequest
from data.schema import LedgerEntry, Spending, Task
from data.status import TaskStatus

PRICE = 4_000_000


@pytest.fixture
def ledger(stores: Stores) -> Ledger:
    return Ledger(stores.db, stores.clock)


def asks(count: int, model: str = MODELS[0]) -> list[GenerationRequest]:
    return [GenerationRequest(model, "kite", {}, ())] * count


def sums(stores: Stores) -> None:
    """The sums by month, the ledger's entries and the tasks tell the same."""
    with stores.db.read() as session:
        tasks, entries = session.exec(select(Task)).all(), session.exec(select(LedgerEntry)).all()
        rows = {
            (row.scope, row.month): (row.reserved_micro, row.charged_micro) for row in session.exec(select(Spending))
        }
    expected: dict[tuple[str, str], tuple[int, int]] = {}
    for entry in entries:
        for scope in (TEAM, person_scope(entry.person)):
            held, spent = expected.get((scope, entry.month), (0, 0))
            expected[scope, entry.month] = (held + entry.reserved_micro, spent + entry.charged_micro)
    assert rows == expected
    for task in tasks:
        mine = [entry for entry in entries if entry.task_id == task.id]
        assert sum(entry.reserved_micro for entry in mine) == task.reserved_micro
        assert sum(entry.charged_micro for entry in mine) == task.booked_micro


def test_what_a_task_may_cost_is_held_back_and_gives_way_to_what_it_did_cost(stores: Stores, ledger: Ledger) -> None:
    claim = stores.running()
    mine, team = ledger.standing("ann")
    assert (mine.reserved, mine.charged, team.reserved) == (PRICE, 0, PRICE)
    stores.succeed(claim)
    mine, team = ledger.standing("ann")
    assert (mine.reserved, mine.charged, team.charged) == (0, PRICE, PRICE)
    sums(stores)


def test_what_an_account_was_sent_counts_what_was_charged_or_is_to_be(stores: Stores, ledger: Ledger) -> None:
    before = stores.clock()
    stores.succeed(stores.running("p1"), "p1")
    stores.running("p2")
    stores.fail(stores.running("p3"), "p3")  # without a charge
    sent = ledger.sent("kie", since=before - timedelta(seconds=1))
    assert (sent.calls, sent.micro) == (2, 2 * PRICE)
    assert (ledger.sent("kie", since=stores.clock()).micro, ledger.sent("ark", since=before).micro) == (0, 0)


@pytest.mark.parametrize("end", ["cancelled", "refused", "failed there"])
def test_what_was_not_charged_is_released(stores: Stores, ledger: Ledger, end: str) -> None:
    task = stores.task()
    if end == "cancelled":
        stores.tasks.cancel(task.id, who="ann")
    else:
        claim = stores.claim()
        stores.submissions.accepted(claim.submission_id, "p1")
        stores.fail(claim)
    assert (ledger.standing("ann")[0].reserved, ledger.standing("ann")[0].charged) == (0, 0)
    sums(stores)


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("charged", [0, PRICE // 2])
def test_a_doubt_that_was_given_up_is_counted_until_the_provider_says_what_it_took(
    stores: Stores, ledger: Ledger, *, again: bool, charged: int
) -> None:
    task, claim = stores.task(), stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    assert ledger.standing("ann")[0].reserved == PRICE, "failed for us, but perhaps it is being charged"
    stores.tasks.write_off(task.id, who="admin", again=again)
    mine = ledger.standing("ann")[0]
    assert (mine.reserved, mine.charged) == (PRICE if again else 0, PRICE), "silence is not taken for free"
    sums(stores)
    stores.submissions.apply(claim.submission_id, stores.word("failed", charged=charged))
    assert ledger.standing("ann")[0].charged == charged
    sums(stores)


def test_giving_up_and_trying_again_passes_no_budget(stores: Stores, ledger: Ledger) -> None:
    ledger.set_budget(TEAM, 2 * PRICE - 1, who="admin")
    task, claim = stores.task(), stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    with pytest.raises(BudgetExceeded, match=r"The team's budget for this month has .* left, and this needs 4"):
        stores.tasks.write_off(task.id, who="admin", again=True)
    assert stores.card(task.id).status == TaskStatus.UNCONFIRMED
    assert stores.no_claim()
    sums(stores)
    stores.tasks.write_off(task.id, who="admin", again=False)
    assert stores.card(task.id).status == TaskStatus.FAILED
    sums(stores)


def test_a_charge_that_the_provider_did_not_name_counts_with_its_estimate(stores: Stores, ledger: Ledger) -> None:
    claim = stores.running()
    stores.submissions.apply(claim.submission_id, stores.word("succeeded", urls=("http://h/1.png",), charged=None))
    assert ledger.standing("ann")[0].charged == PRICE
    sums(stores)


@pytest.mark.parametrize(("scope", "whose"), [(TEAM, "The team's budget"), (EVERYBODY, "Your budget"),
                                              (person_scope("ann"), "Your budget")])  # fmt: skip
def test_a_budget_is_never_passed_and_nothing_of_the_batch_is_made(
    stores: Stores, ledger: Ledger, scope: str, whose: str
) -> None:
    ledger.set_budget(scope, 3 * PRICE, who="admin")
    stores.tasks.create(asks(2), person="ann")
    with pytest.raises(
        BudgetExceeded, match=rf"{whose} for this month has 4 credits left, and this needs 8\..*Nothing"
    ):
        stores.tasks.create(asks(2), person="ann")
    assert stores.history.total() == 2
    stores.tasks.create(asks(1), person="ann")
    with pytest.raises(BudgetExceeded):
        stores.tasks.create(asks(1), person="ann")
    sums(stores)


def test_a_person_has_their_own_limit_or_everybodys(stores: Stores, ledger: Ledger) -> None:
    ledger.set_budget(EVERYBODY, PRICE, who="admin")
    ledger.set_budget(person_scope("bob"), 2 * PRICE, who="admin")
    stores.tasks.create(asks(2), person="bob")
    with pytest.raises(BudgetExceeded):
        stores.tasks.create(asks(2), person="ann")
    ledger.set_budget(EVERYBODY, None, who="admin")
    stores.tasks.create(asks(2), person="ann")
    assert [budget.scope for budget in ledger.budgets()] == ["person:bob"]


def test_a_new_month_begins_with_nothing_spent(stores: Stores, ledger: Ledger) -> None:
    ledger.set_budget(TEAM, PRICE, who="admin")
    claim = stores.running()
    stores.clock.forward(days=10)
    assert month_of(stores.clock()) == "2026-12"
    stores.tasks.create(asks(1), person="ann")
    stores.succeed(claim)
    assert ledger.standing("ann")[1].charged == 0, "the charge belongs to the month it was asked for in"
    assert [row.charged for row in ledger.spent("2026-11")] == [PRICE, PRICE]
    sums(stores)


def test_a_batch_never_passes_its_cap(stores: Stores) -> None:
    with pytest.raises(BudgetExceeded, match=r"cap of this batch has 11\.9 credits left, and this needs 12"):
        stores.tasks.create(asks(3), person="ann", cap_micro=3 * PRICE - 100_000)
    assert len(stores.tasks.create(asks(3), person="ann", cap_micro=3 * PRICE)) == 3


def test_a_retry_is_held_to_the_budget_too(stores: Stores, ledger: Ledger) -> None:
    claim = stores.running()
    stores.fail(claim)
    ledger.set_budget(TEAM, PRICE - 1, who="admin")
    with pytest.raises(BudgetExceeded):
        stores.tasks.retry(claim.task.id, who="ann")


def test_two_who_press_at_once_cannot_pass_a_budget_together(stores: Stores, ledger: Ledger) -> None:
    ledger.set_budget(TEAM, 5 * PRICE, who="admin")
    made: list[int] = []

    def press(person: str) -> None:
        try:
            made.append(len(stores.tasks.create(asks(1), person=person)))
        except BudgetExceeded:
            made.append(0)

    threads = [threading.Thread(target=press, args=(f"person {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 5
    sums(stores)


def test_a_price_that_nobody_knows_is_refused_where_a_budget_must_be_kept(stores: Stores, ledger: Ledger) -> None:
    stores.clock.now = datetime(2020, 1, 1, tzinfo=UTC)  # before the catalogue's first price
    assert stores.tasks.create(asks(1), person="ann")[0].estimate_micro is None
    ledger.set_budget(TEAM, 100 * PRICE, who="admin")
    with pytest.raises(BudgetExceeded, match="the price of this model is unknown"):
        stores.tasks.create(asks(1), person="ann")


@given(st.one_of(st.floats(), st.booleans(), st.integers(max_value=-1), st.text()))
def test_a_budget_is_a_whole_number_of_micro_credits(wrong: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        Ledger.set_budget(object.__new__(Ledger), TEAM, wrong, who="admin")  # type: ignore[arg-type]


def test_the_same_request_again_is_noticed_for_a_day(stores: Stores) -> None:
    task = stores.task(prompt="a red  kite\u3000over dunes")
    asked = GenerationRequest(MODELS[0], "a red kite over dunes ", {}, ())
    found = stores.tasks.like(asked)
    assert found is not None
    assert found.id == task.id
    assert stores.tasks.like(GenerationRequest(MODELS[0], "a blue kite", {}, ())) is None
    assert stores.tasks.like(GenerationRequest(MODELS[1], asked.prompt, {}, (picture(),))) is None
    stores.clock.forward(hours=24, seconds=1)
    assert stores.tasks.like(asked) is None


def test_what_came_to_nothing_is_no_double(stores: Stores) -> None:
    task = stores.task()
    stores.tasks.cancel(task.id, who="ann")
    assert stores.tasks.like(GenerationRequest(MODELS[0], task.prompt, {}, ())) is None


def test_a_budget_of_nobody_is_refused(stores: Stores) -> None:
    ledger = Ledger(stores.db, stores.clock)
    with pytest.raises(NotAllowed, match="no budget was changed"):
        ledger.set_budget("整个团队", 116_000_000, who="ann")
    assert ledger.budgets() == []


def test_practice_is_held_back_from_no_budget_and_counts_in_none(stores: Stores, ledger: Ledger) -> None:
    ledger.set_budget(TEAM, 0, who="admin")
    enter(stores.db, practice=True, clock=stores.clock)
    task, waits = stores.task(), stores.task()
    claim = stores.claim("sandbox")
    stores.submissions.in_doubt(claim.submission_id, message="")
    stores.tasks.write_off(task.id, who="admin", again=True)
    assert [row.reserved_micro for row in (stores.tasks.get(task.id), stores.tasks.get(waits.id))] == [PRICE, PRICE]
    assert ledger.spent("2026-11") == []
    enter(stores.db, practice=False, clock=stores.clock)
    assert stores.card(waits.id).status == TaskStatus.CANCELLED
    stores.submissions.apply(claim.submission_id, stores.word("failed", charged=PRICE))
    assert stores.tasks.get(task.id).booked_micro == PRICE, "its card still tells what it was said to cost"
    assert ledger.spent("2026-11") == []
    assert {row.left for row in ledger.standing("ann")} == {None, 0}
    with pytest.raises(BudgetExceeded):
        stores.task()
    sums(stores)


def test_what_was_paid_for_counts_though_it_ends_while_the_desk_practises(stores: Stores, ledger: Ledger) -> None:
    enter(stores.db, practice=False, clock=stores.clock)
    claim = stores.running()
    enter(stores.db, practice=True, clock=stores.clock)
    stores.succeed(claim)
    mine, team = ledger.standing("ann")
    assert (mine.reserved, mine.charged, team.charged) == (0, PRICE, PRICE)
    batch = stores.tasks.create(asks(3), person="ann")[0].batch_id
    assert stores.tasks.cancel_waiting(batch, who="ann") == 3
    assert [(row.reserved, row.charged) for row in ledger.spent("2026-11")] == [(0, PRICE), (0, PRICE)]
    sums(stores)


def test_in_practice_a_batch_keeps_to_its_cap_all_the_same(stores: Stores) -> None:
    enter(stores.db, practice=True, clock=stores.clock)
    with pytest.raises(BudgetExceeded, match="The cap of this batch"):
        stores.tasks.create(asks(3), person="ann", cap_micro=2 * PRICE)


def test_a_server_that_leaves_practice_waits_for_the_press_that_believed_in_it(stores: Stores) -> None:
    enter(stores.db, practice=True, clock=stores.clock)
    asked, left = threading.Event(), threading.Event()

    def leave() -> None:
        asked.wait(10)
        enter(stores.db, practice=False, clock=stores.clock)
        left.set()

    other = threading.Thread(target=leave)
    other.start()
    with stores.db.transaction() as session:
        tasks = write_batch(session, asks(1), batch_id="b", person="ann", source="screen", parents=(),
                            now=stores.clock())  # fmt: skip
        asked.set()
        assert not left.wait(0.5), "it would not see what this press writes, and make it for money"
    other.join()
    assert stores.card(tasks[0].id).error_code == "mode_changed"
    sums(stores)


def test_what_was_asked_for_in_practice_is_not_made_for_money_when_its_doubt_is_given_up(
    stores: Stores, ledger: Ledger
) -> None:
    ledger.set_budget(TEAM, 0, who="admin")
    enter(stores.db, practice=True, clock=stores.clock)
    task = stores.task()
    claim = stores.claim("sandbox")
    stores.submissions.in_doubt(claim.submission_id, message="")
    enter(stores.db, practice=False, clock=stores.clock)
    with pytest.raises(NotAllowed, match="in practice"):
        stores.tasks.write_off(task.id, who="admin", again=True)
    assert stores.tasks.get(task.id).status == TaskStatus.UNCONFIRMED
    stores.tasks.write_off(task.id, who="admin", again=False)
    assert stores.tasks.get(task.id).status == TaskStatus.FAILED
