"""Never pay twice, never lose a picture: the guards of the paying side, one promise a test."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from stores import MODELS, SERVES, Stores, picture

from data import settling, submissions
from data.causes import explain
from data.inbox import Inbox
from data.ledger import Ledger
from data.pace import Pace
from data.schema import Submission
from data.settling import Word, name_is_taken
from data.status import Outcome, TaskStatus
from data.submissions import Claim

S = TaskStatus


def test_the_intent_to_spend_is_on_record_before_the_claim_is_handed_out(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    (call,) = stores.calls(task.id)
    assert (call.id, call.outcome, call.token) == (claim.submission_id, Outcome.SENDING, claim.token)
    assert stores.card(task.id).status == S.SUBMITTING


def test_a_task_is_claimed_once(stores: Stores) -> None:
    stores.task()
    stores.claim()
    assert stores.no_claim()


def test_the_database_itself_refuses_a_second_open_call(stores: Stores) -> None:
    task = stores.task()
    stores.claim()
    second = Submission(task_id=task.id, attempt=2, account="kie", token="t", lease_until=stores.clock())
    with pytest.raises(IntegrityError), stores.db.transaction() as session:
        session.add(second)


def test_a_success_ends_as_a_stored_picture(stores: Stores) -> None:
    claim = stores.running()
    assert stores.succeed(claim)
    assert stores.card(claim.task.id).status == S.FETCHING
    stores.bring_home()
    card = stores.card(claim.task.id)
    assert (card.status, card.charged_micro, len(card.pictures)) == (S.SUCCEEDED, 4_000_000, 1)
    assert card.finished_at == stores.clock()


def test_a_doubled_success_changes_nothing(stores: Stores) -> None:
    claim = stores.running()
    assert stores.succeed(claim)
    assert not stores.succeed(claim)
    stores.bring_home()
    assert not stores.succeed(claim)
    assert stores.card(claim.task.id).charged_micro == 4_000_000


def test_a_webhook_may_overtake_the_answer(stores: Stores) -> None:
    stores.task()
    claim = stores.claim()
    assert stores.succeed(claim)
    assert not stores.submissions.accepted(claim.submission_id, "p1")
    assert stores.card(claim.task.id).status == S.FETCHING


def test_silence_becomes_doubt_and_is_never_sent_again(stores: Stores) -> None:
    stores.task()
    claim = stores.claim()
    assert stores.submissions.in_doubt(claim.submission_id, message="no answer")
    assert stores.card(claim.task.id).status == S.UNCONFIRMED
    stores.clock.forward(hours=2)
    stores.deadlines.tick()
    assert stores.no_claim()
    assert len(stores.calls(claim.task.id)) == 1


def test_a_dead_sender_leaves_a_doubt_when_its_lease_ends(stores: Stores) -> None:
    task = stores.task()
    stores.claim()
    stores.clock.forward(seconds=stores.pace.submit_lease.total_seconds() - 1)
    assert stores.deadlines.tick() == 0
    stores.clock.forward(seconds=2)
    assert stores.deadlines.tick() == 1
    assert stores.card(task.id).status == S.UNCONFIRMED


def test_a_slow_sender_may_still_settle_its_own_doubt(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="lease ended")
    assert stores.submissions.accepted(claim.submission_id, "p1")
    assert stores.card(task.id).status == S.RUNNING


def test_a_doubt_without_evidence_ends_in_time_and_a_late_success_still_wins(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="no answer")
    stores.clock.forward(minutes=31)
    stores.deadlines.tick()
    card = stores.card(task.id)
    assert (card.status, card.error_code) == (S.FAILED, "unconfirmed")
    assert stores.calls(task.id)[0].outcome == Outcome.UNKNOWN
    stores.clock.forward(days=2)
    assert stores.succeed(claim)
    stores.bring_home()
    assert stores.card(task.id).status == S.SUCCEEDED


def test_an_overdue_task_fails_and_its_late_picture_revives_it(stores: Stores) -> None:
    claim = stores.running()
    stores.clock.forward(minutes=31)
    stores.deadlines.tick()
    assert stores.card(claim.task.id).error_code == "overdue"
    assert stores.errands.claim_looks(), "it is still watched"
    stores.succeed(claim)
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_what_the_provider_deletes_after_fourteen_days_is_given_up(stores: Stores) -> None:
    claim = stores.running()
    stores.clock.forward(days=14, minutes=1)
    stores.deadlines.tick()
    (call,) = stores.calls(claim.task.id)
    assert (call.outcome, call.fail_code, call.poll_at) == (Outcome.PROVIDER_FAILED, "expired", None)


@pytest.mark.parametrize("known", [False, True])
def test_a_desk_that_slept_for_fourteen_days_lets_nobody_wait_for_a_call_it_gives_up(
    stores: Stores, known: bool
) -> None:
    stores.task()
    claim = stores.claim()
    stores.clock.forward(days=14, minutes=1)
    if known:
        stores.submissions.accepted(claim.submission_id, "p1")
    stores.deadlines.tick()
    (call,) = stores.calls(claim.task.id)
    card = stores.card(claim.task.id)
    assert call.outcome == (Outcome.PROVIDER_FAILED if known else Outcome.WRITTEN_OFF)
    assert (card.status, card.error_code) == (S.FAILED, "overdue" if known else "unconfirmed")


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.REJECTED])
def test_only_a_certain_no_may_lead_to_another_call(stores: Stores, outcome: Outcome) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.not_taken(claim.submission_id, outcome, cause="rate_limited", message="429",
                                 retry_in=timedelta(seconds=5))  # fmt: skip
    assert stores.card(task.id).status == S.QUEUED
    assert stores.no_claim(), "not before the time it was told"
    stores.clock.forward(seconds=6)
    assert stores.claim().task.id == task.id
    assert [call.outcome for call in stores.calls(task.id)] == [outcome, Outcome.SENDING]


def test_a_refusal_for_good_fails_the_task_with_the_providers_words(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.not_taken(claim.submission_id, Outcome.REJECTED, cause="invalid", message="aspect_ratio?",
                                 retry_in=None)  # fmt: skip
    card = stores.card(task.id)
    assert (card.status, card.error_code, card.error_detail) == (S.FAILED, "invalid", "aspect_ratio?")


def test_a_refusal_of_the_account_stops_every_other_call_too(stores: Stores) -> None:
    stores.task()
    stores.task()
    claim = stores.claim()
    stores.submissions.not_taken(claim.submission_id, Outcome.REJECTED, cause="no_credits", message="402",
                                 retry_in=timedelta(seconds=60), pauses_account=True)  # fmt: skip
    assert stores.no_claim()
    assert stores.history.paused_accounts(stores.clock())["kie"][1] == "no_credits"
    stores.clock.forward(seconds=61)
    stores.claim()


def test_a_late_no_does_not_undo_an_acceptance(stores: Stores) -> None:
    claim = stores.running()
    assert not stores.submissions.not_taken(claim.submission_id, Outcome.REJECTED, cause="refused", message="",
                                            retry_in=None)  # fmt: skip
    assert stores.card(claim.task.id).status == S.RUNNING


def test_a_no_after_a_webhook_is_a_doubt_that_the_record_ends(stores: Stores) -> None:
    task, claim = stores.task(), stores.claim()
    Inbox(stores.db, stores.clock).take(claim.submission_id, "p1", b"{}", verdict="token")
    assert not stores.submissions.not_taken(claim.submission_id, Outcome.REJECTED, cause="refused", message="nginx",
                                            retry_in=timedelta(seconds=5))  # fmt: skip
    assert stores.card(task.id).status == S.UNCONFIRMED
    assert [look.provider_task_id for look in stores.errands.claim_looks()] == ["p1"]
    assert stores.succeed(claim)
    assert stores.card(task.id).status == S.FETCHING
    assert len(stores.calls(task.id)) == 1


def test_the_providers_own_fault_is_tried_once_more_and_then_fails(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim, retryable=True, cause="provider_error")
    assert stores.card(claim.task.id).status == S.QUEUED
    stores.clock.forward(seconds=3)
    again = stores.claim()
    stores.submissions.accepted(again.submission_id, "p2")
    stores.fail(again, "p2", retryable=True, cause="provider_error")
    assert stores.card(claim.task.id).status == S.FAILED
    assert len(stores.calls(claim.task.id)) == 2


def test_a_failure_that_was_charged_is_not_tried_again_without_a_person(stores: Stores) -> None:
    claim = stores.running()
    word = Word("failed", "p1", (), 4_000_000, "provider_error", "", retryable=True)
    stores.submissions.apply(claim.submission_id, word)
    card = stores.card(claim.task.id)
    assert (card.status, card.charged_micro) == (S.FAILED, 4_000_000)


def test_a_success_after_a_reported_failure_is_kept(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim)
    assert stores.succeed(claim)
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_a_failure_after_a_success_is_not_believed(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim)
    assert not stores.fail(claim)
    assert stores.card(claim.task.id).status == S.FETCHING


def test_a_second_provider_id_for_one_call_is_an_alarm_and_not_a_result(stores: Stores) -> None:
    claim = stores.running()
    assert not stores.succeed(claim, "p2")
    assert stores.card(claim.task.id).status == S.RUNNING
    assert "alarm_second_id" in stores.events(claim.task.id)


def test_one_provider_id_cannot_serve_two_calls(stores: Stores) -> None:
    stores.running("p1")
    stores.task()
    other = stores.claim()
    assert not stores.submissions.accepted(other.submission_id, "p1")
    assert stores.card(other.task.id).status == S.SUBMITTING


def test_a_success_without_a_picture_is_looked_at_again_before_it_counts_as_failed(stores: Stores) -> None:
    claim = stores.running()
    for _ in range(2):
        stores.succeed(claim, urls=())
        assert stores.card(claim.task.id).status == S.RUNNING
    stores.succeed(claim, urls=())
    card = stores.card(claim.task.id)
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, "empty_result", 4_000_000)


def test_a_picture_list_that_arrives_late_is_taken(stores: Stores) -> None:
    claim = stores.running()
    stores.succeed(claim, urls=())
    assert stores.succeed(claim)
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_a_call_settled_as_not_taken_that_succeeds_after_all_is_kept(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    stores.submissions.not_taken(claim.submission_id, Outcome.NOT_SENT, cause="unreachable", message="",
                                 retry_in=timedelta(seconds=5))  # fmt: skip
    assert stores.succeed(claim)
    stores.bring_home()
    assert stores.card(task.id).status == S.SUCCEEDED
    stores.clock.forward(minutes=1)
    assert stores.no_claim(), "the queued retry is gone: it would be paid twice"


def test_a_second_paid_result_is_kept_beside_the_first(stores: Stores) -> None:
    task = stores.task()
    first = stores.claim()
    stores.submissions.in_doubt(first.submission_id, message="")
    stores.tasks.write_off(task.id, who="admin", again=True)
    second = stores.claim()
    stores.submissions.accepted(second.submission_id, "p2")
    stores.succeed(second, "p2")
    stores.bring_home()
    stores.succeed(first, "p1")
    fetch = stores.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    stores.errands.stored(fetch.submission_id, 0, picture("cd" * 32))
    assert stores.errands.fetched(fetch.submission_id)
    card = stores.card(task.id)
    assert (card.status, len(card.pictures), card.charged_micro) == (S.SUCCEEDED, 2, 8_000_000)


def test_never_more_than_twenty_calls_start_in_any_ten_seconds(stores: Stores) -> None:
    for _ in range(25):
        stores.task()
    for _ in range(20):
        stores.claim()
        stores.clock.forward(milliseconds=100)
    assert stores.no_claim()
    stores.clock.forward(seconds=8.4)
    assert stores.no_claim(), "the first of them is 10.4 s old"
    stores.clock.forward(seconds=0.2)
    stores.claim()


def test_a_call_that_was_held_up_since_its_claim_keeps_the_pace_when_it_leaves(stores: Stores) -> None:
    for _ in range(60):
        stores.task()
    first, second, *_ = [stores.claim() for _ in range(20)]
    stores.clock.forward(seconds=11)
    for _ in range(19):
        stores.claim()
    assert stores.submissions.leaves(first.submission_id, Pace())
    assert stores.no_claim()
    assert not stores.submissions.leaves(second.submission_id, Pace())
    stores.clock.forward(seconds=11)
    assert stores.submissions.leaves(second.submission_id, Pace())


def test_a_call_that_was_held_up_until_others_took_it_for_sent_does_not_leave(stores: Stores) -> None:
    stores.task()
    claim = stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="nobody answered")
    assert not stores.submissions.leaves(claim.submission_id, Pace())


def test_a_call_that_was_held_up_until_its_task_was_cancelled_is_free(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    assert not stores.tasks.cancel(task.id, who="ann"), "it may be on its way"
    assert not stores.submissions.leaves(claim.submission_id, Pace())
    stores.submissions.not_taken(claim.submission_id, Outcome.NOT_SENT, cause="held_up", message="",
                                 retry_in=timedelta(0))  # fmt: skip
    assert stores.card(task.id).status == S.CANCELLED
    assert stores.history.detail(task.id).card.charged_micro == 0


def test_the_in_flight_ceiling_holds(stores: Stores) -> None:
    stores.pace = Pace(in_flight=2)
    for _ in range(3):
        stores.task()
    first = stores.claim()
    stores.claim()
    assert stores.no_claim()
    stores.submissions.accepted(first.submission_id, "p1")
    stores.succeed(first)
    stores.claim()


def test_too_many_doubts_stop_all_buying(stores: Stores) -> None:
    stores.pace = Pace(doubts=2)
    for _ in range(3):
        stores.task()
    for _ in range(2):
        stores.submissions.in_doubt(stores.claim().submission_id, message="")
    assert stores.no_claim()
    stores.clock.forward(minutes=31)
    stores.deadlines.tick()
    stores.claim()


def test_a_person_with_few_tasks_is_served_before_one_with_many(stores: Stores) -> None:
    for _ in range(3):
        stores.task(person="ann")
    bob = stores.task(person="bob")
    stores.claim()
    assert stores.claim().task.id == bob.id


def test_one_person_cannot_take_every_seat(stores: Stores) -> None:
    stores.pace = Pace(per_person=1)
    stores.task(person="ann")
    stores.task(person="ann")
    stores.claim()
    assert stores.no_claim()


def test_a_task_is_not_sent_before_its_references_are_there(stores: Stores) -> None:
    task = stores.task(model=MODELS[1], references=(picture(),))
    assert stores.no_claim()
    handover = stores.errands.claim_handover("kie", SERVES)
    assert handover is not None
    assert [image.sha256 for image in handover.references] == [picture().sha256]
    stores.errands.handed_over("kie", picture().sha256, "http://h/ref", stores.clock() + timedelta(hours=20))
    stores.errands.handover_done(task.id)
    assert stores.claim().reference_urls == ("http://h/ref",)


def test_a_reference_that_expired_at_the_provider_is_handed_over_anew(stores: Stores) -> None:
    stores.errands.handed_over("kie", picture().sha256, "http://h/old", stores.clock() + timedelta(hours=20))
    stores.clock.forward(hours=21)
    stores.task(model=MODELS[1], references=(picture(),))
    assert stores.no_claim()
    assert stores.errands.claim_handover("kie", SERVES) is not None


def test_a_reference_that_cannot_be_handed_over_fails_the_task_without_a_call(stores: Stores) -> None:
    task = stores.task(model=MODELS[1], references=(picture(),))
    for _ in range(5):
        assert stores.errands.claim_handover("kie", SERVES)
        stores.errands.handover_failed(task.id, message="refused", permanent=False)
        stores.clock.forward(minutes=2)
    assert stores.card(task.id).error_code == "references_unusable"
    assert stores.calls(task.id) == []


def test_an_id_that_only_a_webhook_named_gives_way_to_the_providers_own_answer(stores: Stores) -> None:
    task = stores.task()
    claim = stores.claim()
    Inbox(stores.db, stores.clock).take(claim.submission_id, "made-up", b"{}", verdict="token")
    assert stores.submissions.accepted(claim.submission_id, "p1")
    assert (stores.card(task.id).status, stores.calls(task.id)[0].provider_task_id) == (S.RUNNING, "p1")


def test_a_failed_call_is_not_looked_at_for_ever(stores: Stores) -> None:
    claim = stores.running()
    stores.fail(claim)
    Inbox(stores.db, stores.clock).take(claim.submission_id, "p1", b"{}", verdict="token")
    (look,) = stores.errands.claim_looks()
    stores.fail(claim)
    stores.errands.looked(look)
    stores.clock.forward(days=1)
    assert stores.errands.claim_looks() == []


def test_a_failed_call_whose_last_look_nobody_answered_is_looked_at_again(stores: Stores) -> None:
    inbox, claim = Inbox(stores.db, stores.clock), stores.running()
    stores.fail(claim)
    inbox.take(claim.submission_id, "p1", b"{}", verdict="token")
    assert len(stores.errands.claim_looks()) == 1  # and the looker dies
    stores.clock.forward(minutes=1)
    (slow,) = stores.errands.claim_looks()
    inbox.take(claim.submission_id, "p1", b'{"more": 1}', verdict="token")
    stores.errands.looked(slow)
    assert len(stores.errands.claim_looks()) == 1, "the second webhook's look is still owed"


def test_tries_that_never_left_do_not_use_up_the_second_chance(stores: Stores) -> None:
    task = stores.task()
    for _ in range(3):
        claim = stores.claim()
        stores.submissions.not_taken(claim.submission_id, Outcome.NOT_SENT, cause="unreachable", message="",
                                     retry_in=timedelta(seconds=5), pauses_account=True)  # fmt: skip
        stores.clock.forward(minutes=2)
    claim = stores.claim()
    stores.submissions.accepted(claim.submission_id, "p1")
    stores.fail(claim, retryable=True)
    assert stores.card(task.id).status == S.QUEUED


DIRECT = (("gemini", "nano-banana"),)
DIRECT_MODEL = "gemini-nano-banana-2.1"


def direct(stores: Stores) -> Claim:
    """A claim of an account whose provider answers at once."""
    stores.task(model=DIRECT_MODEL)
    claim = stores.submissions.claim("gemini", DIRECT, stores.pace)
    assert claim is not None
    return claim


def test_an_account_pays_for_its_own_providers_tasks_only(stores: Stores) -> None:
    task = stores.task(model=DIRECT_MODEL, references=(picture(),))
    assert stores.no_claim()
    assert stores.errands.claim_handover("kie", SERVES) is None
    assert stores.errands.claim_handover("gemini", DIRECT) is not None
    stores.errands.handed_over("gemini", picture().sha256, "inline:x", stores.clock() + timedelta(days=1))
    stores.errands.handover_done(task.id)
    assert stores.no_claim()
    stores.task()
    claim = stores.submissions.claim("gemini", DIRECT, stores.pace)
    assert claim is not None
    assert claim.task.id == task.id
    assert stores.claim().task.provider == "kie"


def test_an_answer_that_brings_its_picture_ends_the_call_at_once(stores: Stores) -> None:
    claim = direct(stores)
    assert stores.submissions.completed(claim.submission_id, Word("succeeded", "r-1", ("held:ab",), 6_720_000))
    (call,) = stores.calls(claim.task.id)
    assert (call.outcome, call.provider_task_id, call.poll_at) == (Outcome.SUCCEEDED, "r-1", None)
    card = stores.card(claim.task.id)
    assert (card.status, card.charged_micro) == (S.FETCHING, 6_720_000)
    stores.bring_home()
    assert stores.card(claim.task.id).status == S.SUCCEEDED


def test_a_name_that_another_call_has_costs_no_picture_that_came_with_the_answer(stores: Stores) -> None:
    first, second = direct(stores), direct(stores)
    for claim in (first, second):
        stores.submissions.completed(claim.submission_id, Word("succeeded", "r-1", ("held:ab",), 1))
    assert [stores.calls(claim.task.id)[0].provider_task_id for claim in (first, second)] == [
        "r-1", f"call-{second.submission_id}",
    ]  # fmt: skip
    assert stores.card(second.task.id).status == S.FETCHING
    assert "alarm_second_id" in stores.events(second.task.id)


def test_two_answers_of_one_name_at_one_moment_cost_no_picture(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = direct(stores), direct(stores)
    stores.submissions.completed(first.submission_id, Word("succeeded", "r-1", ("held:ab",), 1))
    looks = []

    def not_yet(session: Session, submission: Submission, name: str) -> bool:
        looks.append(name)
        return len(looks) > 2 and name_is_taken(session, submission, name)

    for module in (submissions, settling):
        monkeypatch.setattr(module, "name_is_taken", not_yet)
    assert stores.submissions.completed(second.submission_id, Word("succeeded", "r-1", ("held:cd",), 1))
    assert stores.calls(second.task.id)[0].provider_task_id == f"call-{second.submission_id}"
    assert stores.card(second.task.id).status == S.FETCHING


def test_a_doubt_that_nothing_can_end_is_counted_as_paid_once_its_time_is_over(stores: Stores) -> None:
    asked, ledger = direct(stores), Ledger(stores.db, stores.clock)
    stores.task()
    kie = stores.claim()
    for claim in (asked, kie):
        stores.submissions.in_doubt(claim.submission_id, message="silence")
    held = ledger.standing("ann")[1].reserved
    stores.clock.forward(minutes=31)
    stores.deadlines.tick()
    (call,), (other,) = stores.calls(asked.task.id), stores.calls(kie.task.id)
    assert (call.outcome, other.outcome) == (Outcome.WRITTEN_OFF, Outcome.UNKNOWN)
    card = stores.card(asked.task.id)
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, "unconfirmed", 0)
    assert "not known whether it was charged" in explain(card.error_code, 0, "gemini")
    team = ledger.standing("ann")[1]
    assert (held - team.reserved, team.charged) == (asked.task.estimate_micro, asked.task.estimate_micro)
    assert stores.submissions.completed(call.id, Word("succeeded", "r-1", ("held:ab",), 1)), "evidence still wins"
    assert stores.card(asked.task.id).status == S.FETCHING


def test_the_next_hand_over_is_found_without_reading_the_queue(stores: Stores) -> None:
    if not stores.db.is_sqlite:
        pytest.skip("PostgreSQL rightly reads tables this small as a whole")
    asked: list[tuple[str, object]] = []
    event.listen(
        stores.db.engine, "before_cursor_execute", lambda _c, _k, said, values, *_: asked.append((said, values))
    )
    assert stores.errands.claim_handover("kie", SERVES) is None
    assert stores.errands.claim_handover("kie", ()) is None
    looks = [each for each in asked if "awaits_upload" in each[0]]
    with stores.db.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all() for said, values in looks]
    assert len(plans) == len(SERVES)
    assert all("ix_task_handovers (provider=? AND family=?)" in plan[0][3] for plan in plans), plans


def test_an_answer_that_came_after_the_lease_still_ends_the_doubt(stores: Stores) -> None:
    claim = direct(stores)
    stores.clock.forward(minutes=10)
    stores.deadlines.tick()
    assert stores.card(claim.task.id).status == S.UNCONFIRMED
    assert stores.submissions.completed(claim.submission_id, Word("failed", "r-1", (), None, "policy", "no"))
    card = stores.card(claim.task.id)
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, "policy", 0)


def test_a_sender_that_cannot_put_its_answer_on_record_yet_is_not_taken_for_dead(stores: Stores) -> None:
    claim = direct(stores)
    stores.clock.forward(seconds=80)
    assert stores.submissions.still_sending(claim.submission_id, timedelta(seconds=60))
    stores.clock.forward(seconds=50)
    assert stores.deadlines.tick() == 0
    stores.clock.forward(seconds=11)
    assert stores.deadlines.tick() == 1
    assert not stores.submissions.still_sending(claim.submission_id, timedelta(seconds=60)), "it is in doubt by now"


def test_of_a_success_the_part_that_was_refused_is_noted(stores: Stores) -> None:
    claim = direct(stores)
    word = Word("succeeded", "r-1", ("http://h/1.png",), 1, message="picture 2: blocked")
    stores.submissions.completed(claim.submission_id, word)
    noted = [event.detail for event in stores.history.detail(claim.task.id).events if event.kind == "part_missing"]
    assert noted == ["picture 2: blocked"]


def test_nothing_drawn_is_worth_one_more_call_and_no_third(stores: Stores) -> None:
    claim = direct(stores)
    nothing = Word("failed", "r-1", (), None, "generation_failed", "NO_IMAGE", retryable=True)
    stores.submissions.completed(claim.submission_id, nothing)
    assert stores.card(claim.task.id).status == S.QUEUED
    stores.clock.forward(seconds=3)
    again = stores.submissions.claim("gemini", DIRECT, stores.pace)
    assert again is not None
    stores.submissions.completed(again.submission_id, replace(nothing, provider_task_id="r-2"))
    assert stores.card(claim.task.id).status == S.FAILED
