"""Webhooks: proven, kept in the inbox, answered. What they say is not believed; the record is looked up at once.

Three ways in, each closed by a secret that is compared in constant time:

* `/{submission}/{token}`: the address we hand out for each paid call. Its token suffices, for it is ours, unguessable
  and known to the provider alone, and kie signs only if a key was made in its settings. A signature that is there and
  wrong, or too old, does not refuse it: for a call in doubt this webhook may be the only evidence there will ever be,
  and nothing is believed that a forger could gain by. It is kept with the verdict `token_bad_signature` and logged,
  because somebody changed the call or the two keys differ.
* the plain address: for a webhook set by hand, which names only the provider's task. It needs the signature; with no
  key set it is closed, because an unset secret never means "accept".
* `/test/{nonce}`: the round trip of the Settings page. Only a nonce that was issued is good.

An unknown submission and a wrong token get the same answer, so that ids cannot be probed.

The addresses with secrets are plain Starlette routes beside FastAPI's, for these come in bursts: no dependencies, no
validation and no thread stand between the socket and the group writer. They are therefore not in the OpenAPI document,
which is for programs that ask for pictures; the provider learns its address from us.
"""

import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import NoReturn

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callback_server.routes.bodies import is_id, read_capped, strict_json
from callback_server.routes.opened import Desk, Opened
from callback_server.routes.refusals import Refusal, Refused
from callback_server.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, token_matches, verify
from data.errors import DatabaseUnavailable
from data.inbox import Answer, Delivery, Judged

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_048_576
SMALL_BODY_BYTES = 65_536
"""A larger one is not read before its token was checked: strangers must not fill the memory."""

QUIET_SECONDS = 60.0
MAX_HEADERS = 40
MAX_HEADER_CHARACTERS = 512  # of one value

_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|passw|credential|session|jwt|key")

_PROVIDER_ID = re.compile(r"[!-~]{1,128}")  # kie's are 32 hex digits; documented as opaque text
_NOBODYS_TOKEN = secrets.token_urlsafe(24)

_REFUSALS: dict[int | str, dict[str, object]] = {
    400: {"model": Refusal, "description": "No JSON, or it names no task"},
    401: {"model": Refusal, "description": "Signature missing or wrong"},
    404: {"model": Refusal, "description": "Unknown submission, or wrong token"},
    413: {"model": Refusal, "description": "More than 1 MiB"},
}
router = APIRouter(prefix="/api/webhook", tags=["webhooks"], responses=_REFUSALS)


class Complaints:
    """At most one log line a minute for each kind of refusal: strangers must not fill the disk."""

    def __init__(self) -> None:
        """Nothing refused so far."""
        self._counts: Counter[str] = Counter()
        self._next: dict[str, float] = {}

    def note(self, what: str, code: str, why: object = "") -> None:
        """Counts and perhaps logs. Of any thread: at worst a line counts one too few."""
        self._counts[code] += 1
        if time.monotonic() >= self._next.get(code, 0.0):
            self._next[code] = time.monotonic() + QUIET_SECONDS
            log.warning("webhook %s: %s %s", what, code, why, extra={"times": self._counts.pop(code, 1)})

    def refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> NoReturn:
        """Counts, perhaps logs, and raises."""
        self.note("refused", code)
        raise Refused(status, code, message, headers=headers)


_complaints = Complaints()


@router.get("/nano-banana")
@router.get("/nano-banana/{submission_id}/{token}")
@router.get("/seedream")
@router.get("/seedream/{submission_id}/{token}")
async def alive() -> dict[str, object]:
    """For a person who opens the address: it is the right one. Nothing is judged and nothing is told."""
    return {"ok": True, "message": "Webhooks are received here, by POST."}


@router.post("/nano-banana", responses={403: {"model": Refusal, "description": "No webhook key is set"}})
@router.post("/seedream", responses={403: {"model": Refusal, "description": "No webhook key is set"}})
async def delivered_signed(request: Request, desk: Desk) -> dict[str, bool]:
    """A signed webhook that names only the provider's task."""
    key = desk.settings.webhook_hmac_key
    if key is None:
        _complaints.refuse(403, "signatures_off", "No webhook key is set, so unaddressed webhooks are not taken.")
    if SIGNATURE_HEADER not in request.headers or TIMESTAMP_HEADER not in request.headers:
        _complaints.refuse(401, "bad_signature", "The signature is missing.")
    body = await read_capped(request, MAX_BODY_BYTES)
    task_id = provider_task_id(strict_json(body))
    if not verify(key, task_id, request.headers):
        _complaints.refuse(401, "bad_signature", "The signature is wrong or too old.")
    submission_id = await run_in_threadpool(desk.inbox.submission_of, task_id)
    if submission_id is None:
        _complaints.refuse(404, "unknown_webhook", "There is no such webhook.")
    judged = Judged(task_id, "signature")
    await keep(desk, Delivery(submission_id, None, body, worth_keeping(request.headers.raw), lambda _: judged))
    return {"ok": True}


