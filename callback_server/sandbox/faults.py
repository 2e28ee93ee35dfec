"""Chosen misfortunes: which faults exist, how a prompt or a rule asks for one, and which of them strike a request.

A directive in a prompt is ``[[fault:NAME]]`` or ``[[fault:NAME=VALUE]]``. A rule is JSON posted to
``/sandbox/faults``: ``{"fault": NAME, "value"?, "match"?, "model"?, "nth"?, "times"?}``. One name means the same
misfortune on every road (kie, Gemini, Ark), told in the words of that road; where a road has no such thing, nothing
happens. ``create`` below is the paid call of any road.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DIRECTIVE = re.compile(r"\[\[\s*fault\s*:\s*([a-z0-9_]+)\s*(?:=\s*([^\]]*?)\s*)?\]\]", re.IGNORECASE)
MAX_VALUE = 500  # characters
MAX_SECONDS = 30 * 86_400.0


@dataclass(frozen=True)
class Kind:
    """One fault: the value used when none is given, and what it does."""

    value: str
    says: str


# Decided when a task is created and kept with it, so that a restart does not change its fate.
KINDS: dict[str, Kind] = {
    # the answer to a create
    "refuse": Kind(
        "500",
        "a create answers this body code (401 402 404 422 429 433 455 500 501 503 505), or by Gemini "
        "and Ark what they say in its place (or their own status or code by name); nothing is made",
    ),
    "refuse_after": Kind("500", "as `refuse`, but the task was taken: it runs on, or is paid for, unheard"),
    "quota": Kind("", "a create is refused for a quota that waiting does not fill: kie 433, the others their 429"),
    "paused": Kind(
        "505",
        "createTask answers 'This interface is temporarily paused.' under this body code; Gemini "
        "and Ark do not know the model",
    ),
    "http": Kind("503", "a create answers this HTTP status with an HTML page; no task is made"),
    "http_after": Kind("502", "a create answers this HTTP status with an HTML page, but the task was taken"),
    "http_429": Kind("2", "a create answers HTTP 429 with Retry-After of this many seconds; no task is made"),
    "lost_request": Kind("", "the connection is closed without an answer; no task is made"),
    "lost_answer": Kind("", "the connection is closed without an answer, but the task was taken and is paid for"),
    "slow_answer": Kind("5", "the answer to a create comes this many seconds late; the task runs meanwhile"),
    # the record
    "invisible": Kind("3", "recordInfo answers 422 'recordInfo is null' for this many seconds after creation"),
    "record_http": Kind("3", "the first n recordInfo calls answer HTTP 500 with an HTML page"),
    "envelope": Kind("501", "the task ends as failed and recordInfo says so only by the body code 501 or 408"),
    "param_object": Kind("", "param.input is an object instead of JSON text"),
    "empty_strings": Kind("", "failCode, failMsg and resultJson are '' instead of null while they are unset"),
    "cost_ms": Kind("", "costTime is in milliseconds instead of seconds"),
    "bare": Kind(
        "",
        "successFlag, response and creditsConsumed are missing from the record; Gemini and Ark answer "
        "with the picture alone: no usage, no version, no size",
    ),
    "odd_types": Kind("", "Gemini and Ark: numbers arrive as text, names in another case, the size as null"),
    "extra_fields": Kind("", "Gemini and Ark: fields that nobody has heard of, at every level"),
    "model_version": Kind("a-version-nobody-announced", "Gemini and Ark name this as the model that answered"),
    "fractional_credits": Kind("0.5", "this much is added to the price"),
    # how the task goes
    "slow": Kind("20", "drawing takes this many seconds"),
    "stuck": Kind("", "the task stays in generating for ever; Gemini and Ark hold the line and never answer"),
    "fail": Kind("501", "the task fails with this failCode (400 brings the policy text)"),
    "fail_words": Kind("Something went wrong.", "the failMsg of a task that fails"),
    "policy_prompt": Kind("", "the prompt is blocked (the value: a blockReason of Gemini, or an error code of Ark)"),
    "policy_output": Kind("", "the picture is blocked (the value: a finishReason of Gemini, or an error code of Ark)"),
    "no_image": Kind(
        "NO_IMAGE", "nothing was drawn: kie fails with 501, Gemini ends with this finishReason, Ark lists none"
    ),
    "finish_reason": Kind("A_REASON_NOBODY_KNOWS", "Gemini ends with this finishReason and without a picture"),
    "item_error": Kind("OutputImageSensitiveContentDetected", "Ark: this error in place of the last picture, in a 200"),
    "no_urls": Kind("", "success with an empty resultUrls"),
    "several": Kind("3", "this many results"),
    "other_format": Kind("", "the picture is a JPEG where PNG is promised, and the reverse; its labels do not say so"),
    "other_size": Kind("0.5", "the sides of the picture are this many times as long as asked for"),
    "private_url": Kind("http://169.254.169.254/latest/meta-data/", "the result URL is this address"),
    # the files
    "redirect": Kind("http://169.254.169.254/latest/meta-data/", "the result URL redirects to this address"),
    "expired": Kind("", "the result file answers 404"),
    "file_http": Kind("500", "the result file answers this HTTP status"),
    "slow_file": Kind("5", "the result file is dribbled over this many seconds"),
    "html_file": Kind("", "the result file is an HTML page"),
    "truncated_file": Kind("", "the result file ends in the middle of the picture"),
    "huge_file": Kind("200", "the result file begins like a PNG and goes on for this many megabytes"),
    # the callback
    "callback_lost": Kind("", "no callback is sent"),
    "callback_twice": Kind("", "the callback is sent twice"),
    "callback_late": Kind("5", "the callback is sent this many seconds after the end"),
    "callback_unsigned": Kind("", "the callback carries no signature"),
    "callback_bad_signature": Kind("", "the callback carries a wrong signature"),
    "callback_old": Kind("3600", "the callback's timestamp is this many seconds old (the signature fits it)"),
}
# Looked at on every request while the rule stands; only a rule can ask for these.
LIVE: dict[str, Kind] = {
    "down": Kind("503", "every call of the gateway answers this HTTP status with an HTML page"),
    "mirror": Kind("", "the HTTP status repeats the body code"),
    "polls_down": Kind("500", "every recordInfo answers this HTTP status with an HTML page"),
    "files_down": Kind("503", "every file download answers this HTTP status"),
    "uploads_expired": Kind("", "every uploaded file answers 404"),
}
Faults = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A standing order for a fault: strikes matching creates from the nth on, `times` times (None: always)."""

    id: int
    fault: str
    value: str
    match: str | None
    model: str | None
    nth: int
    times: int | None
    seen: int
    used: int

    def meets(self, prompt: str, model: str) -> bool:
        """Tell whether a create is one of those this rule counts."""
        return (self.match is None or self.match in prompt) and (self.model is None or self.model == model)

    def strikes(self) -> bool:
        """Tell whether the rule, which has just counted a create, strikes it."""
        return self.seen >= self.nth and (self.times is None or self.used < self.times)


