"""Veo's own older path: a flat body to create, and a record of its own.

The task behind it is one like any other: it is drawn, charged and called back by the same hands.
"""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from . import veo_wire, wire
from .gate import Entered, answer
from .jobs import answer_create, look
from .task import Task

router = APIRouter()
NO_RECORD = "record is null."


@router.post("/api/v1/veo/generate")
async def generate(request: Request, desk: Entered) -> Response:
    """Take a task, or say why not."""
    return await answer_create(request, desk, "veo")


@router.get("/api/v1/veo/record-info")
async def record_info(request: Request, desk: Entered) -> Response:
    """Say how a task stands."""
    found = await asyncio.to_thread(look, request, desk, NO_RECORD, ("veo",))
    if isinstance(found, Task):
        body = wire.envelope(200, wire.WORDS[200], veo_wire.record(found))
    else:
        body = wire.envelope(found.code, found.words, None)
    return await answer(desk, body)
