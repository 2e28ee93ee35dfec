"""The catalogue: its models against the providers' facts, prices and sizes, and what broken files are told.

Golden values are typed here by hand from the provider's pages (documentation of 2026-08-19, prices as dated), so that
a slip in `catalog.toml` cannot agree with itself.
"""

from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from data.catalog import ROADS, Catalog, ModelSpec, ParamSpec, TokenRates, catalog, load_catalog
from data.errors import InvalidRequest
from data.money import CREDIT_USD_MICRO, format_credits, format_usd

pytestmark = pytest.mark.functions

PHOTOS = ("image/jpeg", "image/png", "image/webp")
LAYERED = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff", "image/gif")
TODAY = date(2026, 11, 23)

# What each field takes on the wire, the default first; a "!" marks what is demanded, "-" that nothing is sent.
RATIOS_11 = "1:1 9:16 16:9 3:4 4:3 3:2 2:3 5:4 4:5 21:9 auto"
RATIOS_15 = "auto 1:1 2:3 3:2 1:4 4:1 3:4 4:3 4:5 5:4 1:8 8:1 9:16 16:9 21:9"
RATIOS_8 = "1:1 4:3 3:4 16:9 9:16 2:3 3:2 21:9"
NAMES_5 = "square_hd landscape_4_3 portrait_4_3 landscape_16_9 portrait_16_9"
NAMES_8 = f"{NAMES_5} landscape_3_2 portrait_3_2 landscape_21_9"
TIERS = "1K 2K 4K"
NANO = {"aspect_ratio": RATIOS_11, "output_format": "png jpeg"}
NANO_2 = {"aspect_ratio": RATIOS_15, "resolution": TIERS, "output_format": "jpg png"}
DREAM_3 = {"image_size": NAMES_5, "guidance_scale": "1 to 10, 2.5", "seed": "any"}
DREAM_4 = {"image_size": NAMES_8, "image_resolution": TIERS, "max_images": "1 to 6, 1", "seed": "any",
           "nsfw_checker": "off on"}  # fmt: skip
DREAM_45 = {"aspect_ratio!": RATIOS_8, "quality!": "basic high", "nsfw_checker": "off on"}
LITE = {
    "aspect_ratio!": RATIOS_8,
    "quality!": "basic high ultra",
    "output_format": "png jpeg",
    "nsfw_checker": "off on",
}
PRO = LITE | {"quality!": "basic high"}
FLASH = {"aspect_ratio!": RATIOS_8, "size": "1K 1.5K 2K", "output_format": "png jpeg", "nsfw_checker": "off on"}
VEO = {"aspect_ratio": "16:9 9:16 Auto", "resolution": "720p 1080p 4k", "duration": "8 4 6"}
SORA = {"aspect_ratio": "landscape portrait", "n_frames": "10 15", "remove_watermark": "on off"}

