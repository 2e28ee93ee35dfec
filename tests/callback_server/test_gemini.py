"""Google's wire: what is sent, and what every documented answer becomes, read from a real socket.

The documented answers are those of direct-providers section 3.2; what breaks on the way is the same for all roads.
"""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import png
from pydantic import SecretStr
from wires import Script, Server, always, http, serving, silence

from callback_server.providers import gemini
from callback_server.providers import line as wire
from callback_server.providers.base import (
    Completed,
    NotSent,
    PaidCall,
    ProviderReport,
    ProviderUnavailable,
    Refused,
    Unknown,
    held,
)
from callback_server.providers.gemini import Gemini
from callback_server.providers.reading import MAX_RAW_BYTES
from data.catalog import TokenRates

pytestmark = pytest.mark.http

KEY = "a-key-that-nobody-may-see"
PICTURE = png(64, 64)
RATES = TokenRates(image=Decimal(30), text=Decimal("7.5"), input=Decimal("1.5"), as_of=date(2026, 11, 23), source="x")
INPUT = {"prompt": "红色风筝", "aspectRatio": "16:9", "imageSize": "2K"}
CALL = PaidCall("s-1", "gemini-nano-banana-2.1", INPUT, None, price_micro=6_720_000)


def data(picture: bytes = PICTURE) -> str:
    return base64.b64encode(picture).decode()


