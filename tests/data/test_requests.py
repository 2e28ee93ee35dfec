"""Requests against the catalogue: refusals with a field, a code and a sentence, and the body for the wire."""

import json
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.catalog import ModelSpec, ParamSpec, catalog, load_catalog
from data.errors import InvalidImage, InvalidRequest
from data.images import StoredImage
from data.requests import GenerationRequest, validate, validate_count, wire_input

pytestmark = pytest.mark.functions

NANO = catalog().require("google/nano-banana")
NANO_EDIT = catalog().require("google/nano-banana-edit")
SEEDREAM = catalog().require("seedream/4.5-text-to-image")
SEEDREAM_EDIT = catalog().require("seedream/4.5-edit")

# Types of setting and reference as models have them, on a model whose limits no provider can change under the tests.
PRACTICE = load_catalog("""
choice = []
[[model]]
id = "practice"
label = "Practice"
family = "seedream"
provider = "kie"
mode = "both"
prompt_min = 3
prompt_max = 20
retires = 2027-01-01
[model.references]
wire = "image_url"
single = true
min = 0
max = 1
max_mb = 30
mimes = ["image/png"]
min_pixels = 262144
max_pixels = 36000000
max_ratio = 16
[[model.params]]
name = "guidance"
wire = "guidance_scale"
label = "Adherence"
type = "number"
min = 1
max = 10
default = 2.5
[[model.params]]
name = "seed"
wire = "seed"
label = "Seed"
type = "int"
[[model.params]]
name = "seconds"
wire = "duration"
label = "Seconds"
type = "int"
allowed = [4, 6, 8]
required = true
[[model.params]]
name = "watermark"
wire = "water_mark"
label = "Watermark"
type = "bool"
default = true
[[model]]
id = "wordless"
label = "Wordless"
family = "seedream"
provider = "kie"
mode = "text"
prompt_min = 0
prompt_max = 10
""")
PRACTICE_MODEL = PRACTICE.require("practice")
WORDLESS = PRACTICE.require("wordless")


def picture(mime: str = "image/png", *, size: int = 1000, width: int = 1024, height: int = 1024) -> StoredImage:
    return StoredImage(sha256="0" * 64, mime=mime, width=width, height=height, size=size)


def urls(request: GenerationRequest) -> list[str]:
    return [f"https://files.example/{position}.png" for position in range(len(request.references))]


def refusal(
    spec: ModelSpec, prompt: Any = "a red kite", params: Mapping[str, Any] | None = None, references: Any = ()
) -> tuple[str, str, str]:
    with pytest.raises(InvalidRequest) as caught:
        validate(spec, prompt, params or {}, references)
    message = str(caught.value)
    assert " Nothing was charged. " in message
    assert message.endswith(".")
    message.encode()  # an answer must be able to carry it
    caught.value.field.encode()
    return caught.value.field, caught.value.code, message


# Prompts

