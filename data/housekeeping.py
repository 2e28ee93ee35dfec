"""Housekeeping: what is over goes, what is broken and can be rebuilt is rebuilt, what is damaged is reported.

Small batches, short transactions, no file touched inside one, and it may stop after any of them and go on elsewhere:
the cursor says where. Nothing goes that money or a picture may still depend on (`expired.py`, `litter.py` say how).
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from json import dumps
from typing import Any

from sqlalchemy import String, cast, or_
from sqlmodel import col, select

from data import expired, fulltext, litter, notes
from data.artifacts import ArtifactStore
from data.db import Database
from data.errors import StorageError
from data.expired import EVIDENCE, Kept
from data.inspection import WRONG_BYTES, Inspection, Named
from data.schema import Artifact, LinkedPicture, Preference, Submission
from data.sentences import Sentence
from data.storage import ObjectStorage

NAMES = 20
"""Names that are kept of each kind."""
MOST_DAMAGED = 100

BATCHES_A_RUN = 20
PAUSE = 0.05
"""Seconds between two steps that write much. SQLite hands its lock to nobody: another process that waits looks for it
now and then, at last each tenth of a second, and would come too late again and again."""
SHELVES_A_RUN = 11  # hourly, so the whole storage is walked once a day
PICTURES_A_RUN = 2000
REBUILT = "rebuilt thumbnails"
KINDS = (expired.TASKS, expired.DELETED, expired.WEBHOOKS, expired.KEYS, expired.UPLOADS,
         expired.LINKED, litter.ORIGINAL, litter.THUMBNAIL, litter.PARTIAL, REBUILT)  # fmt: skip


@dataclass
class Found:
    """One kind of thing that went, or would go. `bytes` of files."""

    count: int = 0
    bytes: int = 0
    names: list[str] = field(default_factory=list)  # of the first

    def add(self, names: Iterable[str], *, bytes: int = 0, count: int | None = None) -> None:  # noqa: A002
        """Some more; `count` where the names are not all of them."""
        named = list(names)
        self.count += len(named) if count is None else count
        self.bytes += bytes
        self.names += named[: NAMES - len(self.names)]


@dataclass
class Report:
    """What a run found and did, or a survey found. `cursor` is where the next run goes on."""

    found: dict[str, Found] = field(default_factory=lambda: {kind: Found() for kind in KINDS})
    damaged: dict[str, str] = field(default_factory=dict)  # SHA-256 → what is wrong with the original
    looked_at: int = 0  # pictures
    trouble: list[str] = field(default_factory=list)  # sentences: what could not be done
    cursor: dict[str, Any] = field(default_factory=dict)
    complete: bool = True  # False where it was told to stop

    def plain(self) -> dict[str, Any]:
        """As JSON, for `Chores.done`."""
        return asdict(self)


class Housekeeping:
    """`survey()` says what `run()` would do; both give a `Report`."""

    def __init__(
        self,
        db: Database,
        storage: ObjectStorage,
        artifacts: ArtifactStore,
        kept: Kept | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """`clock` gives the present moment in UTC, by default the database's; files have their host's time."""
        self._db = db
        self._storage = storage
        self._artifacts = artifacts
        self._kept = kept or Kept()
        self._clock = clock or db.now

    def survey(self) -> Report:
        """What would go, of everything, without touching anything."""
        report, now = Report(), self._clock()
        for each in expired.rows(self._kept, now):
            total, names = expired.count(self._db, each, NAMES)
            report.found[each.kind].add(names, count=total)
        total, names = expired.purged(self._db, now, NAMES)
        report.found[expired.DELETED].add(names, count=total)
        for window in expired.windows(self._db, 0):
            report.found[expired.TASKS].add(expired.requests(self._db, self._kept, window, now))
        with _troubles(report):
            for batch in self._litter(range(litter.SHELVES)):
                _add(report, batch)
        with _troubles(report):
            self._inspect(report, rebuild=False, most=None, go_on=lambda: True)
        return report

    def run(
        self, last: Mapping[str, Any] | None = None, *, whole: bool = False, go_on: Callable[[], bool] = lambda: True
    ) -> Report:
        """One run: a slice from where the `last` report's cursor stands, or the `whole`.

        `go_on` is asked between small steps; at False the run ends early, and its report says so.
        """
        last = last or {}
        report = Report(cursor=dict(last.get("cursor") or {}), damaged=dict(last.get("damaged") or {}))
        limit = None if whole else BATCHES_A_RUN
        for each in expired.rows(self._kept, self._clock()):
            self._remove_rows(report, each, limit, go_on)
        self._purge(report, limit, go_on)
        self._clear_requests(report, whole, go_on)
        self._merge_words(report, go_on)
        with _troubles(report):
            self._remove_litter(report, whole, go_on)
        with _troubles(report):
            self._inspect(report, rebuild=True, most=None if whole else PICTURES_A_RUN, go_on=go_on)
        report.complete = go_on()
        return report

    # Rows -------------------------------------------------------------------------------------------------------

    def _remove_rows(self, report: Report, each: expired.Expired, limit: int | None, go_on: Callable[[], bool]) -> None:
        batches = iter(lambda: expired.remove(self._db, each) if go_on() else [], [])
        for names in islice(batches, limit):
            report.found[each.kind].add(names)

    def _purge(self, report: Report, limit: int | None, go_on: Callable[[], bool]) -> None:
        batches = iter(lambda: expired.purge(self._db, self._clock) if go_on() else [], [])
        for ids in islice(batches, limit):
            report.found[expired.DELETED].add(ids)

    def _clear_requests(self, report: Report, whole: bool, go_on: Callable[[], bool]) -> None:
        """One window a run: whoever keeps requests for ever has nothing to clear, and pays one small read."""
        after = 0 if whole else int(report.cursor.get("seq") or 0)
        for window in islice(expired.windows(self._db, after), None if whole else 1):
            while go_on() and (ids := expired.clear(self._db, self._kept, window, self._clock)):
                report.found[expired.TASKS].add(ids)
            report.cursor["seq"] = window + expired.WINDOW
        if not list(islice(expired.windows(self._db, report.cursor.get("seq") or 0), 1)):
            report.cursor["seq"] = 0

    def _merge_words(self, report: Report, go_on: Callable[[], bool]) -> None:
        """Once a day: it writes the index of prompts anew, 50 MB for a million, in some 200 steps."""
        today, anew = self._clock().date().isoformat(), True
        while report.cursor.get("merged") != today and go_on():
            if not anew:
                time.sleep(PAUSE)
            with self._db.transaction() as session:
                if not fulltext.merge(session.connection(), anew=anew):
                    report.cursor["merged"] = today
            anew = False

    # Files ------------------------------------------------------------------------------------------------------

    def _litter(self, shelves: Iterable[int]) -> Iterator[list[litter.Litter]]:
        yield litter.probes(self._storage)
        for shelf in shelves:
            yield from litter.litter(self._storage, shelf, self._named)

    def _remove_litter(self, report: Report, whole: bool, go_on: Callable[[], bool]) -> None:
        first = 0 if whole else int(report.cursor.get("shelf") or 0) % litter.SHELVES
        _add(report, litter.remove(litter.probes(self._storage), self._named))
        for shelf in range(first, first + (litter.SHELVES if whole else SHELVES_A_RUN)):
            if not go_on():
                return
            litter.recover(self._storage, shelf % litter.SHELVES)
            for batch in litter.litter(self._storage, shelf % litter.SHELVES, self._named):
                if not go_on():
                    return
                _add(report, litter.remove(batch, self._named))
            report.cursor["shelf"] = (shelf + 1) % litter.SHELVES

    def _named(self, digests: Set[str]) -> Set[str]:
        """Those that a row names, that lie in somebody's form and are not sent yet, or that came inside an answer."""
        if not digests:
            return set()
        noted = notes.digests(self._storage) & digests
        with self._db.read() as session:
            named = noted | set(session.exec(select(Artifact.sha256).where(col(Artifact.sha256).in_(digests))))
            if named >= digests:
                return named
            mine = or_(col(Submission.fetch_at).is_not(None), col(Submission.settled_at) > self._clock() - EVIDENCE)
            held = select(Submission.outputs).where(mine, cast(Submission.outputs, String).like("%held:%"))
            fetched = select(LinkedPicture.image).where(col(LinkedPicture.settled_at).is_not(None))  # not in a form yet
            for value in (*session.exec(select(Preference.value)), *session.exec(fetched), *session.exec(held)):
                named |= digests & set(re.findall(r"\b[0-9a-f]{64}\b", dumps(value)))
        return named

    # Pictures ---------------------------------------------------------------------------------------------------

    def _inspect(self, report: Report, *, rebuild: bool, most: int | None, go_on: Callable[[], bool]) -> None:
        inspection = Inspection(self._db, self._storage, self._artifacts)
        known, report.damaged = report.damaged, {}
        for picture in inspection.of(known):  # what was damaged once is looked at each time, until it is mended
            self._judge(report, inspection, picture, rebuild=rebuild, whole=known[picture.sha256] == WRONG_BYTES)
        row = "" if most is None else str(report.cursor.get("row") or "")
        while go_on() and (most is None or report.looked_at < most):
            pictures = inspection.after(row)
            for picture in pictures:
                if go_on():
                    self._judge(report, inspection, picture, rebuild=rebuild)
                    row = max(row, picture.id)
            report.looked_at += len(pictures)
            report.cursor["row"] = row
            if not pictures:
                report.cursor["row"] = ""
                break
        for picture in inspection.sample():
            if go_on():
                self._judge(report, inspection, picture, rebuild=False, whole=True)

    def _judge(self, report: Report, inspection: Inspection, picture: Named, *, rebuild: bool, whole: bool = False,
               ) -> None:  # fmt: skip
        fault = inspection.fault(picture, whole=whole)
        if fault is None and not whole and (lacking := inspection.thumbnails_lacking(picture)):
            fault = inspection.rebuild(picture) if rebuild else None
            if fault is None:
                report.found[REBUILT].add([picture.sha256], count=lacking)
        if fault is not None and len(report.damaged) < MOST_DAMAGED:
            report.damaged[picture.sha256] = fault


def _add(report: Report, batch: Sequence[litter.Litter]) -> None:
    for item in batch:
        report.found[item.kind].add([item.path.name], bytes=item.size)


@contextmanager
def _troubles(report: Report) -> Iterator[None]:
    """A disk that refuses ends this duty for now, and not the others."""
    try:
        yield
    except StorageError as error:
        report.trouble.append(str(error))
    except OSError as error:
        report.trouble.append(Sentence("The folder of the pictures could not be looked through: {why}.", why=error))
