"""The callback server, put together: what is shared is opened, the workers are started, the routes are mounted."""

import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from callback_server.download import Downloader
from callback_server.routes import api, archives, files, live, ops, webhooks
from callback_server.routes.opened import Opened
from callback_server.routes.refusals import HANDLERS
from callback_server.settings import ServerSettings
from callback_server.workers import start
from data import mode
from data.artifacts import ArtifactStore
from data.catalog import follow
from data.db import Database
from data.glances import Glances
from data.group import GroupWriter
from data.history import History
from data.inbox import Inbox
from data.links import LinkSigner, signing_key
from data.storage import ObjectStorage
from data.tasks import TaskStore

REFERENCE_SECONDS = 30.0  # a program waits while its reference is fetched


class Application(FastAPI):
    """What `files.at_once` can answer passes none of its layers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or anything else that an application is told."""
        ready = files.at_once(scope, self.state)
        await (ready or super().__call__)(scope, receive, send)


def create_app(settings: ServerSettings, *, workers: bool = True, hurry: threading.Event | None = None) -> FastAPI:
    """The application. `workers=False` serves the routes alone: nothing is sent, looked up or fetched.

    Once `hurry` is set, a stop waits for no answers to paid calls.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as closing:
            app.state.storage_probe, app.state.database_probe = ops.StorageProbe(), ops.DatabaseProbe()
            app.state.rebuilds = files.new_rebuilds()
            app.state.opened = await _open(settings, closing, workers=workers, hurry=hurry)
            yield

    app = Application(
        title="Picture Desk",
        summary="Asks for pictures, reads tasks, receives webhooks.",
        lifespan=lifespan,
        routes=[*webhooks.ROUTES, *files.ROUTES],  # asked first: both come in bursts, and each question before costs
        exception_handlers=HANDLERS,
        docs_url=None,  # its page would load a script from a stranger
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing listens, and addresses hold tokens
    )
    app.include_router(webhooks.router)
    app.include_router(api.readers)
    if settings.tokens:
        app.include_router(api.programs)
    app.include_router(archives.router)
    app.include_router(live.router)
    app.include_router(ops.router)
    return app


async def _open(
    settings: ServerSettings, closing: AsyncExitStack, *, workers: bool, hurry: threading.Event | None
) -> Opened:
    """Opens the stores, makes the tables if need be, starts the workers; `closing` undoes it all in reverse."""
    follow(settings.state_dir)
    db = Database(settings.database_address)
    closing.push_async_callback(run_in_threadpool, db.close)
    await run_in_threadpool(db.migrate)
    largest_reference = settings.max_reference_mb * 1_000_000
    storage = ObjectStorage(settings.state_dir.resolve())
    artifacts = ArtifactStore(
        db,
        storage,
        max_reference_bytes=largest_reference,
        max_pixels=settings.max_reference_megapixels * 1_000_000,
    )
    references = Downloader(max_bytes=largest_reference, seconds=REFERENCE_SECONDS, exceptions=settings.allowed_hosts)
    closing.push_async_callback(references.aclose)
    inbox = Inbox(db)
    deliveries = GroupWriter(inbox.take_all)
    closing.push_async_callback(run_in_threadpool, deliveries.close)
    if workers:
        await run_in_threadpool(mode.enter, db, practice=settings.practice)
    running = start(settings, db, storage, artifacts, hurry) if workers else None
    if running is not None:
        closing.push_async_callback(running.stop)
    return Opened(
        settings=settings,
        db=db,
        storage=storage,
        artifacts=artifacts,
        tasks=TaskStore(db),
        history=History(db),
        glances=Glances(db),
        inbox=inbox,
        deliveries=deliveries,
        links=LinkSigner(await run_in_threadpool(signing_key, settings)),
        references=references,
        workers_run=lambda: deliveries.alive and (running is None or running.alive),
        live=None if running is None else running.live,
        troubles=lambda: {} if running is None else running.pulse.troubles,
    )
