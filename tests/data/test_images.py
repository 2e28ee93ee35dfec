"""What becomes of uploads and outputs: which are taken as they are, which are mended, which are refused and how."""

import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import films
import pictures
import pytest
from PIL import Image, ImageCms

from data import shrinking
from data.errors import InvalidImage
from data.images import (
    ImageFacts,
    megabytes,
    plain_filename,
    prepare_reference,
    recognise,
    survey,
    thumbnail,
    thumbnails,
)
from data.shrinking import Fit

MB = 10**6
PIXELS = 64 * 10**6


USUAL = Fit(10 * MB, PIXELS)


def prepare(
    data: bytes, filename: str | None = "holiday.jpg", position: int | None = 2, *, fit: Fit = USUAL,
    max_bytes: int = 100 * MB,
):  # fmt: skip
    return prepare_reference(
        data, filename=filename, fit=fit, max_bytes=max_bytes, max_pixels=PIXELS, position=position
    )


def refusal(data: bytes, **options) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        prepare(data, **options)
    return caught.value


def opened(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def near(colour, expected, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, expected, strict=True))


RED = (230, 20, 20)


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (pictures.png(), ImageFacts("image/png", 640, 480)),
        (pictures.jpeg(), ImageFacts("image/jpeg", 640, 480)),
        (pictures.webp(), ImageFacts("image/webp", 640, 480)),
        (pictures.avif(), ImageFacts("image/avif", 640, 480)),
        (pictures.mpo(), ImageFacts("image/jpeg", 640, 480)),
        (pictures.phone_jpeg(), ImageFacts("image/jpeg", 480, 640)),
        (pictures.animated_webp(), ImageFacts("image/webp", 64, 48, animated=True)),
        (pictures.animated_png(), ImageFacts("image/png", 64, 48, animated=True)),
    ],
)
def test_a_whole_picture_is_recognised_as_a_viewer_shows_it(data, facts):
    assert recognise(data, max_pixels=PIXELS) == facts
    assert survey(data, max_pixels=PIXELS)[0] == facts


@pytest.mark.parametrize("make", [pictures.png, pictures.jpeg, pictures.webp, pictures.avif])
@pytest.mark.parametrize("side", [300, 2000])  # a large picture takes the way of reduced decoding
def test_a_file_cut_short_is_refused_wherever_it_was_cut(make, side):
    whole = make(side, side)
    for share in (0.02, 0.3, 0.6, 0.95):
        for reader in (recognise, survey):
            with pytest.raises(InvalidImage) as caught:
                reader(whole[: int(len(whole) * share)], max_pixels=PIXELS)
            assert caught.value.code == "damaged"


@pytest.mark.parametrize(
    "data", [pictures.web_page(), pictures.text_named_png(), b"", b'{"error": "expired"}', bytes(90)]
)
def test_a_provider_file_that_is_no_image_is_named_so_and_promises_nothing_about_money(data):
    with pytest.raises(InvalidImage) as caught:
        survey(data, max_pixels=PIXELS)
    assert caught.value.code == "not_an_image"
    assert "charged" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        pictures.png(),
        pictures.jpeg(),
        pictures.webp(),
        pictures.transparent_png(),
        pictures.palette_png(),
        pictures.deep_png(),
        pictures.phone_jpeg(orientation=1),
        pictures.wide_gamut_jpeg(),
    ],
)
def test_an_upload_that_needs_nothing_keeps_its_bytes(data):
    kept, facts, note = prepare(data)
    assert kept == data
    assert note is None
    assert facts == recognise(data, max_pixels=PIXELS)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_phone_picture_is_stored_upright_and_without_its_gps_position(orientation):
    data = pictures.phone_jpeg(orientation=orientation)
    mended, facts, note = prepare(data)
    upright = opened(mended)
    assert upright.size == (facts.width, facts.height) == ((480, 640) if orientation >= 5 else (640, 480))
    # where the stored top left corner belongs, by the EXIF standard
    x, y = {2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    corner = (20 + x * (upright.width - 40), 20 + y * (upright.height - 40))
    assert near(upright.getpixel(corner), RED)
    assert not upright.getexif()
    assert b"Pocket" not in mended
    assert note.startswith("rotated upright")


def test_turned_png_and_webp_stay_what_they_are_and_keep_their_transparency():
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "WEBP"):
        data = pictures.encoded(opened(pictures.transparent_png()), kind, exif=exif, lossless=True)
        mended, facts, _ = prepare(data)
        picture = opened(mended)
        assert facts == ImageFacts(f"image/{kind.lower()}", 480, 640)
        assert (picture.format, picture.mode) == (kind, "RGBA")
        assert picture.getpixel((240, 600))[3] == 0  # the right half is now the lower half
        assert picture.getpixel((240, 40))[3] == 255


