"""What failed is told by cause, and all of one cause is tried again: at the price that was said, once."""

import pytest
from sqlalchemy import update
from stores import MODELS, Stores

from data.again import Said
from data.errors import BudgetExceeded, NotAllowed
from data.failures import Failures, Group
from data.glances import Glances
from data.query import Query
from data.query_reading import read
from data.removal import Removal
from data.requests import GenerationRequest
from data.schema import Task
from data.search import Search
from data.status import TaskStatus


@pytest.fixture
def failures(stores: Stores) -> Failures:
    return Failures(stores.db, Search(stores.db), stores.clock)


def failed(stores: Stores, name: str, cause: str = "policy", **task: str) -> str:
    claim = stores.running(name, **task)
    stores.fail(claim, name, cause=cause)
    return claim.task.id


def fails(stores: Stores, name: str) -> None:
    """The next that is sent."""
    stores.submissions.accepted((claim := stores.claim()).submission_id, name)
    stores.fail(claim, name)


def the(failures: Failures, cause: str, query: Query = Query()) -> Group:  # noqa: B008 - a value
    return next(group for group in failures.groups(query, "ann") if group.cause == cause)


def test_failures_are_grouped_by_cause_the_most_frequent_first(stores: Stores, failures: Failures) -> None:
    ids = [failed(stores, f"p{n}", cause) for n, cause in enumerate(("overdue", "policy", "policy"))]
    gone = failed(stores, "p9", "policy")
    Removal(stores.db, stores.clock).delete([gone], who="ann")
    stores.running("p4")
    groups = failures.groups(Query(), "ann")
    assert [(group.cause, group.ids) for group in groups] == [("policy", (ids[2], ids[1])), ("overdue", (ids[0],))]
    assert groups[0].again.estimate_micro == 2 * (stores.card(ids[1]).estimate_micro or 0)
    assert failures.groups(read("by:bob").query, "ann") == ()


def test_a_group_is_tried_again_as_one_batch_and_only_once(stores: Stores, failures: Failures) -> None:
    ids = [failed(stores, f"p{n}", prompt=f"kite {n}") for n in range(3)]
    again = the(failures, "policy").again
    made = failures.retry(again.ids, who="bob", said=Said(again.estimate_micro)).tasks
    assert [(task.prompt, task.parent_id, task.person) for task in made] == [
        (f"kite {n}", task_id, "bob") for n, task_id in enumerate(ids)
    ]
    assert len({task.batch_id for task in made}) == 1
    with pytest.raises(NotAllowed, match="left to try again"):
        failures.retry(again.ids, who="bob", said=Said(again.estimate_micro))
    assert (the(failures, "policy").ids, the(failures, "policy").again.ids) == (tuple(reversed(ids)), ())


def test_of_what_failed_again_the_last_try_is_tried_once_more(stores: Stores, failures: Failures) -> None:
    first = failed(stores, "p1")
    failures.retry(the(failures, "policy").again.ids, who="ann")
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p2")
    stores.fail(claim, "p2")
    assert the(failures, "policy").again.ids == (claim.task.id,), "one wish is one picture"
    Removal(stores.db, stores.clock).delete([claim.task.id], who="ann")
    assert the(failures, "policy").again.ids == (first,)
    assert len(failures.retry([first], who="ann").tasks) == 1


def test_nothing_costs_more_than_the_button_said(stores: Stores, failures: Failures) -> None:
    failed(stores, "p1")
    again = the(failures, "policy").again
    with pytest.raises(BudgetExceeded, match=r"said 3.99 credits, and by now it costs 4. Nothing was asked for and"):
        failures.retry(again.ids, who="ann", said=Said((again.estimate_micro or 0) - 10_000))
    assert stores.history.total() == 1


def test_one_of_them_and_a_whole_batch_cost_no_more_than_their_buttons_said(stores: Stores) -> None:
    task_id, said = failed(stores, "p1"), Said(3_990_000)
    other = GenerationRequest(MODELS[2], "a red kite", {}, ())
    for press in (
        lambda: stores.tasks.retry(task_id, who="ann", said=said),
        lambda: stores.tasks.retry(task_id, who="ann", other=other, said=said),
        lambda: stores.tasks.retry_failed(stores.card(task_id).batch_id, who="ann", said=said),
    ):
        with pytest.raises(BudgetExceeded, match=r"nothing was charged. Look at the new price"):
            press()
    with pytest.raises(NotAllowed, match=r"spoke of 2, and by now it would be 1. Nothing was asked for"):
        stores.tasks.retry_failed(stores.card(task_id).batch_id, who="ann", said=Said(4_000_000, 2))
    assert stores.history.total() == 1
    assert stores.tasks.retry(task_id, who="ann", said=Said(4_000_000)).estimate_micro == 4_000_000


