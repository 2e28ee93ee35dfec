"""Plants one fault at a time in a copy of `data/` and shows that a test finds it: the model-based one first.

The model's examples are the same each time, and 300 of them do not meet every rare meeting of two acts. What it does
not find, the store's own tests must; the table says which did. A fault whose line has moved fails loudly, and so does
one that survives. `python tests/mutants.py [folder] [word]`: the folder holds the `data` to mutate, by default ours;
the word picks the faults that have it in their name.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
AT_ONCE = 2
PATIENCE_SECONDS = 300
ITS_OWN = tuple(TESTS / "data" / f"test_{name}.py" for name in ("tasks", "batches", "submissions", "removal"))
"""The tests of the transitions one by one. On SQLite: what is planted is wrong on either database."""
RUN = "import data, test_model; print('data is', data.__file__); test_model.prove('mutants')"


@dataclass(frozen=True)
class Fault:
    """A mistake that somebody might make: each edit is (file, what stands there, what is planted)."""

    name: str
    edits: tuple[tuple[str, str, str], ...]


def fault(name: str, file: str, stands: str, planted: str) -> Fault:
    """A fault in a single line."""
    return Fault(name, ((file, stands, planted),))


FAULTS = (
    # Never pay twice
    fault("a call in doubt is sent again", "settling.py",
          "    submission.outcome, submission.fail_message = Outcome.UNKNOWN, message\n",
          "    settle(session, submission, Outcome.NOT_SENT, now); return not end_of_try(session, submission, now,"
          " cause='', message=message, retry_in=timedelta(0), kind='resent')\n"),
    fault("a no after a webhook is believed", "submissions.py",
          "            if submission.provider_task_id is not None:\n", "            if False:\n"),
    fault("a charged failure is tried again", "submissions.py", "word.retryable and not word.charged_micro and",
          "word.retryable and"),
    fault("the provider's faults are tried on and on", "submissions.py", "<= self._retries", "<= 99"),
    fault("a retry pressed twice is asked twice", "again.py", "if under_way := wish.others(session, task_id, *ACTIVE):",
          "if under_way := []:"),
    fault("a doubt given up is sent again beside its retry", "again.py",
          "if wish.others(session, task_id, *ACTIVE, TaskStatus.SUCCEEDED):", "if False:"),
    fault("what is under way is retried", "again.py", "if task.status not in _ENDED_IN_NOTHING:", "if False:"),
    fault("a retry is sent though its picture has come", "submissions.py",
          "elif task.relation == Relation.RETRY and", "elif False and"),
    fault("a batch is retried beside the retries of its tasks", "wish.py", ".having(better == 0)", ""),
    fault("an old card buys what its retry offers as well", "wish.py", ".having(last == own)", ""),
    fault("an old card of one request buys what its retry offers", "again.py",
          "if wish.tried_since(tasks, task_id):\n        raise NotAllowed(_TRIED_SINCE)\n    request",
          "if False:\n        raise NotAllowed(_TRIED_SINCE)\n    request"),
    fault("a cancel after the claim is honoured as free", "tasks.py", "_S.CANCELLED, since={_S.QUEUED}",
          "_S.CANCELLED, since={_S.QUEUED, _S.SUBMITTING}"),
    fault("a cancel is forgotten at the end of a try", "settling.py", "if task.cancel_requested_at is not None:",
          "if False:"),
    # Deleted
    fault("what is under way is deleted", "removal.py", "col(Task.status).in_(TERMINAL), ~fetching)", "~fetching)"),
    fault("a late picture of a deleted task stays out of sight", "moves.py", '        "deleted_at": None,\n', ""),
    fault("a second picture of a deleted task stays out of sight", "submissions.py",
          "            bring_back(session, submission.task_id, now)\n", ""),
    fault("a deleted task is asked for again", "again.py", " and task.deleted_at is None", ""),
    fault("a deleted task is sent again", "tasks.py", "select(Task).where(Task.id == task_id, NOT_DELETED)",
          "select(Task).where(Task.id == task_id)"),
    # The pace
    fault("the window is off by one", "pace.py", ">= pace.creates", "> pace.creates"),
    fault("the pace counts only this second", "pace.py", "col(Submission.started_at) > now - pace.window",
          "col(Submission.started_at) > now - timedelta(seconds=1)"),
    fault("a call that was held up leaves at any time", "submissions.py", "if cancelled or not gate_is_open(",
          "if cancelled or False and gate_is_open("),
    fault("a call that was held up leaves although it is in doubt", "submissions.py",
          "if submission is None or submission.outcome != Outcome.SENDING:\n                return False\n"
          "            cancelled", "if submission is None:\n                return False\n            cancelled"),
    fault("a call that was held up leaves after a cancel", "submissions.py", "if cancelled or not gate_is_open(",
          "if not gate_is_open("),
    fault("the ceiling in flight ignores doubts", "pace.py",
          "count.where(mine, OPEN_CALL, col(Submission.started_at) > now - YOUNG)",
          "count.where(mine, OPEN_CALL, col(Submission.started_at) > now - YOUNG, Submission.outcome != 'unknown')"),
    fault("the doubt budget is ignored", "pace.py", "< pace.doubts", "< 99"),
    fault("one person takes all seats", "pace.py", "< :per_person\n", "< :per_person + 9\n"),
    fault("a 429 pauses nobody", "submissions.py", "and now + retry_in > (gate.paused_until or now)",
          "and now + retry_in < (gate.paused_until or now)"),
    # Never lose a picture
    fault("a late success is ignored", "submissions.py", "since = ACTIVE - {_S.FETCHING} | {_S.FAILED, _S.CANCELLED}",
          "since = ACTIVE - {_S.FETCHING}"),
    fault("a written-off call's late success is dropped", "submissions.py",
          "        if submission.outcome == Outcome.SUCCEEDED:",
          "        if submission.outcome in {Outcome.SUCCEEDED, Outcome.WRITTEN_OFF}:"),
    Fault("a finished task is opened again", (
        ("status.py", "_S.SUCCEEDED: frozenset()", "_S.SUCCEEDED: frozenset({_S.FETCHING})"),
        ("submissions.py", "| {_S.FAILED, _S.CANCELLED}", "| {_S.FAILED, _S.CANCELLED, _S.SUCCEEDED}"))),
    fault("a second provider id is believed", "settling.py", "if known == word.provider_task_id:", "if True:"),
    fault("an accepted call is not watched", "submissions.py",
          "            submission.poll_at = now + self._first_look\n            session.flush()\n",
          "            session.flush()\n"),
    fault("a failed download drops the addresses", "errands.py", "            row.fail_message = message[:2000]\n",
          "            row.fail_message, row.outputs = message[:2000], []\n"),
    fault("fetched without files", "errands.py", "not (known := _stored(session, submission_id))",
          "(known := _stored(session, submission_id)) is None"),
    fault("a slow fetcher ends what another took over", "errands.py",
          "row.fetch_at is None or (attempt is not None and attempt != row.fetch_attempts)", "row.fetch_at is None"),
    fault("a dead fetcher is never replaced", "errands.py", "row.fetch_at = now + lease", "row.fetch_at = None"),
    # Bounds and money
    fault("a doubt never ends", "deadlines.py", "since = now - self._deadlines.unconfirmed",
          "since = now - self._deadlines.give_up"),
    fault("an overdue task waits on", "deadlines.py", "since = now - self._deadlines.overdue",
          "since = now - self._deadlines.give_up"),
    fault("a reservation is never released", "ledger.py", "holds = task.status in _HOLDING or", "holds = True or"),
    fault("a doubt given up is taken for free", "ledger.py", "Outcome.SUCCEEDED, Outcome.WRITTEN_OFF",
          "Outcome.SUCCEEDED"),
    fault("a budget is not checked", "ledger.py", "standing.reserved + standing.charged > standing.limit)",
          "standing.charged > standing.limit)"),
)  # fmt: skip


@contextmanager
def mutant(source: Path, planted: Fault | None) -> Iterator[Path]:
    """A folder with a copy of `data` that has the fault."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder, "data")
        shutil.copytree(source / "data", copy, ignore=shutil.ignore_patterns("__pycache__"))
        for file, stands, instead in planted.edits if planted else ():
            text = (copy / file).read_text()
            if text.count(stands) != 1:
                raise LookupError(f"{file} has {stands!r} {text.count(stands)} times, not once: the line has moved")
            (copy / file).write_text(text.replace(stands, instead))
        yield Path(folder)