def drawn(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An answer with a picture."""
    parts = parts or ({"inlineData": {"mimeType": "image/png", "data": data()}},)
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    return {"candidates": [candidate], "modelVersion": CALL.model, "responseId": "r-1"} | more


def ended(reason: str, **more: Any) -> dict[str, Any]:
    """An answer without one."""
    return {"candidates": [{"content": {"parts": []}, "finishReason": reason} | more], "responseId": "r-2"}


def error(code: int, status: str = "", message: str = "words", *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


def answer(payload: Any, status: int = 200, extra: str = "") -> bytes:
    return http(payload if isinstance(payload, bytes) else json.dumps(payload).encode(), status, extra)


@asynccontextmanager
async def road(script: Script, seconds: float = 5) -> AsyncIterator[tuple[Gemini, Server]]:
    async with serving(script) as server:
        provider = Gemini(key=SecretStr(KEY), api_url=server.url, submit_timeout_seconds=seconds)
        yield provider, server
        await provider.aclose()


def submitted(script: Script, call: PaidCall = CALL, seconds: float = 5) -> tuple[Any, Server]:
    async def scenario() -> tuple[Any, Server]:
        async with road(script, seconds) as (provider, server):
            return await provider.submit(call), server

    return asyncio.run(scenario())


def report(payload: dict[str, Any], call: PaidCall = CALL) -> tuple[ProviderReport, tuple[bytes, ...]]:
    completed, _ = submitted(always(answer(payload)), call)
    assert isinstance(completed, Completed), completed
    return completed.report, completed.files


def test_a_paid_call_is_the_documented_request() -> None:
    reference = f"data:image/jpeg;base64,{data(b'a picture')}"
    call = PaidCall("s-1", CALL.model, INPUT | {"inlineData": [reference], "thinkingLevel": "LOW"}, None)
    _, server = submitted(always(answer(drawn())), call)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1beta/models/gemini-nano-banana-2.1:generateContent")
    assert request.headers["x-goog-api-key"] == KEY
    assert "authorization" not in request.headers
    assert json.loads(request.body) == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "红色风筝"},
                    {"inlineData": {"mimeType": "image/jpeg", "data": data(b"a picture")}},
                ],
            }
        ],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            "thinkingConfig": {"thinkingLevel": "LOW"},
        },
    }


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"watermark": False}, "no setting “watermark”"),
        ({"inlineData": ["https://files.example/1.png"]}, "not inside the request"),
        ({"inlineData": [f"data:image/png;base64,{'A' * (gemini.MOST_INLINE_BYTES + 1)}"]}, "about 20 MB"),
    ],
)
def test_what_google_cannot_take_is_refused_before_anything_is_sent(more: dict[str, Any], words: str) -> None:
    refused, server = submitted(always(b""), PaidCall("s-1", CALL.model, INPUT | more, None))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_in, words in refused.message) == ("invalid", None, True), refused.message
    assert server.requests == []


def test_a_picture_comes_home_inside_the_answer() -> None:
    found, files = report(drawn())
    assert (found.state, found.provider_task_id, found.charged_micro) == ("succeeded", "r-1", 6_720_000)
    assert (found.outputs, files) == ((held(PICTURE),), (PICTURE,))


TOLERATED = {
    "a draft of a model that thinks": drawn(
        {"inlineData": {"data": data(b"a draft")}, "thought": True}, {"inlineData": {"data": data()}}
    ),
    "words beside the picture": drawn({"text": "Here it is:"}, {"inlineData": {"data": data()}}),
    "the other spelling": drawn({"inline_data": {"mime_type": "image/png", "data": data()}}),
    "base64 in lines": drawn({"inlineData": {"data": "\n".join(data()[n : n + 76] for n in range(0, 9999, 76))}}),
    "base64 without padding": drawn({"inlineData": {"data": data().rstrip("=")}}),
    "base64 as a data URL": drawn({"inlineData": {"data": f"data:image/png;base64,{data()}"}}),
    "nothing but the picture": {"candidates": [{"content": {"parts": [{"inlineData": {"data": data()}}]}}]},
    "fields of the wrong type": drawn(usageMetadata="none", modelVersion=3, promptFeedback=[]),
    "a picture with a bad end": {
        "candidates": [{"content": {"parts": [{"inlineData": {"data": data()}}]}, "finishReason": "IMAGE_SAFETY"}]
    },
}


@pytest.mark.parametrize("name", TOLERATED)
def test_a_picture_is_taken_however_it_is_wrapped(name: str) -> None:
    found, files = report(TOLERATED[name])
    assert (found.state, files) == ("succeeded", (PICTURE,))


def test_a_call_without_a_name_gets_one_of_ours() -> None:
    for odd in (None, "", " ", 7.5, "x" * 300):
        assert report(drawn(responseId=odd))[0].provider_task_id == "call-s-1"


def test_the_tokens_that_google_counted_decide_the_price() -> None:
    usage = {
        "promptTokenCount": 11,
        "thoughtsTokenCount": 240,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}, {"modality": "TEXT", "tokenCount": 10}],
    }
    call = PaidCall("s-1", CALL.model, INPUT, None, price_micro=1, rates=RATES)
    micro_usd = 30 * 1120 + 7.5 * 250 + 1.5 * 11
    assert report(drawn(usageMetadata=usage), call)[0].charged_micro == micro_usd * 200
    assert report(drawn(usageMetadata={"candidatesTokensDetails": "many"}), call)[0].charged_micro == 1
    assert report(drawn(), PaidCall("s-1", CALL.model, INPUT, None))[0].charged_micro is None, "price unknown"


@pytest.mark.parametrize("tokens", [-1120, 10**5 * 9, 10**40, True, "many"])
def test_a_count_that_cannot_be_one_moves_no_money(tokens: object) -> None:
    usage = {"promptTokenCount": tokens, "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": tokens}]}
    call = PaidCall("s-1", CALL.model, INPUT, None, price_micro=7, rates=RATES)
    assert report(drawn(usageMetadata=usage), call)[0].charged_micro == 7


def test_a_draft_is_taken_where_there_is_no_other_picture() -> None:
    draft = {"inlineData": {"data": data()}, "thought": True}
    for parts in ((draft,), ({"text": "That is all."}, draft), ({"inlineData": {"data": "?!"}}, draft)):
        found, files = report(drawn(*parts))
        assert (found.state, files) == ("succeeded", (PICTURE,))


def test_no_answer_brings_more_files_than_a_model_can_make() -> None:
    parts = [{"inlineData": {"data": data(b"picture %d" % number)}} for number in range(200)]
    found, files = report(drawn(*parts))
    assert len(files) == len(found.outputs) == 64


def test_a_picture_that_cannot_be_read_was_made_and_is_paid_for() -> None:
    found, files = report(drawn({"inlineData": {"data": "no base64 at all!"}}))
    assert (found.state, found.cause, found.charged_micro, found.retryable) == (
        "failed", "unreadable", 6_720_000, False,
    )  # fmt: skip
    assert files == ()


def test_what_is_kept_of_an_answer_is_small_and_holds_no_picture() -> None:
    kept = report(drawn({"text": "w" * 90_000}, {"inlineData": {"data": data()}, "thoughtSignature": "A" * 9000}))[
        0
    ].raw
    assert len(json.dumps(kept)) <= MAX_RAW_BYTES
    small = report(drawn())[0].raw
    assert small["candidates"][0]["content"]["parts"][0]["inlineData"]["data"] == (
        f"({len(data()):,} characters of base64)"
    )


# Documented ends without a picture: cause, and whether one more try is made.
NOT_DRAWN = {
    **dict.fromkeys(("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "SAFETY", "PROHIBITED_CONTENT", "IMAGE_RECITATION",
                     "RECITATION", "SPII", "BLOCKLIST"), ("policy", False)),
    **dict.fromkeys(("NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_RESPONSE"), ("generation_failed", True)),
    "STOP": ("generation_failed", True),
    "MAX_TOKENS": ("invalid", False),
    "LANGUAGE": ("generation_failed", False),
    "SOMETHING_OF_NEXT_YEAR": ("generation_failed", False),
}  # fmt: skip


@pytest.mark.parametrize("reason", NOT_DRAWN)
def test_an_end_without_a_picture_is_a_failure_that_cost_nothing(reason: str) -> None:
    found, files = report(ended(reason, finishMessage="Google's words"))
    assert (found.state, found.cause, found.retryable) == ("failed", *NOT_DRAWN[reason])
    assert (found.charged_micro, files, found.fail_message) == (None, (), f"{reason}: Google's words")


@pytest.mark.parametrize("reason", ["IMAGE_OTHER", "NO_IMAGE", "STOP", "IMAGE_SAFETY", "PUP_LIMITED_DISABLED"])
def test_what_google_counts_as_drawn_is_paid_for_and_not_bought_again(reason: str) -> None:
    usage = {"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}]}
    call = PaidCall("s-1", CALL.model, INPUT, None, price_micro=1, rates=RATES)
    found, _ = report(ended(reason) | {"usageMetadata": usage}, call)
    assert (found.state, found.charged_micro, found.retryable) == ("failed", 30 * 1120 * 200, False)
    unpriced, _ = report(ended(reason) | {"usageMetadata": usage}, PaidCall("s-1", CALL.model, INPUT, None))
    assert not unpriced.retryable


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"])
def test_a_blocked_prompt_is_refused_by_policy(reason: str) -> None:
    found, _ = report({"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 9}})
    assert (found.state, found.cause, found.charged_micro, found.retryable) == ("failed", "policy", None, False)
    assert found.fail_message == reason


def test_a_model_that_answers_in_words_is_not_asked_again() -> None:
    found, _ = report(drawn({"text": "I would rather not."}))
    assert (found.cause, found.retryable) == ("generation_failed", False)
    assert "I would rather not." in (found.fail_message or "")


def test_an_answer_without_candidates_and_without_a_reason_is_an_honest_failure() -> None:
    found, _ = report({"usageMetadata": {}, "modelVersion": CALL.model})
    assert (found.state, found.cause, found.retryable) == ("failed", "generation_failed", False)


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
DAILY = {"@type": "x/QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
FOR_ALL = {"@type": "x/QuotaFailure", "violations": [{"quotaId": "SpendPerDayPerProject"}]}
NOTHING = {"@type": "x/QuotaFailure", "violations": [{"quotaId": "RequestsPerMinutePerProject", "quotaValue": "0"}]}
MINUTELY = {"@type": "x/QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}
WORDS = "You exceeded your current quota, please check your plan and billing details."
BAD_KEY = {"@type": "x/ErrorInfo", "reason": "API_KEY_INVALID"}
S, MIN = timedelta(seconds=1), timedelta(minutes=1)
# Status and body → code, how long to wait (None: refused for good), whether the whole account waits.
REFUSED = {
    "bad parameter": (400, error(400, "INVALID_ARGUMENT"), ("invalid", None, False)),
    "key invalid": (400, error(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY), ("key_refused", MIN, True)),
    "country": (400, error(400, "FAILED_PRECONDITION", "User location is not supported."), ("key_refused", MIN, True)),
    "billing": (400, error(400, "FAILED_PRECONDITION", "Please enable billing."), ("no_credits", MIN, True)),
    "no key": (401, error(401, "UNAUTHENTICATED"), ("key_refused", MIN, True)),
    "a firewall's 401": (401, b"<html>", ("key_refused", MIN, True)),
    "no permission for a model": (403, error(403, "PERMISSION_DENIED"), ("refused", None, False)),
    "a leaked key": (403, error(403, "PERMISSION_DENIED", "Your API key was reported as leaked."),
                     ("key_refused", MIN, True)),
    "another service's key": (403, error(403, "PERMISSION_DENIED", "No.", {"reason": "API_KEY_SERVICE_BLOCKED"}),
                                 ("key_refused", MIN, True)),
    "not switched on": (403, error(403, "PERMISSION_DENIED", "Off.", {"reason": "SERVICE_DISABLED"}),
                        ("key_refused", MIN, True)),
    "a firewall's 403": (403, b"<html>", ("refused", None, False)),
    "no such model": (404, error(404, "NOT_FOUND"), ("model_unknown", None, False)),
    "not that address": (404, b"<html>", ("refused", None, False)),
    "too large": (413, b"", ("refused", None, False)),
    "rate, with its own wait": (429, error(429, "RESOURCE_EXHAUSTED", "slow", RETRY), ("rate_limited", 34.5 * S, True)),
    "rate, in its words": (429, error(429, "RESOURCE_EXHAUSTED", WORDS, MINUTELY), ("rate_limited", 20 * S, True)),
    "rate, without": (429, error(429, "RESOURCE_EXHAUSTED"), ("rate_limited", 20 * S, True)),
    "rate, no JSON": (429, b"slow down", ("rate_limited", 20 * S, True)),
    "a model's day": (429, error(429, "RESOURCE_EXHAUSTED", "quota", RETRY, DAILY), ("key_capped", 15 * MIN, False)),
    "everybody's day": (429, error(429, "RESOURCE_EXHAUSTED", "quota", FOR_ALL), ("key_capped", 15 * MIN, True)),
    "a quota of nothing": (429, error(429, "X", "Quota exceeded, limit: 0"), ("key_capped", 15 * MIN, False)),
    "nothing, by its value": (429, error(429, "X", "quota", NOTHING), ("key_capped", 15 * MIN, False)),
    "overloaded": (503, error(503, "UNAVAILABLE", "The model is overloaded."), ("rate_limited", 20 * S, True)),
    "error inside a 200": (200, error(429, "RESOURCE_EXHAUSTED"), ("rate_limited", 20 * S, True)),
    "error in a list": (400, [error(400, "INVALID_ARGUMENT")], ("invalid", None, False)),
    "account limited": (200, ended("PUP_LIMITED_DISABLED"), ("key_refused", 15 * MIN, True)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_how_long_and_for_whom(name: str) -> None:
    status, payload, expected = REFUSED[name]
    refused, server = submitted(always(answer(payload, status)))
    assert isinstance(refused, Refused), refused
    assert (refused.code, refused.retry_in, refused.pauses_account) == expected
    assert refused.message
    assert len(server.requests) == 1


def test_retry_after_is_honoured_where_the_body_names_no_wait() -> None:
    refused, _ = submitted(always(answer(error(429), 429, "Retry-After: 7\r\n")))
    assert isinstance(refused, Refused)
    assert refused.retry_in == 7 * S


DOUBTS = {
    "internal": always(answer(error(500, "INTERNAL"), 500)),
    "a proxy's 503": always(answer(b"<html>", 503)),
    "503 in other words": always(answer(error(503, "INTERNAL"), 503)),
    "deadline": always(answer(error(504, "DEADLINE_EXCEEDED"), 504)),
    "a proxy's 502": always(answer(b"<html>", 502)),
    "408": always(answer(b"", 408)),
    "a 200 that is no JSON": always(answer(b"<html>")),
    "somebody else's 200": always(answer({"ok": True})),
    "a 200 cut in half": always(answer(drawn())[:-40], then_close=True),
    "an error without a number": always(answer({"error": {"message": "?"}})),
    "a redirect": always(http(b"", 307, "Location: http://127.0.0.1:9/\r\n")),
    "a cut connection": always(b"", then_close=True),
    "silence": silence,
}


@pytest.mark.parametrize("name", DOUBTS)
def test_whatever_proves_nothing_is_a_doubt_and_is_sent_once(name: str) -> None:
    unknown, server = submitted(DOUBTS[name], seconds=3)
    assert isinstance(unknown, Unknown), unknown
    assert unknown.message
    assert len(server.requests) == 1


def test_a_large_request_is_written_where_it_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    writers, write = [], wire._written

    def written(request: Any) -> bytes:
        writers.append(threading.current_thread())
        return write(request)

    monkeypatch.setattr(wire, "_written", written)
    submitted(always(answer(drawn())))
    assert writers
    assert threading.main_thread() not in writers


def test_what_fails_before_the_first_byte_was_not_sent() -> None:
    async def scenario() -> list[object]:
        found = []
        for url in ("http://127.0.0.1:1", "http://no-such-host.invalid"):
            provider = Gemini(key=SecretStr(KEY), api_url=url, submit_timeout_seconds=2)
            found.append(await provider.submit(CALL))
            await provider.aclose()
        return found

    assert [type(each) for each in asyncio.run(scenario())] == [NotSent, NotSent]


def test_an_answer_beyond_reason_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callback_server.providers.direct.MAX_ANSWER_BYTES", 1 << 20)
    unknown, _ = submitted(always(answer(b" " * (2 << 20))))
    assert isinstance(unknown, Unknown)


def free(script: Script) -> tuple[object, Server]:
    async def scenario() -> tuple[object, Server]:
        async with road(script) as (provider, server):
            try:
                return await provider.credits(), server
            except ProviderUnavailable as trouble:
                return trouble.code, server

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(200, {}, None), (404, {}, None), (401, error(401), "key_refused"), (503, {}, "unavailable"),
     (400, error(400, "INVALID_ARGUMENT", "API key not valid."), "key_refused")],
)  # fmt: skip
def test_a_free_call_proves_address_and_key_and_knows_no_balance(status: int, body: Any, expected: object) -> None:
    found, server = free(always(answer(body, status)))
    assert found == expected
    assert server.requests[0].target == "/v1beta/models?pageSize=1"


def test_nothing_is_uploaded_and_nothing_looked_up() -> None:
    async def scenario() -> Server:
        async with road(always(b"")) as (provider, server):
            file = await provider.hold(PICTURE, name="ab" * 32, mime="image/png")
            assert file.url == f"inline:{'ab' * 32}"
            assert await provider.lookup("r-1") is None
            return server

    assert asyncio.run(scenario()).requests == []


def test_the_key_is_shown_nowhere() -> None:
    echo, _ = submitted(always(answer(error(400, "", f"The key {KEY} is odd"), 400)))
    assert isinstance(echo, Refused)
    assert "The key *** is odd" in echo.message
    assert KEY not in repr(Gemini(key=SecretStr(KEY), api_url="http://127.0.0.1:1"))


FIELDS = ("candidates", "content", "parts", "inlineData", "data", "finishReason", "promptFeedback", "blockReason",
          "usageMetadata", "candidatesTokensDetails", "error", "code", "details", "text", "responseId")  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, min_size=1, max_size=4),
    max_leaves=12,
)
PROVIDER = Gemini(key=SecretStr(KEY), api_url="http://127.0.0.1:1")


@given(JSON, st.sampled_from((200, 200, 400, 429, 500)))
def test_no_answer_is_an_exception(payload: Any, status: int) -> None:
    found = PROVIDER.sort(CALL, status, {}, json.dumps(payload).encode())
    assert isinstance(found, Completed | Refused | Unknown)
    if status == 500:
        assert not isinstance(found, Completed), "an error is no picture"
