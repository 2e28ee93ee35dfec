"""The task API over real HTTP: every refusal has its code and is a 4xx, nothing is made by a refused request."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from local import local
from pictures import jpeg, png

from callback_server.routes.api import max_body_bytes
from data.deadlines import Clock, Deadlines
from data.images import StoredImage
from data.pace import Pace
from data.query import Query
from data.removal import Removal
from data.requests import GenerationRequest
from data.search import Search
from data.settling import Word
from data.status import Outcome

from .conftest import MODEL, Server, ServerFactory

EDIT = "google/nano-banana-edit"
BEARER = {"Authorization": "Bearer second-token"}
GENERATE = "/api/generate/image"
NOBODY = "0190a000-0000-7000-8000-000000000000"


def data_url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def ask(server: Server, **changes: Any) -> httpx.Response:
    """A good request with these fields changed; None leaves one out."""
    body = {"model": MODEL, "prompt": "a red kite"} | changes
    return server.client.post(GENERATE, json={k: v for k, v in body.items() if v is not None}, headers=BEARER)


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert set(error) == {"code", "field", "message"}
    assert error["message"]
    return answer.status_code, error["code"], error["field"]


# Asking ------------------------------------------------------------------------------------------------------------


def test_a_request_becomes_queued_tasks_that_can_be_read(server: Server) -> None:
    answer = ask(server, params={"aspect_ratio": "16:9"}, count=3, person="ann", project="Spring")
    assert answer.status_code == 202
    batch = answer.json()
    assert [task["status"] for task in batch["tasks"]] == ["pending"] * 3
    for task in batch["tasks"]:
        read = local.get(task["url"], headers=BEARER).json()
        assert (read["task_id"], read["batch_id"]) == (task["task_id"], batch["batch_id"])
        assert (read["model"], read["prompt"], read["params"]["aspect_ratio"]) == (MODEL, "a red kite", "16:9")
        assert read["project"] == "Spring"
    assert {card.person for card in Search(server.db).page(Query(), "ann").cards} == {"ann"}
    assert server.history.detail(batch["tasks"][0]["task_id"]).source == "api"


def test_a_program_that_names_nobody_asks_as_api(server: Server) -> None:
    ask(server)
    assert [card.person for card in Search(server.db).page(Query(), "ann").cards] == ["api"]


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no model": ({"model": None}, "missing", "model"),
    "unknown model": ({"model": "sora"}, "unknown_model", "model"),
    "model of another type": ({"model": 7}, "wrong_type", "model"),
    "no prompt": ({"prompt": None}, "missing", "prompt"),
    "empty prompt": ({"prompt": " \n"}, "prompt_empty", "prompt"),
    "long prompt": ({"prompt": "x" * 50_000}, "prompt_too_long", "prompt"),
    "broken prompt": ({"prompt": "a\x00b"}, "prompt_broken_characters", "prompt"),
    "prompt of another type": ({"prompt": ["a"]}, "wrong_type", "prompt"),
    "unknown setting": ({"params": {"colour": "red"}}, "unknown_param", "params.colour"),
    "setting out of its list": ({"params": {"aspect_ratio": "7:1"}}, "not_allowed", "params.aspect_ratio"),
    "setting of another type": ({"params": {"aspect_ratio": {"a": 1}}}, "wrong_type", "params.aspect_ratio"),
    "settings of another type": ({"params": "16:9"}, "wrong_type", "params"),
    "count 0": ({"count": 0}, "out_of_range", "count"),
    "count 9": ({"count": 9}, "out_of_range", "count"),
    "count in words": ({"count": "2"}, "wrong_type", "count"),
    "count true": ({"count": True}, "wrong_type", "count"),
    "count 1.5": ({"count": 1.5}, "wrong_type", "count"),
    "flat setting": ({"aspect_ratio": "1:1"}, "unknown_field", "aspect_ratio"),
    "misspelt field": ({"referencs": []}, "unknown_field", "referencs"),
    "strange field": ({"\u202e" * 90: 1}, "unknown_field", "�" * 60),
    "references of another type": ({"references": "x"}, "wrong_type", "references"),
    "reference of another type": ({"references": [1]}, "wrong_type", "references.0"),
    "too many by far": ({"references": ["x"] * 21}, "out_of_range", "references"),
    "empty person": ({"person": ""}, "out_of_range", "person"),
    "long person": ({"person": "x" * 101}, "out_of_range", "person"),
    "project without a letter": ({"project": '""'}, "not_allowed", "project"),
    "project that means none, before its pictures": (
        {"model": EDIT, "project": "None", "references": ["kite.png"]}, "not_allowed", "project",
    ),
    "broken person": ({"person": "a\x00b"}, "out_of_range", "person"),
    "picture for a model without": ({"references": [data_url(png(64, 64))]}, "references_not_taken", "references"),
    "no picture for a model that edits": ({"model": EDIT}, "references_missing", "references"),
    "no address": ({"model": EDIT, "references": ["kite.png"]}, "bad_reference", "references.0"),
    "file address": ({"model": EDIT, "references": ["file:///etc/passwd"]}, "bad_reference", "references.0"),
    "address with a user": ({"model": EDIT, "references": ["http://a:b@c.example/"]}, "refused", "references.0"),
    "private address": ({"model": EDIT, "references": ["http://127.0.0.1/a.png"]}, "private_address", "references.0"),
    "metadata": ({"model": EDIT, "references": ["http://169.254.169.254/x"]}, "private_address", "references.0"),
    "odd port": ({"model": EDIT, "references": ["http://127.0.0.1:22/"]}, "refused", "references.0"),
    "data URL as text": ({"model": EDIT, "references": ["data:image/png,abc"]}, "bad_reference", "references.0"),
    "broken base64": ({"model": EDIT, "references": ["data:image/png;base64,a*b"]}, "bad_reference", "references.0"),
    "cut base64": ({"model": EDIT, "references": ["data:image/png;base64,abc"]}, "bad_reference", "references.0"),
    "empty data URL": ({"model": EDIT, "references": ["data:;base64,"]}, "not_an_image", "references.0"),
    "a text": ({"model": EDIT, "references": [data_url(b"hello, world")]}, "not_an_image", "references.0"),
    "damaged picture": ({"model": EDIT, "references": [data_url(png()), data_url(png()[:900])]}, "damaged",
                        "references.1"),
}  # fmt: skip


@pytest.mark.http
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_made_is_refused_with_its_field_and_code(shared: Server, case: str) -> None:
    changes, code, field = REFUSED[case]
    before = shared.history.total()
    answer = ask(shared, **changes)
    status, said, at = refused(answer)
    assert (status, said, at) == (422, code, field), answer.text
    assert shared.history.total() == before, "nothing was made"


@pytest.mark.http
def test_a_reference_over_the_limit_is_refused_before_it_is_decoded(shared: Server) -> None:
    answer = ask(shared, model=EDIT, references=["data:image/png;base64," + "A" * 1_400_000])
    assert refused(answer) == (422, "too_large", "references.0")


@pytest.mark.http
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"prompt": NaN}', b"\xff", b'{"prompt": "\\ud800"}',
                                  b'{"count": 1e999}', b'{"count": ' + b"9" * 9999 + b"}"])  # fmt: skip
def test_what_is_no_json_is_400(shared: Server, body: bytes) -> None:
    before = shared.history.total()
    answer = shared.client.post(GENERATE, content=body, headers=BEARER)
    assert refused(answer) == (400, "invalid_json", None)
    assert shared.history.total() == before


@pytest.mark.http
@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"1", b"true"])
def test_json_that_is_no_object_is_422(shared: Server, body: bytes) -> None:
    assert refused(shared.client.post(GENERATE, content=body, headers=BEARER)) == (422, "wrong_type", "body")


@pytest.mark.http
def test_a_body_over_the_limit_is_413(shared: Server) -> None:
    limit = max_body_bytes(shared.settings)
    chunks = (b" " * 1_000_000 for _ in range(limit // 1_000_000 + 2))
    assert refused(shared.client.post(GENERATE, content=chunks, headers=BEARER)) == (413, "too_large", None)


def test_references_are_taken_as_data_urls(server: Server) -> None:
    answer = ask(server, model=EDIT, references=[data_url(png(64, 48)), data_url(jpeg(100, 80), "image/jpeg")], count=2)
    assert answer.status_code == 202, answer.text
    read = local.get(answer.json()["tasks"][1]["url"], headers=BEARER).json()
    assert [(r["mime"], r["width"]) for r in read["references"]] == [("image/png", 64), ("image/jpeg", 100)]
    fetched = local.get(read["references"][0]["url"])
    assert (fetched.status_code, len(fetched.content)) == (200, read["references"][0]["bytes"])


@pytest.fixture
def picture_host() -> Iterator[str]:
    """`host:port` of somebody's web server that has one picture."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/some/kite%20two.png"
            data = png(80, 60) if known else b"no such page"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Host) as host:
        thread = threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{host.server_port}"
        host.shutdown()
        thread.join()


