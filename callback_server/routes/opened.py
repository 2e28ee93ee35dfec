"""What the application has opened, for the routes: one frozen record, made by `app.py` and read through `Desk`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from callback_server.download import Downloader
from callback_server.live import Live
from callback_server.settings import ServerSettings
from data.artifacts import ArtifactStore
from data.db import Database
from data.glances import Glances
from data.group import GroupWriter
from data.history import History
from data.inbox import Answer, Delivery, Inbox
from data.links import LinkSigner
from data.storage import ObjectStorage
from data.tasks import TaskStore


@dataclass(frozen=True)
class Opened:
    """Everything here lives as long as the application runs."""

    settings: ServerSettings
    db: Database
    storage: ObjectStorage
    artifacts: ArtifactStore
    tasks: TaskStore
    history: History
    glances: Glances
    inbox: Inbox
    deliveries: GroupWriter[Delivery, Answer]  # the way into the inbox: many at once
    links: LinkSigner
    references: Downloader  # with the limits of a reference, not of an output
    workers_run: Callable[[], bool]
    live: Live | None = None  # None where no workers run: then nobody looks for news
    troubles: Callable[[], Mapping[str, str]] = dict  # what the heartbeat finds wrong with "database" and "clock"


async def opened(request: Request) -> Opened:
    """The record of this application. Async, because FastAPI would take a plain function to a thread."""
    return cast(Opened, request.app.state.opened)


Desk = Annotated[Opened, Depends(opened)]
