"""The real stores, a provider that knows the truth, and every act of either, each as one transaction of the store.

What happens between two acts is up to the model-based test: a worker that dies is one whose next act never comes.
"""

import atexit
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from databases import migrated_file
from invariants import Reader, Row, Seen, deadlines, hold, may_spend, next_in_line, promises, shut, sums
from sqlalchemy import event
from stores import SERVES, Stores, picture
from truth import Job, Provider, Told

from data.errands import Fetch
from data.errors import BudgetExceeded
from data.inbox import Inbox
from data.ledger import Ledger
from data.looks import Look
from data.pace import Pace
from data.requests import GenerationRequest
from data.settling import Word
from data.status import Outcome
from data.submissions import Claim

PACE = Pace(
    creates=3, window=timedelta(seconds=10), in_flight=3, per_person=2, doubts=2, submit_lease=timedelta(seconds=30)
)
RETRIES = 1
BOUND = timedelta(minutes=30)
GIVE_UP = timedelta(days=14)
LEASE = timedelta(seconds=12)
DAY = timedelta(days=1)
START = datetime(2026, 11, 23, 12, tzinfo=UTC)
MET: Counter[str] = Counter()
"""How often what was met, over all examples: a test that meets nothing proves nothing."""

ANSWERS = {
    "taken": "accepted", "taken, sender died": None, "taken, 5xx": "doubt", "taken, answer late": "later accepted",
    "taken and done": "done", "taken and failed": "done", "taken, said no": "no", "taken, says no later": "later no",
    "not taken, 5xx": "doubt", "not sent, sender died": None, "not taken, answer late": "later no", "refused": "no",
    "refused, pause": "pause", "not sent, pause": "not sent", "refused for good": "final",
}  # fmt: skip
"""What becomes of a call that is sent, and what its sender records of that; None: the sender is dead."""
PAUSE = {"pause", "not sent"}
"""Answers that hold for the whole account."""
FETCHES = ("home", "part home, then dead", "dead", "breaks off", "disk full", "gone", "part gone", "slow")


