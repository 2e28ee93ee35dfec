"""The words every wire is translated into: how a paid call was answered, and what a provider says about a task.

A provider turns a request into an HTTP call and an answer into one of these shapes. It knows no database and decides
nothing about tasks; `intake` does.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from data.catalog import TokenRates

HELD = "held:"
"""Begins the address of a file that came inside an answer: its SHA-256 follows, under which our own storage has it."""


def held(data: bytes) -> str:
    """The address of a file that came inside an answer."""
    return HELD + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class PaidCall:
    """One submission, ready to leave: `input` is flat, built from the catalogue's allow-list; the wire nests it.

    References stand in `input` as addresses that the provider can fetch, or as data URLs for one that answers at once.
    The prices are for a provider that says how much it made instead of what it charged.
    """

    submission_id: str
    model: str  # as the provider is told it
    input: dict[str, Any]
    callback_url: str | None
    price_micro: int | None = None  # micro-credits for one picture; None: unknown
    rates: TokenRates | None = None


@dataclass(frozen=True)
class Accepted:
    """The provider has taken the task and named it."""

    provider_task_id: str


@dataclass(frozen=True)
class Refused:
    """An answer that proves that nothing was created. `retry_in` None means: refused for good."""

    # Ours, stable. With retry_in: rate_limited, no_credits, key_refused, key_capped, maintenance.
    # For good: invalid, policy, model_unknown, paused, input_unreachable, refused.
    code: str
    message: str  # the provider's own words
    retry_in: timedelta | None = None
    pauses_account: bool = False  # every other call on this account would be refused too


@dataclass(frozen=True)
class NotSent:
    """Not one byte of the request left: name not found, connection refused, TLS failed. Safe to try again."""

    message: str
    retry_in: timedelta = timedelta(seconds=5)
    # Or upload_failed (our own disk) or held_up (our own server), which say nothing about the account.
    code: str = "unreachable"


@dataclass(frozen=True)
class Unknown:
    """Perhaps taken: no answer, a cut connection, a 5xx. Never sent again without evidence or a person."""

    message: str


@dataclass(frozen=True)
class ProviderReport:
    """What a provider says about a task, however it said it. `state` is running, succeeded or failed."""

    provider_task_id: str
    state: str
    outputs: tuple[str, ...] = ()  # URLs, or `held:<sha256>` for files of a `Completed`; in the provider's order
    charged_micro: int | None = None  # micro-credits; None where the provider did not say
    fail_code: str | None = None
    fail_message: str | None = None  # on a success: what of it was refused
    # Why it failed, ours and stable: policy, input_unreachable, provider_error, provider_timeout, generation_failed,
    # invalid, no_credits, paused, unreadable; empty_result on a success that names no file. None while it runs and on
    # a success.
    cause: str | None = None
    retryable: bool = False  # the provider's own trouble, and not charged: a fresh try is worth it
    callback_url: str | None = None  # the one the task was created with, where the record repeats it
    raw: dict[str, Any] = field(default_factory=dict)  # bounded copy of the record, for the details fold-out


@dataclass(frozen=True)
class Completed:
    """The provider answered at once, with the end of it. `files` are the only copies: store them before anything."""

    report: ProviderReport
    files: tuple[bytes, ...] = ()


Answer = Accepted | Completed | Refused | NotSent | Unknown


class ProviderUnavailable(Exception):  # noqa: N818 - a free call failed; say so and try later
    """A free call (lookup, upload, credits) could not be made or answered. Nothing was charged."""

    def __init__(self, message: str, *, code: str = "unavailable", permanent: bool = False,
                 retry_in: timedelta = timedelta(seconds=10)) -> None:  # fmt: skip
        """`code`: unavailable, rate_limited, no_credits, key_refused, key_capped, maintenance or refused."""
        super().__init__(message)
        self.code = code
        self.permanent = permanent
        self.retry_in = retry_in


@dataclass(frozen=True)
class HeldFile:
    """A reference that the provider now holds for us."""

    url: str
    expires_at: datetime


class Provider(Protocol):
    """An API that runs models. Only `submit` costs money."""

    at_once: bool
    """It answers the paid call with the picture: references travel inside the call, it never calls back, and it can
    tell nothing about a call afterwards. A doubt about it is ended by a person or by the clock."""

    async def submit(self, call: PaidCall) -> Answer:
        """Makes the paid call once and sorts the answer; never raises for what the wire does."""
        ...

    async def lookup(self, provider_task_id: str) -> ProviderReport | None:
        """The provider's record, or None where it has none to show (yet). Raises ProviderUnavailable."""
        ...

    async def hold(self, data: bytes, *, name: str, mime: str) -> HeldFile:
        """Uploads a reference; free. Raises ProviderUnavailable."""
        ...

    async def credits(self) -> int | None:
        """What is left on the account, in micro-credits; None: it answers, and tells nobody. ProviderUnavailable."""
        ...

    async def aclose(self) -> None:
        """Closes its connections. Nothing may be called after."""
        ...