PROMPTS = {
    "English": "A red kite over the dunes, late light.",
    "Chinese": "一只红色的风筝飞过沙丘，傍晚的光线。",
    "Arabic with marks": "طائرة ورقية \u200fحمراء\u200f فوق الكثبان",
    "emoji with joiners": "👩🏽‍🚀🪁 🇩🇪 in space ✨",
    "one character": "猫",
    "one emoji beyond the BMP": "🪁",
    "quotes and backslashes": "a sign saying \"it's 5 o'clock\" \\n „so“ «there»",
    "newlines and tabs": "first line\nsecond line\r\n\tthird\n\n\nlast",
    "inner spaces": "two  spaces,\u3000one wide\u00a0space",
    "HTML": "<script>alert(1)</script> &amp; <b>bold</b>",
    "templates and maths": "costs $5 and $x^2$ {prompt} {{0}} %s ${HOME} `code`",
    "a combining mark, not composed": "cafe\u0301",
    "a bell": "ding \x07 dong",
    "5,000 characters": "x" * 5000,
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("spec", [NANO, NANO_EDIT], ids=lambda spec: spec.id)
def test_a_prompt_reaches_the_wire_exactly_as_typed(spec: ModelSpec, prompt: str) -> None:
    request = validate(spec, prompt, {}, [picture()] if spec.references else [])
    assert request.prompt == prompt
    sent = wire_input(spec, request, urls(request))["prompt"]
    assert sent == prompt
    assert json.loads(json.dumps(sent)).encode() == prompt.encode()


def test_only_whitespace_around_a_prompt_is_cut_off() -> None:
    assert validate(NANO, " \n\u3000 a  kite \n\n at sea\t\n", {}, []).prompt == "a  kite \n\n at sea"


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t\u3000\u00a0", "\u200b\u200b", "\ufeff", "\u200f \u200e"])
def test_a_prompt_that_shows_nothing_is_empty(prompt: str) -> None:
    assert refusal(NANO, prompt) == (
        "prompt",
        "prompt_empty",
        "The prompt is empty. Nothing was charged. Describe the picture you want.",
    )


def test_a_model_that_needs_no_prompt_gets_none() -> None:
    request = validate(WORDLESS, "  ", {}, [])
    assert wire_input(WORDLESS, request, []) == {}


@pytest.mark.parametrize("spec", [SEEDREAM, SEEDREAM_EDIT], ids=lambda spec: spec.id)
def test_seedream_takes_3000_characters_and_refuses_3001(spec: ModelSpec) -> None:
    references = [picture()] if spec.references else []
    assert validate(spec, "猫" * 3000, {}, references).prompt == "猫" * 3000
    field, code, message = refusal(spec, "猫" * 3001, references=references)
    assert (field, code) == ("prompt", "prompt_too_long")
    assert f"{spec.label} takes a prompt of at most 3,000 characters; this one has 3,001." in message
    assert "Shorten it by 1." in message


def test_length_is_counted_in_code_points_after_trimming() -> None:
    assert validate(SEEDREAM, "🪁" * 3000 + "\n\n", {}, []).prompt == "🪁" * 3000
    assert refusal(SEEDREAM, "🪁" * 3001)[1] == "prompt_too_long"


def test_a_prompt_below_the_models_minimum_is_refused() -> None:
    field, code, message = refusal(PRACTICE_MODEL, "ab", {"seconds": 4})
    assert (field, code) == ("prompt", "prompt_too_short")
    assert "Practice needs a prompt of at least 3 characters; this one has 2." in message


@pytest.mark.parametrize("prompt", ["a\0b", "broken \ud83e emoji", "\udc00", "  \0"])
def test_nul_and_lone_surrogates_are_refused(prompt: str) -> None:
    assert refusal(NANO, prompt)[:2] == ("prompt", "prompt_broken_characters")


@pytest.mark.parametrize("prompt", [None, 5, b"bytes", ["list"]])
def test_a_prompt_that_is_no_text_is_refused(prompt: Any) -> None:
    assert refusal(NANO, prompt)[:2] == ("prompt", "wrong_type")


# Settings


def test_settings_that_are_not_set_are_not_sent() -> None:
    request = validate(NANO, "kite", {"output_format": None}, [])
    assert request.params == {}
    assert wire_input(NANO, request, []) == {"prompt": "kite"}


@st.composite
def asked_for(draw: st.DrawFn) -> tuple[ModelSpec, str, dict[str, Any], int]:
    """Something that a model takes, some values in the provider's own spelling, as older tasks have them."""
    spec = draw(st.sampled_from([each for each in catalog().models if not each.paused]))
    prompt = draw(st.sampled_from(["", " ", "\n a  red kite \u3000", "\u200b猫 cafe\u0301\u200b", "\x1fabc\x85"]))
    params: dict[str, Any] = {}
    for param in spec.params:
        words = [word for word in param.wire_values.values() if word != ""]
        low, high = param.min, param.max
        number = st.integers(int(low or 0), int(high or 2**31)) | st.none()
        values = st.sampled_from([None, *param.allowed, *words]) if param.allowed else number
        params[param.name] = draw(st.booleans() if param.type == "bool" else values)
    most = spec.references.max if spec.references else 0
    return spec, prompt, params, draw(st.integers(spec.references.min if spec.references else 0, most))


@given(asked_for())
@settings(max_examples=300, deadline=None)
def test_what_was_validated_once_validates_again_to_the_same(asked: tuple[ModelSpec, str, dict[str, Any], int]) -> None:
    spec, prompt, params, count = asked
    try:
        once = validate(spec, prompt, params, [picture()] * count)
    except InvalidRequest as error:
        if error.field != "prompt":  # every setting fits
            raise
        return
    stored = json.loads(json.dumps(once.params))
    again = validate(spec, once.prompt, stored, once.references)
    assert again == once
    assert wire_input(spec, again, urls(again)) == wire_input(spec, once, urls(once))


@pytest.mark.parametrize(
    ("model_id", "old", "now"),
    [
        ("seedream/4.5-text-to-image", {"aspect_ratio": "1:1", "quality": "high"}, {"quality": "4K"}),
        ("nano-banana-2", {"output_format": "jpg"}, {"output_format": "jpeg"}),
        ("veo3", {"aspect_ratio": "Auto"}, {"aspect_ratio": "auto"}),
        ("bytedance/seedream-v4-edit", {"aspect_ratio": "square_hd"}, {"aspect_ratio": "1:1"}),
    ],
)
def test_a_task_of_an_older_version_is_read_in_its_spelling(
    model_id: str, old: dict[str, Any], now: dict[str, Any]
) -> None:
    spec = catalog().require(model_id)
    references = [picture()] * (spec.references.min if spec.references else 0)
    assert validate(spec, "a red kite", old, references).params == old | now


def test_what_the_model_demands_is_always_sent() -> None:
    request = validate(SEEDREAM, "kite", {}, [])
    assert request.params == {"aspect_ratio": "1:1", "quality": "2K"}
    assert wire_input(SEEDREAM, request, []) == {"prompt": "kite", "aspect_ratio": "1:1", "quality": "basic"}


def test_a_default_that_a_person_chose_is_sent() -> None:
    request = validate(NANO, "kite", {"aspect_ratio": "1:1", "safety_filter": False}, [])
    assert wire_input(NANO, request, []) == {"prompt": "kite", "aspect_ratio": "1:1", "nsfw_checker": False}


def test_settings_go_out_under_the_providers_names() -> None:
    params = {"guidance": 3, "seed": 7, "seconds": 4, "watermark": False}
    request = validate(PRACTICE_MODEL, "kite", params, [picture()])
    assert wire_input(PRACTICE_MODEL, request, urls(request)) == {
        "prompt": "kite",
        "guidance_scale": 3,
        "seed": 7,
        "duration": 4,
        "water_mark": False,
        "image_url": "https://files.example/0.png",
    }


def test_one_value_has_one_name_for_people_and_each_providers_own_on_the_wire() -> None:
    spelled = {
        ("seedream/4.5-text-to-image", "quality", "4K"): ("quality", "high"),
        ("seedream/5-pro-text-to-image", "quality", "2K"): ("quality", "high"),
        ("seedream/5-lite-text-to-image", "quality", "4K"): ("quality", "ultra"),
        ("seedream/5-flash-text-to-image", "quality", "1.5K"): ("size", "1.5K"),
        ("bytedance/seedream-v4-text-to-image", "quality", "2K"): ("image_resolution", "2K"),
        ("bytedance/seedream-v4-text-to-image", "aspect_ratio", "3:4"): ("image_size", "portrait_4_3"),
        ("nano-banana-pro", "quality", "4K"): ("resolution", "4K"),
        ("nano-banana-pro", "output_format", "jpeg"): ("output_format", "jpg"),
        ("google/nano-banana", "output_format", "jpeg"): ("output_format", "jpeg"),
        ("veo3_fast", "aspect_ratio", "auto"): ("aspect_ratio", "Auto"),
        ("gemini-nano-banana-2.1", "quality", "2K"): ("imageSize", "2K"),
    }
    for (model, name, value), (wire, told) in spelled.items():
        spec = catalog().require(model)
        assert wire_input(spec, validate(spec, "a red kite", {name: value}, []), [])[wire] == told, model


def test_the_providers_own_spelling_is_understood_and_kept_as_ours() -> None:
    """Programs copy it from the provider's pages, and tasks of older days hold it."""
    assert validate(SEEDREAM, "kite", {"quality": "high"}, []).params["quality"] == "4K"
    pro, seedream_3 = catalog().require("nano-banana-pro"), catalog().require("bytedance/seedream")
    assert validate(pro, "kite", {"output_format": "jpg"}, []).params == {"output_format": "jpeg"}
    assert validate(seedream_3, "kite", {"aspect_ratio": "landscape_16_9"}, []).params == {"aspect_ratio": "16:9"}
    assert refusal(catalog().require("seedream/5-flash-text-to-image"), params={"quality": "high"})[1] == "not_allowed"


def test_automatic_is_told_to_google_by_saying_nothing() -> None:
    spec = catalog().require("gemini-3-pro-image")
    assert wire_input(spec, validate(spec, "kite", {"aspect_ratio": "auto"}, []), []) == {"prompt": "kite"}


def test_shape_and_quality_reach_bytedance_as_pixels_and_its_mark_is_always_off() -> None:
    spec = catalog().require("seedream-4-5-251128")
    plain = wire_input(spec, validate(spec, "kite", {}, []), [])
    assert plain == {"prompt": "kite", "watermark": False, "size": "2048x2048"}
    wide = wire_input(spec, validate(spec, "kite", {"aspect_ratio": "16:9", "quality": "4K"}, []), [])
    assert wide == {"prompt": "kite", "watermark": False, "size": "5504x3040"}


def test_an_unknown_setting_is_refused_and_the_known_ones_named() -> None:
    assert refusal(SEEDREAM, params={"seed": 5}) == (
        "params.seed",
        "unknown_param",
        "Seedream 4.5 has no setting “seed”. Nothing was charged. "
        "Leave it out. Its settings are: aspect_ratio, quality, safety_filter.",
    )
    assert refusal(NANO, params={"nsfw_checker": True})[1] == "unknown_param"  # the provider's word is not ours
    assert refusal(WORDLESS, params={"x": 1})[2].endswith("Its settings are: none.")


def test_a_value_outside_the_list_is_refused_and_the_list_named() -> None:
    assert refusal(NANO, params={"output_format": "jpg"}) == (
        "params.output_format",
        "not_allowed",
        "“jpg” does not fit “File format” of Nano Banana. Nothing was charged. It must be one of: png, jpeg.",
    )
    assert refusal(SEEDREAM, params={"aspect_ratio": "auto"})[1] == "not_allowed"
    assert refusal(PRACTICE_MODEL, params={"seconds": 5})[2].endswith("It must be one of: 4, 6, 8.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", True), ("seed", 1.0), ("seed", "1"), ("seconds", True), ("guidance", True), ("guidance", "2.5"),
        ("watermark", 1), ("watermark", "true"), ("guidance", [2]), ("seed", {"a": 1}),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name: str, value: Any) -> None:
    assert refusal(PRACTICE_MODEL, params={"seconds": 4} | {name: value})[:2] == (f"params.{name}", "wrong_type")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guidance", 0.99), ("guidance", 11), ("guidance", math.nan), ("guidance", math.inf), ("guidance", -math.inf),
        ("guidance", 10**5000), ("seed", 2**53), ("seed", -(10**5000)),
    ], ids=["low", "high", "nan", "inf", "-inf", "huge", "unsafe", "-huge"],
)  # fmt: skip
def test_a_number_out_of_range_is_refused(name: str, value: Any) -> None:
    assert refusal(PRACTICE_MODEL, params={"seconds": 4} | {name: value})[:2] == (f"params.{name}", "out_of_range")


