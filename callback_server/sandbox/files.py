"""Files in both directions: result pictures as they are handed out (well or badly), uploads, and download links."""

import asyncio
import base64
import binascii
import mimetypes
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile

from . import faults, wire
from .gate import BrokenError, Desk, Entered, RefusedError, answer, base_url, check_up, desk_of, json_body
from .keeper import now_ms
from .links import fits
from .pictures import NAME, BadReference, write
from .task import Task

router = APIRouter()
MAX_UPLOAD = 100 * 1024 * 1024  # bytes
DAY_MS, HOUR_MS, LINK_MS = 86_400_000, 3_600_000, 20 * 60_000
DRIBBLES = 40
SAFE = re.compile(r"[^\w.() -]+")
MIME = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII)
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x04\x00\x00\x00\x04\x00\x08\x02\x00\x00\x00\xf0\x7f\xbc\xd4"


@router.get("/f/{name}")
async def result_file(name: str, request: Request) -> Response:
    """Hand out a result; no key is needed, but an Ark link must carry its own signature, and nothing but that."""
    desk = desk_of(request)
    _check_link(request)
    await asyncio.to_thread(check_up, desk, "down", "files_down")
    found = NAME.match(name)
    task = await asyncio.to_thread(desk.store.task, found[1]) if found else None
    if task is None or f"/f/{name}" not in {urlsplit(url).path for url in task.urls}:
        return Response("Not Found", 404)
    if task.road == "ark" and (wrong := fits(request, desk.config.key)):
        return Response(wrong, 400 if request.headers.get("authorization") else 403, media_type="application/xml")
    aged = now_ms() - (task.ended_ms or 0) > desk.config.result_days * DAY_MS
    if aged or "expired" in task.faults:
        return Response("Not Found", 404)
    spoiled = _spoiled_file(task)
    if spoiled is not None:
        return spoiled
    path = await desk.pictures.result(task, name)
    if "truncated_file" in task.faults or "slow_file" in task.faults:
        return _spoiled_bytes(task, await asyncio.to_thread(path.read_bytes))
    return FileResponse(path, headers={"Cache-Control": "public, max-age=86400"})


def _check_link(request: Request) -> None:
    """Refuse a download link whose twenty minutes are over."""
    until = request.query_params.get("until", "")
    if until.isascii() and until.isdigit() and int(until[:18]) < now_ms():
        raise BrokenError(403)


def _spoiled_file(task: Task) -> Response | None:
    """Return an answer that is no picture, where a fault asks for one."""
    if "redirect" in task.faults:
        return RedirectResponse(task.faults["redirect"], 302)
    if "file_http" in task.faults:
        return wire.broken(faults.status(task.faults, "file_http"))
    if "html_file" in task.faults:
        return HTMLResponse("<!doctype html><title>Please wait</title><p>Your file is being prepared.</p>")
    if "huge_file" in task.faults:
        megabytes = int(faults.number(task.faults, "huge_file", most=10_000))
        return StreamingResponse(_endless(megabytes), media_type="image/png")
    return None


