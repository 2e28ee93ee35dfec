"""The promises of the engine as checks on the bare rows, read past the store; each names itself when it is broken.

They compare the database with the provider's truth and with what we were told, and trust nothing the store says.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from truth import OVER, Provider, Told

from data.pace import Pace
from data.status import TERMINAL, TRANSITIONS, TaskStatus

Row = dict[str, Any]
OPEN = {"sending", "unknown", "accepted"}
ENDED = {"succeeded", "failed", "cancelled"}
HOLDS = {"queued", "submitting", "unconfirmed", "running"}
MONEY = ("reserved_micro", "charged_micro")
YOUNG = timedelta(hours=1)
ITS_CALL = {"submitting": "sending", "unconfirmed": "unknown", "running": "accepted"}
MAY_STAND = {
    "sending": {"submitting", "fetching", "succeeded", "failed"},
    "unknown": {"unconfirmed", "fetching", "succeeded", "failed"},
    "accepted": {"running", "fetching", "succeeded", "failed"},
}
"""Where a task may stand while it has such a call: an older call of it may have brought a picture meanwhile."""


class Broken(AssertionError):  # noqa: N818 - read aloud: a promise, broken
    """A promise was not kept."""


def hold(kept: object, promise: str, *facts: object) -> None:
    """Raises Broken with the promise's name unless it is kept."""
    if not kept:
        raise Broken(f"{promise} | {' '.join(map(str, facts))}")


def moment(text: str | None) -> datetime | None:
    """A stored time."""
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Seen:
    """The rows at one moment."""

    tasks: dict[str, Row]
    calls: dict[str, Row]
    by_task: dict[str, list[Row]]
    files: dict[str, set[int]]  # positions at home, by submission
    gate: datetime | None
    now: datetime

    def open(self, person: str | None = None) -> list[Row]:
        """Open calls that still hold a seat."""
        return [
            call for call in self.calls.values()
            if call["outcome"] in OPEN and call["started_at"] > self.now - YOUNG
            and person in {None, self.tasks[call["task_id"]]["person"]}
        ]  # fmt: skip

    def lately(self, window: timedelta) -> int:
        """Calls started within the window that ends now."""
        return sum(call["started_at"] > self.now - window for call in self.calls.values())

    def doubts(self) -> int:
        """Tasks whose paid call is in doubt."""
        return sum(task["status"] == "unconfirmed" for task in self.tasks.values())


@dataclass
class Reader:
    """Reads the file on a connection of its own, and remembers what must never change again."""

    connection: sqlite3.Connection
    last_event: int = 0
    status: dict[str, str] = field(default_factory=dict)  # by task, as its events tell
    since: dict[str, datetime] = field(default_factory=dict)
    files: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))

    def rows(self, query: str) -> list[Row]:
        """All rows of the query, with times parsed."""
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor]
        for name in (name for name in names if name.endswith(("_at", "_until", "_before")) or name == "at"):
            for row in rows:
                row[name] = moment(row[name])
        return rows

    def see(self, now: datetime) -> Seen:
        """Everything that the promises speak of."""
        self.connection.execute("BEGIN")
        try:
            tasks = {row["id"]: row for row in self.rows("SELECT * FROM task ORDER BY seq")}
            calls = {row["id"]: row for row in self.rows("SELECT * FROM submission ORDER BY started_at, rowid")}
            files = defaultdict(set)
            for row in self.rows("SELECT submission_id, position FROM artifact WHERE role = 'output'"):
                files[row["submission_id"]].add(row["position"])
            gate = [row["paused_until"] for row in self.rows("SELECT paused_until FROM gate")]
        finally:
            self.connection.execute("COMMIT")
        by_task = defaultdict(list)
        for call in calls.values():
            call["outputs"] = json.loads(call["outputs"])
            by_task[call["task_id"]].append(call)
        return Seen(tasks, calls, by_task, files, gate[0] if gate else None, now)

    def follow(self, seen: Seen, met: Callable[[str], None]) -> None:
        """Every change of a status is an event, and stands in TRANSITIONS."""
        for event in self.rows(f"SELECT * FROM task_event WHERE id > {self.last_event} ORDER BY id"):
            task_id, before, after = event["task_id"], event["from_status"], event["to_status"]
            self.last_event = event["id"]
            if event["kind"] == "created":
                self.status[task_id] = "queued"
            if after is None:
                continue
            hold(before == self.status[task_id], "transitions: no gap in the story", self.status[task_id], dict(event))
            hold(after in TRANSITIONS[TaskStatus(before)], "transitions: only those of the table", before, after)
            hold(before != "succeeded", "5: succeeded never changes", dict(event))
            self.status[task_id], self.since[task_id] = after, event["at"]
            met(f"{before} → {after}")
        for task in seen.tasks.values():
            hold(task["status"] == self.status[task["id"]], "transitions: every change is an event", task)
            for call in seen.by_task[task["id"]]:
                now_home = {(call["id"], position) for position in seen.files[call["id"]]}
                before_home = {pair for pair in self.files[task["id"]] if pair[0] == call["id"]}
                hold(before_home <= now_home, "5: files only grow", before_home, now_home)
                self.files[task["id"]] |= now_home


