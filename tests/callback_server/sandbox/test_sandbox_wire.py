"""The sandbox speaks kie.ai's wire: the order of refusals, the record, credits, callbacks and files."""

import base64
import hashlib
import hmac
import io
import json
import time
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.http
SEEDREAM = "seedream/4.5-text-to-image"


def eventually(probe: Any, within: float = 8.0) -> Any:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def upload(box: Any, picture: Image.Image, name: str = "a.png") -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    files = {"file": (name, buffer.getvalue(), "image/png")}
    answer = box.client.post("/api/file-stream-upload", files=files, data={"uploadPath": "images/ours"}).json()
    assert answer["success"] is True
    assert answer["data"]["filePath"] == f"images/ours/{name}"
    return str(answer["data"]["downloadUrl"])


def test_a_create_without_the_key_is_refused_by_the_body_code_alone(box: Any) -> None:
    answer = box.client.post("/api/v1/jobs/createTask", json={}, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 200
    assert answer.json() == {"code": 401, "msg": "You do not have access permissions", "data": None}


def test_an_unknown_model_is_refused_before_its_fields_are_read(box: Any) -> None:
    answer = box.create("", model="google/nano-banana-pro")
    assert answer["code"] == 422
    assert answer["msg"].startswith("The model name you specified is not supported.")


def test_a_paused_model_says_so(box: Any) -> None:
    assert box.create(model="sora-2-text-to-video")["msg"] == "This interface is temporarily paused."


@pytest.mark.parametrize(
    ("model", "asked", "words"),
    [
        ("google/nano-banana", {}, "prompt is required"),
        ("google/nano-banana-edit", {}, "prompt is required"),
        ("google/nano-banana-edit", {"prompt": "x", "image_urls": []}, "image_urls is required"),
        ("seedream/5-pro-text-to-image", {}, "This field is required"),
        (SEEDREAM, {"prompt": "x"}, "aspect_ratio is required"),
        ("google/nano-banana", {"prompt": "x", "aspect_ratio": "17:9"}, "aspect_ratio is not within the range"),
        ("google/nano-banana", {"prompt": "x", "output_format": "jpg"}, "output_format is not within the range"),
        ("google/nano-banana", {"prompt": "x" * 5001}, "prompt length"),
        ("google/nano-banana-edit", {"prompt": "x", "image_urls": ["http://a/b"] * 11}, "image_urls cannot contain"),
        ("google/nano-banana-edit", {"prompt": "x", "image_urls": ["file:///etc"]}, "image_urls contains an invalid"),
        ("google/nano-banana", {"prompt": 5}, "prompt must be a string"),
    ],
)
def test_a_bad_field_is_refused_with_the_documented_words(box: Any, model: str, asked: Any, words: str) -> None:
    answer = box.post("/api/v1/jobs/createTask", {"model": model, "input": asked})
    assert answer["code"] == 500
    assert answer["msg"].startswith(words)
    assert box.get("/sandbox/ledger")["creates"] == []


NONSENSE = (
    b"",
    b"[]",
    b"nonsense",
    b'{"model": 1}',
    b'{"model":"google/nano-banana","input":[]}',
    b'{"model":"google/nano-banana","input":{"prompt":NaN}}',
    b'{"model":"google/nano-banana","input":{"prompt":"\\ud800"}}',
    b"[" * 30000,
)


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_never_becomes_a_server_error(box: Any, body: bytes) -> None:
    for path in (
        "/api/v1/jobs/createTask",
        "/api/file-base64-upload",
        "/api/file-url-upload",
        "/api/v1/common/download-url",
    ):
        answer = box.client.post(path, content=body)
        assert answer.status_code == 200
        assert answer.json()["code"] not in (200, 501)
    assert box.client.post("/sandbox/faults", content=body).status_code in (200, 422)


def test_the_twenty_first_create_within_ten_seconds_is_refused_and_not_queued(box: Any) -> None:
    codes = [box.create(f"kite {number}")["code"] for number in range(22)]
    ledger = box.get("/sandbox/ledger")
    assert codes == [200] * 20 + [429] * 2
    assert len(ledger["creates"]) == 20
    assert (ledger["rateLimited"], ledger["maxTakenInWindow"], ledger["maxCreatesInWindow"]) == (2, 20, 22)


def test_an_empty_account_is_refused_last(box: Any) -> None:
    box.post("/sandbox/credits", {"credits": 3.9})
    assert box.create("")["msg"] == "prompt is required"
    answer = box.create()
    assert answer["code"] == 402
    assert "Credits insufficient" in answer["msg"]


def test_a_task_is_charged_once_when_it_succeeds_and_the_record_has_the_documented_shape(box: Any) -> None:
    prompt = "a red kite [[fault:slow=0.8]]"  # time to look at it while it runs
    answer = box.create(prompt, model=SEEDREAM, aspect_ratio="21:9", quality="basic")
    task_id = answer["data"]["taskId"]
    assert answer["data"]["recordId"] == task_id
    running = box.record(task_id)["data"]
    assert running["state"] in ("waiting", "queuing", "generating")
    assert (running["resultJson"], running["failCode"], running["completeTime"]) == (None, None, None)
    done = box.finished(task_id)
    asked = json.loads(json.loads(done["param"])["input"])
    assert asked == {"prompt": prompt, "aspect_ratio": "21:9", "quality": "basic"}
    assert json.loads(done["resultJson"]) == done["response"]
    assert (done["successFlag"], done["creditsConsumed"]) == (1, 6.5)
    assert box.get("/api/v1/chat/credit") == {"code": 200, "msg": "success", "data": 493.5}
    charges = box.get("/sandbox/ledger")["charges"]
    assert [(row["taskId"], row["credits"], row["prompt"]) for row in charges] == [(task_id, 6.5, prompt)]


def test_an_unknown_task_has_no_record_and_a_missing_id_is_an_error(box: Any) -> None:
    assert box.record("0" * 32) == {"code": 422, "msg": "recordInfo is null", "data": None}
    assert box.record("")["code"] == 400


def test_more_than_ten_polls_of_one_task_within_a_second_are_refused(box: Any) -> None:
    first, second = box.task(), box.task()
    codes = [box.record(first)["code"] for _ in range(14)]
    assert codes[:10] == [200] * 10
    assert 429 in codes
    assert box.record(second)["code"] == 200


def test_the_playground_paths_mean_the_same_and_write_message(box: Any, receiver: Any) -> None:
    body = {"model": "google/nano-banana", "input": {"prompt": "x"}, "callBackUrl": f"{receiver.url}/cb"}
    answer = box.post("/api/v1/playground/createTask", body)
    assert answer["message"] == "success"
    called = eventually(lambda: receiver.bodies(answer["data"]["taskId"]))[0]
    assert (called["data"]["consumeCredits"], called["data"]["remainedCredits"]) == (4, 496)
    assert "creditsConsumed" not in called["data"]


def test_a_callback_carries_the_record_the_query_and_a_valid_signature(box: Any, receiver: Any) -> None:
    task_id = box.task(callback=f"{receiver.url}/cb?t=9f&u=2")
    path, headers, body = eventually(lambda: receiver.heard)[0]
    assert path == "/cb?t=9f&u=2"
    assert (body["code"], body["data"]["taskId"], body["data"]["state"]) == (200, task_id, "success")
    message = f"{task_id}.{headers['x-webhook-timestamp']}".encode()
    expected = base64.b64encode(hmac.new(b"test-webhook-key", message, hashlib.sha256).digest()).decode()
    assert headers["x-webhook-signature"] == expected


def test_a_refused_callback_is_tried_three_times_more_and_then_given_up(box: Any, receiver: Any) -> None:
    receiver.answers = [500, 503, 500, 500]
    task_id = box.task(callback=receiver.url)
    eventually(lambda: box.get("/sandbox/callbacks") and box.get("/sandbox/callbacks")[0]["state"] == "given up")
    assert len(receiver.bodies(task_id)) == 4


def test_a_failed_task_calls_back_and_is_not_charged(box: Any, receiver: Any) -> None:
    task_id = box.task("a kite [[fault:fail=400]]", callback=receiver.url)
    body = eventually(lambda: receiver.bodies(task_id))[0]
    assert (body["code"], body["data"]["failCode"], body["data"]["creditsConsumed"]) == (400, "400", 0)
    assert "resultJson" not in body["data"]
    assert box.get("/sandbox/ledger")["balance"] == 500


@pytest.mark.parametrize(
    ("model", "asked", "size", "kind"),
    [
        ("google/nano-banana", {"aspect_ratio": "16:9"}, (1344, 768), "PNG"),
        ("google/nano-banana", {"image_size": "9:16", "output_format": "jpeg"}, (768, 1344), "JPEG"),
        (SEEDREAM, {"aspect_ratio": "21:9", "quality": "basic"}, (3136, 1344), "JPEG"),
    ],
)
def test_the_picture_has_the_size_and_format_asked_for(box: Any, model: str, asked: Any, size: Any, kind: str) -> None:
    url = box.finished(box.task("sunset", model=model, **asked))["response"]["resultUrls"][0]
    answer = box.client.get(url, headers={"Authorization": ""})
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.size, picture.format) == (size, kind)
        assert "Practice" in str(picture.info.get("Comment") or picture.getexif().get(0x010E))
    assert answer.headers["content-type"] == f"image/{kind.lower()}"


