"""What the three readings take and refuse, as pure functions: no server, no picture."""

import base64
import io
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from PIL import Image

from callback_server.sandbox import ark_rules, gemini_rules, models
from callback_server.sandbox.wire import Refusal
from data.catalog import ModelSpec, catalog
from data.requests import GenerationRequest, wire_input

pytestmark = pytest.mark.functions
PRO, LITE = "gemini-3-pro-image", "gemini-3.1-flash-lite-image"
NEWEST, FIVE, OLD = "seedream-5-5-261028", "seedream-5-0-260128", "seedream-4-5-251128"
URL = "http://127.0.0.1/a.png"


def picture(size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "PNG")
    return buffer.getvalue()


def inline(raw: bytes | None = None, mime: str = "image/png") -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(raw or picture()).decode()}}


def gemini(*parts: Any, **config: Any) -> dict[str, Any]:
    said = [{"text": part} if isinstance(part, str) else part for part in parts]
    return {"contents": [{"role": "user", "parts": said}], "generationConfig": config}


def kie(model: str, asked: dict[str, Any]) -> Refusal | None:
    found = models.find(model)
    return found if isinstance(found, Refusal) else models.check(found, {"prompt": "a kite"} | asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, None),
        ({"model": "veo3", "duration": 4, "aspect_ratio": "9:16", "resolution": "1080p"}, None),
        ({"image_urls": [URL], "generation_type": models.FRAMES, "aspect_ratio": "Auto"}, None),
        ({"image_urls": [URL] * 3, "generation_type": models.LOOKS}, None),
        ({"prompt": ""}, "prompt is required"),
        ({"model": "veo3_quality"}, "model is not within"),
        ({"duration": "8"}, "duration is not within"),
        ({"duration": 5}, "duration is not within"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio is not within"),
        ({"image_urls": [URL] * 4}, "image_urls cannot contain"),
        ({"generation_type": models.FRAMES}, models.FRAMES),
        ({"generation_type": models.LOOKS}, models.LOOKS),
        ({"image_urls": [URL], "generation_type": models.LOOKS, "duration": 4}, models.LOOKS),
        ({"image_urls": [URL], "generation_type": models.LOOKS, "model": "veo3"}, models.LOOKS),
    ],
)
def test_a_film_is_checked_field_by_field_and_then_as_a_whole(asked: dict[str, Any], words: str | None) -> None:
    refusal = kie("veo-3-1", asked)
    assert (refusal is None) == (words is None)
    assert words is None or (refusal is not None and refusal.words.startswith(words))


@pytest.mark.parametrize(
    "name", ["veo3", "veo3_fast", "veo3_lite", "google/nano-banana-pro", "google/nano-banana-2-lite", 7, None]
)
def test_a_name_that_only_looks_like_a_model_is_none(name: Any) -> None:
    refusal = models.find(name)
    assert isinstance(refusal, Refusal)
    assert refusal.code == 422


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (LITE, gemini("a kite")),
        (LITE, gemini("a kite", imageConfig={"aspectRatio": "8:1", "imageSize": "1K"})),
        (PRO, gemini("a kite", *[inline()] * 14, imageConfig={"imageSize": "4K"}, responseModalities=["IMAGE"])),
        (PRO, gemini(inline())),
        (PRO, gemini("a kite", thinkingConfig={"thinkingLevel": "MINIMAL"}, seed=7, temperature=1)),
        (PRO, {"contents": [{"parts": [{"inline_data": {"mime_type": "image/webp", "data": "aGVsbG8="}}]}]}),
        ("gemini-nano-banana-2.1", gemini("a kite", imageConfig={"aspectRatio": "1:8", "imageSize": "2K"})),
    ],
)
def test_gemini_takes_what_is_documented_in_either_case(model: str, body: Any) -> None:
    assert gemini_rules.check(model, body) is None


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        (LITE, None, "Invalid JSON payload"),
        (LITE, {}, "* GenerateContentRequest.contents"),
        (LITE, {"contents": {}}, "Invalid JSON payload received. 'contents' must be an array"),
        (LITE, {"contents": [{"parts": []}]}, "* GenerateContentRequest.contents.parts"),
        (LITE, gemini(" "), "Unable to submit"),
        (LITE, {"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "Please use a valid role"),
        (LITE, gemini("x") | {"n": 2}, 'Invalid JSON payload received. Unknown name "n"'),
        (LITE, gemini("x", imageConfig={"outputMimeType": "image/png"}), "Invalid JSON payload received. Unknown name"),
        (LITE, gemini({"text": 5}), "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING)"),
        (LITE, gemini("x", seed=True), "Invalid value at 'generationConfig.seed' (TYPE_INT32)"),
        (LITE, gemini("x", imageConfig={"imageSize": "2K"}), "image_size must be"),
        (PRO, gemini("x", imageConfig={"imageSize": "1k"}), "image_size must be"),
        ("gemini-nano-banana-2.1", gemini("x", imageConfig={"imageSize": "512"}), "image_size must be"),
        (PRO, gemini("x", imageConfig={"aspectRatio": "1:4"}), "aspect_ratio must be"),
        (PRO, gemini("x", *[inline()] * 15), "The request contains 15 images"),
        (PRO, gemini(inline(mime="image/gif")), "Unsupported MIME type"),
        (PRO, gemini({"inlineData": {"mimeType": "image/png", "data": "no!"}}), "Invalid value at"),
        (PRO, gemini("x", thinkingConfig={"thinkingLevel": "SOME"}), "Invalid value at"),
        (LITE, gemini("x", thinkingConfig={"thinkingLevel": "LOW"}), "Thinking is not supported"),
        (PRO, gemini("x", responseModalities=["AUDIO"]), "The requested combination"),
        (PRO, gemini("x", candidateCount=2), "Multiple candidates"),
    ],
)
def test_gemini_refuses_the_rest_in_one_voice(model: str, body: Any, words: str) -> None:
    problem = gemini_rules.check(model, body)
    assert problem is not None
    assert (problem.code, problem.status, problem.words[: len(words)]) == (400, "INVALID_ARGUMENT", words)


