"""For whoever watches the server: is it alive (no look at anything), is it ready (database, storage, workers)."""

import asyncio
import time
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from callback_server.routes.opened import Desk, Opened
from data.errors import NotFound, StorageError

PROBE_SECONDS = 2.0
"""How long an answer about storage is good: a probe is a synced write, and strangers may ask at will."""

PATIENCE_SECONDS = 3.0
"""Whoever asks whether we are ready must not hang where the database does."""

_SILENT = "The database does not answer."

router = APIRouter(tags=["operation"])


class Readiness(BaseModel):
    """Each part is `ok` or a sentence that says what is wrong. A clock that jumped keeps nobody from working."""

    ok: bool
    database: str
    storage: str
    workers: str
    clock: str


@dataclass
class StorageProbe:
    """The last word about storage."""

    said: str = "ok"
    good_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class DatabaseProbe:
    """The read under way: one at a time, however many ask."""

    reading: asyncio.Future[str] | None = None


@router.get("/healthz")
async def alive() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(request: Request, desk: Desk) -> Response:
    """200 when work can be taken on, otherwise 503 and what is wrong."""
    troubles = desk.troubles()
    database = await _database(request, desk, troubles.get("database"))
    storage = await _storage(request, desk)
    workers = "ok" if desk.workers_run() else "A worker has stopped. Restart the callback server."
    found = Readiness(
        ok=(database, storage, workers) == ("ok", "ok", "ok"),
        database=database,
        storage=storage,
        workers=workers,
        clock=troubles.get("clock", "ok"),
    )
    return JSONResponse(found.model_dump(), 200 if found.ok else 503, {"Cache-Control": "no-store"})


async def _database(request: Request, desk: Opened, refused: str | None) -> str:
    """It must be readable now, and have taken the last heartbeat. Whoever asks gets an answer while it hangs."""
    probe: DatabaseProbe = request.app.state.database_probe
    if probe.reading is None or probe.reading.done():
        probe.reading = asyncio.ensure_future(run_in_threadpool(_read, desk))
    done, _ = await asyncio.wait({probe.reading}, timeout=PATIENCE_SECONDS)
    said = probe.reading.result() if done else _SILENT
    return said if said != "ok" else refused or "ok"


def _read(desk: Opened) -> str:
    try:
        with desk.db.read() as session:
            session.connection().execute(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:  # its words may hold the address with the password
        return _SILENT
    return "ok"


async def _storage(request: Request, desk: Opened) -> str:
    probe: StorageProbe = request.app.state.storage_probe
    async with probe.lock:
        if time.monotonic() >= probe.good_until:
            probe.said = await run_in_threadpool(_probe, desk)
            probe.good_until = time.monotonic() + PROBE_SECONDS
        return probe.said


def _probe(desk: Opened) -> str:
    try:
        desk.storage.check()
    except (StorageError, NotFound) as error:
        return str(error)
    return "ok"