def _spoiled_bytes(task: Task, content: bytes) -> Response:
    """Return a file cut short, or one that drips."""
    kind = mimetypes.guess_type(urlsplit(task.urls[0]).path)[0]
    if "truncated_file" in task.faults:
        content = content[: len(content) * 3 // 5]
    if "slow_file" not in task.faults:
        return Response(content, media_type=kind)
    pause = faults.number(task.faults, "slow_file") / DRIBBLES
    return StreamingResponse(_dribble(content, pause), media_type=kind, headers={"Content-Length": str(len(content))})


async def _dribble(content: bytes, pause: float) -> AsyncIterator[bytes]:
    step = len(content) // DRIBBLES + 1
    for start in range(0, len(content), step):
        await asyncio.sleep(pause)
        yield content[start : start + step]


async def _endless(megabytes: int) -> AsyncIterator[bytes]:
    yield PNG_START
    block = bytes(256 * 1024)
    for _ in range(megabytes * 4):
        yield block
        await asyncio.sleep(0)


@router.post("/api/file-base64-upload")
async def upload_base64(request: Request, desk: Entered) -> Response:
    """Take a file as base64, bare or as a data URL."""
    body = await json_body(request)
    text = body.get("base64Data") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        raise RefusedError(wire.Refusal(400, "base64Data is required"))
    head, comma, tail = text.partition(",")
    kind = head.removeprefix("data:").split(";")[0] if comma and head.startswith("data:") else None
    try:
        content = await asyncio.to_thread(base64.b64decode, tail if kind is not None else text, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(wire.Refusal(400, "base64Data is not valid base64")) from None
    return await _keep(request, desk, body, content, kind)


@router.post("/api/file-stream-upload")
async def upload_stream(request: Request, desk: Entered) -> Response:
    """Take a file as a multipart form."""
    async with request.form() as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise RefusedError(wire.Refusal(400, "file is required"))
        content = await sent.read()
        named = {"fileName": sent.filename} | {name: value for name, value in form.items() if value}
    return await _keep(request, desk, named, content, sent.content_type)


@router.post("/api/file-url-upload")
async def upload_url(request: Request, desk: Entered) -> Response:
    """Fetch a file from a URL and keep it."""
    body = await json_body(request)
    url = body.get("fileUrl") if isinstance(body, dict) else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise RefusedError(wire.Refusal(400, "fileUrl is required"))
    try:
        content = await desk.pictures.download(desk.client, url, MAX_UPLOAD)
    except BadReference:
        raise RefusedError(wire.Refusal(500, "Failed to download the file from the given URL")) from None
    named = {"fileName": urlsplit(url).path.rsplit("/", 1)[-1]} | {name: value for name, value in body.items() if value}
    return await _keep(request, desk, named, content, None)


async def _keep(request: Request, desk: Desk, named: dict[str, Any], content: bytes, kind: str | None) -> Response:
    """Store an upload under its path and answer in the documented shape."""
    folder = named.get("uploadPath")
    if not isinstance(folder, str) or not folder.strip("/"):
        raise RefusedError(wire.Refusal(400, "uploadPath is required"))
    if folder != folder.strip("/") or {"", ".", ".."} & set(folder.split("/")):
        raise RefusedError(wire.Refusal(400, "uploadPath must not begin or end with a slash"))
    if not content or len(content) > MAX_UPLOAD:
        raise RefusedError(wire.Refusal(400, "The file is empty or too large"))
    wanted = named.get("fileName")
    name = SAFE.sub("_", wanted)[-120:] if isinstance(wanted, str) and wanted.strip(". ") else "upload.bin"
    path = "/".join([*(SAFE.sub("_", part)[:80] for part in folder.split("/")), name])
    named_kind = kind if kind and MIME.fullmatch(kind) else None  # it becomes a header when the file is handed back
    mime = named_kind or mimetypes.guess_type(name)[0] or "application/octet-stream"
    at = now_ms()
    await asyncio.to_thread(write, desk.pictures.upload_path(path), content)
    await asyncio.to_thread(desk.store.add_upload, path, mime, len(content), at)
    link = f"{base_url(request)}/uploads/{quote(path)}"
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"fileName": name, "filePath": path, "downloadUrl": link, "fileSize": len(content)}
    data |= {"mimeType": mime, "uploadedAt": stamp}
    body = {"success": True} | wire.envelope(200, "File uploaded successfully", data)
    return await answer(desk, body)


@router.get("/uploads/{path:path}")
def uploaded_file(path: str, request: Request) -> Response:
    """Hand an upload back for a day."""
    desk = desk_of(request)
    known = desk.store.upload(path)
    expired = known is None or now_ms() - known[1] > desk.config.upload_hours * HOUR_MS
    if known is None or expired or desk.live("uploads_expired") is not None:
        return Response("Not Found", 404)
    headers = {"X-Content-Type-Options": "nosniff"}
    return FileResponse(desk.pictures.upload_path(path), media_type=known[0], headers=headers)


@router.post("/api/v1/common/download-url")
async def download_link(request: Request, desk: Entered) -> Response:
    """Return a link to one of our files that works for twenty minutes; a foreign URL is refused."""
    body = await json_body(request)
    url = body.get("url") if isinstance(body, dict) else None
    base = base_url(request)
    if not isinstance(url, str) or not url.startswith((f"{base}/f/", f"{base}/uploads/")):
        raise RefusedError(wire.Refusal(422, "The url was not generated by this service"))
    link = f"{url.partition('?')[0]}?until={now_ms() + LINK_MS}"
    return await answer(desk, wire.envelope(200, wire.WORDS[200], link))
