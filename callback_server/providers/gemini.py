"""Google's `generateContent` (direct-providers section 3): the picture comes inside the answer, as base64.

An HTTP 200 without a picture is an everyday answer there, and what it says decides: refused by policy, nothing drawn,
or nothing that anybody could read. It knows no database and never shows its key.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from callback_server.providers.base import Answer, Completed, PaidCall, ProviderReport, Refused, held
from callback_server.providers.direct import (
    KEY_WAIT,
    MAX_OUTPUTS,
    QUOTA_WAIT,
    RATE_WAIT,
    SUBMIT_SECONDS,
    Direct,
    decoded,
    doubt,
    error_of,
    line,
    message_of,
    of_http,
    own_name,
    read_data_url,
)
from callback_server.providers.reading import (
    bounded,
    identifier,
    listed,
    mapping,
    parse,
    retry_after,
    whole,
    within_an_hour,
    words,
)

MOST_INLINE_BYTES = 20_000_000  # "about 20 MB" for the whole request; the smaller reading is the safe one
_CONFIG = {"aspectRatio": "imageConfig", "imageSize": "imageConfig", "thinkingLevel": "thinkingConfig"}

_SIGNS = {"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"}
_FILES = ("data", "thoughtSignature", "thought_signature")
_POLICY = {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "SAFETY", "PROHIBITED_CONTENT", "IMAGE_RECITATION", "RECITATION",
           "SPII", "BLOCKLIST"}  # fmt: skip
_NOTHING_DRAWN = {"NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_RESPONSE"}
_ACCOUNT_LIMITED = "PUP_LIMITED_DISABLED"
_BAD_KEY = re.compile(r"API_KEY_(INVALID|EXPIRED)|API key (not valid|expired)", re.IGNORECASE)
_BILL = re.compile(r"billing|overdue|credits? (is|are) (used|deplet|exhaust)", re.IGNORECASE)
# Not "quota" and not "billing": Google's words for a rate speak of both.
_QUOTA = re.compile(r"per ?day|\blimit: 0\b|spend", re.IGNORECASE)
_ONE_MODEL = re.compile(r"per ?model|\blimit: 0\b", re.IGNORECASE)
MOST_TOKENS = 200_000
"""More than any answer has: a count beyond it is no count."""


class Gemini(Direct):
    """One key at Google."""

    free_path = "/v1beta/models?pageSize=1"

    def __init__(self, *, key: SecretStr, api_url: str, submit_timeout_seconds: float = SUBMIT_SECONDS) -> None:
        """Opens no connection yet."""
        super().__init__(line(key, api_url, submit_timeout_seconds, header="x-goog-api-key", scheme=""), api_url)

    def request(self, call: PaidCall) -> tuple[str, dict[str, Any]]:
        """The references follow the prompt as parts; everything else is a setting of the picture."""
        parts: list[dict[str, Any]] = []
        config: dict[str, Any] = {"responseModalities": ["IMAGE"]}
        for name, value in call.input.items():
            if name == "prompt":
                parts.insert(0, {"text": value})
            elif isinstance(value, list):
                for mime, data in map(read_data_url, value):
                    parts.append({"inlineData": {"mimeType": mime, "data": data}})
            elif name in _CONFIG:
                config.setdefault(_CONFIG[name], {})[name] = value
            else:
                raise ValueError(f"Google has no setting “{name}”.")
        size = sum(len(part["inlineData"]["data"]) for part in parts if "inlineData" in part)
        if size > MOST_INLINE_BYTES:
            raise ValueError(f"The references are {size / 1e6:.0f} MB as they are sent, and Google takes about 20 MB. "
                             "Nothing was sent; use fewer or smaller ones.")  # fmt: skip
        body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
        return f"/v1beta/models/{call.model}:generateContent", body

    def sort(self, call: PaidCall, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """A picture, or what the lack of one means."""
        payload = parse(body)
        answer, error = mapping(payload), error_of(payload)
        pictures, broken = _pictures(answer) if status == 200 else ([], False)
        if pictures or broken:
            return _drawn(call, answer, pictures)
        verdict = (whole(error.get("code")) or status) if error else status
        if verdict >= 400:
            return self.refusal(verdict, headers, payload) or doubt(status, message_of(status, error))
        if status != 200 or not answer.keys() & _SIGNS:
            return doubt(status, "nothing that could be read")
        return _not_drawn(call, answer)

    def refusal(self, status: int, headers: Mapping[str, str], payload: object) -> Refused | None:
        """By Google's own word where there is one: a bad key is answered with 400."""
        error = error_of(payload)
        said, word = message_of(status, error), words(error.get("status"), 100)
        details = [mapping(each) for each in listed(error.get("details"))]
        if status == 429:
            return _slow_down(said, headers, details)
        if status == 503 and word == "UNAVAILABLE":  # its own word for "overloaded": nothing was begun
            return Refused("rate_limited", said, retry_after(headers, RATE_WAIT), pauses_account=True)
        reasons = " ".join(words(each.get("reason"), 100) for each in details)
        precondition = status == 400 and word == "FAILED_PRECONDITION"  # the country, or the bill
        if status == 402 or (precondition and _BILL.search(said)):
            return Refused("no_credits", said, KEY_WAIT, pauses_account=True)
        if precondition or (status == 400 and _BAD_KEY.search(f"{reasons} {said}")):
            return Refused("key_refused", said, KEY_WAIT, pauses_account=True)
        return of_http(status, said, theirs=bool(error), reasons=reasons)


