"""Our books beside the provider's own record: which calls to ask about, what differs, and what the balance should be.

It asks nobody and changes nothing: `callback_server/workers/comparison.py` brings the provider's word, and a picture
found there goes through intake like any other. Money in micro-credits.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from data.db import Database
from data.money import format_credits
from data.schema import OPEN_CALL, Submission, Task
from data.sentences import Sentence
from data.status import OPEN, Outcome

LONG = timedelta(hours=1)
"""A call open for longer than this is asked about as well."""
PAGE = 20
MOST_DIFFERENCES = 100
TOLD_FOR = timedelta(days=7)
"""The lamp speaks of a difference for so long: whoever was away for a weekend still sees it."""
KEPT_FOR = timedelta(days=30)

CHARGE, STATE, NO_RECORD, FOUND, BALANCE = "charge", "state", "no_record", "found", "balance"


@dataclass(frozen=True)
class Call:
    """A paid call as our books have it."""

    submission_id: str
    task_id: str
    account: str
    provider_task_id: str
    outcome: Outcome
    charged_micro: int | None
    cursor: tuple[str, str]  # where the page after it begins

    @property
    def settled_with_picture(self) -> bool:
        """Whether there is nothing more to be had of it."""
        return self.outcome == Outcome.SUCCEEDED

    @property
    def may_bring_news(self) -> bool:
        """Whether the provider's word is told to intake whatever it is, as any look would."""
        return self.outcome not in {Outcome.SUCCEEDED, Outcome.PROVIDER_FAILED}


@dataclass(frozen=True)
class Difference:
    """What differs, in a sentence, and by how much: `theirs_micro` less `ours_micro`."""

    at: str  # when it was noticed, ISO 8601
    kind: str
    account: str
    text: str
    ours_micro: int = 0
    theirs_micro: int = 0
    task_id: str = ""
    submission_id: str = ""
    provider_task_id: str = ""

    @property
    def same_as(self) -> tuple[str, ...]:
        """A comparison that was broken off meets the same once more."""
        return self.kind, self.submission_id or self.at, str(self.theirs_micro)


@dataclass
class Progress:
    """How far a comparison is, and what it found; kept in its chore's report, so that another worker can go on."""

    since: str = ""  # of the calls settled from here …
    until: str = ""  # … to before here
    account: str = ""  # at which we are; those before it, by name, are done
    stage: str = ""  # settled, open, balance
    after: tuple[str, str] | None = None
    compared: int = 0
    unanswered: int = 0
    complete: bool = True
    differences: list[Difference] = field(default_factory=list)  # newest first, bounded
    notes: list[str] = field(default_factory=list)
    trouble: str = ""  # why it was broken off
    balances: dict[str, dict[str, Any]] = field(default_factory=dict)  # account → {"at": ISO 8601, "micro": int}

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Progress":
        """From a chore's report."""
        known = {name: value for name, value in plain.items() if name in cls.__dataclass_fields__}
        known["differences"] = [Difference(**each) for each in known.get("differences", [])]
        known["after"] = tuple(known["after"]) if known.get("after") else None
        return cls(**known)

    def next_night(self, now: datetime) -> None:
        """Begins with all days that have ended since the last comparison; goes on with one that was broken off."""
        if not self.complete:
            return
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        day, oldest = midnight - timedelta(days=1), midnight - timedelta(days=14)
        since = max(datetime.fromisoformat(self.until), oldest) if self.until else day
        self.begin(since, midnight)
        young = (now - KEPT_FOR).isoformat()
        self.differences = [each for each in self.differences if each.at > young]

    def begin(self, since: datetime, until: datetime) -> None:
        """Starts anew with this stretch of time."""
        self.since, self.until = since.isoformat(), until.isoformat()
        self.account = self.stage = ""
        self.after, self.compared, self.unanswered, self.complete, self.notes = None, 0, 0, False, []

    def add(self, found: Difference) -> None:
        """Notes a difference, once."""
        if found.same_as not in {each.same_as for each in self.differences}:
            self.differences = [found, *self.differences][:MOST_DIFFERENCES]

    def told(self, now: datetime) -> list[Difference]:
        """Those that a person should still hear of. A picture that was found is good news, and none of them."""
        young = (now - TOLD_FOR).isoformat()
        return [each for each in self.differences if each.at > young and each.kind != FOUND]


@dataclass(frozen=True)
class Balance:
    """What is on an account, and between which two sums it should be."""

    account: str
    micro: int
    low: int | None  # None: a call of unknown price is under way, so there is no lower bound
    high: int

    @property
    def unexplained(self) -> int:
        """More (above 0) or less than our books explain."""
        if self.micro > self.high:
            return self.micro - self.high
        return self.micro - self.low if self.low is not None and self.micro < self.low else 0


