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

_WRITTEN = {"moved", "named"}
"""Of what a person did with a text of their own, such as a project's name: it is shown as it is."""

EVENTS: dict[str, str] = {
    "created": "Asked for",
    "claimed": "Sending to the provider",
    "over_cap": "Not sent: its batch has cost as much as it may",
    "has_picture": "Not sent: an earlier try has its picture",
    "accepted": "The provider has it",
    "succeeded_there": "Ready at the provider",
    "saved": "Saved here",
    "saved_too": "One more saved",
    "file_restored": "The missing file is back",
    "restored_differs": "The provider sent another file than the missing one; it is kept beside it",
    "second_result": "A second result arrived; it is kept too",
    "cancelled": "Cancelled before it was sent",
    "cancel_requested": "Cancel asked for after sending",
    "failed_there": "The provider gave up",
    "rejected": "The provider refused it",
    "not_sent": "It could not be sent",
    "in_doubt": "No answer: not confirmed",
    "handover_failed": "A reference could not be handed over",
    "fetch_failed": "The download failed for good",
    "fetch_retry": "The download broke off; trying again",
    "download_again": "Download asked for again",
    "check_requested": "Check asked for",
    "written_off": "Given up",
    "written_off_again": "Given up and asked for again",
    "doubt_expired": "No sign of it within the time; given up waiting",
    "overdue": "Overdue; we go on looking",
    "given_up": "Nothing more can come of it",
    "empty_result": "Done there, but no file was named",
    "fresh_addresses": "The provider named new addresses",
    "part_missing": "Some files could not be had",
    "saved_after_all": "Saved after all",
    "cleared": "Cleared away by housekeeping",
    "named": "Found in the provider's list",
    "mode_changed": "Cancelled: the desk changed between practice and real pictures",
    "alarm_second_id": "Contradiction: another provider id for the same call",
    "alarm_taken_after_all": "The provider had taken it after all",
    "deleted": "Deleted",
    "restored": "Deleted request brought back",
    "came_back": "Came back: a picture arrived after it was deleted",
    "picked": "Picked for the team",
    "unpicked": "Pick taken off",
    "pick_back": "Pick put back",
    "moved": "Moved to a project",
    "moved_out": "Taken out of its project",
}


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
        said = event.detail or ""
        told = said if event.kind in _WRITTEN else in_words(said)
        found.append((when, _said(event), " · ".join(filter(None, [signed, told[:300]]))))
    return found


def raw(detail: Detail) -> list[tuple[str, str]]:
    """The texts that `rows` puts in words, as they were, beside what they were said of."""
    known = {call.fail_message for call in detail.submissions}
    return [
        (_said(event), event.detail)
        for event in detail.events
        if event.detail and _RAW.match(event.detail) and event.detail not in known and event.kind not in _WRITTEN
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
    return t(EVENTS.get(event.kind, event.kind.replace("_", " ").capitalize()))


def _since(gone: float) -> str:
    if gone < 100:
        return t("+{n} s", n=f"{gone:.1f}")
    return t("+{n} min", n=f"{gone / 60:.0f}") if gone < 6000 else t("+{n} h", n=f"{gone / 3600:.1f}")
