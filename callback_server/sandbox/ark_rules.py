"""ByteDance's image models by images/generations: what a request may contain, how large its picture is, what it costs.

Pure: `check(body)` and `check_picture(raw)` can be held against anybody else's reading of the same documents.
"""

import base64
import binascii
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from . import models
from .models import Size

SERIES = frozenset({"sequential_image_generation", "sequential_image_generation_options", "stream"})
COMMON = frozenset({"model", "prompt", "image", "size", "watermark", "response_format", "optimize_prompt_options"})
PIXELS = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)
NAMED_RATIO = re.compile(r"\d{1,2}:\d{1,2}")
DATA_URL = re.compile(r"data:image/([a-z0-9.+-]+);base64,(.*)", re.DOTALL)
FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 30 * 1024 * 1024
MAX_REQUEST = 64 * 1024 * 1024  # bytes; said of requests with base64 on the same platform, not of pictures by name
MAX_IN_AND_OUT = 15  # references and pictures of a series together
DEAR_FROM = 2_610_000  # pixels: the larger price class of 5.0 pro begins above them


@dataclass(frozen=True)
class Model:
    """One model: `area` are the fewest and most pixels of a WxH size; prices are US dollars for a picture."""

    id: str
    tiers: tuple[str, ...]
    area: tuple[int, int]
    default_size: str
    references: int
    extra: frozenset[str]  # fields beyond the common ones
    default_format: str
    usd: str
    usd_above: str = ""  # above DEAR_FROM
    usd_reference: str = "0"
    free_references: int = 0
    counts_references: bool = False


# 5.5: its area is that of 5.0 pro, for want of a better word; its price the higher of what two resellers charge.
SMALL, LARGE = (921_600, 4_624_220), (3_686_400, 16_777_216)
_ALL = (
    Model("seedream-5-5-261028", ("1K", "1.5K", "2K"), SMALL, "2K", 10, frozenset({"output_format", "background"}),
          "png", "0.035", usd_reference="0.008"),
    Model("dola-seedream-5-0-pro-260628", ("1K", "1.5K", "2K"), SMALL, "2K", 10,
          frozenset({"output_format", "background"}), "jpeg", "0.045", "0.09", "0.003", 1, counts_references=True),
    Model("seedream-5-0-flash-260915", ("1K", "1.5K", "2K"), SMALL, "2K", 10, frozenset({"output_format"}),
          "jpeg", "0.018"),
    Model("seedream-5-0-260128", ("2K", "3K", "4K"), LARGE, "2048x2048", 14, SERIES | {"output_format", "tools"},
          "jpeg", "0.035"),
    Model("seedream-4-5-251128", ("2K", "4K"), LARGE, "2048x2048", 14, SERIES, "jpeg", "0.04"),
)  # fmt: skip
MODELS = {model.id: model for model in _ALL} | {
    "dola-seedream-5-5-261028": _ALL[0],
    "doubao-seedream-5-0-pro-260628": _ALL[1],  # the same model under the name of the Chinese surface
}


@dataclass(frozen=True)
class Problem:
    """An error of the API: the HTTP status, its code, the message, and the parameter that is to blame."""

    status: int
    code: str
    words: str
    param: str = ""


def check(body: Any) -> Problem | None:
    """Return what is wrong with a request, as the API would say it; None where it would be taken."""
    if not isinstance(body, dict):
        return Problem(400, "InvalidParameter", "The request body is not a valid JSON object.")
    name = body.get("model")
    if name in (None, ""):
        return _missing("model")
    if not isinstance(name, str) or name not in MODELS:
        words = f"The model or endpoint {name} does not exist or you do not have access to it."
        return Problem(404, "InvalidEndpointOrModel.NotFound", words)
    model = MODELS[name]
    for field in body:
        if field not in COMMON | model.extra:
            words = f"The parameter `{field}` specified in the request is not supported by model {name}."
            return Problem(400, "InvalidParameter.UnsupportedParameter", words, field)
    if body.get("prompt") in (None, ""):
        return _missing("prompt")
    for field, reading in _READINGS.items():
        fault = reading(model, body[field]) if body.get(field) is not None else None
        if fault:
            return _invalid(field, fault)
    return _combination(model, body)


def _missing(field: str) -> Problem:
    return Problem(400, "MissingParameter", f"The request is missing the parameter `{field}`.", field)


def _invalid(field: str, words: str) -> Problem:
    said = f"The parameter `{field}` specified in the request is not valid: {words}."
    return Problem(400, "InvalidParameter", said, field)


def _combination(model: Model, body: dict[str, Any]) -> Problem | None:
    """Return what is wrong with fields that are good one by one."""
    if body.get("background") == "transparent" and picture_format(model, body) != "png":
        return _invalid("background", "a transparent background needs output_format png")
    if count(body) + len(references(body)) > MAX_IN_AND_OUT:
        return _invalid("image", f"references and pictures together must not be more than {MAX_IN_AND_OUT}")
    return None


def _one_of(*allowed: str) -> Callable[[Model, Any], str | None]:
    return lambda _, value: None if value in allowed else f"it must be one of {', '.join(allowed)}"


def _kind(kind: type, words: str) -> Callable[[Model, Any], str | None]:
    return lambda _, value: None if isinstance(value, kind) else f"it must be {words}"