def test_references_are_fetched_from_where_they_lie(server_factory: ServerFactory, picture_host: str) -> None:
    server = server_factory(api_tokens="second-token", download_allow_hosts=picture_host)
    answer = ask(server, model=EDIT, references=[f"http://{picture_host}/some/kite%20two.png"])
    assert answer.status_code == 202, answer.text
    (reference,) = server.history.detail(answer.json()["tasks"][0]["task_id"]).inputs
    assert (reference.width, reference.filename) == (80, "kite two.png")
    answer = ask(server, model=EDIT, references=[f"http://{picture_host}/other.png"])
    assert refused(answer) == (422, "expired", "references.0")


def test_what_is_left_of_a_batch_of_practice_may_come_yet_and_nothing_is_said_of_money(server: Server) -> None:
    server.tasks.create([GenerationRequest(MODEL, "a red kite", {}, ())], person="ann")
    claim = server.submissions.claim("sandbox", [("kie", "nano-banana")], Pace())
    assert claim is not None
    server.submissions.in_doubt(claim.submission_id, message="timeout")
    Clock(server.db, Deadlines(), lambda: server.db.now() + timedelta(minutes=31)).tick()
    url = f"/api/batch/{claim.task.batch_id}/retry"
    answer = server.client.post(url, headers=BEARER)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        409,
        "What is left of this was practice, and may bring its pictures yet. Nothing was asked for and nothing was "
        "charged. Wait, or ask for each of them again.",
    )
    assert server.client.post(url, headers=BEARER, params={"also_doubtful": True}).status_code == 202


