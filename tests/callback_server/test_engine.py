"""The engine against the sandbox, process against process: every misfortune ends as a picture or as an honest failure.

After each test the sandbox's own ledger is compared with ours: no charge without a picture or a recorded failure.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from databases import Databases
from engine import KEY, Engine
from local import local
from pictures import phone_jpeg, transparent_png
from PIL import Image
from processes import wait_until
from sqlmodel import select

from data.catalog import catalog
from data.causes import WAITING, explain
from data.history import Card
from data.schema import Submission
from data.status import TERMINAL, Outcome, TaskStatus

pytestmark = pytest.mark.http
S = TaskStatus
OpenEngine = Callable[..., Engine]


@pytest.fixture
def start_engine(databases: Databases, tmp_path: Path) -> Iterator[OpenEngine]:
    """Starts engines; at the end each is audited and stopped."""
    engines: list[Engine] = []

    def start(env: dict[str, str] | None = None, *, webhooks: bool = True) -> Engine:
        folder = tmp_path / f"engine-{len(engines)}"
        folder.mkdir()
        engine = Engine(folder, databases.fresh(folder / "var"), env, webhooks=webhooks)
        engines.append(engine)
        return engine.__enter__()

    yield start
    for engine in engines:
        engine.__exit__()
        databases.give_back(engine.env["DATABASE_URL"])


@pytest.fixture(scope="module")
def shared_engine(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One sandbox and one server with webhooks, for tests that ask for something and see what comes of it."""
    folder = tmp_path_factory.mktemp("engine")
    url = databases.fresh(folder / "var")
    with Engine(folder, url) as shared:
        yield shared
    databases.give_back(url)


@pytest.fixture
def engine(shared_engine: Engine) -> Iterator[Engine]:
    """The shared engine; whatever a test leaves behind, the next one finds an open account and an empty queue."""
    yield shared_engine
    shared_engine.tidy()


def test_a_picture_is_made_stored_byte_for_byte_and_charged_once(engine: Engine) -> None:
    (card,) = engine.ended(*engine.ask("a red kite over dunes"))
    assert card.status == S.SUCCEEDED
    (picture,) = card.pictures
    path = engine.artifacts.original_path(picture.sha256)
    (charge,) = engine.charges(card.id)
    assert charge["credits"] * 1_000_000 == card.charged_micro == card.estimate_micro
    served = local.get(engine.history.detail(card.id).submissions[0].outputs[0]).content
    assert path.read_bytes() == served
    with Image.open(path) as image:
        assert image.size == (picture.width, picture.height) == (1024, 1024)
    assert engine.artifacts.thumbnail_path(picture.sha256, 320).exists()


@pytest.mark.parametrize(("model", "params", "size"), [
    ("google/nano-banana", {"aspect_ratio": "16:9", "output_format": "jpeg"}, (1344, 768)),
    ("google/nano-banana", {"output_format": "png"}, (1024, 1024)),
    ("seedream/4.5-text-to-image", {"aspect_ratio": "3:4", "quality": "basic"}, (1728, 2304)),
])  # fmt: skip
def test_shape_and_format_are_what_was_asked(
    engine: Engine, model: str, params: dict[str, str], size: tuple[int, int]
) -> None:
    (card,) = engine.ended(*engine.ask("a lighthouse", model=model, params=params))
    assert card.status == S.SUCCEEDED, explain(card.error_code)
    assert (card.pictures[0].width, card.pictures[0].height) == size
    assert card.pictures[0].mime == f"image/{params.get('output_format', 'jpeg')}"


@pytest.mark.parametrize("model", ["google/nano-banana-edit", "seedream/4.5-edit"])
def test_references_travel_to_the_provider_and_shape_the_result(engine: Engine, model: str) -> None:
    first, second = engine.ask("as a poster", model=model, count=2, references=(phone_jpeg(), transparent_png()))
    cards = engine.ended(first, second)
    assert {card.status for card in cards} == {S.SUCCEEDED}
    assert len(engine.charges(first, second)) == 2
    inputs = engine.history.detail(first).inputs
    assert [row.filename for row in inputs] == ["reference-0.png", "reference-1.png"]