# id: mode, shortest and longest prompt, references (wire, min, max, MB each), settings on the wire, credits as priced
KIE = {
    "google/nano-banana": ("text", 1, 5000, None, NANO | {"nsfw_checker": "off on"}, ["4"]),
    "google/nano-banana-edit": ("edit", 1, 5000, ("image_urls", 1, 10, 10), NANO, ["4"]),
    "nano-banana-2-1": ("both", 1, 20000, ("image_input", 0, 14, 30), NANO_2, ["4", "6", "9"]),
    "nano-banana-pro": (
        "both", 1, 10000, ("image_input", 0, 8, 30),
        {"aspect_ratio": RATIOS_11, "resolution": TIERS, "output_format": "png jpg"}, ["18", "24"],
    ),
    "nano-banana-2": ("both", 1, 20000, ("image_input", 0, 14, 30), NANO_2, ["8", "12", "18"]),
    "nano-banana-2-lite": ("both", 1, 20000, ("image_urls", 0, 10, 30), {"aspect_ratio!": RATIOS_15}, ["4"]),
    "bytedance/seedream": ("text", 1, 5000, None, DREAM_3, ["3.5"]),
    "bytedance/seedream-v4-text-to-image": ("text", 1, 5000, None, DREAM_4, ["5"]),
    "bytedance/seedream-v4-edit": ("edit", 1, 5000, ("image_urls", 1, 10, 10), DREAM_4, ["5"]),
    "seedream/4.5-text-to-image": ("text", 1, 3000, None, DREAM_45, ["6.5"]),
    "seedream/4.5-edit": ("edit", 1, 3000, ("image_urls", 1, 14, 10), DREAM_45, ["6.5"]),
    "seedream/5-lite-text-to-image": ("text", 3, 3000, None, LITE, ["5.5"]),
    "seedream/5-lite-image-to-image": ("edit", 3, 3000, ("image_urls", 1, 14, 10), LITE, ["5.5"]),
    "seedream/5-pro-text-to-image": ("text", 3, 5000, None, PRO, ["7", "14"]),
    "seedream/5-pro-image-to-image": ("edit", 3, 5000, ("image_urls", 1, 10, 10), PRO, ["7", "14"]),
    "seedream/5-pro-layer-decomposition": (
        "edit", 0, 5000, ("image_url", 1, 1, 30), {"size": "auto 1K 1.5K 2K", "output_format": "jpeg png"}, [],
    ),
    "seedream/5-flash-text-to-image": ("text", 3, 5000, None, FLASH, ["3.24"]),
    "seedream/5-flash-image-to-image": ("edit", 3, 5000, ("image_urls", 1, 10, 10), FLASH, ["3.24"]),
    "veo3_fast": ("both", 1, 5000, ("image_urls", 0, 2, 10), VEO, ["60", "65"]),
    "veo3": ("both", 1, 5000, ("image_urls", 0, 2, 10), VEO, ["250", "255"]),
    "veo3_lite": ("both", 1, 5000, ("image_urls", 0, 2, 10), VEO, ["35"]),
    "veo3_fast-references": (
        "edit", 1, 5000, ("image_urls", 1, 3, 10), {name: VEO[name] for name in ("aspect_ratio", "resolution")},
        ["60", "65"],
    ),
    "veo3_lite-references": (
        "edit", 1, 5000, ("image_urls", 1, 3, 10), {name: VEO[name] for name in ("aspect_ratio", "resolution")}, ["35"],
    ),
    "sora-2-text-to-video": ("text", 1, 5000, None, SORA, ["20", "25"]),
    "sora-2-image-to-video": ("edit", 1, 5000, ("image_urls", 1, 1, 10), SORA, ["20", "25"]),
    "sora-2-pro-text-to-video": ("text", 1, 5000, None, SORA | {"size": "high standard"}, ["150", "270", "330"]),
    "sora-2-pro-image-to-video": (
        "edit", 1, 5000, ("image_urls", 1, 1, 10), SORA | {"size": "standard high"}, ["150"],
    ),
}  # fmt: skip

GOOGLE = {
    "gemini-nano-banana-2.1": (
        "both", 1, 20000, ("inlineData", 0, 14, 14),
        {"aspectRatio": RATIOS_15.replace("auto", "-"), "imageSize": TIERS}, ["0.0336", "0.06", "0.134"],
    ),
    "gemini-3-pro-image": (
        "both", 1, 10000, ("inlineData", 0, 14, 14),
        {"aspectRatio": RATIOS_11.replace("auto", "-"), "imageSize": TIERS}, ["0.134", "0.24"],
    ),
    "gemini-3.1-flash-lite-image": (
        "both", 1, 20000, ("inlineData", 0, 14, 14), {"aspectRatio": RATIOS_15.replace("auto", "-")}, ["0.0336"],
    ),
    "gemini-2.5-flash-image": (
        "both", 1, 5000, ("inlineData", 0, 14, 14), {"aspectRatio": RATIOS_11.replace("auto", "-")}, ["0.039"],
    ),
}  # fmt: skip

