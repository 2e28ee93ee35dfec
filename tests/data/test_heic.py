"""A photo as iPhones make it is a reference like any other: upright, in its colours, and said to be converted."""

import io
import random
import subprocess
import sys
from contextlib import suppress
from itertools import count
from types import FrameType
from typing import Any

import heics
import pictures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from data import heic, heic_boxes, images, isolated
from data.errors import InvalidImage
from data.heic_boxes import BROKEN, Boxes
from data.image_flaws import Flaw
from data.shrinking import Fit

LIMIT = 64_000_000
PHOTO = heics.drawn(300, 200)


def corners(picture: Image.Image) -> list[tuple[int, ...]]:
    """The colours near the four corners, as in `heics.CORNERS`; within what HEVC and JPEG leave of them."""
    right, low = picture.width - 12, picture.height - 12
    found = [picture.convert("RGB").getpixel(place) for place in ((12, 12), (right, 12), (12, low), (right, low))]
    return [min(heics.CORNERS, key=lambda one: sum(abs(a - b) for a, b in zip(one, each, strict=True)))
            for each in found if min(max(abs(a - b) for a, b in zip(one, each, strict=True))
                                     for one in heics.CORNERS) <= 6]  # fmt: skip


TL, TR, BL, BR = heics.CORNERS
SHOWN = {
    "one picture": ({}, (300, 200), [TL, TR, BL, BR]),
    "a grid": ({"tile": 128}, (300, 200), [TL, TR, BL, BR]),
    "narrow range": ({"tile": 128, "full_range": False}, (300, 200), [TL, TR, BL, BR]),
    "said beside": ({"colour": b"nclx" + bytes([0, 1, 0, 13, 0, 6, 0x80])}, (300, 200), [TL, TR, BL, BR]),
    "turned": ({"tile": 128, "changes": (heics.turned(1),)}, (200, 300), [TR, BR, TL, BL]),
    "upside down": ({"changes": (heics.turned(2),)}, (300, 200), [BR, BL, TR, TL]),
    "mirrored": ({"changes": (heics.mirrored(1),)}, (300, 200), [TR, TL, BR, BL]),
    "mirrored upright": ({"changes": (heics.mirrored(0),)}, (300, 200), [BL, BR, TL, TR]),
    "turned, then mirrored": ({"changes": (heics.turned(1), heics.mirrored(1))}, (200, 300), [BR, TR, BL, TL]),
    "cut": ({"changes": (heics.cut(100, 60, 90, 60),)}, (100, 60), [BR, BR, BR, BR]),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_photo_is_shown_as_its_boxes_say(name: str) -> None:
    options, size, colours = SHOWN[name]
    picture = heic.opened(heics.heic(PHOTO, **options), LIMIT)
    assert (picture.size, picture.mode, corners(picture)) == (size, "RGB", colours)


def prepared(data: bytes, fit: Fit | None = None, **limits: int) -> tuple[bytes, images.ImageFacts, str | None]:
    most = {"max_bytes": 10**8, "max_pixels": LIMIT} | limits
    return images.prepare_reference(data, filename="IMG_1.HEIC", fit=fit, **most)


def test_it_becomes_a_jpeg_that_fits_and_says_what_was_done() -> None:
    data, facts, note = prepared(heics.heic(PHOTO, tile=128, changes=(heics.turned(1),)), Fit(10**7, 15_000))
    assert (facts.mime, facts.width, facts.height) == ("image/jpeg", 100, 150)
    assert note == "HEIC converted to JPEG, 200 × 300 made 100 × 150 to fit"
    picture = Image.open(io.BytesIO(data))
    assert (picture.size, corners(picture), dict(picture.getexif())) == ((100, 150), [TR, BR, TL, BL], {})


def test_its_colours_are_made_srgb_by_the_profile_that_phones_put_in() -> None:
    profile = pictures.display_p3_profile()
    picture = Image.open(io.BytesIO(prepared(heics.heic(PHOTO, colour=b"prof" + profile))[0]))
    expected = ImageCms.profileToProfile(
        PHOTO, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    found, wanted = picture.getpixel((280, 20)), expected.getpixel((280, 20))
    assert wanted != TR
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 6


def refusal(data: bytes, **limits: int) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        prepared(data, **limits)
    assert "Nothing was charged." in str(caught.value)
    return caught.value


REFUSED = {
    "cut short": (lambda: heics.heic(PHOTO)[:-40], "damaged"),
    "without a tile": (lambda: heics.heic(PHOTO, tile=128, lacks=1), "damaged"),
    "a tile too small": (lambda: heics.heic(PHOTO, claims=(2000, 2000)), "damaged"),
    "only a head": (pictures.heic, "damaged"),
    "huge": (lambda: heics.heic(PHOTO, claims=(60_000, 50_000)), "too_many_pixels"),
    "huge grid": (lambda: heics.heic(PHOTO, tile=128, claims=(60_000, 50_000)), "too_many_pixels"),
    "of no size": (lambda: heics.heic(PHOTO, claims=(0, 200)), "damaged"),
    "HDR": (lambda: heics.heic(PHOTO, colour=b"nclx" + bytes([0, 9, 0, 16, 0, 9, 0x80])), "unsupported_format"),
    "of an unknown kind": (lambda: heics.heic(PHOTO, essential=b"novl"), "unsupported_format"),
    "turned for ever": (lambda: heics.heic(PHOTO, changes=(heics.turned(1),) * 40), "unsupported_format"),
    "cut beyond": (lambda: heics.heic(PHOTO, changes=(heics.cut(900, 60),)), "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence(name: str) -> None:
    make, code = REFUSED[name]
    assert refusal(make()).code == code


def test_the_limits_are_those_of_every_reference() -> None:
    data = heics.heic(PHOTO)
    assert refusal(data, max_pixels=300 * 200 - 1).code == "too_many_pixels"
    assert refusal(data, max_bytes=len(data) - 1).code == "too_large"


def test_no_table_in_it_is_walked_for_ever() -> None:
    data = bytearray(heics.heic(PHOTO))
    at = data.index(b"iloc") + 8
    data[at : at + 4] = b"\x00\x00\xff\xff"  # as many places as fit, and none of them takes a byte
    assert refusal(bytes(data)).code == "damaged"


CROWDS = {
    "masks among references": {"alphas": 4_000, "references": 4_000},
    "tiles of many properties": {"side": 32, "tiles": 32, "properties": 30_000, "stretch": b"x"},
}


@pytest.mark.parametrize("name", CROWDS)
def test_however_often_its_boxes_name_one_another_it_is_soon_read(name: str) -> None:
    data, read = heics.crowded(**CROWDS[name]), count()

    def step(frame: FrameType, event: str, _: object) -> Any:
        """Counts the lines of the reader, each turn of a loop among them."""
        if event == "line":
            next(read)
        return step if frame.f_code.co_filename == heic_boxes.__file__ else None

    before = sys.gettrace()
    sys.settrace(step)
    try:
        boxes = Boxes(data)
        with suppress(*BROKEN):
            boxes.plan(boxes.main, LIMIT)
        assert boxes.alpha() is None
    finally:
        sys.settrace(before)
    assert next(read) < 20 * len(data)


def test_as_many_tiles_as_are_read_fit_into_what_the_program_is_told() -> None:
    assert refusal(heics.crowded(side=32, tiles=64, stretch=b"x")).code == "damaged"  # it was run, and found no HEVC
    assert refusal(heics.crowded(side=32, tiles=65, stretch=b"x")).code == "unsupported_format"
    assert refusal(heics.crowded(side=250, tiles=255)).code == "unsupported_format"


def test_tiles_of_no_bytes_are_damage_that_no_program_is_asked_about(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(heic, "_PROGRAM", tmp_path / "there_is_none.py")
    assert refusal(heics.crowded(side=2, tiles=2)).code == "damaged"


@given(st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_a_broken_container_is_a_flaw_and_nothing_worse(chance: random.Random) -> None:
    data = bytearray(CONTAINER)
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(len(data) - 400)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    boxes = None
    with suppress(Flaw, *BROKEN):
        boxes = Boxes(bytes(data))
        plan = boxes.plan(boxes.main, LIMIT)
        assert plan.width * plan.height <= LIMIT


CONTAINER = heics.heic(PHOTO, tile=128, changes=(heics.turned(1),))


@pytest.mark.parametrize("seed", range(6))
def test_broken_pictures_in_it_end_in_a_picture_or_in_a_sentence(seed: int) -> None:
    chance, data = random.Random(seed), bytearray(heics.heic(PHOTO))
    start = data.index(b"mdat") + 8
    for _ in range(40):
        data[chance.randrange(start, len(data))] = chance.randrange(256)
    with suppress(InvalidImage):
        assert prepared(bytes(data))[1].width == 300


def test_a_program_that_dies_or_does_not_start_costs_one_file_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    program = tmp_path / "program.py"
    monkeypatch.setattr(heic, "_PROGRAM", program)
    program.write_text("import os, signal\nprint('ready', flush=True); os.kill(os.getpid(), signal.SIGSEGV)")
    assert refusal(heics.heic(PHOTO)).code == "damaged"
    program.write_text("import no_such_module")
    assert "just now" in str(refusal(heics.heic(PHOTO)))
    program.write_text(
        "import sys, time\nprint('ready', flush=True); time.sleep(20); sys.stdout.buffer.write(bytes(300 * 200 * 3))"
    )
    monkeypatch.setattr(isolated, "SECONDS", 2)  # had it been waited for, a picture would have come
    assert refusal(heics.heic(PHOTO)).code == "damaged"


@pytest.mark.skipif(sys.platform != "linux", reason="limits and their signals as Linux has them")
def test_the_program_takes_its_limits_before_it_looks_at_the_file(tmp_path) -> None:
    (tmp_path / "photo").write_bytes(b"x")
    code = (
        "import runpy, socket, sys, resource\n"
        "tiles = runpy.run_path(sys.argv[1])\n"
        "tiles['_take_limits']({'cpu': 60, 'memory': 2 << 30})\n"
        "for attempt in (lambda: open('y', 'wb'), lambda: open('photo'), socket.socket):\n"
        "    try: attempt()\n"
        "    except OSError as error: print(error.errno)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1], resource.getrlimit(resource.RLIMIT_CPU)[1])\n"
    )
    command = [sys.executable, "-c", code, heic._PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["24", "24", "24", str(2 << 30), "60"], done.stderr


def test_an_avif_that_begins_alike_is_left_to_pillow() -> None:
    brands = b"mif1" + bytes(4) + b"avifmif1"
    assert not heic.is_heic(len(brands + b"12345678").to_bytes(4) + b"ftyp" + brands)
    assert heic.is_heic(heics.heic(PHOTO, brand=b"mif1"))


def test_what_a_provider_sends_is_still_no_heic() -> None:
    with pytest.raises(InvalidImage):
        images.survey(heics.heic(PHOTO), max_pixels=LIMIT)
