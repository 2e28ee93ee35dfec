"""Sends queued tasks: hands references over first, then claims, makes the one paid call, and records the answer.

The claim is committed before a byte leaves. Whatever happens after it, a task in this loop's hands is never sent twice:
silence becomes doubt (DESIGN section 4, "never resend a paid POST on doubt"). An answer that brings its picture along
is the only copy of it: the picture is on disk before the answer is on record.
"""

import asyncio
import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from callback_server.intake import answered, word_of, writing
from callback_server.patience import PASSING
from callback_server.providers.base import (
    HELD,
    Answer,
    Completed,
    NotSent,
    PaidCall,
    ProviderUnavailable,
    Refused,
    Unknown,
    held,
)
from callback_server.providers.direct import data_url
from callback_server.providers.registry import Account
from callback_server.signing import callback_url
from callback_server.workers.lamps import Lamps
from callback_server.workers.loop import finish, survive
from data import notes
from data.artifacts import ArtifactStore
from data.catalog import ModelSpec, catalog, catalog_incomplete
from data.causes import WAITING
from data.errands import ErrandStore, Handover
from data.errors import InvalidRequest, NotFound, PictureDeskError, StorageError
from data.money import format_credits
from data.pace import Pace
from data.requests import GenerationRequest, validate, wire_input
from data.schema import utcnow
from data.sentences import Sentence
from data.storage import ObjectStorage, picture_key
from data.submissions import Claim, SubmissionStore

log = logging.getLogger(__name__)

