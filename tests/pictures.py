"""Every test picture, made in code: honest ones, awkward ones and hostile ones. Knows Pillow and nothing of ours."""

import struct
import zlib
from functools import cache
from io import BytesIO

from PIL import ExifTags, Image, ImageDraw


def scene(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A soft gradient with a red square in the top left corner: turned the wrong way, the square moves."""
    red, green = Image.linear_gradient("L").resize((width, height)), Image.radial_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (Image.new("L", (width, height), 30), green, red))
    side = min(width, height) // 4
    ImageDraw.Draw(picture).rectangle((0, 0, side, side), fill=(230, 20, 20))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png(width: int = 640, height: int = 480) -> bytes:
    return encoded(scene(width, height), "PNG")


def jpeg(width: int = 640, height: int = 480, **options: object) -> bytes:
    return encoded(scene(width, height), "JPEG", **{"quality": 90, **options})


def webp(width: int = 640, height: int = 480) -> bytes:
    return encoded(scene(width, height), "WEBP", quality=85)


def avif(width: int = 640, height: int = 480) -> bytes:
    return encoded(scene(width, height), "AVIF", speed=10)


def phone_jpeg(width: int = 640, height: int = 480, orientation: int = 6) -> bytes:
    """As a phone held upright stores it: lying on its side, with the turn and the place in its EXIF block.

    `width` and `height` are those of the stored pixels; orientation 6 asks a viewer to turn them to the right.
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Pocket"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    return jpeg(width, height, exif=exif)


def transparent_png(width: int = 640, height: int = 480) -> bytes:
    """Fully transparent on the right half."""
    picture = scene(width, height, "RGBA")
    picture.paste((0, 0, 0, 0), (width // 2, 0, width, height))
    return encoded(picture, "PNG")


def palette_png(*, transparent: bool = False) -> bytes:
    picture = scene().quantize(64)
    return encoded(picture, "PNG", **({"transparency": 0} if transparent else {}))


def grey_alpha_png() -> bytes:
    return encoded(scene(mode="LA"), "PNG")


def bilevel_png() -> bytes:
    return encoded(scene(mode="1"), "PNG")


def keyed_png() -> bytes:
    """RGB where one colour (the red of the square) means transparent."""
    return encoded(scene(), "PNG", transparency=(230, 20, 20))


def deep_png() -> bytes:
    """16 bits of grey, from black on the left to white on the right."""
    row = b"".join(struct.pack("<H", round(x * 65535 / 255)) for x in range(256))
    return encoded(Image.frombytes("I;16", (256, 64), row * 64), "PNG")


def cmyk_jpeg(profile: bytes | None = None, ink: tuple[int, int, int, int] | None = None) -> bytes:
    picture = Image.new("CMYK", (320, 240), ink) if ink else scene(320, 240, "CMYK")
    return encoded(picture, "JPEG", quality=95, **({"icc_profile": profile} if profile else {}))


def wide_gamut_jpeg() -> bytes:
    """One colour, (200, 60, 40) in Display P3; in sRGB that is a stronger red."""
    return encoded(Image.new("RGB", (320, 240), (200, 60, 40)), "JPEG", quality=95, icc_profile=display_p3_profile())


def mpo() -> bytes:
    """A phone's portrait: a JPEG with a second frame behind the first."""
    return encoded(scene(), "MPO", save_all=True, append_images=[scene().rotate(180)])


def animated_gif() -> bytes:
    return _animated("GIF")


def animated_webp() -> bytes:
    return _animated("WEBP")


def animated_png() -> bytes:
    return _animated("PNG")


def _animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def heic() -> bytes:
    """The beginning of an iPhone's file: enough to be known for what it is."""
    return struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(400)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_header_png(width: int = 30_000, height: int = 30_000) -> bytes:
    """A few hundred bytes that claim to be 900 megapixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def truncated_png() -> bytes:
    whole = png()
    return whole[: len(whole) // 2]


def truncated_jpeg() -> bytes:
    whole = jpeg()
    return whole[: len(whole) // 2]


def text_named_png() -> bytes:
    """What a person renamed to `.png`."""
    return "Notes from the meeting: buy paint – blue, not green.\n".encode()


def web_page() -> bytes:
    """What a provider's download answers when the link has run out."""
    return b"\n<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>"


@cache
def large_jpeg(megabytes: int = 11) -> bytes:
    """Noise, which no encoder can shrink: a whole JPEG of at least so many megabytes (10^6)."""
    side = 800
    while len(data := encoded(Image.effect_noise((side, side), 90), "JPEG", quality=98)) < megabytes * 10**6:
        side += 600
    return data


def display_p3_profile() -> bytes:
    """A matrix profile with Display P3's primaries (adapted to D50) and a plain gamma of 2.2."""
    columns = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419), b"bXYZ": (0.1571, 0.0666, 0.7841)}
    tags = {tag: b"XYZ \0\0\0\0" + b"".join(_s15(value) for value in xyz) for tag, xyz in columns.items()}
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def green_cyan_cmyk_profile() -> bytes:
    """A printer whose cyan ink is pure green: whoever ignores the profile shows cyan."""
    identity = bytes(range(256))
    grid = b""
    for corner in range(16):  # two points for each ink, cyan slowest
        cyan, _, _, black = (corner >> 3 & 1, corner >> 2 & 1, corner >> 1 & 1, corner & 1)
        lightness, green = (0 if black else 180 if cyan else 255), (50 if cyan and not black else 128)
        grid += bytes((lightness, green, 178 if cyan and not black else 128))
    matrix = b"".join(_s15(value) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + identity * 4 + grid + identity * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2.4 (ICC.1:2001-04): header, table of tags, tags."""
    name = b"test profile\0"
    tags = tags | {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": b"XYZ \0\0\0\0" + _s15(0.9642) + _s15(1.0) + _s15(0.8249),
        b"cprt": b"text\0\0\0\0none\0",
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = struct.pack(">I", start + len(body))
    header = size + b"test" + bytes((2, 0x40, 0, 0)) + device + space + connection
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _s15(0.9642) + _s15(1.0) + _s15(0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