KIE, GEMINI, ARK = "google/nano-banana", "gemini-nano-banana-2.1", "seedream-5-5-261028"


@pytest.mark.parametrize("model", [GEMINI, ARK])
def test_a_direct_road_brings_its_picture_home(engine: Engine, model: str) -> None:
    params = {"aspect_ratio": "16:9", "quality": "1K"}
    (card,) = engine.ended(*engine.ask("a red kite", model=model, params=params, references=(phone_jpeg(),)))
    assert card.status == S.SUCCEEDED, card
    size = catalog().require(model).output_size(params)
    assert (card.pictures[0].width, card.pictures[0].height) == size
    (charge,) = engine.charges(card.id)
    assert round(charge["credits"] * 1_000_000) == card.charged_micro
    (call,) = engine.history.detail(card.id).submissions
    assert (call.provider_task_id, call.account) == (charge["taskId"], "gemini" if model == GEMINI else "ark")
    assert len(engine.creates(card.id)) == 1


def test_polling_alone_suffices(start_engine: OpenEngine) -> None:
    engine = start_engine(webhooks=False)
    (card,) = engine.ended(*engine.ask("no public address"))
    assert card.status == S.SUCCEEDED
    assert engine.ledger()["charges"][0]["callBackUrl"] is None


def test_a_webhook_alone_suffices(start_engine: OpenEngine) -> None:
    engine = start_engine({"POLL_SECONDS": "600"})
    (card,) = engine.ended(*engine.ask("the poller sleeps"))
    assert card.status == S.SUCCEEDED


def test_a_signed_webhook_is_taken(start_engine: OpenEngine) -> None:
    engine = start_engine({"POLL_SECONDS": "600", "WEBHOOK_HMAC_KEY": "test-webhook-key"})
    (card,) = engine.ended(*engine.ask("the poller sleeps"))
    assert card.status == S.SUCCEEDED


ENDS_WELL = (
    "callback_lost", "callback_twice", "callback_late", "callback_bad_signature", "callback_old", "invisible",
    "record_http", "param_object", "empty_strings", "cost_ms", "slow_answer=2", "several=3", "slow_file=2",
    "lost_answer", "http_after=502",
)  # fmt: skip
ENDS_HONESTLY = {
    "fail=400": ("policy", 0),
    "fail=501": ("generation_failed", 0),
    "no_urls": ("empty_result", 4_000_000),
    "html_file": ("not_an_image", 4_000_000),
    "truncated_file": ("not_an_image", 4_000_000),
    "private_url": ("private_address", 4_000_000),
    "redirect": ("private_address", 4_000_000),
    "expired": ("expired", 4_000_000),
    "huge_file=200": ("too_large", 4_000_000),
    "refuse=422": ("model_unknown", 0),
    "paused": ("paused", 0),
    "refuse=505": ("paused", 0),
}


DIRECT_ENDS = {
    (GEMINI, "policy_prompt"): "policy",
    (GEMINI, "policy_output"): "policy",
    (GEMINI, "no_image"): "generation_failed",
    (GEMINI, "finish_reason"): "generation_failed",
    (GEMINI, "paused"): "model_unknown",
    (ARK, "policy_prompt"): "policy",
    (ARK, "policy_output"): "policy",
    (ARK, "item_error"): "policy",
    (ARK, "item_error=InternalServiceError"): "provider_error",
    (ARK, "refuse=404"): "not_open",
}
"""On a direct road nothing of this is charged."""


@dataclass(frozen=True)
class Morning:
    """A bad morning: one task for each fault, all asked for at once."""

    engine: Engine
    tasks: Mapping[str, str]  # fault → task id

    def ended(self, fault: str) -> Card:
        task_id = self.tasks[fault]
        while fault == "expired" and self.engine.card(task_id).status not in TERMINAL:  # it is tried for two minutes
            self.engine.hurry(task_id)
            time.sleep(0.5)
        (card,) = self.engine.ended(task_id, timeout=60)
        return card


