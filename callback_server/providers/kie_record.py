"""kie's record of a task, read into a `ProviderReport`: the same reading for a poll and for a webhook's body.

The shapes differ between documents, years and live answers (kie-api sections 2.3 and 3); every one seen is accepted.
"""

import re
from collections.abc import Mapping
from typing import Any

from callback_server.providers.base import ProviderReport, ProviderUnavailable
from callback_server.providers.kie_wire import PARAMETER_TEXT, micro, sort_trouble, task_id_of, verdict_of
from callback_server.providers.reading import bounded, mapping, parse, web_address, whole, words

MAX_OUTPUTS = 64  # six is the most that a model makes; layers may be some more
_OVER = (408, 501)  # envelope codes that mean "ended and failed" although HTTP says 200 (kie-api 2.3)
_SIGNS = {"state", "successFlag", "resultJson", "response", "info"}  # any of them makes a record; Veo has the last two
_NOT_VISIBLE = (404, 422)  # "recordInfo is null": unknown, or not yet known for up to 90 s after creation

_POLICY = re.compile(
    r"policy|policies|sensitive|prohibited|safety|nsfw|flagged|violat|moderation|inappropriate|copyright", re.IGNORECASE
)
_INPUT = re.compile(
    r"(not|can't|unable to|failed to) (be )?(fetch|download|access|load|retrieve|read)\w*\b.{0,40}\b(image|file|url)"
    r"|\b(image|file|url)s? (fetch|download|access)"
    r"|\b(image|file|url)s?\b.{0,30}\b(expired|unreachable|inaccessible|not be (fetched|downloaded|accessed|loaded))",
    re.IGNORECASE,
)
_TIMEOUT = re.compile(r"time[d -]*out", re.IGNORECASE)
_TROUBLE = re.compile(
    r"internal (server )?error|server exception|overload|try again|temporarily unavailable|too many req", re.IGNORECASE
)
_OURS = ("param", "paramJson", "promptJson")  # they repeat the prompt and our token
_WORTH_ANOTHER_TRY = ("provider_error", "provider_timeout")
# Why a task failed, by `failCode` (a number as text, or a word); where its text says more, the text goes first.
_CAUSE_BY_CODE = {
    400: "invalid", 402: "no_credits", 408: "provider_timeout", 422: "invalid", 429: "provider_error",
    451: "input_unreachable", 455: "provider_error", 500: "provider_error", 501: "generation_failed",
    502: "provider_error", 503: "provider_error", 504: "provider_timeout", 505: "paused",
}  # fmt: skip


def sort_record(
    status: int, headers: Mapping[str, str], body: bytes, *, provider_task_id: str
) -> ProviderReport | None:
    """What recordInfo answered about a task: its report, None while it is not visible; or ProviderUnavailable.

    A record of another task than the one asked for is refused: believing it would give one person another's picture.
    """
    payload = parse(body)
    named = task_id_of(payload)
    if named not in (None, provider_task_id):
        raise ProviderUnavailable("The provider answered about another task than the one asked for")
    report = read_record(payload, provider_task_id=provider_task_id)
    if report is not None:
        return report
    if mapping(payload) and whole(mapping(payload).get("code")) in _NOT_VISIBLE:
        return None
    raise sort_trouble(status, headers, payload)