def test_a_demanded_setting_without_a_default_must_be_chosen() -> None:
    assert refusal(PRACTICE_MODEL) == (
        "params.seconds",
        "param_missing",
        "Practice needs a value for “Seconds”. Nothing was charged. Choose one.",
    )


def test_a_strangers_value_is_shown_short_and_printable() -> None:
    assert "“a\N{REPLACEMENT CHARACTER}b”" in refusal(NANO, params={"output_format": "a\nb"})[2]
    assert f"“{'x' * 40}…”" in refusal(NANO, params={"output_format": "x" * 10_000})[2]
    assert refusal(NANO, params={"\ud800": 1})[0] == "params.\N{REPLACEMENT CHARACTER}"
    assert refusal(NANO, params={5: 1})[:2] == ("params.5", "unknown_param")  # type: ignore[dict-item]


# References


def test_an_edit_model_needs_a_reference() -> None:
    assert refusal(NANO_EDIT) == (
        "references",
        "references_missing",
        "Nano Banana Edit needs at least 1 reference image. Nothing was charged. Add 1 reference image.",
    )


def test_a_text_only_model_refuses_references() -> None:
    field, code, message = refusal(SEEDREAM, references=[picture()])
    assert (field, code) == ("references", "references_not_taken")
    assert "Seedream 4.5 makes pictures from text alone." in message


