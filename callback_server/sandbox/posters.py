"""Pictures without a horizon: silk, soft lights, geometric posters and flowers."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .brush import Array, Generator, cloud, colour, gradient, grid, mix, screen, smooth, to_canvas
from .palettes import Palette


def silk(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint folds of silk: warped noise seen as height, lit from one side."""
    x, y = grid(width, height)
    angle = rng.uniform(0, np.pi)
    turn = np.asarray([np.cos(angle), np.sin(angle)], np.float32) * 3.4 / max(width, height)
    across = (x - width / 2) * turn[0] + (y - height / 2) * turn[1]
    along = (y - height / 2) * turn[0] - (x - width / 2) * turn[1]
    for step in range(1, 5):  # each turn bends the cloth the other way, more finely
        across = across + np.float32(0.75 / step) * np.sin(
            along * np.float32(step * 0.9) + np.float32(rng.uniform(0, 6))
        )
        along = along + np.float32(0.6 / step) * np.sin(across * np.float32(step * 1.1) + np.float32(rng.uniform(0, 6)))
    fold = across
    wave = np.sin(fold * 3.3 + np.sin(along * 1.3)) * 0.5 + 0.5
    stops = np.stack([colour(item) for item in tones.ramp()])
    place = np.clip((fold - fold.min()) / np.ptp(fold) * 0.8 + wave * 0.2, 0, 1) * (len(stops) - 1)
    canvas = np.stack([np.interp(place, np.arange(len(stops)), stops[:, i]) for i in range(3)], -1).astype(np.float32)
    slope = np.gradient(wave, axis=1) * np.cos(angle - 0.7) + np.gradient(wave, axis=0) * np.sin(angle - 0.7)
    slope = slope / (np.abs(slope).max() + 1e-6)
    canvas = canvas * (0.72 + 0.42 * wave + 0.5 * slope)[..., None]
    shine = smooth(slope, 0.3, 0.8) * smooth(wave, 0.3, 0.9)
    return screen(np.clip(canvas, 0, 1), colour(tones.light), shine * 0.6)