def _slow_down(said: str, headers: Mapping[str, str], details: list[dict[str, Any]]) -> Refused:
    """A rate passes by itself in seconds; a quota for the day, or of nothing at all, does not.

    A quota of one model is no reason for the others to wait.
    """
    delays = [_seconds(each.get("retryDelay")) for each in details if "RetryInfo" in words(each.get("@type"), 200)]
    wait = next((delay for delay in delays if delay is not None), None)
    wait = retry_after(headers, RATE_WAIT) if wait is None else wait
    names = [mapping(each) for detail in details for each in listed(detail.get("violations"))]
    evidence = " ".join([said, *(f"{words(n.get('quotaId'))} {words(n.get('quotaMetric'))}" for n in names)])
    nothing = any(words(str(name.get("quotaValue"))) == "0" for name in names)
    if nothing or _QUOTA.search(evidence):
        alone = nothing or _ONE_MODEL.search(evidence) is not None
        return Refused("key_capped", said, max(wait, QUOTA_WAIT), pauses_account=not alone)
    return Refused("rate_limited", said, wait, pauses_account=True)


def _seconds(text: object) -> timedelta | None:
    """A duration as Google writes one: "34s", "3.5s"."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s", text) if isinstance(text, str) else None
    return within_an_hour(timedelta(seconds=float(found[1]))) if found else None


def _parts(answer: dict[str, Any], *, drafts: bool = False) -> list[dict[str, Any]]:
    """All parts of all candidates, without the drafts of a model that thinks; or these alone."""
    contents = [mapping(mapping(each).get("content")) for each in listed(answer.get("candidates"))]
    parts = [mapping(part) for content in contents for part in listed(content.get("parts"))]
    return [part for part in parts if (part.get("thought") is True) == drafts]


def _pictures(answer: dict[str, Any]) -> tuple[list[bytes], bool]:
    """The pictures, and whether there was one that cannot be read. What they are, their bytes say.

    Where there is none, the drafts are what was paid for: a picture in our hands is not thrown away.
    """
    found, broken = _readable(_parts(answer))
    return (found, broken) if found else (_readable(_parts(answer, drafts=True))[0], broken)


def _readable(parts: list[dict[str, Any]]) -> tuple[list[bytes], bool]:
    blobs = [mapping(part.get("inlineData") or part.get("inline_data")) for part in parts]
    texts = [blob["data"] for blob in blobs if blob.get("data")][:MAX_OUTPUTS]
    found = [data for text in texts if (data := decoded(text)) is not None]
    return found, len(found) < len(texts)


def _drawn(call: PaidCall, answer: dict[str, Any], pictures: list[bytes]) -> Completed:
    """A picture was made and is to be paid for, even if its bytes did not survive the way."""
    report = ProviderReport(
        provider_task_id=identifier(answer.get("responseId")) or own_name(call),
        state="succeeded" if pictures else "failed",
        outputs=tuple(dict.fromkeys(map(held, pictures))),
        charged_micro=_charged(call, answer, max(1, len(pictures))),
        fail_message=None if pictures else "The picture in the answer cannot be read: it is no base64.",
        cause=None if pictures else "unreadable",
        raw=bounded(answer, hidden=_FILES),
    )
    return Completed(report, tuple(pictures))


def _charged(call: PaidCall, answer: dict[str, Any], pictures: int) -> int | None:
    """By the tokens that Google counted, where the catalogue has a rate for them; else the catalogue's price."""
    usage, image = mapping(answer.get("usageMetadata")), _tokens(answer, "IMAGE")
    if call.rates is None or not image:
        return None if call.price_micro is None else call.price_micro * pictures
    text = _tokens(answer, "TEXT") + _counted(usage.get("thoughtsTokenCount"))
    return call.rates.cost(image=image, text=text, read=_counted(usage.get("promptTokenCount")))


