"""The bytes around the files of a ZIP archive (PKWARE APPNOTE 6.3), of a length that is known beforehand.

Why not `zipfile`, or a library that streams: both settle an archive's length by promising every file. Here a file that
turns out broken half-way is left out and the length still holds, so that a browser can show how long a download takes.
Files are stored, not deflated: pictures are compressed already. It knows no file and no database.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime

_LIMIT_32, _LIMIT_16 = 0xFFFFFFFF, 0xFFFF  # from here on the numbers stand in ZIP64's fields
_PLAIN, _ZIP64 = 20, 45  # version needed to extract
_UNIX = 3 << 8
_UTF8 = 1 << 11
_REGULAR_FILE = 0o100644 << 16
WIDEST_ENDING = 98
"""Bytes of the longest `ending`."""


@dataclass(frozen=True)
class Entry:
    """One file in an archive. `modified` is in UTC; `size` in bytes."""

    name: str
    size: int
    modified: datetime

    @property
    def span(self) -> int:
        """Bytes that it takes before the directory: its header and itself."""
        return len(local_header(self, 0)) + self.size


def local_header(entry: Entry, crc: int) -> bytes:
    """What stands before the file's bytes; `crc` is their CRC-32."""
    large = entry.size >= _LIMIT_32
    name, extra = entry.name.encode(), _modified(entry)
    sizes = (_LIMIT_32, _LIMIT_32) if large else (entry.size, entry.size)
    if large:
        extra += struct.pack("<HHQQ", 1, 16, entry.size, entry.size)
    facts = (_ZIP64 if large else _PLAIN, _UTF8, 0, *_dos(entry.modified), crc, *sizes, len(name), len(extra))
    return struct.pack("<4s5H3L2H", b"PK\3\4", *facts) + name + extra


def directory_record(entry: Entry, crc: int, offset: int) -> bytes:
    """Its line in the directory; its header begins at `offset` of the archive."""
    name, extra = entry.name.encode(), _modified(entry)
    sizes = (_LIMIT_32, _LIMIT_32) if entry.size >= _LIMIT_32 else (entry.size, entry.size)
    wide = [entry.size] * 2 if entry.size >= _LIMIT_32 else []
    wide += [offset] if offset >= _LIMIT_32 else []
    if wide:
        extra += struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide)
    version = _ZIP64 if wide else _PLAIN
    facts = (_UNIX | version, version, _UTF8, 0, *_dos(entry.modified), crc, *sizes, len(name), len(extra))
    place = (0, 0, 0, _REGULAR_FILE, min(offset, _LIMIT_32))
    return struct.pack("<4s6H3L2H3H2L", b"PK\1\2", *facts, *place) + name + extra


def ending(count: int, size: int, offset: int, *, wide: bool) -> bytes:
    """What ends the archive: a directory of `count` records in `size` bytes begins at `offset`.

    `wide` (ZIP64) must be said where `needs_wide`, and may be said elsewhere. It alone decides how long this is.
    """
    start = b""
    if wide:
        body = struct.pack("<2H2L4Q", _UNIX | _ZIP64, _ZIP64, 0, 0, count, count, size, offset)
        start = struct.pack("<4sQ", b"PK\6\6", len(body)) + body
        start += struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
    many = min(count, _LIMIT_16)
    facts = (0, 0, many, many, min(size, _LIMIT_32), min(offset, _LIMIT_32), 0)
    return start + struct.pack("<4s4H2LH", b"PK\5\6", *facts)


def needs_wide(count: int, end: int) -> bool:
    """Whether the ending of an archive of at most `count` files and `end` bytes has to be ZIP64's."""
    return count >= _LIMIT_16 or end >= _LIMIT_32


def _dos(moment: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS kept them: two-second steps, 1980 to 2107, and no zone."""
    year = min(max(moment.year, 1980), 2107)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (year - 1980) << 9 | moment.month << 5 | moment.day


def _modified(entry: Entry) -> bytes:
    """The "extended timestamp": seconds of Unix time, which is right in every zone."""
    seconds = int(entry.modified.astimezone(UTC).timestamp())
    return struct.pack("<HHBL", 0x5455, 5, 1, min(max(seconds, 0), 0x7FFFFFFF))