@pytest.fixture(scope="module")
def morning(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """An engine of its own, for its queue is long."""
    folder = tmp_path_factory.mktemp("morning")
    url = databases.fresh(folder / "var")
    with Engine(folder, url) as engine:
        faults = (*ENDS_WELL, *ENDS_HONESTLY)
        tasks = {fault: engine.ask(f"kite [[fault:{fault}]]")[0] for fault in faults}
        for model, fault in DIRECT_ENDS:
            tasks[f"{model} {fault}"] = engine.ask(f"kite [[fault:{fault}]]", model=model)[0]
        morning = Morning(engine, tasks)
        yield morning
        morning.ended("expired")  # whichever tests ran here, it has ended before the ledgers are compared
    databases.give_back(url)


@pytest.mark.parametrize("fault", ENDS_WELL)
def test_trouble_on_the_way_ends_as_a_picture_paid_once(morning: Morning, fault: str) -> None:
    card = morning.ended(fault)
    assert card.status == S.SUCCEEDED, card
    assert len(card.pictures) == (3 if fault.startswith("several") else 1)
    assert len(morning.engine.creates(card.id)) == len(morning.engine.charges(card.id)) == 1


@pytest.mark.parametrize("fault", ["lost_answer", "http_after=502"])
def test_a_lost_answer_was_in_doubt_until_its_webhook_came(morning: Morning, fault: str) -> None:
    card = morning.ended(fault)
    assert "in_doubt" in [event.kind for event in morning.engine.history.detail(card.id).events]


@pytest.mark.parametrize("fault", ENDS_HONESTLY)
def test_a_failure_is_honest_about_cause_and_charge(morning: Morning, fault: str) -> None:
    card = morning.ended(fault)
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, *ENDS_HONESTLY[fault]), card
    assert len(morning.engine.creates(card.id)) <= 1


@pytest.mark.parametrize(("model", "fault"), DIRECT_ENDS)
def test_a_failure_on_a_direct_road_is_honest_and_costs_nothing(morning: Morning, model: str, fault: str) -> None:
    card = morning.ended(f"{model} {fault}")
    assert (card.status, card.error_code, card.charged_micro) == (S.FAILED, DIRECT_ENDS[model, fault], 0), card
    assert "Nothing was charged." in explain(card.error_code)
    assert card.attempts == (2 if fault == "no_image" else 1)


def test_a_doubt_on_a_direct_road_is_never_sent_again_and_ends_by_a_person(start_engine: OpenEngine) -> None:
    """The answer is cut; or the server dies with the only copy of the picture, which the disk had refused."""
    engine = start_engine()
    (engine.folder / "var" / "pictures").write_text("in the way")
    lost = [engine.ask("kite [[fault:lost_answer]]", model=model)[0] for model in (GEMINI, ARK)]
    (held,) = engine.ask("kite", model=GEMINI)
    wait_until(lambda: all(engine.card(task_id).status == S.UNCONFIRMED for task_id in lost), 15)
    wait_until(lambda: engine.lamp_says("storage") not in (None, (True, "")) and not engine.lamp_says("storage")[0], 15)
    assert engine.card(held).status == S.SUBMITTING
    engine.kill("server")
    (engine.folder / "var" / "pictures").unlink()
    with engine.db.transaction() as session:  # as if the lease had passed
        for call in session.exec(select(Submission).where(Submission.outcome == Outcome.SENDING)):
            call.lease_until = call.started_at
            session.add(call)
    engine.start("server")
    wait_until(lambda: engine.card(held).status == S.UNCONFIRMED, 15)
    for task_id in (*lost, held):
        engine.tasks.write_off(task_id, who="admin", again=False)
        assert "not known whether it was charged" in explain(engine.card(task_id).error_code)
    assert len(engine.ledger()["creates"]) == len(engine.ledger()["charges"]) == 3
    engine.kill("sandbox")  # its book has three charges for which nobody will ever have anything to show


