"""Between a stored picture and its row: the one place where the two shapes meet."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from data.images import StoredImage
from data.schema import Artifact


def artifact_row(
    image: StoredImage, *, task_id: str, submission_id: str | None, position: int, now: datetime
) -> Artifact:
    """The row for a picture whose files are already stored: an output where a submission made it, else an input."""
    return Artifact(
        task_id=task_id,
        submission_id=submission_id,
        role="input" if submission_id is None else "output",
        position=position,
        sha256=image.sha256,
        mime=image.mime,
        width=image.width,
        height=image.height,
        size=image.size,
        duration_ms=image.duration_ms,
        filename=image.filename,
        note=image.note,
        created_at=now,
    )


def stored_image(row: Artifact) -> StoredImage:
    """The picture that a row tells of."""
    return StoredImage(row.sha256, row.mime, row.width, row.height, row.size, row.filename, row.note, row.duration_ms)


def not_on_record(outputs: Sequence[str], positions: Iterable[int]) -> set[int]:
    """Which files that a call named have no row. What stands beside a lost file has a position beyond them all."""
    return set(range(len(outputs))) - set(positions)
