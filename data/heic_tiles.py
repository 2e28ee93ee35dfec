"""The short-lived program that decodes the HEVC pictures of one HEIC file on standard input and writes RGB, row by row.

Like `poster.py`, and for its reasons, it takes limits on itself first and imports nothing of ours. Where in the file
the tiles lie its parent has found out; of the whole only one row of tiles is ever in memory.
"""

import json
import sys
from contextlib import suppress
from io import FileIO
from typing import Any, NoReturn

import av
import av.video.codeccontext
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

try:
    import resource
except ImportError:  # no such limits on this system; the parent's clock still holds
    resource = None  # type: ignore[assignment]

_MATRICES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 9: Colorspace.BT2020}  # H.273
_UNSAID = 2


def main() -> NoReturn:
    """Its argument is the plan of `heic.py`, as JSON. What fails ends it early: then rows are missing."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    _take_limits(plan)
    av.logging.set_level(None)
    out = sys.stdout.buffer
    out.write(b"ready\n")
    out.flush()
    left, columns, tiles = plan["height"], plan["columns"], plan["tiles"]
    reader, file = _reader(plan), FileIO(0, closefd=False)
    for start in range(0, len(tiles), columns):
        rows = _row(
            [_picture(reader, _bytes(file, one), plan) for one in tiles[start : start + columns]], plan["width"]
        )
        out.write(rows[: left * plan["width"] * 3])
        left -= len(rows) // (plan["width"] * 3)
    out.flush()
    sys.exit()


def _take_limits(plan: dict[str, Any]) -> None:
    """For good: time, memory, not one byte into a file, and no new file or connection at all."""
    if resource is None:
        return
    bounds = {
        resource.RLIMIT_CPU: plan["cpu"], resource.RLIMIT_AS: plan["memory"], resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 3,
    }  # fmt: skip
    for kind, most in bounds.items():
        with suppress(OSError, ValueError):  # a narrower limit is in force already, or this system knows it not
            resource.setrlimit(kind, (most, most))


def _reader(plan: dict[str, Any]) -> av.VideoCodecContext:
    reader = av.VideoCodecContext.create("hevc", "r")
    reader.extradata = bytes.fromhex(plan["configuration"])
    reader.thread_count = 1
    most = len(plan["tiles"]) == 1 and plan["width"] * plan["height"]
    reader.options = {"max_pixels": str(max(most, 4096 * 4096) + (1 << 20))}  # an encoder fills up its last blocks
    return reader


def _bytes(file: FileIO, stretches: list[tuple[int, int]]) -> bytes:
    parts = []
    for place, length in stretches:
        file.seek(place)
        left = length
        while left > 0 and (part := file.read(left)):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def _picture(reader: av.VideoCodecContext, data: bytes, plan: dict[str, Any]) -> av.VideoFrame:
    """A tile in RGB. What the file says of its colours goes before what the stream says; unsaid, they are BT.601's."""
    frames = [*reader.decode(av.Packet(data)), *reader.decode(None)]
    reader.flush_buffers()
    frame = frames[0]
    if frame.is_corrupt:
        raise ValueError("damaged")
    told = plan["matrix"] if plan["matrix"] != _UNSAID else int(frame.colorspace)
    full = plan["full_range"] if plan["full_range"] is not None else int(frame.color_range) == ColorRange.JPEG
    return VideoReformatter().reformat(
        frame, format="rgb24", src_colorspace=_MATRICES.get(told, Colorspace.ITU601),
        src_color_range=ColorRange.JPEG if full else ColorRange.MPEG, dst_color_range=ColorRange.JPEG, threads=1,
    )  # fmt: skip


def _row(tiles: list[av.VideoFrame], width: int) -> bytes:
    """Tiles of one size side by side, cut at `width`. What is narrower is broken."""
    tall, wide = tiles[0].height, tiles[0].width
    if any((one.width, one.height) != (wide, tall) for one in tiles) or wide * len(tiles) < width:
        raise ValueError("tiles that do not fit")
    planes = [(memoryview(bytes(one.planes[0])), one.planes[0].line_size) for one in tiles]
    rows = [plane[stride * y : stride * y + wide * 3] for y in range(tall) for plane, stride in planes]
    if wide * len(tiles) == width:
        return b"".join(rows)
    lines = (b"".join(rows[at : at + len(tiles)])[: width * 3] for at in range(0, len(rows), len(tiles)))
    return b"".join(lines)


if __name__ == "__main__":
    main()
