"""Landscapes: mountains, sea, dunes, forest and city, each built from a sky and layers that fade into its haze."""

import numpy as np
from PIL import Image

from .brush import (
    Array,
    Generator,
    below,
    cloud,
    colour,
    disc,
    gradient,
    grid,
    line,
    mix,
    screen,
    smooth,
    to_canvas,
    to_image,
)
from .palettes import Palette


def sky(rng: Generator, tones: Palette, width: int, height: int, horizon: float) -> tuple[Array, tuple[float, float]]:
    """Paint sky, sun or moon, stars and clouds; return the canvas and where the light stands in pixels."""
    stops = [(0.0, tones.top), (horizon * 0.55, tones.middle), (horizon, tones.horizon), (1.0, tones.horizon)]
    canvas = gradient(width, height, stops)
    side = min(width, height)
    centre = (width * rng.uniform(0.22, 0.78), height * horizon * rng.uniform(0.34, 0.78))
    if tones.night:
        canvas = _stars(rng, canvas, horizon)
    drift = cloud(rng, width, height, (3, 9), 5)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    veil = smooth(drift, 0.5, 0.78) * np.clip(1.15 - np.abs(y / horizon - 0.62) * 1.7, 0, 1)
    canvas = mix(canvas, mix(colour(tones.horizon), colour(tones.light), 0.45), veil * (0.28 if tones.night else 0.55))
    radius = side * rng.uniform(0.055, 0.1) * (0.8 if tones.night else 1.0)
    mask, distance = disc(width, height, centre, radius)
    light = colour(tones.light)
    glow = np.exp(-distance * 0.38) * 0.55 + np.exp(-distance * 0.1) * 0.22
    canvas = screen(canvas, mix(light, colour(tones.accent), 0.35), np.asarray(glow, np.float32))
    return mix(canvas, mix(light, np.ones(3, np.float32), 0.4), mask), centre


def _stars(rng: Generator, canvas: Array, horizon: float) -> Array:
    height, width = canvas.shape[:2]
    band = smooth(cloud(rng, width, height, (3, 3), 4), 0.45, 0.8)
    canvas = screen(canvas, np.asarray([0.35, 0.4, 0.62], np.float32), band * 0.35)
    count = width * height // 1500
    xs, ys = rng.integers(1, width - 1, count), (rng.random(count) ** 1.4 * horizon * height * 0.95).astype(int)
    shine = (rng.random(count) ** 4 * 0.9 + 0.12).astype(np.float32)
    canvas[ys, xs] = np.minimum(canvas[ys, xs] + shine[:, None], 1)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        canvas[np.maximum(ys + dy, 0), xs + dx] += (shine**2 * 0.35)[:, None]
    return np.minimum(canvas, 1)


def _layer(canvas: Array, crest: Array, tone: Array, haze: Array, depth: float) -> Array:
    """Lay a ridge over the canvas; its foot fades into the haze over `depth` pixels."""
    height = canvas.shape[0]
    y = np.arange(height, dtype=np.float32)[:, None]
    fade = smooth(y - crest[None, :], 0, depth) * 0.62
    return mix(canvas, mix(tone[None, None, :], haze, fade), below(crest, height))


