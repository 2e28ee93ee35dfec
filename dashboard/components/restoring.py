"""What is said of a stored file that is gone, and the way to have it again from the provider that still keeps it."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.components import toasts
from dashboard.language import t, tn
from dashboard.resources import desk
from data.history import Card


def gone(card: Card) -> list[str]:
    """Which of its pictures are on record and not in storage."""
    return [one.sha256 for one in card.pictures if not desk().artifacts.has(one.sha256)]


def days_left(shas: Sequence[str], now: datetime, kept_for: timedelta) -> int:
    """For how many more days the provider keeps any of these files; 0 where it keeps none."""
    left = [settled + kept_for - now for settled in desk().lost.settled(shas).values()]
    return max([0, *(math.ceil(each / timedelta(days=1)) for each in left)])


def on_tile(days: int) -> str:
    """In the place of a picture."""
    if not days:
        return t("File missing")
    return tn(
        days,
        "File missing — restore from provider ({n} day left)",
        "File missing — restore from provider ({n} days left)",
    )


def in_drawer(days: int) -> str:
    """What happened, whether it is charged, what to do."""
    if not days:
        return t(
            "The file is missing in storage, and the provider keeps it no longer. Only a backup can bring it back."
        )
    return tn(
        days,
        "The file is missing in storage. The provider keeps it for {n} more day: to have it again costs nothing.",
        "The file is missing in storage. The provider keeps it for {n} more days: to have it again costs nothing.",
    )


def action() -> dict[str, Any]:
    """The button."""
    title = t("Fetch the finished file again")
    return {"act": "restore_file", "label": t("Restore from provider (free)"), "title": title, "primary": True}


def restore(task_id: str, person: str) -> None:
    """Has what is gone fetched again. Raises NotFound, NotAllowed."""
    desk().lost.restore(task_id, gone(desk().history.card(task_id)), who=person)
    toasts.leave(t("It is being fetched again, free. It is back here as soon as it has come."), ":material/download:")
