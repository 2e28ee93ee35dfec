"""Why a picture is refused, in words: what its file is instead, and what to do about it. It opens no picture."""

from collections.abc import Iterator
from contextlib import contextmanager

from data.errors import InvalidImage
from data.sentences import Sentence, paragraph

SHRINK = Sentence("Save it smaller, for example as JPEG, and add it again.")
SCALE = Sentence("Scale it down and add it again.")
_PICK = Sentence("Save the picture you mean as PNG, JPEG or WebP and add that.")
CONVERT = Sentence("Save or share it as JPEG and add that (iPhone: Settings › Camera › Formats › Most Compatible).")
_CHOOSE = Sentence("Choose a PNG, JPEG or WebP picture.")

# What a file is that could not be read, by its first bytes: whoever knows that can act. The first match counts.
KINDS = (
    (rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|....ftypavi[fs]", "damaged",
     Sentence("is damaged or was not copied completely"),
     Sentence("Open it in a picture program, save it under a new name, and add that.")),
    (rb"....ftyp(hei[cxms]|hev[cx]|mif1|msf1)", "unsupported_format",
     Sentence("is a HEIC picture, which cannot be used here"), CONVERT),
    (rb"....ftyp|\x1a\x45\xdf\xa3", "unsupported_format", Sentence("is a video; the models take still pictures"),
     Sentence("Save the frame you mean and add that.")),
    (rb"GIF8", "unsupported_format", Sentence("is a GIF, which cannot be used here"), _PICK),
    (rb"II\*\0|MM\0\*|BM|8BPS|%PDF|\xff\x0a|\0\0\0\x0cJXL|\s*(<\?xml[^>]*>\s*)?<svg", "unsupported_format",
     Sentence("is of a format that cannot be used here"), _PICK),
    (rb"\Z", "not_an_image", Sentence("is empty"), _CHOOSE),
    (rb"(\xef\xbb\xbf)?\s*(?i:<!doctype|<html|<head|<body)", "not_an_image",
     Sentence("is a web page, not a picture"), _CHOOSE),
    (rb"[^\x00-\x08\x0e-\x1f]+\Z", "not_an_image", Sentence("is text, not a picture"), _CHOOSE),
    (rb"", "not_an_image", Sentence("is not a picture of any known kind"), _CHOOSE),
)  # fmt: skip


class Flaw(Exception):  # noqa: N818 - never leaves these files: `refusing` makes an InvalidImage of it
    """Why a picture is refused: `fact` continues a sentence about the file, `advice` is one of its own."""

    def __init__(self, code: str, fact: str, advice: str) -> None:
        super().__init__(fact)
        self.code, self.fact, self.advice = code, fact, advice


def too_many(width: int, height: int, most: int) -> Flaw:
    """The flaw of a picture with more than `most` pixels."""
    fact = Sentence("has {n} million pixels ({width} × {height}); the limit is {most} million",
                    n=f"{width * height / 1e6:.0f}", width=f"{width:,}", height=f"{height:,}",
                    most=f"{most / 1e6:g}")  # fmt: skip
    return Flaw("too_many_pixels", fact, SCALE)


@contextmanager
def refusing(subject: str = "", *, field: str = "image", advise: bool = False) -> Iterator[None]:
    """Puts a flaw into words. Only an upload is told that nothing was charged: an output has been paid for."""
    try:
        yield
    except Flaw as flaw:
        fault = Sentence("The file {fact}.", fact=flaw.fact)
        if subject:
            fault = Sentence("{file} {fact}.", file=subject, fact=flaw.fact)
        text = paragraph(fault, Sentence("Nothing was charged."), flaw.advice) if advise else fault
        raise InvalidImage(text, field=field, code=flaw.code) from flaw
