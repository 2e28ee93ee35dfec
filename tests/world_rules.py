"""A world for the model-based test: its promises, what people do in it, and how its time goes by."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from invariants import ENDED, ITS_CALL, Row, hold, wish
from kind_world import turn_kind
from stores import MODELS, SHA
from truth import OVER
from world import MET, World

from data.errors import BudgetExceeded, NotAllowed, NotFound
from data.removal import Removal

MOST_TASKS, MOST_AT_ONCE = 16, 6
MOST_LEAPS, MOST_CANCELS, MOST_DELETES = 6, 4, 2

T = TypeVar("T")
WHICH = st.integers(0, 7)
PEOPLE = ("ann", "bob", "cy")
BUDGETS = st.sampled_from((("person:*", None), ("person:bob", None), ("team", None), ("person:bob", 6_000_000),
                          ("person:*", 10_000_000), ("team", 24_000_000)))  # fmt: skip


def pick(things: Sequence[T], which: int) -> T:
    """One of them, the newest first."""
    return things[-1 - which % len(things)]


class People(RuleBasedStateMachine):
    """A world with its promises, and what people do in it. Each rule is one act; `which` says to whom it happens."""

    def __init__(self) -> None:
        super().__init__()
        MET["examples"] += 1
        self.world, self.cancels, self.leaps, self.long_leaps = World(), 0, 0, 0
        self.deletes, self.presses = 0, 0

    @invariant()
    def all_promises_hold(self) -> None:
        MET["steps"] += 1
        self.world.check()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # a broken world need not turn kind
                turn_kind(self.world)
        finally:
            self.world.close()

    # People -----------------------------------------------------------------------------------------------------

    def tasks(self, fits: Callable[[Row], object]) -> list[str]:
        """Those in sight for which it holds."""
        return [task["id"] for task in self.world.seen.tasks.values() if not task["deleted_at"] and fits(task)]

    def deleted(self) -> list[str]:
        return [task["id"] for task in self.world.seen.tasks.values() if task["deleted_at"]]

    def room(self) -> bool:
        """Whether anybody asks for more: beyond this an example is only slower."""
        return (
            len(self.world.tasks) < MOST_TASKS and len(self.tasks(lambda task: not task["finished_at"])) < MOST_AT_ONCE
        )

    def due(self, name: str) -> bool:
        """Whether an errand of this kind is due."""
        now = self.world.clock()
        return any(call[name] is not None and call[name] <= now for call in self.world.seen.calls.values())

    def asked_again(self, task_id: str) -> bool:
        """Whether it is asked for again already: another try at its wish is under way, has a picture, or is newer.

        A newer one that was cancelled does not count.
        """
        others = [task for task in wish(self.world.seen, task_id) if task["id"] != task_id]
        if any(task["status"] not in ENDED or task["status"] == "succeeded" for task in others):
            return True
        seq = self.world.seen.tasks[task_id]["seq"]
        return any(task["seq"] > seq and task["deleted_at"] is None and task["status"] == "failed" for task in others)

    def has(self, task: Row, outcome: str) -> bool:
        return any(call["outcome"] == outcome for call in self.world.seen.by_task[task["id"]])

    @precondition(lambda self: self.room())
    @rule(person=st.sampled_from(PEOPLE), model=st.sampled_from(MODELS), priority=st.sampled_from((0, 0, 1, -1)),
          count=st.sampled_from((1, 1, 2)), keyed=st.booleans(), budget=BUDGETS)  # fmt: skip
    def ask(
        self, *, person: str, model: str, priority: int, count: int, keyed: bool, budget: tuple[str, int | None]
    ) -> None:
        self.world.ledger.set_budget(*budget, who="ann")
        reference = (SHA if person == "ann" else "cd" * 32) if "edit" in model else None
        key = f"{person} {model} {priority} {count}" if keyed else None
        self.world.ask(person, model, priority=priority, count=count, reference=reference, key=key)

    @precondition(lambda self: self.cancels < MOST_CANCELS and self.tasks(lambda task: not task["finished_at"]))
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        unfinished = self.tasks(lambda task: not task["finished_at"])
        task_id = pick(self.tasks(lambda task: task["status"] in ITS_CALL) or unfinished, which)
        self.cancels += 1
        self.world.stores.tasks.cancel(task_id, who="ann")
        self.world.told.wishes.add(task_id)

    @precondition(lambda self: self.room() and self.tasks(lambda task: task["finished_at"]))
    @rule(which=WHICH, whole_batch=st.booleans())
    def retry(self, which: int, whole_batch: bool) -> None:
        """Pressed twice, as impatient people do: that is one request."""
        world, store = self.world, self.world.stores.tasks
        task_id = pick(self.tasks(lambda task: task["finished_at"]), which)
        batch, status = (world.seen.tasks[task_id][name] for name in ("batch_id", "status"))
        pressed = []
        with suppress(BudgetExceeded, NotAllowed):
            for _ in range(2):
                tasks = store.retry_failed(batch, who="ann").tasks if whole_batch else [store.retry(task_id, who="ann")]
                pressed.append([task.id for task in tasks])
                new = world.made(pressed[-1], world.references.get(task_id))
                hold(whole_batch or status != "succeeded" or not new, "1: what has its picture is not asked for again")
        hold(len({*map(tuple, pressed)}) <= 1, "1: pressed twice is asked once", pressed)

    @precondition(lambda self: self.tasks(lambda task: self.has(task, "unknown")))
    @rule(which=WHICH, again=st.booleans())
    def write_off(self, which: int, again: bool) -> None:
        world = self.world
        task_id = pick(self.tasks(lambda task: self.has(task, "unknown")), which)
        try:
            world.stores.tasks.write_off(task_id, who="ann", again=again)
        except BudgetExceeded:
            hold(again, "money: giving up alone costs nothing")
            MET["budget exceeded"] += 1
            return
        except NotAllowed:
            hold(again and self.asked_again(task_id), "9: a doubt may be given up", task_id)
            MET["not sent again beside a retry"] += 1
            return
        if again:  # that person answers for all that went before, and asks once more
            world.told.wishes.discard(task_id)
            for call in world.seen.by_task[task_id]:
                if world.told.excuses.get(call["id"], OVER) == OVER:
                    world.told.excuses[call["id"]] = "a person"
            world.keeps_budgets(world.seen.tasks[task_id]["person"])

    @precondition(lambda self: self.world.told.given_up)
    @rule(which=WHICH)
    def retry_download(self, which: int) -> None:
        world = self.world
        call = world.seen.calls[pick(list(world.told.given_up), which)]
        with suppress(NotAllowed, NotFound):  # a slow fetcher brought it meanwhile; or it is deleted
            world.retry_download(call["task_id"])

    @precondition(
        lambda self: not self.due("poll_at") and self.tasks(lambda t: self.has(t, "accepted") or self.has(t, "unknown"))
    )
    @rule(which=WHICH)
    def check_now(self, which: int) -> None:
        with suppress(NotAllowed):
            self.world.stores.tasks.check_now(
                pick(self.tasks(lambda task: self.world.seen.by_task[task["id"]]), which), who="ann"
            )

    @precondition(lambda self: self.tasks(lambda task: self.has(task, "unknown")))
    @rule(which=WHICH, other=st.sampled_from((None, None, None, 0, 1, 2, 3)))
    def name_the_call(self, which: int, other: int | None) -> None:
        """A person finds it in the provider's list; or mistypes; or mixes it up with another call."""
        world = self.world
        task_id = pick(self.tasks(lambda task: self.has(task, "unknown")), which)
        (call,) = [call for call in world.seen.by_task[task_id] if call["outcome"] == "unknown"]
        job = world.job(call["id"]) if other is None else pick([None, *world.provider.jobs], other)
        with suppress(NotAllowed):
            world.stores.tasks.name_call(task_id, "p0" if job is None else job.id, who="ann")

    @precondition(lambda self: self.deletes < MOST_DELETES and self.tasks(lambda task: task["finished_at"]))
    @rule(which=WHICH, everything=st.booleans())
    def delete(self, which: int, everything: bool) -> None:
        """Of everything, what is under way stays."""
        chosen = self.tasks(lambda _: True)
        if not everything:
            chosen = [pick(self.tasks(lambda task: task["finished_at"]), which)]
        self.deletes += 1
        Removal(self.world.stores.db, self.world.clock).delete(chosen, who="ann")
        MET["deleted"] += 1

    @precondition(lambda self: self.presses < MOST_DELETES and self.deleted())
    @rule(which=WHICH, back=st.booleans())
    def press_on_a_deleted_one(self, which: int, back: bool) -> None:
        """A page that is still open asks for more of it, and is told that it is not there; or it is brought back."""
        task_id, store = pick(self.deleted(), which), self.world.stores.tasks
        self.presses += 1
        if back:
            Removal(self.world.stores.db, self.world.clock).restore([task_id], who="ann")
            return
        acts: tuple[Callable[[], object], ...] = (
            lambda: store.retry(task_id, who="ann"), lambda: store.write_off(task_id, who="ann", again=True),
            lambda: store.retry_download(task_id, who="ann"), lambda: store.check_now(task_id, who="ann"),
        )  # fmt: skip
        for act in acts:
            with suppress(NotFound):
                hold(act() is None and False, "11: nothing is done for a deleted task", task_id)
        self.world.check()

    # The clock ----------------------------------------------------------------------------------------------------

    def pass_time(self, span: timedelta, *, tick: bool) -> None:
        self.world.clock.now += span
        if tick:
            self.world.tick()

    @precondition(lambda self: self.leaps < MOST_LEAPS)
    @rule(minutes=st.sampled_from((0.6, 0.6, 5, 31, 61)), tick=st.booleans())
    def minutes_pass(self, minutes: float, tick: bool) -> None:
        self.leaps += 1
        self.pass_time(timedelta(minutes=minutes), tick=tick)

    @precondition(lambda self: self.long_leaps < 2)
    @rule(days=st.sampled_from((1.1, 14.1)), tick=st.booleans())
    def days_pass(self, days: float, tick: bool) -> None:
        self.long_leaps += 1
        self.pass_time(timedelta(days=days), tick=tick)