def bokeh(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint lights out of focus, small behind and large in front."""
    canvas = gradient(width, height, [(0, tones.near), (0.55, tones.top), (1, tones.near)])
    canvas = mix(canvas, colour(tones.middle), smooth(cloud(rng, width, height, (2, 2), 2), 0.45, 0.85) * 0.7)
    side = min(width, height)
    hues = [tones.light, tones.accent, tones.horizon, tones.middle, tones.accent]
    for share in (0.25, 0.55, 1.0):
        layer = Image.new("RGB", (width, height))
        pen = ImageDraw.Draw(layer, "RGBA")
        for _ in range(int(46 - 30 * share)):
            radius = side * rng.uniform(0.02, 0.1) * (0.3 + share)
            x, y = rng.uniform(0, width), height * (0.5 + rng.normal(0, 0.2))
            red, green, blue = hues[int(rng.integers(len(hues)))]
            box = (x - radius, y - radius, x + radius, y + radius)
            shine = int(rng.uniform(50, 150))
            pen.ellipse(
                box, (red, green, blue, shine), (red, green, blue, min(shine + 60, 255)), max(int(radius / 16), 1)
            )
        soft = layer.filter(ImageFilter.GaussianBlur(side * (0.001 + 0.006 * (1 - abs(share - 0.55) * 2))))
        canvas = screen(canvas, to_canvas(soft), np.full((height, width), 0.95, np.float32))
    return canvas


def poster(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Print a poster: quarter discs, arcs and bars on a square grid, with one tile left quiet."""
    scale = 2
    picture = Image.new("RGB", (width * scale, height * scale), tones.light)
    pen = ImageDraw.Draw(picture)
    cells = int(rng.integers(3, 5))
    tile = min(width, height) * scale / (cells + 0.7)
    across, down = int(width * scale // tile), int(height * scale // tile)
    left, top = (width * scale - across * tile) / 2, (height * scale - down * tile) / 2
    inks = [tones.top, tones.middle, tones.accent, tones.near, tones.far, tones.horizon]
    for row in range(down):
        for column in range(across):
            _tile(rng, pen, (left + column * tile, top + row * tile), tile, inks)
    canvas = to_canvas(picture.resize((width, height), Image.Resampling.BOX))
    paper = cloud(rng, width, height, (60, 60), 3)
    return np.asarray(canvas * (0.93 + 0.1 * paper[..., None]), np.float32)


def _tile(
    rng: Generator, pen: ImageDraw.ImageDraw, corner: tuple[float, float], tile: float, inks: list[tuple[int, int, int]]
) -> None:
    """Print one tile."""
    x, y = corner
    order = rng.permutation(len(inks))
    ground, figure, detail = (inks[order[i]] for i in range(3))
    kind = int(rng.integers(7))
    if kind == 0:
        return
    pen.rectangle((x, y, x + tile, y + tile), ground)
    cx, cy = x + tile * rng.integers(2), y + tile * rng.integers(2)
    if kind in (1, 2):
        start = {(0, 0): 0, (1, 0): 90, (1, 1): 180, (0, 1): 270}[(int(cx > x), int(cy > y))]
        for radius, ink in ((tile, figure), (tile * 0.62, detail), (tile * 0.28, ground))[: 1 + kind]:
            pen.pieslice((cx - radius, cy - radius, cx + radius, cy + radius), start, start + 90, ink)
    elif kind == 3:
        middle, radius = (x + tile / 2, y + tile / 2), tile * 0.36
        pen.ellipse((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), figure)
        pen.pieslice((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), 180, 360, detail)
    elif kind == 4:
        for bar in range(5):
            pen.rectangle((x, y + tile * bar / 5, x + tile, y + tile * (bar + 0.5) / 5), figure)
    elif kind == 5:
        pen.polygon([(x, y + tile), (x + tile, y + tile), (cx, y)], figure)
        pen.ellipse((x + tile * 0.4, y + tile * 0.62, x + tile * 0.6, y + tile * 0.82), detail)
    else:
        pen.pieslice((x, y - tile / 2, x + tile, y + tile / 2), 0, 180, figure)
        pen.pieslice((x, y + tile / 2, x + tile, y + tile * 1.5), 180, 360, detail)


def bloom(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint flowers of many petals, large in front and small behind, on a soft ground."""
    canvas = gradient(width, height, [(0, tones.middle), (0.6, tones.horizon), (1, tones.far)])
    canvas = mix(canvas, colour(tones.top), smooth(cloud(rng, width, height, (3, 3), 3), 0.4, 0.85) * 0.7)
    side = min(width, height)
    hues = [tones.accent, tones.light, tones.horizon, tones.accent]
    for index in range(8):
        share = index / 7
        centre = (width * rng.uniform(0.05, 0.95), height * rng.uniform(0.08, 0.95))
        if index == 7:
            centre = (width * rng.uniform(0.38, 0.62), height * rng.uniform(0.42, 0.58))
        radius = side * (0.1 + 0.2 * share**1.5) * rng.uniform(0.8, 1.2)
        canvas = _flower(rng, canvas, centre, radius=radius, hue=colour(hues[index % 4]), tones=tones)
    return canvas


def _flower(
    rng: Generator, canvas: Array, centre: tuple[float, float], *, radius: float, hue: Array, tones: Palette
) -> Array:
    """Lay rings of petals over each other, the outer ones first and darker."""
    height, width = canvas.shape[:2]
    left, right = max(int(centre[0] - radius * 1.25), 0), min(int(centre[0] + radius * 1.25), width)
    top, bottom = max(int(centre[1] - radius * 1.25), 0), min(int(centre[1] + radius * 1.25), height)
    if right - left < 4 or bottom - top < 4:
        return canvas
    x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(centre[0])
    y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(centre[1])
    away, angle = np.sqrt(x * x + y * y) / np.float32(radius), np.arctan2(y, x)
    part = canvas[top:bottom, left:right]
    part = mix(part, colour(tones.near), smooth(away, 1.2, 0.75) * 0.35)
    petals = int(rng.integers(6, 11))
    for ring in range(5):
        size = 1 - ring * 0.17
        turn = angle * np.float32(petals / 2) + np.float32(rng.uniform(0, 3))
        lobe = np.abs(np.cos(turn))
        edge = np.float32(size) * (0.66 + 0.34 * np.sqrt(lobe))
        inside = smooth(edge - away, 0, 3 / radius)
        shade = np.clip(away / edge, 0, 1)
        tone = mix(
            hue[None, None, :] * (0.62 + 0.08 * ring), mix(hue, colour(tones.light), 0.3 + 0.1 * ring), shade * shade
        )
        crease = 1 - 0.16 * (1 - lobe) - 0.05 * np.abs(np.sin(turn * 7)) * shade
        part = mix(part, tone * crease[..., None], inside)
    part = mix(part, colour(tones.near) * 0.6 + colour(tones.accent) * 0.4, smooth(away, 0.15, 0.1))
    canvas[top:bottom, left:right] = part
    return canvas
