"""Puts the sandbox together: what is opened at the start, closed at the end, and how refusals are answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import Response

from . import ark, catalogue, control, files, gemini, jobs, veo, wire
from .config import SandboxConfig
from .gate import BrokenError, Desk, RefusedError, answer, desk_of
from .keeper import Keeper, now_ms
from .pictures import Pictures
from .store import Store


def create_app(config: SandboxConfig) -> FastAPI:
    """Return a sandbox that opens its state directory when it is started."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        config.state_dir.mkdir(parents=True, exist_ok=True)
        store = Store(config.state_dir / "sandbox.sqlite3", config.credits)
        store.give_up_direct(now_ms())
        pictures = Pictures(config)
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
        # trust_env off: a proxy in the environment has no business between two programs on one machine
        async with httpx.AsyncClient(trust_env=False, limits=limits) as client:
            keeper = Keeper(config, store, pictures, client)
            app.state.desk = Desk(config, store, pictures, keeper, client)
            work = asyncio.create_task(keeper.run(), name="keeper")
            try:
                yield
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await keeper.stop()
        pictures.close()
        store.close()

    app = FastAPI(title="Sandbox for kie.ai, Gemini and Ark", lifespan=lifespan, openapi_url=None)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(BrokenError, _broken)
    for part in (jobs, veo, catalogue, gemini, ark, files, control):
        app.include_router(part.router)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    path = request.url.path
    playground = path.startswith("/api/v1/playground/")
    body = wire.envelope(error.refusal.code, error.refusal.words, None, playground=playground)
    if path.startswith("/api/file-"):
        body = {"success": False} | body
    return await answer(desk_of(request), body)


async def _broken(_: Request, error: Exception) -> Response:
    assert isinstance(error, BrokenError)
    return wire.broken(error.status)
