"""What thumbnails cost: ours against Pillow's full decoding of the same picture, which nobody can do without.

Run it by hand. CPU time of one thread; every round runs each candidate once in shuffled order, ratios are taken inside
the round, and the median counts. The pictures are noise of many sizes under a gradient, which decodes and compresses
about as a photograph does; a flat one would be unfairly cheap.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageChops

from data import images

SIDES = (1024, 2048, 4096)
KINDS = {"PNG": {}, "JPEG": {"quality": 92}, "WEBP": {"quality": 90}}
AIMS = {("PNG", 2048, "320"): 1.3, ("PNG", 2048, "both"): 2.6}


def photograph(side: int) -> Image.Image:
    """Coarse and fine noise in each colour, as leaves, sand and skin have."""
    bands = []
    for turn in range(3):
        band = Image.radial_gradient("L").resize((side, side)).rotate(90 * turn)
        for size, strength in ((8, 90), (64, 50), (256, 24), (side // 2, 10), (side, 4)):
            grain = Image.effect_noise((size, size), strength).resize((side, side), Image.Resampling.BICUBIC)
            band = ImageChops.add(band, grain, scale=1, offset=-128)
        bands.append(band)
    return Image.merge("RGB", bands)


def decoded(data: bytes) -> None:
    """The limit."""
    with Image.open(BytesIO(data)) as picture:
        picture.load()


def textbook(data: bytes) -> None:
    """Two Lanczos reductions from full size and Pillow's default effort."""
    with Image.open(BytesIO(data)) as picture:
        for edge in images.EDGES:
            small = picture.convert("RGB")
            small.thumbnail((edge, edge), Image.Resampling.LANCZOS)
            small.save(BytesIO(), "WEBP", quality=78)


CANDIDATES: dict[str, Callable[[bytes], object]] = {
    "decode": decoded,
    "320": lambda data: images.thumbnail(data, 320),
    "both": lambda data: images.survey(data, max_pixels=images.OUTPUT_MAX_PIXELS),
    "textbook": textbook,
}


def measured(data: bytes, rounds: int) -> dict[str, list[float]]:
    """CPU milliseconds of each candidate, round by round."""
    found: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for number in range(rounds + 1):
        for name, run in random.sample(list(CANDIDATES.items()), len(CANDIDATES)):
            before = time.thread_time()
            run(data)
            if number:  # the first round warms up
                found[name].append((time.thread_time() - before) * 1000)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sides", type=int, nargs="*", default=SIDES)
    asked = parser.parse_args()
    others = [name for name in CANDIDATES if name != "decode"]
    print(f"{'picture':<12}{'MB':>6}{'decode ms':>11}" + "".join(f"{f'{name} ÷ decode':>20}" for name in others))
    for side in asked.sides:
        picture = photograph(side)
        for kind, options in KINDS.items():
            out = BytesIO()
            picture.save(out, kind, **options)
            found = measured(out.getvalue(), asked.rounds)
            line = f"{side}² {kind:<6}{out.tell() / 1e6:>6.1f}{statistics.median(found['decode']):>11.0f}"
            for name in others:
                ratio = statistics.median(a / b for a, b in zip(found[name], found["decode"], strict=True))
                aim = AIMS.get((kind, side, name))
                line += f"{f'{ratio:.2f}' + (f' (aim {aim})' if aim else ''):>20}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
