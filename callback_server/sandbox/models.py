"""kie's models as data (`models.json`): what a request may contain, what it costs, how large its picture is.

`find` and `check` are pure, so that a reading of the same documents by somebody else can be held against them.
"""

import json
import math
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .wire import PAUSED, UNKNOWN_MODEL, Refusal

TABLE = Path(__file__).with_name("models.json")
USD_PER_CREDIT = Decimal("0.005")  # on every road, so that the books have one money
PARAMETER_ERROR = 500  # the jobs API reports most bad parameters under this code
OLDER_VEO = "veo3_fast"  # the model of Veo's older path where the caller names none
FRAMES, LOOKS = "FIRST_AND_LAST_FRAMES_2_VIDEO", "REFERENCE_2_VIDEO"
NAMED = {
    "square_hd": "1:1",
    "portrait_4_3": "3:4",
    "portrait_3_2": "2:3",
    "portrait_16_9": "9:16",
    "landscape_4_3": "4:3",
    "landscape_3_2": "3:2",
    "landscape_16_9": "16:9",
    "landscape_21_9": "21:9",
}
Size = tuple[int, int]


@dataclass(frozen=True)
class Field:
    """One input field of a model."""

    name: str
    type: str
    required: bool
    allowed: tuple[Any, ...] | None = None
    default: Any = None
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    max_mb: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_pixels: int | None = None  # of a reference image: width x height
    max_pixels: int | None = None

    def takes_pixels(self, pixels: int) -> bool:
        """Tell whether a reference image of so many pixels is taken."""
        return (self.min_pixels or 0) <= pixels <= (self.max_pixels or pixels)


@dataclass(frozen=True)
class Model:
    """One model."""

    id: str
    mode: str
    missing: str
    sizes: dict[str, Size]
    ratio_field: str
    tier_field: str
    scales: dict[str, float]
    credits: dict[str, float]
    fields: tuple[Field, ...]
    title: str
    tables: dict[str, dict[str, Size]] = field(default_factory=dict)  # sizes of a tier, where it does not multiply
    kind: str = "image"
    price_by: tuple[str, ...] = ()  # fields whose values name the price; else the tier does
    layers: int = 0  # further pictures that come with the first
    error_code: int = PARAMETER_ERROR

    def spec(self, name: str) -> Field | None:
        """Return the field of that name."""
        return next((item for item in self.fields if item.name == name), None)

    def value(self, asked: dict[str, Any], name: str) -> Any:
        """Return what was asked for, or the field's default."""
        chosen, spec = asked.get(name), self.spec(name)
        return spec.default if chosen is None and spec is not None else chosen


@cache
def _raw() -> dict[str, Any]:
    return dict(json.loads(TABLE.read_text("utf-8")))


@cache
def sizes() -> dict[str, dict[str, Size]]:
    """Return the tables of pixels at scale 1, by name; the first of each is what an unknown shape becomes."""
    return {name: {ratio: (w, h) for ratio, (w, h) in rows.items()} for name, rows in _raw()["sizes"].items()}


@cache
def table() -> dict[str, Model]:
    """Return the models of the jobs API."""
    return {row["id"]: _model(row) for row in _raw()["models"]}


@cache
def older_veo() -> Model:
    """Return what Veo's older path takes: one form for its three models."""
    return _model(_raw()["older_veo"])


def _model(row: dict[str, Any]) -> Model:
    fields = tuple(
        Field(**(item | {"allowed": tuple(item["allowed"]) if "allowed" in item else None})) for item in row["fields"]
    )
    tables = {tier: sizes()[name] for tier, name in row.get("tables", {}).items()}
    price_by = tuple(row.get("price_by", ()))
    read = {"sizes": sizes()[row["sizes"]], "tables": tables, "fields": fields, "price_by": price_by}
    return Model(**(row | read))


@cache
def paused() -> frozenset[str]:
    """Return the models that exist but are switched off."""
    return frozenset(_raw()["paused"])


def find(name: Any, road: str = "jobs") -> Model | Refusal:
    """Look a model up by its exact name; Veo's older path has one form, which checks the name itself."""
    if road == "veo":
        return older_veo()
    if not isinstance(name, str):
        return Refusal(422, UNKNOWN_MODEL)
    if name in paused():
        return Refusal(505, PAUSED)
    return table().get(name) or Refusal(422, UNKNOWN_MODEL)


def check(model: Model, asked: dict[str, Any]) -> Refusal | None:
    """Check the input as the gateway does: all required fields first, then each field that is there."""
    for spec in model.fields:
        if spec.required and asked.get(spec.name) in (None, "", []):
            return Refusal(model.error_code, model.missing.format(field=spec.name))
    for spec in model.fields:
        value = asked.get(spec.name)
        words = None if value is None else _fault_of(spec, value)
        if words:
            return Refusal(model.error_code, f"{spec.name} {words}")
    words = _film_fault(model, asked) if model.kind == "video" else None
    return Refusal(model.error_code, words) if words else None


