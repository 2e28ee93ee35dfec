"""Many pictures as one ZIP archive that is never whole anywhere: read, proven and handed on in pieces of 1 MiB.

Its length is known before its first byte. Each original is read twice: once to prove that it is still what was stored
(SHA-256, and the CRC-32 that stands before it), once, from the page cache, to be sent. A copy without metadata, or with
the settings inside, is made of what was proven, one at a time, whole in memory. What fails the proof is left out and
said so in the manifest, which comes last; the bytes that are then missing, and those by which copies are shorter than
was foreseen, are made up for by an unused stretch before the directory, which every reader skips.
"""

import hashlib
import logging
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any, BinaryIO

from data import clean, sidecar, xmp
from data.catalog import catalog
from data.causes import explain
from data.errors import InvalidImage, NotFound, StorageError
from data.glances import Glances
from data.history import Card, History
from data.images import StoredImage
from data.links import CLEAN, KINDS, SETTINGS, download_name
from data.manifest import Line, manifest
from data.marks import Marks
from data.status import TaskStatus
from data.storage import ObjectStorage, picture_key
from data.zip_format import WIDEST_ENDING, Entry, directory_record, ending, local_header, needs_wide

log = logging.getLogger(__name__)

MANIFEST = "manifest.csv"
PIECE = 1 << 20  # bytes in memory at once
_PAGE = 500  # tasks asked of the database at once

MISSING = "Its file is not in the storage folder."
CUT_SHORT = "Its file in the storage folder is not as long as it was."
NOT_CLEANED = "A file of this kind cannot be freed of its metadata."
BROKEN = "Its stored file is damaged."  # short, see `_planned_size`


class Archive:
    """The archive of some tasks, as they were when it was made. `pieces` is for one reader."""

    def __init__(
        self,
        history: History,
        glances: Glances,
        marks: Marks,
        storage: ObjectStorage,
        task_ids: Sequence[str],
        *,
        now: datetime,
        names: Mapping[str, str],
        kind: str = "original",
    ) -> None:
        """Asks the database and looks at every file, so it takes a moment. Deleted tasks are not in it.

        `names`: by which people have signed in, by id.

        `kind` is one of `links.KINDS`: with the settings there is a JSON file beside each; what has no place for them
        inside (an AVIF, a video) is the original. Raises StorageError where the folder cannot be read.
        """
        assert kind in KINDS
        self._storage, self._now, self._kind, self._names = storage, now, kind, names
        self._models = catalog()  # one that changes while the archive is sent changes no length that was told
        self._references: dict[str, tuple[StoredImage, ...]] = {}
        if kind == SETTINGS:
            for start in range(0, len(task_ids), _PAGE):
                self._references |= glances.inputs(task_ids[start : start + _PAGE])
        self._lines = [
            _looked_at(line, storage, kind) for line in _named(_cards(history, glances, marks, task_ids), kind)
        ]
        self._wide = False
        self.size = self._planned_size()
        """Bytes of the whole archive."""

    @property
    def files(self) -> int:
        """How many pictures and videos are in it."""
        return sum(1 for line in self._lines if line.name)

    def pieces(self) -> Generator[bytes]:
        """The bytes in order, `size` in all. Raises StorageError only where a file fails between proof and sending."""
        written, directory = 0, []
        for at, planned in enumerate(self._lines):
            if not planned.name:
                continue
            line, entry, file = planned, _entry(planned), self._proven(planned)
            if file is not None and self._is_copied(line):
                line, file = self._copied(line, file[0])
                entry = replace(entry, name=line.name, size=_length(file[0])) if file is not None else entry
            if file is None:
                self._lines[at] = replace(line, name="", reason=BROKEN)
                continue
            content, crc, sha256 = file
            self._lines[at] = replace(line, size=entry.size, sha256=sha256)
            with closing(content):
                yield local_header(entry, crc)
                yield from _sent(content, entry)
            directory.append(directory_record(entry, crc, written))
            written += entry.span
            if self._kind == SETTINGS:
                beside, text = self._beside(line)
                crc = zlib.crc32(text)
                yield local_header(beside, crc) + text
                directory.append(directory_record(beside, crc, written))
                written += beside.span
        table = manifest(self._lines, self._names)
        entry, crc = Entry(MANIFEST, len(table), self._now), zlib.crc32(table)
        yield local_header(entry, crc) + table
        directory.append(directory_record(entry, crc, written))
        yield from self._rest(written + entry.span, directory)

    def _proven(self, line: Line) -> tuple[BinaryIO, int, str] | None:
        """The file from its beginning, its CRC-32, its SHA-256; None where it is not what was stored, or unreadable."""
        assert line.picture is not None
        try:
            content = self._storage.open(picture_key(line.picture.sha256))
        except (NotFound, StorageError) as error:
            log.warning("archive: %s", error)
            return None
        digest, crc, buffer = hashlib.sha256(), 0, memoryview(bytearray(PIECE))
        try:
            while read := content.readinto(buffer):  # type: ignore[attr-defined]
                digest.update(buffer[:read])
                crc = zlib.crc32(buffer[:read], crc)
            if digest.hexdigest() == line.picture.sha256:
                content.seek(0)
                return content, crc, line.picture.sha256
        except OSError as error:
            log.warning("archive: %s could not be read: %s", line.picture.sha256, error)
        content.close()
        return None

    def _is_copied(self, line: Line) -> bool:
        assert line.picture is not None
        return self._kind != "original" and line.picture.mime in clean.FORMATS

    def _copied(self, line: Line, content: BinaryIO) -> tuple[Line, tuple[BinaryIO, int, str] | None]:
        """The copy in place of the original. None where it cannot be cleaned.

        Where the settings cannot be written they stand beside it, and it is named as what it is: the original.
        """
        with closing(content):
            data = content.read()
        try:
            data = (clean.cleaned(data) if self._kind == CLEAN else xmp.told(data, self._facts(line)))[0]
        except InvalidImage as error:
            log.warning("archive: %s: %s", line.name, error)
            if self._kind == CLEAN:
                return line, None
            line = replace(line, name="".join(line.name.rsplit(f"_{SETTINGS}", 1)))
        return line, (BytesIO(data), zlib.crc32(data), hashlib.sha256(data).hexdigest())

    def _facts(self, line: Line) -> dict[str, Any]:
        assert line.picture is not None
        return sidecar.facts(line.card, line.picture, self._references.get(line.card.id, ()), self._models)

    def _beside(self, line: Line) -> tuple[Entry, bytes]:
        text = sidecar.to_json(self._facts(line))
        return replace(_entry(line), name=line.name + sidecar.ENDING, size=len(text)), text

    def _foreseen(self, line: Line) -> Iterator[Entry]:
        """What it takes in the archive, or a little more."""
        entry = _entry(line)
        if not self._is_copied(line):
            yield entry
        elif self._kind == CLEAN:
            yield replace(entry, size=entry.size + clean.LONGER)
        else:
            yield replace(entry, size=xmp.most(entry.size, self._facts(line)))
        if self._kind == SETTINGS:
            yield self._beside(line)[0]

    def _rest(self, written: int, directory: Sequence[bytes]) -> Iterator[bytes]:
        """The unused stretch where there is one, the directory, the ending."""
        records = b"".join(directory)
        offset = self.size - len(records) - len(ending(0, 0, 0, wide=self._wide))
        for start in range(written, offset, PIECE):
            yield bytes(min(PIECE, offset - start))
        yield records + ending(len(directory), len(records), offset, wide=self._wide)

    def _planned_size(self) -> int:
        """As if no file failed. One that does takes its line of the directory along, which is longer than BROKEN.

        The table is as long as with the largest sizes: a hash has one length, and no smaller number has more digits.
        """
        written = records = 0
        entries, lines = list[Entry](), list[Line]()
        for line in self._lines:
            foreseen = list(self._foreseen(line)) if line.name else []
            entries += foreseen
            lines.append(replace(line, size=foreseen[0].size, sha256="0" * 64) if foreseen else line)
        for entry in (*entries, Entry(MANIFEST, len(manifest(lines, self._names)), self._now)):
            records += len(directory_record(entry, 0, written))
            written += entry.span
        self._wide = needs_wide(len(entries) + 1, written + records + WIDEST_ENDING)
        return written + records + len(ending(0, 0, 0, wide=self._wide))