def test_a_lost_answer_without_webhooks_stays_in_doubt_until_a_person_decides(start_engine: OpenEngine) -> None:
    engine = start_engine(webhooks=False)
    (task_id,) = engine.ask("kite [[fault:lost_answer]]")
    wait_until(lambda: engine.card(task_id).status == S.UNCONFIRMED, 10)
    wait_until(lambda: engine.ledger()["charges"], 10)
    assert len(engine.ledger()["creates"]) == 1
    engine.tasks.write_off(task_id, who="admin", again=False)
    assert "not known whether it was charged" in explain(engine.card(task_id).error_code)
    with engine.db.transaction() as session:  # what a person finds in the provider's own log would be told us thus
        (call,) = session.exec(select(Submission))
        assert call.outcome == Outcome.WRITTEN_OFF
        call.provider_task_id = engine.ledger()["charges"][0]["taskId"]
        call.poll_at = call.started_at
        session.add(call)
    (card,) = wait_until(lambda: [c for c in [engine.card(task_id)] if c.status == S.SUCCEEDED], 10)
    assert card.charged_micro == 4_000_000


def test_the_providers_own_fault_is_tried_once_more(engine: Engine) -> None:
    engine.fault(fault="fail", value="500", times=1, match="own fault")
    (card,) = engine.ended(*engine.ask("own fault"))
    assert (card.status, card.attempts) == (S.SUCCEEDED, 2)
    assert len(engine.charges(card.id)) == 1


@pytest.mark.parametrize(("fault", "code", "model", "account"), [
    ("refuse=402", "no_credits", KIE, "kie"), ("refuse=401", "key_refused", KIE, "kie"),
    ("refuse=433", "key_capped", KIE, "kie"), ("refuse=455", "maintenance", KIE, "kie"),
    ("refuse=401", "key_refused", GEMINI, "gemini"), ("refuse=402", "no_credits", ARK, "ark"),
])  # fmt: skip
def test_a_task_waits_while_the_account_is_shut(
    engine: Engine, fault: str, code: str, model: str, account: str
) -> None:
    (task_id,) = engine.ask(f"kite [[fault:{fault}]]", model=model)
    wait_until(lambda: engine.card(task_id).error_code == code, 10)
    assert engine.card(task_id).status == S.QUEUED
    told = (False, f"{WAITING[code].happened} {WAITING[code].do}")
    lamp = f"provider:{account}"
    wait_until(lambda: engine.lamp_says(lamp) == told, 10)
    engine.board.ask(lamp)
    # A free call is answered; the account is shut for paid ones all the same.
    wait_until(lambda: lamp not in engine.board.asked(), 10)
    assert engine.lamp_says(lamp) == told
    assert engine.tasks.cancel(task_id, who="ann")
    assert engine.charges(task_id) == []


@pytest.mark.parametrize(("fault", "model", "other", "code"), [
    ("quota", GEMINI, "gemini-3-pro-image", "key_capped"), ("refuse=433", ARK, "seedream-4-5-251128", "key_capped"),
    ("refuse=403", ARK, "seedream-4-5-251128", "refused"),
])  # fmt: skip
def test_one_model_that_is_used_up_or_forbidden_stops_no_other(
    engine: Engine, fault: str, model: str, other: str, code: str
) -> None:
    (task_id,) = engine.ask(f"kite [[fault:{fault}]]", model=model)
    wait_until(lambda: engine.card(task_id).error_code == code, 10)
    assert engine.ended(*engine.ask("kite", model=other))[0].status == S.SUCCEEDED
    assert engine.charges(task_id) == []


@pytest.mark.parametrize("fault", ["http_429=1", "refuse=429"])
def test_being_told_to_slow_down_is_obeyed_and_forgotten(engine: Engine, fault: str) -> None:
    kind, _, value = fault.partition("=")
    engine.fault(fault=kind, value=value, times=1, match=f"hurry {fault}")
    (task_id,) = engine.ask(f"hurry {fault}")
    wait_until(lambda: engine.card(task_id).error_code == "rate_limited", 10)
    (card,) = engine.ended(task_id)
    assert card.status == S.SUCCEEDED
    assert len(engine.charges(task_id)) == 1


