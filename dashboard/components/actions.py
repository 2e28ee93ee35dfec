"""What a person may do with a task now, as buttons and links ready to draw; `acts.py` does what is pressed."""

from typing import TYPE_CHECKING, Any

from dashboard.components import formats, words
from dashboard.components.other import other
from dashboard.components.undo import show_deleted
from dashboard.language import t, tn
from dashboard.resources import now, picture_url
from data.catalog import catalog
from data.causes import REFUSED
from data.clean import FORMATS
from data.glances import Failed
from data.history import Card
from data.links import CLEAN, SETTINGS, SIDECAR, download_name
from data.marks import Marked
from data.sidecar import ENDING
from data.status import ACTIVE, TERMINAL, TaskStatus

if TYPE_CHECKING:
    from dashboard.components.views import Surroundings

_S = TaskStatus
_PAID_RESULT = {"not_an_image", "download_failed", "private_address", "too_large", "storage_full", "expired"}
"""Causes after which the finished file may still lie at the provider, so that the download alone can be retried."""

Action = dict[str, Any]
"""`act`, `label` and `title`; `keys` that do the same, `href` of a link, `ask` a question first, `pressed` of a switch,
`id` where it is not the task's."""


def actions(card: Card, around: "Surroundings", *, in_drawer: bool = False) -> list[Action]:
    """What a person may do with it now; the drawer has the download in its own place."""
    calls = around.of(card)
    if card.status == _S.SUCCEEDED:
        missing = [_missing()] if calls.missing and not calls.fetching else []
        return [*([] if in_drawer else _downloads(card)[:1]), *missing, *_iterate(card),
                *_beside(card, around), *marks(around.marked(card))]  # fmt: skip
    if card.status == _S.QUEUED:
        title = t("Nothing was sent yet, so nothing is charged")
        return [{"act": "cancel", "label": t("Cancel (free)"), "title": title}]
    if card.status == _S.UNCONFIRMED:
        return _doubt(card, around)
    if card.status in ACTIVE:
        title = _sent_already(leaving=card.status == _S.SUBMITTING, practice=around.practised(card))
        wish = {"act": "cancel", "label": t("Cancel"), "title": title}
        wishes = [wish] if card.cancel_requested_at is None and card.status != _S.FETCHING else []
        return [*wishes, *([_check()] if calls.askable else [])]
    if card.status == _S.FAILED:
        return _failed(card, around)
    return [_again()]


def _sent_already(*, leaving: bool, practice: bool) -> str:
    if practice:
        return t("It is being sent; it is stopped if it still can be") if leaving else t(words.KEPT_THOUGH_SENT)
    if leaving:
        return t("It is being sent and may be charged; it is stopped if it still can be")
    return t("It was sent already and may be charged; what comes of it is kept")


def rarer(card: Card, *, parent: str | None = None, recipes: tuple[str, str] | None = None) -> list[Action]:
    """What stands in the menu beside the buttons. `parent`: the id of its parent, where that has a picture.

    Without `recipes` (for the shell, for Python) it is the menu of a card, which opens the drawer first of all.
    """
    found: list[Action] = []
    if recipes is None:
        found.append({"act": "open", "label": t("Open"), "title": t("Open it and all about it")})
    if card.pictures:
        found.append(_again())
        found.append({"act": "compare", "label": t("Compare with…"), "title": t("Choose a second picture for it")})
    if parent:
        found.append({"act": "beside", "label": t("Compare with its parent"), "id": f"{parent} {card.id}",
                      "title": t("Put it beside the picture that it came of")})  # fmt: skip
    found.append({"act": "link", "label": t("Copy link"), "title": t("The address that opens this request")})
    if recipes is not None:
        found += _copies(card) if card.pictures else []
        for label, text in zip((t("Copy as curl"), t("Copy as Python")), recipes, strict=True):
            found.append({"act": "copy", "label": label, "text": text,
                          "title": t("The same request through the task API")})  # fmt: skip
    if card.status in TERMINAL:
        found.append({"act": "delete", "label": t("Delete"),
                      "title": t("Out of sight at once; for 30 days it can be brought back")})  # fmt: skip
    return found


