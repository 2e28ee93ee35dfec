"""Never pay twice, never lose a picture: the real stores under every misfortune, in any order that can be thought of.

Workers die between any two transactions, words get lost, doubled, late and out of order, people cancel, retry and give
up. After every step all promises hold (`invariants.py`), judged by what the provider truly took (`truth.py`), and once
the world is kind every picture comes home. `tests/mutants.py` proves that this test can fail.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from stores import MODELS
from world import ANSWERS, FETCHES, LEASE, MET, PACE
from world_rules import PEOPLE, WHICH, People, pick

from data.looks import Look
from data.settling import Word
from data.status import TRANSITIONS, TaskStatus

EXAMPLES = {"quick": 30, "thorough": 600, "mutants": 300}
"""By PICTURE_DESK_MODEL: for `make test`, for the night, and for one planted fault."""
STEPS = 60
SENDS = st.lists(st.sampled_from((*ANSWERS, "in hand")), min_size=1, max_size=3)
PAUSES = st.sampled_from((0, 0, 0.1, 2, 4, 5, 9.9, 10, 10, 13, 20))
WORKS = st.sampled_from(("picture", "picture", "two pictures", "silent charge", "empty", "fault", "fault", "refusal",
                         "charged fault"))  # fmt: skip


class Desk(People):
    """Everything that may happen next: what people do, and here what workers and the provider do."""

    # Workers ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.tasks(lambda task: task["status"] == "queued" and task["awaits_upload"]))
    @rule(fate=st.sampled_from(("done", "done", "done", "dead", "later", "refused")))
    def hand_over(self, fate: str) -> None:
        self.world.hand_over(fate)

    @rule(pause=PAUSES, tick=st.booleans(), fates=SENDS, reaches_us=st.booleans())
    def work(self, pause: float, tick: bool, fates: list[str], reaches_us: bool) -> None:
        """A little later: claims, and sends at once; "in hand" leaves it with a slow sender. Somebody always asks."""
        self.pass_time(timedelta(seconds=pause), tick=tick)
        for fate in fates:
            if not self.tasks(lambda task: task["status"] == "queued") and self.room():
                person = PEOPLE[len(self.world.tasks) % 3]
                self.world.ask(person, MODELS[0], priority=0, count=1, reference=None, key=None)
            claim = self.world.claim()
            if claim is None:
                return
            if fate == "in hand":
                self.world.in_hand.append(claim)
            else:
                self.world.send(claim, fate, reaches_us=reaches_us)
            self.world.look_around()

    @precondition(lambda self: self.due("poll_at") or self.due("fetch_at"))
    @rule(pause=PAUSES, tick=st.booleans(), fates=SENDS, reaches_us=st.booleans())
    def work_on(self, pause: float, tick: bool, fates: list[str], reaches_us: bool) -> None:
        """The same for those examples in which the other is left out."""
        self.work(pause=pause, tick=tick, fates=fates, reaches_us=reaches_us)

    @precondition(lambda self: self.world.in_hand)
    @rule(which=WHICH, fate=st.sampled_from(tuple(ANSWERS)), reaches_us=st.booleans(), asks=st.booleans())
    def send_late(self, which: int, fate: str, reaches_us: bool, asks: bool) -> None:
        """A sender that was held up asks whether it may still leave, unless it is held up on the very last step."""
        claim = pick(self.world.in_hand, which)
        may_leave = self.world.leaves(claim) if asks else True
        self.world.in_hand.remove(claim)
        if not may_leave:
            self.world.answered(claim.submission_id, "held up")
        else:
            self.world.send(claim, fate, reaches_us=reaches_us, in_time=asks)

    @rule(fate=st.sampled_from(tuple(ANSWERS)), reaches_us=st.booleans())
    def stand_still(self, fate: str, reaches_us: bool) -> None:
        """With a call in hand, for as long as the pace's window; then all go at once, those that were held up last."""
        self.work(pause=0, tick=False, fates=["in hand"], reaches_us=reaches_us)
        self.work(pause=PACE.window.total_seconds(), tick=False, fates=[fate] * PACE.creates, reaches_us=reaches_us)
        for _ in self.world.in_hand[:]:
            self.send_late(which=0, fate=fate, reaches_us=reaches_us, asks=True)

    @precondition(lambda self: self.world.answers)
    @rule(which=WHICH, no=st.booleans())
    def answer_late(self, which: int, no: bool) -> None:
        """Perhaps for the second time, and perhaps a no that something on the way made up."""
        submission_id, answer = pick(self.world.answers, which)
        self.world.answered(submission_id, "no" if no else answer)

    @precondition(lambda self: self.due("poll_at"))
    @rule(limit=st.integers(1, 5), late=st.booleans())
    def look(self, limit: int, late: bool) -> None:
        def keep(look: Look, word: Word | None) -> None:
            self.world.under_way.append((look, word))

        self.world.looks(limit, keep if late else self.world.looked)

    @precondition(lambda self: self.world.under_way)
    @rule(which=WHICH)
    def late_word(self, which: int) -> None:
        """Arrives now, and perhaps once more later on."""
        self.world.looked(*pick(self.world.under_way, which))

    @precondition(lambda self: self.due("fetch_at"))
    @rule(fate=st.sampled_from(FETCHES), look_again=st.booleans())
    def fetch(self, fate: str, look_again: bool) -> None:
        errand = self.world.stores.errands.claim_fetch(LEASE)
        if errand is not None:
            self.world.fetches.append(errand)
            self.world.fetch(errand, fate, look_again=look_again)

    @precondition(lambda self: self.world.fetches)
    @rule(which=WHICH, fate=st.sampled_from(FETCHES))
    def fetch_late(self, which: int, fate: str) -> None:
        """A slow fetcher, or one that says a thing twice; another may have taken over long ago."""
        self.world.fetch(pick(self.world.fetches, which), fate)

    @precondition(lambda self: self.due("fetch_at"))
    @rule(slow=st.sampled_from(FETCHES), quick=st.sampled_from(FETCHES), slow_first=st.booleans())
    def two_fetch(self, slow: str, quick: str, slow_first: bool) -> None:
        """One is slow beyond its lease, so another takes over; then both say what they have to say."""
        first = self.world.stores.errands.claim_fetch(LEASE)
        self.pass_time(LEASE, tick=False)
        second = self.world.stores.errands.claim_fetch(LEASE)
        says = [(first, slow), (second, quick)]
        for errand, fate in says if slow_first else reversed(says):
            if errand is not None:
                self.world.fetch(errand, fate)

    # The provider -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.provider.jobs)
    @rule(which=WHICH, result=WORKS, tells=st.sampled_from(("nobody", "word", "word", "hint")))
    def provider_works(self, which: int, result: str, tells: str) -> None:
        """It finishes, or says of something finished what it had not said before."""
        jobs = self.world.provider.jobs
        unfinished = [job for job in jobs if job.state == "running"]
        job = pick(unfinished if unfinished and which < 6 else jobs, which)
        if job.state == "succeeded":
            if job.listed:
                job.move_files()
            job.listed = True
        elif result.startswith(("picture", "two", "silent", "empty")):
            job.succeed(2 if result.startswith("two") else 1, listed=result != "empty",
                        **({"charge": None} if result.startswith("silent") else {}))  # fmt: skip
        else:
            job.fail(retryable="fault" in result, charge=1_000_000 if "charged" in result else 0)
        if tells == "word":
            self.world.apply(job.submission_id, job.word())
        elif tells == "hint":
            self.world.hint(job)

    @precondition(lambda self: self.world.provider.jobs)
    @rule(which=WHICH, times=st.integers(1, 3), hint=st.booleans())
    def provider_speaks(self, which: int, times: int, hint: bool) -> None:
        job = pick(self.world.provider.jobs, which)
        for _ in range(times):
            if hint:
                self.world.hint(job)
            else:
                self.world.apply(job.submission_id, job.word())

    @precondition(lambda self: self.world.provider.jobs)
    @rule(which=WHICH, other=WHICH, state=st.sampled_from(("running", "succeeded", "failed")))
    def strange_word(self, which: int, other: int, state: str) -> None:
        jobs = self.world.provider.jobs
        other_id = pick(jobs, other).id if other % 2 else "p0"
        self.world.strange_word(pick(jobs, which), other_id, state)


