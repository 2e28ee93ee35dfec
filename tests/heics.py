"""Every HEIC that tests need, written box by box around pictures that x265 has encoded. Knows nothing of ours.

What no phone writes is made here too: grids that lack a tile, boxes without end, pictures that claim to be huge.
"""

import re
import struct
from fractions import Fraction
from functools import cache

import av
from av.video.reformatter import ColorRange, VideoReformatter
from PIL import Image

CORNERS = ((220, 40, 40), (40, 200, 60), (50, 60, 220), (230, 220, 40))
"""Colours of `drawn`: top left, top right, bottom left, bottom right."""


def drawn(width: int, height: int) -> Image.Image:
    """A picture that shows how it is turned."""
    picture = Image.new("RGB", (width, height))
    for at, colour in enumerate(CORNERS):
        box = (at % 2 * (width // 2), at // 2 * (height // 2))
        picture.paste(Image.new("RGB", (width - width // 2, height - height // 2), colour), box)
    return picture


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", 8 + len(body)) + kind + body


def full(kind: bytes, body: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">L", version << 24 | flags) + body)


@cache
def _encoded(pixels: bytes, size: tuple[int, int], full_range: bool) -> tuple[bytes, bytes]:
    """A picture in HEVC: its configuration record (ISO/IEC 14496-15, 8.3.2); its bytes, each unit after its length."""
    encoder = av.VideoCodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv444p"  # so that colours at an edge are exact
    encoder.time_base = Fraction(1)
    told = f"range={'full' if full_range else 'limited'}:colormatrix=smpte170m"
    encoder.options = {"preset": "ultrafast", "crf": "4", "x265-params": f"log-level=none:info=0:{told}"}
    frame = VideoReformatter().reformat(
        av.VideoFrame.from_image(Image.frombytes("RGB", size, pixels)), format="yuv444p", dst_colorspace=5,
        dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
    )  # fmt: skip
    frame.pts = 0
    stream = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    units = [unit.rstrip(b"\0") for unit in re.split(rb"\x00\x00\x00?\x01", stream) if unit]
    heads = [unit for unit in units if unit[0] >> 1 in (32, 33, 34)]  # parameter sets: of video, sequence and picture
    profile = heads[1][2:].replace(b"\0\0\3", b"\0\0")[1:13]
    record = b"\1" + profile + bytes.fromhex("f000fcfff8f800000f") + bytes([len(heads)])
    record += b"".join(struct.pack(">BHH", 0x80 | head[0] >> 1, 1, len(head)) + head for head in heads)
    return record, b"".join(struct.pack(">L", len(unit)) + unit for unit in units if unit not in heads)


def heic(
    picture: Image.Image | None = None,
    *,
    tile: int = 0,
    changes: tuple[bytes, ...] = (),
    colour: bytes = b"",
    full_range: bool = True,
    claims: tuple[int, int] | None = None,
    lacks: int = 0,
    brand: bytes = b"heic",
    essential: bytes = b"",
) -> bytes:
    """A HEIC of this picture: one, or (`tile` pixels a side) a grid of tiles, as phones make it.

    `changes`: its boxes irot, imir, clap. `claims`: another size than its own. `lacks`: so many tiles are left out.
    `essential`: a property that nobody knows.
    """
    picture = picture or drawn(128, 64)
    width, height = picture.size
    wide, tall = (tile, tile) if tile else picture.size
    columns, rows = -(-width // wide), -(-height // tall)
    parts = []
    for at in range(columns * rows):
        left, top = at % columns * wide, at // columns * tall
        parts.append(_encoded(picture.crop((left, top, left + wide, top + tall)).tobytes(), (wide, tall), full_range))
    parts = parts[: len(parts) - lacks]
    shown = claims or picture.size
    properties = [box(b"hvcC", parts[0][0]), full(b"ispe", struct.pack(">LL", wide, tall)),
                  full(b"ispe", struct.pack(">LL", *shown)), *changes]  # fmt: skip
    properties += [box(b"colr", colour)] if colour else []
    properties += [box(essential, b"")] if essential else []
    mine = [3, *(0x80 | number for number in range(4, len(properties) + 1))]
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *shown)
    kinds = [b"hvc1"] * len(parts) + ([b"grid"] if tile else [])
    main = len(kinds)
    of = {number: [0x81, 2] for number in range(1, len(parts) + 1)}
    of[main] = mine if tile else [0x81, *mine]
    infos = b"".join(
        full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0", version=2) for number, kind in enumerate(kinds, 1)
    )
    associations = b"".join(struct.pack(">HB", number, len(them)) + bytes(them) for number, them in of.items())
    together = box(b"iprp", box(b"ipco", b"".join(properties))
                   + full(b"ipma", struct.pack(">L", len(of)) + associations))  # fmt: skip
    start = box(b"ftyp", brand + struct.pack(">L", 0) + b"mif1heic")
    meta_of = lambda places: full(  # noqa: E731 - its own length decides where the pictures begin
        b"meta",
        full(b"hdlr", struct.pack(">L", 0) + b"pict" + bytes(13)) + full(b"pitm", struct.pack(">H", main))
        + full(b"iinf", struct.pack(">H", len(kinds)) + infos) + together + full(b"iloc", places, version=1)
        + (full(b"iref", box(b"dimg", struct.pack(f">HH{len(parts)}H", main, len(parts), *range(1, len(parts) + 1))))
           if tile else b"") + box(b"idat", grid),
    )  # fmt: skip
    first = len(start) + len(meta_of(_places(parts, 0, len(grid), tile))) + 8
    return start + meta_of(_places(parts, first, len(grid), tile)) + box(b"mdat", b"".join(data for _, data in parts))


def crowded(
    *,
    alphas: int = 0,
    references: int = 0,
    side: int = 1,
    tiles: int = 1,
    properties: int = 0,
    property_bytes: int = 0,
    stretch: bytes = b"",
) -> bytes:
    """A HEIC in which boxes name one another as often as wanted, and hardly a picture.

    Its main item, 1, is a grid of `tiles` by `side`, for which item 2 stands everywhere: `stretch` is its bytes, and it
    has `properties` that say nothing, of so many bytes, before its configuration. `alphas` further items say how opaque
    something is, and `references` boxes refer to nothing.
    """
    configuration = b"\1" * 30
    known = [full(b"ispe", struct.pack(">LL", 64, 64)), box(b"hvcC", configuration),
             full(b"auxC", b"x" * property_bytes), full(b"auxC", b"urn:mpeg:hevc:2015:auxid:1\0")]  # fmt: skip
    of = [(1, b"\1")]
    of += [(2, b"\3" * min(255, properties - start)) for start in range(0, properties, 255)] + [(2, b"\2")]
    of += [(number, b"\4") for number in range(3, 3 + alphas)]
    associations = b"".join(struct.pack(">HB", number, len(them)) + them for number, them in of)
    parts = struct.pack(f">HH{side * tiles}H", 1, side * tiles, *[2] * (side * tiles))
    start = box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    head = (full(b"pitm", struct.pack(">H", 1)) + full(b"iinf", struct.pack(">H", 2) + b"".join(
        full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0", version=2)
        for number, kind in ((1, b"grid"), (2, b"hvc1"))))
        + box(b"iprp", box(b"ipco", b"".join(known)) + full(b"ipma", struct.pack(">L", len(of)) + associations))
        + full(b"iref", box(b"xxxx", b"") * references + box(b"dimg", parts))
        + box(b"idat", struct.pack(">BBBBHH", 0, 0, side - 1, tiles - 1, 64, 64)))  # fmt: skip
    places = [struct.pack(">HHHHLL", 1, 1, 0, 1, 0, 8)]
    if stretch:
        at = len(start) + 12 + len(head) + 16 + 2 * 16 + 8
        places.append(struct.pack(">HHHHLL", 2, 0, 0, 1, at, len(stretch)))
    iloc = full(b"iloc", struct.pack(">HH", 0x4400, len(places)) + b"".join(places), version=1)
    return start + full(b"meta", head + iloc) + box(b"mdat", stretch)


def _places(parts: list[tuple[bytes, bytes]], at: int, grid: int, tile: int) -> bytes:
    lines = []
    for number, (_, data) in enumerate(parts, 1):
        lines.append(struct.pack(">HHHHLL", number, 0, 0, 1, at, len(data)))
        at += len(data)
    if tile:
        lines.append(struct.pack(">HHHHLL", len(parts) + 1, 1, 0, 1, 0, grid))
    return struct.pack(">HH", 0x4400, len(lines)) + b"".join(lines)


def turned(quarters: int) -> bytes:
    """irot: so many quarters against the clock."""
    return box(b"irot", bytes([quarters]))


def mirrored(axis: int) -> bytes:
    """imir: 0 exchanges top and bottom, 1 left and right."""
    return box(b"imir", bytes([axis]))


def cut(width: int, height: int, right: int = 0, down: int = 0) -> bytes:
    """clap: so much of the middle, moved by so much from it."""
    return box(b"clap", struct.pack(">LLLLlLlL", width, 1, height, 1, right, 1, down, 1))
