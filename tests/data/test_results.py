"""The results of a batch, on each database: what stands for a task, what all its tries cost, and how they add up."""

import itertools

from sqlalchemy import event
from stores import MODELS, Stores

from data.plan import Plan
from data.removal import Removal
from data.requests import GenerationRequest
from data.results import BatchResults, Results, tally
from data.schema import Task
from data.status import TaskStatus as S

CALLS = itertools.count()


def start(stores: Stores, count: int) -> list[Task]:
    requests = [GenerationRequest(MODELS[0], f"kite {number}", {}, ()) for number in range(count)]
    return stores.tasks.create(requests, person="ann", plan=Plan("spring", "lines", None))


def done(stores: Stores, seconds: float) -> None:
    """The next task gets its picture, after so many seconds."""
    claim, name = stores.claim(), f"p{next(CALLS)}"
    stores.submissions.accepted(claim.submission_id, name)
    stores.clock.forward(seconds=seconds)
    stores.succeed(claim, name)
    stores.bring_home()


def failed(stores: Stores, cause: str) -> None:
    claim, name = stores.claim(), f"p{next(CALLS)}"
    stores.submissions.accepted(claim.submission_id, name)
    stores.fail(claim, name, cause=cause)


def of(stores: Stores, task: Task) -> Results:
    found = BatchResults(stores.db).of(task.batch_id)
    assert found is not None
    return found


def test_each_result_has_its_cost_and_its_time_and_they_add_up(stores: Stores) -> None:
    tasks = start(stores, 6)
    for seconds in (3, 20, 5):
        done(stores, seconds)
    failed(stores, "policy")
    failed(stores, "generation_failed")
    found = of(stores, tasks[0])
    assert found.name == "spring"
    assert [(one.card.id, one.seconds) for one in found.results] == [
        (task.id, took) for task, took in zip(tasks, (3, 20, 5, None, None, None), strict=True)
    ]
    told = tally(found.results)
    assert (told.count, told.done, told.refused, told.failed, told.active) == (6, 3, 1, 1, 1)
    assert (told.spent_micro, told.each_micro, told.seconds) == (12_000_000, 4_000_000, 5)
    assert tally([]).each_micro is None


def test_a_retry_stands_for_what_failed_as_long_as_no_earlier_one_has_a_picture(stores: Stores) -> None:
    first, other = start(stores, 2)
    failed(stores, "generation_failed")
    done(stores, 1)
    (second,) = stores.tasks.retry_failed(first.batch_id, who="ben").tasks
    assert [(one.asked.id, one.card.id) for one in of(stores, first).results] == [
        (first.id, second.id), (other.id, other.id),
    ]  # fmt: skip
    failed(stores, "generation_failed")
    third = stores.tasks.retry(second.id, who="ann")
    done(stores, 2)
    one, _ = of(stores, first).results
    assert (one.card.id, one.card.status, one.seconds, one.spent_micro) == (third.id, S.SUCCEEDED, 2, 4_000_000)
    assert [one.asked.id for one in of(stores, second).results] == [second.id], "a retry is a batch of its own too"


def test_what_was_deleted_is_not_there_and_of_a_batch_without_any_there_is_nothing(stores: Stores) -> None:
    tasks = start(stores, 2)
    done(stores, 1)
    Removal(stores.db).delete([tasks[0].id], who="ann")
    assert [one.asked.id for one in of(stores, tasks[0]).results] == [tasks[1].id]
    stores.tasks.cancel(tasks[1].id, who="ann")
    Removal(stores.db).delete([tasks[1].id], who="ann")
    assert BatchResults(stores.db).of(tasks[0].batch_id) is None
    assert BatchResults(stores.db).of("nonsense") is None


def test_a_result_is_left_as_long_as_any_of_its_tries_is_and_what_it_cost_stays(stores: Stores) -> None:
    first, second = start(stores, 2)
    failed(stores, "generation_failed")
    done(stores, 1)
    (again,) = stores.tasks.retry_failed(first.batch_id, who="ben").tasks
    failed(stores, "generation_failed")
    third = stores.tasks.retry(again.id, who="ben")
    done(stores, 2)
    removal = Removal(stores.db, stores.clock)
    removal.delete([first.id, again.id], who="ann")  # what failed is tidied away
    one, other = of(stores, first).results
    assert (one.asked.id, one.card.id, one.spent_micro, other.card.id) == (first.id, third.id, 4_000_000, second.id)
    assert tally([one, other]).done == 2
    removal.delete([third.id], who="ann")
    assert [one.asked.id for one in of(stores, first).results] == [second.id]
    removal.restore([first.id], who="ann")
    one, _ = of(stores, first).results
    assert (one.card.id, one.spent_micro) == (first.id, 4_000_000), "its deleted picture was paid for"


def test_what_one_press_asked_of_a_few_is_called_by_its_first_prompt(stores: Stores) -> None:
    assert of(stores, stores.task(prompt="a red kite")).name == "a red kite"


def test_five_hundred_are_read_with_the_statements_of_a_few(stores: Stores) -> None:
    tasks = start(stores, 500)
    said: list[str] = []
    event.listen(stores.db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    assert len(of(stores, tasks[0]).results) == 500
    assert len([text for text in said if text.lstrip().startswith(("SELECT", "WITH"))]) < 8
