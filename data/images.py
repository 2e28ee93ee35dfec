"""Pure Pillow, bytes in and bytes out: recognise a picture, make it fit to send, make its thumbnails.

It knows no file, no database and no task. Only four formats are ever opened: Pillow's other parsers are a needless
attack surface (one of them starts Ghostscript), and the size is judged from the header, before a pixel is decoded. It
is long and yet one file, because recognising, mending and reducing share one way to open a picture and one to fail.
"""

import re
import struct
import unicodedata
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

from PIL import ExifTags, Image, ImageCms

from data import heic
from data.image_flaws import KINDS, SCALE, SHRINK, Flaw, refusing, too_many
from data.sentences import Sentence, in_a_row
from data.shrinking import AT_ONCE, Fit, fitted

EDGES = (320, 1280)
"""Longest sides of the stored thumbnails, in pixels."""

OUTPUT_MAX_PIXELS = 200_000_000
# Pillow's own guard sees the size first, inside `Image.open`. Its default would warn from 89 megapixels on, a size that
# models do deliver. The setting and the filter are process-wide: nothing else in our processes opens pictures.
Image.MAX_IMAGE_PIXELS = OUTPUT_MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif"}

# What Pillow and its codecs raise for broken and hostile files, collected by fuzzing. Not `Exception`: our own errors
# must pass. A `Warning` arrives only where filters make warnings into errors.
_DECODING_ERRORS = (
    OSError, EOFError, ValueError, SyntaxError, TypeError, RuntimeError, ArithmeticError, LookupError, AssertionError,
    AttributeError, BufferError, struct.error, zlib.error, ImageCms.PyCMSError, Warning,
)  # fmt: skip

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


@dataclass(frozen=True)
class ImageFacts:
    """What a picture is. `width` and `height` are pixels as a viewer shows it, after its EXIF orientation."""

    mime: str
    width: int
    height: int
    animated: bool = False
    duration_ms: int | None = None  # of a video


@dataclass(frozen=True)
class StoredImage:
    """A picture or video in storage, under the 64 hex digits of its bytes' SHA-256."""

    sha256: str
    mime: str
    width: int
    height: int
    size: int  # bytes
    filename: str | None = None  # of an upload, as the person's machine called it
    note: str | None = None  # what was done to it on the way in
    duration_ms: int | None = None  # of a video


def recognise(data: bytes, *, max_pixels: int) -> ImageFacts:
    """The facts of a picture, after decoding all of it: a file cut short is refused.

    Raises:
        InvalidImage: `code` is not_an_image, unsupported_format, damaged, too_many_pixels or out_of_memory.
    """
    with refusing(), _opened(data, max_pixels) as image:
        size = image.size
        image.draft(None, (1, 1))  # a JPEG at an eighth: all of its data is read, a 64th of its pixels made
        image.load()
        return _facts(image, size)


def survey(data: bytes, *, max_pixels: int) -> tuple[ImageFacts, dict[int, bytes]]:
    """`recognise` and `thumbnails` from one decoding, which is a third of the cost. Raises like `recognise`."""
    with refusing(), _opened(data, max_pixels) as image:
        size = image.size
        return _facts(image, size), _both(_reduced(image, 1280))


def of_frame(pixels: bytes, size: tuple[int, int], turn: int) -> dict[int, bytes]:
    """Thumbnails of a video's frame: RGB, three bytes a pixel, at most 1280 pixels a side.

    `turn` in degrees against the clock, in quarters, makes it upright. Raises ValueError where bytes and size differ.
    """
    frame = Image.frombytes("RGB", size, pixels)
    return _both(frame.rotate(turn, expand=True))  # by a quarter no pixel is lost


def thumbnails(data: bytes) -> dict[int, bytes]:
    """WebP thumbnails of a picture by longest side (320 and 1280 pixels; never enlarged). Raises like `recognise`."""
    return survey(data, max_pixels=OUTPUT_MAX_PIXELS)[1]


