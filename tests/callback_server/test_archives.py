"""Archives over real HTTP: originals byte for byte, what is broken left out and listed, and by a genuine form only."""

import csv
import hashlib
import io
import json
import os
import random
import socket
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from films import mp4
from pictures import jpeg, phone_jpeg, png, webp
from PIL import Image

from callback_server.routes.record import record
from data.archive import Archive
from data.catalog import OVERRIDE, catalog, follow
from data.clean import cleaned
from data.ids import new_id
from data.images import StoredImage
from data.links import ARCHIVE, ARCHIVED, CLEAN, SETTINGS, LinkSigner
from data.marks import Marks
from data.pace import Pace
from data.removal import Removal
from data.requests import GenerationRequest
from data.schema import Artifact, Task
from data.settling import Word
from data.status import TaskStatus
from data.storage import picture_key

from .conftest import MODEL, Server

MIB = 1 << 20


def now() -> datetime:
    return datetime.now(UTC)


def kept(server: Server, data: bytes) -> StoredImage:
    """Any bytes as an original: what an archive holds it does not look into."""
    sha256 = hashlib.sha256(data).hexdigest()
    server.opened.storage.put(picture_key(sha256), data, durable=False)
    mimes = {b"\xff\xd8": "image/jpeg", b"RI": "image/webp", b"\0\0": "video/mp4"}
    return StoredImage(sha256, mimes.get(data[:2], "image/png"), 64, 48, len(data))


def made(server: Server, *files: bytes, prompt: str = "a red kite", **params: object) -> str:
    """The id of a task that has ended with these files."""
    server.tasks.create([GenerationRequest(MODEL, prompt, params, ())], person="ann")
    claim = server.submissions.claim("kie", [("kie", "nano-banana")], Pace(in_flight=10_000, creates=10_000))
    assert claim is not None
    name, urls = new_id(), tuple(f"http://h/{number}" for number in range(len(files)))
    server.submissions.accepted(claim.submission_id, name)
    server.submissions.apply(claim.submission_id, Word("succeeded", name, urls, charged_micro=4_500_000))
    fetch = server.errands.claim_fetch(timedelta(seconds=60))
    assert fetch is not None
    for position, data in enumerate(files):
        server.errands.stored(fetch.submission_id, position, kept(server, data))
    assert server.errands.fetched(fetch.submission_id)
    return claim.task.id


def form(
    server: Server, *task_ids: str, who: str = "ann", at: datetime | None = None, kind: str = "original"
) -> dict[str, str]:
    return server.opened.links.archive_form(task_ids, who, now=at or now(), kind=kind)


