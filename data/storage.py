"""Where the pictures' bytes lie: a folder addressed by keys, written so that a file under its name is always whole.

It knows keys and bytes, not what they mean: no image, no database row. Another place (S3) becomes a second class with
the same methods when it is built; until then there is no interface to keep in step.
"""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from data.errors import NotFound, StorageError
from data.sentences import Sentence

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROOM = 20_000_000  # bytes: with less, the next picture of a large model may not fit
_THUMBNAIL = 1 << 16  # bytes; few of 320 pixels have more
_LEFTOVER_AGE = 3600  # seconds; no write takes that long, so an older partial file belongs to a dead process

_FORBIDDEN = Sentence(
    "The folder that holds the pictures may not be written or read by this user. Change its permissions"
)
_SENTENCES = {
    errno.ENOSPC: Sentence("The disk that holds the pictures is full. Free some space"),
    errno.EDQUOT: Sentence("The disk quota for the pictures is used up. Free some space"),
    errno.EROFS: Sentence("The folder that holds the pictures is read-only. Make it writable"),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
}


def picture_key(sha256: str) -> str:
    """Key of an original, which is stored byte for byte. Two levels of folders keep each folder small."""
    return f"pictures/{_fanned(sha256)}"


def thumbnail_key(sha256: str, edge: int) -> str:
    """Key of a derived WebP of at most `edge` pixels a side; it can be rebuilt from the original."""
    return f"derived/{_fanned(sha256)}.{edge}.webp"


def _fanned(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise NotFound(Sentence("There is no such picture."))
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class ObjectStorage:
    """A local folder of immutable files. Safe for several processes at once; every method may raise StorageError."""

    def __init__(self, root: Path) -> None:
        """`root` is made at the first write."""
        self.root = root
        self._base = os.fspath(root)

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        """Writes the file; it appears under its name whole or not at all. One that is there already is only made young.

        Housekeeping goes by that age: a file that is put now will be named by a row in a moment.
        With `durable` the file and its name have reached the disk when this returns, so a row may say that it exists.
        Derived files do without: they are checked when read, and rebuilt.
        """
        path = self.path(key)
        with _sentences(f"{key} could not be stored", missing=StorageError):  # a folder taken away under our hands
            _make_folder(path.parent, durable=durable)
            if not _refreshed(path, len(data)):
                _remove_leftovers(path)
                _write(path, data, durable=durable)
            if durable:
                _sync_folder(path.parent)

    def read(self, key: str) -> bytes:
        """All bytes of the file. Raises NotFound."""
        # Four calls of the system, where `open()` makes seven; its object and a context manager cost as much again.
        address = self._address(key)
        try:
            file = os.open(address, os.O_RDONLY)
            try:
                return _all_of(file)
            finally:
                os.close(file)
        except OSError as error:
            raise _told(f"{key} could not be read", error, NotFound) from error

    def open(self, key: str) -> BinaryIO:
        """The file, to be read piece by piece and closed; it is unbuffered. Raises NotFound."""
        with _sentences(f"{key} could not be read"):
            return self.path(key).open("rb", buffering=0)

    def size(self, key: str) -> int:
        """Bytes of the file. Raises NotFound."""
        with _sentences(f"{key} could not be read"):
            return self.path(key).stat().st_size

    def exists(self, key: str) -> bool:
        """Whether a file lies under that key. A folder that cannot be read is no answer: that is a StorageError."""
        with _sentences(f"{key} could not be read"):
            try:
                return stat.S_ISREG(os.stat(self._address(key)).st_mode)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def names(self, folder: str) -> list[str]:
        """The files right inside this folder, without those that are still being written."""
        with _sentences(f"{folder} could not be read", missing=StorageError):
            path = self.path(folder)
            return sorted(each.name for each in path.iterdir() if each.name[0] != ".") if path.is_dir() else []

    def delete(self, key: str) -> None:
        """Removes the file; one that is not there is as good as removed."""
        with _sentences(f"{key} could not be deleted"):
            self.path(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Where the file lies or would lie. A key that could leave the folder is a fault of ours: ValueError."""
        return Path(self._address(key))

    def _address(self, key: str) -> str:
        """The same as text: a `Path` takes as long to make as a thumbnail takes to read, and `join` a third of that."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a storage key: {key!r}")
        return f"{self._base}/{key}"

    def free_bytes(self) -> int:
        """Bytes that may still be written to the disk that holds the folder."""
        with _sentences("The free space could not be read"):
            folder = next(folder for folder in (self.root.absolute(), *self.root.absolute().parents) if folder.exists())
            return shutil.disk_usage(folder).free

    def check(self) -> None:
        """Writes, reads and removes a small file. Raises StorageError saying what is wrong with the folder.

        A disk with no room for a picture is told as full, although the small file fits.
        """
        key, data = f"probe/{secrets.token_hex(8)}", secrets.token_bytes(64)
        try:
            self.put(key, data)
            if self.read(key) != data:
                raise StorageError(
                    Sentence("The disk that holds the pictures gives back other bytes than were written to it.")
                )
            if self.free_bytes() < _ROOM:
                full = _SENTENCES[errno.ENOSPC]
                raise StorageError(Sentence("{fault}; less than {n} MB are left.", fault=full, n=_ROOM // 1_000_000))
        finally:
            with suppress(StorageError):
                self.delete(key)


@contextmanager
def _sentences(what: str, *, missing: type[NotFound | StorageError] = NotFound) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _told(what, error, missing) from error


def _told(what: str, error: OSError, missing: type[NotFound | StorageError]) -> NotFound | StorageError:
    if isinstance(error, FileNotFoundError | IsADirectoryError):
        return missing(Sentence("{what}: there is no such file.", what=what))
    strange = Sentence("{what}: {why}. Look at the disk", what=what, why=error.strerror or error)
    fault = _SENTENCES.get(error.errno or 0, strange)
    return StorageError(
        Sentence("{fault}; what was interrupted is tried again, and nothing is paid twice.", fault=fault)
    )


def _all_of(file: int) -> bytes:
    data = os.read(file, _THUMBNAIL)
    if len(data) == _THUMBNAIL:  # only then is it worth asking for the size
        data = os.pread(file, os.fstat(file).st_size, 0)
    while more := os.pread(file, _THUMBNAIL, len(data)):  # some disks give less than was asked for
        data += more
    return data


def _refreshed(path: Path, size: int) -> bool:
    """Whether the file is there whole, and its age is now set back to nothing. Where that is refused, write it anew."""
    try:
        if path.stat().st_size != size:
            return False
        os.utime(path)
    except OSError:
        return False
    return True


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _remove_leftovers(path: Path) -> None:
    """A killed process cannot remove its partial file; the one that does its work again removes it."""
    for partial in path.parent.glob(f".{path.name}.*.partial"):
        with suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > _LEFTOVER_AGE:
                partial.unlink()


def _make_folder(folder: Path, *, durable: bool) -> None:
    """Like `mkdir -p`, and the new folders' own names reach the disk too: a lost folder loses its synced files."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, durable=durable)
    folder.mkdir(exist_ok=True)
    if durable:
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