def test_a_cmyk_jpeg_becomes_rgb():
    mended, facts, note = prepare(pictures.cmyk_jpeg())
    assert opened(mended).mode == "RGB"
    assert near(opened(mended).getpixel((20, 20)), RED, tolerance=25)
    assert facts == ImageFacts("image/jpeg", 320, 240)
    assert note == "CMYK converted to RGB" or note.startswith("CMYK converted to RGB, ")


def test_a_cmyk_jpeg_is_converted_by_its_own_profile():
    cyan = (255, 0, 0, 0)
    profiled, _, _ = prepare(pictures.cmyk_jpeg(pictures.green_cyan_cmyk_profile(), cyan))
    red, green, blue = opened(profiled).getpixel((100, 100))
    assert green > 150
    assert max(red, blue) < 100  # without the profile, cyan has as much blue as green
    assert "icc_profile" not in opened(profiled).info


def test_a_senseless_colour_profile_is_ignored():
    for profile in (b"no profile", pictures.display_p3_profile()):  # an RGB profile makes no sense for CMYK
        mended, _, _ = prepare(pictures.cmyk_jpeg(profile))
        assert near(opened(mended).getpixel((20, 20)), RED, tolerance=25)


def test_of_a_several_frame_phone_picture_the_first_is_taken():
    mended, _, note = prepare(pictures.mpo())
    assert opened(mended).format == "JPEG"
    assert near(opened(mended).getpixel((20, 20)), RED)
    assert note.startswith("first of several frames taken")


def test_avif_which_hardly_a_model_takes_is_converted():
    mended, facts, note = prepare(pictures.avif())
    assert (facts.mime, opened(mended).format) == ("image/jpeg", "JPEG")
    assert note.startswith("AVIF converted to JPEG")
    mended, facts, _ = prepare(pictures.encoded(opened(pictures.transparent_png()), "AVIF", speed=10))
    assert (facts.mime, opened(mended).mode) == ("image/png", "RGBA")


def test_the_note_says_how_the_size_changed():
    data = pictures.phone_jpeg(3000, 2000) + bytes(3 * MB)
    mended, _, note = prepare(data)
    assert note == f"rotated upright, {megabytes(len(data))} → {megabytes(len(mended))} MB"


def test_a_mended_picture_keeps_its_pixels_where_a_lower_quality_makes_it_fit():
    data = pictures.encoded(Image.effect_noise((900, 900), 90), "JPEG", quality=70, exif=_turned())
    mended, facts, note = prepare(data, fit=Fit(len(data) + 150_000, PIXELS))
    assert len(mended) <= len(data) + 150_000
    assert (facts.width, facts.height) == (900, 900)
    assert "to fit" not in note


