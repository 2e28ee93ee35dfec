"""Photos as iPhones make them (HEIC, ISO/IEC 23008-12), made into a picture of Pillow's: for references, never outputs.

The boxes are read in our own process (`heic_boxes.py`), where nothing can be overrun; the HEVC pictures in them are
decoded in another (`heic_tiles.py`). FFmpeg is here for videos anyway. What others use, libheif, has no package for
Python that fits: of the one that only decodes the last release holds known gaps, and the other brings an encoder under
the GPL along.
"""

import json
import re
from pathlib import Path
from struct import unpack_from

from PIL import Image

from data import isolated
from data.heic_boxes import BROKEN, Boxes, Plan
from data.image_flaws import CONVERT, Flaw
from data.sentences import Sentence

_SIGN = re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL)
_PROGRAM = Path(__file__).with_name("heic_tiles.py")
_LIMITS = {"memory": 2 << 30, "cpu": 60}  # bytes, seconds
_TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_MIRRORS = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)


def is_heic(data: bytes) -> bool:
    """Whether it says so of itself. An AVIF may begin alike, but is one by the brands that follow."""
    return _SIGN.match(data[:16]) is not None and b"avif" not in data[8 : min(int.from_bytes(data[:4]), 100)]


def opened(data: bytes, max_pixels: int) -> Image.Image:
    """The main picture, upright, in RGB or RGBA, with its colour profile; without its depth and other frames.

    Raises:
        Flaw: it is broken, has too many pixels, or is of a kind that is not read here.
    """
    try:
        boxes = Boxes(data)
        plan, alpha = boxes.plan(boxes.main, max_pixels), boxes.alpha()
        mask = boxes.plan(alpha, max_pixels) if alpha is not None else None
    except BROKEN as broken:
        raise _damaged() from broken
    image = _decoded(data, plan)
    if mask is not None and (mask.width, mask.height) == image.size:
        image = Image.merge("RGBA", (*image.split(), _decoded(data, mask).getchannel("R")))
    for kind, body in plan.properties:
        image = _transformed(image, kind, body)
    image.format = "HEIC"
    image.info = {"icc_profile": plan.profile} if plan.profile else {}
    return image


def _damaged() -> Flaw:
    return Flaw("damaged", Sentence("is damaged or was not copied completely"), CONVERT)


def _decoded(data: bytes, plan: Plan) -> Image.Image:
    """What the program makes of the plan, in RGB."""
    size, ready = plan.width * plan.height * 3, isolated.READY
    wanted = {
        "width": plan.width, "height": plan.height, "columns": plan.columns, "tiles": plan.tiles, "matrix": plan.matrix,
        "configuration": plan.configuration.hex(), "full_range": plan.full_range, **_LIMITS,
    }  # fmt: skip
    try:
        with isolated.as_file(data) as file:
            said = isolated.answer(_PROGRAM, json.dumps(wanted), file, len(ready) + size)
    except OSError as broken:
        raise Flaw(
            "reader_down", Sentence("is a HEIC picture, which cannot be read here just now"), CONVERT
        ) from broken
    if not said.startswith(ready):
        raise Flaw("reader_down", Sentence("is a HEIC picture, which cannot be read here just now"), CONVERT)
    if len(said) != len(ready) + size:
        raise _damaged()
    return Image.frombuffer("RGB", (plan.width, plan.height), memoryview(said)[len(ready) :], "raw", "RGB", 0, 1)  # type: ignore[arg-type]  # it takes any buffer


def _transformed(image: Image.Image, kind: bytes, body: memoryview) -> Image.Image:
    """As its property says (ISO/IEC 23008-12, 6.5.9 to 6.5.12). EXIF's own word about the turn does not count."""
    if kind == b"irot" and body and (turn := _TURNS[body[0] & 3]) is not None:
        return image.transpose(turn)
    if kind == b"imir" and body:
        return image.transpose(_MIRRORS[body[0] & 1])
    if kind == b"clap" and len(body) >= 32:
        wide, by1, tall, by2, right, by3, down, by4 = unpack_from(">LLLLlLlL", body)
        if not all((by1, by2, by3, by4)):
            raise _damaged()
        across, high = wide / by1, tall / by2
        left = image.width / 2 + right / by3 - across / 2
        top = image.height / 2 + down / by4 - high / 2
        if not (0 < across <= image.width and 0 < high <= image.height and left >= -0.5 and top >= -0.5):
            raise _damaged()
        box = (round(left), round(top), round(left) + max(1, round(across)), round(top) + max(1, round(high)))
        return image.crop(box)
    return image
