"""Archives over real HTTP: the originals byte for byte, whatever is broken left out and listed, by a genuine form only."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pictures import jpeg, png, webp

from data.ids import new_id
from data.links import ARCHIVE
from data.pace import Pace
from data.requests import GenerationRequest
from data.settling import Word
from data.storage import picture_key

from .conftest import MODEL, Server

MiB = 1 << 20


def now() -> datetime:
    return datetime.now(UTC)


def made(server: Server, *files: bytes, prompt: str = "a red kite", **params: object) -> str:
    """The id of a task that has ended with these files."""
    server.tasks.create([GenerationRequest(MODEL, prompt, params, ())], person="ann")
    claim = server.submissions.claim("kie", [("kie", "nano-banana")], Pace(in_flight=10_000, creates=10_000))
    assert claim is not None
    name = new_id()
    urls = tuple(f"http://h/{number}" for number in range(len(files)))
    server.submissions.accepted(claim.submission_id, name)
    server.submissions.apply(claim.submission_id, Word("succeeded", name, urls, charged_micro=4_500_000))
    fetch = server.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    for position, data in enumerate(files):
        server.errands.stored(fetch.submission_id, position, server.opened.artifacts.store_output(data))
    assert server.errands.fetched(fetch.submission_id)
    return claim.task.id


def form(server: Server, *task_ids: str, who: str = "ann", at: datetime | None = None) -> dict[str, str]:
    return server.opened.links.archive_form(task_ids, who, now=at or now())


def fetched(server: Server, *task_ids: str) -> tuple[zipfile.ZipFile, list[dict[str, str]]]:
    """The archive as a person unpacks it, and its manifest."""
    answer = server.client.post(ARCHIVE, data=form(server, *task_ids))
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    table = archive.read("manifest.csv").decode("utf-8-sig")
    return archive, list(csv.DictReader(io.StringIO(table, newline="")))


def path(server: Server, data: bytes) -> Path:
    return server.opened.storage.path(picture_key(hashlib.sha256(data).hexdigest()))


def test_an_archive_holds_every_original_byte_for_byte_and_a_manifest_that_says_what_it_is(server: Server) -> None:
    kite, owl, second = png(64, 48), jpeg(50, 60), webp(40, 40)
    ids = made(server, kite, prompt="红色的风筝", seed=7), made(server, owl, second, prompt="an owl")
    archive, lines = fetched(server, *ids)
    names = archive.namelist()
    assert [archive.read(name) for name in names[:-1]] == [kite, owl, second]
    assert names[0].startswith("红色的风筝_") and names[2].endswith("-2.webp") and names[-1] == "manifest.csv"
    assert [line["file"] for line in lines] == names[:-1]
    first = lines[0]
    assert (first["task_id"], first["person"], first["model"], first["prompt"]) == (ids[0], "ann", MODEL, "红色的风筝")
    assert (first["seed"], json.loads(first["settings"])) == ("7", {"seed": 7})
    assert (first["bytes"], first["width"], first["height"]) == (str(len(kite)), "64", "48")
    assert first["sha256"] == hashlib.sha256(kite).hexdigest() and first["left_out_because"] == ""
    assert [line["credits"] for line in lines] == ["4.5", "4.5", ""]  # what two calls cost, not three files
    assert datetime.fromisoformat(first["finished_at"]) <= now()