def mountains(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint ranges of mountains, one behind the other, with snow or trees where the palette calls for them."""
    horizon = rng.uniform(0.52, 0.64)
    canvas, centre = sky(rng, tones, width, height, horizon)
    haze, far, near = colour(tones.horizon), colour(tones.far), colour(tones.near)
    count = int(rng.integers(5, 7))
    for index in range(count):
        share = index / (count - 1)
        base = height * (horizon - 0.05 + 0.42 * share**1.25)
        rise = height * (0.2 - 0.1 * share)
        shape = line(rng, width, 2.2 + 2.5 * share, 7, 0.52)
        crest = base - rise * (np.abs(shape) ** 1.1 * 1.5 - 0.35)
        tone = mix(mix(haze, far, 0.5 + 0.5 * min(share * 2.2, 1)), near, max(share - 0.25, 0) / 0.75)
        canvas = _layer(canvas, crest, tone, mix(haze, tone, 0.35 + 0.5 * share), height * 0.3)
        if index < 3:
            canvas = _lit(rng, canvas, crest, sun_x=centre[0], tones=tones, strength=1 - share)
    return _pines(rng, canvas, tones, 0.93, 1.0)


def _lit(rng: Generator, canvas: Array, crest: Array, *, sun_x: float, tones: Palette, strength: float) -> Array:
    """Light the slopes that face the sun, as snow where the palette is cold."""
    height, width = canvas.shape[:2]
    y = np.arange(height, dtype=np.float32)[:, None]
    slope = np.gradient(np.convolve(np.pad(crest, 30, mode="edge"), np.ones(61) / 61, "valid"))
    facing = np.clip(slope * np.sign(np.arange(width) - sun_x) * -1.1 + 0.3, 0, 1)
    folds = _sheared(cloud(rng, width, height, (16, 9), 4), crest)
    deep = (y - crest[None, :]) / height
    reach = 0.16 if tones.name in ("snow", "dawn", "night") else 0.1
    patch = smooth(facing[None, :] * 0.42 + folds * 0.9 - deep / reach, 0.4, 0.6) * below(crest, height)
    return mix(canvas, mix(colour(tones.light), colour(tones.horizon), 0.35), patch * 0.62 * strength)


def _sheared(noise: Array, crest: Array) -> Array:
    """Shift noise sideways with depth, away from the crest's slope, so that folds run down the flanks."""
    height, width = noise.shape
    lean = np.gradient(np.convolve(np.pad(crest, 45, mode="edge"), np.ones(91) / 91, "valid"))
    y = np.arange(height)[:, None]
    columns = np.arange(width)[None, :] - (y - crest[None, :]) * np.clip(lean, -0.9, 0.9)[None, :] * 1.1
    return np.asarray(np.take_along_axis(noise, np.clip(columns, 0, width - 1).astype(int), 1))


def _pines(rng: Generator, canvas: Array, tones: Palette, place: float, size: float) -> Array:
    """Stand a row of conifers along the lower edge."""
    height, width = canvas.shape[:2]
    ground = height * place + line(rng, width, 2.5, 4) * height * 0.035
    crest = ground.copy()
    x = np.arange(width, dtype=np.float32)
    for _ in range(int(46 * size)):
        at = rng.uniform(0, width)
        tall = height * rng.uniform(0.05, 0.15) * size * (0.55 + 0.45 * abs(at / width - 0.5) * 2)
        half = tall * rng.uniform(0.17, 0.24)
        left, right = int(max(at - half, 0)), int(min(at + half + 1, width))
        if right - left < 3:
            continue
        away = np.abs(x[left:right] - at) / half
        teeth = 1 - away + 0.09 * np.sin(away * 26 + rng.random() * 6)
        crest[left:right] = np.minimum(crest[left:right], ground[int(min(max(at, 0), width - 1))] - tall * teeth)
    return mix(canvas, colour(tones.near) * 0.8, below(crest, height))


def ocean(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint the sea under a low light: swell, a path of glitter, and islands on the horizon."""
    horizon = rng.uniform(0.46, 0.58)
    canvas, centre = sky(rng, tones, width, height, horizon)
    far_land = height * (horizon - 0.012) - np.maximum(line(rng, width, 2.2, 6), 0) * height * 0.12
    canvas = _layer(canvas, far_land, mix(colour(tones.far), colour(tones.horizon), 0.35), colour(tones.horizon), 90)
    edge = int(height * horizon)
    rows = height - edge
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    water = gradient(width, rows, [(0, tones.horizon), (0.16, tones.middle), (0.6, tones.top), (1, tones.near)])
    if rows <= edge:  # the sky's colours lie on the water, but not its shapes
        above = to_image(np.flip(canvas[edge - rows : edge], 0)).resize((24, 12), Image.Resampling.BOX)
        water = mix(water, to_canvas(above.resize((width, rows), Image.Resampling.BICUBIC)), 0.38)
    x, _ = grid(width, rows)
    rough = _swell(rng, width, rows)
    water = mix(water, colour(tones.near), smooth(rough, 0.52, 0.72) * (0.18 + 0.4 * depth))
    water = mix(water, mix(colour(tones.light), colour(tones.horizon), 0.5), smooth(rough, 0.4, 0.22) * 0.5)
    path = np.exp(-(((x - centre[0]) / (width * (0.05 + 0.12 * depth))) ** 2))
    glitter = smooth(_swell(rng, width, rows), 0.5, 0.64) * path * (1 - 0.45 * depth)
    water = screen(water, colour(tones.light), np.asarray(glitter * 0.95 + path * 0.1, np.float32))
    canvas[edge:] = water
    return canvas


def _swell(rng: Generator, width: int, rows: int) -> Array:
    """Return wave noise that is fine at the horizon and broad in front."""
    flat = cloud(rng, width, rows * 2, (5, 44), 3)
    places = (np.linspace(0, 1, rows) ** 0.55 * (rows * 2 - 1)).astype(int)
    return np.asarray(flat[places], np.float32)


def dunes(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint dunes with a lit and a shaded flank and wind ripples on them."""
    horizon = rng.uniform(0.42, 0.52)
    canvas, centre = sky(rng, tones, width, height, horizon)
    x, y = grid(width, height)
    sunny, shade = mix(colour(tones.far), colour(tones.light), 0.3), mix(colour(tones.near), colour(tones.far), 0.25)
    for index in range(5):
        share = index / 4
        crest = height * (horizon + 0.02 + 0.38 * share**1.2) - line(
            rng, width, 1.4 + rng.random(), 2, 0.35
        ) * height * (0.05 + 0.07 * share)
        spine = (
            width * rng.uniform(0.2, 0.8)
            + (y - crest.min()) * rng.choice([-1, 1]) * rng.uniform(0.7, 1.9)
            + 20 * np.sin(y / height * 13)
        )
        flank = smooth((x - spine) * np.sign(centre[0] - width / 2 + 0.1), -width * 0.02, width * 0.006)
        tone = mix(shade[None, None, :], sunny[None, None, :], np.asarray(0.16 + 0.84 * flank, np.float32))
        bend = line(rng, width, 3, 2)[None, :] * 9
        ripple = np.sin((y - crest[None, :] * 0.8 + bend) / (2.2 + 3.6 * share)) * 0.032 * (0.3 + share)
        tone = mix(tone, colour(tones.horizon), (1 - share) * 0.5) + ripple[..., None]
        tone = mix(tone, colour(tones.near), smooth(y - crest[None, :], 0, height * 0.5) * 0.35 * share)
        canvas = mix(canvas, np.clip(tone, 0, 1), below(crest, height))
    return canvas


def forest(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint rows of conifers standing in mist, with shafts of light."""
    canvas, centre = sky(rng, tones, width, height, 0.55)
    haze, far, near = colour(tones.horizon), colour(tones.far), colour(tones.near)
    hill = height * 0.5 - line(rng, width, 2, 5) * height * 0.12
    canvas = _layer(canvas, hill, mix(haze, far, 0.55), haze, height * 0.25)
    x, y = grid(width, height)
    for index in range(6):
        share = (index + 1) / 6
        tone = mix(mix(haze, far, 0.75), near, share**1.3)
        row = canvas.copy()
        row = _pines_row(rng, row, tone, 0.5 + 0.56 * share, 0.5 + 1.5 * share)
        mist = smooth(y, height * (0.42 + 0.5 * share), height * (0.66 + 0.56 * share)) * (1 - share) * 0.8
        canvas = mix(row, haze, np.broadcast_to(mist, (height, width)).copy())
    angle = np.arctan2(x - centre[0], np.maximum(y - centre[1], 1))
    beams = smooth(np.interp(angle, np.linspace(-1.6, 1.6, 400), line(rng, 400, 13, 2)), -0.1, 0.9)
    fall = smooth(y, centre[1], centre[1] + height * 0.16) * np.clip(1 - (y - centre[1]) / (height * 0.75), 0, 1)
    return screen(canvas, colour(tones.light), np.asarray(beams * fall * 0.34, np.float32))


def _pines_row(rng: Generator, canvas: Array, tone: Array, place: float, size: float) -> Array:
    """Stand conifers with ragged boughs side by side; their feet are on the line `place`."""
    height, width = canvas.shape[:2]
    ground = height * place + line(rng, width, 3, 3) * height * 0.03
    crest = ground.copy()
    at = rng.uniform(-20, 20)
    while at < width + 20:
        tall = height * rng.uniform(0.11, 0.24) * size**0.8
        half = tall * rng.uniform(0.15, 0.21)
        left, right = int(max(at - half, 0)), int(min(at + half + 1, width))
        if right - left > 2:
            away = np.abs(np.arange(left, right) - at) / half
            boughs = 1 - away**0.82 + 0.1 * np.abs(np.sin(away * 19 + rng.random()))
            foot = ground[int(min(max(at, 0), width - 1))]
            crest[left:right] = np.minimum(crest[left:right], foot - tall * np.clip(boughs, 0, 1.05))
        at += half * rng.uniform(0.75, 2.3)
    return mix(canvas, tone, below(crest, height))


def city(rng: Generator, tones: Palette, width: int, height: int) -> Array:
    """Paint a skyline in three depths with lit windows, mirrored in wet ground."""
    horizon = 0.74
    canvas, _ = sky(rng, tones, width, height, horizon)
    edge = int(height * horizon)
    haze, far, near = colour(tones.horizon), colour(tones.far), colour(tones.near)
    lamps = np.stack([colour(tones.light), colour(tones.accent), mix(haze, colour(tones.light), 0.5)])
    for index in range(3):
        share = index / 2
        tone = mix(mix(haze, far, 0.65), near, share * 0.9)
        at = -rng.uniform(0, 30)
        while at < width:
            wide = int(width * rng.uniform(0.035, 0.085) * (0.8 + 0.5 * share))
            tall = height * rng.uniform(0.1, 0.5 - 0.12 * share) * (0.75 + 0.5 * rng.random())
            left, right, top = max(int(at), 0), min(int(at) + wide, width), max(int(edge - tall), 8)
            if right > left:
                _tower(rng, canvas, (left, top, right, edge), tone=tone, lamps=lamps, share=share)
            at += wide * rng.uniform(0.9, 1.35)
    rows = height - edge
    mirror = np.flip(canvas[edge - rows : edge], 0)
    shift = (line(rng, rows, 40, 2) * np.linspace(1, 9, rows)).astype(int)
    columns = np.clip(np.arange(width)[None, :] + shift[:, None], 0, width - 1)
    canvas[edge:] = mix(np.take_along_axis(mirror, columns[..., None], 1), near, 0.42)
    return canvas


def _tower(
    rng: Generator, canvas: Array, box: tuple[int, int, int, int], *, tone: Array, lamps: Array, share: float
) -> None:
    """Put one building with its windows onto the canvas."""
    left, top, right, bottom = box
    rise = np.linspace(0, 0.3, bottom - top, dtype=np.float32)[:, None, None]
    canvas[top:bottom, left:right] = tone * (1 - rise * 0.6) + lamps[1] * rise * 0.4
    step = 5 + int(4 * share)
    for y in range(top + step, bottom - step, step + 2):
        for x in range(left + 3, right - step, step):
            if rng.random() < 0.16 + 0.22 * share:
                canvas[y : y + step - 2, x : x + step - 3] = lamps[rng.integers(3)] * rng.uniform(0.45, 1.0)
    if rng.random() < 0.3:
        middle = (left + right) // 2
        canvas[max(top - 26, 0) : top, middle : middle + 2] = tone
