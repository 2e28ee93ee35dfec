"""The settings that models have in common, and that whatever the form shows is a request which the model takes."""

from datetime import date
from itertools import combinations

import pytest

from dashboard.components.controls import SHAPE, Control, controls, fit, params_of
from dashboard.components.references import moved
from data.catalog import ModelSpec, ParamSpec, catalog
from data.images import StoredImage
from data.requests import validate

TODAY = date(2026, 11, 26)
MODELS = [spec for spec in catalog().models if not spec.paused]


def spec(name: str, *params: ParamSpec) -> ModelSpec:
    return ModelSpec(
        id=name, label=name, family="seedream", provider="kie", mode="text", prompt_max=100, params=params
    )  # fmt: skip


def size(wire: str, default: str, **labels: str) -> ParamSpec:
    return ParamSpec(
        name="quality", wire=wire, label="Quality", type="enum", allowed=tuple(labels), labels=labels, default=default
    )  # fmt: skip


def number(low: float | None, high: float | None, default: float | None = None) -> ParamSpec:
    return ParamSpec(name="strength", wire="s", label="Strength", type="number", min=low, max=high, default=default)


def shown(*specs: ModelSpec, **wanted: object) -> tuple[list[Control], dict[str, object]]:
    found = controls(specs)
    return found, {one.name: fit(one, wanted.get(one.name)) for one in found}


def pictures(count: int) -> list[StoredImage]:
    return [StoredImage(f"{n:064d}", "image/png", 1024, 1024, 100_000) for n in range(count)]


def takes(spec: ModelSpec, found: list[Control], values: dict[str, object]) -> dict[str, object]:
    """The params that the model was asked with; InvalidRequest if it refuses them."""
    references = pictures(spec.references.min if spec.references else 0)
    return dict(validate(spec, "a red kite", params_of(spec, found, values), references).params)  # type: ignore[arg-type]


FULL = spec("Full", size("quality", "basic", basic="2K", high="4K"), number(0, 10, 2.5))
OTHER = spec("Other", size("resolution", "1K", **{"1K": "1K", "2K": "2K"}), number(5, 20))
BARE = spec("Bare")


def test_values_are_matched_by_what_people_read_and_sent_as_each_model_spells_them() -> None:
    found, values = shown(FULL, OTHER)
    quality = next(one for one in found if one.name == "quality")
    assert (quality.options, quality.live, values["quality"]) == (("2K",), True, "2K")
    assert takes(FULL, found, values)["quality"] == "basic"
    assert takes(OTHER, found, values)["quality"] == "2K"


def test_what_only_some_have_is_dead_with_the_reason_and_nobody_is_asked_for_it() -> None:
    found, values = shown(FULL, BARE, quality="4K")
    quality = next(one for one in found if one.name == "quality")
    assert (quality.live, quality.reason, quality.absent) == (False, "only Full.", False)
    assert takes(FULL, found, values) == {}


def test_models_without_a_common_value_each_use_their_own_default() -> None:
    third = spec("Third", size("size", "8K", **{"8K": "8K"}))
    found, values = shown(FULL, third)
    quality = next(one for one in found if one.name == "quality")
    assert (quality.live, quality.reason) == (False, "no value suits all of them.")
    assert takes(third, found, values) == {}


def test_a_common_number_lies_where_both_take_it() -> None:
    found, values = shown(FULL, OTHER)
    strength = next(one for one in found if one.name == "strength")
    assert (strength.low, strength.high, strength.optional, values["strength"]) == (5, 10, True, None)
    assert [fit(strength, wanted) for wanted in (7.5, 2, 11, "7", True, None)] == [7.5, None, None, None, None, None]
    assert not next(one for one in shown(FULL, spec("High", number(11, 20)))[0] if one.name == "strength").live


def test_settings_of_other_models_follow_as_absent_and_steps_always() -> None:
    found = controls([BARE], [FULL])
    assert [(one.name, one.absent) for one in found] == [
        ("quality", True), ("strength", True), ("seed", True), ("steps", True),
    ]  # fmt: skip
    assert found[0].reason == "Bare has no setting for quality."


def test_a_wish_comes_back_with_the_model_that_knows_it() -> None:
    wanted = {"quality": "4K"}
    assert [shown(one, **wanted)[1].get("quality") for one in (FULL, OTHER, BARE, FULL)] == ["4K", "1K", None, "4K"]


def test_a_shape_that_a_model_lacks_becomes_its_nearest() -> None:
    shape = ParamSpec(name=SHAPE, wire="r", label="Shape", type="enum", allowed=("1:1", "3:4", "16:9"), default="1:1")
    found = controls([spec("Three", shape)])[0]
    assert [fit(found, wanted) for wanted in ("4:5", "21:9", "2:1", "auto", None)] == [
        "3:4", "16:9", "16:9", "1:1", "1:1",
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda spec: spec.id)
def test_every_value_that_the_form_can_show_is_taken_by_the_model(model: ModelSpec) -> None:
    found, values = shown(model)
    assert [one.name for one in found if not one.live] == [one.name for one in found if one.absent]
    takes(model, found, values)
    for one in found:
        choices = {"choice": one.options, "bool": (True, False)}.get(one.type, (one.low, one.high, one.default))
        for value in choices:
            asked = takes(model, found, values | {one.name: value})
            assert one.absent or value is None or one.type == "bool" or one.name in asked


@pytest.mark.parametrize("kind", ["image", "video"])
def test_any_two_models_of_a_kind_take_what_their_common_form_shows(kind: str) -> None:
    for pair in combinations([one for one in MODELS if one.kind == kind], 2):
        found, values = shown(*pair, aspect_ratio="9:16", quality="2K", output_format="JPEG", seed=7)
        for model in pair:
            asked = takes(model, found, values)
            common = [one for one in found if one.live and one.name == "quality"]
            assert not common or asked["quality"] is not None


def test_a_reference_moves_to_the_place_it_is_sent_to_and_nonsense_moves_nothing() -> None:
    first, second, third = images = pictures(3)
    assert moved(images, f"{third.sha256} 0") == [third, first, second]
    assert moved(images, f"{first.sha256} 1") == [second, first, third]
    assert moved(images, f"{first.sha256} 99") == [second, third, first]
    for wish in ("", "x 1", f"{first.sha256}", f"{first.sha256} -1", f"{first.sha256} ²"):
        assert moved(images, wish) == images
