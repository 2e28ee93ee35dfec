"""ByteDance's Ark (BytePlus ModelArk, Volcengine): Seedream without a gateway (direct-providers section 2).

One call makes one picture, or several, of which each may have failed by itself inside an HTTP 200. The files stand at
signed addresses for a day and are fetched like any other. It knows no database and never shows its key.
"""

import re
from collections.abc import Mapping
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
)
from callback_server.providers.reading import (
    bounded,
    header,
    identifier,
    listed,
    mapping,
    parse,
    retry_after,
    web_address,
    whole,
    words,
)

_SIGNS = {"data", "usage", "created"}
# An open set: the documentation adds words in front and behind (direct-providers 2.5).
_POLICY = re.compile(r"SensitiveContent|RiskDetection|PolicyViolation")
_QUOTA = re.compile(r"SetLimitExceeded|QuotaExceeded")
_OVERDUE = re.compile(r"Overdue|InsufficientBalance")
_NOT_OPEN = re.compile(r"NotOpen")
_TROUBLE = re.compile(r"Internal|Overload|Unavailable")
_OVERLOADED = re.compile(r"Overload|Unavailable")


class Ark(Direct):
    """One key at Ark; which surface it is of, its address says."""

    def __init__(self, *, key: SecretStr, api_url: str, submit_timeout_seconds: float = SUBMIT_SECONDS) -> None:
        """Opens no connection yet."""
        super().__init__(line(key, api_url, submit_timeout_seconds), api_url)

    def request(self, call: PaidCall) -> tuple[str, dict[str, Any]]:
        """Flat: the fields of the catalogue's entry, and nothing that only looks harmless."""
        return "/images/generations", {"model": call.model, **call.input}

    def sort(self, call: PaidCall, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """The pictures that were made, or why none was."""
        payload = parse(body)
        if status >= 400:
            return self.refusal(status, headers, payload) or doubt(status, message_of(status, error_of(payload)))
        answer = mapping(payload)
        if status != 200 or not (answer.keys() & _SIGNS or error_of(payload)):
            return doubt(status, "nothing that could be read")
        trouble = error_of(payload)
        if _TROUBLE.search(words(trouble.get("code"), 200)) and not listed(answer.get("data")):
            return doubt(status, message_of(status, trouble))  # its own fault for the whole call: nobody knows how far
        return _made(call, identifier(header(headers, "x-request-id")) or own_name(call), answer)

    def refusal(self, status: int, headers: Mapping[str, str], payload: object) -> Refused | None:
        """By Ark's own code where there is one."""
        error = error_of(payload)
        said, code = message_of(status, error), words(error.get("code"), 200)
        if status == 429 or (status == 503 and _OVERLOADED.search(code)):
            wait = retry_after(headers, RATE_WAIT)
            if _QUOTA.search(code):  # set for one model; the others go on
                return Refused("key_capped", said, max(wait, QUOTA_WAIT))
            return Refused("rate_limited", said, wait, pauses_account=True)
        if status == 402 or (status == 403 and _OVERDUE.search(code)):
            return Refused("no_credits", said, KEY_WAIT, pauses_account=True)
        if 400 <= status < 500 and _POLICY.search(code):
            return Refused("policy", said)
        if status == 404 and _NOT_OPEN.search(code):
            return Refused("not_open", said)
        return of_http(status, said, theirs=bool(error))


def _made(call: PaidCall, name: str, answer: dict[str, Any]) -> Completed:
    """What is in the list: good items are kept, bad ones are noted; with no good one it has failed."""
    outputs, files, faults = _items(answer)
    said = "; ".join(": ".join(filter(None, (where, _words_of(error)))) for where, error in faults)
    code = next((words(error.get("code"), 200) for _, error in faults if error.get("code")), "")
    made = whole(mapping(answer.get("usage")).get("generated_images"))
    most = max(1, len(listed(answer.get("data"))[:MAX_OUTPUTS]))  # a number beyond what is listed is no count
    made = len(outputs) if made is None else max(0, min(made, most))
    report = ProviderReport(
        provider_task_id=name,
        state="succeeded" if outputs else "failed",
        outputs=tuple(dict.fromkeys(outputs)),
        # Pictures that were refused are not billed; what Ark says it made is.
        charged_micro=call.price_micro * made if call.price_micro is not None and made else None,
        fail_code=code or None,
        fail_message=said[:2000] or None,
        cause=None if outputs else _cause(code),
        raw=bounded(answer, hidden=("b64_json",)),
    )
    return Completed(report, tuple(files))


def _items(answer: dict[str, Any]) -> tuple[list[str], list[bytes], list[tuple[str, dict[str, Any]]]]:
    """Addresses of the good pictures, the bytes of those that came inside, and of each bad one its place and error."""
    outputs: list[str] = []
    files: list[bytes] = []
    faults: list[tuple[str, dict[str, Any]]] = []
    for number, item in enumerate(map(mapping, listed(answer.get("data"))[:MAX_OUTPUTS]), start=1):
        url = web_address(item.get("url"))
        data = None if url else decoded(item.get("b64_json"))
        if url is not None:
            outputs.append(url)
        elif data is not None:
            files.append(data)
            outputs.append(held(data))
        else:
            error = mapping(item.get("error"))
            faults.append((f"picture {number}" if error else f"picture {number} cannot be read", error))
    if error := mapping(answer.get("error")):
        faults.append(("", error))
    if not (outputs or faults):
        faults.append(("The answer lists no picture and no reason.", {}))
    return outputs, files, faults


def _words_of(error: dict[str, Any]) -> str:
    return ": ".join(filter(None, (words(error.get("code"), 200), words(error.get("message")))))


def _cause(code: str) -> str:
    """Our word for a failure inside a 200. Nothing of it is tried again by itself: it is not known to help."""
    if _POLICY.search(code):
        return "policy"
    if code.startswith(("InvalidParameter", "MissingParameter")):
        return "invalid"
    return "provider_error" if _TROUBLE.search(code) else "generation_failed"
