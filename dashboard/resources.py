"""What every session shares: the engine, the stores and the signer of picture links.

Holds the only `st.cache_resource` of the project, so that there is one engine per process. It knows no provider and no
key: `Settings` is the half of the configuration that a dashboard may see.
"""

import gc
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

import streamlit as st

from data.artifacts import ArtifactStore
from data.db import Database
from data.glances import Glances
from data.health import HealthBoard
from data.history import History
from data.ledger import Ledger
from data.links import LinkSigner, signing_key
from data.pairing import Pairing
from data.preferences import Preferences
from data.schema import utcnow
from data.search import Search
from data.settings import Settings
from data.storage import ObjectStorage
from data.tasks import TaskStore


@dataclass(frozen=True)
class Desk:
    """Everything that the screens read and write through."""

    settings: Settings
    tasks: TaskStore
    history: History
    glances: Glances
    pairing: Pairing
    search: Search
    ledger: Ledger
    health: HealthBoard
    preferences: Preferences
    artifacts: ArtifactStore
    signer: LinkSigner


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """Opens the database once per process, making it at first start. Raises DatabaseUnavailable or StorageError."""
    settings = Settings()
    db = Database(settings.database_address)
    db.migrate()
    artifacts = ArtifactStore(
        db,
        ObjectStorage(settings.state_dir),
        max_reference_bytes=settings.max_reference_mb * 1_000_000,
        max_pixels=settings.max_reference_megapixels * 1_000_000,
    )
    signer = LinkSigner(signing_key(settings))
    stores = (
        TaskStore(db),
        History(db),
        Glances(db),
        Pairing(db),
        Search(db),
        Ledger(db),
        HealthBoard(db),
        Preferences(db),
    )
    _settle_down()
    return Desk(settings, *stores, artifacts, signer)


@cache
def _settle_down() -> None:
    """Once a process: what was loaded stays for good, and is most of what whoever looks for rubbish looks through."""
    gc.collect()
    gc.freeze()


def picture_url(sha256: str, variant: str, *, filename: str | None = None, mime: str | None = None) -> str:
    """A signed address at the callback server, which the browser opens itself: bytes never travel through Streamlit."""
    here = desk()
    path = here.signer.path(sha256, variant, now=now(), filename=filename, mime=mime)
    return _files_base(here.settings) + path


def news_url(who: str) -> str:
    """A signed address of the callback server's news about this person's tasks, or EVERYBODY's; see `news.js`."""
    here = desk()
    return "ws" + _files_base(here.settings).removeprefix("http") + here.signer.live_path(who, now=now())


def now() -> datetime:
    """The present moment in UTC."""
    return utcnow()


def _files_base(settings: Settings) -> str:
    """The configured address, or the host of the page the browser opened with the callback server's port."""
    if settings.files_base_url:
        return settings.files_base_url.rstrip("/")
    page = urlsplit(st.context.url or "")
    host = page.hostname or settings.listen_host
    return f"{page.scheme or 'http'}://{f'[{host}]' if ':' in host else host}:{settings.callback_port}"
