"""The calls to kie over a real socket: what is sent, what is never sent twice, and what every broken wire becomes.

The server is a plain asyncio one that does with the connection what each test asks: answer, cut, drip, stay silent. At
the end the sandbox, an independent reading of the same protocol, is spoken to as a process.
"""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from local import local
from nursery import Child
from processes import free_port, wait_until
from pydantic import SecretStr
from wires import Request, Script, Server, always, drip, http, serving, silence

from callback_server.download import Downloader
from callback_server.providers.base import (
    Accepted,
    NotSent,
    PaidCall,
    ProviderReport,
    ProviderUnavailable,
    Refused,
    Unknown,
)
from callback_server.providers.kie import Kie

pytestmark = pytest.mark.http

KEY = "a-key-that-nobody-may-see"
TASK = "9c1f0000000000000000000000000000"
CALL = PaidCall("s-1", "nano-banana-2", {"prompt": "红色风筝"}, "https://desk.example/api/webhook/nano-banana/s-1/t-1")
URL = "https://tempfile.aiquickdraw.com/f/9c1f_0.png"


def said(code: object, msg: object = "words", data: object = None) -> bytes:
    return json.dumps({"code": code, "msg": msg, "data": data}).encode()


def kie(url: str, seconds: float = 5) -> Kie:
    return Kie(key=SecretStr(KEY), api_url=url, upload_url=url, submit_timeout_seconds=seconds)


async def submitted(script: Script, *, seconds: float = 5) -> tuple[object, Server]:
    async with serving(script) as server:
        provider = kie(server.url, seconds)
        answer = await provider.submit(CALL)
        await provider.aclose()
    return answer, server


TAKEN = http(said(200, "success", {"taskId": TASK}))


def test_a_paid_call_is_the_documented_request() -> None:
    answer, server = asyncio.run(submitted(always(TAKEN)))
    assert answer == Accepted(TASK)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/api/v1/jobs/createTask")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {"model": CALL.model, "input": CALL.input, "callBackUrl": CALL.callback_url}


def test_a_paid_call_never_goes_over_a_used_connection() -> None:
    """The server drops what comes second on a connection, as one does that has just closed it for idleness."""

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(TAKEN) if request.nth == 1 else writer.close()

    async def scenario() -> tuple[list[object], Server]:
        async with serving(script) as server:
            provider = kie(server.url)
            answers = [await provider.submit(CALL) for _ in range(3)]
            await provider.aclose()
        return answers, server

    answers, server = asyncio.run(scenario())
    assert answers == [Accepted(TASK)] * 3
    assert server.connections == 3
    assert all(request.headers["connection"] == "close" for request in server.requests)


AFTER_IT_LEFT = {
    "the connection is cut without an answer": always(b"", then_close=True),
    "the answer stops half-way": always(TAKEN[:-10], then_close=True),
    "the answer is no HTTP": always(b"SSH-2.0-hello\r\n\r\n", then_close=True),
    "the answer is encoded in a way it is not": always(http(b"x", extra="Content-Encoding: gzip\r\n")),
    "the answer is longer than a megabyte": always(http(said(200, "x" * (2 << 20), {"taskId": TASK}))),
    "the server is silent": silence,
    "the answer drips without end": drip,
    "the server sends us elsewhere": always(http(b"", 307, "Location: http://127.0.0.1:9/\r\n")),
    "the server fails": always(http(said(500, "Internal Server Error"), 500)),
}


@pytest.mark.parametrize("name", AFTER_IT_LEFT)
def test_whatever_goes_wrong_after_sending_leaves_the_call_in_doubt_and_is_sent_once(name: str) -> None:
    answer, server = asyncio.run(submitted(AFTER_IT_LEFT[name], seconds=3))
    assert isinstance(answer, Unknown), answer
    assert answer.message
    assert len(server.requests) == 1


async def submitted_to(url: str) -> object:
    provider = kie(url, seconds=2)
    answer = await provider.submit(CALL)
    await provider.aclose()
    return answer


def test_what_fails_before_the_first_byte_was_not_sent() -> None:
    async def scenario() -> tuple[object, Server]:
        async with serving(always(TAKEN)) as server:
            return await submitted_to(server.url.replace("http:", "https:")), server

    assert isinstance(asyncio.run(submitted_to("http://127.0.0.1:1")), NotSent)  # connection refused
    assert isinstance(asyncio.run(submitted_to("http://no-such-host.invalid")), NotSent)  # no such name
    answer, server = asyncio.run(scenario())  # TLS fails
    assert isinstance(answer, NotSent)
    assert server.requests == []