def unpacked(content: bytes) -> tuple[zipfile.ZipFile, list[dict[str, str]]]:
    """The archive as a person unpacks it, and its manifest, which tells of each file what it is."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    table = archive.read("manifest.csv").decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(table, newline="")))
    for line in lines:
        data = archive.read(line["file"]) if line["file"] else b""
        told = (str(len(data)), hashlib.sha256(data).hexdigest()) if line["file"] else ("", "")
        assert (line["bytes"], line["sha256"]) == told
    return archive, lines


def fetched(server: Server, *task_ids: str, kind: str = "original") -> tuple[zipfile.ZipFile, list[dict[str, str]]]:
    answer = server.client.post(ARCHIVE, data=form(server, *task_ids, kind=kind))
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    ending = "" if kind == "original" else f"_{kind}"
    assert answer.headers["content-disposition"].endswith(f'{ending}.zip"')
    return unpacked(answer.content)


def path(server: Server, data: bytes) -> Path:
    return server.opened.storage.path(picture_key(hashlib.sha256(data).hexdigest()))


def test_an_archive_holds_every_original_byte_for_byte_and_a_manifest_that_says_what_it_is(server: Server) -> None:
    kite, owl, second = png(64, 48), jpeg(64, 48), webp(64, 48)
    ids = made(server, kite, prompt="红色的风筝", seed=7), made(server, owl, second, prompt="an owl")
    archive, lines = fetched(server, *ids)
    names = archive.namelist()
    assert [archive.read(name) for name in names[:-1]] == [kite, owl, second]
    assert names[0].startswith("红色的风筝_")
    assert names[-1] == "manifest.csv"
    assert [line["file"] for line in lines] == names[:-1]
    first = lines[0]
    assert (first["task_id"], first["person"], first["model"], first["prompt"]) == (ids[0], "ann", MODEL, "红色的风筝")
    assert (first["seed"], json.loads(first["settings"])) == ("7", {"seed": 7})
    assert (first["bytes"], first["width"], first["height"]) == (str(len(kite)), "64", "48")
    assert (first["sha256"], first["left_out_because"]) == (hashlib.sha256(kite).hexdigest(), "")
    assert [line["credits"] for line in lines] == ["4.5", "4.5", ""]  # what two calls cost, not three files
    assert datetime.fromisoformat(first["finished_at"]) <= now()


def test_what_is_missing_or_broken_is_left_out_and_listed_and_the_rest_is_whole(server: Server) -> None:
    good, gone, short, rotten, last = (random.Random(each).randbytes(MIB + 5) for each in range(5))
    ids = [made(server, data, prompt="the same") for data in (good, gone, short, rotten, last)]
    path(server, gone).unlink()
    path(server, short).write_bytes(short[:-1])
    path(server, rotten).write_bytes(rotten[:-1] + bytes([rotten[-1] ^ 1]))
    archive, lines = fetched(server, *ids)
    assert [archive.read(name) for name in archive.namelist()[:-1]] == [good, last]
    reasons = [line["left_out_because"] for line in lines]
    assert reasons[0] == reasons[4] == ""
    assert "not in the storage" in reasons[1]
    assert "not as long" in reasons[2]
    assert "damaged" in reasons[3]
    assert [bool(line["file"]) for line in lines] == [True, False, False, False, True]


def test_an_archive_of_clean_copies_holds_no_word_and_leaves_out_what_cannot_be_cleaned(server: Server) -> None:
    told, film, rotten = phone_jpeg(), mp4(), png(65, 48)
    ids = [made(server, data) for data in (told, film, rotten)]
    path(server, rotten).write_bytes(rotten[:-1] + bytes([rotten[-1] ^ 1]))
    archive, lines = fetched(server, *ids, kind=CLEAN)
    (name, _) = archive.namelist()
    assert b"Pocket" in told
    assert archive.read(name) == cleaned(told)[0]
    assert [bool(line["file"]) for line in lines] == [True, False, False]
    assert "cannot be freed of its metadata" in lines[1]["left_out_because"]
    assert "damaged" in lines[2]["left_out_because"]
    assert path(server, told).read_bytes() == told
    assert lines[0]["sha256"] != lines[0]["original_sha256"] == hashlib.sha256(told).hexdigest()
    assert name.endswith("_clean.jpg")


def test_an_archive_with_settings_has_them_in_each_picture_and_beside_each_file(server: Server) -> None:
    prompt = "红色的风筝 ]]> " + "k" * 70_000
    files = [png(64, 48), phone_jpeg(), webp(64, 48), mp4(), b"no picture at all" * 9]
    ids = [made(server, data, prompt=prompt, seed=7) for data in files]
    archive, lines = fetched(server, *ids, kind=SETTINGS)
    names = archive.namelist()
    assert names == [n for line in lines for n in (line["file"], line["file"] + ".json")] + ["manifest.csv"]
    for data, line in zip(files[:3], lines[:3], strict=True):
        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(archive.read(line["file"]))) as after:
            assert before.tobytes() == after.tobytes()
            assert line["task_id"].encode() in after.info["xmp"]
        assert line["original_sha256"] == hashlib.sha256(data).hexdigest()
    assert [archive.read(line["file"]) for line in lines[3:]] == files[3:]  # these have no place for it inside
    endings = [line["file"].rpartition(task_id[-6:])[2] for task_id, line in zip(ids, lines, strict=True)]
    assert endings == ["_with-settings.png", "_with-settings.jpg", "_with-settings.webp", ".mp4", ".png"]
    for task_id, data, line in zip(ids, files, lines, strict=True):
        said = json.loads(archive.read(line["file"] + ".json"))
        assert (said["task_id"], said["prompt"], said["params"]) == (task_id, prompt, {"seed": 7})
        assert said["file"]["sha256"] == hashlib.sha256(data).hexdigest()
        assert path(server, data).read_bytes() == data


LONG_NAME = "A kite's " * 400
RENAMED = f"""
[[model]]
id = "{MODEL}"
label = "{LONG_NAME}"
family = "nano-banana"
provider = "kie"
mode = "text"
prompt_max = 100
"""


def test_an_archive_is_as_long_as_was_told_though_a_model_is_renamed_meanwhile(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, film = png(64, 48), mp4()
    ids = [made(server, image), made(server, film)]
    stores = server.opened.history, server.opened.glances, Marks(server.db), server.opened.storage
    monkeypatch.setattr("data.catalog.LOOK_SECONDS", 0.0)
    follow(tmp_path / "names")
    planned = Archive(*stores, ids, now=now(), names={}, kind=SETTINGS)
    spec = catalog().require(MODEL)
    content = bytearray()
    try:
        for piece in planned.pieces():
            if not content:
                (tmp_path / "names").mkdir()
                (tmp_path / "names" / OVERRIDE).write_text(RENAMED, encoding="utf-8")
                assert catalog().require(MODEL).label == LONG_NAME
            content += piece
    finally:
        follow(tmp_path / "nowhere")
    assert len(content) == planned.size
    archive, lines = unpacked(bytes(content))
    for line in lines:
        assert json.loads(archive.read(line["file"] + ".json"))["model_name"] == spec.label


def test_if_every_file_is_rotten_the_manifest_still_arrives(server: Server) -> None:
    data = [random.Random(each).randbytes(300) for each in range(3)]
    ids = [made(server, each) for each in data]
    for each in data:
        path(server, each).write_bytes(b"x" * 300)
    archive, lines = fetched(server, *ids)
    assert archive.namelist() == ["manifest.csv"]
    assert len(lines) == 3


def test_tasks_without_a_picture_are_listed_with_the_reason_and_deleted_ones_are_not_there(server: Server) -> None:
    failed = server.running("f1")
    server.submissions.apply(failed.submission_id, Word("failed", "f1", (), 0, "policy", "no"))
    deleted, kite = made(server, png(64, 48)), made(server, jpeg(64, 48))
    Removal(server.db).delete([deleted], who="ann")
    waiting = server.tasks.create([GenerationRequest(MODEL, "later", {}, ())], person="ann")[0].id
    archive, lines = fetched(server, failed.task.id, deleted, kite, waiting, new_id())
    assert len(archive.namelist()) == 2
    assert [line["task_id"] for line in lines] == [failed.task.id, kite, waiting]
    assert "refused this prompt" in lines[0]["left_out_because"]
    assert lines[2]["left_out_because"] == "It is not finished yet."


def test_what_failed_in_practice_was_not_charged_and_its_record_says_the_same(server: Server) -> None:
    server.tasks.create([GenerationRequest(MODEL, "a red kite", {}, ())], person="ann")
    claim = server.submissions.claim("sandbox", [("kie", "nano-banana")], Pace())
    assert claim is not None
    server.submissions.accepted(claim.submission_id, "f1")
    server.submissions.apply(claim.submission_id, Word("failed", "f1", (), 4_000_000, "policy", "no"))
    _, (line,) = fetched(server, claim.task.id)
    told = record(server.opened.history.detail(claim.task.id), server.opened.links, "")
    assert told.error is not None
    for said in (line["left_out_because"], told.error.message):
        assert "Nothing was charged but 4 practice credits." in said


def test_no_two_files_share_a_name(server: Server) -> None:
    image = kept(server, png(64, 48))
    ids = [f"0190{number}000-0000-7000-8000-000000abcdef" for number in range(3)]  # names end in the last six
    with server.db.transaction() as session:
        for each in ids:
            session.add(Task(id=each, batch_id="b", person="ann", model=MODEL, family="nano-banana", provider="kie",
                             prompt="a red kite", digest="d", status=TaskStatus.SUCCEEDED))  # fmt: skip
        session.flush()
        for each in ids:
            session.add(Artifact(task_id=each, role="output", position=0, sha256=image.sha256, mime=image.mime,
                                 width=image.width, height=image.height, size=image.size))  # fmt: skip
    archive, lines = fetched(server, *ids)
    assert len(set(archive.namelist())) == 4
    assert [line["file"] for line in lines] == archive.namelist()[:-1]


def test_only_a_genuine_form_is_served_and_a_wrong_one_tells_nothing(server: Server) -> None:
    mine, other = made(server, png(64, 48)), made(server, jpeg(64, 48))
    good = form(server, mine)
    stranger = LinkSigner(b"another key").archive_form([mine], "ann", now=now())
    wrong = {
        "another task": good | {"ids": other},
        "one task more": good | {"ids": f"{mine}.{other}"},
        "another person": good | {"w": "bob"},
        "other files": good | {"k": SETTINGS},
        "a longer life": good | {"e": str(int(good["e"]) + 1)},
        "no signature": {key: value for key, value in good.items() if key != "s"},
        "no text": good | {"s": "\ud800"},
        "another key": stranger,
        "expired": form(server, mine, at=now() - timedelta(hours=25)),
        "a picture link's signature": good | {"s": server.opened.links.path("ab" * 32, "320", now=now())[-22:]},
        "nothing": {},
    }
    for name, fields in wrong.items():
        body = urlencode(fields, errors="surrogatepass")
        answer = server.client.post(
            ARCHIVE, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert (name, answer.status_code) == (name, 403)
        assert "not valid, or no longer" in answer.text
    for junk in (b"\xff\xfe\0", b"&" * 10_000, b"=" * 100, b"ids[]=1;s", json.dumps(good).encode()):
        assert server.client.post(ARCHIVE, content=junk).status_code == 403
    assert server.client.get(ARCHIVE).status_code == 405
    assert server.client.post(ARCHIVE, data=good).status_code == 200


def test_what_is_too_much_is_refused_before_it_is_read(server: Server) -> None:
    most = [new_id() for _ in range(ARCHIVED)]
    assert server.client.post(ARCHIVE, data=form(server, *most)).status_code == 200
    with pytest.raises(ValueError, match="at most 5,000"):
        form(server, *most, new_id())
    fields = {**form(server, *most), "ids": ".".join(most * 2)}
    assert server.client.post(ARCHIVE, data=fields).status_code == 413

    def endless() -> Iterator[bytes]:
        yield from (b"ids=" + b"a" * MIB for _ in range(50))

    assert server.client.post(ARCHIVE, content=endless()).status_code == 413  # chunked: no length says so beforehand


def handles(server: Server) -> list[int]:
    """How far each original that this process holds open has been read."""
    found, folder = [], server.opened.storage.root / "pictures"
    for each in Path("/proc/self/fd").iterdir():
        try:
            if Path(os.readlink(each)).is_relative_to(folder.resolve()):
                found.append(int(Path(f"/proc/self/fdinfo/{each.name}").read_text().split()[1]))
        except FileNotFoundError:
            continue  # this very listing
    return found


def until(true: object) -> None:
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stands_still(server: Server) -> bool:
    """Whether a file is open and nobody reads it."""
    before = handles(server)
    time.sleep(0.5)
    return bool(before) and handles(server) == before


def asked(server: Server, fields: dict[str, str]) -> socket.socket:
    """A client that has asked for an archive and has not read a byte of it."""
    body = urlencode(fields).encode()
    url = urlsplit(server.url)
    client = socket.create_connection((str(url.hostname), int(url.port or 0)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.sendall(b"POST /files/archive HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return client


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="only Linux shows which files are open")
def test_a_slow_client_is_waited_for_and_one_that_hangs_up_is_read_for_no_longer(server: Server) -> None:
    files = [random.Random(each).randbytes(16 * MIB) for each in range(3)]
    ids = [made(server, each) for each in files]
    with asked(server, form(server, *ids)) as slow:
        until(lambda: stands_still(server))
        (place,) = handles(server)
        assert 0 < place <= 12 * MIB  # what is read ahead is what the sockets take
        assert server.client.get("/healthz").status_code == 200
        said = bytearray()
        while b"\r\n\r\n" not in said:
            said += slow.recv(1)
        length = int(said.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        with slow.makefile("rb") as content:
            archive, _ = unpacked(content.read(length))
        assert [archive.read(name) for name in archive.namelist()[:-1]] == files
    with asked(server, form(server, *ids)) as gone:
        until(lambda: stands_still(server))
        gone.recv(1)
    until(lambda: not handles(server))
    assert server.client.get("/healthz").status_code == 200
