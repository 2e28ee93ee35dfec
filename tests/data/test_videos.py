"""What becomes of a provider's video: known by its bytes, read by a process of its own, and refused in plain words."""

import json
import os
import random
import subprocess
import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import films
import pictures
import pytest
from PIL import Image

from data import isolated, videos
from data.errors import InvalidImage, ReaderDown, StorageError
from data.images import ImageFacts
from data.videos import kind, survey


def opened(webp: bytes) -> Image.Image:
    return Image.open(BytesIO(webp)).convert("RGB")


def near(colour, expected, tolerance: int = 16) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(colour, expected, strict=True))


def refusal(data: bytes) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        survey(data)
    return caught.value


@pytest.mark.parametrize(
    ("codec", "form", "flags", "mime"),
    [
        ("libx264", "mp4", "", "video/mp4"),
        ("libx264", "mp4", "frag_keyframe+empty_moov", "video/mp4"),
        ("libx264", "mov", "", "video/mp4"),
        ("libx265", "mp4", "", "video/mp4"),
        ("libsvtav1", "mp4", "", "video/mp4"),
        ("libvpx-vp9", "mp4", "", "video/mp4"),
        ("libvpx-vp9", "webm", "", "video/webm"),
        ("libvpx", "webm", "", "video/webm"),
        ("libsvtav1", "webm", "", "video/webm"),
    ],
)
def test_a_video_is_known_by_its_bytes_and_has_its_first_frame_as_thumbnail(codec, form, flags, mime):
    data = films.film(codec, form, flags=flags)
    assert kind(data[: videos.HEAD]) == mime
    facts, made = survey(data)
    assert facts == ImageFacts(mime, 320, 180, duration_ms=1000)
    for edge in (320, 1280):
        poster = opened(made[edge])
        assert poster.size == (320, 180)  # never enlarged
        assert near(poster.getpixel((10, 10)), films.BLUE)
        assert near(poster.getpixel((75, 75)), films.RED)  # where the square has grown to in later frames
        assert near(poster.getpixel((310, 170)), films.RED)


@pytest.mark.parametrize(
    "data",
    [
        pictures.png(8, 8), pictures.jpeg(8, 8), pictures.webp(8, 8), pictures.avif(8, 8), pictures.heic(), b"",
        pictures.web_page(), films.film(form="matroska"), b"\0\0\0\x18ftyp",
    ],
)  # fmt: skip
def test_pictures_and_whatever_browsers_do_not_play_are_no_videos(data):
    assert kind(data[: videos.HEAD]) is None or refusal(data)


@pytest.mark.parametrize("make", [films.mp4, films.webm])
def test_sound_is_kept_and_counts_for_nothing_else(make):
    facts, _ = survey(make(sounds=1))
    assert (facts.width, facts.height) == (320, 180)
    assert 1000 <= facts.duration_ms < 1100


def test_of_two_films_in_one_file_the_first_counts_as_it_does_in_a_browser():
    facts, _ = survey(films.mp4(films=2))
    assert (facts.width, facts.height, facts.duration_ms) == (320, 180, 1000)


def test_a_large_film_has_both_thumbnails_and_its_colours_as_a_player_shows_them():
    facts, made = survey(films.mp4(size=(1920, 1080), frames=2))
    assert (facts.width, facts.height) == (1920, 1080)
    assert {edge: opened(webp).size for edge, webp in made.items()} == {320: (320, 180), 1280: (1280, 720)}
    # PyAV writes BT.601 and names nothing; of such a size players take BT.709, and so the red comes out a little other.
    assert near(opened(made[1280]).getpixel((1200, 700)), (212, 72, 35), tolerance=6)


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_a_film_that_players_turn_has_an_upright_thumbnail(turn):
    facts, made = survey(films.mp4(turn=turn))
    upright = (320, 180) if turn == 180 else (180, 320)
    assert (facts.width, facts.height) == opened(made[1280]).size == upright
    across, down = {90: (0, 1), 180: (1, 1), -90: (1, 0)}[turn]  # where the stored top left corner comes to lie
    corner = (10 + across * (upright[0] - 20), 10 + down * (upright[1] - 20))
    assert near(opened(made[1280]).getpixel(corner), films.BLUE)