def prove(profile: str) -> None:
    """Runs the model; raises what it finds. The same examples each time, except at night."""
    shrinks = () if profile == "mutants" else (Phase.shrink,)
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=EXAMPLES[profile], stateful_step_count=STEPS, deadline=None, database=None,
            derandomize=profile != "thorough", phases=(Phase.generate, *shrinks), print_blob=True,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        ),
    )  # fmt: skip


def transitions() -> set[str]:
    """Those of the table that any example has met."""
    return {f"{a} → {b}" for a in TaskStatus for b in TRANSITIONS[a]} & set(MET)


def figures(seconds: float) -> str:
    """What the run met."""
    calls = sum(count for what, count in MET.items() if what.startswith("sent: "))
    return (
        f"model: {MET['examples']} examples, {MET['steps']} steps, {calls} paid calls in {seconds:.0f} s · "
        f"{len(transitions())} of {sum(map(len, TRANSITIONS.values()))} transitions met"
    )


@pytest.mark.functions
def test_whatever_goes_wrong_nothing_is_paid_twice_and_no_picture_is_lost(
    record_property: Callable[[str, object], None],
) -> None:
    began = time.monotonic()
    prove(os.environ.get("PICTURE_DESK_MODEL", "quick"))
    record_property("figures", figures(time.monotonic() - began))
    assert len(transitions()) >= 16, f"too little was met to prove anything: {sorted(MET.items())}"