def test_a_picture_of_too_many_bytes_is_made_smaller_upright_and_the_note_says_how():
    noise = Image.effect_noise((600, 400), 90).convert("RGB")
    data = pictures.encoded(noise, "JPEG", quality=95, exif=_turned())
    made, facts, note = prepare(data, fit=Fit(len(data) // 4, PIXELS))
    assert len(made) <= len(data) // 4
    assert opened(made).size == (facts.width, facts.height)
    assert facts.height / facts.width == pytest.approx(1.5, abs=0.02)
    assert f"rotated upright, 400 × 600 made {facts.width} × {facts.height} to fit" in note
    caught = refusal(data, fit=Fit(50, PIXELS))
    assert (caught.code, "cannot be made small enough" in str(caught)) == ("too_large", True)


def test_a_picture_of_too_many_pixels_is_scaled_to_what_the_model_takes():
    made, facts, note = prepare(pictures.png(1200, 900), fit=Fit(10 * MB, 270_000))
    assert (facts, opened(made).size) == (ImageFacts("image/png", 600, 450), (600, 450))
    assert note.startswith("1,200 × 900 made 600 × 450 to fit")


def test_a_png_too_heavy_becomes_jpeg_unless_something_shines_through():
    noise = Image.effect_noise((300, 300), 90)
    photo, drawing = noise.convert("RGB"), Image.merge("RGBA", [noise] * 4)
    screenshot = photo.convert("RGBA")  # with an alpha channel, all of it opaque
    for picture, kind in ((photo, "JPEG"), (screenshot, "JPEG"), (drawing, "PNG")):
        data = pictures.encoded(picture, "PNG")
        made, facts, note = prepare(data, fit=Fit(len(data) * 2 // 3, PIXELS))
        assert (opened(made).format, "PNG converted to JPEG" in note) == (kind, kind == "JPEG")
        assert (facts.width == 300) is (kind == "JPEG")


def test_a_png_that_stays_one_is_never_encoded_whole_in_vain(monkeypatch):
    noise = Image.effect_noise((300, 300), 90)
    data, tried, encode = pictures.encoded(Image.merge("RGBA", [noise] * 4), "PNG"), [], shrinking._encoded

    def told(picture, *how):
        tried.append(picture.width)
        return encode(picture, *how)

    monkeypatch.setattr("data.shrinking._encoded", told)
    prepare(data, fit=Fit(len(data) // 2, PIXELS))
    assert len(tried) <= 2
    assert max(tried) < 300


def test_no_more_than_two_uploads_are_mended_at_once(monkeypatch):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(*_):
        begun.release()
        go_on.wait(10)
        return b"", None, None

    monkeypatch.setattr("data.images._prepared", slow)
    with ThreadPoolExecutor(3) as pool:
        made = [pool.submit(prepare, pictures.png(8, 8)) for _ in range(3)]
        assert [begun.acquire(timeout=10), begun.acquire(timeout=10), begun.acquire(timeout=0.1)] == [True, True, False]
        go_on.set()
        assert [one.exception() for one in made] == [None] * 3


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


REFUSED = {
    "text": (pictures.text_named_png(), "not_an_image", "is text, not a picture."),
    "page": (pictures.web_page(), "not_an_image", "is a web page, not a picture."),
    "empty": (b"", "not_an_image", "is empty."),
    "noise": (random.Random(1).randbytes(5000), "not_an_image", "is not a picture of any known kind."),
    "heic": (pictures.heic(), "damaged", "is damaged or was not copied completely."),
    "video": (films.mp4(), "unsupported_format", "is a video; the models take still pictures."),
    "webm": (films.webm(), "unsupported_format", "is a video; the models take still pictures."),
    "gif": (pictures.animated_gif(), "unsupported_format", "is a GIF, which cannot be used here."),
    "svg": (b'<?xml version="1.0"?>\n<svg/>', "unsupported_format", "is of a format that cannot be used here."),
    "webp": (pictures.animated_webp(), "animated", "is animated; the models take still pictures."),
    "apng": (pictures.animated_png(), "animated", "is animated; the models take still pictures."),
    "half png": (pictures.truncated_png(), "damaged", "is damaged or was not copied completely."),
    "half jpeg": (pictures.truncated_jpeg(), "damaged", "is damaged or was not copied completely."),
    "bomb": (
        pictures.huge_header_png(),
        "too_many_pixels",
        "has more than 200 million pixels; the limit is 64 million.",
    ),
    "wide": (
        pictures.huge_header_png(12_000, 9_000),
        "too_many_pixels",
        "has 108 million pixels (12,000 × 9,000); the limit is 64 million.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_is_wrong_that_nothing_was_charged_and_what_to_do(name):
    data, code, fact = REFUSED[name]
    caught = refusal(data)
    assert (caught.code, caught.field) == (code, "references.2")
    opening = f"Image 2 (holiday.jpg) {fact} Nothing was charged. "
    assert str(caught).startswith(opening)
    advice = str(caught).removeprefix(opening)
    assert advice[0].isupper()
    assert advice.endswith(".")


def test_a_file_over_the_limit_is_refused_with_both_numbers():
    data = pictures.large_jpeg(11)
    caught = refusal(data, max_bytes=10 * MB)
    assert str(caught) == (
        f"Image 2 (holiday.jpg) is {megabytes(len(data))} MB; the limit is 10 MB. Nothing was charged. "
        "Save it smaller, for example as JPEG, and add it again."
    )
    assert caught.code == "too_large"


def test_a_size_just_over_the_limit_does_not_look_equal_to_it():
    assert (megabytes(10 * MB), megabytes(10 * MB + 1), megabytes(14_200_000), megabytes(0)) == (
        "10",
        "10.1",
        "14.2",
        "0",
    )


def test_refusals_name_the_picture_as_well_as_they_can():
    assert str(refusal(b"", filename=None)).startswith("Image 2 is empty.")
    assert str(refusal(b"", filename="a.png", position=None)).startswith("a.png is empty.")
    assert str(refusal(b"", filename=None, position=None)).startswith("The picture is empty.")
    assert refusal(b"", position=None).field == "references"


def test_an_uploaded_name_keeps_no_folder_and_no_trick_characters():
    assert plain_filename("C:\\Users\\me\\cat.png") == "cat.png"
    assert plain_filename("../../etc/passwd") == "passwd"
    assert plain_filename("a\u202egnp.exe\n\x00") == "agnp.exe"
    assert plain_filename("沙丘上的红鸢.png") == "沙丘上的红鸢.png"
    assert plain_filename("x" * 300 + ".jpeg").endswith("x.jpeg")
    assert len(plain_filename("x" * 300)) <= 100
    assert plain_filename("") is plain_filename(None) is plain_filename("\n/") is None


CHILD = """
import resource, sys
from data.images import recognise, survey, prepare_reference
from data.errors import InvalidImage
recognise(open(sys.argv[1], "rb").read(), max_pixels=64_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bomb = open(sys.argv[2], "rb").read()
for read in (recognise, survey, lambda data, max_pixels: prepare_reference(
        data, filename="a.png", max_bytes=10**7, max_pixels=max_pixels)):
    try:
        read(bomb, max_pixels=64_000_000)
    except InvalidImage as error:
        assert error.code == "too_many_pixels", error
    else:
        raise SystemExit("taken")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux only")
@pytest.mark.parametrize("bomb", [pictures.huge_header_png(), pictures.huge_header_png(13_000, 13_000)])
def test_a_picture_of_900_megapixels_is_refused_from_its_header_with_memory_flat(tmp_path, bomb):
    (tmp_path / "small.png").write_bytes(pictures.png(64, 64))
    (tmp_path / "bomb.png").write_bytes(bomb)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", CHILD, tmp_path / "small.png", tmp_path / "bomb.png"]
    grown = int(subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout)
    assert grown < 5_000  # kilobytes; decoding would take 500,000 and more


@pytest.mark.parametrize(
    "make",
    [
        pictures.png,
        pictures.jpeg,
        pictures.webp,
        pictures.avif,
        pictures.transparent_png,
        pictures.palette_png,
        pictures.grey_alpha_png,
        pictures.bilevel_png,
        pictures.keyed_png,
        pictures.deep_png,
        pictures.cmyk_jpeg,
        pictures.mpo,
        pictures.animated_webp,
        pictures.animated_png,
        lambda: pictures.encoded(pictures.scene(mode="L"), "JPEG"),
        lambda: pictures.palette_png(transparent=True),
        lambda: pictures.encoded(Image.new("RGB", (5000, 1)), "PNG"),
    ],
)
def test_every_kind_of_picture_has_webp_thumbnails_that_are_never_enlarged(make):
    data = make()
    size = opened(data).size
    for edge, made in thumbnails(data).items():
        small = opened(made)
        assert small.format == "WEBP"
        assert max(small.size) == min(edge, max(size))
        assert not small.getexif()
        assert "icc_profile" not in small.info


def test_thumbnails_are_reduced_to_their_edge_and_keep_the_shape():
    data = pictures.jpeg(2600, 1300)
    assert {edge: opened(made).size for edge, made in thumbnails(data).items()} == {320: (320, 160), 1280: (1280, 640)}
    assert opened(thumbnail(data, 500)).size == (500, 250)


def test_thumbnails_stand_upright():
    for edge, made in thumbnails(pictures.phone_jpeg(2000, 1000)).items():
        small = opened(made)
        assert small.size == (edge // 2, edge)
        assert near(small.getpixel((small.width - 10, 10)), RED, tolerance=20)


def test_thumbnails_keep_transparency():
    for data in (pictures.transparent_png(), pictures.keyed_png()):
        small = opened(thumbnails(data)[320])
        assert small.mode == "RGBA"
        assert small.getextrema()[3] == (0, 255)


def test_thumbnails_show_16_bits_from_black_to_white():
    small = opened(thumbnails(pictures.deep_png())[320]).convert("L")
    assert [round(small.getpixel((x, 32)) / 32) for x in (0, 64, 128, 192, 255)] == [0, 2, 4, 6, 8]


def test_thumbnails_show_wide_gamut_colours_as_srgb():
    profile = ImageCms.ImageCmsProfile(BytesIO(pictures.display_p3_profile()))
    expected = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), (200, 60, 40)), profile, ImageCms.createProfile("sRGB")
    )
    assert expected.getpixel((0, 0))[0] > 210
    for made in thumbnails(pictures.wide_gamut_jpeg()).values():
        assert near(opened(made).getpixel((100, 100)), expected.getpixel((0, 0)), tolerance=8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pictures.png(48, 32),
        lambda: pictures.palette_png(transparent=True),
        lambda: pictures.encoded(
            pictures.scene(48, 32), "JPEG", exif=_turned(), icc_profile=pictures.display_p3_profile()
        ),
        lambda: pictures.encoded(
            pictures.scene(48, 32, "CMYK"), "JPEG", icc_profile=pictures.green_cyan_cmyk_profile()
        ),
        lambda: pictures.encoded(pictures.scene(48, 32), "JPEG", progressive=True),
        lambda: pictures.encoded(pictures.scene(48, 32), "WEBP", exif=_turned()),
        lambda: pictures.encoded(pictures.scene(48, 32), "MPO", save_all=True, append_images=[pictures.scene(48, 32)]),
        lambda: pictures.avif(48, 32),
        pictures.animated_png,
        pictures.animated_webp,
    ],
)
def test_of_flipped_and_cut_bytes_only_invalid_image_ever_escapes(make):
    whole, dice = make(), random.Random(7)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            # half of all hits in the first 200 bytes, where the structure is
            broken[dice.randrange(min(len(broken), dice.choice((200, len(broken)))))] = dice.randrange(256)
        if dice.random() < 0.3:
            del broken[dice.randrange(1, len(broken)) :]
        for read in (
            lambda data: survey(data, max_pixels=10**6),
            lambda data: recognise(data, max_pixels=10**6),
            prepare,
        ):
            with suppress(InvalidImage):
                read(bytes(broken))