def test_a_film_of_oblong_pixels_is_as_wide_as_a_player_shows_it():
    facts, made = survey(films.mp4(shape=Fraction(4, 3)))
    assert (facts.width, facts.height) == opened(made[1280]).size == (427, 180)


# Refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "flags"), [(films.mp4, ""), (films.mp4, "frag_keyframe+empty_moov"), (films.webm, "")]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1])
def test_a_video_cut_short_is_refused_wherever_it_was_cut(make, flags, share):
    whole = make(sounds=1, flags=flags)
    caught = refusal(whole[: int((len(whole) - 1) * share)])
    assert (caught.code, str(caught)) == (
        "damaged",
        "The file is a video that is damaged or was not copied completely.",
    )


REFUSED = {
    "sound alone": (films.audio_only, "not_an_image", "has sound or text in it, but no picture."),
    "sound in webm": (lambda: films.audio_only("webm"), "not_an_image", "has sound or text in it, but no picture."),
    "no frame": (films.frameless, "not_an_image", "is a video without a single frame."),
    "an old codec": (
        lambda: films.film("mpeg4"),
        "unsupported_format",
        "is a video of a kind that browsers do not show",
    ),
    "many streams": (lambda: films.mp4(sounds=8), "too_many_streams", "is a video of 9 streams; the limit is 8."),
    "huge": (films.huge, "too_many_pixels", "is a video of 36,175,872 pixels; the limit is 36,000,000."),
    "a box without end": (films.box_without_end, "damaged", "is a video that is damaged or was not copied completely."),
    "an hour": (films.hour, "too_long", "is a video of 3,600 seconds; the limit is 600."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_is_wrong_and_promises_nothing_about_money(name):
    make, code, fact = REFUSED[name]
    caught = refusal(make())
    assert caught.code == code
    assert str(caught).startswith(f"The file {fact}")
    assert "charged" not in str(caught)


def test_a_size_that_only_the_container_claims_is_not_believed():
    facts, made = survey(films.declared(30_000, 30_000))
    assert facts.height == 180
    assert max(opened(made[1280]).size) <= 1280


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_of_flipped_and_cut_bytes_only_invalid_image_ever_escapes(codec):
    whole, dice = films.film(codec, "webm" if codec == "libvpx-vp9" else "mp4"), random.Random(3)
    for _ in range(6):  # each costs a process; two thousand were read by hand
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            broken[dice.randrange(8, min(len(broken), dice.choice((300, len(broken)))))] = dice.choice((0, 127, 255))
        try:
            facts, _ = survey(bytes(broken))
        except InvalidImage:
            continue
        assert facts.width * facts.height <= videos.LIMITS["pixels"]


# The reader --------------------------------------------------------------------------------------------------------


@pytest.fixture
def another_reader(monkeypatch, tmp_path):
    """Puts a program in the reader's place: what FFmpeg would be if a hostile file took it over."""

    def put(source: str) -> None:
        path = tmp_path / "reader.py"
        path.write_text(f"import os, signal, sys, time\n{source}")
        monkeypatch.setattr(videos, "_READER", path)

    return put


@pytest.mark.parametrize(
    "source",
    [
        "print('ready', flush=True); os.kill(os.getpid(), signal.SIGSEGV)",
        "print('ready', flush=True)",
        "print('ready\\nno json')",
        "print('ready\\n[]')",
        'print(\'ready\\n{"flaw": "of my own"}\')',
        'print(\'ready\\n{"flaw": ["damaged"]}\')',
        'print(\'ready\\n{"width": 1, "height": 1, "turn": 0, "duration_ms": 1, "poster": [9000000, 9000000]}\')',
        'print(\'ready\\n{"width": 1, "height": 1, "turn": 0, "duration_ms": 1, "poster": [9, 9]}\\nabc\')',
        'print(\'ready\\n{"width": -1, "height": 1, "turn": 0, "duration_ms": 1, "poster": [1, 1]}\\nabc\')',
        'print(\'ready\\n{"width": 1e999, "height": 1, "turn": 0, "duration_ms": 1, "poster": [1, 1]}\\nabc\')',
        'print(\'ready\\n{"width": 1, "height": 1, "turn": 0, "duration_ms": 1e12, "poster": [1, 1]}\\nabc\')',
        "print('ready\\n' + '[' * 100_000)",
        "print('ready')\nwhile True: sys.stdout.write('x' * 100_000)",
    ],
)
def test_a_reader_that_dies_or_lies_costs_one_file_and_a_sentence(another_reader, source):
    another_reader(source)
    caught = refusal(films.mp4())
    assert (caught.code, "broke down or took too long" in str(caught)) == ("reader_died", True)


def test_a_reader_that_starts_is_said_to():
    videos.check()


def test_a_reader_that_hangs_is_ended(another_reader, monkeypatch):
    another_reader("print('ready', flush=True); time.sleep(600)")
    monkeypatch.setattr(isolated, "SECONDS", 1.5)
    with pytest.raises((InvalidImage, StorageError)):  # on a busy machine it may not even have started by then
        survey(films.mp4())


def test_a_reader_that_cannot_start_says_nothing_about_the_video(another_reader, monkeypatch):
    another_reader("import no_such_module")
    with pytest.raises(ReaderDown, match="does not start"):
        survey(films.mp4())
    with pytest.raises(ReaderDown, match="does not start"):
        videos.check()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ReaderDown, match="cannot be started"):
        survey(films.mp4())


def test_no_secret_of_the_server_is_in_the_readers_environment(another_reader, monkeypatch):
    monkeypatch.setenv("NANO_BANANA_API_KEY", "secret")
    another_reader("print('ready', flush=True)\nif 'NANO_BANANA_API_KEY' in os.environ: sys.exit(print('x' * 9))\n"
                   "print('{\"flaw\": \"no_frames\"}')")  # fmt: skip
    assert refusal(films.mp4()).code == "not_an_image"


def test_a_video_that_takes_too_much_memory_or_time_ends_its_reader_alone(monkeypatch):
    large = films.mp4(size=(3840, 2160), frames=2)
    with monkeypatch.context() as patch:
        patch.setitem(videos.LIMITS, "memory", 150 << 20)  # the program itself takes 120 MB of addresses
        assert refusal(large).code == "out_of_memory"
    monkeypatch.setattr(isolated, "SECONDS", 0.01)
    with pytest.raises((InvalidImage, StorageError)):
        survey(large)


@pytest.mark.skipif(sys.platform != "linux", reason="limits and their signals as Linux has them")
def test_the_reader_takes_its_limits_before_it_looks_at_the_video(tmp_path):
    (tmp_path / "film.mp4").write_bytes(films.mp4())
    code = (
        "import json, os, resource, runpy, socket, sys\n"
        "poster = runpy.run_path(sys.argv[1])\n"
        "poster['_take_limits'](json.loads(sys.argv[2]))\n"
        "for attempt in (lambda: open('x', 'wb'), lambda: open('film.mp4'), socket.socket, os.pipe):\n"
        "    try: attempt()\n"
        "    except OSError as error: print(error.errno)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1], resource.getrlimit(resource.RLIMIT_CPU)[1])\n"
    )
    command = [sys.executable, "-c", code, Path(videos.__file__).with_name("poster.py"), json.dumps(videos.LIMITS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["24", "24", "24", "24", str(2 << 30), "30"], done.stderr
    assert not (tmp_path / "x").exists()


def test_a_stored_video_is_read_where_it_lies(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(films.webm())
    assert survey(path) == survey(films.webm())
    assert os.listdir(tmp_path) == ["film"]
