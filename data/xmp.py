"""The settings of a picture inside its file, as XMP (ISO 16684-1), in a vocabulary that other programs know.

Nothing is decoded: the packet is put between the parts of a file, so the pixels stay as they are. Where it goes says
part 3 of Adobe's specification for PNG and JPEG, and WebP's container specification. Pure bytes; it knows no file.
"""

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from data.clean import cleaned, riff
from data.errors import InvalidImage

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/", "xmpNote": "http://ns.adobe.com/xmp/note/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", "desk": "urn:picture-desk:settings:",
}  # fmt: skip
"""The last is our own."""

# What XML 1.0 has no way to write, not even as a reference; U+0000 ends a text in many a reader besides.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAIN, _EXTENSION = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_SEGMENT = 65_533  # bytes that a JPEG's segment holds after its length
_PORTION = _SEGMENT - len(_EXTENSION) - 40  # of an extension: its name, number, length and place stand before it
_CUT = 1000  # characters of a prompt too long for one segment, in the place where every viewer looks
_PNG_HEAD = 33  # bytes of the signature and IHDR, which is the first chunk and always as long
_ALPHA, _XMP = 0x10, 0x04  # flags in a WebP's VP8X


def told(data: bytes, facts: Mapping[str, Any]) -> tuple[bytes, str]:
    """A copy that says `facts` (of `sidecar.facts`) and nothing else, and its media type, one of `clean.FORMATS`.

    It is made of the clean copy, because provenance that is signed (C2PA) covers the bytes: with anything added it
    would be called forged. The stored original has it all.

    Raises:
        InvalidImage: as `clean.cleaned`.
    """
    copy, mime = cleaned(data)
    try:
        return {"image/png": _in_png, "image/jpeg": _in_jpeg, "image/webp": _in_webp}[mime](copy, facts), mime
    except struct.error as error:
        raise InvalidImage("The file is damaged.", field="image", code="damaged") from error


def most(size: int, facts: Mapping[str, Any]) -> int:
    """No `told` of a file of `size` bytes is longer than so many."""
    return size + 256 + 2 * len(packet(facts))


def packet(facts: Mapping[str, Any]) -> bytes:
    """All of it as one XMP packet."""
    return _packet({**_short(facts), **_long(facts), "dc:description": facts["prompt"]})


def _short(facts: Mapping[str, Any]) -> dict[str, str]:
    return {
        "dc:description": facts["prompt"],
        "xmp:CreatorTool": "Picture Desk",
        "xmp:CreateDate": facts["finished_at"] or facts["created_at"],
        "Iptc4xmpExt:DigitalSourceType": facts["digital_source_type"],
        "Iptc4xmpExt:AISystemUsed": facts["model_name"],
        "Iptc4xmpExt:AISystemVersionUsed": facts["model"],
        "desk:Model": facts["model"],
        "desk:Provider": facts["provider"] or "",
        "desk:Credits": facts["credits"] or "",
        "desk:TaskID": facts["task_id"],
        "desk:BatchID": facts["batch_id"],
        "desk:OriginalSHA256": facts["file"]["sha256"],
    }


def _long(facts: Mapping[str, Any]) -> dict[str, str]:
    """What may be of any length. Values of several parts are JSON: the shape of settings is each model's own."""
    return {
        "Iptc4xmpExt:AIPromptInformation": facts["prompt"],
        "desk:Parameters": json.dumps(facts["params"], ensure_ascii=False, sort_keys=True),
        "desk:References": json.dumps(facts["references"], ensure_ascii=False) if facts["references"] else "",
    }


def _packet(properties: Mapping[str, str]) -> bytes:
    return (f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{_meta(properties)}\n'
            '<?xpacket end="r"?>').encode()  # fmt: skip


def _meta(properties: Mapping[str, str]) -> str:
    lines = "\n".join(f"   <{name}>{_value(name, text)}</{name}>" for name, text in properties.items() if text)
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
    return (f'<x:xmpmeta xmlns:x="adobe:ns:meta/">\n <rdf:RDF {spaces}>\n  <rdf:Description rdf:about="">\n{lines}\n'
            "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>")  # fmt: skip


def _value(name: str, text: str) -> str:
    # A bare carriage return would be read back as a line feed.
    plain = escape(_UNWRITABLE.sub("\ufffd", text), {"\r": "&#13;"})
    return f'<rdf:Alt><rdf:li xml:lang="x-default">{plain}</rdf:li></rdf:Alt>' if name == "dc:description" else plain


def _in_png(data: bytes, facts: Mapping[str, Any]) -> bytes:
    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet(facts)
    chunk = struct.pack(">L", len(body) - 4) + body + struct.pack(">L", zlib.crc32(body))
    return data[:_PNG_HEAD] + chunk + data[_PNG_HEAD:]


def _in_jpeg(data: bytes, facts: Mapping[str, Any]) -> bytes:
    at = 2
    while data[at : at + 2] in (b"\xff\xe0", b"\xff\xe1"):  # JFIF and EXIF want to be first
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return data[:at] + b"".join(_app1(body) for body in _bodies(facts)) + data[at:]


def _app1(body: bytes) -> bytes:
    return struct.pack(">2sH", b"\xff\xe1", 2 + len(body)) + body


def _bodies(facts: Mapping[str, Any]) -> Iterator[bytes]:
    """One segment; or the part that every reader knows, and the long values whole in an extension of it (3, 1.1.3.1).

    In the former a long prompt is cut and ends in "…". No property stands in both.
    """
    whole = _MAIN + packet(facts)
    if len(whole) <= _SEGMENT:
        yield whole
        return
    extension = _meta(_long(facts)).encode()
    name = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()
    cut = facts["prompt"] if len(facts["prompt"]) <= _CUT else facts["prompt"][:_CUT] + "…"
    yield _MAIN + _packet({**_short(facts), "dc:description": cut, "xmpNote:HasExtendedXMP": name})
    for start in range(0, len(extension), _PORTION):
        place = struct.pack(">LL", len(extension), start)
        yield _EXTENSION + name.encode() + place + extension[start : start + _PORTION]


def _in_webp(data: bytes, facts: Mapping[str, Any]) -> bytes:
    body = data[12:]
    if not body.startswith(b"VP8X"):  # the simple form has room for nothing but the picture
        width, height, alpha = _canvas(body)
        sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        body = riff(b"VP8X", bytes([_ALPHA if alpha else 0, 0, 0, 0]) + sizes) + body
    flags = bytes([body[8] | _XMP])
    return riff(b"RIFF", b"WEBP" + body[:8] + flags + body[9:] + riff(b"XMP ", packet(facts)))


def _canvas(body: bytes) -> tuple[int, int, bool]:
    """Width, height and whether it has an alpha channel, by the head of the only chunk (RFC 6386, 9.1; RFC 9649)."""
    if body.startswith(b"VP8L"):
        bits = int.from_bytes(body[9:13], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack_from("<HH", body, 14)
    return width & 0x3FFF, height & 0x3FFF, False