def thumbnail(data: bytes, edge: int) -> bytes:
    """One WebP copy of at most `edge` pixels a side: upright, sRGB, without metadata. Raises like `recognise`."""
    with refusing(), _opened(data, OUTPUT_MAX_PIXELS) as image:
        return _webp(_reduced(image, edge))


def prepare_reference(
    data: bytes,
    *,
    filename: str | None,
    max_bytes: int,
    max_pixels: int,
    fit: Fit | None = None,
    position: int | None = None,
) -> tuple[bytes, ImageFacts, str | None]:
    """Makes an upload fit to send: upright, not CMYK, one frame, PNG, JPEG or WebP, and no larger than `fit`.

    A picture that needs nothing keeps its bytes; any other is encoded anew, in sRGB and without metadata (no GPS), and
    the third value says what was done. Only what is over `max_bytes` or `max_pixels` is refused for its size.
    `position` counts from 1, as the screen numbers it.

    Raises:
        InvalidImage: `field` is `references.<position>`, `code` as for `recognise`, or animated or too_large.
    """
    field = f"references.{position}" if position else "references"
    with refusing(_subject(filename, position), field=field, advise=True):
        if len(data) > max_bytes:
            fact = Sentence(
                "is {size} MB; the limit is {most} MB", size=megabytes(len(data)), most=megabytes(max_bytes)
            )
            raise Flaw("too_large", fact, SHRINK)
        with AT_ONCE, _opened(data, max_pixels, photos=True) as image:
            return _prepared(image, data, fit or Fit(max_bytes, max_pixels))


def plain_filename(name: str | None) -> str | None:
    """An upload's name fit to store and show: no folders, control or direction characters; at most 100 characters."""
    base = re.split(r"[/\\]", name or "")[-1]
    kept = "".join(c for c in base if unicodedata.category(c)[0] != "C").strip()
    return (kept if len(kept) <= 100 else f"{kept[:80]}…{kept[-19:]}") or None