def _copies(card: Card) -> list[Action]:
    """Copies of the first picture, and its settings alone: a video and an AVIF have no place for them inside."""
    one = card.pictures[0]
    found: list[Action] = []
    if one.mime in FORMATS:
        clean, told = (download_name(card.prompt, card.model, card.id, one.mime, kind=kind)
                       for kind in (CLEAN, SETTINGS))  # fmt: skip
        found.append({"act": "clean", "label": t("Download clean"),
                      "href": picture_url(one.sha256, CLEAN, filename=clean, mime=one.mime),
                      "title": t("A copy without metadata: no prompt, no place, no mark of who made it")})  # fmt: skip
        found.append({"act": "told", "label": t("Download with settings"),
                      "href": picture_url(one.sha256, SETTINGS, filename=told, mime=one.mime, task_id=card.id),
                      "title": t("A copy that says in its metadata (XMP) how it was made")})  # fmt: skip
    name = download_name(card.prompt, card.model, card.id, one.mime)
    found.append({"act": "sidecar", "label": t("Download settings (JSON)"),
                  "href": picture_url(one.sha256, SIDECAR, filename=name + ENDING, task_id=card.id),
                  "title": t("Prompt, model, settings, cost and ids as a file of their own")})  # fmt: skip
    return found


def _iterate(card: Card) -> list[Action]:
    """Edit and Vary. A video is no picture that could be edited."""
    found: list[Action] = []
    if card.pictures and card.pictures[0].duration_ms is None:
        title = t("Change this picture: it becomes the first reference, you write what shall differ")
        found.append({"act": "edit", "label": t("Edit"), "title": title, "keys": "E"})
    title = t("Another one of the same: the same prompt and settings, with another seed where there is one")
    return [*found, {"act": "vary", "label": t("Vary"), "title": title, "keys": "V"}]


def _beside(card: Card, around: "Surroundings") -> list[Action]:
    """What one press asked of several models, two of them side by side: the earlier first, from whichever card.

    A model's name makes the button only where there is a choice; beside one other it needs none.
    """
    others = around.mates.get(card.id, ())
    found = []
    for mate in others:
        a, b = sorted((card, mate), key=lambda one: one.seq)
        spec = catalog().get(mate.model)
        name = spec.label if spec else mate.model
        label = t("Compare") if len(others) == 1 else t("Compare with {model}", model=name)
        title = t("Put it beside what {model} made of the same prompt", model=name)
        found.append({"act": "beside", "label": label, "id": f"{a.id} {b.id}", "title": title})
    return found


def marks(marked: Marked) -> list[Action]:
    """A star of one's own, and the team's mark."""
    return [_star(marked), _pick(marked)]


def _star(marked: Marked) -> Action:
    title = t("Mark it with your star; History shows them under Starred")
    return {"act": "star", "label": t("Star"), "title": title, "keys": "F K", "pressed": marked.starred}


def _pick(marked: Marked) -> Action:
    title = t("Mark it as the team’s choice; History shows them under Picked")
    return {"act": "pick", "label": t("Pick"), "title": title, "keys": "B", "pressed": marked.pick is not None}


def _again() -> Action:
    title = t("Begin from it: prompt, settings and references go into the form")
    return {"act": "use_again", "label": t("Use again"), "title": title}


def _check() -> Action:
    return {"act": "check", "label": t("Check now"), "title": t("Ask the provider at once")}


def _missing() -> Action:
    title = t("Fetch what is paid for and not here yet")
    return {"act": "download_again", "label": t("Fetch the missing (free)"), "title": title}


def _failed(card: Card, around: "Surroundings") -> list[Action]:
    calls = around.of(card)
    if card.id in around.stand_ins:
        return _superseded(card, around)
    if calls.doubtful:
        return [*_doubt(card, around), _again()]
    today = _price_today(card, around)
    price = formats.about(today, practice=around.practice)
    title = t("Ask for the same again as a new request")
    retry = {"act": "retry", "label": t("Retry · {price}", price=price), "title": title, "id": promise(card.id, today)}
    if _is_paid_for(card, around):
        return [_fetch_again(), retry, _again()]
    ask = [_check()] if calls.askable else []
    if card.error_code in REFUSED:  # first what can help: the same again would be refused again
        return [*ask, *_by_another(card, around), _again(), retry]
    return [*ask, retry, *_by_another(card, around), _again()]


def _superseded(card: Card, around: "Surroundings") -> list[Action]:
    """What was tried again buys nothing more: it leads to where that is, and keeps what is free."""
    newest: Action = {"act": "open", "label": t("Open its newest try"), "id": around.stand_ins[card.id],
              "title": t("It was tried again since; what can be done yet stands there")}  # fmt: skip
    if around.stand_ins[card.id] is None:
        newest = show_deleted() | {"title": t("It was tried again since, and its picture was deleted")}
    free = [_check()] if around.of(card).askable else []
    if around.of(card).doubtful:
        free.append(_give_up(card, around))
    elif _is_paid_for(card, around):
        free = [_fetch_again()]
    return [newest, *free, _again()]


