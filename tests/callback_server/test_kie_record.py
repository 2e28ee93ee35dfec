"""kie's records in every shape they have had, read into reports: what ended, with what, at which price, and why."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback_server.providers.base import ProviderReport, ProviderUnavailable
from callback_server.providers.kie_record import read_record, sort_record
from callback_server.providers.kie_wire import sort_answer
from callback_server.providers.reading import MAX_RAW_BYTES, parse

TASK = "9c1f0000000000000000000000000000"


def said(code: object, msg: object = "words", data: object = None) -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


URLS = ["https://tempfile.aiquickdraw.com/f/9c1f_0.png", "https://tempfile.aiquickdraw.com/f/9c1f_1.png"]


def record(code: object = 200, **fields: object) -> dict[str, Any]:
    return {"code": code, "msg": "success", "data": {"taskId": TASK, "model": "nano-banana-2", **fields}}


def read(payload: object) -> ProviderReport:
    report = read_record(payload)
    assert report is not None
    return report


def result(urls: object = URLS) -> str:
    return json.dumps({"resultUrls": urls})


RUNNING = [
    record(state="waiting", successFlag=0, resultJson=None, response=None, failCode=None, creditsConsumed=None),
    record(state="queuing", resultJson=""),
    record(state="generating"),
    record(state="a state of tomorrow"),
    record(state=None),
    record(state=7),
    record(state="generating", completeTime=1795450005900, successFlag=0),
    record(state="generating", successFlag=1),  # a word of success without files is no result yet
    record(500, state="generating"),
]


@pytest.mark.parametrize("payload", RUNNING)
def test_a_task_runs_until_something_says_that_it_ended(payload: dict[str, Any]) -> None:
    report = read(payload)
    assert (report.state, report.outputs, report.charged_micro, report.cause) == ("running", (), None, None)


SUCCEEDED = [
    record(state="success", successFlag=1, resultJson=result(), response={"resultUrls": URLS}),
    record(state="success", resultJson=result()),
    record(state="success", resultJson={"resultUrls": URLS}),
    record(state="success", resultJson="", response={"resultUrls": URLS}),
    record(state="success", resultJson=None, response=result()),
    record(state="success", resultJson="{broken", response={"resultUrls": URLS}),
    record(state="success", resultJson=json.dumps({"resultUrls": json.dumps(URLS)})),
    record(state="SUCCESS", resultJson=result()),
    record(successFlag=1, response={"resultUrls": URLS}),
    record(state="generating", successFlag=1, resultJson=result()),
    record(state="success", resultJson=result([None, 7, "", URLS[0], {"url": "x"}, "ftp://x/y", "https://", URLS[1],
                                                URLS[0], "https://x/" + "y" * 5000, "https://x/\ud800", "https://[x"])),
    record(501, state="success", resultJson=result()),
    record(state="success", successFlag=3, resultJson=result()),
]  # fmt: skip


@pytest.mark.parametrize("payload", SUCCEEDED)
def test_a_result_is_found_in_every_shape_it_has_had(payload: dict[str, Any]) -> None:
    report = read(payload)
    assert (report.state, report.outputs, report.cause, report.retryable) == ("succeeded", tuple(URLS), None, False)


@pytest.mark.parametrize("listed", [None, "", "{}", "not json", result([]), result("nothing"), '{"resultObject":{}}'])
def test_a_success_without_files_says_so(listed: object) -> None:
    report = read(record(state="success", resultJson=listed, creditsConsumed=4))
    assert (report.state, report.outputs, report.cause, report.charged_micro) == (
        "succeeded", (), "empty_result", 4_000_000,
    )  # fmt: skip


FAILED = [
    # failCode, failMsg, cause, worth another try
    ("500", "Internal server error", "provider_error", True),
    ("500", None, "provider_error", True),
    ("500", "", "provider_error", True),
    (500, "Model overloaded, image could not be generated", "provider_error", True),
    ("408", "upstream timeout", "provider_timeout", True),
    ("500", "Upstream time-out", "provider_timeout", True),
    ("501", "Timed out after three looks", "generation_failed", False),
    ("503", "Service unavailable", "provider_error", True),
    (None, "Request timed out", "provider_timeout", True),
    ("SERVER_BUSY", "Server exception, please try again later", "provider_error", True),
    ("501", "<reason>", "generation_failed", False),
    ("501", "The prompt was flagged by the content policy", "policy", False),
    ("400", "Your content violates our policies", "policy", False),
    ("500", "Sensitive content detected", "policy", False),
    ("NSFW", "", "policy", False),
    ("400", "Bad parameter", "invalid", False),
    ("422", "Bad parameter", "invalid", False),
    ("500", "prompt is required", "invalid", False),
    ("500", "Failed to download the input image", "input_unreachable", False),
    ("400", "image_url could not be accessed: url unreachable", "input_unreachable", False),
    ("451", "", "input_unreachable", False),
    ("402", "Credits insufficient", "no_credits", False),
    ("505", "", "paused", False),
    ("", "", "generation_failed", False),
    ("whatever", "whatever", "generation_failed", False),
]


@pytest.mark.parametrize(("code", "message", "cause", "again"), FAILED)
def test_a_failure_has_a_cause_and_only_the_providers_own_trouble_is_worth_another_try(
    code: object, message: object, cause: str, again: bool
) -> None:
    report = read(record(state="fail", failCode=code, failMsg=message, creditsConsumed=0))
    assert (report.state, report.cause, report.retryable, report.charged_micro) == ("failed", cause, again, 0)
    callback = {"code": 501, "msg": "Playground task failed.", "data": record(state="fail", failCode=code)["data"]}
    assert read(callback).state == "failed"


def test_a_failure_that_was_charged_is_not_tried_again() -> None:
    assert not read(record(state="fail", failCode="500", creditsConsumed=4)).retryable


@pytest.mark.parametrize(
    "payload",
    [
        record(state="generating", successFlag=2),
        record(state="generating", successFlag=3),
        record(successFlag=3),
        record(501, state="generating"),
        record(408),
        record(501),
        record(state="failed"),
    ],
)
def test_every_terminal_signal_ends_a_task(payload: dict[str, Any]) -> None:
    assert read(payload).state == "failed"


@pytest.mark.parametrize(("code", "cause"), [(501, "generation_failed"), (408, "provider_timeout")])
@pytest.mark.parametrize("status", [200, 408, 501])
def test_an_envelope_of_501_or_408_means_ended_but_alone_never_buys_anew(code: int, cause: str, status: int) -> None:
    report = sort_record(status, {}, said(code, "over"), provider_task_id=TASK)
    assert report is not None
    assert (report.provider_task_id, report.state, report.cause, report.retryable) == (TASK, "failed", cause, False)
    assert (report.fail_code, report.fail_message) == (str(code), "over")


@pytest.mark.parametrize("code", [422, 404])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_task_that_is_not_visible_yet_is_none(code: int, mirrored: bool) -> None:
    body = said(code, "recordInfo is null")
    assert sort_record(code if mirrored else 200, {}, body, provider_task_id=TASK) is None


TROUBLE = [
    (200, said(401), "key_refused", False), (401, b"", "key_refused", False), (403, b"<html>", "unavailable", False),
    (200, said(402), "no_credits", False), (200, said(429), "rate_limited", False), (429, b"", "rate_limited", False),
    (200, said(433), "key_capped", False), (200, said(455), "maintenance", False), (400, b"", "refused", True),
    (200, said(400, "taskId parameter is required"), "refused", True), (200, said(500), "unavailable", False),
    (200, said(505), "unavailable", False), (502, b"<html>", "unavailable", False), (200, b"", "unavailable", False),
    (404, b"<html>", "refused", True), (200, said(200), "unavailable", False), (301, b"", "unavailable", False),
    (200, b"[" * 99_999, "unavailable", False),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code", "permanent"), TROUBLE, ids=range(len(TROUBLE)))
def test_a_look_that_was_not_answered_is_trouble_of_the_wire_not_of_the_task(
    status: int, body: bytes, code: str, permanent: bool
) -> None:
    with pytest.raises(ProviderUnavailable) as trouble:
        sort_record(status, {}, body, provider_task_id=TASK)
    assert (trouble.value.code, trouble.value.permanent) == (code, permanent)
    assert trouble.value.retry_in >= timedelta(seconds=1)


def test_a_record_of_another_task_is_not_believed() -> None:
    body = json.dumps(record(state="success", resultJson=result())).encode()
    with pytest.raises(ProviderUnavailable, match="another task"):
        sort_record(200, {}, body, provider_task_id="another")


URL = "https://desk.example/api/webhook/nano-banana/s/t"


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ({"callBackUrl": URL, "input": {"prompt": "x"}}, URL),
        (json.dumps({"callBackUrl": URL, "input": json.dumps({"prompt": "x"})}), URL),
        (json.dumps({"callBackUrl": None}), None),
        ({"callBackUrl": 7}, None),
        ("not json", None),
        ([], None),
        (None, None),
        ("[" * 99_999, None),
    ],
    ids=range(8),
)
def test_the_record_tells_which_callback_the_task_was_made_with(param: object, expected: str | None) -> None:
    assert read(record(state="generating", param=param)).callback_url == expected


def test_the_charge_is_read_under_both_its_names() -> None:
    assert read(record(state="success", creditsConsumed=5.5)).charged_micro == 5_500_000
    assert read(record(state="success", consumeCredits=4, remainedCredits=99)).charged_micro == 4_000_000
    assert read(record(state="success", creditsConsumed=None, consumeCredits=4)).charged_micro == 4_000_000
    assert read(record(state="success")).charged_micro is None
    assert read(record(state="success", creditsConsumed=-4)).charged_micro is None


def test_the_kept_record_is_small_clean_and_without_our_token() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = {"in": [deep]}
    fields = {f"field{n}": "風" * 3000 for n in range(40)} | {"deep": deep, "many": list(range(5000)), "big": 10**300}
    odd = {"inf": float("inf"), "nul": "a\x00b", "lone": "\ud800", "param": {"callBackUrl": URL}}
    for extra in ({}, fields, odd, fields | odd):
        raw = read(record(state="fail", failMsg="x", **extra)).raw
        kept = json.dumps(raw, ensure_ascii=False, allow_nan=False).encode()
        assert len(kept) <= MAX_RAW_BYTES
        assert b"\\u0000" not in kept
        assert URL.encode() not in kept
        assert raw["state"] == "fail"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_NAMES = ("taskId", "state", "successFlag", "resultJson", "response", "param", "failCode", "failMsg", "creditsConsumed")


@given(code=_JSON, msg=_JSON, data=st.fixed_dictionaries({}, optional=dict.fromkeys(_NAMES, _JSON)))
def test_no_json_makes_the_reading_raise(code: Any, msg: Any, data: Any) -> None:
    body = json.dumps({"code": code, "msg": msg, "data": data}).encode()
    sort_answer(200, {}, body)
    report = read_record(parse(body), provider_task_id=TASK)
    if report is not None:
        json.dumps(report.raw, allow_nan=False, ensure_ascii=False).encode()  # fit for a JSON column
        (report.fail_message or "").encode()
        assert report.state in ("running", "succeeded", "failed")


@pytest.mark.parametrize("payload", [None, [], "x", 7, {}, {"data": []}, {"data": {"taskId": TASK}}, {"taskId": TASK}])
def test_a_payload_without_a_record_is_none(payload: object) -> None:
    assert read_record(payload) is None


VEO = {"taskId": "veo_x", "paramJson": '{"prompt": "kite"}', "fallbackFlag": False, "createTime": "2026-11-20 10:00:00"}
VEO_FILE = "https://tempfile.aiquickdraw.com/v/a.mp4"
VEO_RECORDS = {
    "running": ({"successFlag": 0, "response": None, "errorCode": None}, "running", (), None),
    "done": ({"successFlag": 1, "response": {"resultUrls": [VEO_FILE]}}, "succeeded", (VEO_FILE,), None),
    "refused": ({"successFlag": 2, "errorCode": 400, "errorMessage": "content policies"}, "failed", (), "policy"),
    "failed": ({"successFlag": 3, "errorCode": 501, "errorMessage": "no audio"}, "failed", (), "generation_failed"),
    "its webhook": ({"info": {"resultUrls": [VEO_FILE]}}, "succeeded", (VEO_FILE,), None),
    "its webhook, as text": ({"info": {"resultUrls": f'["{VEO_FILE}"]'}}, "succeeded", (VEO_FILE,), None),
}  # fmt: skip


@pytest.mark.parametrize("name", VEO_RECORDS)
def test_veos_older_records_are_read_like_any_other(name: str) -> None:
    data, state, outputs, cause = VEO_RECORDS[name]
    report = read_record({"code": 200, "msg": "ok", "data": VEO | data})
    assert report is not None
    assert (report.provider_task_id, report.state, report.outputs, report.cause) == ("veo_x", state, outputs, cause)
    assert "paramJson" not in report.raw, "it repeats the prompt"


def test_files_beside_a_state_that_still_runs_are_not_taken_for_a_veo_webhook() -> None:
    report = read_record({"code": 200, "data": VEO | {"state": "generating", "info": {"resultUrls": [VEO_FILE]}}})
    assert report is not None
    assert report.state == "running"
