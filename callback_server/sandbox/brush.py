"""Strokes that every scene uses: noise, gradients, glows, ridges and grain, on (h, w, 3) floats in 0-1."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .palettes import Rgb

Array = npt.NDArray[Any]
Generator = np.random.Generator


def colour(rgb: Rgb) -> Array:
    """Return a colour as three floats in 0-1."""
    return np.asarray(rgb, np.float32) / 255


def mix(first: Array, second: Array, share: Any) -> Array:
    """Blend from first to second; `share` is a number or an (h, w) mask."""
    weight = share[..., None] if isinstance(share, np.ndarray) and share.ndim == 2 else share
    return np.asarray(first + (second - first) * weight, np.float32)


def grid(width: int, height: int) -> tuple[Array, Array]:
    """Return x as (1, w) and y as (h, 1), both in pixels."""
    return np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]


def smooth(values: Any, low: float, high: float) -> Array:
    """Return the smooth step from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def cloud(rng: Generator, width: int, height: int, cells: tuple[int, int], octaves: int = 4) -> Array:
    """Return soft two-dimensional noise in 0-1; `cells` are the coarsest bumps across and down."""
    total = np.zeros((height, width), np.float32)
    weight, whole = 1.0, 0.0
    for octave in range(octaves):
        across, down = cells[0] << octave, cells[1] << octave
        if across > width or down > height:
            break
        bumps = Image.fromarray(rng.random((down + 2, across + 2)).astype(np.float32))
        total += weight * np.asarray(bumps.resize((width, height), Image.Resampling.BICUBIC))
        whole += weight
        weight *= 0.5
    return np.asarray(np.clip(total / whole, 0, 1), np.float32)


def line(rng: Generator, width: int, bumps: float, octaves: int = 5, rough: float = 0.5) -> Array:
    """Return a one-dimensional noise line of that width, about -1 to 1."""
    x = np.linspace(0, 1, width, dtype=np.float32)
    total = np.zeros(width, np.float32)
    weight, whole = 1.0, 0.0
    for octave in range(octaves):
        count = max(int(bumps * 2**octave), 2)
        knots = rng.uniform(-1, 1, count + 3)
        place = x * count + rng.random()
        index = place.astype(int)
        part = place - index
        part = part * part * (3 - 2 * part)
        total += weight * (knots[index] * (1 - part) + knots[index + 1] * part).astype(np.float32)
        whole += weight
        weight *= rough
    return np.asarray(total / whole * 1.6, np.float32)


def gradient(width: int, height: int, stops: list[tuple[float, Rgb]]) -> Array:
    """Return a vertical gradient through (place in 0-1, colour) stops."""
    y = np.linspace(0, 1, height)
    places = [place for place, _ in stops]
    column = np.stack([np.interp(y, places, [rgb[i] / 255 for _, rgb in stops]) for i in range(3)], axis=-1)
    return np.repeat(column[:, None, :].astype(np.float32), width, axis=1)


def below(crest: Array, height: int) -> Array:
    """Return the soft-edged mask of everything below a crest line given in pixels per column."""
    y = np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(np.clip(y - crest[None, :] + 0.5, 0, 1), np.float32)


def disc(width: int, height: int, centre: tuple[float, float], radius: float) -> tuple[Array, Array]:
    """Return the soft-edged mask of a disc, and the distance from its centre in radii."""
    x, y = grid(width, height)
    distance = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    return np.asarray(np.clip(radius - distance + 0.5, 0, 1), np.float32), np.asarray(distance / radius, np.float32)


def screen(canvas: Array, light: Array, strength: Array) -> Array:
    """Add light where `strength` (h, w) says, without ever going past white."""
    return np.asarray(1 - (1 - canvas) * (1 - light * strength[..., None]), np.float32)


def grade(canvas: Array, rng: Generator, *, grain: float, vignette: float, warmth: float) -> Array:
    """Finish a picture: warmth, a darker rim, and a little grain so that gradients do not band."""
    height, width = canvas.shape[:2]
    x, y = grid(width, height)
    rim = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
    canvas = canvas * (1 - vignette * rim[..., None])
    canvas = canvas * np.asarray([1 + warmth, 1.0, 1 - warmth], np.float32)
    canvas += rng.normal(0, grain, (height, width, 1)).astype(np.float32)
    return np.asarray(np.clip(canvas, 0, 1), np.float32)


def to_image(canvas: Array) -> Image.Image:
    """Turn a canvas into a Pillow picture."""
    return Image.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8), "RGB")


def to_canvas(picture: Image.Image) -> Array:
    """Turn a Pillow picture into a canvas."""
    return np.asarray(picture.convert("RGB"), np.float32) / 255
