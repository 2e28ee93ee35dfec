"""A whole batch as one card of the Now strip: how it stands, what it has cost, its last pictures. Writes nothing."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from dashboard.components import failed, formats, server, views, words
from dashboard.components.actions import promise
from dashboard.language import t, tn
from dashboard.resources import desk, now, picture_url
from data.batches import LAST, Standing
from data.catalog import catalog
from data.causes import FAILED
from data.glances import Failed
from data.history import Card
from data.outlook import Outlook
from data.results import Results
from data.status import TaskStatus

_S = TaskStatus
_TYPICAL = 20.0
"""Seconds of a model that nobody has timed yet."""
_TONES = (("done", (_S.SUCCEEDED,)), ("bad", (_S.FAILED,)), ("doubt", (_S.UNCONFIRMED,)), ("off", (_S.CANCELLED,)))


def batch_view(batch: Standing, whole: Outlook | None, *, practice: bool) -> dict[str, Any]:
    """The card, ready to draw. `whole` is everybody's queue, needed while something of the batch waits in it."""
    word, tone = _word(batch)
    practised = practice if batch.practised is None else batch.practised
    return {
        "id": batch.id, "state": tone, "tone": tone, "word": word, "prompt": title(batch), "name": t("Progress"),
        "fact": _left(batch, whole),
        "size": batch.size, "ended": batch.count(_S.SUCCEEDED, _S.FAILED, _S.CANCELLED),
        "bar": [
            {"tone": name, "share": round(100 * count / batch.size, 2)}
            for name, statuses in _TONES if (count := batch.count(*statuses))
        ],
        "line": line(batch), "causes": _causes(batch), "meta": money(batch, practice=practised),
        "last": [_picture(card) for card in batch.last if card.pictures], "to_come": _to_come(batch),
        "actions": [
            {"act": "batch_results", "label": t("Results"), "title": t("All of it as a table of what varies")},
            *deeds(batch.id, _left_to_try(batch), queued=batch.count(_S.QUEUED), practice=practice),
        ],
    }  # fmt: skip


def title(batch: Standing | Results) -> str:
    """Its name, by which what asks again for its failed is told from it, and that from what asks for fewer again."""
    if batch.of_retries and batch.name:
        return t("Retry of {name} ({n})", name=batch.name, n=batch.size)
    return tn(batch.size, "Retry of one request", "Retry of {n} requests") if batch.of_retries else batch.name


def line(batch: Standing) -> str:
    """ "37 of 40 · 2 refused · 1 unconfirmed"."""
    failed, waiting = batch.count(_S.FAILED) - batch.refused - batch.again, batch.count(_S.QUEUED)
    under_way = batch.count(_S.SUBMITTING, _S.RUNNING, _S.FETCHING)
    gone = batch.size - sum(batch.counts.values())
    parts = [
        t("{done} of {all} done", done=f"{batch.count(_S.SUCCEEDED):,}", all=f"{batch.size:,}"),
        t("{n} refused", n=batch.refused) if batch.refused else "",
        t("{n} failed", n=failed) if failed else "",
        t("{n} tried again", n=batch.again) if batch.again else "",
        t("{n} unconfirmed", n=batch.count(_S.UNCONFIRMED)) if batch.count(_S.UNCONFIRMED) else "",
        t("{n} cancelled", n=batch.count(_S.CANCELLED)) if batch.count(_S.CANCELLED) else "",
        t("{n} deleted", n=gone) if gone else "",
        t("{n} drawing", n=under_way) if under_way else "",
        t("{n} queued", n=waiting) if waiting else "",
    ]
    return " · ".join(filter(None, parts))


def _causes(batch: Standing) -> list[dict[str, str]]:
    """Why its failed ones failed, the most frequent cause first: a few words, and the sentence they stand for."""
    found = sorted(batch.causes.items(), key=lambda each: (-each[1], each[0]))
    names = {cause: failed.name(cause) or t("Other causes") for cause, _ in found}
    return [
        {"text": f"{names[cause]} × {many:,}" if len(found) > 1 else names[cause],
         "says": t(FAILED[cause].told) if cause in FAILED else ""}
        for cause, many in found
    ]  # fmt: skip


