"""Murder under load: sidecars are killed at random moments while many tasks run, and the sandbox's ledger judges.

Run it by hand for the long table (`make murder`), or through `tests/callback_server/test_murder.py` for a short one.
What it looks for: a task paid for twice, a success that we were told of and that has no picture, a task without an end.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from databases import KINDS, databases_of
from engine import Engine
from local import local
from processes import wait_until
from sqlmodel import col, select

from data.catalog import catalog
from data.requests import validate
from data.schema import Submission, Task
from data.status import OPEN, TERMINAL, Outcome, TaskStatus

PEOPLE = ("ann", "bob", "eve", "kim", "lin")
TROUBLES = (
    *[""] * 10, "callback_lost", "callback_twice", "callback_late", "lost_answer", "http_after=502", "slow_answer=1",
    "record_http", "slow=2", "fail=501", "fail=500", "several=2", "slow_file=1", "refuse=429", "lost_request",
)  # fmt: skip
"""What may go wrong beside the murder; the empty ones go well, as most do."""

SETTINGS = {
    "SUBMIT_TIMEOUT_SECONDS": "3",
    "UNCONFIRMED_MINUTES": "1.5",
    "DOUBT_BUDGET": "60",
    "PER_PERSON": "50",
    "LOG_LEVEL": "INFO",
}


@dataclass
class Toll:
    """What one run came to."""

    database: str
    sidecars: int
    kills: int = 0
    tasks: int = 0
    charges: int = 0
    succeeded: int = 0
    failed: int = 0
    in_doubt: int = 0  # calls that were ever in doubt
    ended_by_evidence: int = 0
    ended_by_the_clock: int = 0
    restarts: list[float] = field(default_factory=list)  # seconds until the killed sidecar was ready again
    paid_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # told of as a success, and no picture
    unended: list[str] = field(default_factory=list)
    most_in_window: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether the two promises were kept."""
        return not (self.paid_twice or self.lost or self.unended)

    def lines(self) -> str:
        """The table."""
        restart = f"{statistics.median(self.restarts):.1f} (most {max(self.restarts):.1f})" if self.restarts else "-"
        rows = [
            ("database, sidecars", f"{self.database}, {self.sidecars}"), ("kills", self.kills), ("tasks", self.tasks),
            ("charges at the provider", self.charges), ("paid twice", len(self.paid_twice)),
            ("told-of successes without a picture", len(self.lost)), ("tasks without an end", len(self.unended)),
            ("succeeded / failed", f"{self.succeeded} / {self.failed}"),
            ("calls ever in doubt", self.in_doubt), ("… ended by evidence", self.ended_by_evidence),
            ("… ended by the clock", self.ended_by_the_clock), ("restart, seconds: median", restart),
            ("most creates in any 10 s", self.most_in_window), ("seconds in all", f"{self.seconds:.0f}"),
        ]  # fmt: skip
        bad = {"paid twice": self.paid_twice, "lost": self.lost, "unended": self.unended}
        named = [f"  {what}: {', '.join(items)}" for what, items in bad.items() if items]
        return "\n".join([*(f"{name:<38} {value}" for name, value in rows), *named])


