"""Whether the stored pictures are as their rows say: every size, now and then every byte, and both thumbnails.

Thumbnails that are missing or cut short are made again. An original is only ever reported: to mend it takes a backup.
"""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import col, select

from data.artifacts import ArtifactStore, is_whole_webp
from data.db import Database
from data.errors import NotFound
from data.images import EDGES
from data.schema import Artifact
from data.storage import ObjectStorage, picture_key, thumbnail_key

BATCH = 200
READ_WHOLE = 5
"""Originals of a run whose every byte is read."""

MISSING = "is missing"
WRONG_SIZE = "has another size than when it was stored"
WRONG_BYTES = "has other bytes than when it was stored"
NO_THUMBNAIL = "cannot be opened, so it has no thumbnail"


@dataclass(frozen=True)
class Named:
    """A picture that rows name. `size` in bytes."""

    id: str  # of the last row that names it
    sha256: str
    size: int


class Inspection:
    """One run over some of the pictures."""

    def __init__(self, db: Database, storage: ObjectStorage, artifacts: ArtifactStore) -> None:
        """`artifacts` makes thumbnails again."""
        self._db = db
        self._storage = storage
        self._artifacts = artifacts
        self._seen = 0
        self._sample: list[Named] = []

    def after(self, row: str) -> list[Named]:
        """The next pictures after this row, each once; empty at the end."""
        with self._db.read() as session:
            rows = session.exec(
                select(Artifact.id, Artifact.sha256, Artifact.size)
                .where(col(Artifact.id) > row).order_by(col(Artifact.id)).limit(BATCH)
            ).all()  # fmt: skip
        return list({sha256: Named(row_id, sha256, size) for row_id, sha256, size in rows}.values())

    def of(self, digests: Iterable[str]) -> list[Named]:
        """Those of these pictures that a row still names."""
        with self._db.read() as session:
            rows = session.exec(
                select(Artifact.id, Artifact.sha256, Artifact.size).where(col(Artifact.sha256).in_(list(digests)))
            ).all()
        return list({sha256: Named(row_id, sha256, size) for row_id, sha256, size in rows}.values())

    def fault(self, picture: Named, *, whole: bool = False) -> str | None:
        """What is wrong with the original, as the end of a sentence. `whole` reads every byte of it."""
        path = self._original(picture)
        try:
            size = path.stat().st_size
            if size != picture.size:
                return WRONG_SIZE
            if whole and _digest(path) != picture.sha256:
                return WRONG_BYTES
        except FileNotFoundError:
            return MISSING
        self._consider(picture)
        return None

    def thumbnails_lacking(self, picture: Named) -> int:
        """How many of its thumbnails are missing or cut short."""
        paths = (self._storage.path(thumbnail_key(picture.sha256, edge)) for edge in EDGES)
        return sum(not is_whole_webp(path) for path in paths)

    def rebuild(self, picture: Named) -> str | None:
        """Makes them again; what is wrong where that cannot be. Raises StorageError."""
        try:
            for edge in EDGES:
                self._artifacts.thumbnail_path(picture.sha256, edge)
        except NotFound:
            return NO_THUMBNAIL
        return None

    def sample(self) -> list[Named]:
        """A few of the pictures found whole so far, each as likely as any other, to be read to the last byte."""
        return list(self._sample)

    def _consider(self, picture: Named) -> None:
        """Reservoir sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm R)."""
        self._seen += 1
        if len(self._sample) < READ_WHOLE:
            self._sample.append(picture)
        elif (place := random.randrange(self._seen)) < READ_WHOLE:  # noqa: S311 - which ones is no secret
            self._sample[place] = picture

    def _original(self, picture: Named) -> Path:
        return self._storage.path(picture_key(picture.sha256))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
