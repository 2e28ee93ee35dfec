"""The painter is a pure function that honours size, tells prompts, models and seeds apart, and shows its references."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from callback_server.sandbox import film, models
from callback_server.sandbox.painter import SCENES, mark, paint
from callback_server.sandbox.palettes import palette_for, scene_for
from callback_server.sandbox.wire import signature

pytestmark = pytest.mark.functions
SMALL = (320, 240)


def likeness(first: Image.Image, second: Image.Image) -> float:
    """Return the correlation of two pictures' brightness, from -1 to 1."""
    size = (48, 48)
    one, two = (np.asarray(item.convert("L").resize(size), np.float64).ravel() for item in (first, second))
    return float(np.corrcoef(one, two)[0, 1])


def test_the_same_request_paints_the_same_picture() -> None:
    assert paint("sunset", "m", 1, SMALL, []).tobytes() == paint("sunset", "m", 1, SMALL, []).tobytes()


def test_prompt_model_and_seed_each_change_the_picture() -> None:
    first = paint("mountains", "google/nano-banana", 1, SMALL, []).tobytes()
    others = (
        ("mountain lake", "google/nano-banana", 1),
        ("mountains", "seedream/4.5", 1),
        ("mountains", "google/nano-banana", 2),
    )
    assert all(paint(*other, SMALL, []).tobytes() != first for other in others)


@pytest.mark.parametrize("size", [(64, 64), (96, 768), (384, 168), (333, 777)])
def test_the_size_is_exact_for_every_scene(size: tuple[int, int]) -> None:
    for word in ("mountains", "ocean", "dunes", "forest", "city", "silk", "bokeh", "poster", "bloom"):
        assert paint(word, "m", 3, size, []).size == size


def test_words_choose_colours_and_scene_in_english_and_chinese() -> None:
    assert (palette_for("a SUNSET").name, palette_for("海上").name, palette_for("夜").name) == (
        "sunset",
        "ocean",
        "night",
    )
    assert (scene_for("snowy mountains"), scene_for("海"), scene_for("bauhaus poster")) == (
        "mountains",
        "ocean",
        "poster",
    )
    assert scene_for("something else entirely") in SCENES


@pytest.mark.parametrize(
    "prompt", ["golden light", "oil painting", "comic poster", "snow", "duotone", "make it better"]
)
def test_the_reference_can_be_recognised_in_an_edit(prompt: str) -> None:
    reference = paint("night city", "m", 5, SMALL, [])
    edited = paint(prompt, "google/nano-banana-edit", 5, SMALL, [reference])
    assert edited.size == SMALL
    assert edited.tobytes() != reference.tobytes()
    assert likeness(edited, reference) > 0.45


def test_several_references_all_appear() -> None:
    plain = [Image.new("RGB", (200, 200), colour) for colour in ("navy", "red", "lime")]
    pixels = np.asarray(paint("as they are, golden", "m", 1, (400, 400), plain), int)
    red, green = pixels[..., 0] - pixels[..., 1], pixels[..., 1] - pixels[..., 0]
    assert (red > 60).mean() > 0.03
    assert (green > 40).mean() > 0.03


def test_every_frame_of_a_film_bears_the_same_mark_as_a_picture(tmp_path: Path) -> None:
    size = (640, 360)
    painted = Image.new("RGB", film.canvas(size), "black")
    film.film(painted, size, 2, "", tmp_path / "film.mp4")
    picture = np.asarray(mark(Image.new("RGB", size, "black")).convert("L"), float)
    with av.open(str(tmp_path / "film.mp4")) as container:
        frames = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
    assert len(frames) == 2 * film.FPS
    assert picture.max() > 200
    assert all(np.corrcoef(picture.ravel(), frame.ravel())[0, 1] > 0.9 for frame in frames)


def test_every_model_has_a_price_a_size_and_fields() -> None:
    assert len(models.table()) == 19
    for model in (*models.table().values(), models.older_veo()):
        asked = {spec.name: spec.allowed[0] for spec in model.fields if spec.allowed and spec.required}
        assert models.price(model, asked) > 0
        assert min(models.size_of(model, asked, None)) >= 384


@pytest.mark.parametrize(
    ("model", "asked", "size"),
    [
        ("nano-banana-pro", {"resolution": "4K", "aspect_ratio": "1:1"}, (4096, 4096)),
        ("seedream/4.5-text-to-image", {"aspect_ratio": "16:9", "quality": "high"}, (5504, 3040)),
        ("bytedance/seedream-v4-text-to-image", {"image_size": "portrait_4_3", "image_resolution": "2K"}, (1728, 2304)),
        ("seedream/5-pro-text-to-image", {"aspect_ratio": "1:1", "quality": "basic"}, (1024, 1024)),
    ],
)
def test_a_tier_multiplies_the_size_or_has_its_own(model: str, asked: dict[str, str], size: tuple[int, int]) -> None:
    assert models.size_of(models.table()[model], asked, None) == size


def test_the_signature_is_the_documented_one() -> None:
    signed = signature("test-webhook-key", "0123456789abcdef0123456789abcdef", "1795449993")
    assert signed == "QWDjcfXw/cUCVhkHkx9ws/10ihs77JgLjOT38m4HfNs="
