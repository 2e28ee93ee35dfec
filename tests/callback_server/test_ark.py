"""Ark's wire: what is sent, and what every documented answer becomes, read from a real socket.

The documented answers are those of direct-providers sections 2.4 and 2.5. What breaks on the way is in `test_gemini`:
both roads speak through the same line.
"""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import png
from pydantic import SecretStr
from wires import Script, Server, always, http, serving, silence

from callback_server.providers.ark import Ark
from callback_server.providers.base import Completed, PaidCall, ProviderReport, Refused, Unknown, held

pytestmark = pytest.mark.http

KEY = "a-key-that-nobody-may-see"
PICTURE = png(64, 64)
B64 = base64.b64encode(PICTURE).decode()
URL, OTHER = "https://tos.example/a.png?X-Tos-Expires=86400", "https://tos.example/b.png?X-Tos-Expires=86400"
INPUT = {"prompt": "红色风筝", "watermark": False, "size": "2848x1600", "output_format": "png"}
CALL = PaidCall("s-1", "seedream-5-5-261028", INPUT, None, price_micro=7_000_000)
NAME = "X-Request-Id: 02aa\r\n"
BLOCKED = {"error": {"code": "OutputImageSensitiveContentDetected", "message": "blocked"}}


def made(*items: Any, generated: Any = "count", **more: Any) -> dict[str, Any]:
    """An HTTP 200 as documented."""
    good = sum(not item.get("error") for item in items if isinstance(item, dict))
    usage = {"generated_images": good if generated == "count" else generated, "output_tokens": 16384}
    return {"model": CALL.model, "created": 1764000000, "data": list(items), "usage": usage} | more


def error(code: str, message: str = "words request id: 02aa") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "param": "", "type": "X"}}


def answer(payload: Any, status: int = 200, extra: str = NAME) -> bytes:
    return http(payload if isinstance(payload, bytes) else json.dumps(payload).encode(), status, extra)


def submitted(script: Script, call: PaidCall = CALL, seconds: float = 5) -> tuple[Any, Server]:
    async def scenario() -> tuple[Any, Server]:
        async with serving(script) as server:
            provider = Ark(key=SecretStr(KEY), api_url=f"{server.url}/api/v3", submit_timeout_seconds=seconds)
            found = await provider.submit(call)
            await provider.aclose()
            return found, server

    return asyncio.run(scenario())


def report(payload: dict[str, Any], extra: str = NAME) -> tuple[ProviderReport, tuple[bytes, ...]]:
    completed, _ = submitted(always(answer(payload, extra=extra)))
    assert isinstance(completed, Completed), completed
    return completed.report, completed.files


def test_a_paid_call_is_the_documented_request() -> None:
    references = [f"data:image/png;base64,{B64}"]
    call = PaidCall("s-1", CALL.model, INPUT | {"image": references}, None)
    _, server = submitted(always(answer(made({"url": URL}))), call)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/api/v3/images/generations")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(request.body) == {"model": CALL.model, **INPUT, "image": references}


def test_a_picture_is_named_by_its_address_and_fetched_like_any_other() -> None:
    found, files = report(made({"url": URL, "size": "2848x1600"}))
    assert (found.state, found.outputs, files) == ("succeeded", (URL,), ())
    assert (found.provider_task_id, found.charged_micro, found.fail_message) == ("02aa", 7_000_000, None)


def test_a_picture_inside_the_answer_comes_home_with_it() -> None:
    found, files = report(made({"b64_json": B64}))
    assert (found.outputs, files) == ((held(PICTURE),), (PICTURE,))
    assert B64 not in json.dumps(found.raw)


def test_good_items_are_kept_and_bad_ones_noted() -> None:
    found, _ = report(made({"url": URL}, BLOCKED, {"url": OTHER}))
    assert (found.state, found.outputs, found.charged_micro) == ("succeeded", (URL, OTHER), 14_000_000)
    assert found.fail_message == "picture 2: OutputImageSensitiveContentDetected: blocked"


FAILED = {
    "one item, blocked": (made(BLOCKED), "policy"),
    "all blocked": (made(BLOCKED, BLOCKED), "policy"),
    "risk": (made(error("TextRiskDetection")), "policy"),
    "deep fake": (made(error("OutputImageSensitiveContentDetected.DeepFake")), "policy"),
    "server's fault": (made(error("InternalServiceError")), "provider_error"),
    "bad parameter": (made(error("InvalidParameter.Size")), "invalid"),
    "unknown word": (made(error("SomethingOfNextYear")), "generation_failed"),
    "empty list": (made(), "generation_failed"),
    "no list": ({"created": 1, "usage": {}}, "generation_failed"),
    "an item of nothing": (made({"url": "", "size": "1x1"}, generated=0), "generation_failed"),
    "an item that is no object": (made("x"), "generation_failed"),
    "one error for all": (error("InputTextSensitiveContentDetected"), "policy"),
}


@pytest.mark.parametrize("name", FAILED)
def test_a_200_without_a_good_picture_is_a_failure_that_cost_nothing_and_is_not_tried_again(name: str) -> None:
    payload, cause = FAILED[name]
    found, files = report(payload)
    assert (found.state, found.cause, found.charged_micro, found.retryable) == ("failed", cause, None, False)
    assert found.fail_message
    assert files == ()


