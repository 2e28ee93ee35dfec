"""Two sidecars empty a queue of 200 tasks through one account: how near to the allowed pace, and never beyond it.

Run it by hand; it prints a table for each database. The sandbox keeps kie's limit of 20 creates in any 10 s by its own
clock and refuses what goes beyond, so its count of refusals is the judge. Beside the time stands the least possible.
"""

import argparse
import itertools
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import KINDS, databases_of
from engine import Engine
from processes import wait_until
from sqlmodel import func, select

from data.catalog import catalog
from data.db import Database
from data.requests import validate
from data.schema import Submission, Task
from data.status import TERMINAL, TaskStatus

PEOPLE = 10
WINDOW_SECONDS = 10.0  # what kie documents; we leave half a second between that and our own
CREATES = 20


def count(db: Database, *conditions: object) -> int:
    with db.read() as session:
        return session.exec(select(func.count()).select_from(Task).where(*conditions)).one()  # type: ignore[arg-type]


def run(kind: str, tasks: int, folder: Path) -> None:
    """Fills the queue, lets both sidecars work, and prints what the provider saw."""
    bases = databases_of(kind)
    url = bases.fresh(folder / "var")
    engine = Engine(folder, url, {"PER_PERSON": "100", "LOG_LEVEL": "INFO"})
    try:
        request = validate(catalog().require("google/nano-banana"), "a queue of kites", {}, [])
        for person in range(PEOPLE):
            engine.tasks.create([request] * (tasks // PEOPLE), person=f"person {person}")
        began = time.monotonic()
        for name in ("sandbox", "server", "second server"):
            engine.start(name)
        wait_until(lambda: count(engine.db, Task.status == TaskStatus.QUEUED) == 0, 120, every=0.1)
        claimed = time.monotonic() - began
        wait_until(lambda: count(engine.db, Task.status.in_(TERMINAL)) == tasks, 60, every=0.1)  # type: ignore[attr-defined]
        seen = engine.ledger()
        moments = sorted(row["at"] / 1000 for row in seen["creates"])
        with engine.db.read() as session:
            firsts = session.exec(select(Submission.started_at).order_by(Submission.started_at)).all()  # type: ignore[arg-type]
        least = (tasks / CREATES - 1) * WINDOW_SECONDS
        rows = [
            ("database", f"{kind}, 2 sidecars"),
            ("tasks, succeeded", f"{tasks}, {count(engine.db, Task.status == TaskStatus.SUCCEEDED)}"),
            ("paid calls", len(firsts)),
            ("most creates in any 10 s, seen by the provider", seen["maxCreatesInWindow"]),
            ("refused with 429", seen["rateLimited"]),
            ("first to last create, s", f"{moments[-1] - moments[0]:.1f}"),
            ("least possible at 20 in 10 s", f"{least:.1f}"),
            ("ratio", f"{(moments[-1] - moments[0]) / least:.3f}"),
            ("queue empty after, s (two starts included)", f"{claimed:.1f}"),
            ("creates in each 10 s", " ".join(map(str, each_window(moments)))),
        ]
        print("\n".join(f"{name:<48} {value}" for name, value in rows), end="\n\n", flush=True)
    finally:
        for name in [*engine.processes]:
            engine.kill(name)
        engine.db.close()
        bases.give_back(url)


def each_window(moments: list[float]) -> list[int]:
    """How many creates fell in the first 10 s, the next, and so on."""
    groups = itertools.groupby(moments, key=lambda at: int((at - moments[0]) // WINDOW_SECONDS))
    return [len(list(group)) for _, group in groups]


def main() -> None:
    """One table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--database", choices=KINDS, action="append")
    asked = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
    for kind in asked.database or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            run(kind, asked.tasks, Path(folder))


if __name__ == "__main__":
    main()