def verdict(source: Path, planted: Fault | None) -> tuple[str | None, float]:
    """The promise that was found broken, None if nothing was found; and the seconds it took."""
    began = time.monotonic()
    with mutant(source, planted) as folder:
        path = os.pathsep.join(map(str, (folder, TESTS, TESTS / "data")))
        env = os.environ | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run([sys.executable, "-c", RUN], env=env, cwd=folder, text=True, timeout=PATIENCE_SECONDS,
                                  capture_output=True, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise LookupError(f"it took longer than {PATIENCE_SECONDS} s") from None
        if f"data is {folder}" not in done.stdout:
            raise LookupError(f"the copy was not what ran: {done.stdout}{done.stderr[-2000:]}")
        promise = _promise(done.stderr) if done.returncode else None
        if promise is None and planted is not None:
            promise = _by_its_own_tests(folder, env)
    return promise, time.monotonic() - began


def _by_its_own_tests(folder: Path, env: dict[str, str]) -> str | None:
    """The first of the store's own tests that fails, None where none does."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "not postgresql",
               "-c", str(TESTS.parent / "pyproject.toml"), *map(str, ITS_OWN)]  # fmt: skip
    done = subprocess.run(command, env=env, cwd=folder, text=True, capture_output=True, check=False)
    failed = re.search(r"^FAILED \S*::(\w+)", done.stdout, re.MULTILINE)
    if done.returncode and failed is None:
        raise LookupError(f"its own tests did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return f"test: {failed[1]}"[:60] if failed else None


def _promise(traceback: str) -> str:
    broken = re.findall(r"^invariants\.Broken: ([^|\n]*)", traceback, re.MULTILINE)
    raised = re.findall(
        r"^((?:\w+\.)*\w+(?:Error|Exception|NotAllowed|NotFound|Flaky\w*): .*)$", traceback, re.MULTILINE
    )
    return (broken or raised or [traceback[-300:]])[-1].strip()[:60]


def main(source: Path, word: str) -> int:
    """Prints the table; 1 where a fault survived, or where the code as it is breaks a promise."""
    faults: list[Fault | None] = [None, *FAULTS] if not word else [each for each in FAULTS if word in each.name]

    def line(planted: Fault | None) -> bool:
        try:
            promise, seconds = verdict(source, planted)
        except LookupError as trouble:
            promise, seconds, well = f"ERROR {trouble}", 0.0, False
        else:
            well = (promise is None) == (planted is None)
            promise = promise or ("all promises hold" if planted is None else "SURVIVED")
        print(f"{planted.name if planted else 'no fault':48} {promise:60} {seconds:5.0f} s", flush=True)
        return well

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        well = list(pool.map(line, faults))
    caught = sum(one for each, one in zip(faults, well, strict=True) if each is not None)
    print(f"{caught} of {len(faults) - faults.count(None)} planted faults caught in {time.monotonic() - began:.0f} s")
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else TESTS.parent), sys.argv[2] if len(sys.argv) > 2 else ""))
