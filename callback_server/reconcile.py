"""`python -m callback_server.reconcile [--day 2026-11-23]`: our books beside the provider's record, for one day.

It asks the provider, which is free, and prints what differs; without `--day`, for yesterday (UTC). Nothing in our books
changes, except that a picture found there is fetched. Exit codes: 0 no difference, 1 differences, or something cannot
be opened or asked, 2 for settings that cannot be used.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.providers.registry import accounts, aclose
from callback_server.settings import ServerSettings
from callback_server.workers.comparison import Comparer
from data.chores import COMPARISON, Chores
from data.db import Database
from data.errors import PictureDeskError
from data.money import format_credits
from data.reconciliation import Books, Progress
from data.submissions import SubmissionStore

DAY = timedelta(days=1)
_PRACTICE = "Practice mode: this is the record of the stand-in, which charges nobody anything."


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares, says what differs, gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m callback_server.reconcile", description="Compare the books.")
    parser.add_argument("--day", type=_day, help="the day in UTC, as 2026-11-23; yesterday if left out")
    day: datetime | None = parser.parse_args(arguments).day
    try:
        settings = ServerSettings()
    except (ValidationError, SettingsError, OSError, UnicodeError):
        print("The settings cannot be used; the callback server says what is wrong when it is started.",
              file=sys.stderr)  # fmt: skip
        return 2
    db = Database(settings.database_address)
    try:
        db.migrate()
        since = day or db.now().replace(hour=0, minute=0, second=0, microsecond=0) - DAY
        progress = asyncio.run(compare(settings, db, since))
    except PictureDeskError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        db.close()
    if settings.practice:
        print(_PRACTICE)
    print(*sentences(progress), sep="\n")
    return 0 if progress.complete and not progress.differences else 1


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


async def compare(settings: ServerSettings, db: Database, since: datetime) -> Progress:
    """Compares one day beside the nightly comparison, whose notes it leaves as they are."""
    opened = accounts(settings)
    submissions = SubmissionStore(
        db, first_look=timedelta(seconds=settings.poll_seconds), retries=settings.provider_retries
    )
    comparer = Comparer({account.name: account for account in opened}, Books(db), submissions)
    progress = Progress(balances=Progress.of(Chores(db).report(COMPARISON)).balances)
    progress.begin(since, since + DAY)
    try:
        await comparer.run(progress, _carry_on)
    finally:
        await aclose(opened)
    return progress


async def _carry_on(_: Progress) -> bool:
    return True


def sentences(progress: Progress) -> Iterator[str]:
    """What was compared, what differs, and by how much."""
    yield f"{progress.compared} calls of {progress.since[:10]}, and those open for long, were compared."
    if progress.unanswered:
        yield f"The provider refused to say anything about {progress.unanswered} of them."
    for each in progress.differences:
        of = f" (request {each.task_id}, there {each.provider_task_id})" if each.task_id else ""
        over = each.theirs_micro - each.ours_micro
        yield f"{each.account}: {each.text}{of}" + (
            f" {'+' if over > 0 else '−'}{format_credits(abs(over))}" if over else ""
        )
    yield from progress.notes
    if progress.trouble:
        yield progress.trouble
    if progress.complete and not progress.differences:
        yield "Nothing differs."


if __name__ == "__main__":
    sys.exit(main())
