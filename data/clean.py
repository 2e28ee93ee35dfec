"""A copy of a picture without anything that is not the picture: no prompt, no place, no provenance. The pixels stay.

Nothing is decoded: the parts of the file that a viewer needs are copied, whatever else is there is left out, and so the
copy is as good as the original. Only a turn (EXIF orientation) is kept, or the picture would lie on its side. Pure
bytes; it knows no file.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress

from data.errors import InvalidImage

FORMATS = frozenset({"image/png", "image/jpeg", "image/webp"})
"""What can be cleaned. An AVIF's parts point at each other by their place, and a video is not a picture."""

LONGER = 64
"""Bytes by which a clean copy may at most pass its original: a turn can be said more briefly than it is here."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD hIST pHYs acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_ORIENTATION, _SHORT = 0x0112, 3  # EXIF's tag, and the type of its value
_ADOBE, _ICC, _EXIF = b"Adobe", b"ICC_PROFILE\0", b"Exif\0\0"
# After the start of a scan come its data; what ends them is a marker that is neither stuffing nor a restart.
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


def cleaned(data: bytes) -> tuple[bytes, str]:
    """The copy and its media type, one of FORMATS.

    Raises:
        InvalidImage: it is of another format (`code` unsupported_format), or broken (damaged).
    """
    try:
        if data.startswith(_PNG):
            return _png(data), "image/png"
        if data.startswith(_JPEG):
            return _jpeg(data), "image/jpeg"
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data), "image/webp"
    except (struct.error, LookupError) as error:
        raise InvalidImage("The file is damaged.", field="image", code="damaged") from error
    raise InvalidImage("A file of this format cannot be cleaned.", field="image", code="unsupported_format")


def _png(data: bytes) -> bytes:
    kept, at, kind = [_PNG], len(_PNG), b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">L4s", data, at)
        chunk = data[at : at + size + 12]
        if len(chunk) < size + 12:
            raise LookupError("cut short")
        at += len(chunk)
        if kind in _PNG_KEPT:
            kept.append(chunk)
        elif kind == b"eXIf" and (turn := _turn(chunk[8:-4])):
            body = b"eXIf" + turn
            kept.append(struct.pack(">L", len(turn)) + body + struct.pack(">L", zlib.crc32(body)))
    return b"".join(kept)


def _jpeg(data: bytes) -> bytes:
    kept, turn = [_JPEG], b""
    for marker, segment in _segments(data):
        body = segment[4:]
        if marker == 0xE1 and body.startswith(_EXIF):
            turn = turn or _turn(body[len(_EXIF) :])
        is_jfif = marker == 0xE0 and body.startswith(b"JFIF\0")
        is_colour = (marker == 0xE2 and body.startswith(_ICC)) or (marker == 0xEE and body.startswith(_ADOBE))
        if is_jfif:  # may hold a small picture of its own: the header alone
            kept.append(struct.pack(">2sH", b"\xff\xe0", 16) + body[:12] + b"\0\0")
        elif is_colour or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
    if turn:
        place = 2 if len(kept) > 1 and kept[1].startswith(b"\xff\xe0") else 1
        kept.insert(place, struct.pack(">2sH", b"\xff\xe1", 2 + len(_EXIF) + len(turn)) + _EXIF + turn)
    return b"".join(kept)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each marker with all that belongs to it, the data of a scan included; nothing beyond the end of the picture."""
    at = len(_JPEG)
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1
        if data[at] != 0xFF:
            raise LookupError("no marker")
        marker = data[at + 1]
        if marker == 0xD9:
            yield marker, data[at : at + 2]
            return
        end = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
        if marker == 0xDA:
            found = _AFTER_SCAN.search(data, end)
            if found is None:
                raise LookupError("cut short")
            end = found.start()
        yield marker, data[at:end]
        at = end


def _webp(data: bytes) -> bytes:
    kept: list[bytes] = []
    turn, at, end = b"", 12, min(len(data), 8 + int(struct.unpack_from("<L", data, 4)[0]))
    while at < end:
        kind, size = struct.unpack_from("<4sL", data, at)
        body = data[at + 8 : at + 8 + size]
        if len(body) < size:
            raise LookupError("cut short")
        at += 8 + size + size % 2
        if kind == b"EXIF":
            turn = _turn(body.removeprefix(_EXIF))
        elif kind == b"VP8X":
            kept.append(riff(kind, bytes([body[0] & ~0x0C]) + body[1:]))  # neither EXIF nor XMP
        elif kind in _WEBP_KEPT:
            kept.append(riff(kind, body))
    if turn and kept[0].startswith(b"VP8X"):
        kept[0] = kept[0][:8] + bytes([kept[0][8] | 0x08]) + kept[0][9:]
        kept.append(riff(b"EXIF", turn))
    return riff(b"RIFF", b"WEBP" + b"".join(kept))


def riff(kind: bytes, body: bytes) -> bytes:
    """A chunk of a WebP file, or the whole of it."""
    return struct.pack("<4sL", kind, len(body)) + body + b"\0" * (len(body) % 2)


def _turn(block: bytes) -> bytes:
    """An EXIF block that says nothing but how the picture is to be turned; empty where it stands upright."""
    order = {b"MM": ">", b"II": "<"}.get(block[:2], "")
    with suppress(struct.error):  # a damaged block turns nothing
        start = struct.unpack_from(f"{order}L", block, 4)[0] if order else len(block)
        for number in range(struct.unpack_from(f"{order}H", block, start)[0]):
            tag, kind, count, value = struct.unpack_from(f"{order}HHLH", block, start + 2 + 12 * number)
            if (tag, kind, count) == (_ORIENTATION, _SHORT, 1) and 2 <= value <= 8:
                return struct.pack(">2sHLHHHLHHL", b"MM", 42, 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)
    return b""