def test_a_wrong_key_makes_the_task_wait_and_lights_the_lamp(start_engine: OpenEngine) -> None:
    engine = start_engine({"NANO_BANANA_API_KEY": "a-wrong-key-for-the-test"})
    (task_id,) = engine.ask("kite")
    wait_until(lambda: engine.card(task_id).error_code == "key_refused", 10)
    lamp = engine.lamp("provider:kie")
    assert lamp is not None
    assert "does not accept our key" in lamp.message
    assert "a-wrong-key-for-the-test" not in engine.log("server")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_task_of_a_road_without_a_key_says_what_it_waits_for(start_engine: OpenEngine) -> None:
    engine = start_engine({"GEMINI_API_KEY": ""})
    (task_id,) = engine.ask("kite", model=GEMINI)
    wait_until(lambda: engine.card(task_id).error_code == "no_account", 15)
    assert engine.ended(*engine.ask("kite", model=ARK))[0].status == S.SUCCEEDED
    engine.kill("server")
    engine.env["GEMINI_API_KEY"] = KEY
    engine.start("server")
    assert engine.ended(task_id)[0].status == S.SUCCEEDED


def test_a_provider_that_is_down_is_waited_for(start_engine: OpenEngine) -> None:
    engine = start_engine()
    engine.kill("sandbox")
    (task_id,) = engine.ask("kite")
    wait_until(lambda: engine.card(task_id).error_code == "unreachable", 10)
    engine.start("sandbox")
    (card,) = engine.ended(task_id, timeout=40)
    assert card.status == S.SUCCEEDED
    assert len(engine.ledger()["charges"]) == 1


def test_four_at_once_with_one_failing_keeps_the_other_three(engine: Engine) -> None:
    engine.fault(fault="fail", value="501", nth=2, times=1, match="four kites")
    ids = engine.ask("four kites", count=4)
    cards = engine.ended(*ids)
    assert sorted(card.status for card in cards) == [S.FAILED, S.SUCCEEDED, S.SUCCEEDED, S.SUCCEEDED]
    assert len(engine.charges(*ids)) == 3


def test_a_burst_keeps_the_pace(start_engine: OpenEngine) -> None:
    """Counted by when they left: how late a starved machine's sandbox hears of them is not ours (`benchmarks/pace.py`
    counts there)."""
    engine = start_engine({"PER_PERSON": "50"})
    asked = [engine.ask(f"{what} [[fault:fail=400]]", count=8) for what in ("kite", "boat", "hill")]
    cards = engine.ended(*(task_id for ids in asked for task_id in ids))
    left = sorted(call.started_at for card in cards for call in engine.history.detail(card.id).submissions)
    assert max(sum(first <= at < first + timedelta(seconds=10) for at in left) for first in left) == 20
    assert len(engine.ledger()["creates"]) == 24


def test_a_server_told_to_stop_waits_for_an_answer_that_brings_a_picture_and_never_calls_twice(
    start_engine: OpenEngine,
) -> None:
    engine = start_engine()
    tasks = [engine.ask("kite [[fault:slow_answer=3]]", model=model)[0] for model in (GEMINI, ARK)]
    wait_until(lambda: len(engine.ledger()["creates"]) == 2, 10)
    assert {engine.card(task_id).status for task_id in tasks} == {S.SUBMITTING}
    engine.kill("server", how=signal.SIGTERM)
    assert {engine.card(task_id).status for task_id in tasks} == {S.FETCHING}
    assert "waiting for 2 paid answers" in engine.log("server")
    engine.start("server")
    assert {card.status for card in engine.ended(*tasks)} == {S.SUCCEEDED}
    assert len(engine.ledger()["creates"]) == 2


def test_a_disk_that_refuses_makes_the_picture_wait_and_not_fail(start_engine: OpenEngine) -> None:
    """A file stands where the folder must be: a refusal that even root meets."""
    engine = start_engine()
    pictures = engine.folder / "var" / "pictures"
    pictures.write_text("in the way")
    (task_id,) = engine.ask("kite")
    wait_until(lambda: engine.card(task_id).error_code == "storage_full", 15)
    os.unlink(pictures)
    (card,) = engine.ended(task_id, timeout=30)
    assert card.status == S.SUCCEEDED


def test_the_key_is_nowhere_but_in_memory(engine: Engine) -> None:
    engine.ended(*engine.ask("kite"))
    for path in (engine.folder / "var").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    assert KEY not in engine.log("server")
