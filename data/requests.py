"""What people ask of a model, held against its entry in the catalogue before any money is spent.

Pure: no clock, no database, no wire; screen and API call the same functions and read the same sentences. Each refusal
says what is wrong, that nothing was charged, and what to do.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

from data.catalog import ModelSpec, ParamSpec, ParamValue, ReferenceSpec
from data.errors import InvalidImage, InvalidRequest
from data.images import StoredImage, megabytes

MAX_COUNT = 8
"""Most pictures from one click."""

_KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/avif": "AVIF", "image/gif": "GIF",
          "image/bmp": "BMP", "image/tiff": "TIFF"}  # fmt: skip


@dataclass(frozen=True)
class GenerationRequest:
    """A request as its model takes it: make it with `validate`, also out of what the database holds.

    `params` has our names, holds what the person set and what the model always wants, and is ready for JSON.
    """

    model: str
    prompt: str
    params: Mapping[str, ParamValue]
    references: tuple[StoredImage, ...]


def validate(
    spec: ModelSpec,
    prompt: str,
    params: Mapping[str, Any],
    references: Sequence[StoredImage],
    *,
    on: date | None = None,
) -> GenerationRequest:
    """The request, if the model takes it. The same request validates again to an equal one.

    The prompt goes out as typed, except that whitespace around it is cut off. Its length is counted in Unicode code
    points: the providers say "characters" and count tokens behind that; which unit of text they mean is not
    documented, and code points are what their own schemas' `maxLength` means. A param of None counts as not set; one
    in the provider's own spelling is taken as ours. `on` is the day for which a retired model is refused; None skips
    that.

    Raises:
        InvalidRequest: `field` is `model`, `prompt`, `params.<name>` or `references`.
        InvalidImage: one reference is at fault; `field` is `references.<position from 0>`, the text says "Image 2".
    """
    if on is not None and spec.retired(on):
        _refuse("model", "model_retired", f"{spec.label} is no longer offered.", "Choose another model.")
    if spec.paused:
        _refuse("model", "model_paused", spec.paused, "Choose another model.")
    text = _prompt(spec, prompt)
    chosen = _params(spec, params)
    _check_references(spec, references)
    return GenerationRequest(spec.id, text, chosen, tuple(references))


def validate_count(count: object, most: int = MAX_COUNT) -> int:
    """How many pictures one click asks for: 1 to `most`. Raises InvalidRequest (`count`)."""
    if isinstance(count, bool) or not isinstance(count, int):
        _refuse("count", "wrong_type", "The number of pictures must be a whole number.", f"Ask for 1 to {most}.")
    if not 1 <= count <= most:
        _refuse("count", "out_of_range", f"The number of pictures must be from 1 to {most}.", f"Ask for 1 to {most}.")
    return count


def wire_input(spec: ModelSpec, request: GenerationRequest, reference_urls: Sequence[str]) -> dict[str, Any]:
    """What the provider is told, flat, built only of fields in the model's entry; the adapter nests it as it must.

    Shape: `{"prompt": str, <fixed field>: value, <param wire name>: str | int | float | bool, …, <size_wire>: "WxH",
    <reference wire name>: [url, …]}`. The references are one bare string where the entry says `single`, and are left
    out where there are none; so is an empty prompt. `reference_urls` are those the provider can fetch, or data URLs
    where it takes the bytes themselves, in the order of `request.references`. Source: the provider's page for each
    model.

    Raises:
        ValueError: the request is for another model, the URLs are not one for each reference, or no size fits.
    """
    if request.model != spec.id or len(reference_urls) != len(request.references):
        raise ValueError("the model and the number of reference URLs must be those of the request")
    body: dict[str, Any] = {"prompt": request.prompt} if request.prompt else {}
    body |= spec.fixed
    told = {p.wire: p.on_wire(request.params[p.name]) for p in spec.params if p.name in request.params}
    body |= {wire: value for wire, value in told.items() if value is not None}
    if spec.size_wire:
        size = spec.output_size(request.params)
        if size is None:  # the catalogue has changed since: left out, the provider would draw a size of its own
            raise ValueError(f"{spec.label} has no size for these settings any more")
        body[spec.size_wire] = f"{size[0]}x{size[1]}"
    if spec.references is not None and reference_urls:
        body[spec.references.wire] = reference_urls[0] if spec.references.single else list(reference_urls)
    return body


def _refuse(field: str, code: str, wrong: str, todo: str) -> NoReturn:
    error = InvalidImage if field.startswith("references.") else InvalidRequest
    raise error(f"{wrong} Nothing was charged. {todo}", field=field, code=code)


def _shown(value: object) -> str:
    """A stranger's value, short and printable, so that an answer can carry it back."""
    if isinstance(value, int) and value.bit_length() > 128:  # Python itself refuses to write out the longest ones
        return "a very large number"
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)[:41])
    return text if len(text) <= 40 else f"{text[:40]}…"


