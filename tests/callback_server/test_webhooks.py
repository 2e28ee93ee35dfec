"""Webhooks over real HTTP: what is authentic is kept once, what is not leaves no trace, nothing is a 5xx."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from processes import free_port, wait_until
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from callback_server import replay
from callback_server.routes.webhooks import MAX_BODY_BYTES, provider_task_id
from callback_server.signing import sign
from data.db import Database
from data.moves import lock_submission
from data.pace import Pace
from data.requests import GenerationRequest
from data.schema import WebhookDelivery
from data.status import Outcome
from data.submissions import Claim, SubmissionStore
from data.tasks import TaskStore

from .conftest import MODEL, Server, ServerFactory

KEY = "test-webhook-key"
PLAIN = "/api/webhook/nano-banana"


def address(
    claim: Claim, *, submission: str | None = None, token: str | None = None, family: str = "nano-banana"
) -> str:
    return f"/api/webhook/{family}/{submission or claim.submission_id}/{token or claim.token}"


def success(task_id: str = "p1") -> dict[str, object]:
    return {"code": 200, "msg": "ok", "data": {"taskId": task_id, "state": "success"}}


def signed(task_id: str, *, key: str = KEY, age: float = 0) -> dict[str, str]:
    timestamp = str(int(time.time() - age))
    return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": sign(key, task_id, timestamp)}


def is_due(server: Server, claim: Claim) -> bool:
    return any(look.submission_id == claim.submission_id for look in server.errands.claim_looks())


# What is taken -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["nano-banana", "seedream"])
def test_a_webhook_with_its_token_is_kept_and_its_record_is_looked_up_at_once(server: Server, family: str) -> None:
    claim = server.running()
    answer = server.client.post(address(claim, family=family), json=success())
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    (kept,) = server.deliveries()
    assert (kept.submission_id, kept.provider_task_id, kept.verdict) == (claim.submission_id, "p1", "token")
    assert json.loads(kept.body) == success()
    assert is_due(server, claim)


def test_what_a_webhook_says_is_not_believed(server: Server) -> None:
    claim = server.running()
    server.client.post(address(claim), json=success() | {"resultUrls": ["http://evil.example/x.png"]})
    assert (server.outcome(claim), server.call(claim).outputs) == (Outcome.ACCEPTED, [])


def test_a_webhook_that_overtakes_the_answer_gives_the_call_its_name(server: Server) -> None:
    claim = server.sent()
    assert server.client.post(address(claim), json=success("p7")).status_code == 200
    assert server.call(claim).provider_task_id == "p7"
    assert is_due(server, claim)


def test_a_webhook_resolves_a_doubt(server: Server) -> None:
    claim = server.sent()
    server.submissions.in_doubt(claim.submission_id, message="no answer")
    server.client.post(address(claim), json=success("p7"))
    assert is_due(server, claim)


def test_a_doubled_webhook_is_answered_the_same_and_only_counted(server: Server) -> None:
    claim = server.running()
    first = server.client.post(address(claim), json=success())
    before = server.state()
    second = server.client.post(address(claim), json=success())
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    after = server.state()
    assert after.pop("WebhookDelivery") == [row | {"times": 2} for row in before.pop("WebhookDelivery")]
    assert after == before


def test_the_headers_are_kept_without_what_may_be_a_credential(server: Server) -> None:
    claim = server.running()
    headers = {"Authorization": "Bearer a", "Cookie": "b", "X-Api-Key": "c", "X-Forwarded-Client-Token": "d",
               "X-Request-Id": "r" * 900, "User-Agent": "kie/1"} | {f"X-Many-{n}": "x" for n in range(60)}  # fmt: skip
    assert server.client.post(address(claim), json=success(), headers=headers).status_code == 200
    (row,) = server.deliveries()
    assert (row.headers["user-agent"], row.headers["x-request-id"]) == ("kie/1", "r" * 512)
    assert len(row.headers) == 40
    assert not set("abcd") & {value.removeprefix("Bearer ") for value in row.headers.values()}


def test_doubles_that_arrive_at_the_same_moment_are_kept_once(server: Server) -> None:
    claim = server.running()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.client.post(address(claim), json=success()), range(64)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(server.deliveries()) == 1


def test_webhooks_of_many_calls_at_once_are_all_kept(server: Server) -> None:
    claims = [server.running(f"p{n}") for n in range(15)]
    with ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(lambda n: server.client.post(address(claims[n]), json=success(f"p{n}")), range(15)))
    assert {answer.status_code for answer in answers} == {200}
    assert {row.submission_id for row in server.deliveries()} == {claim.submission_id for claim in claims}


def test_another_task_under_a_known_name_is_an_alarm_and_not_a_result(server: Server) -> None:
    claim = server.running("p1")
    assert server.client.post(address(claim), json=success("p2")).status_code == 200
    assert server.call(claim).provider_task_id == "p1"
    assert not is_due(server, claim)
    assert "alarm_second_id" in [event.kind for event in server.history.detail(claim.task.id).events]


def test_a_name_that_another_call_bears_is_an_alarm_and_no_crash(server: Server) -> None:
    server.running("p1")
    claim = server.sent()
    assert server.client.post(address(claim), json=success("p1")).status_code == 200
    assert server.call(claim).provider_task_id is None


def test_a_leaked_address_cannot_fill_the_disk(server: Server) -> None:
    claim = server.running()
    for n in range(30):
        body = success() | {"n": n, "stuffing": "x" * 200_000}
        assert server.client.post(address(claim), json=body).status_code == 200
    assert len(server.deliveries()) == 20
    assert sum(len(row.body) for row in server.deliveries()) < 20 * 65_537


def test_the_last_webhook_shows_on_the_board(server: Server) -> None:
    claim = server.running()
    assert "webhook:last" not in server.board.all()
    server.client.post(address(claim), json=success())
    assert server.board.all()["webhook:last"].ok


@pytest.mark.http
@pytest.mark.parametrize("path", [PLAIN, "/api/webhook/seedream", f"{PLAIN}/any/thing"])
def test_a_person_who_opens_the_address_learns_that_it_is_alive(shared: Server, path: str) -> None:
    answer = shared.client.get(path)
    assert (answer.status_code, answer.json()["ok"]) == (200, True)


# Signatures --------------------------------------------------------------------------------------------------------


def test_a_signed_webhook_needs_no_address_of_ours(server: Server) -> None:
    claim = server.running("p1")
    answer = server.client.post(PLAIN, json=success("p1"), headers=signed("p1"))
    assert answer.status_code == 200
    assert [row.verdict for row in server.deliveries()] == ["signature"]
    assert is_due(server, claim)


def test_token_and_signature_together_are_noted_as_both(server: Server) -> None:
    claim = server.running("p1")
    assert server.client.post(address(claim), json=success("p1"), headers=signed("p1")).status_code == 200
    assert [row.verdict for row in server.deliveries()] == ["both"]


@pytest.mark.parametrize("spelling", [
    {"data": {"taskId": "p1"}}, {"data": {"task_id": "p1"}}, {"taskId": "p1"}, {"task_id": "p1", "data": None},
    {"data": [], "taskId": "p1"},
])  # fmt: skip
def test_the_task_is_found_in_all_four_spellings(spelling: object) -> None:
    assert provider_task_id(spelling) == "p1"


@pytest.mark.http
@pytest.mark.parametrize("headers", [
    {}, signed("p1", key="other-key"), signed("p2"), signed("p1", age=4000), signed("p1", age=-4000),
    {"X-Webhook-Timestamp": "now", "X-Webhook-Signature": "x"}, {"X-Webhook-Signature": "é".encode("latin-1")},
    signed("p1") | {"X-Webhook-Timestamp": "9" * 400}, signed("p1") | {"X-Webhook-Signature": ""},
], ids=["none", "key", "task", "old", "future", "words", "latin", "endless", "empty"])  # fmt: skip
def test_a_forged_signature_is_refused_and_leaves_no_trace(shared: Server, headers: dict[str, str]) -> None:
    if not shared.opened.inbox.submission_of("p1"):
        shared.running("p1")
    before = shared.state()
    answer = shared.client.post(PLAIN, json=success("p1"), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")
    assert shared.state() == before


@pytest.mark.parametrize("headers", [signed("p2"), signed("p1", age=4000), signed("p1", key="x")])
def test_a_wrong_signature_beside_a_good_token_is_noted_and_the_evidence_kept(
    server: Server, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    claim = server.sent()
    server.submissions.in_doubt(claim.submission_id, message="no answer")
    assert server.client.post(address(claim), json=success("p1"), headers=headers).status_code == 200
    assert [row.verdict for row in server.deliveries()] == ["token_bad_signature"]
    assert is_due(server, claim)
    for n in range(5):
        server.client.post(address(claim), json=success("p1") | {"n": n}, headers=headers)
    assert sum("token_bad_signature" in record.getMessage() for record in caplog.records) <= 1


def test_an_unset_key_never_means_accept(server_factory: ServerFactory) -> None:
    server = server_factory()
    claim = server.running("p1")
    before = server.state()
    for key in ("", "None", "test-webhook-key"):
        answer = server.client.post(PLAIN, json=success("p1"), headers=signed("p1", key=key))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "signatures_off")
    assert server.state() == before
    assert server.client.post(address(claim), json=success("p1"), headers=signed("p1", key="x")).status_code == 200


def test_a_signed_webhook_about_nobodys_task_is_unknown(server: Server) -> None:
    before = server.state()
    assert server.client.post(PLAIN, json=success("px"), headers=signed("px")).status_code == 404
    assert server.state() == before


# What is refused ---------------------------------------------------------------------------------------------------


def test_unknown_submissions_and_wrong_tokens_get_the_same_answer(server: Server, wrong_token: str) -> None:
    claim = server.running()
    other = server.running("p2")
    before = server.state()
    paths = [
        address(claim, token=wrong_token), address(claim, token=other.token), address(claim, token="x"),
        address(claim, token=claim.token[:-1]), address(claim, token="%00"), address(claim, token="%ff%fe"),
        address(claim, submission="0190a000-0000-7000-8000-000000000000"), address(claim, submission="' OR 1=1 --"),
        address(claim, submission=claim.submission_id.upper()), address(claim, submission="x" * 2000),
        address(claim, submission="%00"), address(claim, submission="é"), address(claim, submission="test"),
    ]  # fmt: skip
    answers = [server.client.post(path, json=success()) for path in paths]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert server.state() == before


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "blank": b"  \n",
    "word": b"hello",
    "form": b"taskId=p1&state=success",
    "cut": b'{"data": {"taskId": "p1"',
    "two": b'{"taskId": "p1"}{"taskId": "p1"}',
    "deep lists": b"[" * 400_000,
    "deep objects": b'{"a":' * 150_000 + b"1" + b"}" * 150_000,
    "NaN": b'{"data": {"taskId": "p1", "costTime": NaN}}',
    "Infinity": b'{"data": {"taskId": "p1", "costTime": -Infinity}}',
    "infinite": b'{"data": {"taskId": "p1", "costTime": 1e999}}',
    "huge int": b'{"data": {"taskId": "p1", "costTime": ' + b"9" * 500_000 + b"}}",
    "large int": b'{"data": {"taskId": "p1", "costTime": ' + b"9" * 300 + b"}}",
    "bad UTF-8": b'{"data": {"taskId": "p1", "msg": "\xff\xfe"}}',
    "UTF-16": '{"taskId": "p1"}'.encode("utf-16"),
    "BOM": b"\xef\xbb\xbf" + b'{"taskId": "p1"}',
    "surrogate": b'{"data": {"taskId": "p1", "msg": "\\ud800"}}',
    "surrogate key": b'{"data": {"taskId": "p1", "\\udfff": 1}}',
    "surrogate id": b'{"data": {"taskId": "\\ud800"}}',
    "NUL": b'{"taskId": "p1"}\x00',
    "control": b'{"taskId": "p\x001"}',
    "null": b"null",
    "list": b'[{"taskId": "p1"}]',
    "number": b"1",
    "text": b'"p1"',
    "no id": b'{"data": {"state": "success"}}',
    "number id": b'{"data": {"taskId": 1}}',
    "object id": b'{"data": {"taskId": {"$ne": null}}}',
    "list id": b'{"data": {"taskId": ["p1"]}}',
    "bool id": b'{"data": {"taskId": true}}',
    "empty id": b'{"data": {"taskId": ""}}',
    "long id": b'{"data": {"taskId": "' + b"p" * 200 + b'"}}',
    "NUL id": b'{"data": {"taskId": "p\\u00001"}}',
    "spaced id": b'{"data": {"taskId": "p 1"}}',
    "other alphabet": '{"data": {"taskId": "пять"}}'.encode(),
}


def test_a_malformed_webhook_is_400_and_leaves_no_trace(server: Server) -> None:
    claim = server.running("p1")
    before = server.state()
    for name, body in MALFORMED.items():
        for path, headers in ((address(claim), {}), (PLAIN, signed("p1"))):
            answer = server.client.post(path, content=body, headers=headers)
            assert answer.status_code == 400, (name, answer.text)
            assert answer.json()["error"]["code"] in {"invalid_json", "no_task_id"}, name
    assert server.state() == before


def test_strangers_never_reach_the_parser(server: Server, wrong_token: str) -> None:
    claim = server.running()
    for body in MALFORMED.values():
        assert server.client.post(address(claim, token=wrong_token), content=body).status_code == 404


@pytest.mark.http
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(shared: Server, method: str) -> None:
    answer = shared.client.request(method, PLAIN)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(server: Server) -> None:
    claim = server.running()
    body = json.dumps(success()).encode()
    body += b" " * (MAX_BODY_BYTES - len(body))
    assert server.client.post(address(claim), content=body + b" ").status_code == 413
    assert server.client.post(address(claim), content=iter([body, b" "])).status_code == 413
    assert server.deliveries() == []
    assert server.client.post(address(claim), content=body).status_code == 200


def test_a_body_that_breaks_off_is_nothing(server: Server) -> None:
    claim = server.running()

    def broken() -> Iterator[bytes]:
        yield b'{"data": '
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.client.post(address(claim), content=broken())
    assert server.client.post(address(claim), json=success()).status_code == 200
    assert len(server.deliveries()) == 1


@pytest.mark.processes
def test_memory_stays_flat_under_a_body_of_200_megabytes(tmp_path: Path, database_url: str) -> None:
    port = free_port()
    env = os.environ | {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "CALLBACK_PORT": str(port)}
    env["SANDBOX_PORT"] = str(free_port())
    db = Database(database_url)
    TaskStore(db).create([GenerationRequest(MODEL, "a red kite", {}, ())], person="ann")
    claim = SubmissionStore(db).claim("kie", [("kie", "nano-banana")], Pace())
    db.close()
    assert claim is not None
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "callback_server"], env=env, stderr=subprocess.DEVNULL) as process:
        try:
            with httpx.Client(base_url=url, trust_env=False, verify=False, timeout=60) as client:
                wait_until(lambda: answers(client), 20)
                client.post(address(claim), content=b"{}")
                before = peak_kilobytes(process.pid)
                for path in (address(claim), address(claim, token="wrong"), PLAIN):
                    answer = client.post(path, content=chunks(200))
                    assert answer.status_code in {413, 404, 403}
                assert client.post(address(claim), json=success()).status_code == 200
            assert peak_kilobytes(process.pid) - before < 8_000
        finally:
            process.terminate()
        assert process.wait(15) == 0


@pytest.mark.processes
def test_nothing_acknowledged_is_lost_when_the_server_is_killed_under_load(tmp_path: Path, database_url: str) -> None:
    """Each delivery is sent twice, so that doubles are on their way too; then kill -9, and the same again."""
    env = os.environ | {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "CALLBACK_PORT": str(free_port())}
    env["SANDBOX_PORT"] = str(free_port())
    db = Database(database_url)
    wide = Pace(creates=999, in_flight=999, per_person=999, doubts=999)
    TaskStore(db).create([GenerationRequest(MODEL, "a red kite", {}, ())] * 12, person="ann")
    found = [SubmissionStore(db).claim("kie", [("kie", "nano-banana")], wide) for _ in range(12)]
    claims = [claim for claim in found if claim is not None]
    assert len(claims) == 12
    acknowledged: set[tuple[str, str]] = set()
    for life in range(2):
        with subprocess.Popen([sys.executable, "-m", "callback_server"], env=env, stderr=subprocess.DEVNULL) as process:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{env['CALLBACK_PORT']}", trust_env=False, verify=False
            ) as client:
                wait_until(lambda client=client: answers(client), 20)
            enough, stop = len(acknowledged) + 60, threading.Event()
            senders = [
                threading.Thread(target=send_twice, args=(int(env["CALLBACK_PORT"]), claim, life, acknowledged, stop))
                for claim in claims
            ]
            for sender in senders:
                sender.start()
            wait_until(lambda enough=enough: len(acknowledged) >= enough, 20)
            process.kill()
            stop.set()
            for sender in senders:
                sender.join()
    with db.read() as session:
        rows = session.exec(select(WebhookDelivery.submission_id, WebhookDelivery.body)).all()
    db.close()
    assert acknowledged <= set(rows)
    assert len(rows) == len(set(rows))


def send_twice(port: int, claim: Claim, life: int, acknowledged: set[tuple[str, str]], stop: threading.Event) -> None:
    """Up to nine deliveries, each two times, on one connection; ends when the server does."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=False, timeout=30) as client:
        for n in range(18):
            body = json.dumps(success(f"p{claim.submission_id}") | {"n": n // 2, "life": life})
            try:
                answer = client.post(address(claim), content=body)
            except httpx.HTTPError:
                return
            if answer.status_code == 200:
                acknowledged.add((claim.submission_id, body))
            if stop.is_set():
                return


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def chunks(megabytes: int) -> Iterator[bytes]:
    chunk = b" " * 1_000_000
    for _ in range(megabytes):
        yield chunk


def peak_kilobytes(pid: int) -> int:
    """The largest resident size that the process ever had (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


# When it cannot be kept --------------------------------------------------------------------------------------------


def test_a_webhook_that_cannot_be_kept_is_asked_for_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = server.running()
    whole = server.db.transaction

    @contextmanager
    def full() -> Iterator[Session]:
        with whole() as session:
            yield session
            session.connection()
            raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(server.db, "transaction", full)
    answer = server.client.post(address(claim), json=success())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database")
    assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.undo()
    assert server.deliveries() == []
    assert server.client.post(address(claim), json=success()).status_code == 200
    assert len(server.deliveries()) == 1


def test_a_server_that_stops_keeps_what_it_has_been_given(server_factory: ServerFactory) -> None:
    server = server_factory()
    claim = server.running()
    with ThreadPoolExecutor(1) as pool:
        with server.db.transaction() as session:  # the writer has to wait for us
            lock_submission(session, claim.submission_id)
            answer = pool.submit(server.client.post, address(claim), json=success())
            time.sleep(0.5)
            server._uvicorn.should_exit = True
            time.sleep(0.5)
            assert not answer.done()
        assert answer.result(20).status_code == 200
    server._thread.join(15)
    assert not server.opened.deliveries.alive
    assert len(server.deliveries()) == 1


def test_deliveries_can_be_heard_again_from_the_command_line(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = server.running()
    server.client.post(address(claim), json=success())
    server.looked_at()
    monkeypatch.setenv("DATABASE_URL", server.db.url.render_as_string(hide_password=False))
    assert replay.main(["--since", "2000-01-01T00:00Z", "--submission", claim.submission_id]) == 0
    assert capsys.readouterr().out == "1 submission is due for a look.\n"
    assert is_due(server, claim)
    assert replay.main(["--since", "2999-01-01T00:00Z"]) == 0
    with pytest.raises(SystemExit):
        replay.main(["--since", "2000-01-01"])
    assert "has no zone" in capsys.readouterr().err


# The round trip ----------------------------------------------------------------------------------------------------


def test_the_round_trip_counts_only_with_the_nonce_that_was_issued(server: Server) -> None:
    url = f"{PLAIN}/test/"
    assert server.client.post(f"{url}anything", json={}).status_code == 404
    server.board.report("webhook", ok=True, message="Testing", data={"nonce": "a-nonce"})
    before = server.state()
    for guess in ("a-nonc", "a-nonce-", "%00", "é"):
        assert server.client.post(f"{url}{guess}", json={}).status_code == 404
    assert server.state() == before
    assert server.client.post(f"{url}a-nonce", json={"test": True}).status_code == 200
    data = server.board.all()["webhook"].data
    assert data["nonce"] == "a-nonce"
    assert 0 <= data["round_trip_ms"] < 20_000
    assert data["arrived_at"].endswith("+00:00")
    marked = server.state()
    assert server.client.post(f"{url}a-nonce", json={}).status_code == 200
    assert server.state() == marked


def test_a_test_that_is_over_leaves_no_door_open(server: Server) -> None:
    server.board.report("webhook", ok=True, message="It came home.", data={"seconds": 0.1})
    for nonce in ("None", "null", "undefined"):
        assert server.client.post(f"{PLAIN}/test/{nonce}", json={}).status_code == 404


def test_refused_webhooks_do_not_fill_the_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        server.client.post(f"{PLAIN}/x/y", json={})
    assert sum("unknown_webhook" in record.getMessage() for record in caplog.records) <= 1
