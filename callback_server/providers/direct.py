"""What the two direct roads have in common: one paid call that is answered at once, and nothing to ask afterwards.

Neither Google nor Ark names a call before it is done, takes a second word about it, or calls back (direct-providers
section 5). So nothing is uploaded and nothing looked up here; an answer that did not come is a doubt for good.
"""

import asyncio
import base64
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from callback_server.providers.base import (
    Answer,
    HeldFile,
    PaidCall,
    ProviderReport,
    ProviderUnavailable,
    Refused,
    Unknown,
)
from callback_server.providers.line import Line
from callback_server.providers.reading import mapping, parse, retry_after, words

SUBMIT_SECONDS = 300.0
"""The models draw for 10 to 120 s while the connection waits; beyond this the call is in doubt."""
SEATS = 10
"""Calls of one account on their way at the same moment: at 20 s each, a picture every other second. Each answer is held
in memory while it is read, so not many more."""
MAX_ANSWER_BYTES = 64 << 20
"""A 4K picture in PNG, as base64, with room to spare."""
RATE_WAIT = timedelta(seconds=20)
KEY_WAIT = timedelta(seconds=60)
QUOTA_WAIT = timedelta(minutes=15)
"""A quota that is used up does not come back by asking again soon."""
MAX_OUTPUTS = 64
"""Files that are taken from one answer. Fifteen are the most that a model makes."""
_INLINE_LIFE = timedelta(days=365)
# A 403 may be about one model alone. These are the words of one that every call of the account would meet.
_WHOLE_ACCOUNT = re.compile(
    r"API[ _-]?KEY|credential|SERVICE_DISABLED|has not been used|CONSUMER_|suspended|unregistered", re.IGNORECASE
)
_DATA_URL = re.compile(r"data:([a-z0-9.+/-]{1,100});base64,(.*)", re.DOTALL)

# Verdicts of HTTP itself on this one request: somebody on the way, or the vendor, has certainly made nothing of it.
# 408 and 409 are not among them, because they prove nothing.
_REQUEST_ONLY = {400: "invalid", 404: "model_unknown", 405: "refused", 411: "refused", 413: "refused", 414: "refused",
                 415: "refused", 422: "invalid", 431: "refused"}  # fmt: skip


