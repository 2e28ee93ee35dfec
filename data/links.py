"""Addresses of pictures and of live news that prove themselves: the dashboard makes them, the server verifies them.

A link is signed because history must not be public to whoever reaches the port, and stays the same for a week because a
browser caches by address. This file knows no file and no server; the two processes share only its key.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from urllib.parse import urlencode

from data.errors import StorageError
from data.sentences import Sentence
from data.settings import Settings

CLEAN, SETTINGS, SIDECAR = "clean", "with-settings", "settings.json"
VARIANTS = ("320", "1280", "original", CLEAN, SETTINGS, SIDECAR)
"""Thumbnails by their longest side; the bytes as they came; the same picture without its metadata (`clean.py`), and
with what was asked for in it (`xmp.py`); and that alone (`sidecar.py`)."""

EVERYBODY = "*"
"""In place of a person: the news of all."""

ARCHIVE = "/files/archive"
"""Where the form of an archive goes."""
KINDS = ("original", CLEAN, SETTINGS)
"""What the files of an archive are: the originals, or copies like those of a link."""
ARCHIVED = 5000
"""Most tasks in one archive."""

_DAY = 24 * 3600  # seconds
_WEEK = 7 * _DAY
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif",
               "video/mp4": "mp4", "video/webm": "webm"}  # fmt: skip


class LinkSigner:
    """Makes and verifies picture links: HMAC-SHA256 over all that a link says, cut to 128 bits."""

    def __init__(self, key: bytes) -> None:
        """`key` comes from `signing_key`; both processes need the same."""
        self._begun = hmac.new(key, digestmod=hashlib.sha256)

    def path(
        self,
        sha256: str,
        variant: str,
        *,
        now: datetime,
        filename: str | None = None,
        mime: str | None = None,
        task_id: str | None = None,
    ) -> str:
        """`/files/<sha256>/<variant>?e=<Unix expiry>&s=<signature>`, with `n`, `t` and `k` when given.

        `variant` is one of VARIANTS. `filename` (`n`) asks the browser to save the file under that name, `mime` (`t`)
        is the original's media type, so that serving it needs no look into the database. `task_id` (`k`) says whose
        settings SETTINGS and SIDECAR tell: two tasks may have made the same bytes. The link is the same for a week and
        then lives for at least another.
        """
        expires = str(_expiry(sha256, now))
        query = {"e": expires, "s": self._signature(sha256, variant, expires, filename, mime, task_id)}
        query |= {key: value for key, value in (("n", filename), ("t", mime), ("k", task_id)) if value is not None}
        return f"/files/{sha256}/{variant}?{urlencode(query)}"

    def verify(self, sha256: str, variant: str, query: Mapping[str, str], *, now: datetime) -> bool:
        """Whether this link was made with our key and has not expired. `query` holds the decoded parameters."""
        expires = query.get("e", "")
        expected = self._signature(sha256, variant, expires, query.get("n"), query.get("t"), query.get("k"))
        # The signature first: what follows then only reads what we have written ourselves.
        genuine = hmac.compare_digest(expected.encode(), query.get("s", "").encode("utf-8", "surrogatepass"))
        return genuine and variant in VARIANTS and int(expires) > now.timestamp()

    def live_path(self, who: str, *, now: datetime) -> str:
        """`/live?w=<who>&e=<Unix expiry>&s=<signature>`: news of this person's tasks, or of EVERYBODY's.

        It lives and stays the same as long as a picture's link.
        """
        expires = str(_expiry(hashlib.sha256(who.encode()).hexdigest(), now))
        return f"/live?{urlencode({'w': who, 'e': expires, 's': self._live_signature(who, expires)})}"

    def listener(self, query: Mapping[str, str], *, now: datetime) -> str | None:
        """Who listens by this live link; None where it was not made with our key or has expired."""
        who, expires = query.get("w", ""), query.get("e", "")
        expected = self._live_signature(who, expires)
        genuine = hmac.compare_digest(expected.encode(), query.get("s", "").encode("utf-8", "surrogatepass"))
        return who if genuine and int(expires) > now.timestamp() else None

    def archive_form(
        self, task_ids: Sequence[str], who: str, *, now: datetime, kind: str = "original"
    ) -> dict[str, str]:
        """The fields of a form that a browser posts to ARCHIVE to get these tasks' files as one ZIP file.

        `kind` is one of KINDS.

        A form, because the ids of 5,000 tasks are longer than an address may be; stateless like the other links, since
        the signature covers every id, the person and the expiry, a day ahead. `who` asks; the server notes it in its
        log. Raises ValueError beyond ARCHIVED ids.
        """
        if len(task_ids) > ARCHIVED:
            raise ValueError(f"{len(task_ids):,} tasks at once; at most {ARCHIVED:,}")
        fields = {"ids": ".".join(task_ids), "w": who, "k": kind, "e": str(int(now.timestamp()) + _DAY)}
        return fields | {"s": self._archive_signature(fields)}

    def archived(self, fields: Mapping[str, str], *, now: datetime) -> tuple[str, ...] | None:
        """The ids that such a form names; None where it was not made with our key or has expired."""
        genuine = hmac.compare_digest(
            self._archive_signature(fields).encode(), fields.get("s", "").encode("utf-8", "surrogatepass")
        )
        return tuple(fields.get("ids", "").split(".")) if genuine and int(fields["e"]) > now.timestamp() else None

    def _archive_signature(self, fields: Mapping[str, str]) -> str:
        return self._sign(["archive link 1", *(fields.get(name, "") for name in ("ids", "w", "k", "e"))])

    def _live_signature(self, who: str, expires: str) -> str:
        return self._sign(["live link 1", who, expires])

    def _signature(self, sha256: str, variant: str, *more: str | None) -> str:
        """`more`: expiry, file name, media type and the task's id, which is signed where there is one."""
        said = ["picture link 1", sha256, variant, *more]
        return self._sign(said[:-1] if more[-1] is None else said)

    def _sign(self, said: list[str | None]) -> str:
        # JSON keeps the fields apart: no two different links have the same text to sign. Written by hand, and signed by
        # a copy of what the key has begun, this takes half as long, and a page asks for sixty pictures at once.
        text = ", ".join(["null" if one is None else _quoted(one) for one in said])
        signing = self._begun.copy()
        signing.update(f"[{text}]".encode())
        return base64.urlsafe_b64encode(signing.digest()[:16]).rstrip(b"=").decode()


