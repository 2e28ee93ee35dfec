"""The one place where a provider's word moves a task: webhook, look and immediate answer all end here.

What a provider says becomes a `Word` of the ledger; what may follow from it is decided in `data/submissions.py`.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from callback_server.patience import insist
from callback_server.providers.base import Accepted, Answer, Completed, NotSent, ProviderReport, Refused, Unknown
from data.settling import Word
from data.status import Outcome
from data.submissions import SubmissionStore

log = logging.getLogger(__name__)


async def apply(store: SubmissionStore, submission_id: str, report: ProviderReport) -> bool:
    """Hands a report to the ledger. Idempotent; False where it changed nothing.

    A record that names another callback URL belongs to somebody else's call and is not believed.
    """
    if report.callback_url and submission_id not in report.callback_url:
        log.warning("a record names a foreign callback", extra={"submission": submission_id})
        return False
    changed = await asyncio.to_thread(store.apply, submission_id, word_of(report))
    if changed:
        log.info("the provider says %s", report.state, extra={"submission": submission_id})
    return changed


def word_of(report: ProviderReport) -> Word:
    """The report as the ledger takes it."""
    return Word(
        state=report.state,
        provider_task_id=report.provider_task_id,
        outputs=report.outputs,
        charged_micro=report.charged_micro,
        cause=report.cause,
        message=report.fail_message,
        retryable=report.retryable,
        report=report.raw,
    )


async def answered(store: SubmissionStore, submission_id: str, answer: Answer) -> None:
    """Puts the answer to a paid call on record. Only `Refused` and `NotSent` may lead to another call.

    The files of a `Completed` must lie in storage by now: the record says that they do.

    A database that refuses is asked again and again while this server lives: the answer is worth money, and without
    it the call would be in doubt.
    """
    await insist("The answer to a paid call", writing(store, submission_id, answer))
    log.info("answered: %s", type(answer).__name__.lower(), extra={"submission": submission_id})


def writing(store: SubmissionStore, submission_id: str, answer: Answer) -> Callable[[], bool]:
    """The one transaction that puts this answer on record."""
    match answer:
        case Accepted(provider_task_id):
            return partial(store.accepted, submission_id, provider_task_id)
        case Completed(report):
            return partial(store.completed, submission_id, word_of(report))
        case Unknown(message):
            return partial(store.in_doubt, submission_id, message=message)
        case Refused(code, message, retry_in, pauses_account):
            return partial(store.not_taken, submission_id, Outcome.REJECTED, cause=code, message=message,
                           retry_in=retry_in, pauses_account=pauses_account)  # fmt: skip
        case NotSent(message, retry_in, code):  # one to be sent at once says nothing about the account
            pauses = retry_in > timedelta(0) and code == "unreachable"
            return partial(store.not_taken, submission_id, Outcome.NOT_SENT, cause=code, message=message,
                           retry_in=retry_in, pauses_account=pauses)  # fmt: skip