@pytest.mark.parametrize("model", ["gemini-3.1-flash-image", "gemini-3-pro-image-preview", "gemini-9"])
def test_gemini_knows_a_retired_model_no_more(model: str) -> None:
    problem = gemini_rules.check(model, gemini("x"))
    assert problem is not None
    assert (problem.code, problem.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"size": "1K", "output_format": "jpeg", "watermark": False, "response_format": "b64_json"},
        {"size": "2848x1600", "image": [URL] * 10, "background": "transparent"},
        {"size": "1280x720", "image": "data:image/png;base64,aGVsbG8="},
        {"model": FIVE, "size": "4096x4096", "image": [URL] * 14, "stream": False, "tools": [{"type": "web_search"}]},
        {"model": OLD, "size": "4K", "sequential_image_generation": "auto",
         "sequential_image_generation_options": {"max_images": 15}},
        {"model": "doubao-seedream-5-0-pro-260628", "optimize_prompt_options": {"mode": "standard"}},
    ],
)  # fmt: skip
def test_ark_takes_what_is_documented(more: dict[str, Any]) -> None:
    assert ark_rules.check({"model": NEWEST, "prompt": "a kite"} | more) is None


@pytest.mark.parametrize(
    ("more", "status", "code", "param"),
    [
        ({"model": None}, 400, "MissingParameter", "model"),
        ({"prompt": ""}, 400, "MissingParameter", "prompt"),
        ({"model": "seedream-9"}, 404, "InvalidEndpointOrModel.NotFound", ""),
        ({"model": "doubao-seedream-4-0-250828"}, 404, "InvalidEndpointOrModel.NotFound", ""),
        ({"n": 1}, 400, "InvalidParameter.UnsupportedParameter", "n"),
        ({"seed": 7}, 400, "InvalidParameter.UnsupportedParameter", "seed"),
        ({"sequential_image_generation": "disabled"}, 400, "InvalidParameter.UnsupportedParameter",
         "sequential_image_generation"),
        ({"stream": False}, 400, "InvalidParameter.UnsupportedParameter", "stream"),
        ({"model": OLD, "output_format": "png"}, 400, "InvalidParameter.UnsupportedParameter", "output_format"),
        ({"model": OLD, "size": "1024x1024"}, 400, "InvalidParameter", "size"),
        ({"model": FIVE, "size": "1024x1024"}, 400, "InvalidParameter", "size"),
        ({"model": FIVE, "size": "1K"}, 400, "InvalidParameter", "size"),
        ({"size": "4096x4096"}, 400, "InvalidParameter", "size"),
        ({"size": "800x800"}, 400, "InvalidParameter", "size"),
        ({"size": "8192x256"}, 400, "InvalidParameter", "size"),
        ({"size": "2k"}, 400, "InvalidParameter", "size"),
        ({"size": 2048}, 400, "InvalidParameter", "size"),
        ({"watermark": "no"}, 400, "InvalidParameter", "watermark"),
        ({"image": [URL] * 11}, 400, "InvalidParameter", "image"),
        ({"image": "data:image/PNG;base64,aGVsbG8="}, 400, "InvalidParameter", "image"),
        ({"image": ["file:///etc/passwd"]}, 400, "InvalidParameter", "image"),
        ({"background": "transparent", "output_format": "jpeg"}, 400, "InvalidParameter", "background"),
        ({"model": OLD, "image": [URL] * 14, "sequential_image_generation": "auto",
          "sequential_image_generation_options": {"max_images": 2}}, 400, "InvalidParameter", "image"),
    ],
)  # fmt: skip
def test_ark_names_the_parameter_that_is_to_blame(more: dict[str, Any], status: int, code: str, param: str) -> None:
    problem = ark_rules.check({"model": NEWEST, "prompt": "a kite"} | more)
    assert problem is not None
    assert (problem.status, problem.code, problem.param) == (status, code, param)


