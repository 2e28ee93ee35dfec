"""Two at once, on PostgreSQL as two servers would be: whoever comes first, what is on record fits together."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement

import pytest
from sqlmodel import col, select
from stores import MODELS, SERVES, Stores

from data.errors import NotAllowed
from data.failures import Failures
from data.projects import Projects
from data.requests import GenerationRequest
from data.schema import Submission, Task
from data.status import OPEN, Outcome, TaskStatus
from data.submissions import Claim

S, O = TaskStatus, Outcome  # noqa: E741
ROUNDS = 12
Act = Callable[[Stores, Claim], object]


def together(*acts: Callable[[], object]) -> None:
    """Runs all at the same moment; whatever one raises fails the test, but for a refusal."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            with suppress(NotAllowed):
                act()
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def fits(stores: Stores) -> None:
    """Status and ledger agree, for every task."""
    with stores.db.read() as session:
        tasks, calls = session.exec(select(Task)).all(), session.exec(select(Submission)).all()
    for task in tasks:
        mine = [call for call in calls if call.task_id == task.id]
        opened = [call.outcome for call in mine if call.outcome in OPEN]
        expected = {S.SUBMITTING: [O.SENDING], S.UNCONFIRMED: [O.UNKNOWN], S.RUNNING: [O.ACCEPTED]}
        if task.status in expected:
            assert opened == expected[task.status], (task.status, [call.outcome for call in mine])
        if task.status in {S.QUEUED, S.CANCELLED, S.SUCCEEDED}:
            assert opened == [], (task.status, [call.outcome for call in mine])
        if task.status == S.FETCHING:
            assert any(call.fetch_at is not None for call in mine)
        if task.status == S.QUEUED:
            assert task.cancel_requested_at is None, "it would be spent after a cancel"


def refuse(stores: Stores, claim: Claim) -> object:
    return stores.submissions.not_taken(claim.submission_id, O.REJECTED, cause="rate_limited", message="",
                                        retry_in=timedelta(0))  # fmt: skip


ACTS: dict[str, Act] = {
    "accepted": lambda stores, claim: stores.submissions.accepted(claim.submission_id, claim.submission_id),
    "refused": refuse,
    "doubt": lambda stores, claim: stores.submissions.in_doubt(claim.submission_id, message=""),
    "success": lambda stores, claim: stores.succeed(claim, claim.submission_id),
    "failure": lambda stores, claim: stores.fail(claim, claim.submission_id, retryable=True),
    "cancel": lambda stores, claim: stores.tasks.cancel(claim.task.id, who="ann"),
    "give up": lambda stores, claim: stores.tasks.write_off(claim.task.id, who="ann", again=False),
    "try again": lambda stores, claim: stores.tasks.write_off(claim.task.id, who="ann", again=True),
    "clock": lambda stores, _: stores.deadlines.tick(),
    "claim": lambda stores, _: stores.submissions.claim("kie", SERVES, stores.pace),
}


PAIRS = (
    ("cancel", "refused"), ("cancel", "failure"), ("cancel", "success"), ("try again", "success"),
    ("try again", "accepted"), ("give up", "success"), ("clock", "refused"), ("clock", "success"),
    ("clock", "accepted"), ("doubt", "success"), ("refused", "claim"), ("try again", "claim"),
    ("success", "success"), ("failure", "success"),
)  # fmt: skip


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_whoever_is_first_status_and_ledger_agree(stores: Stores, first: str, second: str) -> None:
    for _ in range(ROUNDS):
        stores.task()
        claim = stores.claim()
        if first in ("give up", "try again"):
            stores.submissions.in_doubt(claim.submission_id, message="")
        stores.clock.forward(seconds=91 if first == "clock" else 11)
        together(lambda claim=claim: ACTS[first](stores, claim), lambda claim=claim: ACTS[second](stores, claim))
        fits(stores)


def test_one_key_used_by_many_at_once_makes_one_batch(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "kite", {}, ())] * 2
    made: list[str] = []

    def ask() -> None:
        made.append(stores.tasks.create(requests, person="ann", request_key="once")[0].batch_id)

    together(*[ask] * 6)
    assert len(set(made)) == 1
    assert stores.history.total() == 2