JPEG_FIRST, PNG_FIRST = {"output_format": "jpeg png"}, {"output_format": "png jpeg"}
ARK = {
    "seedream-5-5-261028": ("both", 1, 5000, ("image", 0, 10, 10), PNG_FIRST, ["0.035"]),
    "dola-seedream-5-0-pro-260628": ("both", 1, 5000, ("image", 0, 10, 10), JPEG_FIRST, ["0.045", "0.09"]),
    "seedream-5-0-flash-260915": ("both", 1, 5000, ("image", 0, 10, 10), JPEG_FIRST, ["0.018"]),
    "seedream-5-0-260128": ("both", 1, 3000, ("image", 0, 14, 10), JPEG_FIRST, ["0.035"]),
    "seedream-4-5-251128": ("both", 1, 3000, ("image", 0, 14, 10), {}, ["0.04"]),
}
FACTS = KIE | GOOGLE | ARK
ROAD = {**dict.fromkeys(KIE, "kie"), **dict.fromkeys(GOOGLE, "gemini"), **dict.fromkeys(ARK, "ark")}


def on_the_wire(param: ParamSpec) -> tuple[str, str]:
    """A field as the tables above write it."""
    name = param.wire + ("!" if param.required else "")
    if param.type == "bool":
        return name, "on off" if param.default else "off on"
    if not param.allowed:
        return name, "any" if param.default is None else f"{param.min} to {param.max}, {param.default}"
    told = [param.on_wire(value) for value in sorted(param.allowed, key=lambda value: value != param.default)]
    return name, " ".join("-" if each is None else str(each) for each in told)


# Entries whose prices and dates no provider can change under the tests.
OTHERS = """
[[choice]]
name = "Nano Banana 2"
text = "nano-banana-2"
edit = "nano-banana-2"

[[choice]]
name = "Layers"
edit = "seedream/5-pro-layer-decomposition"

[[model]]
id = "nano-banana-2"
label = "Nano Banana 2"
family = "nano-banana"
provider = "kie"
mode = "both"
prompt_max = 20000
retires = 2027-05-28
[model.references]
wire = "image_input"
min = 0
max = 14
max_mb = 30
mimes = ["image/jpeg", "image/png", "image/webp"]
[[model.params]]
name = "quality"
wire = "resolution"
label = "Quality"
type = "enum"
allowed = ["1K", "2K", "4K"]
default = "1K"
[[model.prices]]
when = { quality = ["1K", "2K"] }
credits = "8"
as_of = 2026-03-26
source = "price rows"
[[model.prices]]
when = { quality = "1K" }
credits = "3.24"
as_of = 2026-10-03
source = "models list"

[[model]]
id = "bytedance/seedream"
label = "Seedream 3.0"
family = "seedream"
provider = "kie"
mode = "text"
prompt_max = 5000
[[model.params]]
name = "guidance"
wire = "guidance_scale"
label = "Prompt adherence"
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
name = "duration"
wire = "duration"
label = "Seconds"
type = "int"
allowed = [4, 6, 8]
default = 8

[[model]]
id = "seedream/5-pro-layer-decomposition"
label = "Layers"
family = "seedream"
provider = "kie"
mode = "edit"
prompt_min = 0
prompt_max = 5000
[model.references]
wire = "image_url"
single = true
min = 1
max = 1
max_mb = 30
mimes = ["image/png", "image/jpeg", "image/webp", "image/bmp", "image/tiff", "image/gif"]
min_pixels = 262144
max_pixels = 36000000
max_ratio = 16
"""


@pytest.fixture(scope="module")
def others() -> Catalog:
    return load_catalog(OTHERS)


def test_the_catalogue_holds_exactly_the_models_we_offer_now() -> None:
    assert [spec.id for spec in catalog().models] == list(FACTS)


