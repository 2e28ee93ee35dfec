"""Brings finished pictures home: downloads them through the guard, stores them byte for byte, then says so.

A full disk waits for ever, whatever may be this machine's fault for long, a broken download for a day. What is given
up then keeps its addresses, so that a person may try the download again.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from callback_server.download import Downloader, DownloadError
from callback_server.patience import insist, said
from callback_server.providers.base import HELD
from callback_server.workers.lamps import Lamps
from data.artifacts import ArtifactStore
from data.errands import ErrandStore, Fetch
from data.errors import InvalidImage, NotFound, ReaderDown, StorageError
from data.images import StoredImage
from data.sentences import Sentence

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=12)

TRIES_FOR_A_PICTURE = 3
"""A file that is no picture is fetched anew this often: a cut connection may look like one."""

TRIES_FOR_A_MISSING_FILE = 7
"""Two minutes with the waits between (2, 4 … 64 s), each with a look for a fresh address: a network of caches may lag
behind its own announcement, and a wall in front of it may take us for somebody else for a while."""

TRIES_FOR_MEMORY = 12
"""Forty minutes with the waits between (up to 10 minutes): each costs a whole download, and a machine that is too small
does not grow by itself."""
_PERHAPS_OURS = {"out_of_memory": "too_large", "reader_died": "not_an_image"}
"""What this machine may have made of a good file, and what the file is in the end."""


@dataclass(frozen=True)
class Trouble:
    """Why one file is not home."""

    cause: str
    message: str
    permanent: bool
    ours: bool = False


@dataclass(frozen=True)
class Fetcher:
    """The step of one seat."""

    errands: ErrandStore
    artifacts: ArtifactStore
    downloader: Downloader
    lamps: Lamps

    async def step(self) -> bool:
        """Brings the files of one finished submission home."""
        errand = await asyncio.to_thread(self.errands.claim_fetch, LEASE)
        if errand is None:
            return False
        keeping = asyncio.create_task(self._keep(errand))
        try:
            await self._bring_all(errand)
        except Exception as error:  # whatever it is, this one must not come back at once and stop all seats
            unforeseen = Trouble("storage_full", f"{type(error).__name__} while it was stored", False, ours=True)
            await self._failed(errand, unforeseen)
            raise
        finally:
            keeping.cancel()
        return True

    async def _keep(self, errand: Fetch) -> None:
        """A short lease, prolonged while we live: after a kill -9 another fetcher takes over within seconds."""
        still_ours = True
        while still_ours:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            try:
                still_ours = await asyncio.to_thread(
                    self.errands.keep_fetch, errand.submission_id, LEASE, attempt=errand.attempt
                )
            except SQLAlchemyError as error:  # the lease outlasts a moment without the database
                log.debug("a lease could not be prolonged: %s", said(error), extra={"submission": errand.submission_id})

    async def _bring_all(self, errand: Fetch) -> None:
        troubles: dict[int, Trouble] = {}
        for position, url in enumerate(errand.urls):
            if position in errand.have and position not in errand.sought:
                continue
            if (trouble := await self._bring(errand, position, url)) is not None:
                troubles[position] = trouble
        waiting = [trouble for trouble in troubles.values() if not trouble.permanent]
        # With every file tried and at least one picture home, files that can never be had do not hold the task back.
        if not waiting and await self._fetched(errand, missing=sorted(troubles)):
            return
        nothing = Trouble("download_failed", Sentence("No file was named."), permanent=True)
        await self._failed(errand, next(iter([*waiting, *troubles.values(), nothing])))

    async def _bring(self, errand: Fetch, position: int, url: str) -> Trouble | None:
        try:
            image = await self._image(errand, position, url)
        except DownloadError as error:
            code = {"unreachable": "download_failed", "refused": "download_failed"}.get(error.code, error.code)
            final = error.permanent and (code != "expired" or errand.attempt >= TRIES_FOR_A_MISSING_FILE)
            return Trouble(code, str(error), final)
        except InvalidImage as error:
            if error.code in _PERHAPS_OURS:
                return Trouble(_PERHAPS_OURS[error.code], str(error), errand.attempt >= TRIES_FOR_MEMORY)
            again = errand.attempt < TRIES_FOR_A_PICTURE and not url.startswith(HELD)
            return Trouble("not_an_image", str(error), not again)
        except ReaderDown as error:
            await self.lamps.reader_trouble(str(error))
            return Trouble("reader_down", str(error), permanent=False, ours=True)
        except (StorageError, NotFound) as error:
            await self.lamps.storage_trouble(str(error))
            return Trouble("storage_full", str(error), permanent=False, ours=True)
        # The file is home; that it is must get on record, or it would be downloaded again.
        if image is None or position in errand.have:
            await insist("A restored picture", partial(self.errands.restored, errand.submission_id, position, image))
        else:
            await insist("A stored picture", partial(self.errands.stored, errand.submission_id, position, image))
        if image is not None:
            log.info("stored a picture of %d bytes", image.size, extra={"submission": errand.submission_id})
        return None

    async def _image(self, errand: Fetch, position: int, url: str) -> StoredImage | None:
        """The file, downloaded and stored; None where it is on record and lies in storage again.

        A server that was killed after it had put it there, say, could tell nobody any more.
        """
        sha256 = errand.have.get(position)
        if sha256 is not None and await asyncio.to_thread(self.artifacts.has, sha256):
            return None
        data = await self._bytes(url)
        return await asyncio.to_thread(self.artifacts.store_output, data)

    async def _bytes(self, url: str) -> bytes:
        """The file's bytes: from the net, or from our own storage where they came inside the provider's answer."""
        if not url.startswith(HELD):
            return await self.downloader.fetch(url)
        try:
            return await asyncio.to_thread(self.artifacts.read_original, url.removeprefix(HELD))
        except NotFound as error:
            message = Sentence("The picture came inside the provider's answer, and our storage has it no more.")
            raise DownloadError(message, code="expired", permanent=True) from error

    async def _fetched(self, errand: Fetch, *, missing: list[int]) -> bool:
        note = partial(self.errands.fetched, errand.submission_id, attempt=errand.attempt, missing=missing)
        ended = await insist("A finished download", note)
        if ended and missing:
            log.warning("files %s could not be had", missing, extra={"submission": errand.submission_id})
        return ended

    async def _failed(self, errand: Fetch, trouble: Trouble) -> None:
        note = partial(
            self.errands.fetch_failed, errand.submission_id, cause=trouble.cause, message=trouble.message,
            permanent=trouble.permanent, ours=trouble.ours, look_again=trouble.cause == "expired",
            attempt=errand.attempt,
        )  # fmt: skip
        await insist("A failed download", note)
