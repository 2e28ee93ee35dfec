"""`python -m callback_server.tidy [--dry-run]`: the whole housekeeping at once, told in plain sentences.

With `--dry-run` nothing is touched. It may run beside the callback server: whoever has the duty does it alone. Exit
codes: 0 done, 1 another process is at it or something cannot be opened, 2 for settings that cannot be used.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callback_server.settings import ServerSettings
from callback_server.workers.housekeeper import HOUR, KEEP_SECONDS, LEASE, kept, tell_pictures
from data import expired, litter
from data.artifacts import ArtifactStore
from data.chores import HOUSEKEEPING, Chores
from data.db import Database
from data.errors import PictureDeskError
from data.health import HealthBoard
from data.housekeeping import REBUILT, Housekeeping, Report
from data.images import megabytes
from data.storage import ObjectStorage

WORDS = {
    expired.TASKS: "ended requests without a picture, past the time that they are kept",
    expired.WEBHOOKS: "old webhooks",
    expired.DELETED: "requests that were deleted more than 30 days ago",
    expired.KEYS: "request keys that nobody repeats any more",
    expired.UPLOADS: "notes of uploads that the provider has deleted",
    expired.LINKED: "notes of pictures that were named by their address",
    litter.ORIGINAL: "pictures that no request names",
    litter.THUMBNAIL: "thumbnails of pictures that are gone",
    litter.PARTIAL: "files that a killed process left half written",
    REBUILT: "thumbnails that are missing or broken",
}
"""What each kind is, in a sentence that begins with a number."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Does it, or says what it would do; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m callback_server.tidy", description="Picture Desk's housekeeping.")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and touch nothing")
    dry_run: bool = parser.parse_args(arguments).dry_run
    try:
        settings = ServerSettings()
    except (ValidationError, SettingsError, OSError, UnicodeError):
        print("The settings cannot be used; the callback server says what is wrong when it is started.",
              file=sys.stderr)  # fmt: skip
        return 2
    db = Database(settings.database_address)
    try:
        db.migrate()
        return _survey(settings, db) if dry_run else _tidy(settings, db)
    except PictureDeskError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        db.close()


def _survey(settings: ServerSettings, db: Database) -> int:
    print(*sentences(keeping(settings, db).survey(), dry_run=True), sep="\n")
    return 0


def _tidy(settings: ServerSettings, db: Database) -> int:
    chores = Chores(db)
    if not chores.claim(HOUSEKEEPING, HOUR, LEASE, early=True):
        print("The callback server is tidying at this moment. Nothing was done; try again in a while.")
        return 1
    next_keep = time.monotonic() + KEEP_SECONDS

    def go_on() -> bool:
        nonlocal next_keep
        if time.monotonic() < next_keep:
            return True
        next_keep = time.monotonic() + KEEP_SECONDS
        return chores.keep(HOUSEKEEPING, LEASE)

    report = keeping(settings, db).run(chores.report(HOUSEKEEPING), whole=True, go_on=go_on)
    if chores.done(HOUSEKEEPING, report.plain(), db.now() + HOUR):
        tell_pictures(HealthBoard(db), report)
    print(*sentences(report, dry_run=False), sep="\n")
    return 0


def keeping(settings: ServerSettings, db: Database) -> Housekeeping:
    """The housekeeping of the desk that these settings are of."""
    storage = ObjectStorage(settings.state_dir.resolve())
    artifacts = ArtifactStore(
        db,
        storage,
        max_reference_bytes=settings.max_reference_mb * 1_000_000,
        max_pixels=settings.max_reference_megapixels * 1_000_000,
    )
    return Housekeeping(db, storage, artifacts, kept(settings))


def sentences(report: Report, *, dry_run: bool) -> Iterator[str]:
    """What went, or would go; what is damaged; what could not be done."""
    verb, rebuilt = ("would go", "would be made again") if dry_run else ("went", "were made again")
    kinds = [(kind, found) for kind, found in report.found.items() if found.count]
    for kind, found in kinds:
        size = f" ({megabytes(found.bytes)} MB)" if found.bytes else ""
        yield f"{found.count} {WORDS[kind]}{size} {rebuilt if kind == REBUILT else verb}:"
        yield from (f"  {name}" for name in found.names)
        if found.count > len(found.names) and kind != REBUILT:
            yield f"  … and {found.count - len(found.names)} more"
    if not kinds:
        yield "There is nothing to tidy." if dry_run else "There was nothing to tidy."
    for sha256, fault in report.damaged.items():
        yield f"The picture {sha256} {fault}. Bring it back from a backup; it is not deleted."
    yield from report.trouble


if __name__ == "__main__":
    sys.exit(main())