@pytest.mark.parametrize(("spec", "most"), [(NANO_EDIT, 10), (SEEDREAM_EDIT, 14)], ids=["nano", "seedream"])
def test_as_many_references_as_the_model_takes_and_not_one_more(spec: ModelSpec, most: int) -> None:
    request = validate(spec, "kite", {}, [picture()] * most)
    assert wire_input(spec, request, urls(request))["image_urls"] == urls(request)
    assert refusal(spec, references=[picture()] * (most + 1))[1] == "references_too_many"
    field, code, message = refusal(spec, references=[picture()] * (most + 2))
    assert (field, code) == ("references", "references_too_many")
    expected = f"This model takes at most {most} reference images; {most + 2} were given. Nothing was charged."
    assert message == f"{expected} Take 2 out."


def test_a_list_stays_a_list_for_one_reference_and_keeps_the_order() -> None:
    request = validate(NANO_EDIT, "kite", {}, [picture()])
    assert wire_input(NANO_EDIT, request, ["https://a"])["image_urls"] == ["https://a"]
    request = validate(NANO_EDIT, "kite", {}, [picture(), picture("image/webp")])
    assert wire_input(NANO_EDIT, request, ["https://b", "https://a"])["image_urls"] == ["https://b", "https://a"]


def test_a_model_for_both_sends_no_field_without_references() -> None:
    request = validate(PRACTICE_MODEL, "kite", {"seconds": 8}, [])
    assert wire_input(PRACTICE_MODEL, request, []) == {"prompt": "kite", "duration": 8}


