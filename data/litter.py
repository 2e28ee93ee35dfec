"""Files in storage that no row names: finding them shelf by shelf, and taking them away without ever taking a picture.

A file comes before its row, so only old ones count. And a picture may be put again at the very moment its old, unnamed
file is judged: so a file is first set aside under another name, judged once more, and put back if anybody wants it. It
knows folders and names; who names a picture it asks (`named`).
"""

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data.storage import ObjectStorage

AGE_SECONDS = 24 * 3600
SHELVES = 256
"""First-level folders, "00" to "ff": the steps in which the storage is walked."""
BATCH = 500

ORIGINAL, THUMBNAIL, PARTIAL = "originals", "thumbnails", "partials"
_PLACES = {"pictures": ORIGINAL, "derived": THUMBNAIL}
_SHA256 = "[0-9a-f]{64}"
_NAMES = {
    ORIGINAL: re.compile(f"({_SHA256})"),
    THUMBNAIL: re.compile(rf"({_SHA256})\.[0-9]+\.webp"),
    PARTIAL: re.compile(r"\.(.+)\.[0-9a-f]{8}\.partial"),
}
_ASIDE = re.compile(rf"\.({_SHA256})\.[0-9a-f]{{8}}\.gone")

Named = Callable[[Set[str]], Set[str]]
"""Of these digests, those that something still depends on."""


@dataclass(frozen=True)
class Litter:
    """One file that nobody names. `size` in bytes."""

    kind: str  # ORIGINAL, THUMBNAIL or PARTIAL
    path: Path
    size: int


@dataclass(frozen=True)
class _Aged:
    kind: str
    path: Path
    size: int
    sha256: str  # empty for what belongs to no picture


def litter(storage: ObjectStorage, shelf: int, named: Named) -> Iterator[list[Litter]]:
    """What lies in this first-level folder (0 to 255) without need, some files at a time. Touches nothing."""
    files = _old_files(storage.root, shelf)
    while batch := list(islice(files, BATCH)):
        wanted = named({file.sha256 for file in batch if file.sha256})
        yield [Litter(file.kind, file.path, file.size) for file in batch if file.sha256 not in wanted]


def probes(storage: ObjectStorage) -> list[Litter]:
    """What killed write tests have left."""
    return [Litter(PARTIAL, Path(entry.path), entry.stat().st_size) for entry in _old(storage.root / "probe")]


def remove(found: Sequence[Litter], named: Named) -> list[Litter]:
    """Takes these files away, except those that were put or named again meanwhile; gives those that went."""
    originals = [item for item in found if item.kind == ORIGINAL]
    gone = [item for item in found if item.kind != ORIGINAL and _unlinked(item.path)]
    aside = [(item, moved) for item in originals if (moved := _set_aside(item.path)) is not None]
    wanted = named({item.path.name for item, _ in aside})
    for item, moved in aside:
        if item.path.name in wanted or _was_put_again(moved):
            put_back(moved, item.path)
        elif _unlinked(moved):
            gone.append(item)
    return gone


def recover(storage: ObjectStorage, shelf: int) -> int:
    """Puts back what a killed worker had set aside: the next look judges it anew. Gives the number."""
    found = [Path(entry.path) for entry in _entries(storage.root / "pictures", shelf) if _ASIDE.fullmatch(entry.name)]
    for aside in found:
        match = _ASIDE.fullmatch(aside.name)
        assert match is not None
        put_back(aside, aside.with_name(match[1]))
    return len(found)


def put_back(aside: Path, path: Path) -> None:
    """Under its own name again, unless a fresh copy has been written there meanwhile."""
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:  # no hard links on this file system
        if not path.exists():
            aside.rename(path)
            return
    aside.unlink(missing_ok=True)


def _old_files(root: Path, shelf: int) -> Iterator[_Aged]:
    for place, kind in _PLACES.items():
        for entry in _entries(root / place, shelf):
            for each in (kind, PARTIAL):
                match = _NAMES[each].fullmatch(entry.name)
                if match is not None and (facts := _facts(entry)) is not None and not _is_young(facts):
                    yield _Aged(each, Path(entry.path), facts.st_size, match[1] if each != PARTIAL else "")


def _entries(place: Path, shelf: int) -> Iterator["os.DirEntry[str]"]:
    """The files of one shelf, second-level folder by folder: however many there are, few are held in memory."""
    for folder in _listed(place / f"{shelf:02x}"):
        if folder.is_dir(follow_symlinks=False):
            yield from (entry for entry in _listed(Path(folder.path)) if entry.is_file(follow_symlinks=False))


def _old(folder: Path) -> Iterator["os.DirEntry[str]"]:
    for entry in _listed(folder):
        facts = _facts(entry)
        if facts is not None and entry.is_file(follow_symlinks=False) and not _is_young(facts):
            yield entry


def _listed(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _facts(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_young(facts: os.stat_result) -> bool:
    """By this host's clock, which the file system's times come from."""
    return time.time() - facts.st_mtime < AGE_SECONDS


def _was_put_again(aside: Path) -> bool:
    try:
        return _is_young(aside.stat())
    except FileNotFoundError:  # another worker has put it back
        return False


def _set_aside(path: Path) -> Path | None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.gone")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def _unlinked(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