async def came_home(request: Request) -> Response:
    """The call that this server made to its own public address."""
    desk: Opened = request.app.state.opened
    if not await run_in_threadpool(desk.inbox.came_home, request.path_params["nonce"]):
        _unknown()
    return JSONResponse({"ok": True})


async def delivered(request: Request) -> Response:
    """A webhook to the address of one paid call. 200 only after it is on disk; a doubled one is answered the same."""
    desk: Opened = request.app.state.opened
    submission_id, token = request.path_params["submission_id"], request.path_params["token"]
    if not is_id(submission_id):
        _unknown()
    limit = SMALL_BODY_BYTES
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared[:20]) > SMALL_BODY_BYTES:
        expected = await run_in_threadpool(desk.inbox.token_of, submission_id)
        if not token_matches(expected or _NOBODYS_TOKEN, token):
            _unknown()
        limit = MAX_BODY_BYTES
    body = await read_capped(request, limit)
    headers = worth_keeping(request.headers.raw)
    await keep(desk, Delivery(submission_id, token, body, headers, partial(judge, desk.settings.webhook_hmac_key)))
    return _TAKEN


def _paths(rest: str) -> list[str]:
    return [f"/api/webhook/{family}/{rest}" for family in ("nano-banana", "seedream")]


_TAKEN = JSONResponse({"ok": True})
ROUTES: list[BaseRoute] = [
    Route("/api/webhook/nano-banana/test/{nonce}", came_home, methods=["POST"]),
    *(Route(path, delivered, methods=["POST"]) for path in _paths("{submission_id}/{token}")),
]


async def keep(desk: Opened, delivery: Delivery) -> None:
    """Returns once it is on disk, or was there; Refused for a stranger, and 503 where it should be sent again."""
    try:
        answer = await desk.deliveries.put(delivery)
    except DatabaseUnavailable as trouble:
        _complaints.note("not kept", "database", trouble.__cause__ or trouble)
        again = {"Retry-After": "5"}
        raise Refused(503, "database", "Nothing can be kept now. Send it again.", headers=again) from None
    if answer is Answer.UNKNOWN:
        _unknown()


def _unknown() -> NoReturn:
    _complaints.refuse(404, "unknown_webhook", "There is no such webhook.")


def judge(key: SecretStr | None, delivery: Delivery) -> Judged:
    """What a delivery with the right token names, and what its signature adds. Refused 400 for what is no webhook."""
    task_id, verdict = provider_task_id(strict_json(delivery.body)), "token"
    if key is not None and SIGNATURE_HEADER.lower() in delivery.headers:
        verdict = "both"
        if not verify(key, task_id, delivery.headers):
            verdict = "token_bad_signature"
            _complaints.note("taken", verdict)
    return Judged(task_id, verdict)


def worth_keeping(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers by lower-case name, the first of each: bounded, and without what may be a credential."""
    kept: dict[str, str] = {}
    for name, value in raw:
        told = _shown(name)
        if told is not None and told not in kept:
            kept[told] = value[:MAX_HEADER_CHARACTERS].decode("latin-1")
            if len(kept) == MAX_HEADERS:
                break
    return kept


@lru_cache(maxsize=256)
def _shown(name: bytes) -> str | None:
    text = name[:MAX_HEADER_CHARACTERS].decode("latin-1").lower()
    return None if _SECRET_HEADER.search(text) else text


def provider_task_id(body: object) -> str:
    """The task that a webhook names, or Refused 400. kie's docs and its live bodies spell the field in four ways."""
    if isinstance(body, dict):
        data = body.get("data")
        inner = data if isinstance(data, dict) else {}
        for named in (inner.get("taskId"), inner.get("task_id"), body.get("taskId"), body.get("task_id")):
            if isinstance(named, str) and _PROVIDER_ID.fullmatch(named):
                return named
            if named is not None:
                break
    raise Refused(400, "no_task_id", "The body names no task.")