@pytest.mark.parametrize(
    ("size", "good"), [((15, 15), True), ((14, 200), False), ((320, 19), False), ((320, 20), True)]
)
def test_ark_measures_a_reference(size: tuple[int, int], good: bool) -> None:
    assert (ark_rules.check_picture(picture(size)) is None) is good
    assert ark_rules.check_picture(b"no picture") is not None


def test_a_tier_lets_the_model_find_the_shape_and_pixels_do_not() -> None:
    model = ark_rules.MODELS[NEWEST]
    assert ark_rules.size_of(model, {"prompt": "a poster, 16:9", "size": "2K"}, None) == (2848, 1600)
    assert ark_rules.size_of(model, {"prompt": "a poster", "size": "1K"}, (900, 1600)) == (800, 1424)
    assert ark_rules.size_of(model, {"prompt": "a poster, 16:9", "size": "1440x1440"}, None) == (1440, 1440)


def test_what_a_picture_costs_in_dollars_by_size_references_and_tokens() -> None:
    pro = ark_rules.MODELS["dola-seedream-5-0-pro-260628"]
    assert ark_rules.credits_for(pro, (1536, 1536), 1) == 9  # 0.045
    assert ark_rules.credits_for(pro, (2048, 2048), 3) == Decimal("19.2")  # 0.09 + 2 x 0.003
    newest = gemini_rules.MODELS["gemini-nano-banana-2.1"]
    assert gemini_rules.credits_for(newest, drawn=1120, written=0, read=0) == Decimal("6.72")  # 0.0336
    assert gemini_rules.credits_for(newest, drawn=0, written=1000, read=1000) == Decimal("1.8")


def painted(spec: ModelSpec, params: dict[str, Any]) -> models.Size:
    """The size of the picture that is made of what we would send."""
    flat = wire_input(spec, GenerationRequest(spec.id, "a kite", params, ()), [])
    if spec.provider == "ark":
        return ark_rules.size_of(ark_rules.MODELS[spec.sent_as], flat, None)
    if spec.provider == "gemini":
        asked = {"generationConfig": {"imageConfig": flat}}
        return gemini_rules.size_of(gemini_rules.MODELS[spec.sent_as], asked, None)
    return models.size_of(models.table()[spec.sent_as], flat, None)


@pytest.mark.parametrize("spec", [each for each in catalog().models if not each.paused], ids=lambda spec: spec.id)
def test_every_size_that_the_catalogue_names_is_the_size_that_is_painted(spec: ModelSpec) -> None:
    demanded = {param.name: param.default for param in spec.params if param.required}
    chosen = [param for param in spec.params if param.name in ("aspect_ratio", "quality", "resolution")]
    for values in product(*(param.allowed for param in chosen)):
        params = demanded | {param.name: value for param, value in zip(chosen, values, strict=True)}
        named = spec.output_size(params)
        assert named is None or painted(spec, params) == named, params


def test_the_largest_references_that_we_let_through_fit_into_a_request() -> None:
    most = {"gemini": gemini_rules.MAX_REQUEST, "ark": ark_rules.MAX_REQUEST}
    for spec in catalog().models:
        if spec.references is not None and spec.provider in most:
            assert spec.references.total_mb is not None, spec.id
            told = 4 * spec.prompt_max + spec.references.max * 100  # bytes beside the pictures
            assert spec.references.total_mb * 1_000_000 * 4 / 3 + told < most[spec.provider], spec.id