def parse_directives(prompt: str) -> dict[str, str]:
    """Read the directives of a prompt; unknown names mean nothing, as any other words in a prompt."""
    found: dict[str, str] = {}
    for name, value in DIRECTIVE.findall(prompt):
        kind = KINDS.get(name.lower())
        if kind is not None:
            found[name.lower()] = (value or kind.value)[:MAX_VALUE]
    return found


def strip_directives(prompt: str) -> str:
    """Return the prompt without its directives: the painter need not draw them."""
    return DIRECTIVE.sub("", prompt).strip()


def parse_rule(body: Any) -> dict[str, Any] | str:
    """Check a posted rule; return its columns, or one sentence that says what is wrong with it."""
    if not isinstance(body, dict) or not isinstance(body.get("fault"), str):
        return "A rule is a JSON object with a 'fault'."
    kind = KINDS.get(body["fault"]) or LIVE.get(body["fault"])
    if kind is None:
        return f"There is no fault {body['fault']!r}."
    unknown = set(body) - {"fault", "value", "match", "model", "nth", "times"}
    if unknown:
        return f"A rule has no {sorted(unknown)[0]!r}."
    for name in ("match", "model"):
        if not isinstance(body.get(name), str | None):
            return f"{name!r} is a string."
    for name in ("nth", "times"):
        number = body.get(name)
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            return f"{name!r} is a whole number from 1."
    value = body.get("value")
    return {
        "fault": body["fault"],
        "value": (kind.value if value is None else str(value))[:MAX_VALUE],
        "match": body.get("match"),
        "model": body.get("model"),
        "nth": body.get("nth") or 1,
        "times": body.get("times"),
    }


def number(faults: Faults, name: str, *, least: float = 0.0, most: float = MAX_SECONDS) -> float:
    """Return a fault's value as a number within bounds; nonsense counts as the fault's own default."""
    kind = KINDS.get(name) or LIVE[name]
    for text in (faults.get(name, ""), kind.value):
        try:
            value = float(text)
        except ValueError:
            continue
        if value == value:  # a NaN is not equal to itself  # noqa: PLR0124
            return min(max(value, least), most)
    return least


def status(faults: Faults, name: str) -> int:
    """Return a fault's value as an HTTP status that means an error."""
    return int(number(faults, name, least=400, most=599))


def describe(kinds: Iterable[tuple[str, Kind]]) -> list[dict[str, str]]:
    """List faults for `GET /sandbox/faults`."""
    return [{"fault": name, "value": kind.value, "says": kind.says} for name, kind in kinds]
