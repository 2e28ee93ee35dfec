"""The short-lived program that reads one video on standard input and writes its numbers and its first frame.

FFmpeg's parsers are large and written in C, and what they read here comes from outside, so they never run in a process
that has keys, tasks or a database: this one takes limits on itself first, and whatever goes wrong ends it alone. It is
run as a file and imports nothing of ours; `videos.py` starts it, and believes only numbers and pixels of it.
"""

import json
import sys
from contextlib import suppress
from fractions import Fraction
from io import FileIO
from typing import Any, NoReturn

import av
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream  # all that PyAV would import later, when no file can be opened any more
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

try:
    import resource
except ImportError:  # no such limits on this system; the parent's clock still holds
    resource = None  # type: ignore[assignment]

READY = b"ready\n"
"""Said before the video is touched: a program that does not come this far is no word about the video."""

_DECODERS = "h264,hevc,libdav1d,vp9,vp8"
"""FFmpeg opens no others, whatever the file asks for. Sound is never decoded."""
_ATTACHED = av.stream.Disposition.attached_pic  # a cover in the file, which is no film
_MOST_BOXES = 100_000
_SEGMENT = b"\x18\x53\x80\x67"

Numbers = dict[str, Any]


class Flaw(Exception):  # noqa: N818 - never leaves this process
    """Why this is no video to keep: a word that `videos.py` knows, and the number that it is about."""

    def __init__(self, word: str, number: int = 0) -> None:
        super().__init__(word)
        self.word, self.number = word, number


