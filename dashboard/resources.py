"""What every session shares: the engine, the stores and the signer of picture links.

Holds the only `st.cache_resource` of the project, so that there is one engine per process. It knows no provider and no
key: `Settings` is the half of the configuration that a dashboard may see.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypedDict
from urllib.parse import urlsplit

import streamlit as st

from dashboard import theme
from data.artifacts import ArtifactStore
from data.batches import Batches
from data.db import Database
from data.failures import Failures
from data.glances import Glances
from data.health import HealthBoard
from data.history import History
from data.ledger import Ledger
from data.linked import LinkedPictures
from data.links import ARCHIVE, LinkSigner, signing_key
from data.lost import Lost
from data.marks import Marks
from data.pairing import Pairing
from data.preferences import Preferences
from data.projects import Projects
from data.prompts import Prompts
from data.removal import Removal
from data.results import BatchResults
from data.saved_views import SavedViews
from data.schema import utcnow
from data.search import Search
from data.settings import Settings
from data.storage import ObjectStorage
from data.tasks import TaskStore
from data.templates import Templates


class ArchiveForm(TypedDict):
    """A form for `post` in `kit.js`: where it goes, and its fields."""

    action: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Desk:
    """Everything that the screens read and write through."""

    settings: Settings
    tasks: TaskStore
    history: History
    glances: Glances
    batches: Batches
    results: BatchResults
    pairing: Pairing
    search: Search
    saved_views: SavedViews
    marks: Marks
    projects: Projects
    removal: Removal
    failures: Failures
    ledger: Ledger
    health: HealthBoard
    preferences: Preferences
    prompts: Prompts
    templates: Templates
    linked: LinkedPictures
    lost: Lost
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
        Batches(db),
        BatchResults(db),
        Pairing(db),
        search := Search(db),
        SavedViews(db),
        Marks(db),
        Projects(db),
        Removal(db),
        Failures(db, search),
        Ledger(db),
        HealthBoard(db),
        Preferences(db),
        Prompts(db),
        Templates(db),
        LinkedPictures(db),
        Lost(db),
    )
    _settle_down()
    return Desk(settings, *stores, artifacts, signer)


@cache
def _settle_down() -> None:
    """Once a process: what was loaded stays for good, and is most of what whoever looks for rubbish looks through."""
    theme.write_once()
    gc.collect()
    gc.freeze()


def picture_url(
    sha256: str, variant: str, *, filename: str | None = None, mime: str | None = None, task_id: str | None = None
) -> str:
    """A signed address at the callback server, which the browser opens itself: bytes never travel through Streamlit.

    `variant` is one of `links.VARIANTS`; CLEAN and SETTINGS where the picture's media type is one of `clean.FORMATS`,
    SETTINGS and SIDECAR with the id of the task.
    """
    here = desk()
    path = here.signer.path(sha256, variant, now=now(), filename=filename, mime=mime, task_id=task_id)
    return _files_base(here.settings) + path


def archive_form(task_ids: Sequence[str], who: str, kind: str) -> ArchiveForm:
    """What a browser posts to get these tasks' files and a manifest as one ZIP file; `kit.js` has `post` for it.

    `kind` is one of `links.KINDS`: the originals, or copies.

    At most `links.ARCHIVED` ids, else ValueError; for all of a query: `desk().search.ids(query, who, top=top)`. `who`
    is the person's id. It is valid for a day, so it can be made for the click, and need not stand in the page before:
    with 5,000 ids it is 185 kB. Deleted tasks are left out, tasks without a file are listed in the manifest.
    """
    here = desk()
    return {
        "action": _files_base(here.settings) + ARCHIVE,
        "fields": here.signer.archive_form(task_ids, who, now=now(), kind=kind),
    }


def news_url(who: str) -> str:
    """A signed address of the callback server's news about this person's tasks, or EVERYBODY's; see `news.js`."""
    here = desk()
    return "ws" + _files_base(here.settings).removeprefix("http") + here.signer.live_path(who, now=now())


def server_url(path: str) -> str:
    """Where browsers and programs reach the callback server."""
    return _files_base(desk().settings) + path


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
