"""Small figures that a prompt may name: a boat, balloons, birds, a kite, a house, a cat, a whale, a banana, a tree."""

import math
from collections.abc import Callable

from PIL import Image, ImageDraw

from .brush import Generator
from .palettes import Palette, Rgb

Pen = ImageDraw.ImageDraw
Point = tuple[float, float]
SCALE = 2  # figures are drawn this much larger and reduced, which smooths their edges
WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("balloon", ("balloon", "热气球", "气球")),
    ("boat", ("boat", "sail", "ship", "yacht", "船", "帆")),
    ("kite", ("kite", "风筝")),
    ("cat", ("cat", "kitten", "猫")),
    ("house", ("house", "cabin", "cottage", "hut", "屋", "房")),
    ("banana", ("banana", "香蕉")),
    ("bird", ("bird", "gull", "crane", "swallow", "鸟", "鹤")),
)


def place_subjects(picture: Image.Image, prompt: str, rng: Generator, tones: Palette) -> Image.Image:
    """Draw the figures the prompt names onto the picture; none is named in most prompts."""
    words = "".join(char if char.isalnum() else " " for char in prompt.lower()).split()
    known = set(words) | {word.rstrip("s") for word in words}
    named = [name for name, keys in WORDS if any(key in known or (not key.isascii() and key in prompt) for key in keys)]
    if not named:
        return picture
    width, height = picture.size
    layer = Image.new("RGBA", (width * SCALE, height * SCALE))
    pen = ImageDraw.Draw(layer)
    for name in named[:3]:
        FIGURES[name](pen, rng, tones, (width * SCALE, height * SCALE))
    small = layer.resize((width, height), Image.Resampling.BOX)
    picture.paste(small, (0, 0), small)
    return picture


def _ellipse(pen: Pen, centre: Point, rx: float, ry: float, fill: Rgb) -> None:
    pen.ellipse((centre[0] - rx, centre[1] - ry, centre[0] + rx, centre[1] + ry), fill)


