"""Edits: turns reference pictures into a new one in which they can still be recognised."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from .brush import Array, Generator, cloud, colour, disc, mix, screen, smooth, to_canvas, to_image
from .palettes import Palette, digest

Treatment = Callable[[Array, Generator, Palette], Array]


def retouch(
    references: Sequence[Image.Image], prompt: str, rng: Generator, tones: Palette, size: tuple[int, int]
) -> Image.Image:
    """Return the references, composed where there are several, under a treatment chosen by the prompt."""
    canvas = to_canvas(_compose(references, rng, tones, size))
    return to_image(TREATMENTS[_treatment(prompt)](canvas, rng, tones))


def _treatment(prompt: str) -> int:
    words = prompt.lower()
    for index, keys in enumerate(WORDS):
        if any(key in words for key in keys):
            return index
    return digest("edit", prompt) % len(TREATMENTS)


def _compose(references: Sequence[Image.Image], rng: Generator, tones: Palette, size: tuple[int, int]) -> Image.Image:
    """Fill the frame with the first reference; lay the others over it as prints with a white border."""
    whole = ImageOps.fit(references[0].convert("RGB"), size, Image.Resampling.LANCZOS)
    others = list(references[1:5])
    for index, other in enumerate(others):
        side = min(size) * (0.44 if len(others) == 1 else 0.34)
        small = other.convert("RGB")
        small.thumbnail((round(side), round(side)), Image.Resampling.LANCZOS)
        print_ = ImageOps.expand(small, max(round(side / 26), 2), (250, 248, 243)).convert("RGBA")
        turned = print_.rotate(float(rng.uniform(-7, 7)), Image.Resampling.BICUBIC, expand=True)
        spot = _corner(index, size, turned.size)
        shadow = Image.new("RGBA", turned.size, (*tones.near, 0))
        shadow.putalpha(turned.getchannel("A").filter(ImageFilter.GaussianBlur(side / 30)).point(lambda a: a * 0.55))
        whole.paste(shadow, (spot[0] + round(side / 40), spot[1] + round(side / 28)), shadow)
        whole.paste(turned, spot, turned)
    return whole


def _corner(index: int, size: tuple[int, int], piece: tuple[int, int]) -> tuple[int, int]:
    """Return the upper left point of the nth print: lower left, upper right, upper left, lower right."""
    gap = min(size) // 22
    right, low = size[0] - piece[0] - gap, size[1] - piece[1] - gap
    return ((gap, low), (right, gap), (gap, gap), (right, low - gap * 2))[index]


def _duotone(canvas: Array, _: Generator, tones: Palette) -> Array:
    """Print in two inks and paper."""
    light = _luma(canvas)
    stops = np.stack([colour(tones.near), colour(tones.top), colour(tones.accent), colour(tones.light)])
    return np.stack([np.interp(light, [0, 0.34, 0.68, 1], stops[:, i]) for i in range(3)], -1).astype(np.float32)


def _brushwork(canvas: Array, rng: Generator, tones: Palette) -> Array:
    """Lay flat strokes along a flow, then tint the lights."""
    height, width = canvas.shape[:2]
    flow = cloud(rng, width, height, (4, 4), 2) * 6.28
    reach = max(min(width, height) / 130, 2)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    total = np.zeros_like(canvas)
    for step in np.linspace(-1, 1, 7):
        y = np.clip(rows + np.sin(flow) * reach * step, 0, height - 1).astype(int)
        x = np.clip(columns + np.cos(flow) * reach * step, 0, width - 1).astype(int)
        total += canvas[y, x]
    small = to_image(total / 7).reduce(2).filter(ImageFilter.MedianFilter(5)).resize((width, height))
    strokes = to_canvas(small.filter(ImageFilter.UnsharpMask(2, 220, 1)))
    strokes = mix(strokes, strokes * (0.6 + 0.5 * colour(tones.horizon)), 0.6)
    return np.clip(strokes, 0, 1)


def _golden(canvas: Array, rng: Generator, tones: Palette) -> Array:
    """Relight the picture from one corner, with the shadows cooled."""
    height, width = canvas.shape[:2]
    centre = (width * (0.12 if rng.random() < 0.5 else 0.88), height * 0.1)
    _, distance = disc(width, height, centre, max(width, height) * 0.5)
    light = _luma(canvas)
    toned = mix(canvas, canvas * 0.5 + colour(tones.top) * 0.3, (1 - light) * 0.7)
    warm = mix(colour(tones.horizon), colour(tones.accent), 0.25)
    toned = mix(toned, toned * warm * 1.06, 0.86)
    return screen(toned, mix(colour(tones.light), colour(tones.accent), 0.55), np.exp(-distance * 1.7) * 0.7)


def _poster(canvas: Array, _: Generator, tones: Palette) -> Array:
    """Cut the picture into a few flat inks with fine dark contours."""
    height, width = canvas.shape[:2]
    picture = to_image(canvas).reduce(2).filter(ImageFilter.GaussianBlur(1)).filter(ImageFilter.MedianFilter(5))
    soft = to_canvas(picture.resize((width, height), Image.Resampling.BICUBIC))
    inks = np.stack([colour(c) for c in (tones.near, tones.top, tones.far, tones.accent, tones.horizon, tones.light)])
    level = np.argsort(np.argsort(inks.mean(1)))
    ordered = inks[np.argsort(level)]
    light = _luma(soft)
    low, high = np.quantile(light, [0.02, 0.98])
    step = np.clip(((light - low) / max(high - low, 1e-3) * 6).astype(int), 0, 5)
    flat = mix(ordered[step], soft, 0.25)
    edges = np.hypot(np.gradient(light, axis=0), np.gradient(light, axis=1))
    return mix(flat, colour(tones.near), smooth(edges, 0.03, 0.09) * 0.8)


def _weather(canvas: Array, rng: Generator, tones: Palette) -> Array:
    """Let mist and the palette's air into the picture, thicker towards the ground, with flakes or motes in it."""
    height, width = canvas.shape[:2]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    air = smooth(cloud(rng, width, height, (3, 5), 4) * 0.8 + y * 0.45, 0.45, 1.15) * 0.5
    toned = mix(canvas, _luma(canvas)[..., None] * mix(colour(tones.horizon), np.ones(3, np.float32), 0.3), 0.55)
    toned = mix(toned, colour(tones.horizon), air)
    motes = np.zeros((height, width), np.float32)
    count = width * height // 2600
    motes[rng.integers(0, height, count), rng.integers(0, width, count)] = 1
    soft = np.asarray(Image.fromarray((motes * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.6)), np.float32)
    return screen(toned, colour(tones.light), np.clip(soft / 18, 0, 1) * 0.9)


def _luma(canvas: Array) -> Array:
    return np.asarray(canvas @ np.asarray([0.299, 0.587, 0.114], np.float32), np.float32)


TREATMENTS: tuple[Treatment, ...] = (_golden, _brushwork, _poster, _weather, _duotone)
WORDS: tuple[tuple[str, ...], ...] = (
    ("sunset", "golden", "light", "warm", "sunrise", "日落", "光", "金"),
    ("paint", "oil", "watercolor", "watercolour", "impression", "brush", "油画", "水彩"),
    ("poster", "cartoon", "anime", "comic", "flat", "vector", "pop", "海报", "漫画"),
    ("snow", "winter", "fog", "mist", "rain", "weather", "雪", "雾", "雨"),
    ("duotone", "neon", "monochrome", "print", "ink", "霓虹", "水墨"),
)
