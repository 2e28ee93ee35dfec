"""The sandbox speaks Gemini's generateContent: pictures inside the answer, reasons for none, errors, and the books."""

import base64
import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.http
NEWEST, PRO, LITE, FIRST = (
    "gemini-nano-banana-2.1",
    "gemini-3-pro-image",
    "gemini-3.1-flash-lite-image",
    "gemini-2.5-flash-image",
)
FLASH = "seedream-5-0-flash-260915"
KEY = {"x-goog-api-key": "practice-key"}
SMALL = "[[fault:other_size=0.1]]"  # quick to paint, where nobody looks at the picture
STUCK = f"x {SMALL} [[fault:stuck]]"


def pictures(answer: httpx.Response) -> list[tuple[str, Image.Image]]:
    """The pictures of an answer that are no thoughts: the type they claim to have, and what they are."""
    assert answer.status_code == 200, answer.text
    found = []
    for part in answer.json()["candidates"][0]["content"]["parts"]:
        if "inlineData" in part and not part.get("thought"):
            raw = base64.b64decode(part["inlineData"]["data"])
            found.append((part["inlineData"]["mimeType"], Image.open(io.BytesIO(raw))))
    return found


def inline(picture: Image.Image) -> dict[str, Any]:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()}}


@pytest.mark.parametrize(
    ("model", "image", "size", "kind"),
    [
        (NEWEST, {"aspectRatio": "9:16", "imageSize": "1K"}, (768, 1376), "JPEG"),
        (PRO, {"aspectRatio": "16:9", "imageSize": "2K"}, (2752, 1536), "JPEG"),
        (LITE, {"aspectRatio": "4:1"}, (2048, 512), "PNG"),
        (FIRST, {"aspectRatio": "16:9"}, (1344, 768), "PNG"),
    ],
)
def test_each_model_draws_in_its_size_and_its_format(box: Any, model: str, image: Any, size: Any, kind: str) -> None:
    answer = box.gemini("sunset", model=model, imageConfig=image, responseModalities=["IMAGE"])
    ((mime, picture),) = pictures(answer)
    assert (picture.size, picture.format, mime) == (size, kind, f"image/{kind.lower()}")
    assert answer.json()["candidates"][0]["finishReason"] == "STOP"
    assert answer.json()["modelVersion"] == model


def test_a_thinking_model_shows_drafts_that_are_not_the_picture(box: Any) -> None:
    answer = box.gemini(f"bokeh {SMALL}", model=NEWEST)
    assert answer.json()["usageMetadata"]["thoughtsTokenCount"] > 0
    drafts = [part for part in answer.json()["candidates"][0]["content"]["parts"] if part.get("thought")]
    assert [sorted(part) for part in drafts] == [["text", "thought"], ["inlineData", "thought"]]
    assert len(pictures(answer)) == 1


def test_what_is_used_is_what_is_paid_and_kie_s_balance_stays(box: Any) -> None:
    answer = box.gemini("a red kite", model=NEWEST, responseModalities=["IMAGE"]).json()
    usage = answer["usageMetadata"]
    (image,) = usage["candidatesTokensDetails"]
    assert image == {"modality": "IMAGE", "tokenCount": 1120}
    dollars = (1120 * 30 + usage["thoughtsTokenCount"] * 7.5 + usage["promptTokenCount"] * 1.5) / 1e6
    assert box.charges() == [("gemini", answer["responseId"], pytest.approx(dollars / 0.005, abs=1e-9))]
    ledger = box.get("/sandbox/ledger")
    assert ledger["balance"] == 500
    assert ledger["creates"][0]["prompt"] == "a red kite"
    assert ledger["maxCreatesInWindow"] == 0


def test_an_edit_follows_its_reference(box: Any) -> None:
    answer = box.gemini("golden", inline(Image.new("RGB", (640, 360), (200, 30, 30))))
    ((_, picture),) = pictures(answer)
    assert picture.size == (1376, 768)
    red, _, blue = picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert red > blue + 40
    assert "characters" not in str(box.get("/sandbox/ledger")["creates"][0]["input"]["contents"][0]["parts"][0])


@pytest.mark.parametrize(
    ("key", "status", "name"), [("wrong", 400, "INVALID_ARGUMENT"), ("", 403, "PERMISSION_DENIED")]
)
def test_a_key_is_wanted_in_its_own_header(box: Any, key: str, status: int, name: str) -> None:
    answer = box.gemini("x", key=key)
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, name)
    assert box.get("/sandbox/ledger")["refused"] == 0


