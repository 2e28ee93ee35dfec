"""The end of each example: everybody answers from now on, and what was asked for must end with every picture at home.

It jumps from one due time to the next, so that days pass in a few steps.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from invariants import ENDED, OPEN, YOUNG, Row, hold
from truth import Job
from world import BOUND, DAY, GIVE_UP, LEASE, PACE, World

from data.errors import NotAllowed
from data.removal import Removal


def turn_kind(world: World) -> None:
    """From now on everybody answers, and the clock goes on: what was asked for ends, and no picture is lost."""
    world.in_hand, world.answers, world.under_way, world.fetches = [], [], [], []  # whoever held them is dead
    for job in world.provider.jobs:
        if job.state == "running" or not job.listed:
            job.succeed(max(1, len(job.outputs)))
    owed = _owed(world)
    Removal(world.stores.db, world.clock).restore(list(world.tasks), who="ann")
    world.look_around()
    for job in world.provider.jobs:
        if job.reaches_us:
            world.hint(job)
    for call in [world.seen.calls[submission_id] for submission_id in list(world.told.given_up)]:
        with suppress(NotAllowed):
            world.retry_download(call["task_id"])
    for _ in range(400):
        _work(world)
        due = _next_due(world)
        if due is None:
            break
        world.clock.now = due
    _all_is_well(world, owed)


def _owed(world: World) -> list[Job]:
    """Finished calls that we were told of, can be told of, or can look up, and that are not deleted there."""
    seen = world.look_around()
    young = [
        job
        for job in world.provider.jobs
        if seen.calls[job.submission_id]["started_at"] > world.clock() - GIVE_UP + DAY
    ]
    return [
        job for job in world.provider.jobs
        if job.state == "succeeded" and (
            job.submission_id in world.told.successes
            or (job in young and (job.reaches_us or _is_watched(world, seen.calls[job.submission_id], job)))
        )
    ]  # fmt: skip


def _is_watched(world: World, call: Row, job: Job) -> bool:
    return call["provider_task_id"] == job.id and call["outcome"] in OPEN


def _work(world: World) -> None:
    """Everything that is due at this moment, done well: what ends makes room for the next to be sent."""
    sent = True
    while sent:
        sent = False
        world.tick()
        while world.hand_over("done"):
            pass
        while (claim := world.claim()) is not None:
            world.send(claim, "taken and done", reaches_us=True)
            sent = True
        while world.looks(20, world.looked):
            pass
        while (errand := world.stores.errands.claim_fetch(LEASE)) is not None:
            world.fetch(errand, "home")
            sent = True
    world.check()


def _next_due(world: World) -> datetime | None:
    """The next moment at which something can happen; None when everything has."""
    seen, dues = world.seen, []
    for task in seen.tasks.values():
        if task["status"] == "queued":
            dues += [task["not_before"], seen.gate]
            dues += [call["started_at"] + span for call in seen.calls.values() for span in (PACE.window, YOUNG)]
        elif task["status"] in {"unconfirmed", "running"}:
            dues.append(task["status_at"] + BOUND)
    for call in seen.calls.values():
        dues += [call["fetch_at"], call["lease_until"] if call["outcome"] == "sending" else None]
        if call["provider_task_id"] is not None and world.provider.record(call["provider_task_id"], call["id"]):
            dues.append(call["poll_at"])
    later = [due for due in dues if due is not None and due >= seen.now]
    return min(later) + timedelta(milliseconds=1) if later else None


def _all_is_well(world: World, owed: list[Job]) -> None:
    seen = world.seen
    for task in seen.tasks.values():
        hold(task["status"] in ENDED, "10: whatever was asked for ends", task, seen.by_task[task["id"]])
    for job in owed:
        home = seen.files[job.submission_id] >= set(range(len(job.outputs)))
        hold(home, "10: every picture that can be found is found", job, seen.calls[job.submission_id])
        status = seen.tasks[job.task_id]["status"]
        hold(status == "succeeded", "10: a task with a picture has succeeded", status)