def _is_paid_for(card: Card, around: "Surroundings") -> bool:
    return card.error_code in _PAID_RESULT or around.of(card).missing > 0


def _fetch_again() -> Action:
    title = t("Fetch the finished file again")
    return {"act": "download_again", "label": t("Retry download (free)"), "title": title}


def _price_today(card: Card, around: "Surroundings") -> int | None:
    """What the same costs now: it was asked for at the price of its own day."""
    spec = catalog().get(card.model)
    references = len(around.inputs.get(card.id, ()))
    return spec.estimate(card.params, on=now().date(), references=references) if spec else None


def promise(what: str, price: int | None, *more: object) -> str:
    """What a button that spends sends along: the price it says (micro-credits), and what else it promises."""
    return " ".join([what, "-" if price is None else str(price), *map(str, more)])


def _by_another(card: Card, around: "Surroundings") -> list[Action]:
    """The same of a model of another family, with what that costs."""
    found = other(card, around.inputs.get(card.id, ()))
    if found is None:
        return []
    price = formats.about(found.price, practice=around.practice)
    label = t("Try with {model} · {price}", model=found.choice.name, price=price)
    return [{"act": "other", "label": label, "id": promise(card.id, found.price, found.choice.name),
             "title": t("Ask another model for the same, as a new request")}]  # fmt: skip


def _doubt(card: Card, around: "Surroundings") -> list[Action]:
    """Whoever gives a doubt up takes it upon themselves that it may have been paid for, and is told so first.

    It is made again by the desk as it was: what was practice is never made for money, nor the other way.
    """
    free = [*([_check()] if around.of(card).askable else []), _give_up(card, around)]
    if around.practised(card) != around.practice:
        return free
    price, road = formats.about(card.estimate_micro, practice=around.practice), _road(card)
    label = t("Give up and try again · {price}", price=price)
    warning, no = t(words.paid_twice(road, practice=around.practised(card))), t(words.let_be(road))
    stop_again = _asking("stop_again", t("Give up and try again?"), label, warning, no)
    return [*free, stop_again]


def _give_up(card: Card, around: "Surroundings") -> Action:
    road = _road(card)
    warning, no = t(words.given_up(road, practice=around.practised(card))), t(words.let_be(road))
    return _asking("stop", t("Give up?"), t(words.GIVE_UP), warning, no)


def _road(card: Card) -> str:
    spec = catalog().get(card.model)
    return spec.provider if spec else ""


def _asking(act: str, question: str, label: str, warning: str, no: str) -> Action:
    """A button that is only a question first; the answer Yes is called what the button is called."""
    ask = {"title": question, "text": warning, "yes": label, "no": no}
    return {"act": act, "label": label, "title": warning, "ask": ask}


def batch_action(task_id: str, failed: Failed, *, practice: bool) -> list[Action]:
    """Trying the failed of this task's batch again, where it is more than one."""
    if failed.count < 2:
        return []
    price = formats.about(failed.estimate_micro, practice=practice)
    label = t("Try the {count} failed again · {price}", count=failed.count, price=price)
    title = t("Ask for all that failed of this batch again, as one new batch")
    act: Action = {"act": "retry_failed", "label": label, "title": title,
                   "id": promise(task_id, failed.estimate_micro, failed.count)}  # fmt: skip
    if failed.doubtful:
        question = tn(failed.count, "Try the {n} failed again?", "Try the {n} failed again?")
        text = t(words.doubtful_in_batch(failed.doubtful))
        act["ask"] = {"title": question, "yes": label, "no": t(words.LEAVE_IT), "text": text}
    return [act]


def _downloads(card: Card) -> list[Action]:
    return [
        {"label": t("Download"), "title": f"{one.width} × {one.height}, {formats.megabytes(one.size)}",
         "href": original_url(card, index), "keys": "D"}
        for index, one in enumerate(card.pictures)
    ]  # fmt: skip


def original_url(card: Card, index: int, *, save: bool = True) -> str:
    """The stored original, byte for byte; with `save` under a sensible file name."""
    one = card.pictures[index]
    name = download_name(card.prompt, card.model, card.id, one.mime, index) if save else None
    return picture_url(one.sha256, "original", filename=name, mime=one.mime)
