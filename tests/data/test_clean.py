"""A clean copy promises: the same pixels, the same colours, the same way up, and not a word of where it comes from."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO

import pictures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from data.clean import cleaned
from data.errors import InvalidImage

SECRET = b"a secret prompt"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = SECRET.decode()
    return block.tobytes()


def told_png() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", SECRET.decode())
    words.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    data = pictures.encoded(pictures.scene(), "PNG", pnginfo=words, exif=exif(), icc_profile=PROFILE)
    claim = b"caBX" + SECRET  # provenance (C2PA)
    return (
        data[:33] + struct.pack(">L", len(SECRET)) + claim + struct.pack(">L", zlib.crc32(claim)) + data[33:] + SECRET
    )


def told_jpeg(**options: object) -> bytes:
    facts = {"exif": exif(), "comment": SECRET, "xmp": SECRET, "icc_profile": PROFILE, "dpi": (300, 300)}
    data = pictures.jpeg(**{**facts, **options})
    return data[:2] + b"\xff\xeb" + struct.pack(">H", 2 + len(SECRET)) + SECRET + data[2:] + SECRET


def told_webp() -> bytes:
    return pictures.encoded(pictures.scene(), "WEBP", exif=exif(), xmp=SECRET, icc_profile=PROFILE)


TOLD = {
    "png": (told_png, "image/png"),
    "jpeg": (told_jpeg, "image/jpeg"),
    "progressive": (lambda: told_jpeg(progressive=True), "image/jpeg"),
    "webp": (told_webp, "image/webp"),
}


@pytest.mark.parametrize("kind", TOLD)
def test_a_clean_copy_has_the_same_pixels_and_colours_and_says_nothing(kind: str) -> None:
    make, mime = TOLD[kind]
    told = make()
    copy, copy_mime = cleaned(told)
    assert copy_mime == mime
    assert SECRET in told
    assert SECRET not in copy
    with Image.open(BytesIO(told)) as before, Image.open(BytesIO(copy)) as after:
        assert after.tobytes() == before.tobytes()
        assert after.info["icc_profile"] == PROFILE
        assert not after.getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_clean_copy_stands_as_its_original_does(kind: str, orientation: int) -> None:
    data = pictures.encoded(pictures.scene(64, 48), kind, exif=exif(orientation))
    copy, _ = cleaned(data)
    assert SECRET not in copy
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(copy)) as after:
        assert ImageOps.exif_transpose(after).tobytes() == ImageOps.exif_transpose(before).tobytes()


@pytest.mark.parametrize("make", [pictures.transparent_png, pictures.palette_png, pictures.grey_alpha_png,
                                  pictures.bilevel_png, pictures.keyed_png, pictures.deep_png,
                                  pictures.phone_jpeg])  # fmt: skip
def test_whatever_kind_of_picture_it_is_its_pixels_stay(make) -> None:
    data = make()
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(cleaned(data)[0])) as after:
        assert (after.mode, after.tobytes()) == (before.mode, before.tobytes())


@given(st.sampled_from([told_png(), told_jpeg(), told_webp()]), st.integers(2, 400), st.binary(min_size=1, max_size=4))
def test_a_broken_picture_is_refused_and_nothing_worse(told: bytes, at: int, junk: bytes) -> None:
    for broken in (told[:at], told[:at] + junk, told[:at] + junk + told[at + len(junk) :]):
        with suppress(InvalidImage):
            cleaned(broken)


def test_what_cannot_be_cleaned_is_said() -> None:
    with pytest.raises(InvalidImage) as refused:
        cleaned(pictures.avif(64, 64))
    assert refused.value.code == "unsupported_format"