def money(batch: Standing, *, practice: bool) -> str:
    """What it has cost of what it may cost."""
    spent = formats.figure(batch.spent_micro)
    if batch.cap_micro is not None:
        return t("Spent {spent} of at most {cap}", spent=spent, cap=formats.money(batch.cap_micro, practice=practice))
    if batch.active and batch.estimate_micro is not None:
        about = formats.about(batch.estimate_micro, practice=practice)
        return t("Spent {spent} of {about}", spent=spent, about=about)
    return t("Spent {spent}", spent=formats.money(batch.spent_micro, practice=practice))


def outlook(more: int = 0) -> Outlook:
    """Everybody's queue, with so many more in it."""
    about = server.about()
    window = timedelta(seconds=about.window_seconds)
    return desk().history.outlook(now(), creates=about.creates, window=window, more=more)


def seconds_left(queued: int, whole: Outlook, models: Collection[str]) -> float:
    """Until so many that wait are here: the pace of the queue or the seats of one person, whichever takes longer."""
    specs = [spec for spec in map(catalog().get, models) if spec]
    typical = max((views.usual(spec) or _TYPICAL for spec in specs), default=_TYPICAL)
    return max(whole.seconds, queued / server.about().per_person * typical) + typical


def _left(batch: Standing, whole: Outlook | None) -> str:
    queued = batch.count(_S.QUEUED)
    if not queued or whole is None:
        return t("The last are being drawn") if batch.count(_S.SUBMITTING, _S.RUNNING, _S.FETCHING) else ""
    return t("about {time} left", time=formats.seconds(seconds_left(queued, whole, batch.models)))


def _word(batch: Standing) -> tuple[str, str]:
    if batch.active == batch.count(_S.UNCONFIRMED) > 0:
        return t(words.WORDS[_S.UNCONFIRMED][0]), "doubt"
    if batch.active:
        return t("Batch under way"), "work"
    if batch.count(_S.SUCCEEDED):
        whole = batch.count(_S.SUCCEEDED) == batch.size
        return (t("Batch done"), "done") if whole else (t("Batch done in part"), "doubt")
    return (t("Batch failed"), "bad") if batch.count(_S.FAILED) else (t("Batch cancelled"), "off")


def _picture(card: Card) -> dict[str, Any]:
    first = card.pictures[0]
    return {"id": card.id, "picture": picture_url(first.sha256, "320"), "prompt": card.prompt,
            "video": views.video_mark(first)}  # fmt: skip


def _to_come(batch: Standing) -> int:
    """Places for pictures to come: no button moves when they do."""
    return min(batch.active, max(0, LAST - len(batch.last)))


def _left_to_try(batch: Standing) -> Failed | None:
    return desk().glances.failed_of_batch(batch.id) if batch.count(_S.FAILED) > batch.again else None


def deeds(batch_id: str, failed: Failed | None, *, queued: int, practice: bool) -> list[dict[str, Any]]:
    """What a person may do with a whole batch: with what of it `failed`, and with the many that are `queued`."""
    found: list[dict[str, Any]] = [{"act": "batch_history", "label": t("Open in History")}]
    if failed is not None and failed.count:
        found.append(_retry(batch_id, failed, practice=practice))
    if queued:
        label = tn(queued, "Cancel the one not sent (free)", "Cancel the {n} not sent (free)")
        text = t("Nothing was sent of these, so nothing is charged. What was sent goes on, and is kept.")
        ask = {"title": f"{label}?", "text": text, "yes": label, "no": t("Let it go on")}
        found.append({"act": "batch_cancel", "label": label, "title": text, "ask": ask})
    return found


def _retry(batch_id: str, failed: Failed, *, practice: bool) -> dict[str, Any]:
    """It names each try: whoever presses what they saw a moment ago buys nothing that has failed since."""
    price = formats.about(failed.estimate_micro, practice=practice)
    label = tn(failed.count, "Retry the failed one · {price}", "Retry the {n} failed · {price}", price=price)
    act: dict[str, Any] = {"act": "batch_retry", "label": label, "title": t("Asks for these again, as one new batch"),
                           "id": promise(batch_id, failed.estimate_micro, failed.count, *failed.ids)}  # fmt: skip
    if failed.doubtful:
        text = words.doubtful_in_batch(failed.doubtful)
        act["ask"] = {"title": f"{label}?", "text": text, "yes": label, "no": t(words.LEAVE_IT)}
    return act
