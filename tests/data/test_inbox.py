"""The inbox: kept once, hinted at in the same transaction, bounded; and a hint never overrules what is known."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select
from stores import Stores

from data.db import Database
from data.errors import NotAllowed, PictureDeskError
from data.health import HealthBoard
from data.inbox import KEPT_CHARACTERS, MAX_PER_SUBMISSION, Answer, Delivery, Inbox, Judged
from data.schema import WebhookDelivery
from data.status import Outcome
from data.submissions import Claim

BODY = b'{"data": {"taskId": "p1"}}'


@pytest.fixture
def inbox(stores: Stores) -> Inbox:
    return Inbox(stores.db, stores.clock)


def kept(stores: Stores) -> list[WebhookDelivery]:
    with stores.db.read() as session:
        return list(session.exec(select(WebhookDelivery)))


def calm(stores: Stores, provider_task_id: str = "p1") -> Claim:
    """A call whose last look is just over, so that the next one is due later."""
    claim = stores.running(provider_task_id)
    stores.clock.forward(seconds=3)
    stores.errands.claim_looks()
    assert stores.errands.claim_looks() == []
    return claim


def test_a_delivery_is_kept_and_its_call_is_due_at_once(stores: Stores, inbox: Inbox) -> None:
    claim = calm(stores)
    assert inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    (row,) = kept(stores)
    assert (row.submission_id, row.body, row.verdict) == (claim.submission_id, BODY.decode(), "token")
    assert row.received_at == stores.clock()
    assert [look.provider_task_id for look in stores.errands.claim_looks()] == ["p1"]


def test_what_a_person_mistyped_hides_no_picture(stores: Stores, inbox: Inbox) -> None:
    task, claim = stores.task(), stores.claim()
    stores.submissions.in_doubt(claim.submission_id, message="")
    stores.tasks.name_call(task.id, "p9", who="ann")
    assert [look.provider_task_id for look in stores.errands.claim_looks()] == ["p9"]
    inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert [look.provider_task_id for look in stores.errands.claim_looks()] == ["p1"]
    assert stores.succeed(claim)
    with pytest.raises(NotAllowed, match="Nothing about this request is in doubt"):
        stores.tasks.name_call(task.id, "p9", who="ann")


def test_two_requests_that_a_person_mixed_up_both_keep_their_pictures(stores: Stores, inbox: Inbox) -> None:
    task, claim = stores.task(), stores.claim()
    stores.task()
    other = stores.claim()
    for each in (claim, other):
        stores.submissions.in_doubt(each.submission_id, message="")
    stores.tasks.name_call(task.id, "p2", who="ann")
    inbox.take(other.submission_id, "p2", b"2", verdict="token")
    inbox.take(claim.submission_id, "p1", b"1", verdict="token")
    looks = {look.submission_id: look.provider_task_id for look in stores.errands.claim_looks()}
    assert looks == {claim.submission_id: "p1", other.submission_id: "p2"}
    with pytest.raises(NotAllowed, match="told us this request's id already"):
        stores.tasks.name_call(task.id, "p3", who="ann")


def test_a_double_changes_nothing(stores: Stores, inbox: Inbox) -> None:
    claim = calm(stores)
    inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    stores.errands.claim_looks()
    assert not inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert len(kept(stores)) == 1
    assert stores.errands.claim_looks() == []


def test_the_same_words_about_two_calls_are_two_deliveries(stores: Stores, inbox: Inbox) -> None:
    first, second = calm(stores, "p1"), calm(stores, "p2")
    assert inbox.take(first.submission_id, "p1", BODY, verdict="token")
    assert inbox.take(second.submission_id, "p1", BODY, verdict="token")
    assert len(kept(stores)) == 2


def test_a_double_is_counted(stores: Stores, inbox: Inbox) -> None:
    claim = calm(stores)
    for _ in range(3):
        inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert [row.times for row in kept(stores)] == [3]


def test_doubles_from_two_processes_are_kept_once(stores: Stores) -> None:
    claim = calm(stores)
    databases = [Database(stores.db.url.render_as_string(hide_password=False)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda db: Inbox(db).take(claim.submission_id, "p1", BODY, verdict="token"), databases))
    for db in databases:
        db.close()
    assert any(taken)
    assert [row.times for row in kept(stores)] == [4]


def test_a_crash_in_the_middle_keeps_neither_delivery_nor_hint(
    stores: Stores, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = calm(stores)

    def crash(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("data.inbox.hint", crash)
    with pytest.raises(MemoryError):
        inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    monkeypatch.undo()
    assert kept(stores) == []
    assert inbox.take(claim.submission_id, "p1", BODY, verdict="token"), "the sender tries again and is heard"


def test_nobodys_delivery_is_not_kept(stores: Stores, inbox: Inbox) -> None:
    assert not inbox.take("nobody", "p1", BODY, verdict="token")
    assert kept(stores) == []


def test_a_first_name_is_kept_and_another_is_an_alarm(stores: Stores, inbox: Inbox) -> None:
    task = stores.task()
    claim = stores.claim()
    assert inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert inbox.take(claim.submission_id, "p2", BODY + b" ", verdict="token")
    assert stores.calls(task.id)[0].provider_task_id == "p1"
    assert stores.events(task.id).count("alarm_second_id") == 1


def test_a_name_that_another_call_bears_is_not_given_twice(stores: Stores, inbox: Inbox) -> None:
    stores.running("p1")
    task = stores.task()
    claim = stores.claim()
    assert inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert stores.calls(task.id)[0].provider_task_id is None
    assert "alarm_second_id" in stores.events(task.id)


def test_a_call_that_has_its_result_is_not_looked_at_again(stores: Stores, inbox: Inbox) -> None:
    claim = stores.running()
    stores.succeed(claim)
    assert inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert stores.errands.claim_looks() == []
    assert stores.calls(claim.task.id)[0].outcome == Outcome.SUCCEEDED


def test_news_about_a_call_that_failed_is_looked_at_because_evidence_wins(stores: Stores, inbox: Inbox) -> None:
    claim = stores.running()
    stores.fail(claim)
    inbox.take(claim.submission_id, "p1", BODY, verdict="token")
    assert len(stores.errands.claim_looks()) == 1


def test_what_is_kept_is_bounded(stores: Stores, inbox: Inbox) -> None:
    claim = calm(stores)
    for n in range(MAX_PER_SUBMISSION + 5):
        taken = inbox.take(claim.submission_id, "p1", b'"' + str(n).encode() + b"x" * 100_000 + b'"', verdict="token")
        assert taken == (n < MAX_PER_SUBMISSION)
    assert len(kept(stores)) == MAX_PER_SUBMISSION
    assert max(len(row.body) for row in kept(stores)) == KEPT_CHARACTERS


def test_tokens_and_names_are_found(stores: Stores, inbox: Inbox) -> None:
    claim = stores.running("p1")
    assert inbox.token_of(claim.submission_id) == claim.token
    assert inbox.token_of("nobody") is None
    assert inbox.submission_of("p1") == claim.submission_id
    assert inbox.submission_of("p2") is None


# Many at once --------------------------------------------------------------------------------------------------


def delivery(claim: Claim, name: str = "p1", *, token: str | None = "", body: bytes = BODY) -> Delivery:
    return Delivery(claim.submission_id, claim.token if token == "" else token, body, {"user-agent": "kie"},
                    lambda _: Judged(name, "token"))  # fmt: skip


@contextmanager
def commits(db: Database) -> Iterator[list[object]]:
    """Grows with each commit."""
    seen: list[object] = []

    def note(connection: object) -> None:
        seen.append(connection)

    event.listen(db.engine, "commit", note)
    yield seen
    event.remove(db.engine, "commit", note)


def test_what_comes_together_costs_one_commit(stores: Stores, inbox: Inbox) -> None:
    claims = [stores.running(f"p{n}") for n in range(12)]
    with commits(stores.db) as seen:
        answers = inbox.take_all([delivery(claim, f"p{n}") for n, claim in enumerate(claims)])
    assert answers == [Answer.KEPT] * 12
    assert len(seen) == 1
    assert {row.submission_id for row in kept(stores)} == {claim.submission_id for claim in claims}
    assert {look.submission_id for look in stores.errands.claim_looks()} == {claim.submission_id for claim in claims}


def test_strangers_cost_no_commit_and_are_not_parsed(stores: Stores, inbox: Inbox) -> None:
    claim, other = stores.running("p1"), stores.running("p2")

    def parse(_: Delivery) -> Judged:
        raise AssertionError("a stranger was listened to")

    forged = [
        Delivery(submission, token, b"[" * 9, {}, parse)
        for submission in (claim.submission_id, "nobody", "")
        for token in (other.token, "", "x", "\ud800", claim.token[:-1])
    ]
    with commits(stores.db) as seen:
        assert inbox.take_all(forged * 30) == [Answer.UNKNOWN] * len(forged) * 30
    assert seen == []
    assert kept(stores) == []


def test_a_forged_delivery_among_honest_ones_hinders_nobody(stores: Stores, inbox: Inbox) -> None:
    def refuse(_: Delivery) -> Judged:
        raise PictureDeskError("no webhook")

    first, second = calm(stores, "p1"), calm(stores, "p2")
    rubbish = Delivery(first.submission_id, first.token, b"?", {}, refuse)
    answers = inbox.take_all([delivery(first), rubbish, delivery(first, token="x"), delivery(second, "p2")])
    assert [answers[0], answers[2], answers[3]] == [Answer.KEPT, Answer.UNKNOWN, Answer.KEPT]
    assert isinstance(answers[1], PictureDeskError)
    assert len(kept(stores)) == 2


def test_doubles_that_come_together_are_counted_and_the_limit_holds_among_them(stores: Stores, inbox: Inbox) -> None:
    claim = calm(stores)
    bodies = [b"%d" % (n % 30) for n in range(60)]
    answers = inbox.take_all([delivery(claim, body=body) for body in bodies])
    assert [answers.count(word) for word in (Answer.KEPT, Answer.DOUBLE, Answer.FULL)] == [20, 20, 20]
    assert {row.times for row in kept(stores)} == {2}


def test_one_name_for_two_calls_that_come_together_is_given_once(stores: Stores, inbox: Inbox) -> None:
    stores.task()
    first = stores.claim()
    stores.task()
    second = stores.claim()
    inbox.take_all([delivery(first, "p1"), delivery(second, "p1"), delivery(first, "p9", body=b"9")])
    names = [stores.calls(claim.task.id)[0].provider_task_id for claim in (first, second)]
    assert names == ["p1", None]
    assert stores.events(first.task.id).count("alarm_second_id") == 1
    assert stores.events(second.task.id).count("alarm_second_id") == 1


def test_the_same_wrong_name_is_one_alarm(stores: Stores, inbox: Inbox) -> None:
    claim = stores.running("p1")
    for n in range(4):
        inbox.take_all([delivery(claim, "p2", body=b"%d" % n)])
    inbox.take_all([delivery(claim, "p3", body=b"other")])
    assert stores.events(claim.task.id).count("alarm_second_id") == 2


def test_a_name_given_between_the_look_and_the_lock_stands(
    stores: Stores, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = stores.task()
    claim = stores.claim()
    look = inbox._known

    def overtaken(ids: set[str]) -> object:
        known = look(ids)
        stores.submissions.accepted(claim.submission_id, "p1")
        return known

    monkeypatch.setattr(inbox, "_known", overtaken)
    inbox.take_all([delivery(claim, "p2")])
    assert stores.calls(task.id)[0].provider_task_id == "p1"
    assert "alarm_second_id" in stores.events(task.id)


# Hearing it again ----------------------------------------------------------------------------------------------


def test_stored_deliveries_can_be_heard_again_and_again(stores: Stores, inbox: Inbox) -> None:
    early, late, done = calm(stores, "p1"), calm(stores, "p2"), calm(stores, "p3")
    inbox.take_all([delivery(early, "p1"), delivery(done, "p3")])
    stores.succeed(done, "p3")
    stores.clock.forward(minutes=5)
    inbox.take_all([delivery(late, "p2")])
    stores.errands.claim_looks()
    assert inbox.replay(stores.clock() - timedelta(minutes=1)) == 1
    assert [look.submission_id for look in stores.errands.claim_looks()] == [late.submission_id]
    assert inbox.replay(submission_id=early.submission_id) == 1
    assert inbox.replay() == inbox.replay() == 2
    assert {look.submission_id for look in stores.errands.claim_looks()} == {early.submission_id, late.submission_id}
    assert inbox.replay(stores.clock() + timedelta(minutes=1)) == 0


def test_hearing_an_alarm_again_is_no_second_alarm(stores: Stores, inbox: Inbox) -> None:
    claim = stores.running("p1")
    inbox.take_all([delivery(claim, "p2")])
    assert inbox.replay() == 0
    assert stores.events(claim.task.id).count("alarm_second_id") == 1


def test_the_deliveries_of_one_call_can_be_read(stores: Stores, inbox: Inbox) -> None:
    claim, other = calm(stores, "p1"), calm(stores, "p2")
    inbox.take_all([delivery(claim), delivery(other, "p2")])
    stores.clock.forward(seconds=1)
    inbox.take_all([delivery(claim, body=b"2"), delivery(claim)])
    assert [(row.body, row.times, row.headers) for row in inbox.deliveries(claim.submission_id)] == [
        (BODY.decode(), 2, {"user-agent": "kie"}),
        ("2", 1, {"user-agent": "kie"}),
    ]


def test_nothing_that_a_webhook_asks_reads_a_whole_table(stores: Stores, inbox: Inbox) -> None:
    if not stores.db.is_sqlite:
        pytest.skip("PostgreSQL rightly reads tables this small as a whole")
    asked: list[tuple[str, object]] = []
    event.listen(
        stores.db.engine, "before_cursor_execute", lambda _c, _k, said, values, *_: asked.append((said, values))
    )
    stores.task()
    claim = stores.claim()
    inbox.take_all([delivery(claim, "p1"), delivery(claim, "p2", body=b"2")])
    inbox.submission_of("p1")
    plans = []
    with stores.db.engine.connect() as connection:
        for said, values in [each for each in asked if each[0].startswith(("SELECT", "UPDATE"))]:
            first = values[0] if isinstance(values, list) else values
            plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", first)]
    assert len(plans) > 8
    assert [plan for plan in plans if plan.startswith(("SCAN submission", "SCAN webhook"))] == []


# The round trip ------------------------------------------------------------------------------------------------


def test_only_the_issued_nonce_comes_home_and_its_time_is_kept(stores: Stores, inbox: Inbox) -> None:
    board = HealthBoard(stores.db, stores.clock)
    assert not inbox.came_home("")
    board.report("webhook", ok=True, message="Testing", data={"nonce": "n1"})
    stores.clock.forward(milliseconds=250)
    assert not inbox.came_home("n2")
    assert "arrived_at" not in board.all()["webhook"].data
    assert inbox.came_home("n1")
    stores.clock.forward(seconds=9)
    assert inbox.came_home("n1")
    assert board.all()["webhook"].data["round_trip_ms"] == 250


@pytest.mark.parametrize("data", [{}, {"nonce": None}, {"nonce": ""}, {"nonce": 7}])
def test_without_an_issued_nonce_nothing_comes_home(stores: Stores, inbox: Inbox, data: dict[str, object]) -> None:
    HealthBoard(stores.db, stores.clock).report("webhook", ok=True, message="", data=data)
    assert not any(inbox.came_home(nonce) for nonce in ("", "None", "7", "\ud800"))
