"""Pictures of this desk that come back by their address: a link that we signed, or a page of ours that shows a task.

Such an address is never fetched. The file it means lies in storage, and is taken from there as an upload is.
"""

import re
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from dashboard import resources
from data.artifacts import ArtifactStore
from data.errors import InvalidRequest, NotFound
from data.history import Detail
from data.images import StoredImage
from data.links import download_name
from data.sentences import Sentence, paragraph
from data.shrinking import Fit

_FILE = re.compile(r".*/files/(?P<sha256>[0-9a-f]{64})/(?P<variant>\w+)")
_TASK = re.compile(r"(?P<id>[0-9a-f-]{36})(\.(?P<number>[1-9]\d?))?")

_FREE = Sentence("Nothing was charged.")


def picture(address: str, fit: Fit | None = None) -> StoredImage | None:
    """The picture that an address of ours means, made to fit; None for a stranger's address.

    Raises:
        InvalidRequest: it is ours, and means no picture that can be taken.
        NotFound: its task or its file is gone.
        StorageError: its file cannot be read.
    """
    try:
        parts = urlsplit(address.strip())
        here = parts.netloc.lower() in _hosts()
    except ValueError:  # brackets that hold no number
        return None
    said = dict(parse_qsl(parts.query))
    if match := _FILE.fullmatch(parts.path):
        sha256, variant = match["sha256"], match["variant"]
        if resources.desk().signer.verify(sha256, variant, said, now=resources.now()):
            return _of_file(sha256, fit)
        if here:
            old = Sentence("This link to a picture of the desk has expired.")
            raise _refused(old, Sentence("Find the picture in History and drag it here."))
    if not here:
        return None
    if match := _TASK.fullmatch(said.get("task", "")):
        return of_task(resources.desk().history.detail(match["id"]), int(match["number"] or 1) - 1, fit)
    page = Sentence("This is the address of a page of this desk, not of a picture.")
    raise _refused(page, Sentence("Find the picture in History and drag it here."))


def of_task(detail: Detail, index: int, fit: Fit | None = None) -> StoredImage:
    """One of a task's pictures as a reference; `index` counts from 0. Raises like `picture`."""
    if index >= len(detail.outputs):
        raise _refused(Sentence("This request has no such picture."), Sentence("Choose one that is finished."))
    card, output = detail.card, detail.outputs[index]
    return _taken(output.sha256, output.mime, download_name(card.prompt, card.model, card.id, output.mime, index), fit)


def _of_file(sha256: str, fit: Fit | None) -> StoredImage:
    """By the task that made it, or by its own name where it was uploaded and is in a form, or was sent."""
    desk = resources.desk()
    row = desk.artifacts.named(sha256)
    if row is None or row.role == "input":
        known = [image for image in st.session_state.get("references", ()) if image.sha256 == sha256]
        name = row.filename if row else known[0].filename if known else None
        return _taken(sha256, row.mime if row else "", name, fit)
    try:
        detail = desk.history.detail(row.task_id)
    except NotFound:  # deleted, and its file is still there
        return _taken(sha256, row.mime, None, fit)
    index = next((place for place, output in enumerate(detail.outputs) if output.sha256 == sha256), 0)
    return of_task(detail, index, fit)


def _taken(sha256: str, mime: str, name: str | None, fit: Fit | None) -> StoredImage:
    if mime.startswith("video/"):
        still = Sentence("This is a video; the models take still pictures.")
        raise _refused(still, Sentence("Save the frame you mean and add that."))
    artifacts: ArtifactStore = resources.desk().artifacts
    return artifacts.take_reference(artifacts.read_original(sha256), name, fit=fit)


def _hosts() -> set[str]:
    """Where browsers find this desk: its pages, and its files."""
    return {urlsplit(address).netloc.lower() for address in (st.context.url or "", resources.server_url(""))} - {""}


def _refused(fact: str, advice: str) -> InvalidRequest:
    return InvalidRequest(paragraph(fact, _FREE, advice), field="references", code="bad_reference")