def promises(seen: Seen, provider: Provider, told: Told, pace: Pace) -> None:
    """Invariants 1 to 8 of the design, as far as the rows of one moment can tell."""
    for task in seen.tasks.values():
        _state_and_ledger(seen, task, seen.by_task[task["id"]])
        _charges(task, seen.by_task[task["id"]], provider, told)
        _money(task, seen.by_task[task["id"]])
        _asked_once(wish(seen, task["id"]))
    for submission_id in told.successes:
        _kept(seen, seen.calls[submission_id], told)
    for call in seen.calls.values():
        _watched(seen, call)
    _ceilings(seen, pace)


def wish(seen: Seen, task_id: str) -> list[Row]:
    """A task, what it is a retry of, and all their retries."""
    top = seen.tasks[task_id]
    while top["relation"] == "retry" and top["parent_id"] in seen.tasks:
        top = seen.tasks[top["parent_id"]]
    found = [top]
    for member in found:
        found += [t for t in seen.tasks.values() if t["parent_id"] == member["id"] and t["relation"] == "retry"]
    return found


def _asked_once(tasks: list[Row]) -> None:
    under_way = [task["id"] for task in tasks if task["status"] not in ENDED | {"fetching"}]
    hold(len(under_way) <= 1, "1: one wish is under way once", under_way)


def _state_and_ledger(seen: Seen, task: Row, calls: list[Row]) -> None:
    status, open_calls = task["status"], [call["outcome"] for call in calls if call["outcome"] in OPEN]
    hold(len(open_calls) <= 1, "2: one open call", open_calls)
    if status in {"queued", "cancelled"}:
        hold(not open_calls, "3: queued and cancelled have no open call", status, open_calls)
    if status in ITS_CALL:
        hold(open_calls == [ITS_CALL[status]], "3: the status is that of its call", status, open_calls)
    for outcome in open_calls:
        hold(status in MAY_STAND[outcome], "3: the call is that of its status", status, outcome)
    fetching = any(call["fetch_at"] for call in calls)
    if status == "fetching":
        hold(fetching, "3: fetching has something to fetch", [dict(call) for call in calls])
    elif status != "succeeded":
        hold(not fetching, "3: who has something to fetch is fetching it", status)
    hold((task["finished_at"] is not None) == (TaskStatus(status) in TERMINAL), "4: finished_at", status)
    if task["deleted_at"]:
        hold(task["finished_at"] and not fetching, "11: what is deleted neither spends nor awaits a picture", status)
    at_home = any(seen.files[call["id"]] for call in calls)
    if status == "succeeded":
        hold(at_home, "5: succeeded has a picture", task["id"])
    elif status != "fetching":
        hold(not at_home, "5: a task with a picture has succeeded, or is about to", status)


def _charges(task: Row, calls: list[Row], provider: Provider, told: Told) -> None:
    """The database cannot know what was taken: the provider's own book is counted."""
    taken = [job for job in provider.jobs if job.task_id == task["id"]]
    excused = [told.excuses[call["id"]] for call in calls if call["id"] in told.excuses]
    hold(len(taken) <= 1 + len(excused), "1: never paid twice", len(taken), excused)


def _money(task: Row, calls: list[Row]) -> None:
    estimate = task["estimate_micro"] or 0
    is_open = any(call["outcome"] in OPEN for call in calls)
    named = sum(call["charged_micro"] or 0 for call in calls)
    hold(task["charged_micro"] == named, "money: the task has the sum of its calls", task["charged_micro"], named)
    named_open = sum(call["charged_micro"] or 0 for call in calls if call["outcome"] in OPEN)
    held = max(0, estimate - named_open) if task["status"] in HOLDS or is_open else 0
    hold(task["reserved_micro"] == held, "money: held back exactly while it may be charged", task["reserved_micro"],
         held, task["status"])  # fmt: skip
    silent = sum(call["outcome"] in {"succeeded", "written_off"} and call["charged_micro"] is None for call in calls)
    hold(task["booked_micro"] == named + silent * estimate, "money: booked what it cost", task["booked_micro"])


def _kept(seen: Seen, call: Row, told: Told) -> None:
    """Invariant 6: told once, a success is at home, under way, or was given up on purpose with its addresses kept."""
    hold(call["outcome"] == "succeeded", "6: a success told is a success kept", call["outcome"])
    hold(tuple(call["outputs"]) in told.addresses[call["id"]], "6: the addresses are kept", call["outputs"])
    if call["fetch_at"] is not None:
        told.given_up.pop(call["id"], None)
        return
    home = seen.files[call["id"]] >= set(range(len(call["outputs"])))
    hold(home or call["id"] in told.given_up, "6: at home, under way or given up on purpose", dict(call))


