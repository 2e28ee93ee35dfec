"""Reference pictures that a program names, as data URLs or as addresses: fetched, checked and stored like an upload."""

import base64
import binascii
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from fastapi.concurrency import run_in_threadpool

from callback_server.download import DownloadError
from callback_server.routes.opened import Opened
from data.errors import InvalidImage, InvalidRequest
from data.images import StoredImage

_DATA_URL = re.compile(r"data:[a-z0-9.+/-]{0,80};base64,", re.IGNORECASE)


async def take_references(desk: Opened, named: Sequence[str]) -> list[StoredImage]:
    """Stores them one after the other, so that only one is in memory. Writes no row.

    Raises:
        InvalidRequest: `field` is `references.<position from 0>`; the others may be stored already, and cost nothing.
    """
    taken = []
    for position, text in enumerate(named):
        field = f"references.{position}"
        data, filename = await _bytes(desk, text, field)
        try:
            image = await run_in_threadpool(desk.artifacts.take_reference, data, filename, position=position + 1)
        except InvalidImage as refused:  # it counts as the screen does, from 1; the API counts as JSON does
            raise InvalidImage(str(refused), field=field, code=refused.code) from refused
        taken.append(image)
    return taken


async def _bytes(desk: Opened, text: str, field: str) -> tuple[bytes, str | None]:
    if text[:5].lower() == "data:":
        return _decoded(desk, text, field), None
    if not re.match(r"https?://", text, re.IGNORECASE):
        message = "A reference must be a data URL in base64 or an http(s) address. Nothing was charged."
        raise InvalidRequest(message, field=field, code="bad_reference")
    try:
        data = await desk.references.fetch(text)
    except DownloadError as problem:
        message = f"The reference could not be fetched: {problem} Nothing was charged."
        raise InvalidRequest(message, field=field, code=problem.code) from problem
    return data, unquote(urlsplit(text).path.rpartition("/")[2]) or None


def _decoded(desk: Opened, text: str, field: str) -> bytes:
    most = desk.settings.max_reference_mb * 1_000_000
    head = _DATA_URL.match(text)
    if head is None:
        message = "A data URL must read data:image/…;base64,… . Nothing was charged."
        raise InvalidRequest(message, field=field, code="bad_reference")
    if (len(text) - head.end()) // 4 * 3 > most + 2:
        message = f"The reference is larger than {desk.settings.max_reference_mb} MB. Nothing was charged."
        raise InvalidRequest(message, field=field, code="too_large")
    try:
        return base64.b64decode(text[head.end() :], validate=True)
    except (binascii.Error, ValueError) as broken:
        message = "The data URL holds no valid base64. Nothing was charged."
        raise InvalidRequest(message, field=field, code="bad_reference") from broken