def test_an_edit_fetches_its_reference_and_follows_its_shape(box: Any) -> None:
    url = upload(box, Image.new("RGB", (640, 360), (200, 30, 30)))
    assert box.client.get(url, headers={"Authorization": ""}).headers["content-type"] == "image/png"
    task_id = box.task("golden", model="google/nano-banana-edit", image_urls=[url], aspect_ratio="auto")
    answer = box.client.get(box.finished(task_id)["response"]["resultUrls"][0])
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (1344, 768)
        red, _, blue = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert red > blue + 40


@pytest.mark.parametrize(("what", "code"), [("missing", "451"), ("text", "400")])
def test_an_edit_whose_reference_cannot_be_had_fails_without_a_charge(box: Any, what: str, code: str) -> None:
    body = {"base64Data": "data:image/png;base64,aGVsbG8=", "uploadPath": "x", "fileName": "no.png"}
    url = f"{box.url}/uploads/nothing.png"
    if what == "text":
        url = box.post("/api/file-base64-upload", body)["data"]["downloadUrl"]
    done = box.finished(box.task("x", model="google/nano-banana-edit", image_urls=[url]))
    assert (done["state"], done["failCode"], done["creditsConsumed"]) == ("fail", code, 0)


def test_a_strange_mime_type_or_name_does_no_harm(box: Any) -> None:
    body = {
        "base64Data": "data:图/片\r\nX: 1;base64,aGVsbG8=",
        "uploadPath": "a b/图",
        "fileName": "../../../etc/图.png",
    }
    data = box.post("/api/file-base64-upload", body)["data"]
    assert (data["mimeType"], ".." in data["filePath"].split("/")) == ("image/png", False)
    assert box.client.get(data["downloadUrl"]).content == b"hello"


def test_a_file_is_uploaded_from_a_url_and_a_download_link_is_made_only_for_our_own(box: Any) -> None:
    url = upload(box, Image.new("RGB", (8, 8)), "b.png")
    copy = box.post("/api/file-url-upload", {"fileUrl": url, "uploadPath": "copies"})["data"]
    assert (copy["fileName"], copy["filePath"]) == ("b.png", "copies/b.png")
    link = box.post("/api/v1/common/download-url", {"url": copy["downloadUrl"]})["data"]
    assert box.client.get(link).status_code == 200
    assert box.post("/api/v1/common/download-url", {"url": "https://example.org/x.png"})["code"] == 422
    assert box.post("/api/file-url-upload", {"fileUrl": url, "uploadPath": "/x/"})["code"] == 400
