"""What one claim costs with 100, 1,000 and 10,000 tasks queued by 100 people. Run it by hand; it prints a table.

The ratio to the smallest queue says whether claiming stays flat; beside it stands the limit, a bare insert and commit.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from data.db import Database
from data.pace import Pace
from data.requests import GenerationRequest
from data.submissions import SubmissionStore
from data.tasks import TaskStore

PEOPLE = 100
ROUNDS = 5
CLAIMS = 60
FREE = Pace(creates=10**6, window=timedelta(seconds=10), in_flight=10**6, per_person=10**6, doubts=10**6)


def filled(folder: Path, queued: int, url: str | None) -> Database:
    """A database with so many tasks waiting, shared out unevenly among the people."""
    db = Database(url or f"sqlite:///{folder / f'{queued}.sqlite'}")
    db.migrate()
    tasks = TaskStore(db)
    request = GenerationRequest("google/nano-banana", "a red kite", {}, ())
    for person in range(PEOPLE):
        share = queued // PEOPLE
        for start in range(0, share, 50):
            tasks.create([request] * min(50, share - start), person=f"person {person:03}")
    return db


def claims(db: Database) -> Iterator[tuple[float, float]]:
    """Wall and CPU milliseconds of single claims; each is settled at once, so that the next finds the same load."""
    store = SubmissionStore(db)
    for _ in range(CLAIMS):
        wall, cpu = time.perf_counter(), time.process_time()
        claim = store.claim("kie", [("kie", "nano-banana"), ("kie", "seedream")], FREE)
        yield (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3
        assert claim is not None
        with db.transaction() as session:  # back into the queue, as if it had never been claimed
            connection = session.connection()
            connection.execute(text("DELETE FROM task_event WHERE submission_id = :id"), {"id": claim.submission_id})
            connection.execute(text("DELETE FROM submission WHERE id = :id"), {"id": claim.submission_id})
            connection.execute(
                text("UPDATE task SET status = 'queued', attempts = 0 WHERE id = :id"), {"id": claim.task.id}
            )


def commits(db: Database) -> float:
    """Median milliseconds of the least that a claim must do: one row and a durable commit."""
    took = []
    for number in range(CLAIMS):
        start = time.perf_counter()
        with db.transaction() as session:
            values = {"key": f"bench {time.time_ns()} {number}"}
            session.connection().execute(
                text("INSERT INTO request_key (key, digest, batch_id, at) VALUES (:key, '', '', '2026-01-01')"), values
            )
        took.append((time.perf_counter() - start) * 1e3)
    return statistics.median(took)


def main() -> None:
    """Interleaved rounds; medians."""
    sizes = (100, 1_000, 10_000)
    with tempfile.TemporaryDirectory() as folder:
        bases = {size: filled(Path(folder), size, None) for size in sizes}
        wall: dict[int, list[float]] = {size: [] for size in sizes}
        cpu: dict[int, list[float]] = {size: [] for size in sizes}
        limit: list[float] = []
        for _ in range(ROUNDS):
            for size, db in bases.items():
                took = list(claims(db))
                wall[size].append(statistics.median(w for w, _ in took))
                cpu[size].append(statistics.median(c for _, c in took))
            limit.append(commits(bases[100]))
        print(f"{'queued':>8} {'ms/claim':>9} {'CPU ms':>7} {'÷ smallest':>11} {'÷ one commit':>13}")
        base = statistics.median(cpu[100])
        for size in sizes:
            w, c = statistics.median(wall[size]), statistics.median(cpu[size])
            print(f"{size:>8} {w:>9.2f} {c:>7.2f} {c / base:>11.2f} {w / statistics.median(limit):>13.2f}")
        for db in bases.values():
            db.close()


if __name__ == "__main__":
    sys.exit(main())