def test_a_move_and_the_undo_of_another_wait_for_each_other_in_one_order(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "kite", {}, ())] * 40
    ids = [task.id for task in stores.tasks.create(requests, person="ann", projects=["Spring", "Autumn"] * 20)]
    projects = Projects(stores.db, stores.clock)
    for _ in range(ROUNDS):
        former, _ = projects.move(ids, "Winter", who="ann")
        together(
            lambda former=former: projects.put_back(former, "Winter", who="ann"),
            lambda: projects.move(ids[1:], "Summer", who="bob"),
        )
        with stores.db.transaction() as session:
            for number, task in enumerate(session.exec(select(Task).order_by(col(Task.seq)))):
                assert task.project in ("summer", ("spring", "autumn")[number % 2])
                task.project = ("spring", "autumn")[number % 2]


def test_two_batches_that_name_the_same_new_projects_enter_them_in_one_order(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "kite", {}, ())] * 20
    for number in range(ROUNDS):
        names = [f"{number} {letter}" for letter in "abcdefghijklmnopqrst"]
        together(*(partial(stores.tasks.create, requests, person=person, projects=order)
                   for person, order in (("ann", names), ("bob", names[::-1]))))  # fmt: skip
    assert len(stores.search.names().projects) == ROUNDS * 20


AGAIN: dict[str, Act] = {
    "card": lambda stores, claim: stores.tasks.retry(claim.task.id, who="ann"),
    "batch": lambda stores, claim: stores.tasks.retry_failed(claim.task.batch_id, who="bob"),
    "cause": lambda stores, claim: Failures(stores.db, stores.search, stores.clock).retry([claim.task.id], who="cy"),
    "doubt": lambda stores, claim: stores.tasks.write_off(claim.task.id, who="dan", again=True),
}
"""Every button that asks for what has failed again."""


@pytest.mark.parametrize("buttons", [*combinations_with_replacement(AGAIN, 2)], ids=" and ".join)
def test_whichever_buttons_ask_again_at_once_one_more_picture_is_bought(
    stores: Stores, buttons: tuple[str, str]
) -> None:
    for number in range(ROUNDS):
        stores.clock.forward(hours=2)
        if "doubt" in buttons:
            stores.task()
            stores.submissions.in_doubt((claim := stores.claim()).submission_id, message="")
            stores.clock.forward(hours=2)
            stores.deadlines.tick()
        else:
            stores.fail(claim := stores.running(f"p{number}"), f"p{number}")
        together(*[partial(AGAIN[button], stores, claim) for button in buttons])
        with stores.db.read() as session:
            retries = session.exec(select(Task).where(Task.parent_id == claim.task.id)).all()
        itself = [stores.card(claim.task.id)] if stores.card(claim.task.id).status == S.QUEUED else []
        assert len([*retries, *itself]) == 1, f"round {number}"
        for task in [*retries, *itself]:
            stores.tasks.cancel(task.id, who="ann")
        fits(stores)


def test_a_cancel_at_the_moment_in_which_a_held_up_call_leaves_is_free_or_too_late(stores: Stores) -> None:
    for _ in range(ROUNDS):
        task, left, free = stores.task(), [], []
        claim = stores.claim()
        stores.clock.forward(seconds=11)
        together(
            lambda claim=claim, left=left: left.append(stores.submissions.leaves(claim.submission_id, stores.pace)),
            lambda task=task, free=free: free.append(stores.tasks.cancel(task.id, who="ann")),
        )
        assert free == [False]
        if not left[0]:
            stores.submissions.not_taken(claim.submission_id, O.NOT_SENT, cause="held_up", message="",
                                         retry_in=timedelta(0))  # fmt: skip
            assert stores.card(task.id).status == S.CANCELLED
        fits(stores)


def test_many_workers_claim_each_task_once_and_keep_the_pace(stores: Stores) -> None:
    for _ in range(30):
        stores.task()
    claims: list[Claim] = []

    def work() -> None:
        while claim := stores.submissions.claim("kie", SERVES, stores.pace):
            claims.append(claim)

    together(*[work] * 6)
    assert len(claims) == 20
    assert len({claim.task.id for claim in claims}) == 20


def test_two_fetchers_never_bring_the_same_picture_at_once(stores: Stores) -> None:
    for number in range(10):
        stores.succeed(stores.running(f"p{number}"), f"p{number}")
    taken: list[str] = []

    def work() -> None:
        while fetch := stores.errands.claim_fetch(timedelta(seconds=60)):
            taken.append(fetch.submission_id)

    together(*[work] * 4)
    assert len(taken) == len(set(taken)) == 10
