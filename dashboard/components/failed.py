"""What has failed, by cause: a heading, the sentence, a few of them, and one press that tries all of them again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dashboard.components import filters, formats, listing, toasts, words
from dashboard.language import t, tn
from dashboard.resources import desk
from data.again import Said
from data.causes import FAILED, explain
from data.errors import NotAllowed
from data.failures import AT_ONCE, LOOKED_AT, Group
from data.query import Choice
from data.sentences import Joined, Sentence

NAMES = {
    "policy": "Refused by policy", "invalid": "Refused as invalid", "model_unknown": "Model not offered",
    "not_open": "Model not switched on", "paused": "Model paused", "price_rose": "The price has risen",
    "refused": "Refused", "input_unreachable": "Reference could not be read",
    "generation_failed": "No picture could be made", "provider_error": "Fault of the provider",
    "provider_timeout": "Took too long", "empty_result": "Done, but no file was named",
    "not_an_image": "Not a whole picture", "unreadable": "Damaged on the way", "download_failed": "Download failed",
    "private_address": "Address we must not open", "expired": "File no longer there", "too_large": "File too large",
    "overdue": "Overdue", "unconfirmed": "Never confirmed", "written_off": "Given up", "cleared": "Cleared away",
    "mode_changed": "Practice and real pictures changed over", "references_unusable": "Reference not handed over",
    "over_cap": "Batch at its cap", "has_picture": "Has its picture already",
}  # fmt: skip
"""What each cause is called at the head of its group."""
assert NAMES.keys() == FAILED.keys()

DOWNLOADS = frozenset({"download_failed", "expired", "too_large", "not_an_image", "private_address"})
"""Causes after which the finished file may still lie at the provider: fetching it costs nothing."""


def sections(groups: Sequence[Group], *, practice: bool) -> list[dict[str, Any]]:
    """The groups, ready to draw."""
    return [_section(group, practice=practice) for group in groups]


def name(cause: str | None) -> str:
    """What it is called, in a few words; nothing where it has no name."""
    return t(NAMES[cause]) if cause in NAMES else ""


def _section(group: Group, *, practice: bool) -> dict[str, Any]:
    more = {"act": "show_group", "label": t("Show all"), "title": t("As a list of its own")}
    has_more = group.cause and len(group.ids) > listing.OF_A_CAUSE
    return {
        "id": group.cause, "title": name(group.cause) or t("Other causes"), "count": _count(group),
        "text": t(_said(group)), "ids": list(group.ids[: listing.OF_A_CAUSE]),
        "actions": [*_again(group, practice=practice), *([more] if has_more else [])],
    }  # fmt: skip


def _count(group: Group) -> str:
    """How many they are, and what the button beside it counts, where that is fewer: the others were tried again."""
    every, left = f"{len(group.ids):,}", len(group.again.ids)
    if left == len(group.ids) or _has_older(group):
        return every
    return f"{every} · {t('{n} left to try', n=left) if left else t('none left to try')}"


def _has_older(group: Group) -> bool:
    """Whether some of them are left to a later press, or were not even looked at for this one."""
    return len(group.again.ids) == AT_ONCE < len(group.ids) or len(group.ids) > LOOKED_AT


def _said(group: Group) -> Joined:
    return explain(group.cause or "other", group.charged_micro, perhaps=group.perhaps_charged, practice=group.practised)


def _again(group: Group, *, practice: bool) -> list[dict[str, Any]]:
    many = len(group.again.ids)
    free = [
        {"act": "fetch_group", "label": t("Retry the downloads (free)"), "title": t("Fetch the finished files again")}
    ]
    fetched = free if group.cause in DOWNLOADS else []
    if not many:
        return fetched
    price = formats.about(group.again.estimate_micro, practice=practice)
    label = tn(many, "Retry it · {price}", "Retry all {n} · {price}", price=price)
    if many < len(group.ids):
        label = tn(many, "Retry the one left · {price}", "Retry the {n} left · {price}", price=price)
    if _has_older(group):
        label = t("Retry the newest {n} · {price}", n=many, price=price)
    title = t("Ask for the same again, as one new batch; what was tried again since is left out")
    retry: dict[str, Any] = {"act": "retry_group", "label": label, "title": title}
    if group.again.doubtful:
        retry["ask"] = {"title": f"{label}?", "text": words.doubtful_in_batch(group.again.doubtful), "yes": label,
                        "no": t(words.LEAVE_IT)}  # fmt: skip
    return [*fetched, retry]


def retry(cause: str, person: str) -> None:
    """Tries again what the button named, at most at its price. Raises NotAllowed or BudgetExceeded."""
    group = _shown(cause)
    listing.forget()  # where it costs more by now, the next look says how much
    again = desk().failures.retry(group.again.ids, who=person, said=Said(group.again.estimate_micro))
    said = tn(len(again.tasks), "{n} is asked for again.", "{n} are asked for again.")
    toasts.leave(f"{said} {toasts.left_out(again.left_out)}".strip(), ":material/replay:")


def fetch(cause: str, person: str) -> None:
    """Has the finished files of this group fetched, those too of what was asked for again since: they are paid for."""
    asked = 0
    for task_id in _shown(cause).ids[:LOOKED_AT]:
        try:
            desk().tasks.retry_download(task_id, who=person)
            asked += 1
        except NotAllowed:
            continue  # of this one nothing lies at the provider
    listing.forget()
    if not asked:
        raise NotAllowed(Sentence("Nothing of this lies at the provider any more. Nothing was charged."))
    toasts.leave(tn(asked, "{n} download is tried again.", "{n} downloads are tried again."), ":material/replay:")


def show(cause: str) -> None:
    """The whole of one cause, as a list of its own."""
    kept = listing.known()
    if kept is not None:
        filters.show(replace(kept.query, cause=Choice((cause,))))


def _shown(cause: str) -> Group:
    kept = listing.known()
    found = next((group for group in kept.groups if group.cause == cause), None) if kept else None
    if found is None:
        raise NotAllowed(Sentence("This page is older than what it shows, so nothing was asked for. Look again."))
    return found