def _expiry(sha256: str, now: datetime) -> int:
    """One to two weeks ahead, on a weekly step; each picture has its own, so that not all caches go stale together."""
    phase = int(sha256[:8], 16) % _WEEK
    return (int(now.timestamp() - phase) // _WEEK + 2) * _WEEK + phase


def signing_key(settings: Settings) -> bytes:
    """The key for `LinkSigner`: from the settings, or from `media.key` in the state folder, made at first use.

    Raises:
        StorageError: the file cannot be made or read, or holds no key.
    """
    if settings.media_signing_key is not None:
        return settings.media_signing_key.get_secret_value().encode()
    path = settings.state_dir / "media.key"
    try:
        if not path.exists():
            _make_key(path)
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeError) as error:
        raise StorageError(
            Sentence("{path} cannot be used: {why}. Set MEDIA_SIGNING_KEY, or mend the folder.", path=path, why=error)
        ) from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise StorageError(
            Sentence("{path} holds no key. Delete it and start again: picture links are then made anew.", path=path)
        )
    return bytes.fromhex(text)


def _make_key(path: Path) -> None:
    """Written beside and then linked: of two processes that start together one wins, and both read a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".media.key.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def download_name(
    prompt: str, model: str, task_id: str, mime: str, index: int = 0, *, kind: str = "original"
) -> str:  # fmt: skip
    """A file name for a saved picture or video, for example `red-kite-over-dunes_nano-banana_3f9c2a.png`.

    Letters of every script are kept; at most 100 bytes (UTF-8) stand before the extension. `index` counts a task's
    pictures from 0; from the second on it shows in the name. `kind` is one of KINDS; a copy's name says what it is,
    so that it is not taken for the original, nor lies beside it as "(1)".
    """
    number = f"-{index + 1}" if index else ""
    # The end of a task's id is random; its beginning is the time, the same for a whole batch.
    tail = f"_{_slug(model, 30) or 'model'}_{_slug(task_id.replace('-', '')[-6:], 12)}{number}{_copy(kind)}"
    stem = _slug(prompt, 100 - len(tail.encode())) or ("video" if mime.startswith("video/") else "picture")
    return f"{stem}{tail}.{_EXTENSIONS.get(mime, 'bin')}"


def archive_name(kind: str, now: datetime) -> str:
    """The same for many as one ZIP file, for example `picture-desk_2026-11-28_091500_clean.zip`."""
    return f"picture-desk_{now:%Y-%m-%d_%H%M%S}{_copy(kind)}.zip"


def _copy(kind: str) -> str:
    return "" if kind == "original" else f"_{kind}"


def _slug(text: str, limit: int) -> str:
    """Lower-case letters, marks and digits of `text`, joined by hyphens, in at most `limit` bytes of UTF-8."""
    kept = ""
    for char in unicodedata.normalize("NFKC", text[:400]).lower():
        kind = unicodedata.category(char)
        if kind == "Cf":  # invisible: joiners, soft hyphens, and the overrides that turn a name's reading direction
            continue
        is_mark = kind in ("Mn", "Mc") and not "\ufe00" <= char <= "\ufe0f"  # those select an emoji's look
        keeps = kind[0] in "LN" or (is_mark and kept[-1:] not in ("", "-"))
        kept += char if keeps else "-"
    slug = re.sub("-+", "-", kept).strip("-")
    if len(slug.encode()) <= limit:
        return slug
    cut = slug.encode()[:limit].decode(errors="ignore")
    words, _, rest = cut.rpartition("-")
    return words if len(rest) < len(cut) / 2 else cut.strip("-")  # not inside a word, unless it is the bulk
