"""Paints practice pictures: a pure function of prompt, model, seed, size and references. It knows nothing of the wire.

The scene and the colours follow the prompt's words, the composition follows prompt, model and seed together; so four
tries of one prompt are sisters, and two models answer it each in their own hand.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import posters, scenes
from .brush import Array, Generator, grade, to_image
from .palettes import Palette, digest, palette_for, scene_for
from .retouch import retouch
from .subjects import place_subjects

Scene = Callable[[Generator, Palette, int, int], Array]
SCENES: dict[str, Scene] = {
    "mountains": scenes.mountains,
    "ocean": scenes.ocean,
    "dunes": scenes.dunes,
    "forest": scenes.forest,
    "city": scenes.city,
    "silk": posters.silk,
    "bokeh": posters.bokeh,
    "poster": posters.poster,
    "bloom": posters.bloom,
}
WORK_PIXELS = 820_000
"""Scenes are painted at this size and enlarged where more is asked for."""
ROUGH_PIXELS = 60_000
MARK = "PRACTICE"
STAMP = "AI generated"


def paint(
    prompt: str, model: str, seed: int, size: tuple[int, int], references: Sequence[Image.Image], *,
    rough: bool = False,
) -> Image.Image:  # fmt: skip
    """Return an RGB picture of exactly `size` pixels, unmarked; with references, one that visibly comes from them.

    A `rough` one is of few large squares, and costs a fifth to paint and to keep as PNG.
    """
    rng = np.random.default_rng(digest(prompt, model, seed))
    tones = palette_for(prompt)
    shrink = min(1.0, math.sqrt((ROUGH_PIXELS if rough else WORK_PIXELS) / (size[0] * size[1])))
    work = max(round(size[0] * shrink), 16), max(round(size[1] * shrink), 16)
    if references:
        picture = retouch(references, prompt, rng, tones, work)
    else:
        name = scene_for(prompt)
        picture = to_image(SCENES[name](rng, tones, *work))
        picture = place_subjects(picture, prompt, rng, tones)
    picture = to_image(_finish(picture, model, rng))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.NEAREST if rough else Image.Resampling.BICUBIC)
    return picture


def _finish(picture: Image.Image, model: str, rng: Generator) -> Array:
    """Give each family its own print: nano-banana warm and clean, Seedream cooler with more contrast and grain."""
    canvas = np.asarray(picture.convert("RGB"), np.float32) / 255
    if "seedream" in model:
        canvas = np.clip(canvas + (canvas - 0.5) * 0.12 * (1 - np.abs(canvas - 0.5)), 0, 1)
        return grade(canvas, rng, grain=0.016, vignette=0.42, warmth=-0.012)
    return grade(canvas, rng, grain=0.008, vignette=0.24, warmth=0.014)


def stamp(picture: Image.Image) -> Image.Image:
    """Put the visible mark that a maker adds unless it is told not to into the lower right corner, above our own."""
    width, height = picture.size
    font = ImageFont.load_default(max(min(width, height) / 22, 10.0))
    x0, y0, x1, y1 = font.getbbox(STAMP)
    place = width - (x1 - x0) * 1.15, height - (y1 - y0) * 4.2
    ImageDraw.Draw(picture).text(place, STAMP, (255, 255, 255), font=font, stroke_width=1, stroke_fill=(40, 40, 40))
    return picture


def cut_out(picture: Image.Image) -> Image.Image:
    """Return the picture with a soft-edged middle on a transparent ground."""
    width, height = picture.size
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    distance = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 4
    alpha = np.clip((0.8 - distance) * 6, 0, 1) * 255
    picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return picture


def mark(picture: Image.Image) -> Image.Image:
    """Put the small PRACTICE pill into the lower right corner."""
    drawn, place = pill(picture.size)
    picture.paste(drawn, place, drawn)
    return picture


def pill(size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int]]:
    """Return the pill for a picture of that size, and where its left upper corner belongs."""
    width, height = size
    text = max(min(width, height) / 52, 9.0)
    font = ImageFont.load_default(text)
    x0, y0, x1, y1 = font.getbbox(MARK)
    wide, tall = (x1 - x0) + text * 1.5, (y1 - y0) + text * 1.0
    gap = text * 1.1
    left, top = width - wide - gap, height - tall - gap
    drawn = Image.new("RGBA", (math.ceil(wide), math.ceil(tall)))
    pen = ImageDraw.Draw(drawn)
    pen.rounded_rectangle((0, 0, wide - 1, tall - 1), tall / 2, (12, 14, 22, 120))
    pen.text((text * 0.75 - x0, text * 0.5 - y0), MARK, (255, 255, 255, 225), font=font)
    return drawn, (round(left), round(top))