# Tokens ------------------------------------------------------------------------------------------------------------


@pytest.mark.http
@pytest.mark.parametrize("given", [
    None, "", "Bearer", "Bearer x", "first-token", "Basic first-token", "Bearer first-token, second-token",
    "Bearer first-toke", "Bearer FIRST-TOKEN", "Bearer é", "Bearer " + "x" * 10_000,
])  # fmt: skip
def test_without_a_valid_token_nothing_is_told_or_made(shared: Server, given: str | None) -> None:
    claim = shared.sent()
    before = shared.history.total()
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    body = {"model": MODEL, "prompt": "a red kite"}
    for method, path in (("GET", f"/api/task/{claim.task.id}"), ("POST", f"/api/task/{claim.task.id}/cancel"),
                         ("POST", GENERATE), ("GET", f"/api/task/{NOBODY}")):  # fmt: skip
        answer = shared.client.request(method, path, headers=headers, json=body)
        assert refused(answer) == (401, "unauthorized", None)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert shared.history.total() == before


@pytest.mark.parametrize("token", ["first-token", "second-token"])
def test_each_of_the_tokens_opens_the_api(server: Server, token: str) -> None:
    claim = server.sent()
    for scheme in ("Bearer", "bearer"):
        answer = server.client.get(f"/api/task/{claim.task.id}", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 200


def test_while_no_token_is_set_tasks_can_be_read_but_not_made_or_cancelled(server_factory: ServerFactory) -> None:
    server = server_factory()
    claim = server.sent()
    assert server.client.get(f"/api/task/{claim.task.id}").status_code == 200
    for path in (GENERATE, f"/api/task/{claim.task.id}/cancel"):
        for headers in ({}, BEARER, {"Authorization": "Bearer"}):
            answer = server.client.post(path, json={"model": MODEL, "prompt": "x"}, headers=headers)
            assert refused(answer) == (404, "not_found", None)
    assert server.history.total() == 1


# Reading -----------------------------------------------------------------------------------------------------------


def read(server: Server, task_id: str) -> dict[str, Any]:
    answer = server.client.get(f"/api/task/{task_id}", headers=BEARER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_record_tells_the_whole_life(server: Server) -> None:
    image = server.opened.artifacts.store_output(png(300, 200))
    claim = server.succeeded("p1")
    server.errands.claim_fetch(timedelta(seconds=60))
    server.errands.stored(claim.submission_id, 0, image)
    assert server.errands.fetched(claim.submission_id)
    found = read(server, claim.task.id)
    assert (found["status"], found["detail_status"], found["error"]) == ("completed", "succeeded", None)
    assert found["charged_credits"] == "4.5"
    assert found["finished_at"].endswith("Z")
    assert datetime.fromisoformat(found["created_at"]) <= datetime.fromisoformat(found["finished_at"])
    (call,) = found["submissions"]
    assert (call["outcome"], call["provider_task_id"], call["charged_credits"]) == ("succeeded", "p1", "4.5")
    assert [event["kind"] for event in found["events"]][:2] == ["created", "claimed"]
    (picture,) = found["images"]
    assert {k: picture[k] for k in ("sha256", "mime", "width", "height", "bytes")} == {
        "sha256": image.sha256, "mime": "image/png", "width": 300, "height": 200, "bytes": image.size,
    }  # fmt: skip
    assert local.get(picture["url"]).content == png(300, 200)


def test_a_price_is_exact_and_an_unknown_one_is_null(server: Server) -> None:
    claim = server.sent()
    estimate = read(server, claim.task.id)["estimated_credits"]
    assert estimate is None or isinstance(estimate, str)
    assert read(server, claim.task.id)["charged_credits"] == "0"
    assert read(server, claim.task.id)["submissions"][0]["charged_credits"] is None


def test_a_failure_is_explained(server: Server) -> None:
    claim = server.running("p1")
    server.submissions.apply(claim.submission_id, Word("failed", "p1", (), 0, "policy", "NSFW content"))
    found = read(server, claim.task.id)
    assert found["status"] == "failed"
    assert (found["error"]["code"], found["error"]["detail"]) == ("policy", "NSFW content")
    assert "Nothing was charged." in found["error"]["message"]


def test_a_waiting_task_says_what_it_waits_for(server: Server) -> None:
    claim = server.sent()
    server.submissions.not_taken(claim.submission_id, Outcome.REJECTED, cause="no_credits", message="no credits",
                                 retry_in=timedelta(minutes=1))  # fmt: skip
    found = read(server, claim.task.id)
    assert (found["status"], found["error"]["code"]) == ("pending", "no_credits")
    assert found["not_before"] is not None


def test_a_calls_token_never_leaves_even_in_the_providers_own_words(server: Server) -> None:
    claim = server.running("p1")
    said = (
        f"callBackUrl http://desk.example/api/webhook/nano-banana/{claim.submission_id}/{claim.token} is not reachable"
    )
    report: dict[str, object] = {"param": said}
    server.submissions.apply(claim.submission_id, Word("failed", "p1", (), 0, "invalid", said, report=report))
    found = read(server, claim.task.id)
    assert claim.token not in json.dumps(found)
    assert "is not reachable" in found["error"]["detail"]


def test_pictures_are_addressed_as_browsers_reach_us(server_factory: ServerFactory) -> None:
    server = server_factory(api_tokens="second-token", files_base_url="https://desk.example/")
    image = server.opened.artifacts.store_output(png(64, 64))
    request = GenerationRequest(EDIT, "x", {}, (StoredImage(image.sha256, image.mime, 64, 64, image.size),))
    task = server.tasks.create([request], person="ann")[0]
    assert read(server, task.id)["references"][0]["url"].startswith(
        f"https://desk.example/files/{image.sha256}/original?"
    )


@pytest.mark.http
@pytest.mark.parametrize("task_id", [NOBODY, "x", "%00", "..", "é", "%ff", "a" * 5000, "1 OR 1=1", NOBODY.upper()])
def test_an_unknown_task_is_404(shared: Server, task_id: str) -> None:
    answer = shared.client.get(f"/api/task/{task_id}", headers=BEARER)
    assert refused(answer)[:2] == (404, "not_found")


@pytest.mark.http
@pytest.mark.parametrize("host", ["[", "a b", "é", "x" * 5000, "desk.example:notaport", ""])
def test_a_strange_host_header_is_no_trouble(shared: Server, host: str) -> None:
    claim = shared.sent()
    headers = BEARER | {"Host": host}
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert shared.client.get(f"/api/task/{claim.task.id}", headers=encoded).status_code in {200, 400}


# Cancelling --------------------------------------------------------------------------------------------------------


def cancel(server: Server, task_id: str) -> httpx.Response:
    return server.client.post(f"/api/task/{task_id}/cancel", headers=BEARER)


def test_a_waiting_task_is_cancelled_for_free(server: Server) -> None:
    task_id = ask(server).json()["tasks"][0]["task_id"]
    assert cancel(server, task_id).json() == {"task_id": task_id, "status": "cancelled", "cancelled": True}
    assert read(server, task_id)["detail_status"] == "cancelled"
    assert refused(cancel(server, task_id)) == (409, "not_allowed", None)


def test_a_cancel_after_the_claim_is_only_a_wish(server: Server) -> None:
    claim = server.running()
    assert cancel(server, claim.task.id).json()["cancelled"] is False
    assert cancel(server, claim.task.id).status_code == 200
    found = read(server, claim.task.id)
    assert (found["status"], found["cancel_requested_at"] is None) == ("processing", False)


def test_nobodys_task_cannot_be_cancelled(server: Server) -> None:
    assert refused(cancel(server, NOBODY)) == (404, "not_found", None)


# Asking again for what failed ---------------------------------------------------------------------------------------


def test_what_failed_of_a_batch_is_asked_for_again_once_and_what_fails_of_that_by_its_own_id(server: Server) -> None:
    """Whoever lost the answer, or still has the old id, pays for nothing twice."""

    def all_fail() -> None:
        while claim := server.submissions.claim("kie", [("kie", "nano-banana")], Pace(in_flight=9, creates=99)):
            server.submissions.apply(claim.submission_id, Word("failed", claim.submission_id, (), 0, "policy", "no"))

    def retry(batch_id: str) -> httpx.Response:
        return server.client.post(f"/api/batch/{batch_id}/retry", headers=BEARER)

    first = ask(server, count=2).json()
    all_fail()
    second = retry(first["batch_id"])
    assert (second.status_code, len(second.json()["tasks"]), second.json()["left_out"]) == (202, 2, 0)
    assert refused(retry(first["batch_id"])) == (409, "not_allowed", None)
    all_fail()
    assert refused(retry(first["batch_id"])) == (409, "not_allowed", None)
    third = retry(second.json()["batch_id"])
    assert (third.status_code, server.history.total()) == (202, 6)
    assert {server.history.detail(task["task_id"]).retry_of for task in third.json()["tasks"]} == {
        task["task_id"] for task in second.json()["tasks"]
    }


@pytest.mark.parametrize("end", ["cancelled", "deleted"])
def test_a_repeated_retry_asks_once_more_where_its_requests_were_cancelled_or_failed_and_were_deleted(
    server: Server, end: str
) -> None:
    def fail() -> None:
        claim = server.submissions.claim("kie", [("kie", "nano-banana")], Pace())
        assert claim is not None
        server.submissions.apply(claim.submission_id, Word("failed", claim.submission_id, (), 0, "policy", "no"))

    def retry() -> httpx.Response:
        return server.client.post(f"/api/batch/{first['batch_id']}/retry", headers=BEARER)

    first = ask(server).json()
    fail()
    task_id = retry().json()["tasks"][0]["task_id"]
    assert refused(retry()) == (409, "not_allowed", None)
    if end == "cancelled":
        assert server.client.post(f"/api/task/{task_id}/cancel", headers=BEARER).status_code == 200
    else:
        fail()
        Removal(server.db).delete([task_id], who="ann")
    assert (retry().status_code, server.history.total()) == (202, 2 + (end == "cancelled"))