REFERENCE_FAULTS = [
    (NANO_EDIT, picture("image/avif"), "reference_format", "is AVIF, which this model does not take."),
    (NANO_EDIT, picture("text/html"), "reference_format", "Save it as one of: JPEG, PNG, WebP."),
    (NANO_EDIT, picture(size=10_000_001), "reference_too_large", "10.1 MB, and this model takes at most 10 MB."),
    (PRACTICE_MODEL, picture(width=6001, height=6000), "reference_too_many_pixels", "36,006,000 pixels"),
    (PRACTICE_MODEL, picture(width=511, height=512), "reference_too_few_pixels", "needs at least 262,144"),
    (PRACTICE_MODEL, picture(width=512, height=8193), "reference_too_narrow", "more than 16 times"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "image", "code", "words"), REFERENCE_FAULTS)
def test_a_reference_the_model_does_not_take_is_named_as_people_count(
    spec: ModelSpec, image: StoredImage, code: str, words: str
) -> None:
    before = 1 if spec is NANO_EDIT else 0
    with pytest.raises(InvalidImage) as caught:
        validate(spec, "kite", {"seconds": 4} if spec is PRACTICE_MODEL else {}, [picture()] * before + [image])
    assert (caught.value.field, caught.value.code) == (f"references.{before}", code)
    assert str(caught.value).startswith(f"Image {before + 1} ")
    assert words in str(caught.value)
    assert " Nothing was charged. " in str(caught.value)


def test_references_that_go_inside_the_request_are_limited_together() -> None:
    spec = catalog().require("gemini-nano-banana-2.1")
    validate(spec, "kite", {}, [picture(size=7_000_000)] * 2)
    assert refusal(spec, references=[picture(size=5_000_000)] * 3) == (
        "references",
        "references_too_large_together",
        "The reference images are too large together: 15 MB, and this model takes at most 14 MB. "
        "Nothing was charged. Take one out, or save them smaller.",
    )


def test_a_reference_of_a_few_pixels_is_refused_where_the_provider_needs_more() -> None:
    spec = catalog().require("seedream-5-5-261028")
    validate(spec, "kite", {}, [picture(width=15, height=100)])
    field, code, message = refusal(spec, references=[picture(width=100, height=14)])
    assert (field, code) == ("references.0", "reference_too_small")
    assert "Image 1 is 100 x 14 pixels, and this model needs at least 15 on each side." in message


def test_a_reference_at_the_very_limit_is_taken() -> None:
    validate(NANO_EDIT, "kite", {}, [picture(size=10_000_000)])
    for width, height in ((6000, 6000), (512, 512), (8192, 512), (512, 8192)):
        validate(PRACTICE_MODEL, "kite", {"seconds": 4}, [picture(width=width, height=height)])


# Model, count, wire


def test_a_retired_model_is_refused_from_its_day_on() -> None:
    validate(PRACTICE_MODEL, "kite", {"seconds": 4}, [], on=date(2026, 12, 31))
    with pytest.raises(InvalidRequest, match=r"Practice is no longer offered\. Nothing was charged\.") as caught:
        validate(PRACTICE_MODEL, "kite", {"seconds": 4}, [], on=date(2027, 1, 1))
    assert (caught.value.field, caught.value.code) == ("model", "model_retired")