@pytest.mark.parametrize("model_id", FACTS)
def test_each_entry_says_what_the_provider_documents(model_id: str) -> None:
    mode, shortest, longest, references, fields, prices = FACTS[model_id]
    spec = catalog().require(model_id)
    assert (spec.provider, spec.mode, spec.prompt_min, spec.prompt_max) == (ROAD[model_id], mode, shortest, longest)
    taken = spec.references
    assert references == (taken and (taken.wire, taken.min, taken.max, taken.max_mb))
    assert taken is None or taken.mimes == (LAYERED if taken.single else PHOTOS)
    sent = dict(on_the_wire(each) for each in spec.params if each.wire)
    assert {name: sorted(told.split()) for name, told in sent.items()} == {
        name: sorted(told.split()) for name, told in fields.items()
    }
    first = [{name: told.split()[0] for name, told in each.items()} for each in (sent, fields)]
    assert first[0] == first[1]  # the defaults
    assert [str(each.credits or each.usd) for each in spec.prices] == prices
    assert all((each.credits is None) == (spec.provider != "kie") for each in spec.prices)


def test_videos_are_of_their_own_families_and_kind() -> None:
    for spec in catalog().models:
        film = spec.id.startswith(("veo", "sora"))
        assert (spec.kind == "video") == film
        assert film == (spec.family in ("veo", "sora"))


def test_all_tiers_of_veo_are_one_model_to_the_provider() -> None:
    assert [(spec.sent_as, spec.fixed["model"]) for spec in catalog().models if spec.family == "veo"] == [
        ("veo-3-1", "veo3_fast"), ("veo-3-1", "veo3"), ("veo-3-1", "veo3_lite"),
        ("veo-3-1", "veo3_fast"), ("veo-3-1", "veo3_lite"),
    ]  # fmt: skip
    assert all(spec.sent_as == spec.id for spec in catalog().models if spec.family != "veo")


def test_every_model_can_be_picked_and_a_choice_by_a_makers_own_road_says_so() -> None:
    offered = [catalog().spec_of(choice) for choice in catalog().choices]
    assert {choice.text for choice in catalog().choices} | {choice.edit for choice in catalog().choices} == {
        None, *FACTS,
    }  # fmt: skip
    for choice, spec in zip(catalog().choices, offered, strict=True):
        assert ("Google direct" in choice.name) == (spec.provider == "gemini")
        assert ("ByteDance direct" in choice.name) == (spec.provider == "ark")
    assert set(ROADS) == {spec.provider for spec in offered}


def test_a_choice_edits_when_there_are_references_and_draws_from_text_otherwise() -> None:
    nano, seedream = (choice for choice in catalog().choices if choice.name in ("Nano Banana", "Seedream 4.5"))
    assert nano.model_id(with_references=False) == "google/nano-banana"
    assert nano.model_id(with_references=True) == "google/nano-banana-edit"
    assert seedream.model_id(with_references=False) == "seedream/4.5-text-to-image"
    assert seedream.model_id(with_references=True) == "seedream/4.5-edit"


def test_a_choice_with_one_model_always_names_that_one(others: Catalog) -> None:
    assert others.choices[1].model_id(with_references=False) == "seedream/5-pro-layer-decomposition"


def test_automatic_reads_as_a_word() -> None:
    ratio = catalog().require("google/nano-banana").param("aspect_ratio")
    assert ratio is not None
    assert (ratio.value_label("16:9"), ratio.value_label("auto")) == ("16:9", "Automatic")


def test_one_shape_one_size_and_one_format_have_one_name_on_every_model() -> None:
    names = {"aspect_ratio": set(RATIOS_15.split()), "quality": {"1K", "1.5K", "2K", "3K", "4K", "auto"},
             "output_format": {"png", "jpeg"}}  # fmt: skip
    for spec in catalog().models:
        for param in spec.params:
            assert set(param.allowed) <= names.get(param.name, set(param.allowed)), spec.id


def test_an_unknown_model_is_none_or_a_refusal() -> None:
    assert catalog().get("google/nano-banana-pro") is None  # no prefix from pro on
    with pytest.raises(InvalidRequest, match="Nothing was charged") as caught:
        catalog().require("google/nano-banana-pro")
    assert (caught.value.field, caught.value.code) == ("model", "unknown_model")


# Prices


def test_a_price_counts_from_its_own_day_and_is_unknown_before() -> None:
    spec = catalog().require("seedream/4.5-text-to-image")
    assert spec.price({}, on=date(2026, 10, 3)) == spec.price({}, on=TODAY) == 6_500_000
    assert spec.price({}, on=date(2026, 10, 2)) is None


