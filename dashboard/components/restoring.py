"""What is said of a stored file that is gone, and the way to have it again from the provider that still keeps it."""

import math
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.components import toasts
from dashboard.language import t, tn
from dashboard.resources import desk
from data.errors import StorageError
from data.history import Card, Picture
from data.lost import Kept


def gone(pictures: Sequence[Picture]) -> list[str]:
    """Which of them are on record and not in storage, nor anything in their place. Raises StorageError."""
    there = desk().artifacts.has
    return [
        one.sha256
        for one in pictures
        if not there(one.sha256) and not (one.replaced_by is not None and there(one.replaced_by))
    ]


def is_back(sha256: str) -> bool:
    """Whether a file that was missing certainly lies in storage again."""
    try:
        return desk().artifacts.has(sha256)
    except StorageError:
        return False


def on_tile(sha256: str, now: datetime, kept_for: timedelta) -> str:
    """In the place of a picture that is gone."""
    kept = desk().lost.kept([sha256]).values()
    if any(each.under_way for each in kept):
        return t("File missing — it is being fetched again")
    days = _days_left(kept, now, kept_for)
    if not days or any(each.in_vain for each in kept):
        return t("File missing")
    return tn(
        days,
        "File missing — restore from provider ({n} day left)",
        "File missing — restore from provider ({n} days left)",
    )


def in_drawer(card: Card, now: datetime, kept_for: timedelta) -> tuple[str, list[dict[str, Any]]]:
    """What happened, whether it is charged, what to do; and the button for it. Nothing where no picture is gone."""
    try:
        lost = gone(card.pictures)
    except StorageError as error:
        return t(error.sentence), []
    if not lost:
        return "", []
    kept = desk().lost.kept(lost, card.id).values()
    days = _days_left(kept, now, kept_for)
    if any(each.under_way for each in kept):
        return t("The file is missing in storage. It is being fetched from the provider again, free."), []
    if not days:
        return t(
            "The file is missing in storage, and the provider keeps it no longer. Only a backup can bring it back."
        ), []
    if all(each.in_vain for each in kept):
        return t(
            "The file is missing in storage. The provider was asked for it again, and it did not come. "
            "To ask once more costs nothing; otherwise only a backup can bring it back."
        ), [_action(t("Ask the provider again (free)"), primary=False)]
    return tn(
        days,
        "The file is missing in storage. The provider keeps it for {n} more day: to have it again costs nothing.",
        "The file is missing in storage. The provider keeps it for {n} more days: to have it again costs nothing.",
    ), [_action(t("Restore from provider (free)"), primary=True)]


def _days_left(kept: Collection[Kept], now: datetime, kept_for: timedelta) -> int:
    """For how many more days the provider keeps any of these files; 0 where it keeps none."""
    return max([0, *(math.ceil((each.settled_at + kept_for - now) / timedelta(days=1)) for each in kept)])


def _action(label: str, *, primary: bool) -> dict[str, Any]:
    title = t("Fetch the finished file again")
    return {"act": "restore_file", "label": label, "title": title, "primary": primary}


def restore(task_id: str, person: str) -> None:
    """Has what is gone fetched again. Raises NotFound, NotAllowed, StorageError."""
    lost = gone(desk().history.card(task_id).pictures)
    if not lost:
        toasts.leave(t("The file is here again already."), ":material/check:")
        return
    desk().lost.restore(task_id, lost, who=person)
    toasts.leave(t("It is being fetched again, free. It is back here as soon as it has come."), ":material/download:")
