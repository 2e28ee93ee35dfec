"""Google's image models by generateContent: what a request may contain, how large its picture is, what it costs.

Pure: `check(model, body)` can be held against anybody else's reading of the same documents.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import models
from .models import Size

NARROW = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
WIDE = (*NARROW, "1:4", "4:1", "1:8", "8:1")
LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
PICTURES = ("image/png", "image/jpeg", "image/webp")
SCALES = {"512": 0.5, "1K": 1.0, "2K": 2.0, "4K": 4.0}
MAX_REQUEST = 20 * 1024 * 1024  # bytes, pictures included
PICTURE_TOKENS = 258  # of one reference


@dataclass(frozen=True)
class Model:
    """One model; prices are US dollars for a million tokens."""

    id: str
    tokens: Mapping[str, int]  # of one picture, by imageSize: these are also the sizes it knows
    drawn: str  # price of what it draws
    written: str  # price of what it writes, thoughts included
    read: str  # price of what it reads
    ratios: tuple[str, ...] = NARROW
    shapes: str = "banana-pro"
    format: str = "jpeg"  # nothing in a request chooses it
    thinks: bool = True
    references: int = 14


# Seen by others: the price of a picture divided by its tokens gives the price of what is drawn. That Lite takes the
# long shapes is read from the gateway that offers the same model.
_ALL = (
    Model("gemini-nano-banana-2.1", {"1K": 1120, "2K": 1680, "4K": 3780}, "30", "7.50", "1.50", WIDE),
    Model("gemini-3-pro-image", {"1K": 1120, "2K": 1120, "4K": 2000}, "120", "12", "2.00"),
    Model("gemini-3.1-flash-lite-image", {"1K": 1120}, "30", "1.50", "0.25", WIDE, format="png", thinks=False),
    Model("gemini-2.5-flash-image", {"1K": 1290}, "30", "2.50", "0.30", NARROW, "banana", "png", thinks=False),
)
MODELS = {model.id: model for model in _ALL}
# They answered once: the first until 2026-10-29, the others until 2026-06-25.
RETIRED = ("gemini-3.1-flash-image", "gemini-3-pro-image-preview", "gemini-3.1-flash-image-preview")


@dataclass(frozen=True)
class Problem:
    """An error of the API: the HTTP status, its name, and the message."""

    code: int
    status: str
    words: str
    details: tuple[dict[str, Any], ...] = ()


# The shape of a request as far as it matters here: a type, a list of a shape, or names with shapes. None: anything.
_PART = {
    "text": str,
    "inlineData": {"mimeType": str, "data": str},
    "fileData": {"mimeType": str, "fileUri": str},
    "thought": bool,
    "thoughtSignature": str,
}
_CONTENT = {"role": str, "parts": [_PART]}
_CONFIG = {
    "responseModalities": [str],
    "imageConfig": {"aspectRatio": str, "imageSize": str},
    "thinkingConfig": {"thinkingLevel": str, "includeThoughts": bool, "thinkingBudget": int},
    "candidateCount": int,
    "maxOutputTokens": int,
    "seed": int,
    "temperature": float,
    "topP": float,
    "topK": float,
    "presencePenalty": float,
    "frequencyPenalty": float,
    "stopSequences": [str],
    "responseMimeType": str,
    "mediaResolution": str,
}
_REQUEST = {
    "contents": [_CONTENT],
    "systemInstruction": _CONTENT,
    "generationConfig": _CONFIG,
    "safetySettings": [{"category": str, "threshold": str}],
    "tools": [None],
    "toolConfig": None,
    "cachedContent": str,
    "model": str,
}
_TYPES = {str: "TYPE_STRING", bool: "TYPE_BOOL", int: "TYPE_INT32", float: "TYPE_FLOAT"}


def plain(body: Any) -> Any:
    """Return the request with every name in camel case: the API takes `inline_data` for `inlineData`."""
    if isinstance(body, dict):
        return {re.sub(r"_([a-z])", lambda part: part[1].upper(), name): plain(value) for name, value in body.items()}
    return [plain(item) for item in body] if isinstance(body, list) else body


def check(model_id: str, body: Any) -> Problem | None:
    """Return what is wrong with a request for a model, as the API would say it; None where it would be taken."""
    model = MODELS.get(model_id)
    if model is None:
        return _unknown_model(model_id)
    if not isinstance(body, dict):
        return _bad("Invalid JSON payload received. Unexpected token.")
    asked = plain(body)
    words = _misfit(asked, _REQUEST, "") or _content_fault(model, asked) or _config_fault(model, config(asked))
    return _bad(words) if words else None


def _unknown_model(model_id: str) -> Problem:
    words = (
        f"models/{model_id} is not found for API version v1beta, or is not supported for generateContent. Call "
        "ListModels to see the list of available models and their supported methods."
    )
    if model_id in RETIRED:
        words = f"This model models/{model_id} is no longer available. Please use a newer model."
    return Problem(404, "NOT_FOUND", words)


def _bad(words: str) -> Problem:
    return Problem(400, "INVALID_ARGUMENT", words)


def _misfit(value: Any, shape: Any, path: str) -> str | None:
    """Return where a value does not have the shape, with the words of a JSON reader that knows every field."""
    if shape is None:
        return None
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"Invalid JSON payload received. '{path}' must be an array"
        found = (_misfit(item, shape[0], f"{path}[{place}]") for place, item in enumerate(value))
        return next((words for words in found if words), None)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return f"Invalid JSON payload received. '{path}' must be an object"
        for name, item in value.items():
            if name not in shape:
                at = f" at '{path}'" if path else ""
                return f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.'
            words = None if item is None else _misfit(item, shape[name], f"{path}.{name}".lstrip("."))
            if words:
                return words
        return None
    fits = isinstance(value, int | float if shape is float else shape) and (
        shape is bool or not isinstance(value, bool)
    )
    return None if fits else f"Invalid value at '{path}' ({_TYPES[shape]}), {value!r}"


def _content_fault(model: Model, asked: dict[str, Any]) -> str | None:
    contents = asked.get("contents") or []
    if not contents:
        return "* GenerateContentRequest.contents: contents is not specified"
    for content in contents:
        if content.get("role", "user") not in ("user", "model"):
            return "Please use a valid role: user, model."
        if not content.get("parts"):
            return "* GenerateContentRequest.contents.parts: contents.parts must not be empty."
    given = references(asked)
    for place, item in enumerate(given):
        if item.get("mimeType") not in PICTURES:
            return f"Unsupported MIME type: {item.get('mimeType')}"
        if decode(item.get("data") or "") is None:
            return f"Invalid value at 'contents.parts[{place}].inline_data.data' (TYPE_BYTES), Base64 decoding failed"
    if len(given) > model.references:
        return f"The request contains {len(given)} images; at most {model.references} are supported by this model."
    if not given and not prompt(asked).strip():
        return "Unable to submit request because it must have a text or an image parameter."
    return None


def _config_fault(model: Model, chosen: Mapping[str, Any]) -> str | None:
    image, thinking = chosen.get("imageConfig") or {}, chosen.get("thinkingConfig")
    ratio, size = image.get("aspectRatio"), image.get("imageSize")
    if ratio is not None and ratio not in model.ratios:
        return f"aspect_ratio must be one of {', '.join(model.ratios)}"
    if size is not None and size not in model.tokens:
        return f"image_size must be one of {', '.join(model.tokens)}"
    if not set(chosen.get("responseModalities") or ()) <= {"TEXT", "IMAGE"}:
        return "The requested combination of response modalities is not supported by the model."
    if thinking is not None and not model.thinks:
        return "Thinking is not supported for this model."
    if thinking and thinking.get("thinkingLevel") not in (None, *LEVELS):
        return "Invalid value at 'generation_config.thinking_config.thinking_level' (TYPE_ENUM)"
    if chosen.get("candidateCount") not in (None, 1):
        return "Multiple candidates is not enabled for this model"
    if not 0 <= (chosen.get("temperature") or 0) <= 2:
        return "The value of temperature must be between 0 and 2."
    if chosen.get("maxOutputTokens") is not None and chosen["maxOutputTokens"] < 1:
        return "max_output_tokens must be positive."
    return None


def _parts(asked: Any) -> list[dict[str, Any]]:
    """Return the parts of all contents, whatever else may be wrong with the request."""
    contents = asked.get("contents") if isinstance(asked, dict) else None
    found = [item.get("parts") for item in contents if isinstance(item, dict)] if isinstance(contents, list) else []
    return [part for parts in found if isinstance(parts, list) for part in parts if isinstance(part, dict)]


def prompt(asked: Any) -> str:
    """Return the words of a request, whatever else may be wrong with it."""
    return "\n".join(part["text"] for part in _parts(asked) if isinstance(part.get("text"), str))


def references(asked: Any) -> list[dict[str, Any]]:
    """Return the references of a request as they were given, or as the books keep them."""
    return [part["inlineData"] for part in _parts(asked) if part.get("inlineData")]


def pictures(asked: Any) -> list[bytes]:
    """Return the references of a request that was found good."""
    return [decode(item["data"]) or b"" for item in references(asked)]


def decode(text: str) -> bytes | None:
    """Read base64 in either alphabet; None where it is none."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def config(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what the request says of the generation."""
    return asked.get("generationConfig") or {}


def size_name(asked: dict[str, Any]) -> str:
    """Return the imageSize that applies."""
    return str((config(asked).get("imageConfig") or {}).get("imageSize") or "1K")


def size_of(model: Model, asked: dict[str, Any], reference: Size | None) -> Size:
    """Return the pixels of the picture; without an aspectRatio it follows the first reference."""
    shapes = {ratio: size for ratio, size in models.sizes()[model.shapes].items() if ratio in model.ratios}
    ratio = (config(asked).get("imageConfig") or {}).get("aspectRatio")
    base = shapes[ratio] if ratio else models.nearest(shapes, reference)
    scale = SCALES[size_name(asked)]
    return round(base[0] * scale), round(base[1] * scale)


def credits_for(model: Model, *, drawn: int, written: int, read: int) -> Decimal:
    """Return what so many tokens cost, in credits."""
    dollars = Decimal(model.drawn) * drawn + Decimal(model.written) * written + Decimal(model.read) * read
    return dollars / 1_000_000 / models.USD_PER_CREDIT