PRICED = [
    ("nano-banana-pro", {}, 0, "18"),
    ("nano-banana-pro", {"quality": "4K"}, 8, "24"),
    ("nano-banana-2-1", {"quality": "2K"}, 0, "6"),
    ("bytedance/seedream-v4-text-to-image", {}, 0, "5"),
    ("bytedance/seedream-v4-text-to-image", {"max_images": 6}, 0, "30"),
    ("seedream/5-pro-image-to-image", {"quality": "2K"}, 1, "14"),
    ("seedream/5-pro-layer-decomposition", {}, 1, None),
    ("veo3_fast", {"duration": 4}, 2, "60"),
    ("veo3_fast", {"resolution": "1080p"}, 0, "65"),
    ("veo3_fast", {"resolution": "4k"}, 0, None),
    ("veo3_lite", {}, 0, None),
    ("sora-2-pro-text-to-video", {"duration": 15}, 0, None),
    ("gemini-3-pro-image", {"quality": "4K"}, 0, "48"),
    ("gemini-nano-banana-2.1", {}, 14, "6.72"),
    ("dola-seedream-5-0-pro-260628", {}, 1, "18"),
    ("dola-seedream-5-0-pro-260628", {"quality": "1.5K"}, 3, "10.2"),
    ("seedream-5-5-261028", {}, 2, "10.2"),
]


@pytest.mark.parametrize(("model_id", "params", "references", "credits_"), PRICED)
def test_the_price_follows_the_settings_and_the_references(
    model_id: str, params: dict[str, Any], references: int, credits_: str | None
) -> None:
    price = catalog().require(model_id).price(params, on=TODAY, references=references)
    assert format_credits(price) == (credits_ or "price unknown")


def test_tokens_cost_what_the_list_says_and_a_fraction_counts_up() -> None:
    rates = catalog().require("gemini-nano-banana-2.1").rates
    assert rates is not None
    assert format_usd(rates.cost(image=1120, text=0, read=0)) == "$0.0336"
    assert format_usd(rates.cost(image=1120, text=240, read=11)) == "$0.0354165"
    tiny = TokenRates(image=Decimal(1), text=Decimal(1), input=Decimal("0.001"), as_of=TODAY, source="test")
    assert [tiny.cost(image=0, text=0, read=read) for read in (0, 1, 5, 6)] == [0, 1, 1, 2]


ESTIMATED = [
    ("gemini-nano-banana-2.1", {}, 0, "7.62"),  # 0.0336 + 500 x 7.5 / M + 500 x 1.5 / M
    ("gemini-nano-banana-2.1", {}, 14, "12.324"),  # + 14 x 1120 x 1.5 / M
    ("gemini-3-pro-image", {"quality": "4K"}, 2, "49.848"),  # 0.24 + 500 x 12 / M + (500 + 2 x 560) x 2 / M
    ("dola-seedream-5-0-pro-260628", {"quality": "1.5K"}, 3, "10.2"),
    ("nano-banana-pro", {}, 3, "18"),
    ("seedream/5-pro-layer-decomposition", {}, 1, None),
]


@pytest.mark.parametrize(("model_id", "params", "references", "credits_"), ESTIMATED)
def test_an_estimate_counts_what_is_billed_beside_the_picture(
    model_id: str, params: dict[str, Any], references: int, credits_: str | None
) -> None:
    estimate = catalog().require(model_id).estimate(params, on=TODAY, references=references)
    assert format_credits(estimate) == (credits_ or "price unknown")


@pytest.mark.parametrize("model_id", GOOGLE)
@pytest.mark.parametrize("references", [0, 1, 14])
def test_a_long_call_to_google_costs_no_more_than_its_estimate(model_id: str, references: int) -> None:
    spec = catalog().require(model_id)
    assert spec.rates is not None
    smallest = min(each.usd for each in spec.prices if each.usd)
    drawn = int(smallest / spec.rates.image * 1_000_000)
    cost = spec.rates.cost(image=drawn, text=455, read=400 + 560 * references)
    assert cost <= (spec.estimate({}, TODAY, references) or 0)


