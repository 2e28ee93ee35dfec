"""Every chosen misfortune happens, and only where it was asked for."""

import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.http


def result_url(box: Any, prompt: str) -> str:
    return str(box.finished(box.task(prompt))["response"]["resultUrls"][0])


def wait_for_callbacks(receiver: Any, count: int) -> list[Any]:
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline and len(receiver.heard) < count:
        time.sleep(0.03)
    return list(receiver.heard)


@pytest.mark.parametrize("code", [401, 402, 422, 429, 433, 455, 500, 501, 505])
def test_a_create_can_be_refused_under_every_documented_code(box: Any, code: int) -> None:
    answer = box.create(f"a kite [[fault:refuse={code}]]")
    assert answer["code"] == code
    assert answer["msg"]
    assert box.get("/sandbox/ledger")["creates"] == []


def test_a_rule_strikes_only_matching_creates_from_the_nth_on_and_so_many_times(box: Any) -> None:
    box.fault("refuse", value=455, match="kite", nth=2, times=1)
    codes = [box.create(prompt)["code"] for prompt in ("kite", "boat", "kite", "kite")]
    assert codes == [200, 200, 455, 200]


def test_a_rule_can_be_withdrawn_and_nonsense_is_no_rule(box: Any) -> None:
    rule = box.fault("paused")
    assert box.create()["msg"] == "This interface is temporarily paused."
    assert box.client.delete(f"/sandbox/faults/{rule}").json() == {"dropped": 1}
    assert box.create()["code"] == 200
    for wrong in ({}, {"fault": "no such"}, {"fault": "stuck", "times": 0}, {"fault": "stuck", "colour": 1}):
        assert box.client.post("/sandbox/faults", json=wrong).status_code == 422


@pytest.mark.parametrize(("fault", "taken"), [("lost_answer", 1), ("lost_request", 0)])
def test_a_connection_can_close_without_an_answer_before_or_after_the_task_was_taken(
    box: Any, fault: str, taken: int
) -> None:
    with pytest.raises(httpx.TransportError):
        box.create(f"a kite [[fault:{fault}]]")
    tasks = box.get("/sandbox/tasks")
    assert len(tasks) == taken
    for task in tasks:
        assert box.finished(task["taskId"])["state"] == "success"


@pytest.mark.parametrize(("fault", "status", "taken"), [("http=500", 500, 0), ("http_after=502", 502, 1)])
def test_a_create_can_answer_a_broken_page_before_or_after_taking(
    box: Any, fault: str, status: int, taken: int
) -> None:
    body = {"model": "google/nano-banana", "input": {"prompt": f"[[fault:{fault}]]"}}
    answer = box.client.post("/api/v1/jobs/createTask", json=body)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert len(box.get("/sandbox/tasks")) == taken


def test_a_real_429_says_when_to_come_back(box: Any) -> None:
    body = {"model": "google/nano-banana", "input": {"prompt": "[[fault:http_429=7]]"}}
    answer = box.client.post("/api/v1/jobs/createTask", json=body)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (429, "7", 429)


def test_a_slow_answer_can_be_overtaken_by_its_own_callback(box: Any, receiver: Any) -> None:
    began = time.monotonic()
    task_id = box.task("[[fault:slow_answer=1]]", callback=receiver.url)
    assert time.monotonic() - began >= 1
    assert receiver.bodies(task_id)


def test_the_record_can_be_invisible_or_broken_for_a_while(box: Any) -> None:
    hidden, broken = box.task("[[fault:invisible=1]]"), box.task("[[fault:record_http=2]]")
    assert box.record(hidden)["msg"] == "recordInfo is null"
    path = f"/api/v1/jobs/recordInfo?taskId={broken}"
    assert [box.client.get(path).status_code for _ in range(3)] == [500, 500, 200]
    time.sleep(1)
    assert box.record(hidden)["code"] == 200


def test_a_stuck_task_never_ends(box: Any) -> None:
    task_id = box.task("[[fault:stuck]]")
    time.sleep(0.5)
    assert box.record(task_id)["data"]["state"] not in ("success", "fail")


@pytest.mark.parametrize("code", [501, 408])
def test_an_end_can_be_told_by_the_envelope_alone(box: Any, code: int) -> None:
    task_id = box.task(f"[[fault:envelope={code}]]")
    time.sleep(0.5)
    assert (box.record(task_id)["code"], box.record(task_id)["data"]) == (code, None)


def test_shapes_can_differ_as_they_do_in_the_wild(box: Any) -> None:
    prompt = "x [[fault:param_object]][[fault:empty_strings]][[fault:cost_ms]][[fault:bare]][[fault:slow=0.3]]"
    done = box.finished(box.task(prompt))
    assert '"input": {"prompt"' in done["param"]
    assert (done["failMsg"], done["failCode"]) == ("", "")
    assert done["costTime"] >= 300
    assert not {"successFlag", "response", "creditsConsumed"} & done.keys()
    assert box.finished(box.task("[[fault:fractional_credits=0.25]]"))["creditsConsumed"] == 4.25