def test_the_buttons_say_the_price_of_today_and_not_of_the_day_it_was_asked_for(
    stores: Stores, failures: Failures
) -> None:
    task_id = failed(stores, "p1")
    with stores.db.transaction() as session:
        session.exec(update(Task).values(estimate_micro=1))
    assert Glances(stores.db, stores.clock).failed_of_batch(stores.card(task_id).batch_id).estimate_micro == 4_000_000
    assert the(failures, "policy").again.estimate_micro == 4_000_000


def test_what_is_under_way_again_is_not_asked_for_beside_it(stores: Stores) -> None:
    stores.task()
    stores.submissions.in_doubt((claim := stores.claim()).submission_id, message="no answer")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    stores.tasks.write_off(claim.task.id, who="ann", again=True)
    with pytest.raises(NotAllowed, match=r"under way again, or has its picture by now. Nothing was asked for"):
        stores.tasks.retry(claim.task.id, who="bob")
    assert stores.history.total() == 1


def test_a_doubt_is_not_sent_again_beside_its_retry_but_may_be_given_up(stores: Stores) -> None:
    stores.task()
    stores.submissions.in_doubt((claim := stores.claim()).submission_id, message="no answer")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    stores.tasks.retry(claim.task.id, who="ann")
    with pytest.raises(NotAllowed, match=r"under way or has its picture. Nothing was asked for"):
        stores.tasks.write_off(claim.task.id, who="bob", again=True)
    stores.tasks.write_off(claim.task.id, who="bob", again=False)
    assert stores.card(claim.task.id).status == TaskStatus.FAILED


def test_who_might_pay_twice_is_known_before(stores: Stores, failures: Failures) -> None:
    task = stores.task()
    stores.submissions.in_doubt(stores.claim().submission_id, message="no answer")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    assert stores.card(task.id).status == TaskStatus.FAILED
    assert the(failures, "unconfirmed").again.doubtful == 1


def test_a_model_that_is_gone_keeps_nobody_from_the_rest(stores: Stores, failures: Failures) -> None:
    ids = [failed(stores, f"p{n}") for n in range(2)]
    with stores.db.transaction() as session:
        task = stores.tasks.get(ids[0])
        task.model = "gone/model"
        session.merge(task)
    assert the(failures, "policy").again.ids == (ids[1],)
    again = failures.retry(ids, who="ann")
    assert ([task.model for task in again.tasks], again.left_out) == ([MODELS[0]], 1)


def test_a_wish_is_asked_for_again_once_from_wherever_in_it_somebody_presses(
    stores: Stores, failures: Failures
) -> None:
    first = failed(stores, "p1")
    retry = stores.tasks.retry(first, who="ann")
    fails(stores, "p2")
    again = stores.tasks.retry(retry.id, who="ann")
    assert {stores.tasks.retry(task_id, who="bob").id for task_id in (first, retry.id)} == {again.id}, "it is under way"
    assert the(failures, "policy").again.ids == ()
    fails(stores, "p3")
    assert the(failures, "policy").again.ids == (again.id,)
    assert [task.parent_id for task in failures.retry([first, retry.id, again.id], who="cy").tasks] == [again.id]
    stores.submissions.accepted((claim := stores.claim()).submission_id, "p4")
    stores.succeed(claim, "p4")
    stores.bring_home()
    for task_id in (first, retry.id, again.id):
        with pytest.raises(NotAllowed, match="has its picture"):
            stores.tasks.retry(task_id, who="ann")
    assert claim.task.parent_id == again.id


def test_what_was_tried_again_in_vain_is_bought_by_its_newest_try_alone(stores: Stores) -> None:
    first = failed(stores, "p1")
    second = stores.tasks.retry(first, who="ann")
    glances = Glances(stores.db, stores.clock)
    assert glances.stand_ins([first, second.id]) == {first: second.id}
    fails(stores, "p2")
    with pytest.raises(NotAllowed, match="tried again since"):
        stores.tasks.retry(first, who="ann")
    third = stores.tasks.retry(second.id, who="ann")
    assert stores.tasks.retry(first, who="bob").id == third.id, "while it is under way it is the answer, from anywhere"
    fails(stores, "p3")
    assert glances.stand_ins([first, second.id, third.id]) == {first: third.id, second.id: third.id}
    Removal(stores.db, stores.clock).delete([third.id], who="ann")
    assert glances.stand_ins([first, second.id]) == {first: second.id}
    assert stores.tasks.retry(second.id, who="ann").parent_id == second.id