@pytest.mark.parametrize("value", [float("nan"), object(), "\ud800", {1, 2}])
def test_a_request_that_cannot_be_written_is_refused_here(value: object) -> None:
    provider = kie("http://127.0.0.1:1")
    answer = asyncio.run(provider.submit(PaidCall("s", "m", {"prompt": value}, None)))
    assert isinstance(answer, Refused)
    assert (answer.code, answer.retry_in) == ("invalid", None)


def test_the_key_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    echo = http(said(401, f"The key {KEY} is not valid"), 401)
    with caplog.at_level(logging.DEBUG):
        answer, _ = asyncio.run(submitted(always(echo)))
        nowhere = asyncio.run(submitted_to("http://127.0.0.1:1"))
    assert isinstance(answer, Refused)
    assert answer.message == "The key *** is not valid"
    for text in (repr(answer), repr(nowhere), repr(kie("http://127.0.0.1:1")), caplog.text):
        assert KEY not in text


def test_a_proxy_of_the_environment_is_used_for_the_gateway_but_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> tuple[object, object, list[str]]:
        async with serving(always(TAKEN)) as proxy, serving(always(TAKEN)) as local:
            for name in ("http_proxy", "HTTP_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.delenv(name, raising=False)
            far, near = await submitted_to("http://gateway.example"), await submitted_to(local.url)
            return far, near, [request.target for request in proxy.requests]

    far, near, through_the_proxy = asyncio.run(scenario())
    assert far == near == Accepted(TASK)
    assert through_the_proxy == ["http://gateway.example/api/v1/jobs/createTask"]


async def free(script: Script, act: Callable[[Kie], Awaitable[Any]]) -> tuple[Any, Server]:
    async with serving(script) as server:
        provider = kie(server.url)
        try:
            outcome = await act(provider)
        except ProviderUnavailable as trouble:
            outcome = trouble
        await provider.aclose()
    return outcome, server


def test_a_look_asks_for_one_task_and_keeps_its_connection() -> None:
    body = http(said(200, data={"taskId": TASK, "state": "success", "resultJson": {"resultUrls": [URL]}}))

    async def twice(provider: Kie) -> ProviderReport | None:
        await provider.lookup(TASK)
        return await provider.lookup(TASK)

    report, server = asyncio.run(free(always(body), twice))
    assert report.outputs == (URL,)
    assert [request.target for request in server.requests] == [f"/api/v1/jobs/recordInfo?taskId={TASK}"] * 2
    assert server.connections == 1


@pytest.mark.parametrize("name", [name for name in AFTER_IT_LEFT if "silent" not in name and "drips" not in name])
def test_a_free_call_that_fails_says_so(name: str) -> None:
    for act in (lambda k: k.lookup(TASK), lambda k: k.credits(), lambda k: k.hold(b"x", name="x", mime="image/png")):
        outcome, _ = asyncio.run(free(AFTER_IT_LEFT[name], act))
        assert isinstance(outcome, ProviderUnavailable), outcome
        assert not outcome.permanent


@pytest.mark.parametrize(("left", "expected"), [(812.5, 812_500_000), (80, 80_000_000), (0, 0), (-1.5, -1_500_000)])
def test_the_balance_may_be_fractional(left: float, expected: int) -> None:
    balance, server = asyncio.run(free(always(http(said(200, "success", left))), lambda k: k.credits()))
    assert balance == expected
    assert server.requests[0].target == "/api/v1/chat/credit"


def held(**data: object) -> bytes:
    return http(json.dumps({"success": True, "code": 200, "msg": "ok", "data": data}).encode())


async def hold(provider: Kie) -> Any:
    return await provider.hold(b"\x89PNG picture", name="Tante Ernas Geburtstag.png", mime="image/png")


def test_a_reference_is_uploaded_under_the_name_of_its_content() -> None:
    url = "https://tempfile.redpandaai.co/x/a.png"
    file, server = asyncio.run(free(always(held(downloadUrl=url, fileUrl="https://other.example/a.png")), hold))
    assert file.url == url
    assert timedelta(hours=22) < file.expires_at - datetime.now(UTC) < timedelta(hours=24)
    (request,) = server.requests
    assert request.target == "/api/file-stream-upload"
    assert request.headers["content-type"].startswith("multipart/form-data")
    for part in (b"\x89PNG picture", b'name="uploadPath"', b'name="fileName"', b'name="file"', b"image/png"):
        assert part in request.body
    assert b"Erna" not in request.body


def test_an_upload_may_name_its_file_url_and_an_earlier_end() -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    answer = held(fileUrl="https://files.example/a.png", expiresAt=soon.isoformat())
    file, _ = asyncio.run(free(always(answer), hold))
    assert file.url == "https://files.example/a.png"
    assert file.expires_at == soon


@pytest.mark.parametrize("answer", [http(b"", 404), http(said(405)), http(b"", 503), http(said(500))])
def test_an_upload_tries_the_other_door_when_the_first_is_shut(answer: bytes) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer if "stream" in request.target else held(downloadUrl=URL))

    file, server = asyncio.run(free(script, hold))
    assert file.url == URL
    assert [request.target for request in server.requests] == ["/api/file-stream-upload", "/api/file-base64-upload"]
    assert json.loads(server.requests[1].body)["base64Data"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("answer", "code", "permanent"),
    [(http(said(401)), "key_refused", False), (http(said(400)), "refused", True), (held(), "unavailable", False),
     (held(downloadUrl="/a.png"), "unavailable", False), (http(said(429)), "rate_limited", False)],
)  # fmt: skip
def test_a_refused_upload_says_whether_another_try_helps(answer: bytes, code: str, permanent: bool) -> None:
    trouble, server = asyncio.run(free(always(answer), hold))
    assert (trouble.code, trouble.permanent) == (code, permanent)
    assert len(server.requests) == 1


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """The address of a sandbox process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ["--port", str(port), "--state-dir", str(tmp_path), "--key", KEY, "--seconds", "0.2"]
    process = Child("callback_server.sandbox", arguments, os.environ, tmp_path / "log")
    try:
        wait_until(lambda: answers(url), 20, what="the sandbox answers")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str) -> bool:
    try:
        return local.get(f"{url}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


async def ended(provider: Kie, task_id: str) -> ProviderReport:
    for _ in range(100):
        report = await provider.lookup(task_id)
        if report is not None and report.state != "running":
            return report
        await asyncio.sleep(0.1)
    raise AssertionError("the task never ended")


def test_the_sandbox_and_we_read_the_protocol_alike(sandbox: str) -> None:
    def call(prompt: str, model: str = "nano-banana-2") -> PaidCall:
        return PaidCall("s-1", model, {"prompt": prompt}, CALL.callback_url)

    async def scenario() -> None:
        provider = kie(sandbox)
        before = await provider.credits()
        answer = await provider.submit(call("a red kite"))
        assert isinstance(answer, Accepted)
        report = await ended(provider, answer.provider_task_id)
        assert report.state == "succeeded"
        assert report.callback_url == CALL.callback_url
        assert report.charged_micro
        assert await provider.credits() == before - report.charged_micro
        address = httpx.URL(sandbox)
        downloader = Downloader(max_bytes=10_000_000, seconds=10, exceptions={(address.host, address.port or 80)})
        assert len(await downloader.fetch(report.outputs[0])) > 1000
        held_file = await provider.hold(await downloader.fetch(report.outputs[0]), name="a.png", mime="image/png")
        assert held_file.url.startswith("http")
        await downloader.aclose()
        refusals = {
            "refuse=402": "no_credits",
            "paused": "paused",
            "refuse=433": "key_capped",
            "http_429=2": "rate_limited",
        }
        for fault, code in refusals.items():
            refused = await provider.submit(call(f"[[fault:{fault}]] x"))
            assert isinstance(refused, Refused)
            assert refused.code == code
        unknown_model = await provider.submit(call("x", model="no-such-model"))
        assert isinstance(unknown_model, Refused)
        assert unknown_model.code == "model_unknown"
        for prompt in ("[[fault:lost_answer]] x", "[[fault:http_after=502]] x", "[[fault:refuse=501]] x"):
            assert isinstance(await provider.submit(call(prompt)), Unknown)
        for prompt, cause in [("[[fault:fail=400]] x", "policy"), ("[[fault:fail=500]] x", "provider_error"),
                              ("[[fault:envelope=408]] x", "provider_timeout")]:  # fmt: skip
            taken = await provider.submit(call(prompt))
            assert isinstance(taken, Accepted)
            assert (await ended(provider, taken.provider_task_id)).cause == cause
        assert await provider.lookup("0" * 32) is None
        await provider.aclose()

    asyncio.run(scenario())
