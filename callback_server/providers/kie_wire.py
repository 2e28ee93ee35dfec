"""kie's answers, sorted: pure functions from a status, headers and bytes to the words of `base`.

The body's `code` is the verdict, not the HTTP status, but both are read (kie-api section 1). Nothing here raises for
what a provider may send; whatever does not prove that nothing was created is `Unknown`.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from callback_server.providers.base import Accepted, Answer, HeldFile, ProviderUnavailable, Refused, Unknown
from callback_server.providers.reading import identifier, mapping, parse, retry_after, web_address, whole, words

MAX_ANSWER_BYTES = 1 << 20  # an answer is a few kilobytes; a megabyte is a fault or an attack
MAX_CREDITS = 10**9  # beyond this a number is no bill
UPLOAD_LIFE = timedelta(hours=23)  # the newest text says 24 h, older ones 3 days (kie-api 5.1); an hour for the queue
_PAUSE = timedelta(seconds=60)

# Verdicts that prove that no task exists and that every other call on the account would fare the same (kie-api 2.4).
_ACCOUNT_WIDE = {401: "key_refused", 402: "no_credits", 403: "key_refused", 433: "key_capped", 455: "maintenance"}
# Verdicts on this one request. A 4xx of HTTP itself (405, 413 …) is an edge that passed nothing on; 408 is not in this
# list because a time-out proves nothing, and neither is any other code that the documentation does not name.
_REQUEST_ONLY = {400: "invalid", 404: "invalid", 405: "refused", 411: "refused", 413: "refused", 414: "refused",
                 415: "refused", 422: "invalid", 431: "refused", 451: "input_unreachable", 505: "paused"}  # fmt: skip
# Under code 500 only the text separates a parameter error from a true server error (kie-api 2.2).
PARAMETER_TEXT = re.compile(r"\bis required\b|is not within the range|\bnot supported\b", re.IGNORECASE)
_UNKNOWN_MODEL = re.compile(r"model\b.*\bnot supported|unsupported model", re.IGNORECASE)
_PAUSED = re.compile(r"temporarily paused", re.IGNORECASE)
_NO_CREDITS = re.compile(r"credits? insufficient|insufficient credits?", re.IGNORECASE)


def micro(value: object) -> int | None:
    """Credits, which may be fractional, as integer micro-credits; None when it is no sensible number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except (ArithmeticError, ValueError):  # ValueError: an integer of more than 4,300 digits
        return None
    if not amount.is_finite() or not -MAX_CREDITS <= amount <= MAX_CREDITS:  # abs() would overflow at 1e999999999
        return None
    return round(amount * 1_000_000)


def task_id_of(payload: object) -> str | None:
    """The task that an answer or a webhook names: `data.taskId`, `data.task_id`, `taskId` or `task_id`.

    kie's own signature sample reads the second, its bodies carry the first (kie-api 3.1). An id is opaque text.
    """
    outer = payload if isinstance(payload, dict) else {}
    for place in (mapping(outer.get("data")), outer):
        for name in ("taskId", "task_id"):
            if (named := identifier(place.get(name))) is not None:
                return named
    return None


def verdict_of(status: int, payload: object) -> int:
    """The body's `code`, unless there is none, or it says 200 while HTTP itself refuses."""
    code = whole(mapping(payload).get("code"))
    return status if code is None or (code == 200 and status >= 400) else code


def message_of(status: int, payload: object) -> str:
    """The provider's sentence: `msg`, then `message` (kie-api 2.2), else what little is known."""
    body = mapping(payload)
    return words(body.get("msg")) or words(body.get("message")) or f"HTTP {status} without a readable message"


def sort_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """One of four words for the answer to createTask; an answer with a task id is `Accepted`, whatever else it says.

    Accepting an id beside an error code is the careful reading: it can be looked up for free, and is never resent.
    """
    payload = parse(body)
    task_id = task_id_of(payload)
    if task_id is not None:
        return Accepted(task_id)
    verdict, said = verdict_of(status, payload), message_of(status, payload)
    ours = bool(mapping(payload))
    return _refusal(verdict, said, headers, ours=ours) or Unknown(_doubt(verdict, status, said))


def _refusal(verdict: int, said: str, headers: Mapping[str, str], *, ours: bool) -> Refused | None:
    """The refusal that an answer proves, or None. `ours`: the body was a JSON object, so kie itself wrote it."""
    if verdict == 429:
        return Refused("rate_limited", said, retry_after(headers, timedelta(seconds=10)), pauses_account=True)
    if verdict == 403 and not ours:  # a firewall's page, not a word about the key
        return Refused("refused", said)
    if verdict in _ACCOUNT_WIDE and (ours or verdict == 401):  # 401: "has not been applied" (RFC 9110 15.5.2)
        return Refused(_ACCOUNT_WIDE[verdict], said, retry_after(headers, _PAUSE), pauses_account=True)
    if ours and _PAUSED.search(said):  # the code that goes with it is not on record
        return Refused("paused", said)
    if verdict in _REQUEST_ONLY or (verdict == 500 and ours):
        if _NO_CREDITS.search(said):
            return Refused("no_credits", said, _PAUSE, pauses_account=True)
        if _UNKNOWN_MODEL.search(said):
            return Refused("model_unknown", said)
    if verdict == 500:
        return Refused("invalid", said) if ours and PARAMETER_TEXT.search(said) else None
    code = _REQUEST_ONLY.get(verdict)
    if not ours:  # somebody on the way: an HTTP 505 of theirs proves nothing, a 4xx says that they passed nothing on
        code = "refused" if code and verdict < 500 else None
    return Refused(code, said) if code else None


def _doubt(verdict: int, status: int, said: str) -> str:
    """Why nobody can say whether a task exists now."""
    if verdict == 200:
        return "The provider answered without an error and without a task id"
    return f"The provider answered with code {verdict} (HTTP {status}): {said}"


def sort_trouble(status: int, headers: Mapping[str, str], payload: object) -> ProviderUnavailable:
    """The exception for a free call that was answered with anything but what was asked for."""
    verdict, said = verdict_of(status, payload), message_of(status, payload)
    if verdict == 429:
        wait = retry_after(headers, timedelta(seconds=10))
        return ProviderUnavailable(said, code="rate_limited", retry_in=wait)
    if verdict in _ACCOUNT_WIDE and (verdict != 403 or mapping(payload)):
        return ProviderUnavailable(said, code=_ACCOUNT_WIDE[verdict], retry_in=retry_after(headers, _PAUSE))
    if verdict in _REQUEST_ONLY and verdict != 505:
        return ProviderUnavailable(said, code="refused", permanent=True)
    return ProviderUnavailable(said, retry_in=retry_after(headers, timedelta(seconds=10)))


def held_file(status: int, headers: Mapping[str, str], body: bytes, *, sent_at: datetime) -> HeldFile:
    """Where an upload is and until when (`downloadUrl`, then `fileUrl`: kie-api 5.1); or ProviderUnavailable."""
    answer = parse(body)
    file = mapping(mapping(answer).get("data"))
    url = web_address(file.get("downloadUrl")) or web_address(file.get("fileUrl"))
    if verdict_of(status, answer) != 200:
        raise sort_trouble(status, headers, answer)
    if url is None:
        raise ProviderUnavailable("The provider took the file but did not say where it is")
    try:
        stated = datetime.fromisoformat(str(file.get("expiresAt")))
    except ValueError:
        stated = None
    assumed = sent_at + UPLOAD_LIFE  # what the answer states can only shorten it
    return HeldFile(url, min(assumed, stated) if stated and stated.tzinfo else assumed)
