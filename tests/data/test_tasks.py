"""What people may ask: create, cancel, retry, give a doubt up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from stores import MODELS, SERVES, Stores, picture

from data import asks
from data.catalog import ModelSpec, catalog
from data.causes import explain
from data.errands import Handover
from data.errors import InvalidRequest, NotAllowed, NotFound
from data.failures import Failures
from data.glances import Glances
from data.mode import enter
from data.query import Query
from data.requests import GenerationRequest, validate
from data.schema import LedgerEntry, RequestKey, Spending, Task
from data.status import ACTIVE, SEED_WORDS, TERMINAL, TRANSITIONS, Outcome, TaskStatus
from data.submissions import Claim

S = TaskStatus


def test_four_at_once_are_four_tasks_of_one_batch(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "kite", {}, ())] * 4
    tasks = stores.tasks.create(requests, person="ann")
    assert len({task.batch_id for task in tasks}) == 1
    assert [task.position for task in tasks] == [0, 1, 2, 3]
    assert {task.estimate_micro for task in tasks} == {4_000_000}


def test_cancelling_a_waiting_task_is_free(stores: Stores) -> None:
    task = stores.task()
    assert stores.tasks.cancel(task.id, who="ann")
    assert stores.card(task.id).status == S.CANCELLED
    assert stores.no_claim()


def test_cancelling_later_remembers_the_wish_and_keeps_the_picture(stores: Stores) -> None:
    claim = stores.running()
    assert not stores.tasks.cancel(claim.task.id, who="ann")
    stores.succeed(claim)
    stores.bring_home()
    card = stores.card(claim.task.id)
    assert card.status == S.SUCCEEDED
    assert card.cancel_requested_at is not None


def test_nothing_is_spent_after_a_cancel(stores: Stores) -> None:
    claim = stores.running()
    stores.tasks.cancel(claim.task.id, who="ann")
    stores.fail(claim, retryable=True)
    assert stores.card(claim.task.id).status == S.CANCELLED
    assert stores.no_claim()


def test_what_has_ended_cannot_be_cancelled(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim)
    with pytest.raises(NotAllowed):
        stores.tasks.cancel(claim.task.id, who="ann")


def test_a_batch_of_nothing_writes_nothing(stores: Stores) -> None:
    with pytest.raises(ValueError, match="nothing"):
        stores.tasks.create([], person="ann", request_key="once")
    with stores.db.read() as session:
        assert [session.exec(select(table)).all() for table in (LedgerEntry, RequestKey, Spending)] == [[], [], []]


def test_a_retry_is_a_new_task_that_knows_its_origin(stores: Stores) -> None:
    stores.errands.handed_over("kie", picture().sha256, "http://h/r", stores.clock().replace(year=2027))
    task = stores.task(model=MODELS[1], references=(picture(),))
    assert stores.errands.claim_handover("kie", SERVES) == Handover(task.id, ())
    stores.errands.handover_done(task.id)
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p1")
    stores.fail(claim)
    again = stores.tasks.retry(task.id, who="bob")
    assert (again.parent_id, again.prompt, again.person) == (task.id, task.prompt, "bob")
    assert [row.sha256 for row in stores.history.detail(again.id).inputs] == [picture().sha256]
    assert stores.card(task.id).status == S.FAILED
    assert stores.tasks.retry(task.id, who="bob").id == again.id, "pressed twice, paid once"
    stores.tasks.cancel(again.id, who="bob")
    assert stores.tasks.retry(again.id, who="bob").id != again.id


def test_a_failed_download_is_retried_alone_and_costs_nothing(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim)
    fetch = stores.errands.claim_fetch(stores.pace.submit_lease)
    assert fetch is not None
    stores.errands.fetch_failed(fetch.submission_id, cause="download_failed", message="404", permanent=True)
    card = stores.card(claim.task.id)
    assert (card.status, card.error_code) == (S.FAILED, "download_failed")
    stores.tasks.retry_download(claim.task.id, who="ann")
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED
    assert len(stores.calls(claim.task.id)) == 1


def test_there_is_no_download_to_retry_without_a_result(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim)
    with pytest.raises(NotAllowed, match=r"named no finished file of this request.* what the request itself cost"):
        stores.tasks.retry_download(claim.task.id, who="ann")


def test_a_full_disk_never_gives_a_paid_picture_up(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim)
    for _ in range(20):
        fetch = stores.errands.claim_fetch(stores.pace.submit_lease)
        assert fetch is not None
        stores.errands.fetch_failed(
            fetch.submission_id, cause="storage_full", message="full", permanent=False, ours=True
        )
        stores.clock.forward(minutes=2)
    card = stores.card(claim.task.id)
    assert (card.status, card.error_code) == (S.FETCHING, "storage_full")
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_a_doubt_given_up_is_recorded_with_who(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    stores.tasks.write_off(task.id, who="admin", again=False)
    assert stores.card(task.id).error_code == "written_off"
    assert stores.calls(task.id)[0].outcome == Outcome.WRITTEN_OFF
    assert [e.who for e in stores.history.detail(task.id).events if e.kind == "written_off"] == ["admin"]


def test_only_a_doubt_can_be_written_off(stores: Stores) -> None:
    claim = stores.running()
    with pytest.raises(NotAllowed):
        stores.tasks.write_off(claim.task.id, who="admin", again=True)


def test_an_unknown_task_is_not_found(stores: Stores) -> None:
    for act in (stores.tasks.get, stores.card, stores.history.detail):
        with pytest.raises(NotFound):
            act("no-such-id")


def test_every_status_has_a_seed_word_and_a_side() -> None:
    assert set(SEED_WORDS) == set(TaskStatus) == ACTIVE | TERMINAL == set(TRANSITIONS)
    assert not ACTIVE & TERMINAL


def test_every_explanation_says_what_happened_whether_it_was_charged_and_what_to_do() -> None:
    assert explain("policy") == (
        "The model refused this prompt (policy). Nothing was charged. Change the prompt, or try another model."
    )
    assert "4 credits were charged" in explain("empty_result", 4_000_000)
    assert "not known whether it was charged" in explain("unconfirmed")
    assert explain("something-new").startswith("It did not work. Nothing was charged.")


def test_the_same_request_with_the_same_key_is_made_and_paid_for_once(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], "kite", {}, ())] * 2
    first = stores.tasks.create(requests, person="ann", request_key="k")
    again = stores.tasks.create(requests, person="ann", request_key="k")
    assert [task.id for task in again] == [task.id for task in first]
    assert stores.history.total() == 2


def test_a_key_cannot_serve_two_different_requests(stores: Stores) -> None:
    stores.tasks.create([GenerationRequest(MODELS[0], "kite", {}, ())], person="ann", request_key="k")
    with pytest.raises(NotAllowed, match="another request"):
        stores.tasks.create([GenerationRequest(MODELS[0], "boat", {}, ())], person="ann", request_key="k")


def test_only_the_failed_of_a_batch_are_tried_again_and_once(stores: Stores) -> None:
    requests = [GenerationRequest(MODELS[0], prompt, {}, ()) for prompt in ("kite", "boat", "hill", "lamp")]
    batch = stores.tasks.create(requests, person="ann")
    for number in range(4):
        claim = stores.claim()
        stores.submissions.accepted(claim.submission_id, f"p{number}")
        if claim.task.prompt in ("boat", "lamp"):
            stores.fail(claim, f"p{number}")
        else:
            stores.succeed(claim, f"p{number}")
    again = stores.tasks.retry_failed(batch[0].batch_id, who="ann").tasks
    assert [(task.prompt, task.parent_id) for task in again] == [("boat", batch[1].id), ("lamp", batch[3].id)]
    with pytest.raises(NotAllowed, match="left to try again"):
        stores.tasks.retry_failed(batch[0].batch_id, who="ann")
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p9")
    stores.fail(claim, "p9")
    stores.submissions.accepted(stores.claim().submission_id, "p10")
    with pytest.raises(NotAllowed, match="left to try again"):
        stores.tasks.retry_failed(batch[0].batch_id, who="ann")  # its retry has the button now
    (once_more,) = stores.tasks.retry_failed(again[0].batch_id, who="ann").tasks
    assert once_more.prompt == "boat"


def test_another_part_of_a_batch_that_is_as_large_is_tried_again_too(stores: Stores) -> None:
    def fails(name: str) -> None:
        claim = stores.claim()
        stores.submissions.accepted(claim.submission_id, name)
        stores.fail(claim, name)

    asked = [GenerationRequest(MODELS[0], prompt, {}, ()) for prompt in ("kite", "boat")]
    batch = stores.tasks.create(asked, person="ann")
    fails("p1")
    fails("p2")
    again = stores.tasks.retry_failed(batch[0].batch_id, who="ann").tasks
    fails("p3")
    assert [task.prompt for task in stores.tasks.retry_failed(again[0].batch_id, who="ann").tasks] == ["kite"]
    fails("p4")
    assert [task.prompt for task in stores.tasks.retry_failed(again[0].batch_id, who="ann").tasks] == ["boat"]


def test_a_doubt_written_off_may_be_tried_again_and_both_calls_are_on_record(stores: Stores) -> None:
    task = stores.task()
    stores.submissions.in_doubt(stores.claim().submission_id, message="")
    stores.tasks.write_off(task.id, who="admin", again=True)
    assert stores.card(task.id).status == S.QUEUED
    second = stores.claim()
    stores.submissions.accepted(second.submission_id, "p2")
    stores.succeed(second, "p2")
    stores.bring_home()
    assert [call.outcome for call in stores.calls(task.id)] == [Outcome.WRITTEN_OFF, Outcome.SUCCEEDED]
    assert stores.card(task.id).status == S.SUCCEEDED


@pytest.mark.parametrize("said", ["failed", "succeeded", "running"])
def test_asking_after_a_cancelled_request_brings_its_end_and_pays_for_nothing_more(stores: Stores, said: str) -> None:
    claim = stores.running()
    stores.tasks.cancel(claim.task.id, who="ann")
    for _ in range(3):
        stores.tasks.check_now(claim.task.id, who="ann")
    (look,) = stores.errands.claim_looks()
    assert (look.provider_task_id, stores.errands.claim_looks()) == ("p1", [])
    word = stores.word(said, urls=("http://h/1.png",) if said == "succeeded" else (), charged=0)
    stores.submissions.apply(claim.submission_id, replace(word, retryable=True))
    stores.bring_home()
    ends = {"failed": S.CANCELLED, "succeeded": S.SUCCEEDED, "running": S.RUNNING}
    assert (stores.card(claim.task.id).status, len(stores.calls(claim.task.id))) == (ends[said], 1)
    assert stores.no_claim()


def test_a_person_may_name_the_provider_s_id_and_a_look_brings_the_picture(stores: Stores) -> None:
    task, claim = stores.task(), stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    with pytest.raises(NotAllowed, match="never named"):
        stores.tasks.check_now(task.id, who="ann")
    stores.tasks.name_call(task.id, " p7 ", who="ann")
    (look,) = stores.errands.claim_looks()
    assert (look.submission_id, look.provider_task_id) == (claim.submission_id, "p7")
    stores.succeed(claim, "p7")
    stores.bring_home()
    assert stores.card(task.id).status == S.SUCCEEDED
    assert [e.who for e in stores.history.detail(task.id).events if e.kind == "named"] == ["ann"]


def test_an_id_that_serves_another_call_cannot_be_named(stores: Stores) -> None:
    stores.running("p1")
    task, claim = stores.task(), stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    with pytest.raises(NotAllowed, match="known by this id"):
        stores.tasks.name_call(task.id, "p1", who="ann")


def test_missing_files_of_a_finished_task_may_be_fetched_later(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim, urls=("http://h/1.png", "http://h/2.png"))
    fetch = stores.errands.claim_fetch(stores.pace.submit_lease)
    assert fetch is not None
    stores.errands.stored(claim.submission_id, 0, picture())
    assert stores.errands.fetched(claim.submission_id, attempt=fetch.attempt, missing=(1,))
    assert stores.card(claim.task.id).status == S.SUCCEEDED
    assert "part_missing" in stores.events(claim.task.id)
    stores.tasks.retry_download(claim.task.id, who="ann")
    again = stores.errands.claim_fetch(stores.pace.submit_lease)
    assert again is not None
    assert set(again.have) == {0}
    stores.errands.stored(claim.submission_id, 1, picture("cd" * 32))
    assert stores.errands.fetched(claim.submission_id, attempt=again.attempt)
    card = stores.card(claim.task.id)
    assert (card.status, len(card.pictures)) == (S.SUCCEEDED, 2)
    assert card.charged_micro > 0
    with pytest.raises(NotAllowed, match=r"has been downloaded already. Nothing more was charged"):
        stores.tasks.retry_download(claim.task.id, who="ann")


def test_a_file_is_known_by_its_name_and_one_of_a_new_name_takes_the_place_that_is_left(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim, urls=("http://h/a.png", "http://h/b.png?x", "http://h/c.png"))
    stores.errands.stored(claim.submission_id, 0, picture())

    def after(*urls: str) -> list[str]:
        stores.succeed(claim, urls=urls)
        return stores.calls(claim.task.id)[0].outputs

    mirror = ["http://m/a.png?2", "http://m/d.png", "http://m/c.png?2"]
    assert after(mirror[2], mirror[0], mirror[1]) == mirror
    assert after("http://m/c.png?3", "http://m/d.png?3") == mirror, "a list that lacks one"
    longer = ["http://m/a.png?5", "http://m/d.png?5", "http://m/c.png?5"]
    assert after("http://m/new.png", *longer) == longer
    alike = ["http://h/file?id=1", "http://h/file?id=2", "http://h/file?id=3"]
    assert after(*alike) == alike, "of names that tell nothing the place is all there is"
    assert after(alike[2], alike[0], "http://h/file?id=4") == [alike[0], "http://h/file?id=4", alike[2]]


def test_a_slow_fetcher_does_not_undo_what_a_quick_one_brought_home(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim)
    slow = stores.errands.claim_fetch(stores.pace.submit_lease)
    stores.clock.forward(minutes=5)
    quick = stores.errands.claim_fetch(stores.pace.submit_lease)
    assert slow is not None
    assert quick is not None
    stores.errands.fetch_failed(claim.submission_id, cause="expired", message="", permanent=True, attempt=slow.attempt)
    assert not stores.errands.keep_fetch(claim.submission_id, stores.pace.submit_lease, attempt=slow.attempt)
    stores.errands.stored(claim.submission_id, 0, picture())
    assert stores.errands.fetched(claim.submission_id, attempt=quick.attempt)
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_what_waited_in_practice_is_never_bought(stores: Stores) -> None:
    assert enter(stores.db, practice=True, clock=stores.clock) == 0
    task = stores.task()
    assert enter(stores.db, practice=True, clock=stores.clock) == 0
    assert enter(stores.db, practice=False, clock=stores.clock) == 1
    card = stores.card(task.id)
    assert (card.status, card.error_code) == (S.CANCELLED, "mode_changed")
    assert "Nothing was charged. Ask for it again." in explain(card.error_code)
    assert stores.no_claim()


def test_the_lower_priority_number_goes_first_whoever_asked_earlier(stores: Stores) -> None:
    stores.task(prompt="first", person="ann")
    request = GenerationRequest(MODELS[0], "urgent", {}, ())
    stores.tasks.create([request], person="bob", priority=-1)
    stores.tasks.create([request], person="eve", priority=1)
    assert [stores.claim().task.person for _ in range(3)] == ["bob", "ann", "eve"]


def test_the_queue_says_how_long_it_is(stores: Stores) -> None:
    window = stores.pace.window
    for _ in range(3):
        stores.task()
    assert stores.history.outlook(stores.clock(), creates=20, window=window).seconds == 0
    stores.tasks.create([GenerationRequest(MODELS[0], "kite", {}, ())] * 40, person="bob")
    outlook = stores.history.outlook(stores.clock(), creates=20, window=window)
    assert (outlook.waiting, outlook.seconds) == (43, 2 * window.total_seconds())


def test_a_clock_that_was_set_back_does_not_hold_the_work_for_hours(stores: Stores) -> None:
    stores.running()
    fetching = stores.running("p2")
    stores.succeed(fetching, "p2")
    stores.clock.forward(hours=-5)
    assert stores.errands.claim_looks() == []
    assert stores.errands.claim_fetch(stores.pace.window) is None
    stores.deadlines.tick()
    assert len(stores.errands.claim_looks()) == 1
    assert stores.errands.claim_fetch(stores.pace.window) is not None
    stores.task()
    assert stores.claim()


# One wish, one picture -------------------------------------------------------------------------------------------


def overdue(stores: Stores, name: str = "p1") -> Claim:
    """A task that has failed because the provider was too slow; its call is still open."""
    claim = stores.running(name)
    stores.clock.forward(minutes=31)
    stores.deadlines.tick()
    assert stores.card(claim.task.id).error_code == "overdue"
    return claim


def test_a_batch_that_may_be_paid_for_already_says_so_before_it_is_tried_again(stores: Stores) -> None:
    claim = overdue(stores)
    glances = Glances(stores.db, stores.clock)
    assert glances.failed_of_batch(claim.task.batch_id).doubtful == 1
    with pytest.raises(NotAllowed, match="may be paid for already"):
        stores.tasks.retry_failed(claim.task.batch_id, who="api", also_doubtful=False)
    assert len(stores.tasks.retry_failed(claim.task.batch_id, who="ann").tasks) == 1


def test_a_paid_picture_that_could_not_be_fetched_is_not_bought_again_unasked(stores: Stores) -> None:
    stores.succeed(claim := stores.running())
    fetch = stores.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    stores.errands.fetch_failed(fetch.submission_id, cause="expired", message="", permanent=True)
    assert stores.card(claim.task.id).status == S.FAILED
    assert Glances(stores.db, stores.clock).failed_of_batch(claim.task.batch_id).doubtful == 1


def test_a_retry_that_was_not_sent_yet_is_not_sent_once_the_picture_has_come(stores: Stores) -> None:
    claim = overdue(stores)
    again = stores.tasks.retry(claim.task.id, who="ann")
    stores.succeed(claim)
    assert stores.no_claim()
    card = stores.card(again.id)
    assert (card.status, card.error_code, card.charged_micro) == (S.CANCELLED, "has_picture", 0)
    assert stores.calls(again.id) == []
    with stores.db.read() as session:
        assert session.exec(select(Task.reserved_micro).where(Task.id == again.id)).one() == 0


def test_another_model_is_not_bought_beside_what_tries_the_same_wish_nor_after_it(stores: Stores) -> None:
    stores.fail(first := stores.running("p1"), "p1")
    other = validate(catalog().require(MODELS[2]), first.task.prompt, {}, ())
    by_other = stores.tasks.retry(first.task.id, who="ann", other=other)
    assert stores.tasks.retry(first.task.id, who="bob").id == by_other.id, "it is under way"
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p2")
    stores.fail(claim, "p2")
    for again in (other, None):
        with pytest.raises(NotAllowed, match=r"tried again since, in vain too. Nothing was asked for"):
            stores.tasks.retry(first.task.id, who="ann", other=again)
    retried = stores.tasks.retry(by_other.id, who="ann")
    assert retried.model == other.model, "the same again is the same model"
    assert stores.tasks.retry(first.task.id, who="bob", other=other).id == retried.id
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p3")
    stores.succeed(claim, "p3")
    stores.bring_home()
    with pytest.raises(NotAllowed, match="has its picture"):
        stores.tasks.retry(first.task.id, who="ann", other=other)
    assert stores.history.total() == 3


def test_what_was_perhaps_charged_before_is_not_called_free(stores: Stores) -> None:
    task = stores.task()
    stores.submissions.in_doubt(stores.claim().submission_id, message="")
    stores.tasks.write_off(task.id, who="ann", again=True)
    assert stores.card(task.id).perhaps_charged
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p2")
    stores.fail(claim, "p2")
    card = stores.card(task.id)
    said = explain(card.error_code, card.charged_micro, perhaps=card.perhaps_charged)
    assert "It is not known whether it was charged." in said
    (group,) = Failures(stores.db, stores.search, stores.clock).groups(Query(), "ann")
    assert group.perhaps_charged


def test_one_model_that_has_gone_does_not_keep_the_rest_of_a_batch_from_a_retry(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [GenerationRequest(model, "kite", {}, ()) for model in (MODELS[0], MODELS[2])]
    batch = stores.tasks.create(asked, person="ann")
    for name in ("p1", "p2"):
        claim = stores.claim()
        stores.submissions.accepted(claim.submission_id, name)
        stores.fail(claim, name)
    validated = asks.validate

    def paused(spec: ModelSpec, *rest: Any, **more: Any) -> GenerationRequest:
        if spec.id == MODELS[2]:
            raise InvalidRequest("Paused.", field="model", code="paused")
        return validated(spec, *rest, **more)

    monkeypatch.setattr(asks, "validate", paused)
    again = stores.tasks.retry_failed(batch[0].batch_id, who="ann")
    assert ([task.model for task in again.tasks], again.left_out) == ([MODELS[0]], 1)


def test_what_is_under_way_or_has_its_picture_is_not_asked_for_again(stores: Stores) -> None:
    claim = stores.running()
    with pytest.raises(NotAllowed, match="under way again, or has its picture"):
        stores.tasks.retry(claim.task.id, who="ann")
    stores.succeed(claim)
    stores.bring_home()
    with pytest.raises(NotAllowed, match="under way again, or has its picture"):
        stores.tasks.retry(claim.task.id, who="ann")


def test_a_batch_is_not_tried_again_for_a_last_try_that_failed_where_an_earlier_one_came_late(stores: Stores) -> None:
    first = overdue(stores)
    (again,) = stores.tasks.retry_failed(first.task.batch_id, who="ann").tasks
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p2")
    stores.fail(claim, "p2")
    stores.succeed(first)
    for batch_id in (first.task.batch_id, again.batch_id):
        with pytest.raises(NotAllowed, match="left to try again"):
            stores.tasks.retry_failed(batch_id, who="ann")
