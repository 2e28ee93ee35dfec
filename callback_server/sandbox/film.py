"""Turns one painted picture into a short H.264 film in which the frame wanders across it; each frame is marked.

It knows nothing of the wire.
"""

from pathlib import Path

import av
import numpy as np
from PIL import Image

from .painter import pill

FPS = 6  # enough for a slow pan, and quick to make
ROOM = 1.1  # how much larger than the frame the painted picture is
ENCODER = {"preset": "ultrafast", "crf": "30", "threads": "1"}  # the machine belongs to others too


def canvas(size: tuple[int, int]) -> tuple[int, int]:
    """Return how large a picture a film of that size is cut from."""
    return round(size[0] * ROOM), round(size[1] * ROOM)


def film(picture: Image.Image, size: tuple[int, int], seconds: int, comment: str, path: Path) -> None:
    """Write an MP4 of exactly that size and length; the sides must be even, as H.264 wants them."""
    width, height = size
    whole = picture.convert("RGB")
    drawn, place = pill(size)
    room = picture.width - width, picture.height - height
    frames = seconds * FPS
    options = {"movflags": "faststart"}  # the index first, so that a browser plays it before it has all of it
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=FPS, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            share = number / (frames - 1)
            share = share * share * (3 - 2 * share)
            left, top = round(room[0] * share), round(room[1] * share)
            frame = whole.crop((left, top, left + width, top + height))
            frame.paste(drawn, place, drawn)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        container.mux(stream.encode())