def read_record(payload: object, *, provider_task_id: str = "") -> ProviderReport | None:
    """The report in a recordInfo answer or in a webhook's body; None where neither holds one.

    `provider_task_id` stands in where the payload names no task, as when an envelope of 408 or 501 carries no data.
    State, flag, envelope code and files are weighed together, because each has been seen wrong alone (kie-api 9).
    """
    envelope = mapping(payload)
    data = mapping(envelope.get("data"))
    code = verdict_of(200, envelope)
    name = task_id_of(payload) or provider_task_id
    if not name or not (data.keys() & _SIGNS or code in _OVER):
        return None
    outputs = _outputs(data)
    charged = micro(data.get("creditsConsumed"))
    charged = micro(data.get("consumeCredits")) if charged is None else charged
    state = _state(data, code, outputs)
    fail_code, fail_message = _failure(envelope, data, code) if state == "failed" else (None, None)
    cause = "empty_result" if state == "succeeded" and not outputs else None
    if state == "failed":
        cause = _cause(fail_code, fail_message or "")
    return ProviderReport(
        provider_task_id=name,
        state=state,
        outputs=outputs if state == "succeeded" else (),
        charged_micro=None if state == "running" or (charged or 0) < 0 else charged,
        fail_code=fail_code,
        fail_message=fail_message,
        cause=cause,
        # A second try of something that was paid for would be a second payment for one picture; and a bare envelope of
        # 408 may be the time-out of this look alone, which is no reason to buy anew.
        retryable=cause in _WORTH_ANOTHER_TRY and not charged and _state(data, 200, ()) == "failed",
        callback_url=web_address(mapping(data.get("param")).get("callBackUrl")),
        raw=bounded(data or envelope, without=_OURS),
    )


def _state(data: dict[str, Any], code: int, outputs: tuple[str, ...]) -> str:
    """running, succeeded or failed. Files beside any word of success win; an unknown state still runs."""
    said = data.get("state")
    said = said.lower() if isinstance(said, str) else ""
    flag = whole(data.get("successFlag"))
    # Veo's older webhook has neither state nor flag: its files stand in `info`, under an envelope that says 200.
    silent = not said and flag is None
    success = said == "success" or flag == 1 or (silent and code == 200 and bool(mapping(data.get("info"))))
    failure = said in ("fail", "failed") or flag in (2, 3) or code in _OVER
    if success and outputs:
        return "succeeded"
    if failure:
        return "failed"
    return "succeeded" if said == "success" or (success and not said) else "running"


def _outputs(data: dict[str, Any]) -> tuple[str, ...]:
    """The result's URLs in order, from `resultJson`, `response` or (Veo) `info`; odd entries are dropped."""
    for place in (data.get("resultJson"), data.get("response"), data.get("info")):
        listed = mapping(place).get("resultUrls")
        if isinstance(listed, str):  # some versions put JSON text, or a single address, where the list should be
            listed = parse(listed) if listed.lstrip().startswith("[") else [listed]
        found = [url for item in listed if (url := web_address(item))] if isinstance(listed, list) else []
        if found:
            return tuple(dict.fromkeys(found))[:MAX_OUTPUTS]
    return ()


def _failure(envelope: dict[str, Any], data: dict[str, Any], code: int) -> tuple[str | None, str | None]:
    """The provider's code and words for a failure; the envelope's where the record itself has none."""
    message = words(data.get("failMsg"), 2000) or words(data.get("errorMessage"), 2000)
    message = message or words(envelope.get("msg")) or words(envelope.get("message"))
    return _code_text(data) or (str(code) if code != 200 else None), message or None


def _code_text(data: dict[str, Any]) -> str | None:
    """`failCode` (or Veo's `errorCode`) as short text; null and "" are the same nothing."""
    for name in ("failCode", "errorCode"):
        value = data.get(name)
        number = whole(value)
        text = str(number) if number is not None else words(value, 64)
        if text:
            return text
    return None


def _cause(fail_code: str | None, message: str) -> str:
    """Our own stable word for a failure. A refusal by policy also comes as 500 or 501, so its text is read first."""
    by_code = _CAUSE_BY_CODE.get(whole(fail_code) or 0)
    evidence = f"{fail_code or ''} {message}"
    if _POLICY.search(evidence):
        return "policy"
    if _INPUT.search(message):
        return "input_unreachable"
    if PARAMETER_TEXT.search(message):
        return "invalid"
    if by_code in (None, "provider_error") and _TIMEOUT.search(evidence):
        return "provider_timeout"
    if by_code is None and _TROUBLE.search(evidence):
        return "provider_error"
    return by_code or "generation_failed"
