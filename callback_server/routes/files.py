"""Pictures and videos for browsers, by signed links: immutable, cached for ever, never run as anything else.

Measured: a FileResponse hops to a thread for each of its file operations, 0.9 ms where a `read()` of a small cached
file takes 10 µs. So thumbnails are read in place, an original of a few MiB in one hop (a third of the CPU), and only
what is larger, or asked for in ranges, which is how a browser plays a video, goes out as FileResponse in chunks of
1 MiB. Whoever opens a page asks for thumbnails by the dozen: `at_once` answers them, and what a browser knows already,
before the application's own layers, whose work costs more than the answer.
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from callback_server.routes.opened import Opened
from data import sidecar, videos
from data.errors import NotFound, StorageError
from data.links import CLEAN, SETTINGS, SIDECAR
from data.schema import utcnow
from data.storage import thumbnail_key

_METHODS = ("GET", "HEAD")
_ADDRESS = re.compile("/files/([^/]+)/([^/]+)")
_QUERY = re.compile("e=([0-9]+)&s=([A-Za-z0-9_-]+)")  # as a thumbnail's link has it: nothing in it is quoted
_MIMES = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif", videos.MP4, videos.WEBM})
_SIGNS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb".{4}ftypavi[fs]", re.DOTALL), "image/avif"),
)
_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",  # the dashboard is another origin
}
_RAW_HEADERS = tuple((name.lower().encode(), value.encode()) for name, value in _HEADERS.items())
_THUMBNAIL = (*_RAW_HEADERS, (b"content-type", b"image/webp"))
# What else a browser has been told of a picture it keeps with it (RFC 9110, 15.4.5); each header costs a check.
_STILL = tuple(each for each in _RAW_HEADERS if each[0] in (b"cache-control", b"cross-origin-resource-policy"))
# A browser shows a bare video in a page of its own making, which then loads the video itself, from us and as one of us.
_VIDEO_POLICY = {"Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox allow-same-origin"}
_TELLING = (SETTINGS, SIDECAR)
_AT_ONCE = 4 << 20  # bytes of an original that is read whole: more would lie in memory for a slow client
_REBUILDS_AT_ONCE = 2  # decoding is what costs; a page of missing thumbnails must not take every thread


class Original(FileResponse):
    """In chunks of 1 MiB: twice the speed of the default 64 kB."""

    chunk_size = 1_048_576


class Ready(NamedTuple):
    """An answer that is only sent: making a `Response` takes longer than all else that a 304 needs."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes = b""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def at_once(scope: Scope, state: State) -> Ready | None:
    """A thumbnail that lies there whole, or 304 for any picture by a genuine link.

    For all else that an application is told, every refusal among it, None: that takes the route. `state` is the
    application's.
    """
    if scope["type"] != "http" or scope["method"] not in _METHODS:
        return None
    asked = _ADDRESS.fullmatch(scope["path"])
    if not asked:
        return None
    sha256, variant = asked.groups()
    known = ""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = value.decode("latin-1")
            break
    if (not known and not variant.isdecimal()) or variant in _TELLING:
        return None
    desk: Opened = state.opened
    query = _query(scope["query_string"].decode("latin-1"))
    if not desk.links.verify(sha256, variant, query, now=utcnow()):
        return None
    etag = _etag(sha256, variant)
    if known and _is_known(known, etag):  # before any I/O: the name says it all
        return Ready(304, (*_STILL, (b"etag", etag.encode())))
    data = _whole(desk, sha256, int(variant)) if variant.isdecimal() and "n" not in query else b""
    if not data:
        return None
    return Ready(200, (*_THUMBNAIL, (b"etag", etag.encode()), (b"content-length", b"%d" % len(data))), data)


def _query(text: str) -> Mapping[str, str]:
    plain = _QUERY.fullmatch(text)
    return {"e": plain[1], "s": plain[2]} if plain else dict(parse_qsl(text, keep_blank_values=True))


