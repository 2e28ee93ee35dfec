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
from data.sentences import Sentence, counted, in_a_row, paragraph

NOTHING_CHARGED = Sentence("Nothing was charged.")
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
        _refuse("model", "model_retired", Sentence("{model} is no longer offered.", model=spec.label),
                Sentence("Choose another model."))  # fmt: skip
    if spec.paused:
        _refuse("model", "model_paused", spec.paused, Sentence("Choose another model."))
    text = _prompt(spec, prompt)
    chosen = _params(spec, params)
    _check_references(spec, references)
    return GenerationRequest(spec.id, text, chosen, tuple(references))


def validate_count(count: object, most: int = MAX_COUNT) -> int:
    """How many pictures one click asks for: 1 to `most`. Raises InvalidRequest (`count`)."""
    todo = Sentence("Ask for 1 to {most}.", most=most)
    if isinstance(count, bool) or not isinstance(count, int):
        _refuse("count", "wrong_type", Sentence("The number of pictures must be a whole number."), todo)
    if not 1 <= count <= most:
        wrong = Sentence("The number of pictures must be from 1 to {most}.", most=most)
        _refuse("count", "out_of_range", wrong, todo)
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
    raise error(paragraph(wrong, NOTHING_CHARGED, todo), field=field, code=code)


def _shown(value: object) -> str:
    """A stranger's value, short and printable, so that an answer can carry it back."""
    if isinstance(value, int) and value.bit_length() > 128:  # Python itself refuses to write out the longest ones
        return Sentence("a very large number")
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)[:41])
    return text if len(text) <= 40 else f"{text[:40]}…"


def _prompt(spec: ModelSpec, prompt: object) -> str:
    if not isinstance(prompt, str):
        _refuse("prompt", "wrong_type", Sentence("The prompt must be a text."),
                Sentence("Describe the picture in words."))  # fmt: skip
    for char in prompt:
        if char == "\0" or unicodedata.category(char) == "Cs":  # a lone surrogate is no character: UTF-8 cannot say it
            _refuse("prompt", "prompt_broken_characters",
                    Sentence("The prompt holds a broken character that cannot be sent."),
                    Sentence("Type the prompt again instead of pasting it."))  # fmt: skip
    text = prompt.strip()
    # Zero-width and direction marks alone show nothing; inside a text they belong to emoji and to Arabic.
    if all(char.isspace() or unicodedata.category(char) in {"Cf", "Cc"} for char in text):
        if spec.prompt_min == 0:
            return ""
        _refuse("prompt", "prompt_empty", Sentence("The prompt is empty."), Sentence("Describe the picture you want."))
    if len(text) < spec.prompt_min:
        _refuse("prompt", "prompt_too_short",
                Sentence("{model} needs a prompt of at least {least} characters; this one has {n}.",
                         model=spec.label, least=spec.prompt_min, n=len(text)),
                Sentence("Describe the picture a little more."))  # fmt: skip
    if len(text) > spec.prompt_max:
        _refuse("prompt", "prompt_too_long",
                Sentence("{model} takes a prompt of at most {most} characters; this one has {n}.",
                         model=spec.label, most=f"{spec.prompt_max:,}", n=f"{len(text):,}"),
                Sentence("Shorten it by {n}.", n=f"{len(text) - spec.prompt_max:,}"))  # fmt: skip
    return text


def _params(spec: ModelSpec, params: Mapping[str, Any]) -> dict[str, ParamValue]:
    given = {name: value for name, value in params.items() if value is not None}
    for name in given:
        if not isinstance(name, str) or spec.param(name) is None:
            known = ", ".join(param.name for param in spec.params) or Sentence("none")
            _refuse(f"params.{_shown(name)}", "unknown_param",
                    Sentence("{model} has no setting “{name}”.", model=spec.label, name=_shown(name)),
                    Sentence("Leave it out. Its settings are: {names}.", names=known))  # fmt: skip
    return {
        param.name: _value(spec, param, given.get(param.name))
        for param in spec.params
        if param.required or param.name in given
    }


