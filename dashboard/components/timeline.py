"""What happened to a task, event by event, in words; what a program said raw is kept for whoever supports it.

It reads no database and knows no provider: only the few ways in which a connection fails.
"""

import re

from dashboard.components import formats, people, words
from dashboard.language import t
from dashboard.retold import retold
from data.history import Detail
from data.schema import TaskEvent

_RAW = re.compile(r"(?:The connection failed: )?_?(?P<name>[A-Z]\w*(?:Error|Timeout|Exception))\b")
"""How a text begins that no person wrote: with the name of an exception."""
_NO_CONNECTION = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "ConnectionRefusedError"}


def rows(detail: Detail, me: str) -> list[tuple[str, str, str]]:
    """Each event in words; the first with its time of day, the others with the seconds since.

    What a person did is signed, and from an hour on dated: who gave a doubt up, and when, is asked much later.
    """
    found = []
    for index, event in enumerate(detail.events):
        gone = (event.at - detail.card.created_at).total_seconds()
        when = formats.local(event.at).strftime("%H:%M:%S") if index == 0 else _since(gone)
        signed = "" if event.who in people.SERVER else people.by(event.who, me)
        if signed and index > 0:
            at = formats.date_and_time(event.at) if gone >= 3600 else formats.clock(event.at)
            signed = t("{date}, {time}", date=signed, time=at)
        found.append((when, _said(event), " · ".join(filter(None, [signed, in_words(event.detail or "")[:300]]))))
    return found


def raw(detail: Detail) -> list[tuple[str, str]]:
    """The texts that `rows` puts in words, as they were, beside what they were said of."""
    known = {call.fail_message for call in detail.submissions}
    return [
        (_said(event), event.detail)
        for event in detail.events
        if event.detail and _RAW.match(event.detail) and event.detail not in known
    ]


def in_words(text: str) -> str:
    """What the failure of a connection means; any other text as it is, ours in the session's language."""
    raw = _RAW.match(text)
    if raw is None:
        return retold(text)
    name = raw["name"]
    if name == "TooLongError":
        return retold(text.partition(": ")[2])
    if name in _NO_CONNECTION:
        return t(words.NO_CONNECTION)
    return t(words.NO_ANSWER_IN_TIME if name.endswith(("Timeout", "TimeoutError")) else words.BROKEN_OFF)


def _said(event: TaskEvent) -> str:
    return t(words.EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize()))


def _since(gone: float) -> str:
    if gone < 100:
        return t("+{n} s", n=f"{gone:.1f}")
    return t("+{n} min", n=f"{gone / 60:.0f}") if gone < 6000 else t("+{n} h", n=f"{gone / 3600:.1f}")
