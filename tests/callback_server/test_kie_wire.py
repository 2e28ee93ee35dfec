"""Every answer to a paid call sorted into four words: the protocol reference (kie-api) written as a table of cases."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback_server.providers.base import Accepted, Refused, Unknown
from callback_server.providers.kie_wire import micro, sort_answer, task_id_of
from callback_server.providers.reading import retry_after

TASK = "9c1f0000000000000000000000000000"


def said(code: object, msg: object = "words", data: object = None) -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


MINUTE, TEN = timedelta(minutes=1), timedelta(seconds=10)
UNKNOWN_MODEL = "The model name you specified is not supported. Please verify your input and use one of the supported"

# Every refusal holds for "HTTP 200 with a body code" and for "HTTP mirrors the code": both are seen (kie-api 1).
REFUSED = [
    (401, "You do not have access permissions", "key_refused", MINUTE),
    (402, "Credits insufficient", "no_credits", MINUTE),
    (403, "Forbidden", "key_refused", MINUTE),
    (429, "Rate limit exceeded", "rate_limited", TEN),
    (433, "Sub-key usage cap", "key_capped", MINUTE),
    (455, "Maintenance", "maintenance", MINUTE),
    (500, "Credits insufficient for this task", "no_credits", MINUTE),
    (400, "Bad parameter", "invalid", None),
    (404, UNKNOWN_MODEL, "model_unknown", None),
    (422, UNKNOWN_MODEL, "model_unknown", None),
    (422, "prompt is required", "invalid", None),
    (451, "could not fetch the input image", "input_unreachable", None),
    (500, UNKNOWN_MODEL, "model_unknown", None),
    (500, "prompt is required", "invalid", None),
    (500, "This field is required", "invalid", None),
    (500, "aspect_ratio is not within the range of allowed options", "invalid", None),
    (500, "This aspect_ratio is not within the range of allowed options", "invalid", None),
    (500, "output_format webp is not supported", "invalid", None),
    (422, "This interface is temporarily paused.", "paused", None),
    (500, "This interface is temporarily paused.", "paused", None),
    (505, "Feature disabled", "paused", None),
]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("code", "msg", "ours", "wait"), REFUSED)
def test_a_documented_refusal_proves_that_nothing_was_created(
    code: int, msg: str, ours: str, wait: timedelta | None, mirrored: bool
) -> None:
    expected = Refused(ours, msg, wait, pauses_account=wait is not None)
    assert sort_answer(code if mirrored else 200, {}, said(code, msg)) == expected
    assert sort_answer(200, {}, said(str(code), msg)) == expected
    older = json.dumps({"code": code, "message": msg}).encode()
    assert sort_answer(200, {}, older) == expected


DOUBTFUL = [
    (200, said(500, "Internal Server Error")),
    (500, said(500, "Server exception, please try again later or contact customer service")),
    (500, b""),
    (500, b"<html>Internal Server Error: field is required</html>"),
    (502, b"<html>Bad gateway</html>"),
    (503, said(503, "Service unavailable")),
    (504, b""),
    (402, b"<html>Payment required</html>"),
    (455, b""),
    (505, b"HTTP version"),
    (408, said(408, "timeout")),
    (408, b""),
    (200, said(408, "timeout")),
    (200, said(501, "generation failed")),
    (200, said(200, "success")),
    (200, said(200, "success", {})),
    (200, said(200, "success", {"taskId": ""})),
    (200, said(200, "success", {"taskId": None})),
    (200, said(200, "success", {"taskId": ["x"]})),
    (200, said(200, "success", {"taskId": "x" * 201})),
    (200, said(200, "success", {"taskId": "a\nb"})),
    (200, said(200, "success", {"recordId": TASK})),  # not the polling key
    (200, said(200, "success", TASK)),
    (200, said(999, "who knows")),
    (200, said(418, "who knows")),
    (409, said(409, "conflict")),
    (407, b"proxy"),
    (201, b""),
    (204, b""),
    (301, b""),
    (307, b""),
    (200, b""),
    (200, b"<html>Checking your browser</html>"),
    (200, b"null"),
    (200, b"[]"),
    (200, b'"text"'),
    (200, b"12"),
    (200, b'{"code":200,"data":{"taskId":"9c'),
    (200, b"[" * 200_000),
    (200, b'{"code":' + b"9" * 6000 + b"}"),
    (200, b'{"code":NaN}'),
    (200, b'{"code":1e999}'),
    (200, b"\xff\xfe\x00\x01"),
]


@pytest.mark.parametrize(("status", "body"), DOUBTFUL, ids=range(len(DOUBTFUL)))
def test_an_answer_that_proves_nothing_leaves_the_call_in_doubt(status: int, body: bytes) -> None:
    answer = sort_answer(status, {"Retry-After": "1"}, body)
    assert isinstance(answer, Unknown)
    assert answer.message
    assert len(answer.message) < 700


EDGE = [(429, "rate_limited", True), (401, "key_refused", True), (403, "refused", False),
        (404, "refused", False), (405, "refused", False), (413, "refused", False)]  # fmt: skip


@pytest.mark.parametrize(("status", "ours", "again"), EDGE)
def test_a_page_of_an_edge_server_that_passed_nothing_on_is_a_refusal(status: int, ours: str, again: bool) -> None:
    answer = sort_answer(status, {}, b"<html>no</html>")
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry_in is not None, answer.pauses_account) == (ours, again, again)


def test_an_http_refusal_is_not_undone_by_a_friendly_body() -> None:
    answer = sort_answer(429, {"retry-after": "3"}, said(200, "success"))
    assert answer == Refused("rate_limited", "success", timedelta(seconds=3), pauses_account=True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, said(200, "success", {"taskId": TASK, "recordId": TASK})),
        (200, said(200, "success", {"task_id": TASK})),
        (200, said("200", "success", {"taskId": TASK})),
        (200, b'{"code":200,"msg":"\xff","data":{"taskId":"' + TASK.encode() + b'"}}'),
        (200, b'\xef\xbb\xbf{"code":200,"cost":NaN,"data":{"taskId":"' + TASK.encode() + b'"}}'),
        (502, said(200, "success", {"taskId": TASK})),
        (200, said(500, "Internal Server Error", {"taskId": TASK})),
    ],
)
def test_an_answer_with_a_task_id_is_never_lost(status: int, body: bytes) -> None:
    assert sort_answer(status, {}, body) == Accepted(TASK)


def test_the_wait_after_429_is_the_servers_or_ten_seconds() -> None:
    in_a_minute = (datetime.now(UTC) + timedelta(seconds=60)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    for text, low, high in [("7", 7, 7), ("0", 1, 1), ("999999", 3600, 3600), (in_a_minute, 50, 61), ("soon", 10, 10),
                            ("", 10, 10), ("-5", 10, 10), ("9" * 50, 10, 10), ("٣", 10, 10)]:  # fmt: skip
        assert low <= retry_after({"retry-After": text}, TEN).total_seconds() <= high, text
    assert retry_after({}, TEN) == TEN


@given(status=st.sampled_from([200, 400, 401, 404, 422, 429, 500, 503]), body=st.binary(max_size=200))
def test_no_bytes_make_the_sorting_raise(status: int, body: bytes) -> None:
    sort_answer(status, {"Retry-After": body.decode("latin-1")}, body)


CREDITS: list[tuple[object, int | None]] = [
    (5, 5_000_000), (5.0, 5_000_000), (3.24, 3_240_000), (0.1 + 0.2, 300_000), ("6.5", 6_500_000), (0, 0),
    (None, None), (True, None), ("NaN", None), ("Infinity", None), (float("inf"), None), (float("nan"), None),
    (10**12, None), (10**5000, None), ("1e999999999", None), ("sNaN", None), ("x", None), ([], None),
]  # fmt: skip


def test_credits_are_counted_in_integers() -> None:
    for value, expected in CREDITS:
        assert micro(value) == expected


@pytest.mark.parametrize("payload", [{"data": {"taskId": TASK}}, {"data": {"task_id": TASK}}, {"taskId": TASK},
                                     {"task_id": TASK}, {"data": json.dumps({"taskId": TASK})},
                                     {"data": None, "taskId": TASK}])  # fmt: skip
def test_a_webhook_names_its_task_in_any_of_four_places(payload: object) -> None:
    assert task_id_of(payload) == TASK


@pytest.mark.parametrize("payload", [None, [], "x", 7, {}, {"data": []}, {"taskId": {}}, {"taskId": True}, said(200)])
def test_a_payload_without_a_task_names_none(payload: object) -> None:
    assert task_id_of(payload) is None