def _prompt(spec: ModelSpec, prompt: object) -> str:
    if not isinstance(prompt, str):
        _refuse("prompt", "wrong_type", "The prompt must be a text.", "Describe the picture in words.")
    for char in prompt:
        if char == "\0" or unicodedata.category(char) == "Cs":  # a lone surrogate is no character: UTF-8 cannot say it
            _refuse("prompt", "prompt_broken_characters", "The prompt holds a broken character that cannot be sent.",
                    "Type the prompt again instead of pasting it.")  # fmt: skip
    text = prompt.strip()
    # Zero-width and direction marks alone show nothing; inside a text they belong to emoji and to Arabic.
    if all(char.isspace() or unicodedata.category(char) in {"Cf", "Cc"} for char in text):
        if spec.prompt_min == 0:
            return ""
        _refuse("prompt", "prompt_empty", "The prompt is empty.", "Describe the picture you want.")
    if len(text) < spec.prompt_min:
        _refuse("prompt", "prompt_too_short",
                f"{spec.label} needs a prompt of at least {spec.prompt_min} characters; this one has {len(text)}.",
                "Describe the picture a little more.")  # fmt: skip
    if len(text) > spec.prompt_max:
        _refuse("prompt", "prompt_too_long",
                f"{spec.label} takes a prompt of at most {spec.prompt_max:,} characters; this one has {len(text):,}.",
                f"Shorten it by {len(text) - spec.prompt_max:,}.")  # fmt: skip
    return text


def _params(spec: ModelSpec, params: Mapping[str, Any]) -> dict[str, ParamValue]:
    given = {name: value for name, value in params.items() if value is not None}
    for name in given:
        if not isinstance(name, str) or spec.param(name) is None:
            known = ", ".join(param.name for param in spec.params) or "none"
            _refuse(f"params.{_shown(name)}", "unknown_param", f"{spec.label} has no setting “{_shown(name)}”.",
                    f"Leave it out. Its settings are: {known}.")  # fmt: skip
    return {
        param.name: _value(spec, param, given.get(param.name))
        for param in spec.params
        if param.required or param.name in given
    }


def _value(spec: ModelSpec, param: ParamSpec, given: object) -> ParamValue:
    field = f"params.{param.name}"
    value = param.default if given is None else param.ours(given)
    if value is None:
        _refuse(field, "param_missing", f"{spec.label} needs a value for “{param.label}”.", "Choose one.")
    fault = param.fault(value)
    if fault is not None or not isinstance(value, str | int | float):
        code, rule = fault or ("wrong_type", "must be a simple value")
        _refuse(field, code, f"“{_shown(value)}” does not fit “{param.label}” of {spec.label}.", f"It {rule}.")
    return value


def _check_references(spec: ModelSpec, references: Sequence[StoredImage]) -> None:
    limits, count = spec.references, len(references)
    if limits is None:
        if count:
            _refuse("references", "references_not_taken", f"{spec.label} makes pictures from text alone.",
                    "Take the reference images out, or choose a model that edits.")  # fmt: skip
        return
    if count < limits.min:
        wrong = f"{spec.label} needs at least {_images(limits.min)}" + (f"; {count} were given." if count else ".")
        _refuse("references", "references_missing", wrong, f"Add {_images(limits.min - count)}.")
    if count > limits.max:
        _refuse("references", "references_too_many",
                f"This model takes at most {_images(limits.max)}; {count} were given.",
                f"Take {count - limits.max} out.")  # fmt: skip
    for position, image in enumerate(references):
        _check_reference(limits, position, image)
    total = sum(image.size for image in references)
    if limits.total_mb is not None and total > limits.total_mb * 1_000_000:
        _refuse("references", "references_too_large_together",
                f"The reference images are too large together: {megabytes(total)} MB, and this model takes at most "
                f"{limits.total_mb} MB.", "Take one out, or save them smaller.")  # fmt: skip


def _images(count: int) -> str:
    return f"{count} reference image{'' if count == 1 else 's'}"


def _check_reference(limits: ReferenceSpec, position: int, image: StoredImage) -> None:
    field, called = f"references.{position}", f"Image {position + 1}"
    pixels, long_side, short_side = image.width * image.height, *sorted((image.width, image.height), reverse=True)
    if image.mime not in limits.mimes:
        wanted = ", ".join(_KINDS.get(mime, mime) for mime in limits.mimes)
        _refuse(field, "reference_format", f"{called} is {_KINDS.get(image.mime, _shown(image.mime))}, which this "
                "model does not take.", f"Save it as one of: {wanted}.")  # fmt: skip
    if image.size > limits.max_mb * 1_000_000:
        _refuse(field, "reference_too_large", f"{called} is too large: {megabytes(image.size)} MB, and this model "
                f"takes at most {limits.max_mb} MB.", "Save it smaller, for example as JPEG.")  # fmt: skip
    if limits.min_side is not None and short_side < limits.min_side:
        _refuse(field, "reference_too_small", f"{called} is {image.width} x {image.height} pixels, and this model "
                f"needs at least {limits.min_side} on each side.", "Use a larger picture.")  # fmt: skip
    if limits.max_pixels is not None and pixels > limits.max_pixels:
        _refuse(field, "reference_too_many_pixels", f"{called} has {pixels:,} pixels, and this model takes at most "
                f"{limits.max_pixels:,}.", "Scale it down.")  # fmt: skip
    if limits.min_pixels is not None and pixels < limits.min_pixels:
        _refuse(field, "reference_too_few_pixels", f"{called} has {pixels:,} pixels, and this model needs at least "
                f"{limits.min_pixels:,}.", "Use a larger picture.")  # fmt: skip
    if limits.max_ratio is not None and long_side > limits.max_ratio * short_side:
        _refuse(field, "reference_too_narrow", f"{called} is more than {limits.max_ratio} times as long as it is wide.",
                "Crop it.")  # fmt: skip