@cache
def _stores() -> tuple[Stores, Path]:
    """One engine for all examples, because its compiled statements are dear; power cuts are no fault of this test."""
    folder = tempfile.TemporaryDirectory(prefix="model-")
    atexit.register(folder.cleanup)
    path = Path(folder.name, "model.sqlite")
    stores = Stores(f"sqlite:///{path}")
    event.listen(stores.db.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return stores, path


class World:
    """One example's world: it starts without a task."""

    def __init__(self) -> None:
        self.stores, path = _stores()
        for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            name.unlink(missing_ok=True)
        path.write_bytes(migrated_file())
        self.clock = self.stores.clock
        self.clock.now = START
        self.inbox = Inbox(self.stores.db, self.clock)
        self.ledger = Ledger(self.stores.db, self.clock)
        self.provider, self.told = Provider(), Told()
        self.reader = Reader(sqlite3.connect(path, isolation_level=None))
        self.tasks: list[str] = []
        self.in_hand: list[Claim] = []
        self.left: list[datetime] = []  # when calls left, but for those that were held up on the very last step
        self.answers: list[tuple[str, str]] = []  # what slow senders have still to record
        self.under_way: list[tuple[Look, Word | None]] = []  # records that were read and not yet applied
        self.fetches: list[Fetch] = []
        self.paused_until = START
        self.held: dict[str, datetime] = {}  # references at the provider
        self.references: dict[str, str] = {}
        self.seen = self.reader.see(START)

    def close(self) -> None:
        """Lets go of the file."""
        self.reader.connection.close()
        self.stores.db.engine.dispose()

    def look_around(self) -> Seen:
        """The rows as they are now."""
        self.seen = self.reader.see(self.clock())
        return self.seen

    def check(self) -> None:
        """All promises at this moment."""
        seen = self.look_around()
        hold(set(seen.tasks) == set(self.tasks), "ledger: asked for is what is there", len(seen.tasks), len(self.tasks))
        self.reader.follow(seen, lambda what: MET.update([what]))
        promises(seen, self.provider, self.told, PACE)
        sums(self.reader)
        for task in seen.tasks.values():
            if task["status"] == "queued":
                hold(task["id"] not in self.told.wishes, "10: a wish to cancel is not forgotten", task["id"])
                failed = sum(self.told.excuses.get(call["id"]) == "failed" for call in seen.by_task[task["id"]])
                hold(failed <= RETRIES, "1: the provider's faults are not paid for on and on", failed)

    def tick(self) -> None:
        """The clock's part: afterwards nothing waits beyond its bound."""
        self.stores.deadlines.tick()
        seen = self.look_around()
        self.reader.follow(seen, lambda what: MET.update([what]))
        deadlines(seen, self.reader, BOUND, GIVE_UP)

    def row(self, submission_id: str) -> Row:
        """One call as it is now."""
        return self.reader.rows(f"SELECT * FROM submission WHERE id = '{submission_id}'")[0]

    # Asking -----------------------------------------------------------------------------------------------------

    def ask(
        self, person: str, model: str, *, priority: int, count: int, reference: str | None, key: str | None
    ) -> None:
        """A person asks; with a key, perhaps for the second time."""
        images = (picture(reference),) if reference else ()
        request = GenerationRequest(model, "a red kite", {}, images)
        try:
            made = self.stores.tasks.create([request] * count, person=person, priority=priority, request_key=key)
        except BudgetExceeded:
            MET["budget exceeded"] += 1
            return
        if not self.made([task.id for task in made], reference):
            return  # known by its key: nothing new is spent, however little the budget has become
        self.keeps_budgets(person)

    def keeps_budgets(self, person: str) -> None:
        """To be held right after something more was asked for; a budget may be lowered later."""
        for standing in self.ledger.standing(person):
            spent = standing.reserved + standing.charged
            hold(standing.limit is None or spent <= standing.limit, "money: no budget is passed", standing)

    def made(self, task_ids: list[str], reference: str | None) -> list[str]:
        """Notes the tasks that are there, and gives the new among them."""
        new = [task_id for task_id in task_ids if task_id not in self.tasks]
        self.tasks += new
        if reference:
            self.references |= dict.fromkeys(new, reference)
        return new

    def hand_over(self, fate: str) -> bool:
        """The references of one task go to the provider, or do not."""
        errand = self.stores.errands.claim_handover("kie", SERVES)
        if errand is None:
            return False
        if fate == "done":
            for image in errand.references:
                self.held[image.sha256] = self.clock() + DAY
                self.stores.errands.handed_over("kie", image.sha256, "http://h/in.png", self.held[image.sha256])
            self.stores.errands.handover_done(errand.task_id)
        elif fate != "dead":
            self.stores.errands.handover_failed(errand.task_id, message="", permanent=fate == "refused")
        return True

    # Sending ----------------------------------------------------------------------------------------------------

    def claim(self) -> Claim | None:
        """The next claim, held against the rules that are worked out anew here."""
        before = self.look_around()
        why_not, turn = shut(before, PACE), next_in_line(before, PACE, self._is_ready)
        claim = self.stores.submissions.claim("kie", SERVES, PACE)
        if claim is None:
            hold(why_not or turn is None, "10: whoever may go, goes", turn)
            MET[f"no claim: {why_not or 'nobody waits'}"] += 1
            return None
        hold(why_not is None, f"7/8: no call while {why_not}")
        hold(self.paused_until <= self.clock(), "8: a pause of the account holds for everybody", self.paused_until)
        hold(claim.task.id == turn, "fairness: priority, then fewest open calls, then age", claim.task.id, turn)
        hold(len(claim.reference_urls) == len(claim.references), "references: all at the provider before the call")
        may_spend(before, claim.task.id, self.told)
        return claim

    def _is_ready(self, task: Row) -> bool:
        reference = self.references.get(task["id"])
        return not task["awaits_upload"] and (reference is None or self.held[reference] > self.clock())

    def leaves(self, claim: Claim) -> bool:
        """Whether a call that was held up may leave; the pace is worked out anew where it does (`send`)."""
        before = self.look_around()
        may_leave = self.stores.submissions.leaves(claim.submission_id, PACE)
        sending = before.calls[claim.submission_id]["outcome"] == "sending"
        hold(sending or not may_leave, "1: what others take for sent does not leave", may_leave, sending)
        hold(not may_leave or claim.task.id not in self.told.wishes, "10: what was held up and cancelled stays here")
        MET[f"held up, and leaves: {may_leave}"] += 1
        return may_leave

    def send(self, claim: Claim, fate: str, *, reaches_us: bool, in_time: bool = True) -> None:
        """The one paid call for this claim; its sender records the answer, later, or never."""
        MET[f"sent: {fate}"] += 1
        if in_time:
            self.left.append(self.clock())
            hold(
                sum(at > self.clock() - PACE.window for at in self.left) <= PACE.creates, "8: the pace at the provider"
            )
        if fate.startswith("taken"):
            job = self.provider.take(claim.submission_id, claim.task.id, self.clock(), reaches_us=reaches_us)
            if fate == "taken and done":
                job.succeed(1)
            elif fate == "taken and failed":
                job.fail(retryable=True)
        answer = ANSWERS[fate]
        if answer is not None and answer.startswith("later "):
            self.answers.append((claim.submission_id, answer.removeprefix("later ")))
        elif answer is not None:
            self.answered(claim.submission_id, answer)

    def answered(self, submission_id: str, answer: str) -> None:
        """The sender puts on record what it was answered."""
        store, job = self.stores.submissions, self.job(submission_id)
        if answer == "accepted" and job is not None:
            store.accepted(submission_id, job.id)
            self.told.word(submission_id, Word("running", job.id), self.clock())
        elif answer == "done" and job is not None:  # as a road that answers at once does
            store.completed(submission_id, job.word())
            self.told.word(submission_id, job.word(), self.clock())
        elif answer == "doubt":
            store.in_doubt(submission_id, message="no answer")
        else:
            self._not_taken(submission_id, answer)

    def _not_taken(self, submission_id: str, answer: str) -> None:
        call = self.row(submission_id)
        before, named = call["outcome"], call["provider_task_id"] is not None
        outcome = Outcome.NOT_SENT if answer in {"not sent", "held up"} else Outcome.REJECTED
        seconds = {"final": None, "pause": 20, "held up": 0}.get(answer, 5)
        settled = self.stores.submissions.not_taken(
            submission_id, outcome, cause="refused", message="", pauses_account=answer in PAUSE,
            retry_in=None if seconds is None else timedelta(seconds=seconds),
        )  # fmt: skip
        if named or submission_id in self.told.heard or before not in {"sending", "unknown"}:
            hold(not settled, "1: a late no undoes nothing", before)
            return
        if answer != "final":
            self.told.no(submission_id)
        if seconds is not None and answer in PAUSE:
            self.paused_until = max(self.paused_until, self.clock() + timedelta(seconds=seconds))

    # What the provider says ---------------------------------------------------------------------------------------

    def job(self, submission_id: str) -> Job | None:
        """What the provider took, if it took anything."""
        return next((job for job in self.provider.jobs if job.submission_id == submission_id), None)

    def apply(self, submission_id: str, word: Word) -> None:
        """A true word arrives, at whatever time."""
        self.stores.submissions.apply(submission_id, word)
        self.told.word(submission_id, word, self.clock())

    def strange_word(self, job: Job, other_id: str, state: str) -> None:
        """A word under another id than the proven one changes nothing but the events."""
        before = self.row(job.submission_id)
        if before["last_report_at"] is None or before["provider_task_id"] == other_id:
            return
        word = Word(state, other_id, ("http://h/strange.png",), 1, retryable=True)
        self.stores.submissions.apply(job.submission_id, word)
        hold(self.row(job.submission_id) == before, "1: a second id for one call is no result", state)
        MET["strange word"] += 1

    def hint(self, job: Job) -> None:
        """Its webhook arrives: news, but no proof."""
        body = f"{job.id} {job.state} {job.version} {job.listed}".encode()
        self.inbox.take(job.submission_id, job.id, body, verdict="token")

    def looks(self, limit: int, then: Callable[[Look, Word | None], None]) -> bool:
        """Whatever is due is looked at; `then` says what becomes of the records."""
        looks = self.stores.errands.claim_looks(limit)
        for look in looks:
            then(look, self.provider.record(look.provider_task_id, look.submission_id))
        return bool(looks)

    def looked(self, look: Look, word: Word | None) -> None:
        """What one look found is put on record."""
        if word is not None:
            self.apply(look.submission_id, word)
        if look.last:
            self.stores.errands.looked(look)

    # Files --------------------------------------------------------------------------------------------------------

    def retry_download(self, task_id: str) -> None:
        """A person asks for the files anew: the day of tries begins anew too, for whatever was given up."""
        before = {call["id"] for call in self.look_around().by_task[task_id] if call["fetch_at"] is None}
        self.stores.tasks.retry_download(task_id, who="ann")
        after = {call["id"] for call in self.look_around().by_task[task_id] if call["fetch_at"] is not None}
        self.told.asked |= dict.fromkeys(before & after, self.clock())

    def fetch(self, errand: Fetch, fate: str, *, look_again: bool = False) -> None:
        """One fetcher's part with these files, quick or slow."""
        MET[f"fetch: {fate}"] += 1
        errands, missing = self.stores.errands, [n for n, _ in enumerate(errand.urls) if n not in errand.have]
        bring = {"home": missing, "part home, then dead": missing[:1], "part gone": missing[:1]}.get(fate, [])
        for position in bring:
            errands.stored(errand.submission_id, position, picture(f"{position:02d}" * 32))
        row = self.row(errand.submission_id)
        in_force = row["fetch_at"] is not None and row["fetch_attempts"] == errand.attempt
        lost = [position for position in missing if position not in bring]
        if fate in {"home", "gone", "part gone"}:
            told = errands.fetched(errand.submission_id, attempt=errand.attempt, missing=lost)
            hold(in_force or not (told and lost), "6: a late fetcher gives nothing up", errand)
            if told and lost:
                self.told.given_up[errand.submission_id] = None
            if not told and fate == "gone":
                self._failed(errand, "expired", in_force=in_force, permanent=True, look_again=look_again)
        elif fate in {"breaks off", "disk full"}:
            self._failed(errand, fate, in_force=in_force, permanent=False, look_again=look_again)

    def _failed(self, errand: Fetch, cause: str, *, in_force: bool, permanent: bool, look_again: bool) -> None:
        ours = cause == "disk full"
        self.stores.errands.fetch_failed(
            errand.submission_id, cause="download_failed", message=cause, permanent=permanent, ours=ours,
            look_again=look_again, attempt=errand.attempt,
        )  # fmt: skip
        old = self.clock() - self.told.asked[errand.submission_id] > DAY
        if in_force and (permanent or (old and not ours)):
            self.told.given_up[errand.submission_id] = None
