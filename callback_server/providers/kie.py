"""The kie.ai gateway: one paid call and three free ones (kie-api sections 2, 5 and 6).

It speaks through a `Line` and leaves the judgement to `kie_wire` and `kie_record`. It knows no database and never
shows its key.
"""

import base64
import hashlib
from datetime import UTC, datetime

from pydantic import SecretStr

from callback_server.providers.base import Answer, HeldFile, PaidCall, ProviderReport
from callback_server.providers.kie_record import sort_record
from callback_server.providers.kie_wire import (
    MAX_ANSWER_BYTES,
    held_file,
    micro,
    sort_answer,
    sort_trouble,
    verdict_of,
)
from callback_server.providers.line import Line
from callback_server.providers.reading import mapping, parse

UPLOAD_PATH = "picture-desk"
_BASE64_LIMIT = 10 << 20  # kie advises the JSON upload up to here
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


class Kie:
    """One account at the gateway: a `Provider`. `submit_timeout_seconds` bounds the whole paid call."""

    at_once = False

    def __init__(self, *, key: SecretStr, api_url: str, upload_url: str, submit_timeout_seconds: float = 60) -> None:
        """Opens no connection yet. The URLs are bases without a trailing slash."""
        self._api, self._upload = api_url, upload_url
        self._line = Line(
            key=key, urls=(api_url, upload_url), seconds=submit_timeout_seconds, most_bytes=MAX_ANSWER_BYTES
        )

    def __repr__(self) -> str:
        """Without the key."""
        return f"Kie({self._api})"

    async def submit(self, call: PaidCall) -> Answer:
        """Makes the paid call once and sorts the answer; raises nothing for what the wire does."""
        request = {"model": call.model, "input": call.input}
        if call.callback_url:
            request["callBackUrl"] = call.callback_url
        answer = await self._line.pay(f"{self._api}/api/v1/jobs/createTask", request)
        return sort_answer(*answer) if isinstance(answer, tuple) else answer

    async def lookup(self, provider_task_id: str) -> ProviderReport | None:
        """The record of a task, or None while it is not visible (up to 90 s after creation). ProviderUnavailable."""
        url = f"{self._api}/api/v1/jobs/recordInfo"
        wire = await self._line.ask("GET", url, params={"taskId": provider_task_id})
        return sort_record(*wire, provider_task_id=provider_task_id)

    async def hold(self, data: bytes, *, name: str, mime: str) -> HeldFile:  # noqa: ARG002 - see below
        """Uploads a reference; free. `name`, which may tell about a person, is not passed on. ProviderUnavailable.

        At kie the file is called by its SHA-256: a file of the same name is overwritten there, so two people's
        `cat.png` must not meet.
        """
        filename = hashlib.sha256(data).hexdigest() + _SUFFIXES.get(mime, "")
        place = {"uploadPath": UPLOAD_PATH, "fileName": filename}
        sent_at = datetime.now(UTC)
        wire = await self._line.ask(
            "POST", f"{self._upload}/api/file-stream-upload", data=place, files={"file": (filename, data, mime)}
        )
        verdict = verdict_of(wire[0], parse(wire[2]))
        if (verdict in (404, 405) or verdict >= 500) and len(data) <= _BASE64_LIMIT:
            # The other door to the same store, for the day that this one is shut.
            encoded = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
            wire = await self._line.ask(
                "POST", f"{self._upload}/api/file-base64-upload", json={"base64Data": encoded, **place}
            )
        return held_file(*wire, sent_at=sent_at)

    async def credits(self) -> int:
        """What is left on the account, in micro-credits; `data` is the bare number, perhaps fractional (kie-api 6)."""
        status, headers, body = await self._line.ask("GET", f"{self._api}/api/v1/chat/credit")
        answer = parse(body)
        left = micro(mapping(answer).get("data"))
        if verdict_of(status, answer) != 200 or left is None:
            raise sort_trouble(status, headers, answer)
        return left

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._line.aclose()