def test_a_wrong_key_is_told_from_a_wrong_argument_by_its_details(box: Any) -> None:
    assert box.gemini("x", key="wrong").json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert box.gemini("[[fault:refuse=401]]").json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert "details" not in box.gemini("x", imageConfig={"imageSize": "9K"}).json()["error"]


def test_a_key_can_be_tried_for_nothing(box: Any) -> None:
    listed = box.client.get("/gemini/v1beta/models?pageSize=1", headers=KEY).json()["models"]
    assert NEWEST in {row["name"].removeprefix("models/") for row in listed}
    assert box.client.get("/gemini/v1beta/models", headers={"x-goog-api-key": "wrong"}).status_code == 400
    assert FLASH in {row["id"] for row in box.get("/ark/api/v3/models")["data"]}
    assert box.client.get("/ark/api/v3/models", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_bad_request_makes_nothing_and_is_noted(box: Any) -> None:
    answers = [
        box.gemini("x", imageConfig={"aspectRatio": "17:9"}),
        box.gemini("x", model="gemini-3.1-flash-image"),
        box.gemini({"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}),
        box.client.post(f"/gemini/v1beta/models/{LITE}:generateContent", content=b"[", headers=KEY),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [400, 404, 400, 400]
    ledger = box.get("/sandbox/ledger")
    assert (ledger["creates"], [row["provider"] for row in ledger["refusals"]]) == ([], ["gemini"] * 4)


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        ("http_429=7", 429, "RESOURCE_EXHAUSTED"),
        ("quota", 429, "RESOURCE_EXHAUSTED"),
        ("refuse=500", 500, "INTERNAL"),
        ("refuse=503", 503, "UNAVAILABLE"),
        ("refuse=402", 400, "FAILED_PRECONDITION"),
        ("refuse=PERMISSION_DENIED", 403, "PERMISSION_DENIED"),
        ("paused", 404, "NOT_FOUND"),
    ],
)
def test_every_refusal_can_be_had(box: Any, fault: str, status: int, name: str) -> None:
    answer = box.gemini(f"x [[fault:{fault}]]")
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["status"]) == (
        status,
        status,
        name,
    )
    assert box.get("/sandbox/ledger")["creates"] == []


def test_a_rate_limit_says_when_to_come_back_and_a_quota_does_not(box: Any) -> None:
    rate, quota = (box.gemini(f"[[fault:{fault}]]") for fault in ("http_429=7", "quota"))
    assert rate.json()["error"]["details"][1]["retryDelay"] == rate.headers["retry-after"] + "s" == "7s"
    assert "PerMinute" in rate.json()["error"]["details"][0]["violations"][0]["quotaId"]
    assert "PerDay" in quota.json()["error"]["details"][0]["violations"][0]["quotaId"]
    assert len(quota.json()["error"]["details"]) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("policy_output", "IMAGE_SAFETY"),
        ("policy_output=IMAGE_RECITATION", "IMAGE_RECITATION"),
        ("no_image", "NO_IMAGE"),
        ("finish_reason=MAX_TOKENS", "MAX_TOKENS"),
        ("finish_reason", "A_REASON_NOBODY_KNOWS"),
    ],
)
def test_an_answer_without_a_picture_is_a_200_and_costs_nothing(box: Any, fault: str, reason: str) -> None:
    answer = box.gemini(f"x [[fault:{fault}]]")
    assert (answer.status_code, answer.json()["candidates"][0]["finishReason"]) == (200, reason)
    assert "content" not in answer.json()["candidates"][0]
    (made,) = box.get("/sandbox/ledger")["creates"]
    assert (made["taskId"], made["state"], made["credits"]) == (answer.json()["responseId"], "fail", 0)


def test_a_blocked_prompt_has_no_candidates(box: Any) -> None:
    answer = box.gemini("x [[fault:policy_prompt=IMAGE_SAFETY]]").json()
    assert answer["promptFeedback"]["blockReason"] == "IMAGE_SAFETY"
    assert "candidates" not in answer
    assert box.charges() == []


def test_text_alone_is_what_you_get_if_you_ask_for_text_alone(box: Any) -> None:
    answer = box.gemini("x", responseModalities=["TEXT"])
    assert (pictures(answer), box.charges()) == ([], [])


@pytest.mark.parametrize(
    ("fault", "paid"),
    [("lost_answer", 1), ("http_after=502", 1), ("refuse_after=500", 1), ("lost_request", 0), ("http=503", 0)],
)
def test_an_answer_can_be_lost_before_or_after_the_money(box: Any, fault: str, paid: int) -> None:
    try:
        status = box.gemini(f"x {SMALL} [[fault:{fault}]]").status_code
    except httpx.TransportError:
        status = 0
    assert status == int(fault.partition("=")[2] or 0)
    assert len(box.charges()) == paid


