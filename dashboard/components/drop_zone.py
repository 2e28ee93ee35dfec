"""The drop zone of the form: each upload is decoded, mended and stored the moment it arrives, once.

The slots alone show what was taken or refused; of what the zone still holds nothing is seen. It lets go of that by
starting anew under the next key, but not before nobody has added a file for a while: what arrives for the key before,
because the page was being drawn, is lost.
"""

import re
import secrets
import time
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import resources
from dashboard.components import words
from dashboard.components.form import keep_references
from dashboard.language import t
from data.catalog import ReferenceSpec
from data.errors import PictureDeskError
from data.sentences import Sentence
from data.shrinking import UPLOAD_MB, Fit

_TYPES = [f"image/{kind}" for kind in ("jpeg", "png", "webp", "avif", "gif", "bmp", "tiff")]
"""What the browser may choose. An iPhone hands a photo over as the first type of the list, as long as neither HEIC nor
a wildcard is in it. What no model takes is here for our sentence about it."""
_HEIC = ("heic", "heif")
"""By its name, because Windows knows no type of it. What is not in the list the uploader refuses before it reaches us,
with "files are not allowed". Only an iPhone is not asked for it: it converts its photos, all kinds of them, itself."""
_QUIET_SECONDS = 20.0
"""Longer than an upload and a drawing take: within it the next file may be under way to the drop zone."""
_CONVERTS_NOTHING = re.compile("Windows|Linux|Android|CrOS|Macintosh")


def drop_zone(limits: Sequence[ReferenceSpec], fit: Fit) -> None:
    """Takes files by drop, choice or paste, each made to fit."""
    key = _zone()
    label = t(words.REFERENCES)
    if limits:
        label = t("Reference pictures (up to {most})", most=min(one.max for one in limits))
    left = st.file_uploader(
        label,
        type=_types(st.context.headers.get("User-Agent") or ""),
        accept_multiple_files=True,
        max_upload_size=UPLOAD_MB,
        key=key,
        on_change=_take,
        args=(key, fit),
        disabled=not limits,
        help=t(
            "Drop or choose them here, or paste them anywhere on this page: PNG, JPEG, WebP, AVIF or HEIC of up to "
            "{most} megapixels. They are turned upright, converted where no model takes their format, and made smaller "
            "where the model takes less.",
            most=resources.desk().settings.max_reference_megapixels,
        ),
    )
    if _untaken(left):  # dropped while the page was being drawn: no change was reported for them
        _take(key, fit)
        st.rerun()


def refuse(sentence: str) -> None:
    """Shows this sentence below the slots until it is dismissed."""
    st.session_state["refused"] = [*st.session_state["refused"], (secrets.token_hex(4), sentence)]


def _types(agent: str) -> list[str]:
    """What the drop zone asks this browser for."""
    return [*_TYPES, *(_HEIC if _CONVERTS_NOTHING.search(agent) else ())]


def _zone() -> str:
    """The key of the drop zone: the one it has, or the next, where it can let go of what it holds."""
    state = st.session_state
    state.setdefault("drop_taken", frozenset())
    if state["drop_taken"] and time.monotonic() - state["drop_taken_at"] > _QUIET_SECONDS:
        state["drop_nonce"], state["drop_taken"] = state.get("drop_nonce", 0) + 1, frozenset()
    return f"drop_{state.get('drop_nonce', 0)}"


def _untaken(uploads: Sequence[Any]) -> list[Any]:
    """Those that are new; without a file of a server that has restarted since, of which Streamlit keeps a tombstone."""
    known = st.session_state["drop_taken"]
    return [one for one in uploads if hasattr(one, "getvalue") and one.file_id not in known]


def _take(key: str, fit: Fit) -> None:
    """Stores what was dropped, or notes why not; runs before the page is drawn."""
    state, store = st.session_state, resources.desk().artifacts
    for upload in _untaken(state.get(key) or []):
        state["drop_taken"], state["drop_taken_at"] = state["drop_taken"] | {upload.file_id}, time.monotonic()
        try:
            image = store.take_reference(upload.getvalue(), upload.name, fit=fit)
        except PictureDeskError as error:
            refuse(_about(upload.name, error))
        else:
            if all(image.sha256 != known.sha256 for known in state["references"]):
                state["references"] = [*state["references"], image]
    keep_references()


def _about(name: str, error: PictureDeskError) -> str:
    """Its sentence, which names the file."""
    said = error.sentence
    return said if name in said else Sentence("About {file}: {sentence}", file=name, sentence=said)
