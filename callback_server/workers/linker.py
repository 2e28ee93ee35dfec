"""Fetches the pictures that people want as references and name by an address: through the guard, as an upload is taken.

What cannot be had is said in a sentence that the form shows. Each address is tried once: who wants it again is there to
say so, and the address itself is forgotten. It is never logged, for it may hold a token.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from callback_server.download import Downloader, DownloadError
from callback_server.patience import insist
from callback_server.settings import ServerSettings
from callback_server.workers.lamps import Lamps
from callback_server.workers.loop import finish
from data.artifacts import ArtifactStore
from data.errors import InvalidImage, StorageError
from data.images import StoredImage
from data.linked import LinkedPictures, LinkErrand
from data.sentences import Sentence
from data.shrinking import UPLOAD_MB

log = logging.getLogger(__name__)

SECONDS = 30.0
"""A person waits, and may have gone on to something else after that."""
LEASE = timedelta(seconds=2 * SECONDS)
"""Outlasts the download and the decoding; so long somebody waits whose server was killed over it."""
LOOK_SECONDS = 1.0
"""Between two looks whether it is still wanted: until its download ends, the person's next one waits."""

_UPLOAD = Sentence("Save the picture and upload it.")
_LATER = Sentence("Tell whoever looks after this desk, and add it again later.")
_DO = {
    "private_address": _UPLOAD,
    "expired": Sentence("Open the address in a browser; if the picture is there, save it and upload it."),
    "too_large": Sentence("Save a smaller copy of it and upload that."),
    "unreachable": Sentence("Look whether the address is right and add it again, or save the picture and upload it."),
    "refused": _UPLOAD,
}


@dataclass(frozen=True)
class Linker:
    """The step of one seat."""

    linked: LinkedPictures
    artifacts: ArtifactStore
    downloader: Downloader
    lamps: Lamps

    @classmethod
    def from_settings(
        cls, settings: ServerSettings, linked: LinkedPictures, artifacts: ArtifactStore, lamps: Lamps
    ) -> "Linker":
        """With the limits of an upload, and the exceptions of references."""
        downloader = Downloader(max_bytes=UPLOAD_MB * 1_000_000, seconds=SECONDS, exceptions=settings.allowed_hosts)
        return cls(linked, artifacts, downloader, lamps)

    async def step(self) -> bool:
        """Fetches one picture; False where none is wanted."""
        errand = await asyncio.to_thread(self.linked.claim, LEASE)
        if errand is None:
            return False
        trouble = ""
        try:
            came = await self._unless_forgotten(errand)
        except StorageError as error:
            came, trouble = _refusal(errand, error.sentence, _LATER), str(error)
        except asyncio.CancelledError:  # the server stops: somebody waits, and the next shall not wait for the lease
            await finish(asyncio.to_thread(self.linked.give_back, errand))
            raise
        if came is None:
            await insist("A picture for a form", partial(self.linked.give_back, errand))
            return True
        if isinstance(came, StoredImage):
            note = partial(self.linked.arrived, errand.id, came)
        else:
            note = partial(self.linked.failed, errand.id, came)
        await insist("A picture for a form", note)
        log.info("a picture for a form %s", "is here" if isinstance(came, StoredImage) else "cannot be had")
        if trouble:  # only now: the lamp is a write too, and where pictures and database share a disk both are refused
            await self.lamps.storage_trouble(trouble)
        return True

    async def _unless_forgotten(self, errand: LinkErrand) -> StoredImage | str | None:
        """As `_fetch`; None, and the download is over, where nobody wants it any more."""
        fetching = asyncio.create_task(self._fetch(errand))
        try:
            while not (await asyncio.wait([fetching], timeout=LOOK_SECONDS))[0]:
                with suppress(SQLAlchemyError):  # then it goes on
                    if not await asyncio.to_thread(self.linked.found, [errand.id]):
                        return None
            return fetching.result()
        finally:
            fetching.cancel()
            await asyncio.wait([fetching])

    async def _fetch(self, errand: LinkErrand) -> StoredImage | str:
        """The picture, or the sentence that says why it is not here. Raises StorageError."""
        try:
            data = await self.downloader.fetch(errand.url)
            return await asyncio.to_thread(self.artifacts.take_reference, data, errand.name, fit=errand.fit)
        except DownloadError as error:
            # What is no sentence of ours holds a driver's words, which help nobody here.
            why = error.sentence if isinstance(error.sentence, Sentence) else Sentence("The connection failed.")
            return _refusal(errand, why, _DO.get(error.code, _DO["refused"]))
        except InvalidImage as error:
            return error.sentence


def _refusal(errand: LinkErrand, why: str, advice: str) -> str:
    """One sentence to whoever knows it again by its English (`retold`): the reason alone may be read as much else."""
    return Sentence("{name} could not be fetched. {why} Nothing was charged. {advice}", name=errand.name, why=why,
                    advice=advice)  # fmt: skip