def megabytes(size: int) -> str:
    """Bytes as megabytes (10^6) for a sentence, rounded up: a file over the limit must not look as large as it."""
    tenths = -(-size // 100_000)
    return f"{tenths // 10}.{tenths % 10}" if tenths % 10 else str(tenths // 10)


@contextmanager
def _opened(data: bytes, max_pixels: int, *, photos: bool = False) -> Iterator[Image.Image]:
    """The one place where Pillow's many ways of failing become ours, in opening and in the block that follows.

    `photos`: HEIC too.
    """
    try:
        is_heic = photos and heic.is_heic(data)
        with heic.opened(data, max_pixels) if is_heic else Image.open(BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise too_many(width, height, max_pixels)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        fact = Sentence("has more than {n} million pixels; the limit is {most} million",
                        n=OUTPUT_MAX_PIXELS // 10**6, most=f"{max_pixels / 1e6:g}")  # fmt: skip
        raise Flaw("too_many_pixels", fact, SCALE) from error
    except MemoryError as error:
        raise Flaw("out_of_memory", Sentence("needs more memory than this machine can spare"), SCALE) from error
    except _DECODING_ERRORS as error:
        found = next(flaw for pattern, *flaw in KINDS if re.match(pattern, data[:512], re.DOTALL))
        raise Flaw(*found) from error


def _subject(filename: str | None, position: int | None) -> str:
    name = plain_filename(filename)
    if position is None:
        return name or Sentence("The picture")
    return Sentence("Image {n} ({name})", n=position, name=name) if name else Sentence("Image {n}", n=position)


def _prepared(image: Image.Image, data: bytes, fit: Fit) -> tuple[bytes, ImageFacts, str | None]:
    if _is_animated(image):
        fact = Sentence("is animated; the models take still pictures")
        raise Flaw("animated", fact, Sentence("Save the frame you mean and add that."))
    source, size = str(image.format), image.size
    image.load()
    keeps = source == "WEBP" or (source == "PNG" and len(data) <= fit.size)  # a PNG as heavy as that is a photo
    target = source if keeps else "PNG" if _shines_through(image) else "JPEG"
    changes = {
        Sentence("first of several frames taken"): source == "MPO",
        Sentence("rotated upright"): _orientation(image) in _TURNS,
        Sentence("CMYK converted to RGB"): image.mode == "CMYK",
        Sentence("AVIF converted to {format}", format=target): source == "AVIF",
        Sentence("HEIC converted to {format}", format=target): source == "HEIC",
        Sentence("PNG converted to JPEG"): (source, target) == ("PNG", "JPEG"),
    }
    done: list[str] = [words for words, needed in changes.items() if needed]
    if not done and fit.takes(len(data), *size):
        return data, _facts(image, size), None
    picture = _srgb(_upright(_plain(image)))
    if target == "JPEG" and "A" in picture.getbands():
        picture = picture.convert("RGB")
    encoded, after_size = fitted(picture, target, fit, size=len(data))
    if after_size != picture.size:
        done.append(Sentence("{before} made {after} to fit", before=_by(picture.size), after=_by(after_size)))
    if (before := megabytes(len(data))) != (after := megabytes(len(encoded))):
        done.append(f"{before} → {after} MB")
    return encoded, ImageFacts(_MIMES[target], *after_size), in_a_row(done) or None


def _shines_through(image: Image.Image) -> bool:
    """Whether anything does: a screenshot has an alpha channel too, and all of it is opaque."""
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]:,} × {size[1]:,}"


def _facts(image: Image.Image, size: tuple[int, int]) -> ImageFacts:
    """`size` was read before decoding: a reduced decoding changes the image's own."""
    width, height = reversed(size) if _orientation(image) >= 5 else size
    return ImageFacts(_MIMES[str(image.format)], width, height, _is_animated(image))


def _is_animated(image: Image.Image) -> bool:
    # An MPO's further frames are a depth map or a second lens; every viewer shows the first.
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _reduced(image: Image.Image, edge: int) -> Image.Image:
    """Reduces first, converts colours afterwards: a conversion before would switch off JPEG's fast reduced decoding."""
    image = _plain(image)
    image.thumbnail((edge, edge), Image.Resampling.BICUBIC, reducing_gap=2.0)
    image.load()  # a small picture is not decoded yet, and looking for EXIF would hide why it cannot be
    return _srgb(_upright(image))


def _both(large: Image.Image) -> dict[int, bytes]:
    small = large.copy()  # from the large one: a quarter of the time, at a loss nobody sees (0.3 dB)
    small.thumbnail((320, 320), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return {320: _webp(small), 1280: _webp(large)}


def _webp(picture: Image.Image) -> bytes:
    picture.info = {}
    out = BytesIO()
    picture.save(out, "WEBP", quality=78, method=2)  # method 4 costs up to twice the time and saves 2 % of the bytes
    return out.getvalue()


def _plain(image: Image.Image) -> Image.Image:
    """The picture in a mode that can be resized smoothly; a JPEG passes untouched and unloaded."""
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips instead of scaling
        return image.point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "L" if image.mode == "1" else "RGB")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; a damaged EXIF block is no reason to refuse a picture."""
    with suppress(*_DECODING_ERRORS):
        value = image.getexif().get(ExifTags.Base.Orientation)
        return value if isinstance(value, int) and value in _TURNS else 1
    return 1


def _upright(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _srgb(image: Image.Image) -> Image.Image:
    """Colours as sRGB numbers, by the embedded profile where it makes sense; a senseless one is ignored."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("L", "RGB", "RGBA", "CMYK"):
        with suppress(*_DECODING_ERRORS):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            if image.mode == "CMYK" or not ImageCms.getProfileDescription(source).startswith("sRGB"):
                mode = "RGBA" if image.mode == "RGBA" else "RGB"
                converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
                image = converted or image
    return image.convert("RGB") if image.mode == "CMYK" else image
