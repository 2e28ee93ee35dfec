"""The life of a task and of a submission, as tables: the only place that says what may follow what.

A task is what a person asked for; a submission is one paid call that we made, or may have made, for it. `tests` hold
every transition in the store to these tables.
"""

from enum import StrEnum


class TaskStatus(StrEnum):
    """Where a task stands. Each value is what is stored and what programs see as the finer status."""

    QUEUED = "queued"  # waiting for a worker, a retry time, the pace or a reference upload; nothing was sent
    SUBMITTING = "submitting"  # the intent to spend is committed; the request is on its way
    UNCONFIRMED = "unconfirmed"  # the request may have been taken: no answer, a 5xx, or the sender died
    RUNNING = "running"  # the provider has it and told us its id
    FETCHING = "fetching"  # the result is known; its files are being brought home
    SUCCEEDED = "succeeded"  # every output is stored
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of one paid call."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"  # perhaps taken: never resent, settled by evidence, by a person, or by the clock
    NOT_SENT = "not_sent"  # certainly not a byte left
    REJECTED = "rejected"  # certainly refused
    WRITTEN_OFF = "written_off"  # given up, by a person or by the clock: it may have been paid for
    SUCCEEDED = "succeeded"
    PROVIDER_FAILED = "provider_failed"  # taken, and failed there; charged only where the provider says so


_S = TaskStatus
TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    _S.QUEUED: frozenset({_S.SUBMITTING, _S.CANCELLED, _S.FAILED, _S.FETCHING}),
    _S.SUBMITTING: frozenset({_S.RUNNING, _S.FETCHING, _S.QUEUED, _S.FAILED, _S.UNCONFIRMED, _S.CANCELLED}),
    _S.UNCONFIRMED: frozenset({_S.RUNNING, _S.FETCHING, _S.QUEUED, _S.FAILED, _S.CANCELLED}),
    _S.RUNNING: frozenset({_S.FETCHING, _S.QUEUED, _S.FAILED, _S.CANCELLED}),
    _S.FETCHING: frozenset({_S.SUCCEEDED, _S.FAILED}),
    _S.FAILED: frozenset({_S.FETCHING, _S.QUEUED}),  # evidence wins; or a person writes the doubt off
    _S.CANCELLED: frozenset({_S.FETCHING}),  # a written-off call was taken after all: the picture is kept
    _S.SUCCEEDED: frozenset(),
}

ACTIVE = frozenset({_S.QUEUED, _S.SUBMITTING, _S.UNCONFIRMED, _S.RUNNING, _S.FETCHING})
TERMINAL = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED})

OPEN = frozenset({Outcome.SENDING, Outcome.UNKNOWN, Outcome.ACCEPTED})
"""Outcomes that may still cost money or bring a result; the database allows one such submission per task."""

SEED_WORDS: dict[TaskStatus, str] = {
    _S.QUEUED: "pending",
    _S.SUBMITTING: "processing",
    _S.UNCONFIRMED: "processing",
    _S.RUNNING: "processing",
    _S.FETCHING: "processing",
    _S.SUCCEEDED: "completed",
    _S.FAILED: "failed",
    _S.CANCELLED: "cancelled",
}
"""The four words that programs written against the first API know, plus `cancelled`."""