class Direct(ABC):
    """A `Provider` that answers at once. A road says how its request looks, and what an answer to it means."""

    at_once = True
    free_path = "/models"
    """What can be asked for nothing: whatever it answers but a refusal of the key, address and key are good."""

    def __init__(self, line: Line, api_url: str) -> None:
        """`api_url` is a base without a trailing slash."""
        self._line, self._api = line, api_url

    def __repr__(self) -> str:
        """Without the key."""
        return f"{type(self).__name__}({self._api})"

    @abstractmethod
    def request(self, call: PaidCall) -> tuple[str, dict[str, Any]]:
        """Path and JSON body of the paid call. Raises ValueError for what this wire cannot say."""

    @abstractmethod
    def sort(self, call: PaidCall, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """One of the words of `base` for whatever was answered; raises nothing."""

    @abstractmethod
    def refusal(self, status: int, headers: Mapping[str, str], payload: object) -> Refused | None:
        """What a status of 400 or more proves; None where it proves nothing."""

    async def submit(self, call: PaidCall) -> Answer:
        """Makes the paid call once and sorts the answer; raises nothing for what the wire does."""
        try:
            path, body = await asyncio.to_thread(self.request, call)
        except ValueError as problem:
            return Refused("invalid", str(problem))
        answer = await self._line.pay(f"{self._api}{path}", body)
        if not isinstance(answer, tuple):
            return answer
        # Forty megabytes of base64 take half a second, in which nobody else would be heard.
        sorting = asyncio.ensure_future(asyncio.to_thread(self.sort, call, *answer))
        try:
            return await asyncio.shield(sorting)
        except asyncio.CancelledError:  # told to stop with the answer in our hands: it is paid for, and wins
            return await sorting

    async def lookup(self, provider_task_id: str) -> ProviderReport | None:  # noqa: ARG002 - there is nobody to ask
        """None: there is no record of a call on these roads."""
        return None

    async def hold(self, data: bytes, *, name: str, mime: str) -> HeldFile:  # noqa: ARG002 - the protocol's names
        """Nothing is uploaded: the reference travels inside the paid call."""
        return HeldFile(f"inline:{name}", datetime.now(UTC) + _INLINE_LIFE)

    async def credits(self) -> int | None:
        """None, once a free call has been answered without refusing the key. Raises ProviderUnavailable."""
        status, headers, body = await self._line.ask("GET", f"{self._api}{self.free_path}")
        refused = self.refusal(status, headers, parse(body)) if status >= 400 else None
        if refused is not None and refused.code == "key_refused":
            raise ProviderUnavailable(refused.message, code=refused.code, retry_in=KEY_WAIT)
        if status >= 500:
            raise ProviderUnavailable(f"It answers {status} to a free call", retry_in=retry_after(headers, RATE_WAIT))
        return None

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._line.aclose()


def line(key: SecretStr, api_url: str, seconds: float, *, header: str = "Authorization", scheme: str = "Bearer ",
         ) -> Line:  # fmt: skip
    """The line of a direct road."""
    return Line(key=key, urls=(api_url,), seconds=seconds, most_bytes=MAX_ANSWER_BYTES, header=header, scheme=scheme)


def own_name(call: PaidCall) -> str:
    """A name for a call that its provider gave none: unique, and plainly ours."""
    return f"call-{call.submission_id}"


def data_url(data: bytes, mime: str) -> str:
    """A reference as it travels inside a request. The lower case of the type matters to Ark."""
    return f"data:{mime.lower()};base64,{base64.b64encode(data).decode('ascii')}"


def read_data_url(text: object) -> tuple[str, str]:
    """Type and base64 text of a reference. Raises ValueError."""
    found = _DATA_URL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("A reference is not inside the request, and this provider fetches none.")
    return found[1], found[2]


def decoded(text: object) -> bytes | None:
    """The bytes of a base64 text, however it is wrapped, padded and spelt; None where it is none."""
    if not isinstance(text, str):
        return None
    if text.startswith("data:"):
        text = text.partition(",")[2]
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True) or None
    except ValueError:
        return None


def of_http(status: int, said: str, *, theirs: bool, reasons: str = "") -> Refused | None:
    """What a bare status proves about this one request. `theirs`: the vendor's own error stands in the body.

    `reasons` are the vendor's words beside its sentence. One model that is forbidden must not stop all others.
    """
    code = _REQUEST_ONLY.get(status)
    if status == 401:
        return Refused("key_refused", said, KEY_WAIT, pauses_account=True)
    if status == 403:  # without the vendor's own word, a firewall's page and not about the key
        if theirs and _WHOLE_ACCOUNT.search(f"{reasons} {said}"):
            return Refused("key_refused", said, KEY_WAIT, pauses_account=True)
        return Refused("refused", said)
    if code is None:
        return None
    return Refused(code if theirs else "refused", said)


def message_of(status: int, error: Mapping[str, Any]) -> str:
    """The provider's sentence, else what little is known."""
    code = words(error.get("code"), 100) or words(error.get("status"), 100)
    said = words(error.get("message"), 1000)
    return ": ".join(filter(None, (code, said))) or f"HTTP {status} without a readable message"


def error_of(payload: object) -> dict[str, Any]:
    """The `error` object of an answer, also where it stands alone in a list; otherwise an empty one."""
    first = payload[0] if isinstance(payload, list) and payload else payload
    return mapping(mapping(first).get("error"))


def doubt(status: int, said: str) -> Unknown:
    """Nobody can say what became of the call."""
    return Unknown(f"The provider answered with HTTP {status}: {said}")