def main() -> NoReturn:
    """`poster.py '{"pixels": …, "seconds": …, "streams": …, "edge": …, "memory": …, "cpu": …}'`."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    _take_limits(limits)
    av.logging.set_level(None)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    try:
        numbers, pixels = _read(FileIO(0, closefd=False), limits)
    except Flaw as flaw:
        numbers, pixels = {"flaw": flaw.word, "number": flaw.number}, b""
    except (MemoryError, BlockingIOError):  # FFmpeg says "try again" where its decoders were given no room
        numbers, pixels = {"flaw": "memory"}, b""
    except (av.error.FFmpegError, ValueError, ArithmeticError):  # what PyAV makes of broken files
        numbers, pixels = {"flaw": "damaged"}, b""
    sys.stdout.buffer.write(json.dumps(numbers).encode() + b"\n" + pixels)
    sys.stdout.buffer.flush()
    sys.exit()


def _take_limits(limits: dict[str, int]) -> None:
    """For good: time, memory, not one byte into a file, and no new file or connection at all."""
    if resource is None:
        return
    bounds = {
        resource.RLIMIT_CPU: limits["cpu"], resource.RLIMIT_AS: limits["memory"], resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 3,
    }  # fmt: skip
    for kind, most in bounds.items():
        with suppress(OSError, ValueError):  # a narrower limit is in force already, or this system knows it not
            resource.setrlimit(kind, (most, most))


def _read(file: FileIO, limits: dict[str, int]) -> tuple[Numbers, bytes]:
    """What the film is, and its first frame as RGB, three bytes a pixel, row by row from the top.

    `width` and `height` are pixels as a viewer shows them before the turn by `turn` degrees; `poster` is the frame's
    own size.
    """
    file.seek(0)  # the parent has just written it
    is_mp4 = file.read(8)[4:] == b"ftyp"
    size = file.seek(0, 2)
    if (_mp4_ends(file, size) if is_mp4 else _webm_ends(file)) > size:
        raise Flaw("damaged")
    file.seek(0)
    form, options = "mp4" if is_mp4 else "webm", {"codec_whitelist": _DECODERS}
    with av.open(file, "r", format=form, options=options, metadata_errors="ignore") as container:
        stream = _film(container.streams, limits)
        frame, lasts = _walk(container.demux(stream), stream)
        told = (container.duration or 0) / 1_000_000
    if max(told, lasts) > limits["seconds"]:
        raise Flaw("too_long", round(max(told, lasts)))
    _bounded(frame.width, frame.height, limits)  # a stream may grow on the way
    shape = stream.sample_aspect_ratio or Fraction(1)
    width = max(1, round(frame.width * shape)) if Fraction(1, 10) <= shape <= 10 else frame.width
    scale = min(1.0, limits["edge"] / max(width, frame.height))
    small = max(1, round(width * scale)), max(1, round(frame.height * scale))
    numbers = {"width": width, "height": frame.height, "duration_ms": round((told or lasts) * 1000),
               "turn": frame.rotation, "poster": small}  # fmt: skip
    return numbers, _rgb(frame, *small)


def _film(streams: Any, limits: dict[str, int]) -> VideoStream:
    """The stream that a browser plays: the first of pictures. Judged by its header, before a frame is decoded."""
    if len(streams) > limits["streams"]:
        raise Flaw("too_many_streams", len(streams))
    films: list[VideoStream] = [one for one in streams.video if not one.disposition & _ATTACHED]
    if not films:
        raise Flaw("no_film")
    decoder = films[0].codec_context
    if decoder is None or decoder.codec.name not in _DECODERS.split(","):
        raise Flaw("codec")
    _bounded(decoder.width, decoder.height, limits)
    decoder.thread_count = 1
    return films[0]


def _bounded(width: int, height: int, limits: dict[str, int]) -> None:
    if width * height > limits["pixels"]:
        raise Flaw("too_many_pixels", width * height)


def _walk(packets: Any, stream: VideoStream) -> tuple[av.VideoFrame, float]:
    """The first frame, and how many seconds they all last. Every packet is read: if one lacks, it is damaged."""
    first, count, start, end = None, 0, float("inf"), 0.0
    for packet in packets:
        if packet.is_corrupt:
            raise Flaw("damaged")
        if first is None:  # the last packet is empty and brings out what a decoder has kept back
            first = next(iter(packet.decode()), None)
        if packet.size:
            count += 1
        if packet.pts is not None:
            start = min(start, float(packet.pts * packet.time_base))
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    if count < stream.frames:  # what an MP4's own table promises
        raise Flaw("damaged")
    if first is None:
        raise Flaw("damaged" if count else "no_frames")
    return first, max(0.0, end - start)


def _rgb(frame: av.VideoFrame, width: int, height: int) -> bytes:
    """Reduced and in RGB. Where the file names no colours, those of its size are meant, as players take it."""
    source = Colorspace.ITU709 if frame.colorspace == 2 and frame.height >= 720 else None  # 2: unspecified (H.273)
    plane = frame.reformat(width, height, "rgb24", src_colorspace=source, interpolation="AREA").planes[0]
    rows, stride = bytes(plane), plane.line_size
    return b"".join(rows[start : start + width * 3] for start in range(0, stride * height, stride))


def _mp4_ends(file: FileIO, size: int) -> int:
    """Where the last box of an ISO base media file says that it ends (ISO/IEC 14496-12, 4.2); it has `size` bytes."""
    end = boxes = 0
    while end < size and boxes < _MOST_BOXES:
        file.seek(end)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if length == 1:  # a length of 64 bits follows the name
            length = int.from_bytes(head[8:16])
        if len(head) < 8 or length < 8:  # a last box without end, or no box at all
            break
        end, boxes = end + length, boxes + 1
    return end


def _webm_ends(file: FileIO) -> int:
    """Where the segment of a WebM says that it ends (RFC 8794, 4 to 6); where it does not say, where it starts."""
    file.seek(0)
    head = file.read(4096)
    length, start = _number(head, 4)
    segment = start + length
    length, start = _number(head, segment + 4)
    return start + length if head[segment : segment + 4] == _SEGMENT else 0


def _number(data: bytes, at: int) -> tuple[int, int]:
    """EBML's number of variable length, and where it ends; one of nothing but ones means "unknown" and counts as 0."""
    if not data[at : at + 1].strip(b"\0"):
        return 0, at
    length = 9 - data[at].bit_length()
    most = (1 << 7 * length) - 1
    value = int.from_bytes(data[at : at + length]) & most
    return 0 if value == most else value, at + length


if __name__ == "__main__":
    main()
