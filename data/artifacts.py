"""Pictures and videos as the house keeps them: bytes become a checked original with its thumbnails, and rows name them.

Files come first and rows afterwards, in the transaction of whoever owns the task: a file without a row is litter, a row
without a file would be a lie. No Pillow, no decoder and no file access happens inside a transaction.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from data import clean, images, videos, xmp
from data.db import Database
from data.errors import InvalidImage, NotFound
from data.images import EDGES, OUTPUT_MAX_PIXELS, ImageFacts, StoredImage
from data.schema import Artifact
from data.sentences import Sentence
from data.shrinking import UPLOAD_MB, Fit
from data.storage import ObjectStorage, picture_key, thumbnail_key


class ArtifactStore:
    """Stores and finds pictures. Every method that touches files may raise StorageError."""

    def __init__(self, db: Database, storage: ObjectStorage, *, max_reference_bytes: int, max_pixels: int) -> None:
        """The two limits are for references as they are sent; outputs may have 200 million pixels."""
        self._db = db
        self._storage = storage
        self._max_reference_bytes = max_reference_bytes
        self._max_pixels = max_pixels

    def take_reference(
        self, data: bytes, filename: str | None, *, fit: Fit | None = None, position: int | None = None
    ) -> StoredImage:
        """Checks, mends and stores what a person uploads; the same picture twice is stored once. Writes no row.

        What is larger than our own limits, or than `fit` where that is less, is made smaller; only a file of more than
        UPLOAD_MB, or with more pixels than may be decoded here, is refused. `position` counts from 1 and only serves
        the sentence of a refusal ("Image 2 (holiday.jpg) is …").

        What was uploaded is not kept beside what fits, to be fitted anew to a model that is chosen later: with our own
        limit of 10 MB the models of our catalogue differ only in pictures of more than 36 megapixels, and a second file
        would have to be carried through form, drafts and tidying.

        Raises:
            InvalidImage: it cannot be used; the sentence says why and what to do.
        """
        prepared, facts, note = images.prepare_reference(
            data,
            filename=filename,
            fit=Fit(
                min(self._max_reference_bytes, fit.size if fit else self._max_reference_bytes),
                min(self._max_pixels, fit.pixels if fit else self._max_pixels),
            ),
            max_bytes=UPLOAD_MB * 1_000_000,
            max_pixels=self._max_pixels,
            position=position,
        )
        return self._store(prepared, facts, None, filename=images.plain_filename(filename), note=note)

    def store_output(self, data: bytes) -> StoredImage:
        """Stores what a provider made, byte for byte, once it is known to be a whole picture or video. Writes no row.

        Raises:
            InvalidImage: it is neither; `code` is not_an_image for a web page or text.
        """
        is_video = videos.kind(data[: videos.HEAD]) is not None
        facts, made = videos.survey(data) if is_video else images.survey(data, max_pixels=OUTPUT_MAX_PIXELS)
        return self._store(data, facts, made)

    def _store(
        self,
        data: bytes,
        facts: ImageFacts,
        made: dict[int, bytes] | None,
        *,
        filename: str | None = None,
        note: str | None = None,
    ) -> StoredImage:
        sha256 = hashlib.sha256(data).hexdigest()
        self._storage.put(picture_key(sha256), data)
        if made is not None:
            self._keep_thumbnails(sha256, made)
        elif not all(is_whole_webp(self._storage.path(thumbnail_key(sha256, edge))) for edge in EDGES):
            self._keep_thumbnails(sha256, images.thumbnails(data))
        return StoredImage(sha256, facts.mime, facts.width, facts.height, len(data), filename, note, facts.duration_ms)

    def _keep_thumbnails(self, sha256: str, made: dict[int, bytes]) -> None:
        for edge, thumbnail in made.items():
            self._storage.put(thumbnail_key(sha256, edge), thumbnail, durable=False)

    def has(self, sha256: str) -> bool:
        """Whether the original lies in storage."""
        return self._storage.exists(picture_key(sha256))

    def original_path(self, sha256: str) -> Path:
        """Where the original lies. Raises NotFound."""
        if not self.has(sha256):
            raise NotFound(Sentence("The file of this picture is not in the storage folder."))
        return self._storage.path(picture_key(sha256))

    def read_original(self, sha256: str) -> bytes:
        """The original's bytes, as they came. Raises NotFound."""
        return self._storage.read(picture_key(sha256))

    def cleaned(self, sha256: str) -> tuple[bytes, str]:
        """A copy of a picture without its metadata, and its media type. It is not kept: reading is what it costs.

        Raises:
            NotFound: no such picture, or of a format that `clean` does not know.
        """
        try:
            return clean.cleaned(self.read_original(sha256))
        except InvalidImage as error:
            raise NotFound(f"This picture cannot be had without its metadata. {error}") from error

    def told(self, sha256: str, facts: Mapping[str, Any]) -> tuple[bytes, str]:
        """A copy of a picture that says `facts` (of `sidecar.facts`), and its media type. It is not kept either.

        Raises:
            NotFound: as `cleaned`.
        """
        try:
            return xmp.told(self.read_original(sha256), facts)
        except InvalidImage as error:
            raise NotFound(f"This picture cannot be had with its settings inside. {error}") from error

    def thumbnail_path(self, sha256: str, edge: int) -> Path:
        """Where the thumbnail lies (`edge` 320 or 1280); made again from the original if missing or cut short.

        Raises:
            NotFound: no such picture or size, or its original is damaged.
        """
        if edge not in EDGES:
            raise NotFound(Sentence("There are no thumbnails of {edge} pixels.", edge=edge))
        path = self._storage.path(thumbnail_key(sha256, edge))
        if not is_whole_webp(path):
            try:
                self._keep_thumbnails(sha256, self._derived(sha256))
            except InvalidImage as error:
                raise NotFound(
                    Sentence("The stored file of this picture is damaged; its thumbnail cannot be made.")
                ) from error
        return path

    def _derived(self, sha256: str) -> dict[int, bytes]:
        original = self.original_path(sha256)
        if videos.kind_of_file(original) is not None:
            return videos.survey(original)[1]  # by its path: it may be large, and only its reader needs it
        return images.thumbnails(self.read_original(sha256))

    def inputs(self, task_id: str) -> list[Artifact]:
        """The references of a task, by position."""
        return self._of(task_id, "input")

    def outputs(self, task_id: str) -> list[Artifact]:
        """What was made for a task, by position; a second paid result stands beside the first."""
        return self._of(task_id, "output")

    def named(self, sha256: str) -> Artifact | None:
        """A row that names this file: of the first task that made it, or else of one that was given it."""
        rows = select(Artifact).where(Artifact.sha256 == sha256)
        with self._db.read() as session:
            row = session.exec(rows.order_by(col(Artifact.role).desc(), col(Artifact.created_at)).limit(1)).first()
            session.expunge_all()
        return row

    def _of(self, task_id: str, role: str) -> list[Artifact]:
        wanted = select(Artifact).where(col(Artifact.task_id) == task_id, col(Artifact.role) == role)
        with self._db.read() as session:
            rows = list(session.exec(wanted.order_by(col(Artifact.position), col(Artifact.id))))
            session.expunge_all()
        return rows


def is_whole_webp(path: Path) -> bool:
    """Whether a WebP is as long as its own header says: derived files are not synced, a power cut may halve one."""
    try:
        with path.open("rb") as file:
            header = file.read(12)
            length = file.seek(0, 2)
    except FileNotFoundError:
        return False
    return header[:4] == b"RIFF" and header[8:] == b"WEBP" and int.from_bytes(header[4:8], "little") + 8 == length