def _film_fault(model: Model, asked: dict[str, Any]) -> str | None:
    """Return what does not go together in a request for a film; both spellings of Veo's fields are read."""
    way = asked.get("generation_type") or asked.get("generationType")
    pictures = len(references(model, asked)[0])
    if way == FRAMES and pictures not in (1, 2):
        return f"{FRAMES} needs one or two images"
    if way == LOOKS and not pictures:
        return f"{LOOKS} needs one to three images"
    if way == LOOKS and model.value(asked, "duration") != 8:
        return f"{LOOKS} supports a duration of 8 seconds only"
    if way == LOOKS and model.value(asked, "model") == "veo3":
        return f"{LOOKS} is not supported by veo3"
    return None


def _fault_of(spec: Field, value: Any) -> str | None:
    """Return what is wrong with a value, in words that follow the field's name."""
    if spec.allowed is not None:
        known = any(value == item and type(value) is type(item) for item in spec.allowed)
        return None if known else "is not within the range of allowed options"
    if spec.type == "string":
        return _text_fault(spec, value)
    if spec.type == "boolean":
        return None if isinstance(value, bool) else "must be a boolean"
    if spec.type in ("number", "integer"):
        return _number_fault(spec, value)
    if spec.type == "array<string>":
        return _urls_fault(spec, value)
    return None


def _text_fault(spec: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if spec.max_length is not None and len(value) > spec.max_length:
        return f"length cannot exceed the maximum limit of {spec.max_length} characters"
    if spec.min_length is not None and len(value) < spec.min_length:
        return f"length cannot be less than {spec.min_length} characters"
    if spec.name == "image_url" and not _is_url(value):
        return "is not a valid URL"
    return None


def _number_fault(spec: Field, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
        return "must be a number"
    if spec.type == "integer" and not isinstance(value, int):
        return "must be an integer"
    low, high = spec.minimum, spec.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return f"must be between {low} and {high}"
    return None


def _urls_fault(spec: Field, value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be an array"
    if spec.max_items is not None and len(value) > spec.max_items:
        return f"cannot contain more than {spec.max_items} items"
    return None if all(_is_url(item) for item in value) else "contains an invalid URL"


def _is_url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def references(model: Model, asked: dict[str, Any]) -> tuple[list[str], Field | None]:
    """Return the URLs of the reference images and the field that they came in."""
    for spec in model.fields:
        value = asked.get(spec.name)
        if spec.max_mb is not None and value:
            return (value if isinstance(value, list) else [value]), spec
    return [], None


def price(model: Model, asked: dict[str, Any]) -> float:
    """Return the credits that one picture costs."""
    named = " ".join(str(model.value(asked, name)) for name in model.price_by or (model.tier_field,))
    return model.credits.get(named, model.credits["any"])


def count(model: Model, asked: dict[str, Any]) -> int:
    """Return how many pictures were asked for."""
    return int(model.value(asked, "max_images") or 1)


def size_of(model: Model, asked: dict[str, Any], reference: Size | None) -> Size:
    """Return the pixels of the picture; `auto` follows the shape of the first reference."""
    older = asked.get("image_size") or asked.get("aspectRatio")  # what callers of an earlier year write
    ratio = str(asked.get(model.ratio_field) or older or model.value(asked, model.ratio_field))
    if ratio == "square":  # the only name with a size of its own, half of square_hd
        return 512, 512
    tier = model.value(asked, model.tier_field) if model.tier_field else None
    shapes = model.tables.get(str(tier), model.sizes)
    base = shapes.get(NAMED.get(ratio, ratio)) or nearest(shapes, reference)
    scale = model.scales.get(str(tier), 1.0)
    return round(base[0] * scale), round(base[1] * scale)


def nearest(shapes: dict[str, Size], reference: Size | None) -> Size:
    """Return the entry whose shape is most like the reference's; the first without one."""
    if reference is None:
        return next(iter(shapes.values()))
    shape = math.log(reference[0] / reference[1])
    return min(shapes.values(), key=lambda item: abs(math.log(item[0] / item[1]) - shape))


def picture_format(model: Model, asked: dict[str, Any]) -> str:
    """Return `png`, `jpeg` or `mp4`; models without the field answer with what the real ones do."""
    if model.kind == "video":
        return "mp4"
    chosen = model.value(asked, "output_format")
    if chosen is None:
        chosen = "jpeg" if "seedream" in model.id else "png"
    return "jpeg" if chosen in ("jpg", "jpeg") else "png"