def test_results_can_be_none_or_many_or_somewhere_private(box: Any) -> None:
    assert box.finished(box.task("[[fault:no_urls]]"))["response"] == {"resultUrls": []}
    assert len(box.finished(box.task("[[fault:several=4]]"))["response"]["resultUrls"]) == 4
    assert result_url(box, "[[fault:private_url=http://127.0.0.1:1/x.png]]") == "http://127.0.0.1:1/x.png"
    answer = box.client.get(result_url(box, "[[fault:redirect]]"))
    assert (answer.status_code, answer.headers["location"][:23]) == (302, "http://169.254.169.254/")


def test_files_can_be_gone_broken_html_cut_or_slow(box: Any) -> None:
    assert box.client.get(result_url(box, "[[fault:expired]]")).status_code == 404
    assert box.client.get(result_url(box, "[[fault:file_http=503]]")).status_code == 503
    assert box.client.get(result_url(box, "[[fault:html_file]]")).headers["content-type"].startswith("text/html")
    cut = box.client.get(result_url(box, "bokeh [[fault:truncated_file]]")).content
    with Image.open(io.BytesIO(cut)) as picture, pytest.raises(OSError, match="truncated"):
        picture.load()
    url = result_url(box, "bokeh [[fault:slow_file=0.6]]")
    began = time.monotonic()
    whole = box.client.get(url).content
    assert time.monotonic() - began >= 0.55
    with Image.open(io.BytesIO(whole)) as picture:
        picture.load()


def test_a_huge_file_goes_on_and_on(box: Any) -> None:
    url = result_url(box, "[[fault:huge_file=3]]")
    with box.client.stream("GET", url) as answer:
        assert sum(len(part) for part in answer.iter_raw()) > 3 * 1024 * 1024


def test_a_file_can_expire_after_the_fact(box: Any) -> None:
    task_id = box.task("bokeh")
    url = box.finished(task_id)["response"]["resultUrls"][0]
    assert box.client.get(url).status_code == 200
    assert box.post(f"/sandbox/tasks/{task_id}/faults", {"fault": "expired"})["faults"] == {"expired": ""}
    assert box.client.get(url).status_code == 404


def test_callbacks_can_be_lost_doubled_unsigned_missigned_or_old(box: Any, receiver: Any) -> None:
    lost = box.task("[[fault:callback_lost]]", callback=receiver.url)
    twice = box.task("[[fault:callback_twice]]", callback=receiver.url)
    bare = box.task("[[fault:callback_unsigned]]", callback=receiver.url)
    wrong = box.task("[[fault:callback_bad_signature]]", callback=receiver.url)
    old = box.task("[[fault:callback_old=4000]]", callback=receiver.url)
    heard = wait_for_callbacks(receiver, 5)
    assert sorted(body["data"]["taskId"] for _, _, body in heard) == sorted([twice, twice, bare, wrong, old])
    headers = {body["data"]["taskId"]: head for _, head, body in heard}
    assert lost not in headers
    assert "x-webhook-signature" not in headers[bare]
    assert headers[wrong]["x-webhook-signature"] != headers[twice]["x-webhook-signature"]
    assert abs(time.time() - 4000 - int(headers[old]["x-webhook-timestamp"])) < 30


def test_a_callback_can_be_late_and_can_be_sent_again(box: Any, receiver: Any) -> None:
    task_id = box.task("[[fault:callback_late=1]]", callback=receiver.url)
    box.finished(task_id)
    assert receiver.heard == []
    assert len(wait_for_callbacks(receiver, 1)) == 1
    box.post(f"/sandbox/tasks/{task_id}/callback", {})
    assert len(wait_for_callbacks(receiver, 2)) == 2


def test_the_whole_provider_can_be_down_while_the_witness_still_speaks(box: Any) -> None:
    task_id = box.task("bokeh")
    url = box.finished(task_id)["response"]["resultUrls"][0]
    box.fault("down")
    assert box.client.get("/api/v1/chat/credit").status_code == 503
    assert box.client.get(url).status_code == 503
    assert box.client.post("/api/v1/jobs/createTask", json={}).status_code == 503
    assert box.get("/healthz")["status"] == "ok"
    box.client.delete("/sandbox/faults")
    assert box.client.get("/api/v1/chat/credit").status_code == 200


def test_http_statuses_can_mirror_the_body_codes(box: Any) -> None:
    box.fault("mirror")
    assert box.client.post("/api/v1/jobs/createTask", json={"model": "none"}).status_code == 422
    assert box.client.get("/api/v1/chat/credit", headers={"Authorization": ""}).status_code == 401


def test_a_directive_nobody_knows_is_only_words(box: Any) -> None:
    assert box.finished(box.task("[[fault:earthquake]] [[fault:]] [[fault:slow=-1e9]]")).get("state") == "success"