LONGEST_REST = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
PROMPT = 0.25
"""Seconds from its claim within which a call leaves in time: half of the slack in the pace's window."""
HOLDING_LEASE = timedelta(seconds=60)
"""Of a call whose picture we hold in memory, while the disk refuses it."""
_AT_ONCE = timedelta(0)
_STOPPED = NotSent(Sentence("The server was stopped before it was sent."), retry_in=_AT_ONCE, code="held_up")
_HELD_UP = NotSent(Sentence("It was held up here for too long and was not sent."), retry_in=_AT_ONCE, code="held_up")
# What Python raises where a stored request does not fit the catalogue any more.
_BUILDING_ERRORS = (
    PictureDeskError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Dispatcher:
    """The steps for one account. `under_way` are the paid calls that run beside the loop."""

    account: Account
    pace: Pace
    callback_base: str | None  # None: no webhook can come, and the looks alone bring the result
    submissions: SubmissionStore
    errands: ErrandStore
    artifacts: ArtifactStore
    storage: ObjectStorage
    lamps: Lamps
    under_way: set[asyncio.Task[bool | None]] = field(default_factory=set)

    async def hand_over(self) -> bool:
        """One step: the references of one waiting task go to the provider. Free, so it may be repeated."""
        errand = await asyncio.to_thread(self.errands.claim_handover, self.account.name, self.account.serves)
        if errand is None:
            return False
        try:
            await self._hold_all(errand)
        except ProviderUnavailable as error:
            await self._provider_refused(errand, error)
        except (StorageError, OSError) as error:
            # Our own disk: no reason to fail the task. The lease is the wait, and the lamp says why.
            await self.lamps.storage_trouble(str(error))
        except PictureDeskError as error:
            await asyncio.to_thread(self.errands.handover_failed, errand.task_id, message=str(error), permanent=False)
        else:
            await asyncio.to_thread(self.errands.handover_done, errand.task_id)
        return True

    async def _hold_all(self, errand: Handover) -> None:
        for image in errand.references:
            await asyncio.to_thread(self.errands.keep_handover, errand.task_id)
            data = await asyncio.to_thread(self.artifacts.read_original, image.sha256)
            held = await self.account.provider.hold(data, name=image.sha256, mime=image.mime)
            await asyncio.to_thread(
                self.errands.handed_over, self.account.name, image.sha256, held.url, held.expires_at
            )

    async def _provider_refused(self, errand: Handover, error: ProviderUnavailable) -> None:
        """An outage is waited for, however long; only what the provider says about this very file counts against it."""
        cause = error.code if error.code in WAITING else "upload_failed" if error.permanent else "unreachable"
        await asyncio.to_thread(
            self.errands.handover_failed, errand.task_id, message=str(error), permanent=error.permanent, cause=cause
        )
        await self.lamps.provider_trouble(self.account.name, error.code, str(error))
        if error.code in WAITING:  # any other upload on this account would be answered the same
            await asyncio.sleep(min(error.retry_in, LONGEST_REST).total_seconds())

    async def send(self) -> bool:
        """One step: as soon as a seat is free, claims a task and lets its paid call go its way.

        One loop claims for all seats, so that waiting ones cost nothing: a direct road needs many, for its calls last.
        """
        if len(self.under_way) >= self.account.seats:
            await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
        if self.account.provider.at_once and self.lamps.storage_refuses:
            return False  # nothing more is bought of which the only copy would be in memory
        claim = await self._claim()
        if claim is None:
            return False
        paying = asyncio.create_task(survive("send", partial(self._pay, claim)))
        self.under_way.add(paying)
        paying.add_done_callback(self.under_way.discard)
        return True

    async def _pay(self, claim: Claim) -> bool:
        answer = await self._answer(claim)
        # The answer is on record even if the server is told to stop at this moment.
        await finish(self._record(claim.submission_id, answer))
        if isinstance(answer, NotSent) and answer.code == "upload_failed":
            await self.lamps.storage_trouble(answer.message)
        elif isinstance(answer, NotSent) and answer.code == "held_up":
            pass  # by us: whether the account can be reached, nobody has tried
        elif isinstance(answer, NotSent) or (isinstance(answer, Refused) and answer.pauses_account):
            await self.lamps.provider_trouble(self.account.name, answer.code, answer.message)
        return True

    async def _record(self, submission_id: str, answer: Answer) -> None:
        if not isinstance(answer, Completed):
            await answered(self.submissions, submission_id, answer)
            return
        for data in answer.files:
            await self._bring_to_disk(submission_id, data)
        # Nobody can be asked for this answer again: until the database has it, the disk has.
        with suppress(StorageError):
            await asyncio.to_thread(notes.keep, self.storage, submission_id, word_of(answer.report))
        await answered(self.submissions, submission_id, answer)
        with suppress(StorageError):  # told again, it changes nothing
            await asyncio.to_thread(notes.forget, self.storage, submission_id)

    async def _bring_to_disk(self, submission_id: str, data: bytes) -> None:
        """Tries for as long as we live: the picture is paid for, and after us nobody has it."""
        pause = FIRST_PAUSE
        while not await self._is_on_disk(submission_id, data):
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _is_on_disk(self, submission_id: str, data: bytes) -> bool:
        try:
            await asyncio.to_thread(self._put, data)
        except StorageError as error:
            with suppress(*PASSING):  # the database may lie on the same full disk
                await self.lamps.storage_trouble(str(error))
                await asyncio.to_thread(self.submissions.still_sending, submission_id, HOLDING_LEASE)
            return False
        return True

    def _put(self, data: bytes) -> None:
        self.storage.put(picture_key(held(data).removeprefix(HELD)), data)

    async def _claim(self) -> Claim | None:
        """The next task; given back at once if the server is told to stop while the claim is being written."""
        stopped = threading.Event()
        claiming = asyncio.ensure_future(asyncio.to_thread(self._claim_unless, stopped))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            stopped.set()
            await finish(self._give_back(claiming))
            raise

    def _claim_unless(self, stopped: threading.Event) -> Claim | None:
        """In a thread, which nothing interrupts: a claim that nobody waits for any more is given back right here."""
        if catalog_incomplete():  # a task of the admin's own model would be refused, or sent as one of ours
            return None
        claim = self.submissions.claim(self.account.name, self.account.serves, self.pace)
        if claim is not None and stopped.is_set():
            writing(self.submissions, claim.submission_id, _STOPPED)()
            return None
        return claim

    async def _give_back(self, claiming: asyncio.Future[Claim | None]) -> None:
        if (claim := await claiming) is not None:
            await answered(self.submissions, claim.submission_id, _STOPPED)

    async def _answer(self, claim: Claim) -> Answer:
        """Makes the call. What cannot even be written down was not sent, whatever the reason."""
        try:
            call = await finish(asyncio.to_thread(self._call, claim))
            if time.monotonic() - claim.made > PROMPT and not await self._leaves(claim):
                return _HELD_UP
        except asyncio.CancelledError:
            await finish(answered(self.submissions, claim.submission_id, _STOPPED))
            raise
        except StorageError as error:  # a reference cannot be read just now
            return NotSent(str(error), retry_in=LONGEST_REST, code="upload_failed")
        except NotFound as error:
            return Refused("references_unusable", str(error))
        except _BUILDING_ERRORS as error:
            log.exception("the request cannot be built", extra={"submission": claim.submission_id})
            return Refused("invalid", str(error))
        return call if isinstance(call, Refused) else await self._submit(call)

    async def _leaves(self, claim: Claim) -> bool:
        """Whether a call that was held up may leave; never uncounted, so not while the database does not answer."""
        try:
            return await finish(asyncio.to_thread(self.submissions.leaves, claim.submission_id, self.pace))
        except PASSING:
            return False

    async def _submit(self, call: PaidCall) -> Answer:
        try:
            return await self.account.provider.submit(call)
        except asyncio.CancelledError:
            message = Sentence("The server was stopped while it waited for the answer.")
            await finish(answered(self.submissions, call.submission_id, Unknown(message)))
            raise

    def _call(self, claim: Claim) -> PaidCall | Refused:
        """In a thread: references that travel inside the call are read here."""
        spec = catalog().require(claim.task.model)
        request = _checked(spec, claim)
        if isinstance(request, Refused):
            return request
        urls, url = claim.reference_urls, None
        if self.account.provider.at_once:
            urls = tuple(data_url(self.artifacts.read_original(image.sha256), image.mime) for image in claim.references)
        elif self.callback_base:
            url = callback_url(self.callback_base, claim.submission_id, claim.token)
        body, price = wire_input(spec, request, urls), _price_of_one(spec, request)
        return PaidCall(claim.submission_id, spec.sent_as, body, url, price, spec.rates)


def _checked(spec: ModelSpec, claim: Claim) -> GenerationRequest | Refused:
    """What was asked, held against the catalogue of this moment: that may have changed while the task waited."""
    task = claim.task
    if (spec.provider, spec.family) != (task.provider, task.family):
        return Refused(
            "model_unknown",
            Sentence("“{model}” has become another provider's model since. Nothing was sent.", model=task.model),
        )
    try:
        request = validate(spec, task.prompt, task.params, claim.references)
    except InvalidRequest as error:
        return Refused("paused" if error.code == "model_paused" else "invalid", str(error))
    price, said = spec.estimate(request.params, utcnow().date(), len(request.references)), task.estimate_micro
    if price is not None and said is not None and price > said:
        return Refused("price_rose", Sentence(
            "It was asked for at {n} credits and would now cost {price}.", n=format_credits(said),
            price=format_credits(price),
        ))  # fmt: skip
    return request


def _price_of_one(spec: ModelSpec, request: GenerationRequest) -> int | None:
    """Micro-credits for one picture, also where one call may bring several."""
    single = {price.times: 1 for price in spec.prices if price.times}
    return spec.price({**request.params, **single}, utcnow().date(), len(request.references))
