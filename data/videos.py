"""Videos, bytes in and facts and thumbnails out: knows one by its first bytes and has it read by a program of its own.

A stranger's video is never decoded here: `poster.py` runs for each file as a process of its own (`isolated.py`), with
limits of time, memory and output. If it dies, one download has failed. No task and no database here.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from data import images, isolated
from data.errors import InvalidImage, ReaderDown, StorageError
from data.images import EDGES, ImageFacts
from data.isolated import READY
from data.sentences import Sentence, paragraph

MP4, WEBM = "video/mp4", "video/webm"

LIMITS = {
    "pixels": 36_000_000,  # a frame of 8K has 33 million
    "seconds": 600,  # what the models make lasts 4 to 25 s, and chained together two minutes and a half
    "streams": 8,
    "edge": max(EDGES),  # pixels of the poster's longer side
    "memory": 2 << 30,  # bytes; a frame of 8K with all that refers to it takes about one
    "cpu": 30,  # seconds; a poster takes a tenth of one
}

_IMAGE_BRANDS = rb"avi[fs]|hei[cxms]|hev[cx]|mif1|msf1"
_SIGNS = (
    (re.compile(rb"....ftyp(?!" + _IMAGE_BRANDS + rb")", re.DOTALL), MP4),
    (re.compile(rb"\x1a\x45\xdf\xa3.{0,40}?\x42\x82.webm", re.DOTALL), WEBM),  # EBML, and in it the type of document
)
HEAD = 64
"""So many first bytes tell."""

_READER = Path(__file__).with_name("poster.py")
_MOST = 1000 + 3 * LIMITS["edge"] ** 2  # bytes of an answer

_NOT_SHOWN = Sentence("is a video of a kind that browsers do not show; H.264, H.265, AV1, VP8 and VP9 are kept")
_FLAWS = {
    "no_video": ("not_an_image", Sentence("is not a video of any known kind")),
    "damaged": ("damaged", Sentence("is a video that is damaged or was not copied completely")),
    "no_film": ("not_an_image", Sentence("has sound or text in it, but no picture")),
    "no_frames": ("not_an_image", Sentence("is a video without a single frame")),
    "codec": ("unsupported_format", _NOT_SHOWN),
    "too_many_streams": ("too_many_streams",
                         Sentence("is a video of {n} streams; the limit is {most}", n="", most=LIMITS["streams"])),
    "too_many_pixels": ("too_many_pixels",
                        Sentence("is a video of {n} pixels; the limit is {most}", n="", most=f"{LIMITS['pixels']:,}")),
    "too_long": ("too_long",
                 Sentence("is a video of {n} seconds; the limit is {most}", n="", most=LIMITS["seconds"])),
    # These two may be the machine's fault and not the file's, so they are codes that are tried again for long.
    "memory": ("out_of_memory", Sentence("is a video that takes more memory to read than any honest one")),
    "died": ("reader_died",
             Sentence("is a video that cannot be read: the program that read it broke down or took too long")),
}  # fmt: skip
"""What the reader may say of a file, as our code and as the end of a sentence."""
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
_WIDEST = 10 * LIMITS["pixels"]  # the reader stretches oblong pixels up to tenfold
_AGAIN = Sentence("Look at the machine; what was interrupted is tried again, and nothing is paid twice.")

_NO_START = paragraph(Sentence("The program that reads videos does not start."), _AGAIN)


def check() -> None:
    """Starts the reader once, on no video at all. Raises ReaderDown or StorageError."""
    with _as_file(b"-") as file:
        if not _asked(file).startswith(READY):
            raise ReaderDown(_NO_START)


def kind(head: bytes) -> str | None:
    """The media type of a video whose first bytes these are (`HEAD` of them are enough); None for anything else."""
    return next((mime for sign, mime in _SIGNS if sign.match(head)), None)


def kind_of_file(path: Path) -> str | None:
    """`kind` of a stored file. Raises StorageError."""
    try:
        with path.open("rb") as file:
            return kind(file.read(HEAD))
    except OSError as error:
        fault = Sentence("A stored file could not be read: {why}.", why=error.strerror or error)
        raise StorageError(paragraph(fault, _AGAIN)) from error


def survey(source: bytes | Path) -> tuple[ImageFacts, dict[int, bytes]]:
    """What a video is, and its first frame as thumbnails of the same sizes as a picture's.

    Raises:
        InvalidImage: it is not whole or cannot be shown; `code` is not_an_image, damaged, unsupported_format, too_long,
            too_many_pixels or too_many_streams; out_of_memory or reader_died where another try may end otherwise.
        ReaderDown, StorageError: this machine cannot read videos now; nothing is said about the file.
    """
    mime = kind_of_file(source) if isinstance(source, Path) else kind(source[:HEAD])
    if mime is None:
        raise _refusal("no_video")
    with _as_file(source) as file:
        said = _asked(file)
    if not said.startswith(READY):
        raise ReaderDown(_NO_START)
    line, _, pixels = said.removeprefix(READY).partition(b"\n")
    try:
        numbers = json.loads(line)
        if flaw := numbers.get("flaw"):
            raise _refusal(flaw, int(numbers.get("number", 0)))
        return _taken(mime, pixels, numbers)
    except _NONSENSE as nonsense:  # it died, or is no longer its own master
        raise _refusal("died") from nonsense


def _taken(mime: str, pixels: bytes, numbers: dict[str, Any]) -> tuple[ImageFacts, dict[int, bytes]]:
    """Raises one of `_NONSENSE` for an answer that makes no sense."""
    width, height, turn, duration = (int(numbers[name]) for name in ("width", "height", "turn", "duration_ms"))
    across, down = numbers["poster"]
    bounds = ((across, LIMITS["edge"]), (down, LIMITS["edge"]), (width, _WIDEST), (height, LIMITS["pixels"]),
              (duration + 1, (LIMITS["seconds"] + 1) * 1000))  # fmt: skip
    if not all(0 < number <= most for number, most in bounds):
        raise ValueError("numbers out of bounds")
    made = images.of_frame(pixels, (across, down), turn)
    width, height = (height, width) if turn % 180 else (width, height)
    return ImageFacts(mime, width, height, duration_ms=duration), made


def _refusal(flaw: str, number: int = 0) -> InvalidImage:
    code, fact = _FLAWS[flaw]
    fact = Sentence(fact.template, **fact.values | {"n": f"{number:,}"})
    return InvalidImage(Sentence("The file {fact}.", fact=fact), field="image", code=code)


def _asked(file: IO[bytes]) -> bytes:
    """All that the reader says of this file before it ends, is ended, or has said too much."""
    try:
        return isolated.answer(_READER, json.dumps(LIMITS), file, _MOST)
    except OSError as error:
        fault = Sentence("The program that reads videos cannot be started: {why}.", why=error.strerror)
        raise ReaderDown(paragraph(fault, _AGAIN)) from error


@contextmanager
def _as_file(source: bytes | Path) -> Iterator[IO[bytes]]:
    try:
        with isolated.as_file(source) as file:
            yield file
    except OSError as error:
        fault = Sentence("A video could not be set down to be read: {why}.", why=error.strerror or error)
        raise StorageError(paragraph(fault, _AGAIN)) from error