async def picture(request: Request) -> Response:
    """`/files/{sha256}/{variant}?e&s[&n&t&k]`, as `data.links.LinkSigner` makes it, where `at_once` had no answer."""
    desk: Opened = request.app.state.opened
    sha256, variant = request.path_params["sha256"], request.path_params["variant"]
    if not desk.links.verify(sha256, variant, request.query_params, now=utcnow()):
        text = "This picture link is not valid, or no longer. Reload the page that showed it.\n"
        return PlainTextResponse(text, 403, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    headers = _headers(sha256, variant, request.query_params)
    try:
        if variant in _TELLING:
            return await _telling(request, desk, sha256, variant)
        if variant == "original":
            return await _original(request, desk, sha256, headers)
        if variant == CLEAN:
            return await _clean(request, desk, sha256, headers)
        return Response(await _rebuilt(request, desk, sha256, int(variant)), 200, headers, "image/webp")
    except NotFound as missing:
        return PlainTextResponse(
            f"{missing}\n", 404, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        )


ROUTES = [Route("/files/{sha256}/{variant}", picture, methods=[*_METHODS])]


def _headers(sha256: str, variant: str, query: Mapping[str, str]) -> dict[str, str]:
    return _HEADERS | _disposition(query) | {"ETag": _etag(sha256, variant)}


def _etag(sha256: str, variant: str) -> str:
    return f'"{sha256}.{variant}"'


async def _original(request: Request, desk: Opened, sha256: str, headers: Mapping[str, str]) -> Response:
    path, mime = desk.artifacts.original_path(sha256), request.query_params.get("t")
    known = mime if mime in _MIMES else _look(path)
    if known.startswith("video/"):
        headers = {**headers, **_VIDEO_POLICY}
    facts = os.stat(path)
    if facts.st_size <= _AT_ONCE and request.method == "GET" and "range" not in request.headers:
        data = await run_in_threadpool(path.read_bytes)  # one hop instead of one for each operation
        return Response(data, 200, {**headers, "Accept-Ranges": "bytes"}, known)
    return Original(path, headers=headers, media_type=known, stat_result=facts)


async def _clean(request: Request, desk: Opened, sha256: str, headers: Mapping[str, str]) -> Response:
    rebuilds: asyncio.Semaphore = request.app.state.rebuilds  # it is whole in memory, twice
    async with rebuilds:
        data, mime = await run_in_threadpool(desk.artifacts.cleaned, sha256)
    return Response(data, 200, headers, mime)


async def _telling(request: Request, desk: Opened, sha256: str, variant: str) -> Response:
    """Made anew each time: what a task was charged may become known after its picture has come."""
    card = await run_in_threadpool(desk.history.card, request.query_params.get("k", ""))
    one = next((one for one in card.pictures if one.sha256 == sha256), None)
    if one is None:
        raise NotFound("This request has no such picture.")
    references = await run_in_threadpool(desk.glances.inputs, [card.id])
    facts = sidecar.facts(card, one, references.get(card.id, ()))
    headers = _HEADERS | _disposition(request.query_params) | {"Cache-Control": "no-store"}
    if variant == SIDECAR:
        return Response(sidecar.to_json(facts), 200, headers, "application/json")
    rebuilds: asyncio.Semaphore = request.app.state.rebuilds
    async with rebuilds:
        data, mime = await run_in_threadpool(desk.artifacts.told, sha256, facts)
    return Response(data, 200, headers, mime)


def _whole(desk: Opened, sha256: str, edge: int) -> bytes:
    """The thumbnail, or nothing where it has to be made again."""
    try:
        data = desk.storage.read(thumbnail_key(sha256, edge))
    except (NotFound, StorageError):
        return b""
    # Derived files are not synced: after a power cut one may be shorter than its own header says.
    return data if int.from_bytes(data[4:8], "little") + 8 == len(data) else b""


async def _rebuilt(request: Request, desk: Opened, sha256: str, edge: int) -> bytes:
    rebuilds: asyncio.Semaphore = request.app.state.rebuilds
    async with rebuilds:
        path = await run_in_threadpool(desk.artifacts.thumbnail_path, sha256, edge)
    return path.read_bytes()


def new_rebuilds() -> asyncio.Semaphore:
    """The ceiling for thumbnails made at once."""
    return asyncio.Semaphore(_REBUILDS_AT_ONCE)


def _look(path: Path) -> str:
    """The media type by the first bytes, never by a name; what is none of ours is only bytes."""
    with path.open("rb") as file:
        head = file.read(videos.HEAD)
    is_picture = (mime for sign, mime in _SIGNS if sign.match(head))
    return next(is_picture, None) or videos.kind(head) or "application/octet-stream"


def _is_known(if_none_match: str, etag: str) -> bool:
    if if_none_match == etag:  # as a browser says it
        return True
    known = (each.strip().removeprefix("W/") for each in if_none_match.split(","))
    return any(each in (etag, "*") for each in known)


def _disposition(query: Mapping[str, str]) -> dict[str, str]:
    """An attachment under the name that the link carries (RFC 6266, RFC 5987); without one nothing, which is inline."""
    name = query.get("n")
    if not name:
        return {}
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}