def test_the_newest_price_that_fits_the_settings_counts(others: Catalog) -> None:
    spec = others.require("nano-banana-2")
    assert spec.price({}, on=date(2026, 10, 2)) == 8_000_000
    assert spec.price({}, on=date(2026, 10, 3)) == 3_240_000
    assert spec.price({"quality": None}, on=TODAY) == 3_240_000
    assert spec.price({"quality": "2K"}, on=TODAY) == 8_000_000
    assert spec.price({"quality": "4K"}, on=TODAY) is None


def test_a_model_without_a_price_is_unknown_and_never_free(others: Catalog) -> None:
    assert others.require("seedream/5-pro-layer-decomposition").price({}, on=TODAY) is None


@pytest.mark.parametrize(
    ("micro", "credits_", "usd"),
    [
        (4_000_000, "4", "$0.02"),
        (6_500_000, "6.5", "$0.0325"),
        (3_240_000, "3.24", "$0.0162"),
        (0, "0", "$0.00"),
        (100_000_000, "100", "$0.50"),
        (1, "0.000001", "$0.000000005"),
        (200_000_000_000, "200000", "$1000.00"),
        (-4_000_000, "-4", "-$0.02"),
        (None, "price unknown", "price unknown"),
    ],
)
def test_money_is_written_exactly(micro: int | None, credits_: str, usd: str) -> None:
    assert format_credits(micro) == credits_
    assert format_usd(micro) == usd


def test_a_credit_is_half_a_cent() -> None:
    assert CREDIT_USD_MICRO == 5000


# Sizes and dates


@pytest.mark.parametrize("spec", [each for each in catalog().models if each.sizes], ids=lambda spec: spec.id)
def test_every_shape_but_automatic_has_real_pixels_of_its_ratio(spec: ModelSpec) -> None:
    shapes, qualities = spec.param("aspect_ratio"), spec.param("quality") or spec.param("resolution")
    assert shapes is not None
    for ratio, quality in product(shapes.allowed, qualities.allowed if qualities else (None,)):
        size = spec.output_size({"aspect_ratio": ratio} | ({qualities.name: quality} if qualities else {}))
        if ratio == "auto":
            assert size is None
        else:
            wide, high = map(int, str(ratio).split(":"))
            assert size is not None
            assert size[0] / size[1] == pytest.approx(wide / high, rel=0.04)


def test_sizes_follow_the_quality_and_its_default() -> None:
    spec = catalog().require("seedream/4.5-text-to-image")
    assert spec.output_size({}) == (2048, 2048)
    assert spec.output_size({"aspect_ratio": "16:9"}) == (2848, 1600)
    assert spec.output_size({"aspect_ratio": "16:9", "quality": "4K"}) == (5504, 3040)
    assert catalog().require("google/nano-banana-edit").output_size({"aspect_ratio": "21:9"}) == (1536, 672)


def test_a_model_is_retired_from_its_day_on_and_says_so_for_a_month_before(others: Catalog) -> None:
    spec = others.require("nano-banana-2")
    assert not spec.retired(date(2027, 5, 27))
    assert spec.retired(date(2027, 5, 28))
    assert spec.retiring(date(2027, 4, 27)) == ""
    soon = "Nano Banana 2 is offered until 28 May 2027 and no longer. Plan with another model."
    assert spec.retiring(date(2027, 4, 28)) == spec.retiring(date(2027, 5, 27)) == soon
    assert spec.retiring(date(2027, 5, 28)) == "Nano Banana 2 was retired on 28 May 2027. Choose another model."
    assert not catalog().models[0].retired(date(2099, 1, 1))
    assert catalog().models[0].retiring(TODAY) == ""


def test_the_first_nano_banana_at_google_is_retired_and_sora_paused() -> None:
    assert [spec.id for spec in catalog().models if spec.retired(TODAY)] == ["gemini-2.5-flash-image"]
    assert {spec.family for spec in catalog().models if spec.paused} == {"sora"}
    assert all(spec.paused for spec in catalog().models if spec.family == "sora")
