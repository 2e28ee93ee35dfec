"""The socket that tells an open screen to look again: `/live?w&e&s`, as `data.links.LinkSigner` makes it.

The signature is the ticket, so no cookie is asked for and another site's page gains nothing by knocking. A WebSocket
and not an event stream: of those a browser opens six to one host, and the seventh tab would not load.
"""

import asyncio

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from callback_server.live import Listener
from callback_server.routes.opened import Opened
from data.schema import utcnow

BREATH_SECONDS = 0.1
"""Between two messages to one screen: a batch that starts is many commits and one drawing."""


async def live(socket: WebSocket) -> None:
    """Says the revision at once, and again whenever something of this person has moved, until the screen leaves."""
    desk: Opened = socket.app.state.opened
    who = desk.links.listener(socket.query_params, now=utcnow())
    if who is None or desk.live is None:
        await socket.close()  # before it was accepted: the browser hears 403
        return
    await socket.accept()
    async with desk.live.listener(who) as mine:
        telling = asyncio.create_task(_tell(socket, desk, mine))
        try:
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass  # a screen has nothing to say
        finally:
            telling.cancel()
            await asyncio.wait([telling])


async def _tell(socket: WebSocket, desk: Opened, mine: Listener) -> None:
    assert desk.live is not None
    try:
        await socket.send_json({"revision": desk.live.revision, "moved": False})
        while True:
            await mine.rings.wait()
            mine.rings.clear()
            await socket.send_json({"revision": desk.live.revision, "moved": True})
            await asyncio.sleep(BREATH_SECONDS)
    except (WebSocketDisconnect, RuntimeError):  # it left while we spoke; whoever listens to it hears that too
        return


router = APIRouter()
router.add_websocket_route("/live", live)