def _size_fault(model: Model, size: Any) -> str | None:
    if size in model.tiers:
        return None
    pixels = PIXELS.fullmatch(size) if isinstance(size, str) else None
    if pixels is None:
        return f"it must be WIDTHxHEIGHT or one of {', '.join(model.tiers)}"
    width, height = int(pixels[1]), int(pixels[2])
    low, high = model.area
    if not low <= width * height <= high:
        return f"image size must be at least {low} pixels and at most {high} pixels"
    if not 1 / 16 <= width / height <= 16:
        return "the aspect ratio must be between 1/16 and 16"
    return None


def _image_fault(model: Model, image: Any) -> str | None:
    given = image if isinstance(image, list) else [image]
    if len(given) > model.references:
        return f"at most {model.references} images are supported"
    for item in given:
        if not isinstance(item, str):
            return "it must be a text or a list of texts"
        if item.startswith("data:"):
            if picture_in(item) is None:
                return "it must be data:image/<format in lower case>;base64,<base64>"
        elif host_of(item) is None:
            return "it must be a URL or a data URL"
    return None


def _background_fault(model: Model, value: Any) -> str | None:
    known = ("auto", "opaque", "transparent") if "5-5" in model.id else ("auto", "opaque")
    return None if value in known else f"it must be one of {', '.join(known)}"


def _options_fault(_: Model, value: Any) -> str | None:
    most = value.get("max_images", 1) if isinstance(value, dict) else None
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MAX_IN_AND_OUT:
        return f"max_images must be a whole number from 1 to {MAX_IN_AND_OUT}"
    return None


def _stream_fault(_: Model, value: Any) -> str | None:
    return None if value is False else "this sandbox answers in one piece only"


def _optimizer_fault(_: Model, value: Any) -> str | None:
    return None if value == {"mode": "standard"} else "mode must be standard; fast is known to 4.0 only"


def _tools_fault(_: Model, value: Any) -> str | None:
    return None if value in ([], [{"type": "web_search"}]) else "the only tool is web_search"


_READINGS: Mapping[str, Callable[[Model, Any], str | None]] = {
    "prompt": _kind(str, "a text"),
    "image": _image_fault,
    "size": _size_fault,
    "watermark": _kind(bool, "true or false"),
    "response_format": _one_of("url", "b64_json"),
    "output_format": _one_of("jpeg", "png"),
    "background": _background_fault,
    "sequential_image_generation": _one_of("auto", "disabled"),
    "sequential_image_generation_options": _options_fault,
    "stream": _stream_fault,
    "optimize_prompt_options": _optimizer_fault,
    "tools": _tools_fault,
}


def host_of(text: str) -> str | None:
    """Return the host of an http or https URL; None where it is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def picture_in(data_url: str) -> bytes | None:
    """Return the bytes in a data URL; None where it is written otherwise than documented."""
    found = DATA_URL.fullmatch(data_url)
    try:
        return base64.b64decode(found[2], validate=True) if found else None
    except (binascii.Error, ValueError):
        return None


def check_picture(raw: bytes) -> str | None:
    """Return what is wrong with a reference; None where it would be taken. Reads no more than its head."""
    if len(raw) > MAX_BYTES:
        return "the image is larger than 30 MB"
    try:
        with Image.open(io.BytesIO(raw), formats=FORMATS) as opened:
            width, height = opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "the image format is not supported or the image is damaged"
    if min(width, height) <= 14 or not 1 / 16 <= width / height <= 16:
        return "the sides of the image must be longer than 14 pixels and their ratio between 1/16 and 16"
    return "the image has more than 36 million pixels" if width * height > 36_000_000 else None


def references(body: dict[str, Any]) -> list[str]:
    """Return the references as they were given."""
    given = body.get("image") or []
    return given if isinstance(given, list) else [given]


def count(body: dict[str, Any]) -> int:
    """Return how many pictures come back; a series is as long as it may be."""
    if body.get("sequential_image_generation") != "auto":
        return 1
    return int((body.get("sequential_image_generation_options") or {}).get("max_images", 1))


def size_of(model: Model, body: dict[str, Any], reference: Size | None) -> Size:
    """Return the pixels of the picture; to a tier the model finds the shape itself, in the prompt or the reference."""
    asked = str(body.get("size") or model.default_size)
    pixels = PIXELS.fullmatch(asked)
    if pixels:
        return int(pixels[1]), int(pixels[2])
    shapes = models.sizes()[f"seedream {asked}"]
    named = (shapes.get(ratio) for ratio in NAMED_RATIO.findall(str(body.get("prompt"))))
    return next((size for size in named if size), None) or models.nearest(shapes, reference)


def picture_format(model: Model, body: dict[str, Any]) -> str:
    """Return `png` or `jpeg`."""
    return str(body.get("output_format") or model.default_format)


def credits_for(model: Model, size: Size, references: int) -> Decimal:
    """Return what one picture costs, in credits."""
    dear = model.usd_above and size[0] * size[1] > DEAR_FROM
    dollars = Decimal(model.usd_above if dear else model.usd)
    dollars += Decimal(model.usd_reference) * max(references - model.free_references, 0)
    return dollars / models.USD_PER_CREDIT