class Murder:
    """One run over one database."""

    def __init__(self, engine: Engine, database: str, sidecars: int, chance: random.Random) -> None:
        self.engine, self.chance = engine, chance
        self.victims = ["server", "second server"][:sidecars]
        self.toll = Toll(database, sidecars)
        self._begin = time.monotonic()

    def commit(self, kills: int, pause: tuple[float, float] = (0.3, 2.5)) -> Toll:
        """Kills so often, at random moments, with tasks always waiting; then lets all end, and counts."""
        for name in ("sandbox", *self.victims):
            self.engine.start(name)
        for _ in range(kills):
            self.feed()
            time.sleep(self.chance.uniform(*pause))
            victim = self.chance.choice(self.victims)
            self.engine.kill(victim)
            self.toll.kills += 1
            begin = time.monotonic()
            self.engine.start(victim)
            self.toll.restarts.append(time.monotonic() - begin)
        self.settle()
        self.count()
        return self.toll

    def feed(self, wanted: int = 12) -> None:
        """Keeps the queue filled. Every prompt has a mark of its own, by which the provider's ledger is read."""
        with self.engine.db.read() as session:
            queued = session.exec(select(Task.id).where(Task.status == TaskStatus.QUEUED)).all()
        for _ in range(wanted - len(queued)):
            self.toll.tasks += 1
            fault, mark = self.chance.choice(TROUBLES), f"victim {self.toll.tasks:05}"
            if fault.startswith("refuse"):  # once; a fault in the prompt would strike every try
                name, _, value = fault.partition("=")
                self.engine.fault(fault=name, value=value, match=mark, times=1)
            prompt = mark + (f" [[fault:{fault}]]" if fault and not fault.startswith("refuse") else "")
            request = validate(catalog().require("google/nano-banana"), prompt, {}, [])
            self.engine.tasks.create([request], person=self.chance.choice(PEOPLE))

    def settle(self) -> None:
        """The world is kind now: everything ends by itself."""
        wait_until(self._all_ended, 150, every=0.5, what=self._standing)

    def _all_ended(self) -> bool:
        with self.engine.db.read() as session:
            busy = session.exec(select(Task.id).where(col(Task.status).not_in(TERMINAL)).limit(1)).first()
            fetching = session.exec(select(Submission.id).where(col(Submission.fetch_at).is_not(None)).limit(1)).first()
        return busy is None and fetching is None

    def _standing(self) -> str:
        with self.engine.db.read() as session:
            rows = session.exec(select(Task).where(col(Task.status).not_in(TERMINAL))).all()
        return "\n".join(f"{row.prompt}: {row.status} {row.error_code}" for row in rows)

    def count(self) -> None:
        """Holds the provider's truth against ours."""
        toll, ledger = self.toll, self.engine.ledger()
        made = local.get(f"{self.engine.sandbox_url}/sandbox/tasks").raise_for_status().json()
        by_id = {row["taskId"]: row for row in made}
        toll.charges, toll.most_in_window = len(ledger["charges"]), ledger["maxCreatesInWindow"]
        with self.engine.db.read() as session:
            tasks = {task.id: task for task in session.exec(select(Task))}
            calls = session.exec(select(Submission)).all()
        pictures = {task_id: self.engine.card(task_id).pictures for task_id in tasks}
        paid: dict[str, int] = {}
        for charge in ledger["charges"]:
            mark = charge["prompt"][:12]
            paid[mark] = paid.get(mark, 0) + 1
        toll.paid_twice = [mark for mark, times in paid.items() if times > 1]
        toll.unended = [task.prompt for task in tasks.values() if task.status not in TERMINAL]
        toll.succeeded = sum(task.status == TaskStatus.SUCCEEDED for task in tasks.values())
        toll.failed = sum(task.status == TaskStatus.FAILED for task in tasks.values())
        for call in calls:
            there = by_id.get(call.provider_task_id or "")
            if there is not None and there["state"] == "success" and not pictures[call.task_id]:
                toll.lost.append(tasks[call.task_id].prompt)
        self._doubts(calls)
        toll.seconds = time.monotonic() - self._begin

    def _doubts(self, calls: list[Submission]) -> None:
        for call in calls:
            kinds = {event.kind for event in self.engine.history.detail(call.task_id).events
                     if event.submission_id == call.id}  # fmt: skip
            if "in_doubt" in kinds:
                self.toll.in_doubt += 1
                still = call.outcome == Outcome.UNKNOWN
                self.toll.ended_by_the_clock += still
                self.toll.ended_by_evidence += not still and call.outcome not in OPEN


def murder(
    database: str, sidecars: int, kills: int, seed: int, folder: Path, *, settings: Mapping[str, str] | None = None
) -> Toll:
    """One whole run in `folder`; every process is stopped at its end."""
    bases = databases_of(database)
    url = bases.fresh(folder / "var")
    engine = Engine(folder, url, SETTINGS | dict(settings or {}))
    try:
        return Murder(engine, database, sidecars, random.Random(seed)).commit(kills)
    finally:
        for name in [*engine.processes]:
            engine.kill(name)
        engine.db.close()
        bases.give_back(url)


def main() -> int:
    """The long run, one table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--database", choices=KINDS, action="append")
    asked, clean = parser.parse_args(), True
    os.environ.setdefault("SANDBOX_ROUGH", "1")  # where painting takes all of the machine, nothing is answered in time
    for database in asked.database or KINDS:
        folder = Path(tempfile.mkdtemp(prefix="murder-"))
        toll = murder(database, 2 if database == "postgresql" else 1, asked.kills, asked.seed, folder)
        print(toll.lines(), end="\n\n", flush=True)
        clean = clean and toll.clean
        if toll.clean:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"The state and the logs are in {folder}.")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