def test_a_caller_who_does_not_wait_pays_all_the_same(box: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        box.client.post(
            f"/gemini/v1beta/models/{LITE}:generateContent",
            json={"contents": [{"parts": [{"text": f"x {SMALL} [[fault:slow=0.6]]"}]}]},
            headers=KEY,
            timeout=0.2,
        )
    assert box.get("/sandbox/ledger")["creates"][0]["state"] != "success"
    deadline = time.monotonic() + 5
    while not box.charges() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(box.charges()) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/gemini/v1beta/models/{LITE}:generateContent", {"contents": [{"parts": [{"text": STUCK}]}]}),
        ("/ark/api/v3/images/generations", {"model": FLASH, "prompt": STUCK}),
    ],
)
def test_a_line_is_held_until_the_caller_leaves_and_no_longer(box: Any, path: str, body: Any) -> None:
    with pytest.raises(httpx.ReadTimeout):
        box.client.post(path, json=body, headers=KEY, timeout=0.7)
    deadline, states = time.monotonic() + 15, []
    while states != ["fail"] and time.monotonic() < deadline:
        time.sleep(0.05)
        states = [made["state"] for made in box.get("/sandbox/ledger")["creates"]]
    assert (states, box.charges()) == (["fail"], [])


@pytest.mark.parametrize(
    ("path", "size", "word"),
    [
        (f"/gemini/v1beta/models/{LITE}:generateContent", 20, "Request payload size exceeds the limit"),
        ("/ark/api/v3/images/generations", 64, "The request body is larger than 64 MB."),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused_and_never_read(
    box: Any, path: str, size: int, word: str, *, told: bool
) -> None:
    piece = b"{" + b" " * (1024 * 1024)  # a little more than one megabyte, and no JSON
    headers = KEY | ({"Content-Length": str(size * len(piece))} if told else {})
    answer = box.client.post(path, content=(piece for _ in range(size)), headers=headers)
    assert (answer.status_code, answer.json()["error"]["message"][: len(word)]) == (400, word)
    refused = box.get("/sandbox/ledger")["refusals"][-1]
    assert word in refused["words"]


NONSENSE = (b"", b"[]", b"\xff", b"[" * 30000, b'{"prompt": "\\ud800"}', b'{"a":' + b"[" * 600 + b"]" * 600 + b"}")


@pytest.mark.parametrize("body", NONSENSE)
def test_nonsense_never_becomes_a_server_error(box: Any, body: bytes) -> None:
    for path in (f"/gemini/v1beta/models/{LITE}:generateContent", "/ark/api/v3/images/generations"):
        assert box.client.post(path, content=body, headers=KEY).status_code == 400


def test_shapes_can_be_odd_missing_or_new(box: Any) -> None:
    odd = box.gemini(f"x {SMALL} [[fault:odd_types]]").json()
    assert odd["usageMetadata"]["candidatesTokensDetails"][0]["tokenCount"] == "1120"
    assert "mime_type" in odd["candidates"][0]["content"]["parts"][-1]["inline_data"]
    bare = box.gemini(f"x {SMALL} [[fault:bare]]").json()
    assert set(bare) == {"candidates", "responseId"}
    assert box.charges()[-1][2] == 6.72
    extra = box.gemini(f"x {SMALL} [[fault:extra_fields]] [[fault:model_version=banana-3]]").json()
    assert (extra["modelVersion"], "aFieldFromNextYear" in extra["candidates"][0]) == ("banana-3", True)


def test_pictures_can_be_many_small_mislabelled_or_broken(box: Any) -> None:
    assert len(pictures(box.gemini(f"bokeh {SMALL} [[fault:several=3]]"))) == 3
    ((_, small),) = pictures(box.gemini("bokeh [[fault:other_size=0.25]]"))
    assert small.size == (256, 256)
    ((mime, other),) = pictures(box.gemini(f"bokeh {SMALL} [[fault:other_format]]"))
    assert (mime, other.format) == ("image/png", "JPEG")
    ((_, cut),) = pictures(box.gemini(f"bokeh {SMALL} [[fault:truncated_file]]"))
    with pytest.raises(OSError, match="truncated"):
        cut.load()


def test_the_gateway_knows_nothing_of_it(box: Any) -> None:
    answer = box.gemini(f"bokeh {SMALL}").json()
    assert box.record(answer["responseId"])["msg"] == "recordInfo is null"