def _tokens(answer: dict[str, Any], modality: str) -> int:
    """The tokens of this kind that Google counts as made."""
    usage = mapping(answer.get("usageMetadata"))
    details = [mapping(each) for each in listed(usage.get("candidatesTokensDetails"))]
    return next((_counted(d.get("tokenCount")) for d in details if words(d.get("modality")).upper() == modality), 0)


def _counted(value: object) -> int:
    """A number of tokens; 0 for what cannot be one."""
    count = whole(value) or 0
    return count if 0 <= count <= MOST_TOKENS else 0


def _not_drawn(call: PaidCall, answer: dict[str, Any]) -> Answer:
    """Google answered and sent no picture. What it counts as drawn all the same is paid for, and not bought again."""
    drawn = _tokens(answer, "IMAGE") > 0
    candidates = [mapping(each) for each in listed(answer.get("candidates"))]
    ends = [words(each.get("finishReason"), 100).upper() for each in candidates]
    end = next((each for each in ends if each not in ("", "STOP")), "STOP" if ends else "")
    feedback = mapping(answer.get("promptFeedback"))
    blocked = words(feedback.get("blockReason"), 100).upper()
    text = " ".join(filter(None, (words(part.get("text")) for part in _parts(answer))))
    notes = (
        words(feedback.get("blockReasonMessage")),
        *(words(each.get("finishMessage")) for each in candidates),
        text,
    )
    note = next(filter(None, notes), "")
    message = ": ".join(filter(None, (blocked or end, note))) or "The answer holds no picture and no reason."
    if end == _ACCOUNT_LIMITED and not drawn:
        return Refused("key_refused", message, QUOTA_WAIT, pauses_account=True)
    cause = "policy" if blocked or end in _POLICY else "invalid" if end == "MAX_TOKENS" else "generation_failed"
    return Completed(
        ProviderReport(
            provider_task_id=identifier(answer.get("responseId")) or own_name(call),
            state="failed",
            fail_code=blocked or end or None,
            fail_message=message,
            charged_micro=_charged(call, answer, 1) if drawn else None,
            cause=cause,
            retryable=not drawn and cause == "generation_failed" and _worth_another_try(end, text),
            raw=bounded(answer, hidden=_FILES),
        )
    )


def _worth_another_try(end: str, text: str) -> bool:
    """Nothing drawn is; a model that says in words why it drew nothing would say it again."""
    return end in _NOTHING_DRAWN or (end == "STOP" and not text)
