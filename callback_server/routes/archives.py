"""Many pictures as one ZIP file, by a signed form (`data.links.LinkSigner.archive_form`): streamed, never stored.

A piece is read when the one before it has gone to the client, in a thread: a slow client costs a file handle and a few
MiB, one that hangs up ends the reading, and the event loop waits for no disk.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Send

from callback_server.routes.bodies import read_capped
from callback_server.routes.opened import Opened
from data.archive import Archive
from data.links import ARCHIVE, ARCHIVED, archive_name
from data.marks import Marks
from data.preferences import Preferences
from data.schema import utcnow

log = logging.getLogger(__name__)

_LONGEST = ARCHIVED * 40 + 10_000  # bytes of a form
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def archive(request: Request) -> Response:
    """`POST /files/archive` with the fields of the form; its length is known, so that browsers show progress."""
    desk: Opened = request.app.state.opened
    fields = await _fields(request)
    task_ids = desk.links.archived(fields, now=utcnow())
    if task_ids is None:
        text = "This download is not valid, or no longer. Reload the page that offered it, and ask for it again.\n"
        return PlainTextResponse(text, 403, _HEADERS)
    kind = fields["k"]
    made = await run_in_threadpool(_made, desk, task_ids, kind)
    log.info(
        "archive: %s takes %d files (%s) of %d tasks, %d bytes", fields["w"], made.files, kind, len(task_ids), made.size
    )
    name = archive_name(kind, utcnow())
    headers = {"Content-Length": str(made.size), "Content-Disposition": f'attachment; filename="{name}"'}
    return _Stream(_pieces(made), headers=_HEADERS | headers, media_type="application/zip")


router = APIRouter()
router.add_route(ARCHIVE, archive, methods=["POST"])


def _made(desk: Opened, task_ids: Sequence[str], kind: str) -> Archive:
    stores = (desk.history, desk.glances, Marks(desk.db), desk.storage)
    return Archive(*stores, task_ids, now=utcnow(), names=Preferences(desk.db).everybodys("name"), kind=kind)


async def _fields(request: Request) -> dict[str, str]:
    body = await read_capped(request, _LONGEST)
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="strict"))
    except ValueError:  # not a form at all, which is no better signed than a forged one
        return {}


async def _pieces(made: Archive) -> AsyncIterator[bytes]:
    pieces = made.pieces()
    try:
        while piece := await run_in_threadpool(next, pieces, b""):
            yield piece
    finally:
        pieces.close()


class _Stream(StreamingResponse):
    """Lets go of the file at once when the client has gone, not when the garbage collector comes by."""

    async def stream_response(self, send: Send) -> None:
        """As the framework does it, and then the iterator is closed."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)
