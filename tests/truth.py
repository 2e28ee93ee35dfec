"""The provider as it truly is, and what of it we were told: the two books that the model-based test holds the store to.

It knows nothing of our tables. Whatever the store believes, what was taken and what it costs stands here.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from data.settling import Word

PRICE = 4_000_000
"""Micro-credits the provider takes for a picture; beside the point for the promises, but the books must agree on it."""


OVER = "failed, and succeeded after all"
"""What once excused another call and does so no more: from then on it is known to be paid for."""


@dataclass
class Job:
    """One call that the provider took: it costs money from here on, whether we know of it or not."""

    id: str
    submission_id: str
    task_id: str
    taken_at: datetime
    reaches_us: bool  # whether its webhooks find us in the end
    state: str = "running"
    outputs: tuple[str, ...] = ()
    listed: bool = True  # False: done, and the list of pictures still empty
    charge: int | None = None  # None: the record does not say
    retryable: bool = False
    version: int = 0  # of its addresses

    def word(self) -> Word:
        """What its record says at this moment."""
        outputs = self.outputs if self.listed else ()
        cause = "provider_error" if self.state == "failed" else None
        return Word(self.state, self.id, outputs, self.charge, cause, "", retryable=self.retryable)

    def succeed(self, count: int, *, listed: bool = True, charge: int | None = PRICE) -> None:
        """Done, with so many pictures."""
        self.state, self.listed, self.charge = "succeeded", listed, charge
        self._address(count)

    def fail(self, *, retryable: bool, charge: int = 0) -> None:
        """Done, without a picture."""
        self.state, self.retryable, self.charge = "failed", retryable, charge

    def move_files(self) -> None:
        """The same pictures at other addresses."""
        self.version += 1
        self._address(len(self.outputs))

    def _address(self, count: int) -> None:
        self.outputs = tuple(f"http://h/{self.id}.{self.version}.{number}.png" for number in range(count))


@dataclass
class Provider:
    """Takes calls and keeps them. A call is sent at most once, so each submission has one job or none."""

    jobs: list[Job] = field(default_factory=list)

    def take(self, submission_id: str, task_id: str, now: datetime, *, reaches_us: bool) -> Job:
        """Takes the call; from here on it is owed for."""
        job = Job(f"p{len(self.jobs) + 1}", submission_id, task_id, now, reaches_us)
        self.jobs.append(job)
        return job

    def record(self, job_id: str, submission_id: str) -> Word | None:
        """The answer to a look; None where there is no such job, or its callback address is not this call's."""
        job = next((job for job in self.jobs if job.id == job_id), None)
        return job.word() if job is not None and job.submission_id == submission_id else None


@dataclass
class Told:
    """What the provider and people have told us, by submission unless it says task."""

    heard: set[str] = field(default_factory=set)  # the provider has owned up to having it
    successes: dict[str, datetime] = field(default_factory=dict)  # and when first
    addresses: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))
    excuses: dict[str, str] = field(default_factory=dict)  # why another call may follow this one
    asked: dict[str, datetime] = field(default_factory=dict)  # when its files were asked for last
    given_up: dict[str, None] = field(default_factory=dict)  # downloads that were ended on purpose, in order
    wishes: set[str] = field(default_factory=set)  # tasks that somebody cancelled since anyone last asked for them

    def word(self, submission_id: str, word: Word, now: datetime) -> None:
        """A true word about this call has reached us."""
        self.heard.add(submission_id)
        if word.state == "succeeded" and word.outputs:
            self.successes.setdefault(submission_id, now)
            self.asked.setdefault(submission_id, now)
            self.addresses[submission_id].add(word.outputs)
            if self.excuses.get(submission_id) == "failed":
                self.excuses[submission_id] = OVER
        elif word.state == "failed" and word.retryable and not word.charged_micro and not self.succeeded(submission_id):
            self.excuses.setdefault(submission_id, "failed")

    def no(self, submission_id: str) -> None:
        """We were told that it was not taken. That counts only where the provider has not said otherwise before."""
        if submission_id not in self.heard:
            self.excuses.setdefault(submission_id, "no")

    def succeeded(self, submission_id: str) -> bool:
        return submission_id in self.successes