def test_a_model_paused_by_its_provider_is_refused_whatever_the_day() -> None:
    assert refusal(catalog().require("sora-2-text-to-video")) == (
        "model",
        "model_paused",
        "Sora 2 is paused by the provider. Nothing was charged. Choose another model.",
    )


def test_one_to_eight_pictures_at_once() -> None:
    assert [validate_count(count) for count in range(1, 9)] == list(range(1, 9))
    assert validate_count(20, most=20) == 20
    for count, code in ((0, "out_of_range"), (9, "out_of_range"), (-1, "out_of_range"), (True, "wrong_type"),
                        (2.0, "wrong_type"), ("2", "wrong_type"), (None, "wrong_type")):  # fmt: skip
        with pytest.raises(InvalidRequest, match=r"Nothing was charged\. Ask for 1 to 8\.") as caught:
            validate_count(count)
        assert (caught.value.field, caught.value.code) == ("count", code)


def test_a_body_is_never_built_for_another_model_or_with_urls_missing() -> None:
    request = validate(NANO_EDIT, "kite", {}, [picture()])
    with pytest.raises(ValueError, match="those of the request"):
        wire_input(SEEDREAM_EDIT, request, ["https://a"])
    for wrong in ([], ["https://a", "https://b"]):
        with pytest.raises(ValueError, match="those of the request"):
            wire_input(NANO_EDIT, request, wrong)


def test_what_the_caller_changes_later_does_not_change_the_request() -> None:
    params, references = {"quality": "4K"}, [picture()]
    request = validate(SEEDREAM_EDIT, "kite", params, references)
    params["quality"] = "2K"
    references.clear()
    assert (request.params["quality"], len(request.references)) == ("4K", 1)


SPECS = [*catalog().models, *PRACTICE.models]
NAMES = sorted({param.name for spec in SPECS for param in spec.params})
VALUES = sorted({value for spec in SPECS for param in spec.params for value in param.allowed if isinstance(value, str)})
values = st.one_of(
    st.sampled_from(VALUES), st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([4, 6, 8]), st.text()
)
pictures = st.builds(
    picture, st.sampled_from(["image/png", "image/jpeg", "image/gif"]), size=st.integers(1, 12_000_000),
    width=st.integers(1, 9000), height=st.integers(1, 9000),
)  # fmt: skip


def fits(param: ParamSpec, value: object) -> bool:
    """A second reading of the rules, by exact type."""
    if param.type == "enum":
        return type(value) is str and value in param.allowed
    if param.type == "bool":
        return type(value) is bool
    if type(value) is not int and (param.type == "int" or type(value) is not float):
        return False
    low, high = param.min if param.min is not None else -(2**53), param.max if param.max is not None else 2**53
    return low <= value <= high and (not param.allowed or value in param.allowed)


@settings(max_examples=400, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    prompt=st.one_of(st.text(max_size=60), st.just("a red kite"), st.just("a red kite")),
    params=st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=3)), values, max_size=3),
    references=st.lists(pictures, max_size=3),
)
def test_whatever_is_accepted_is_allowed_and_only_allow_listed_fields_leave(
    spec: ModelSpec, prompt: str, params: dict[str, Any], references: list[StoredImage]
) -> None:
    try:
        request = validate(spec, prompt, params, references)
    except InvalidRequest:
        refusal(spec, prompt, params, references)  # is a whole sentence too
        return
    assert request.prompt == prompt.strip() or not request.prompt
    assert spec.prompt_min <= len(request.prompt) <= spec.prompt_max
    settings_of = {param.name: param for param in spec.params}
    assert all(fits(settings_of[name], value) for name, value in request.params.items())
    assert {name for name, param in settings_of.items() if param.required} <= set(request.params)
    assert set(request.params) - {name for name, value in params.items() if value is not None} <= {
        name for name, param in settings_of.items() if param.required
    }
    body = wire_input(spec, request, urls(request))
    fields = {"prompt", *spec.fixed} | {param.wire for param in spec.params if param.wire}
    fields |= ({spec.references.wire} if spec.references else set()) | ({spec.size_wire} if spec.size_wire else set())
    assert set(body) <= fields
    json.dumps(body, allow_nan=False).encode()
    assert validate(spec, request.prompt, dict(request.params), request.references) == request
