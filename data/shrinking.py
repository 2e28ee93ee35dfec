"""Making a picture fit: at the best quality that is small enough, and of fewer pixels only where no quality is."""

from dataclasses import dataclass
from io import BytesIO
from threading import BoundedSemaphore

from PIL import Image

from data.image_flaws import SHRINK, Flaw
from data.sentences import Sentence

UPLOAD_MB = 100
"""The largest file that is looked at; more than any model takes, because what is too large for one is made to fit."""
_QUALITIES = (95, 90, 80)
_ROUNDS = 6
AT_ONCE = BoundedSemaphore(2)
"""Held by whoever mends an upload: 64 megapixels are 256 MB and some seconds of a core, whoever else waits."""


@dataclass(frozen=True)
class Fit:
    """How large a picture may be in the end."""

    size: int  # bytes
    pixels: int

    def takes(self, size: int, width: int, height: int) -> bool:
        """Whether a picture is as small as that already."""
        return size <= self.size and width * height <= self.pixels


def fitted(picture: Image.Image, target: str, fit: Fit, *, size: int) -> tuple[bytes, tuple[int, int]]:
    """The picture, whose file had `size` bytes, as a file of that format, and its width and height. Never enlarged.

    Raises:
        Flaw: no file of it is small enough; nothing but a limit of a few kilobytes does that.
    """
    share = min(1.0, (fit.pixels / (picture.width * picture.height)) ** 0.5)
    if target == "PNG" and size > fit.size:  # no quality makes it smaller: whole it would be encoded in vain
        share = min(share, _share(fit.size, size))
    for _ in range(_ROUNDS):
        small = _scaled(picture, share)
        for quality in _QUALITIES if target != "PNG" else (None,):
            data = _encoded(small, target, quality)
            if len(data) <= fit.size:
                return data, small.size
        share *= _share(fit.size, len(data))
    raise Flaw("too_large", Sentence("cannot be made small enough"), SHRINK)


def _share(wanted: int, size: int) -> float:
    """By what both sides shrink for so many bytes: these go with the pixels, nearly."""
    return float(0.95 * (wanted / size) ** 0.5)


def _scaled(picture: Image.Image, share: float) -> Image.Image:
    if share >= 1:
        return picture
    size = max(1, int(picture.width * share)), max(1, int(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(picture: Image.Image, target: str, quality: int | None) -> bytes:
    picture.info = {}  # Pillow writes some of it back: profile, comment, text chunks
    out = BytesIO()
    picture.save(out, target, **({"quality": quality, "subsampling": 0} if quality else {}))
    return out.getvalue()