def test_a_retry_that_was_cancelled_stands_for_nothing_and_what_it_was_to_try_again_is_left(stores: Stores) -> None:
    first = failed(stores, "p1")
    glances, batch = Glances(stores.db, stores.clock), stores.card(first).batch_id
    for _ in range(2):
        retry = stores.tasks.retry(first, who="ann")
        assert (glances.stand_ins([first]), glances.failed_of_batch(batch).count) == ({first: retry.id}, 0)
        stores.tasks.cancel(retry.id, who="ann")
        assert (glances.stand_ins([first]), glances.failed_of_batch(batch).ids) == ({}, (first,))
    second = stores.tasks.retry(first, who="ann")
    fails(stores, "p2")
    stores.tasks.cancel(stores.tasks.retry(second.id, who="ann").id, who="ann")
    assert glances.stand_ins([first, second.id]) == {first: second.id}, "offered once, by the newest that failed"
    assert glances.failed_of([first, second.id]).ids == (second.id,)
    with pytest.raises(NotAllowed, match="tried again since"):
        stores.tasks.retry(first, who="ann")
    third = stores.tasks.retry(second.id, who="ann")
    assert (third.parent_id, stores.tasks.retry(first, who="bob").id) == (second.id, third.id), "under way: the answer"


def test_a_doubt_may_be_sent_again_where_its_retry_was_cancelled(stores: Stores) -> None:
    stores.task()
    stores.submissions.in_doubt((claim := stores.claim()).submission_id, message="")
    stores.clock.forward(hours=2)
    stores.deadlines.tick()
    stores.tasks.cancel(stores.tasks.retry(claim.task.id, who="ann").id, who="ann")
    stores.tasks.write_off(claim.task.id, who="ann", again=True)
    assert stores.card(claim.task.id).status == TaskStatus.QUEUED


def test_where_the_picture_of_its_retry_was_deleted_nothing_is_bought_and_the_way_leads_there(stores: Stores) -> None:
    first = failed(stores, "p1")
    retry = stores.tasks.retry(first, who="ann")
    stores.submissions.accepted((claim := stores.claim()).submission_id, "p2")
    stores.succeed(claim, "p2")
    stores.bring_home()
    glances, removal = Glances(stores.db, stores.clock), Removal(stores.db, stores.clock)
    removal.delete([retry.id], who="ann")
    assert (glances.stand_ins([first]), glances.failed_of([first]).count) == ({first: None}, 0)
    with pytest.raises(NotAllowed, match=r"its picture was deleted\. Nothing was .* under More, Deleted"):
        stores.tasks.retry(first, who="ann")
    removal.restore([retry.id], who="ann")
    assert glances.stand_ins([first]) == {first: retry.id}
    with pytest.raises(NotAllowed, match="has its picture"):
        stores.tasks.retry(first, who="ann")


def test_a_doubt_is_not_sent_again_where_its_retry_came_to_nothing(stores: Stores) -> None:
    stores.task()
    stores.submissions.in_doubt((claim := stores.claim()).submission_id, message="")
    stores.clock.forward(hours=2)
    stores.deadlines.tick()
    stores.tasks.retry(claim.task.id, who="ann")
    fails(stores, "p2")
    with pytest.raises(NotAllowed, match="tried again since"):
        stores.tasks.write_off(claim.task.id, who="ann", again=True)
    stores.tasks.write_off(claim.task.id, who="ann", again=False)


def test_what_first_has_a_picture_stands_for_all_its_tries(stores: Stores) -> None:
    first = stores.running("p1")
    stores.clock.forward(hours=1)
    stores.deadlines.tick()
    again = stores.tasks.retry(first.task.id, who="ann")
    fails(stores, "p2")
    stores.succeed(first, "p1")  # late: it is fetched
    glances = Glances(stores.db, stores.clock)
    assert glances.stand_ins([first.task.id, again.id]) == {again.id: first.task.id}
    stores.bring_home()
    assert glances.stand_ins([first.task.id, again.id]) == {again.id: first.task.id}
