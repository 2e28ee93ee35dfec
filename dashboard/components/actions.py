"""What a person may do with a task now, as buttons and links ready to draw; `acts.py` does what is pressed."""

from typing import Any

from dashboard.components import formats, words
from dashboard.resources import picture_url
from data.catalog import catalog
from data.glances import Calls, FailedOfBatch
from data.history import Card
from data.links import download_name
from data.status import ACTIVE, TaskStatus

_S = TaskStatus
_PAID_RESULT = {"not_an_image", "download_failed", "private_address", "too_large", "storage_full", "expired"}
"""Causes after which the finished file may still lie at the provider, so that the download alone can be retried."""
_AGAIN = {"act": "use_again", "label": "Use again", "title": "Fill the form with this prompt and these settings"}
_COMPARE = {"act": "compare", "label": "Compare…", "title": "Put it beside another picture"}
_CHECK = {"act": "check", "label": "Check now", "title": "Ask the provider at once"}
_HOME = {"act": "download_again", "label": "Retry download (free)", "title": "Fetch the finished file again"}
_MISSING = {"act": "download_again", "label": "Fetch the missing (free)",
            "title": "Fetch what is paid for and not here yet"}  # fmt: skip


def actions(card: Card, calls: Calls, *, practice: bool, in_drawer: bool = False) -> list[dict[str, Any]]:
    """What a person may do with it now; the drawer has Open and Download in its own way."""
    if card.status == _S.SUCCEEDED:
        look = {"act": "open", "label": "Open", "title": "Open it and all about it"}
        rest = [_MISSING] if calls.missing and not calls.fetching else []
        return [*rest, _AGAIN, _COMPARE] if in_drawer else [*_downloads(card)[:1], *rest, _AGAIN, look]
    if card.status == _S.QUEUED:
        return [{"act": "cancel", "label": "Cancel (free)", "title": "Nothing was sent yet, so nothing is charged"}]
    if card.status == _S.UNCONFIRMED:
        return _doubt(card, calls, practice=practice)
    if card.status in ACTIVE:
        title = "It was sent already and may be charged; what comes of it is kept"
        wish = {"act": "cancel", "label": "Cancel", "title": title}
        wishes = [wish] if card.cancel_requested_at is None and card.status != _S.FETCHING else []
        return [*wishes, *([_CHECK] if calls.askable else [])]
    if card.status == _S.FAILED:
        return _failed(card, calls, practice=practice)
    return [_AGAIN]


def _failed(card: Card, calls: Calls, *, practice: bool) -> list[dict[str, Any]]:
    if calls.doubtful:
        return [*_doubt(card, calls, practice=practice), _AGAIN]
    price = formats.about(card.estimate_micro, in_dollars=False, practice=practice)
    retry = {"act": "retry", "label": f"Retry ({price})", "title": "Ask for the same again as a new request"}
    if card.error_code in _PAID_RESULT or calls.missing:
        return [_HOME, retry, _AGAIN]
    return [_CHECK, retry, _AGAIN] if calls.askable else [retry, _AGAIN]


def _doubt(card: Card, calls: Calls, *, practice: bool) -> list[dict[str, Any]]:
    """Whoever gives a doubt up takes it upon themselves that it may have been paid for, and is told so first."""
    price = formats.about(card.estimate_micro, in_dollars=False, practice=practice)
    spec = catalog().get(card.model)
    road = spec.provider if spec else ""
    stop = _asking("stop", words.GIVE_UP, words.GIVE_UP, words.given_up(road), words.let_be(road))
    label = f"{words.GIVE_UP_AND_AGAIN} ({price})"
    again = _asking("stop_again", words.GIVE_UP_AND_AGAIN, label, words.paid_twice(road), words.let_be(road))
    return [*([_CHECK] if calls.askable else []), stop, again]


def _asking(act: str, question: str, label: str, warning: str, no: str) -> dict[str, Any]:
    """A button that is only a question first; the answer Yes is called what the button is called."""
    ask = {"title": f"{question}?", "text": warning, "yes": label, "no": no}
    return {"act": act, "label": label, "title": warning, "ask": ask}


def batch_action(failed: FailedOfBatch, *, practice: bool) -> list[dict[str, Any]]:
    """Trying the failed of a batch again, where it is more than one."""
    if failed.count < 2:
        return []
    price = formats.about(failed.estimate_micro, in_dollars=False, practice=practice)
    act: dict[str, Any] = {"act": "retry_failed", "label": f"Try the {failed.count} failed again ({price})",
           "title": "Ask for all that failed of this batch again, as one new batch"}  # fmt: skip
    if failed.doubtful:
        act["ask"] = {"title": f"Try the {failed.count} failed again?", "yes": act["label"], "no": words.LEAVE_IT,
                      "text": words.doubtful_in_batch(failed.doubtful)}  # fmt: skip
    return [act]


def _downloads(card: Card) -> list[dict[str, Any]]:
    return [
        {"label": "Download", "title": f"{one.width} × {one.height}, {formats.megabytes(one.size)}",
         "href": original_url(card, index)}
        for index, one in enumerate(card.pictures)
    ]  # fmt: skip


def original_url(card: Card, index: int, *, save: bool = True) -> str:
    """The stored original, byte for byte; with `save` under a sensible file name."""
    one = card.pictures[index]
    name = download_name(card.prompt, card.model, card.id, one.mime, index) if save else None
    return picture_url(one.sha256, "original", filename=name, mime=one.mime)
