"""The stores of a fresh database with a clock that tests move by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import col, select

from data.db import Database
from data.deadlines import Clock, Deadlines
from data.errands import ErrandStore
from data.history import Card, History
from data.images import StoredImage
from data.pace import Pace
from data.requests import GenerationRequest
from data.schema import Submission, Task
from data.search import Search
from data.settling import Word
from data.submissions import Claim, SubmissionStore
from data.tasks import TaskStore

MODELS = ("google/nano-banana", "google/nano-banana-edit", "seedream/4.5-text-to-image", "seedream/4.5-edit")
SERVES = (("kie", "nano-banana"), ("kie", "seedream"))
SHA = "ab" * 32


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Moves on by `timedelta(**span)`."""
        self.now += timedelta(**span)


class Stores:
    """Everything that data offers, over one database."""

    def __init__(self, url: str) -> None:
        """Over a migrated database."""
        self.clock = HandClock()
        self.db = Database(url)
        self.pace = Pace()
        self.tasks = TaskStore(self.db, self.clock)
        self.submissions = SubmissionStore(self.db, self.clock)
        self.errands = ErrandStore(self.db, self.clock)
        self.deadlines = Clock(self.db, Deadlines(), self.clock)
        self.history, self.search = History(self.db), Search(self.db)

    def task(self, *, prompt: str = "a red kite", person: str = "ann", model: str = MODELS[0],
             references: tuple[StoredImage, ...] = ()) -> Task:  # fmt: skip
        """A queued task."""
        return self.tasks.create([GenerationRequest(model, prompt, {}, references)], person=person)[0]

    def claim(self, account: str = "kie") -> Claim:
        """The next claim; fails the test if the gate is shut."""
        claim = self.submissions.claim(account, SERVES, self.pace)
        assert claim is not None
        return claim

    def no_claim(self) -> bool:
        """Whether nothing may be sent now."""
        return self.submissions.claim("kie", SERVES, self.pace) is None

    def running(self, provider_task_id: str = "p1", **task: str) -> Claim:
        """A task that the provider has."""
        self.task(**task)
        claim = self.claim()
        assert self.submissions.accepted(claim.submission_id, provider_task_id)
        return claim

    def word(self, state: str, provider_task_id: str = "p1", *, urls: tuple[str, ...] = (),
             charged: int | None = 4_000_000) -> Word:  # fmt: skip
        """Something that the provider may say."""
        return Word(state, provider_task_id, urls, charged_micro=charged)

    def succeed(
        self, claim: Claim, provider_task_id: str = "p1", *, urls: tuple[str, ...] = ("http://h/1.png",)
    ) -> bool:
        """The provider reports success."""
        word = Word("succeeded", provider_task_id, urls, charged_micro=4_000_000)
        return self.submissions.apply(claim.submission_id, word)

    def fail(
        self, claim: Claim, provider_task_id: str = "p1", *, retryable: bool = False, cause: str = "policy"
    ) -> bool:
        """The provider reports failure."""
        word = Word("failed", provider_task_id, (), 0, cause, "no", retryable=retryable)
        return self.submissions.apply(claim.submission_id, word)

    def bring_home(self) -> None:
        """Fetches everything that is due."""
        while fetch := self.errands.claim_fetch(timedelta(seconds=60)):
            for position, _ in enumerate(fetch.urls):
                self.errands.stored(fetch.submission_id, position, picture())
            assert self.errands.fetched(fetch.submission_id)

    def card(self, task_id: str) -> Card:
        return self.history.card(task_id)

    def calls(self, task_id: str) -> list[Submission]:
        """All paid calls of a task, oldest first."""
        with self.db.read() as session:
            query = select(Submission).where(Submission.task_id == task_id).order_by(col(Submission.attempt))
            return list(session.exec(query))

    def events(self, task_id: str) -> list[str]:
        return [event.kind for event in self.history.detail(task_id).events]

    def close(self) -> None:
        self.db.close()


def picture(sha: str = SHA) -> StoredImage:
    """A picture that needs no file."""
    return StoredImage(sha, "image/png", 1024, 1024, 2_000_000)