TOLERATED = {
    "without usage": {"data": [{"url": URL}], "created": 1},
    "usage of the wrong type": made({"url": URL}) | {"usage": "one"},
    "a count as text": made({"url": URL}, generated="1"),
    "an error that is null": made({"url": URL, "error": None}) | {"error": None},
    "fields nobody knows": made({"url": URL, "seed": "x"}, colour=["red"]),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_what_is_clear_is_taken_although_a_field_is_missing_or_odd(name: str) -> None:
    found, _ = report(TOLERATED[name])
    assert (found.state, found.outputs, found.charged_micro) == ("succeeded", (URL,), 7_000_000)


def test_what_ark_says_it_made_is_paid_for_even_if_it_is_not_there() -> None:
    found, _ = report(made({"b64_json": "!"}, generated=1))
    assert (found.state, found.charged_micro) == ("failed", 7_000_000)


@pytest.mark.parametrize(("generated", "charged"), [(-3, None), (0, None), (1, 7_000_000), (99_999, 7_000_000)])
def test_a_count_that_cannot_be_one_moves_no_money(generated: int, charged: int | None) -> None:
    assert report(made({"url": URL}, generated=generated))[0].charged_micro == charged


def test_no_answer_names_more_files_than_a_model_can_make() -> None:
    found, _ = report(made(*({"url": f"{URL}&n={number}"} for number in range(200))))
    assert (len(found.outputs), found.charged_micro) == (64, 64 * 7_000_000)


def test_a_call_without_a_name_gets_one_of_ours() -> None:
    assert report(made({"url": URL}), extra="")[0].provider_task_id == "call-s-1"


S, MIN = timedelta(seconds=1), timedelta(minutes=1)
# Status and body → code, how long to wait (None: refused for good), whether the whole account waits.
REFUSED = {
    "missing": (400, error("MissingParameter"), ("invalid", None, False)),
    "bad": (400, error("InvalidParameter.UnsupportedParameter"), ("invalid", None, False)),
    "text blocked": (400, error("InputTextSensitiveContentDetected"), ("policy", None, False)),
    "reference blocked": (400, error("InputImageSensitiveContentDetected.PrivacyInfo"), ("policy", None, False)),
    "result blocked": (400, error("OutputImageSensitiveContentDetected.PolicyViolation"), ("policy", None, False)),
    "risk": (400, error("InputImageRiskDetection"), ("policy", None, False)),
    "key": (401, error("AuthenticationError"), ("key_refused", MIN, True)),
    "overdue": (403, error("AccountOverdueError"), ("no_credits", MIN, True)),
    "denied": (403, error("OperationDenied.PermissionDenied"), ("refused", None, False)),
    "access": (403, error("AccessDenied"), ("refused", None, False)),
    "a key for something else": (403, error("AccessDenied", "This API key may not. request id: 02aa"),
                                 ("key_refused", MIN, True)),
    "a firewall's 403": (403, b"<html>", ("refused", None, False)),
    "not open": (404, error("ModelNotOpen"), ("not_open", None, False)),
    "unknown": (404, error("InvalidEndpointOrModel.NotFound"), ("model_unknown", None, False)),
    "not that address": (404, b"<html>", ("refused", None, False)),
    **{f"rate: {code}": (429, error(code), ("rate_limited", 20 * S, True)) for code in (
        "ModelAccountIpmRateLimitExceeded", "ModelAccountRpmRateLimitExceeded", "RateLimitExceeded.EndpointRPMExceeded",
        "AccountRateLimitExceeded", "RequestBurstTooFast", "InflightBatchsizeExceeded", "ServerOverloaded")},
    "limit set": (429, error("SetLimitExceeded"), ("key_capped", 15 * MIN, False)),
    "quota": (429, error("QuotaExceeded"), ("key_capped", 15 * MIN, False)),
    "overloaded": (503, error("ServerOverloaded"), ("rate_limited", 20 * S, True)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_how_long_and_for_whom(name: str) -> None:
    status, payload, expected = REFUSED[name]
    refused, server = submitted(always(answer(payload, status)))
    assert isinstance(refused, Refused), refused
    assert (refused.code, refused.retry_in, refused.pauses_account) == expected
    assert isinstance(payload, bytes) or "request id: 02aa" in refused.message
    assert len(server.requests) == 1


def test_retry_after_is_honoured() -> None:
    payload = error("RequestBurstTooFast")
    refused, _ = submitted(always(answer(payload, 429, "Retry-After: 3\r\n")))
    assert isinstance(refused, Refused)
    assert refused.retry_in == 3 * S


DOUBTS = {
    "its own fault": always(answer(error("InternalServiceError"), 500)),
    "its own fault, inside a 200": always(answer(error("InternalServiceError"))),
    "a proxy's 503": always(answer(b"<html>", 503)),
    "a proxy's 504": always(answer(b"<html>", 504)),
    "a 200 that is no JSON": always(answer(b"<html>")),
    "somebody else's 200": always(answer({"ok": True})),
    "a cut connection": always(b"", then_close=True),
    "silence": silence,
}


@pytest.mark.parametrize("name", DOUBTS)
def test_whatever_proves_nothing_is_a_doubt_and_is_sent_once(name: str) -> None:
    unknown, server = submitted(DOUBTS[name], seconds=3)
    assert isinstance(unknown, Unknown), unknown
    assert len(server.requests) == 1


FIELDS = ("data", "url", "b64_json", "error", "code", "message", "usage", "generated_images", "created")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, min_size=1, max_size=4),
    max_leaves=12,
)
PROVIDER = Ark(key=SecretStr(KEY), api_url="http://127.0.0.1:1")


@given(JSON, st.sampled_from((200, 200, 400, 429, 500)))
def test_no_answer_is_an_exception(payload: Any, status: int) -> None:
    found = PROVIDER.sort(CALL, status, {}, json.dumps(payload).encode())
    assert isinstance(found, Completed | Refused | Unknown)
    assert status == 200 or not isinstance(found, Completed), "an error is no picture"