def _value(spec: ModelSpec, param: ParamSpec, given: object) -> ParamValue:
    field = f"params.{param.name}"
    value = param.default if given is None else param.ours(given)
    if value is None:
        wrong = Sentence("{model} needs a value for “{setting}”.", model=spec.label, setting=paragraph(param.label))
        _refuse(field, "param_missing", wrong, Sentence("Choose one."))
    fault = param.fault(value)
    if fault is not None or not isinstance(value, str | int | float):
        code, rule = fault or ("wrong_type", Sentence("must be a simple value"))
        wrong = Sentence("“{value}” does not fit “{setting}” of {model}.", value=_shown(value),
                         setting=paragraph(param.label), model=spec.label)  # fmt: skip
        _refuse(field, code, wrong, Sentence("It {rule}.", rule=rule))
    return value


def _check_references(spec: ModelSpec, references: Sequence[StoredImage]) -> None:
    limits, count = spec.references, len(references)
    if limits is None:
        if count:
            _refuse("references", "references_not_taken",
                    Sentence("{model} makes pictures from text alone.", model=spec.label),
                    Sentence("Take the reference images out, or choose a model that edits."))  # fmt: skip
        return
    if count < limits.min:
        few = _images(limits.min)
        wrong = Sentence("{model} needs at least {images}.", model=spec.label, images=few)
        if count:
            wrong = Sentence("{model} needs at least {images}; {n} were given.", model=spec.label, images=few, n=count)
        todo = Sentence("Add {images}.", images=_images(limits.min - count))
        _refuse("references", "references_missing", wrong, todo)
    if count > limits.max:
        _refuse("references", "references_too_many",
                Sentence("This model takes at most {images}; {n} were given.", images=_images(limits.max), n=count),
                Sentence("Take {n} out.", n=count - limits.max))  # fmt: skip
    for position, image in enumerate(references):
        _check_reference(limits, position, image)
    total = sum(image.size for image in references)
    if limits.total_mb is not None and total > limits.total_mb * 1_000_000:
        _refuse("references", "references_too_large_together",
                Sentence("The reference images are too large together: {size} MB, and this model takes at most {most} "
                         "MB.", size=megabytes(total), most=limits.total_mb),
                Sentence("Take one out, or save them smaller."))  # fmt: skip


def _images(count: int) -> Sentence:
    return counted(count, "{n} reference image", "{n} reference images")


def _check_reference(limits: ReferenceSpec, position: int, image: StoredImage) -> None:
    field, called = f"references.{position}", Sentence("Image {n}", n=position + 1)
    pixels, long_side, short_side = image.width * image.height, *sorted((image.width, image.height), reverse=True)
    if image.mime not in limits.mimes:
        wrong = Sentence("{image} is {format}, which this model does not take.", image=called,
                         format=_KINDS.get(image.mime, _shown(image.mime)))  # fmt: skip
        wanted = in_a_row(_KINDS.get(mime, mime) for mime in limits.mimes)
        _refuse(field, "reference_format", wrong, Sentence("Save it as one of: {formats}.", formats=wanted))
    if image.size > limits.max_mb * 1_000_000:
        wrong = Sentence("{image} is too large: {size} MB, and this model takes at most {most} MB.", image=called,
                         size=megabytes(image.size), most=limits.max_mb)  # fmt: skip
        _refuse(field, "reference_too_large", wrong, Sentence("Save it smaller, for example as JPEG."))
    if limits.min_side is not None and short_side < limits.min_side:
        wrong = Sentence("{image} is {width} x {height} pixels, and this model needs at least {least} on each side.",
                         image=called, width=image.width, height=image.height, least=limits.min_side)  # fmt: skip
        _refuse(field, "reference_too_small", wrong, Sentence("Use a larger picture."))
    if limits.max_pixels is not None and pixels > limits.max_pixels:
        wrong = Sentence("{image} has {n} pixels, and this model takes at most {most}.", image=called, n=f"{pixels:,}",
                         most=f"{limits.max_pixels:,}")  # fmt: skip
        _refuse(field, "reference_too_many_pixels", wrong, Sentence("Scale it down."))
    if limits.min_pixels is not None and pixels < limits.min_pixels:
        wrong = Sentence("{image} has {n} pixels, and this model needs at least {least}.", image=called,
                         n=f"{pixels:,}", least=f"{limits.min_pixels:,}")  # fmt: skip
        _refuse(field, "reference_too_few_pixels", wrong, Sentence("Use a larger picture."))
    if limits.max_ratio is not None and long_side > limits.max_ratio * short_side:
        wrong = Sentence("{image} is more than {n} times as long as it is wide.", image=called, n=limits.max_ratio)
        _refuse(field, "reference_too_narrow", wrong, Sentence("Crop it."))