def _cards(
    history: History, glances: Glances, marks: Marks, task_ids: Sequence[str]
) -> Iterator[tuple[Card, str, bool]]:
    """Each with who picked it, and whether it was practice."""
    for start in range(0, len(task_ids), _PAGE):
        ids = task_ids[start : start + _PAGE]
        picks = {task_id: marked.pick.person for task_id, marked in marks.of(ids, "").items() if marked.pick}
        practised = glances.practised(ids)
        yield from ((card, picks.get(card.id, ""), practised.get(card.id, True)) for card in history.cards(ids))


def _named(cards: Iterable[tuple[Card, str, bool]], kind: str) -> Iterator[Line]:
    """A line for each file, and for each task that has none; no name twice."""
    taken = {MANIFEST}
    for card, picked_by, practised in cards:
        if not card.pictures:
            yield Line(card, None, reason=_why_nothing(card, practised=practised), picked_by=picked_by)
        for index, picture in enumerate(card.pictures):
            copied = kind if picture.mime in clean.FORMATS else "original"
            name = download_name(card.prompt, card.model, card.id, picture.mime, index, kind=copied)
            stem, dot, extension = name.rpartition(".")
            number = 2
            while name in taken:  # names end in six characters of the task's id: among thousands two may agree
                name, number = f"{stem}~{number}{dot}{extension}", number + 1
            taken.add(name)
            yield Line(card, picture, name=name, pays=index == 0, picked_by=picked_by)


def _why_nothing(card: Card, *, practised: bool) -> str:
    if card.status == TaskStatus.FAILED:
        return explain(card.error_code, card.charged_micro, perhaps=card.perhaps_charged, practice=practised)
    return "It was cancelled." if card.status == TaskStatus.CANCELLED else "It is not finished yet."


def _looked_at(line: Line, storage: ObjectStorage, kind: str) -> Line:
    """Without a name, and with a reason, where the file is missing or not as long as it should be."""
    if line.picture is None:
        return line
    if kind == CLEAN and line.picture.mime not in clean.FORMATS:
        return replace(line, name="", reason=NOT_CLEANED)
    try:
        is_whole = storage.size(picture_key(line.picture.sha256)) == line.picture.size
    except NotFound:
        return replace(line, name="", reason=MISSING)
    return line if is_whole else replace(line, name="", reason=CUT_SHORT)


def _entry(line: Line) -> Entry:
    assert line.picture is not None
    return Entry(line.name, line.picture.size, line.card.finished_at or line.card.created_at)


def _length(content: BinaryIO) -> int:
    length = content.seek(0, 2)
    content.seek(0)
    return length


def _sent(content: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.size
    while left:
        try:
            piece = content.read(min(PIECE, left))
        except OSError as error:
            raise StorageError(f"{entry.name} could not be read any further.") from error
        if not piece:
            raise StorageError(f"{entry.name} became shorter while it was read.")
        left -= len(piece)
        yield piece