def _watched(seen: Seen, call: Row) -> None:
    if call["outcome"] in OPEN and call["provider_task_id"] is not None:
        hold(call["poll_at"], "6: an open call with a name is watched", dict(call))
    for due in ("poll_at", "fetch_at"):
        soon = call[due] is None or call[due] <= seen.now + timedelta(hours=2)
        hold(soon, "6: no errand lies in the far future", due, call[due], seen.now)


def _ceilings(seen: Seen, pace: Pace) -> None:
    hold(len(seen.open()) <= pace.in_flight, "7: in flight", len(seen.open()))
    for person in {task["person"] for task in seen.tasks.values()}:
        hold(len(seen.open(person)) <= pace.per_person, "7: per person", person)
    starts = sorted(call["started_at"] for call in seen.calls.values())
    for first, last in zip(starts, starts[pace.creates :], strict=False):
        hold(last - first >= pace.window, "8: the pace of any window", last - first)


def deadlines(seen: Seen, reader: Reader, bound: timedelta, give_up: timedelta) -> None:
    """Invariant 9, once the clock has been asked: nothing waits beyond its bound."""
    for task_id, status in reader.status.items():
        if status in {"unconfirmed", "running"}:
            hold(
                seen.now - reader.since[task_id] <= bound, f"9: {status} ends in time", seen.now, reader.since[task_id]
            )
    for call in seen.calls.values():
        if call["outcome"] == "sending":
            hold(call["lease_until"] >= seen.now, "9: a dead sender leaves a doubt", dict(call))
        if call["outcome"] in OPEN:
            hold(call["started_at"] >= seen.now - give_up, "9: no call is open for ever", dict(call))


def sums(reader: Reader) -> None:
    """The month's sums are those of the ledger, and the ledger's those of the tasks."""
    tasks = {row["id"]: (row["reserved_micro"], row["booked_micro"]) for row in reader.rows("SELECT * FROM task")}
    per_task: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    ledger: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for row in reader.rows("SELECT * FROM ledger_entry"):
        for into in (per_task[row["task_id"]], ledger["team", row["month"]],
                     ledger[f"person:{row['person']}", row["month"]]):  # fmt: skip
            for position, name in enumerate(MONEY):
                into[position] += row[name]
    hold({key: tuple(value) for key, value in per_task.items()} == {k: v for k, v in tasks.items() if k in per_task},
         "money: a task's entries are its money", dict(per_task), tasks)  # fmt: skip
    hold(all(v == (0, 0) for k, v in tasks.items() if k not in per_task), "money: none without an entry", tasks)
    spending = {
        (row["scope"], row["month"]): [row[name] for name in MONEY] for row in reader.rows("SELECT * FROM spending")
    }
    hold(_nonzero(spending.items()) == _nonzero(ledger.items()), "money: the sums are the ledger's", spending, ledger)


def _nonzero(sums_: Iterable[tuple[tuple[str, str], list[int]]]) -> dict[tuple[str, str], tuple[int, ...]]:
    return {key: tuple(value) for key, value in sums_ if any(value)}


# Before a claim -----------------------------------------------------------------------------------------------------


def next_in_line(seen: Seen, pace: Pace, ready: Callable[[Row], bool]) -> str | None:
    """Whose turn it is, worked out anew: priority, then the person with the fewest open calls, then age."""
    line = [
        (task["priority"], len(seen.open(task["person"])), task["seq"], task["id"])
        for task in seen.tasks.values()
        if task["status"] == "queued" and ready(task) and len(seen.open(task["person"])) < pace.per_person
        and not has_its_picture(seen, task["id"])
        and (task["not_before"] is None or task["not_before"] <= seen.now)
    ]  # fmt: skip
    return min(line)[3] if line else None


def shut(seen: Seen, pace: Pace) -> str | None:
    """Why nothing may be sent at this moment."""
    if seen.gate is not None and seen.gate > seen.now:
        return "the account is paused"
    if seen.lately(pace.window) >= pace.creates:
        return "the window is full"
    if len(seen.open()) >= pace.in_flight:
        return "too many in flight"
    return "too many doubts" if seen.doubts() >= pace.doubts else None


def may_spend(seen: Seen, task_id: str, told: Told) -> None:
    """Each call before this one must be known to have cost nothing, or a person has answered for it."""
    for call in seen.by_task[task_id]:
        hold(told.excuses.get(call["id"], OVER) != OVER, "1: no call after one that may be paid for", dict(call))
    hold(task_id not in told.wishes, "10: nothing is spent after a cancel", task_id)
    hold(not has_its_picture(seen, task_id), "1: no retry of a wish that has its picture", task_id)


def has_its_picture(seen: Seen, task_id: str) -> bool:
    """Whether another try at the same wish has its picture, or is fetching it. Only a retry may come too late."""
    if seen.tasks[task_id]["relation"] != "retry":
        return False
    return any(one["id"] != task_id and one["status"] in {"succeeded", "fetching"} for one in wish(seen, task_id))
