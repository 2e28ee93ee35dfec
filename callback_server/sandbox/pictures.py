"""The picture files: references are fetched when a task ends, results are painted when somebody first asks for them.

Painting waits until then because most tests never look at a picture; one thread paints, so that a burst of
downloads leaves the rest of the machine alone.
"""

import asyncio
import hashlib
import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import httpx
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from . import film, painter
from .config import SandboxConfig
from .drawings import Drawing, drawing
from .models import Field
from .task import Task
from .wire import FAIL_WORDS

NAME = re.compile(r"^((?:veo_task_)?[0-9a-f]{32})_(\d{1,2})\.(png|jpg|mp4)$")
SUFFIXES = {"png": "png", "jpeg": "jpg", "mp4": "mp4"}
FORMATS = {suffix: name for name, suffix in SUFFIXES.items()}
COMMENT = "Practice picture, painted by the Picture Desk sandbox. It was not made by an AI model."
REFERENCE_SIDE = 1600  # pixels; the painter needs no more of a reference
MAX_REDIRECTS = 3
UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    NotImplementedError,
    MemoryError,
)


class BadReference(Exception):  # noqa: N818  it is a finding about the caller's file, not an error of ours
    """A reference image cannot be had or read; `code` is the failCode it leads to."""

    def __init__(self, code: str, words: str) -> None:
        """Keep the code beside the words."""
        super().__init__(words)
        self.code = code


class Pictures:
    """The files of results and references under the state directory."""

    def __init__(self, config: SandboxConfig) -> None:
        """Make the folders."""
        self._config = config
        self._results = config.state_dir / "results"
        self._references = config.state_dir / "references"
        self._uploads = config.state_dir / "uploads"
        for folder in (self._results, self._references, self._uploads):
            folder.mkdir(parents=True, exist_ok=True)
        self._hand = ThreadPoolExecutor(max_workers=1, thread_name_prefix="painter")

    def close(self) -> None:
        """Let go of the painting thread."""
        self._hand.shutdown(wait=False, cancel_futures=True)

    async def bring_references(self, client: httpx.AsyncClient, task_id: str, urls: list[str], spec: Field) -> None:
        """Fetch the reference images of a task, as the real gateway does, from the URLs it was given."""
        for number, url in enumerate(urls):
            raw = await self.download(client, url, (spec.max_mb or 0) * 1024 * 1024)
            await asyncio.to_thread(self.keep_reference, task_id, number, raw, spec)

    async def download(self, client: httpx.AsyncClient, url: str, most: int) -> bytes:
        """Return the bytes behind a URL, at most `most` of them."""
        parts: list[bytes] = []
        size = 0
        try:
            for _ in range(MAX_REDIRECTS + 1):
                async with client.stream("GET", url, timeout=self._config.fetch_timeout) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    if response.status_code != 200:
                        raise BadReference("451", FAIL_WORDS["451"])
                    async for part in response.aiter_bytes():
                        parts.append(part)
                        size += len(part)
                        if size > most:
                            raise BadReference("400", "The input image exceeds the maximum file size.")
                    return b"".join(parts)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise BadReference("451", FAIL_WORDS["451"]) from error
        raise BadReference("451", FAIL_WORDS["451"])

    def keep_reference(self, task_id: str, number: int, raw: bytes, spec: Field | None = None) -> None:
        """Keep one reference for the painter, if it can be read and has as many pixels as the model wants."""
        try:
            with Image.open(io.BytesIO(raw)) as opened:
                if opened.format not in ("JPEG", "PNG", "WEBP", "MPO"):
                    raise BadReference("400", "The input image format is not supported. Use jpeg, png or webp.")
                if spec is not None and not spec.takes_pixels(opened.width * opened.height):
                    raise BadReference("400", "The input image has too few or too many pixels.")
                opened.draft("RGB", (REFERENCE_SIDE, REFERENCE_SIDE))
                upright = ImageOps.exif_transpose(opened).convert("RGB")
        except UNREADABLE as error:
            raise BadReference("400", "The input image could not be read.") from error
        upright.thumbnail((REFERENCE_SIDE, REFERENCE_SIDE))
        buffer = io.BytesIO()
        upright.save(buffer, "PNG", compress_level=1)
        write(self._references / f"{task_id}_{number}.png", buffer.getvalue())

    async def result(self, task: Task, name: str) -> Path:
        """Return the file of a result, painting it first if need be."""
        path = self._results / name
        if not path.exists():
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._hand, self._paint, task, name, path)
        return path

    def _paint(self, task: Task, name: str, path: Path) -> None:
        found = NAME.match(name)
        if path.exists() or found is None:
            return
        files = sorted(self._references.glob(f"{task.id}_*.png"), key=_number)
        references: list[Image.Image] = [Image.open(item) for item in files]
        shape = references[0].size if references else None
        wanted = drawing(task, int(found[2]), FORMATS[found[3]], shape)
        if wanted is None:
            return
        size = film.canvas(wanted.size) if wanted.seconds else wanted.size
        rough = self._config.rough
        picture = painter.paint(wanted.prompt, wanted.model, wanted.seed, size, references, rough=rough)
        if wanted.seconds:
            draft = draft_of(path)
            film.film(picture, wanted.size, wanted.seconds, COMMENT, draft)
            draft.replace(path)
        else:
            write(path, encode(_finished(painter.mark(picture), wanted), wanted.format))

    def upload_path(self, path: str) -> Path:
        """Return where an upload of that gateway path lies; hashed, so that no name can lead elsewhere."""
        return self._uploads / hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()

    def clear(self) -> None:
        """Delete every file."""
        for folder in (self._results, self._references, self._uploads):
            for item in folder.iterdir():
                item.unlink(missing_ok=True)


def _number(path: Path) -> int:
    return int(path.stem.rsplit("_", 1)[1])


def _finished(picture: Image.Image, wanted: Drawing) -> Image.Image:
    """Add what was asked for besides the picture."""
    if wanted.stamped:
        picture = painter.stamp(picture)
    return painter.cut_out(picture) if wanted.transparent and wanted.format == "png" else picture


def encode(picture: Image.Image, kind: str) -> bytes:
    """Turn a picture into the bytes of a png or jpeg file that says what it is in its metadata."""
    buffer = io.BytesIO()
    if kind == "jpeg":
        exif = Image.Exif()
        exif[0x010E] = COMMENT  # ImageDescription
        picture.save(buffer, "JPEG", quality=90, exif=exif)
    else:
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", COMMENT)
        notes.add_text("Software", "Picture Desk sandbox")
        picture.save(buffer, "PNG", compress_level=2, pnginfo=notes)
    return buffer.getvalue()


def draft_of(path: Path) -> Path:
    """Return where a file is written before it takes its name, so that nobody ever sees half of it."""
    return path.with_name(f"{path.name}.{os.getpid()}.part")


def write(path: Path, content: bytes) -> None:
    """Write a file in one act."""
    draft = draft_of(path)
    draft.write_bytes(content)
    draft.replace(path)