def _balloons(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    spots = [(0.3, 0.34, 1.0), (0.62, 0.22, 0.62), (0.8, 0.44, 0.42), (0.14, 0.17, 0.34)]
    for across, down, much in spots[: int(rng.integers(3, 5))]:
        x, y = size[0] * (across + rng.uniform(-0.05, 0.05)), size[1] * (down + rng.uniform(-0.04, 0.04))
        r = side * 0.115 * much
        inks = [tones.accent, tones.light, tones.accent, tones.light, tones.accent]
        for lean in (-1, 1):
            pen.line(
                (x + lean * r * 0.5, y + r * 0.8, x + lean * r * 0.16, y + r * 1.5), tones.near, max(int(r / 30), 1)
            )
        pen.polygon([(x - r * 0.84, y + r * 0.54), (x + r * 0.84, y + r * 0.54), (x + r * 0.24, y + r * 1.24),
                     (x - r * 0.24, y + r * 1.24)], tones.accent)  # fmt: skip
        for wide, ink in zip((1, 0.78, 0.52, 0.28, 0.1), inks, strict=True):
            _ellipse(pen, (x, y), r * wide, r, ink)
            pen.polygon([(x - r * 0.84 * wide, y + r * 0.54), (x + r * 0.84 * wide, y + r * 0.54),
                         (x + r * 0.24 * wide, y + r * 1.24), (x - r * 0.24 * wide, y + r * 1.24)], ink)  # fmt: skip
        pen.rounded_rectangle((x - r * 0.2, y + r * 1.46, x + r * 0.2, y + r * 1.76), r * 0.06, tones.near)


def _boat(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    x, y, r = size[0] * rng.uniform(0.3, 0.7), size[1] * rng.uniform(0.66, 0.72), side * 0.11
    pen.polygon([(x - r, y), (x + r * 1.1, y), (x + r * 0.72, y + r * 0.3), (x - r * 0.7, y + r * 0.3)], tones.near)
    pen.line((x, y, x, y - r * 2.1), tones.near, max(int(r / 18), 1))
    pen.polygon([(x + r * 0.06, y - r * 2.05), (x + r * 0.06, y - r * 0.12), (x + r * 0.98, y - r * 0.12)], tones.light)
    pen.polygon(
        [(x - r * 0.06, y - r * 1.75), (x - r * 0.06, y - r * 0.12), (x - r * 0.72, y - r * 0.12)], tones.accent
    )
    for step in range(5):
        half, down = r * (0.95 - step * 0.16), y + r * (0.42 + step * 0.16)
        pen.rounded_rectangle(
            (x - half, down, x + half * 0.9, down + r * 0.045), r * 0.02, (*tones.near, 110 - step * 18)
        )


def _kite(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    x, y, r = size[0] * rng.uniform(0.3, 0.7), size[1] * rng.uniform(0.2, 0.34), side * 0.13
    top, right, bottom, left = (
        (x + r * 0.3, y - r),
        (x + r * 0.75, y),
        (x - r * 0.45, y + r * 1.35),
        (x - r * 0.65, y - r * 0.3),
    )
    tail = [bottom]
    for step in range(1, 26):
        tail.append((bottom[0] - r * 0.12 * step + r * 0.3 * (step % 6 - 2.5) / 2.5 * 0.5, bottom[1] + r * 0.13 * step))
    pen.line(tail, tones.near, max(int(r / 26), 1), joint="curve")
    for step in range(4, 25, 5):
        px, py = tail[step]
        pen.polygon([(px - r * 0.16, py - r * 0.1), (px + r * 0.16, py + r * 0.1), (px + r * 0.16, py - r * 0.1),
                     (px - r * 0.16, py + r * 0.1)], tones.accent)  # fmt: skip
    pen.polygon([top, right, bottom, left], tones.accent)
    pen.polygon([top, (x, y - r * 0.1), left], tones.light)
    pen.polygon([right, (x, y - r * 0.1), bottom], tones.middle)


def _cat(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    x, y, r, ink = size[0] * rng.uniform(0.35, 0.65), size[1] * 0.97, side * 0.17, tones.near
    pen.arc((x + r * 0.3, y - r * 1.5, x + r * 1.5, y - r * 0.06), -60, 110, ink, int(r * 0.2))
    _ellipse(pen, (x, y - r * 0.62), r * 0.68, r * 0.9, ink)
    _ellipse(pen, (x, y), r * 0.86, r * 0.55, ink)
    _ellipse(pen, (x, y - r * 1.62), r * 0.5, r * 0.44, ink)
    for lean in (-1, 1):
        pen.polygon(
            [
                (x + lean * r * 0.48, y - r * 1.68),
                (x + lean * r * 0.44, y - r * 2.3),
                (x + lean * r * 0.06, y - r * 1.98),
            ],
            ink,
        )
        _ellipse(pen, (x + lean * r * 0.19, y - r * 1.64), r * 0.085, r * 0.11, tones.light)
        _ellipse(pen, (x + lean * r * 0.19, y - r * 1.64), r * 0.03, r * 0.1, ink)


def _house(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    x, y, r = size[0] * rng.uniform(0.25, 0.7), size[1] * 0.93, side * 0.085
    pen.rectangle((x + r * 0.4, y - r * 2.0, x + r * 0.68, y - r * 1.2), tones.near)
    pen.rectangle((x - r, y - r, x + r, y + r * 0.9), tones.near)
    pen.polygon([(x - r * 1.3, y - r * 0.92), (x + r * 1.3, y - r * 0.92), (x, y - r * 2.05)], tones.accent)
    for at in (-0.55, 0.2):
        pen.rectangle((x + r * at, y - r * 0.55, x + r * (at + 0.4), y - r * 0.08), tones.light)


def _banana(pen: Pen, rng: Generator, _: Palette, size: tuple[int, int]) -> None:
    """Draw a crescent between two arcs that meet at the tips, in three yellows."""
    r = min(size) * 0.27
    middle, tilt = (size[0] * rng.uniform(0.42, 0.58), size[1] * rng.uniform(0.36, 0.5)), rng.uniform(-0.6, 0.6)
    steps = [step / 40 for step in range(41)]
    outer = [_turned(middle, r, math.radians(20 + 140 * t), tilt, lift=0.0) for t in steps]
    inner = [_turned(middle, r * 1.294, math.radians(43.5 + 93 * t), tilt, lift=0.55 * r) for t in steps]
    for share, ink in ((1.0, (206, 150, 30)), (0.8, (248, 202, 58)), (0.34, (255, 230, 128))):
        edge = [(a + (c - a) * share, b + (d - b) * share) for (a, b), (c, d) in zip(inner, outer, strict=True)]
        pen.polygon(edge + inner[::-1], ink)
    _ellipse(pen, outer[0], r * 0.05, r * 0.05, (92, 66, 30))
    _ellipse(pen, outer[-1], r * 0.04, r * 0.04, (120, 92, 36))


def _turned(middle: Point, radius: float, angle: float, tilt: float, *, lift: float) -> Point:
    """Return a point of an arc whose centre is lifted, with the whole turned about the middle."""
    x, y = radius * math.cos(angle), radius * math.sin(angle) - lift
    return middle[0] + x * math.cos(tilt) - y * math.sin(tilt), middle[1] + x * math.sin(tilt) + y * math.cos(tilt)


def _birds(pen: Pen, rng: Generator, tones: Palette, size: tuple[int, int]) -> None:
    side = min(size)
    for index in range(int(rng.integers(5, 9))):
        r = side * rng.uniform(0.012, 0.028)
        x, y = size[0] * (0.3 + 0.06 * index + rng.uniform(-0.03, 0.03)), size[1] * rng.uniform(0.14, 0.34)
        for lean in (-1, 1):
            wing = [
                (x, y),
                (x + lean * r * 0.9, y - r * 0.7),
                (x + lean * r * 2.0, y - r * 0.25),
                (x + lean * r * 0.9, y - r * 0.42),
            ]
            pen.polygon(wing, tones.near)


FIGURES: dict[str, Callable[[Pen, Generator, Palette, tuple[int, int]], None]] = {
    "balloon": _balloons,
    "boat": _boat,
    "kite": _kite,
    "cat": _cat,
    "house": _house,
    "banana": _banana,
    "bird": _birds,
}
