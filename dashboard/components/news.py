"""Keeps a part of the page true: the server tells the browser that something has moved, and only that part is drawn.

The timer beside it is for what nobody announces (a place in the queue, a pause that ends) and for a browser that
cannot reach the server's news; the browser keeps it, so that it starts and stops with the part. An idle page has none.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dashboard import resources
from dashboard.components.mount import mount_news
from dashboard.components.trouble import DATABASE_ERRORS

TIMER_SECONDS = 3.0
"""Between two drawings of what may change unannounced; and of all that is under way, where no news can be heard."""
SLOW_SECONDS = 15.0
"""Between two drawings of what is under way and announces itself."""


AT_ONCE = 2
"""Parts that are drawn at the same moment."""
TURN_SECONDS = 3.0
"""What a part waits for its turn: a database that does not answer holds up two, and none of the others for long."""
_turns = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Around all that a part does: one move may wake sixty pages, and sixty threads that share one interpreter hinder
    each other and the loop that sends what they have drawn. One after the other, half of the pages are true in half the
    time, and the last sooner too (`tests/benchmarks/sessions.py`).
    """
    mine = _turns.acquire(timeout=TURN_SECONDS)
    try:
        yield
    finally:
        if mine:
            _turns.release()


def seen() -> int | None:
    """How far the news are; None while the database is away.

    To be asked before a part reads what it shows: what moves in between is then drawn once more, never missed.
    """
    try:
        return resources.desk().history.revision()
    except DATABASE_ERRORS:
        return None


def listen(part: str, who: str) -> None:
    """Has the fragment that calls it drawn anew when a task of `who` (or of EVERYBODY) moves.

    To be called before the fragment reads what it shows.
    """
    keep_true(part, who, seen=seen())


def keep_true(
    part: str,
    who: str,
    *,
    seen: int | None,
    every: float | None = None,
    leisurely: bool = False,
    title: str = "",
    ended: Mapping[str, Any] | None = None,
) -> None:
    """The same for a fragment that has read already. `every`: seconds after which it is drawn without any news.

    A part that is `leisurely` waits until the news pause. One with a `title` gives it to the browser's tab, and is
    drawn in a hidden tab too. `ended` is shown by the browser, once, to who does not look at the page.
    """
    data = {"revision": seen, "every": every, "leisurely": leisurely, "title": title, "ended": ended}
    mount_news(key=f"news_{part}", url=resources.news_url(who), data=data)
