"""The faults that strike an answer in the same way on every road: broken pages, closed connections, delays."""

from fastapi import Request
from fastapi.responses import Response

from . import faults, wire
from .gate import hang_up, wait


async def unread(request: Request, struck: faults.Faults) -> Response | None:
    """Play what strikes a request before anybody has read it; nothing was taken."""
    if "http" in struck:
        return wire.broken(faults.status(struck, "http"))
    if "lost_request" in struck:
        await hang_up(request)
        return Response(status_code=502)
    return None


async def unheard(request: Request, struck: faults.Faults) -> Response | None:
    """Play what strikes the answer to a request that was taken."""
    if "slow_answer" in struck:
        await wait(request, faults.number(struck, "slow_answer"))
    if "lost_answer" in struck:
        await hang_up(request)
        return Response(status_code=502)
    return wire.broken(faults.status(struck, "http_after")) if "http_after" in struck else None
