"""Every test video, made in code: honest ones, odd ones and hostile ones. Knows PyAV and Pillow and nothing of ours."""

import os
import struct
from fractions import Fraction
from functools import cache
from io import BytesIO
from typing import Any

import av
from PIL import Image

RED, BLUE = (200, 60, 40), (20, 20, 230)


@cache
def film(
    codec: str = "libx264",
    form: str = "mp4",
    *,
    size: tuple[int, int] = (320, 180),
    frames: int = 24,
    rate: int | Fraction = 24,
    films: int = 1,
    sounds: int = 0,
    turn: int = 0,
    shape: Fraction | None = None,
    flags: str = "",
) -> bytes:
    """Red, with a blue square in the top left corner that grows from frame to frame.

    `turn` asks players to turn it by so many degrees against the clock; `shape` is that of a pixel.
    """
    out = BytesIO()
    with av.open(out, "w", format=form, options={"movflags": flags} if flags else {}) as container:
        streams = [_film_stream(container, codec, size=size, rate=rate, turn=turn, shape=shape) for _ in range(films)]
        kind = "libopus" if form == "webm" else "aac"
        voices = [container.add_stream(kind, rate=48_000) for _ in range(sounds)]
        for number in range(frames):
            frame = av.VideoFrame.from_image(drawn(size, number))
            for stream in streams:
                frame.pts = number
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
        for voice in voices:
            for number in range(48):
                container.mux(voice.encode(_silence(kind, number)))
            container.mux(voice.encode(None))
    if codec == "libsvtav1" and hasattr(os, "sched_setscheduler"):
        # Run by root, this encoder gives whoever called it real-time priority, for good and for all it starts later:
        # servers and browsers that no other program of the machine could then interrupt.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return out.getvalue()


def _film_stream(
    container: Any, codec: str, *, size: tuple[int, int], rate: int | Fraction, turn: int, shape: Fraction | None
) -> Any:
    options = {"libx264": {"preset": "ultrafast"}, "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
               "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"}}  # fmt: skip
    stream = container.add_stream(codec, rate=rate, options=options.get(codec, {}))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    if turn:
        stream.set_display_rotation(turn)
    if shape:
        stream.codec_context.sample_aspect_ratio = shape
    return stream


def drawn(size: tuple[int, int], number: int) -> Image.Image:
    picture = Image.new("RGB", size, RED)
    side = min(size) // 3 + number
    picture.paste(BLUE, (0, 0, side, side))
    return picture


def _silence(kind: str, number: int) -> av.AudioFrame:
    form, samples = ("fltp", 1024) if kind == "aac" else ("s16", 960)
    frame = av.AudioFrame(format=form, layout="stereo", samples=samples)
    frame.sample_rate, frame.pts = 48_000, number * samples
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def mp4(**options: Any) -> bytes:
    return film("libx264", "mp4", **options)


def webm(**options: Any) -> bytes:
    return film("libvpx-vp9", "webm", **options)


def audio_only(form: str = "mp4") -> bytes:
    return film(form=form, films=0, sounds=1)


def frameless() -> bytes:
    """An honest MP4 whose tables of frames are emptied: it still names a film, of no frames at all."""
    data = bytearray(mp4())
    for box, count in {b"stsz": 12, b"stts": 8, b"ctts": 8, b"stsc": 8, b"stco": 8, b"stss": 8}.items():
        if (at := data.find(box)) > 0:
            data[at + count : at + count + 4] = bytes(4)
    return bytes(data)


def huge() -> bytes:
    """One real frame of 36.2 megapixels in 100 kB."""
    return mp4(size=(8192, 4416), frames=1)


def hour() -> bytes:
    """Two frames of half an hour each."""
    return mp4(frames=2, rate=Fraction(1, 1800))


def box_without_end() -> bytes:
    """A whole MP4, and behind it the head of a box that claims all the bytes there are."""
    return mp4() + struct.pack(">I4sQ", 1, b"free", 2**64 - 1)


def declared(width: int, height: int) -> bytes:
    """An honest H.264 stream in a file that claims another size for it."""
    data = bytearray(mp4())
    at = data.index(b"avc1", data.index(b"stsd"))
    data[at + 28 : at + 32] = struct.pack(">HH", width, height)
    return bytes(data)