class Books:
    """The reads that a comparison needs."""

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives the present moment in UTC; by default the database's."""
        self._db = db
        self.now = clock or db.now

    def settled(self, account: str, since: str, until: str, after: tuple[str, str] | None) -> list[Call]:
        """The next calls settled in this stretch of time that the provider has a name for."""
        at = col(Submission.settled_at)
        stretch = [at >= datetime.fromisoformat(since), at < datetime.fromisoformat(until)]
        return self._page(account, at, stretch, after)

    def long_open(self, account: str, after: tuple[str, str] | None) -> list[Call]:
        """The next calls that have been open for long."""
        at = col(Submission.started_at)
        return self._page(account, at, [OPEN_CALL, at < self.now() - LONG], after)

    def _page(self, account: str, at: Any, where: Iterable[Any], after: tuple[str, str] | None) -> list[Call]:
        later: list[ColumnElement[bool]] = []
        if after is not None:
            moment = datetime.fromisoformat(after[0])
            later = [or_(at > moment, and_(at == moment, col(Submission.id) > after[1]))]
        named = col(Submission.provider_task_id).is_not(None)
        query = select(Submission).where(Submission.account == account, named, *where, *later)
        with self._db.read() as session:
            found = session.exec(query.order_by(at, col(Submission.id)).limit(PAGE)).all()
            return [
                Call(row.id, row.task_id, row.account, row.provider_task_id or "", row.outcome, row.charged_micro,
                     (getattr(row, at.key).isoformat(), row.id))
                for row in found
            ]  # fmt: skip

    def judge(self, call: Call, state: str | None, charged_micro: int | None) -> Difference | None:
        """What differs between our books and the record; `state` None where the provider has none any more."""
        ours = call.charged_micro or 0
        theirs = ours if charged_micro is None else charged_micro
        if call.outcome in OPEN:
            return None  # what is said of it now was told to intake
        if state is None:
            if not ours:
                return None
            text = Sentence(
                "We noted {n} credits, and the provider has no record of it any more.", n=format_credits(ours)
            )
            return self._difference(NO_RECORD, call, text, ours, 0)
        if call.settled_with_picture and state == "failed":
            text = Sentence("We have it as finished, and the provider's record says that it failed.")
            return self._difference(STATE, call, text, ours, theirs)
        if state == "running":
            state_here = call.outcome.value.replace("_", " ")
            text = Sentence("We have it as {state}, and the provider says that it still runs.", state=state_here)
            return self._difference(STATE, call, text, ours, theirs)
        if theirs != ours:
            text = Sentence("We noted {ours}, the provider's record says {theirs}.", ours=_noted(call.charged_micro),
                            theirs=format_credits(theirs))  # fmt: skip
            return self._difference(CHARGE, call, text, ours, theirs)
        return None

    def found(self, call: Call, charged_micro: int | None) -> Difference:
        """A picture that we did not have: intake has it now."""
        text = Sentence("The provider had a picture that we did not know of. It is being fetched.")
        return self._difference(FOUND, call, text, call.charged_micro or 0, charged_micro or 0)

    def foreign(self, call: Call) -> Difference:
        """Under the id that we know, the provider has somebody else's record."""
        text = Sentence("Under the id that we noted, the provider has a record that names another request.")
        return self._difference(STATE, call, text, call.charged_micro or 0, call.charged_micro or 0)

    def _difference(self, kind: str, call: Call, text: str, ours: int, theirs: int) -> Difference:
        return Difference(
            at=self.now().isoformat(), kind=kind, account=call.account, text=text, ours_micro=ours, theirs_micro=theirs,
            task_id=call.task_id, submission_id=call.submission_id, provider_task_id=call.provider_task_id,
        )  # fmt: skip

    def balance(self, account: str, before: dict[str, Any], at: datetime, micro: int) -> Balance:
        """What should be left at this moment, from what was left `before` and what was booked in between.

        A call may be charged some time before we settle it. So what was under way at the first look may have been paid
        before it (`high`), and what is under way now, or was written off, may have been paid since (`low`).
        """
        then = datetime.fromisoformat(before["at"])
        settled = and_(col(Submission.settled_at) > then, col(Submission.settled_at) <= at)
        with self._db.read() as session:
            booked = _calls(session, account, settled)
            still = or_(OPEN_CALL, col(Submission.settled_at) > at)
            under_way = _calls(session, account, still)
        doubtful = [
            each for each in booked
            if each.outcome == Outcome.WRITTEN_OFF or (each.outcome == Outcome.SUCCEEDED and each.charged is None)
        ]  # fmt: skip
        left = int(before["micro"]) - sum(each.charged or 0 for each in booked)
        early = sum(each.charged or 0 for each in booked if each.started_at <= then)
        open_ends = [each.most for each in (*doubtful, *under_way)]
        unknown = any(most is None for most in open_ends)
        return Balance(account, micro, None if unknown else left - sum(most or 0 for most in open_ends), left + early)


@dataclass(frozen=True)
class _Sum:
    outcome: Outcome
    started_at: datetime
    charged: int | None
    estimate: int | None

    @property
    def most(self) -> int | None:
        """What it may have cost; None where nobody knows its price."""
        return self.charged if self.estimate is None else max(self.charged or 0, self.estimate)


def _calls(session: Session, account: str, where: ColumnElement[bool]) -> list[_Sum]:
    query = (
        select(Submission.outcome, Submission.started_at, Submission.charged_micro, Task.estimate_micro)
        .join(Task, col(Task.id) == Submission.task_id)
        .where(Submission.account == account, where)
    )
    return [_Sum(Outcome(outcome), *rest) for outcome, *rest in session.exec(query).all()]


def _noted(charged_micro: int | None) -> str:
    if charged_micro is None:
        return Sentence("no charge")
    return Sentence("{n} credits", n=format_credits(charged_micro))
