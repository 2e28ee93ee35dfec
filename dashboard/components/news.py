"""Keeps a part of the page true: the server tells the browser that something has moved, and only that part is drawn.

The timer beside it is for what nobody announces (a place in the queue, a pause that ends) and for a browser that
cannot reach the server's news. An idle page has none.
"""

from dashboard import resources
from dashboard.components.mount import mount_news
from dashboard.components.trouble import DATABASE_ERRORS

TIMER_SECONDS = 3.0


def listen(part: str, who: str) -> None:
    """Has the fragment that calls it drawn anew when a task of `who` (or of EVERYBODY) moves.

    To be called before the fragment reads what it shows: what moves in between is then drawn once more, never missed.
    """
    try:
        revision = resources.desk().history.revision()
    except DATABASE_ERRORS:
        revision = None
    mount_news(key=f"news_{part}", url=resources.news_url(who), revision=revision)


def timer(live: bool) -> float | None:
    """The fragment's `run_every`: seconds while something is under way, else never."""
    return TIMER_SECONDS if live else None
