"""What the house promises about what it keeps: byte for byte, once, with thumbnails that heal themselves."""

import hashlib
import os
import shutil
from io import BytesIO

import films
import pictures
import pytest
from PIL import Image

from data import images
from data.artifacts import ArtifactStore
from data.db import Database
from data.errors import InvalidImage, NotFound, StorageError
from data.images import EDGES, StoredImage
from data.inspection import WRONG_SIZE, Inspection
from data.rows import artifact_row, stored_image
from data.schema import Artifact, Submission, Task, utcnow
from data.storage import ObjectStorage, picture_key, thumbnail_key


@pytest.fixture
def storage(tmp_path):
    return ObjectStorage(tmp_path / "files")


@pytest.fixture
def db(database_url):
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def store(db, storage):
    return ArtifactStore(db, storage, max_reference_bytes=10**7, max_pixels=64 * 10**6)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored_files(storage):
    return sorted(str(path.relative_to(storage.root)) for path in storage.root.rglob("*") if path.is_file())


def test_an_output_is_stored_byte_for_byte_under_its_digest_with_both_thumbnails(store, storage):
    data = pictures.phone_jpeg()
    stored = store.store_output(data)
    assert stored == StoredImage(digest(data), "image/jpeg", 480, 640, len(data))
    assert store.read_original(stored.sha256) == store.original_path(stored.sha256).read_bytes() == data
    for edge in (320, 1280):
        assert max(Image.open(BytesIO(store.thumbnail_path(stored.sha256, edge).read_bytes())).size) == min(edge, 640)
    assert len(stored_files(storage)) == 3


@pytest.mark.parametrize(("make", "mime"), [(films.mp4, "video/mp4"), (films.webm, "video/webm")])
def test_a_video_is_stored_byte_for_byte_under_its_digest_with_its_first_frame_as_thumbnails(
    store, storage, make, mime
):
    data = make(size=(640, 360))
    stored = store.store_output(data)
    assert stored == StoredImage(digest(data), mime, 640, 360, len(data), duration_ms=1000)
    assert store.read_original(stored.sha256) == data
    for edge in EDGES:
        poster = Image.open(BytesIO(store.thumbnail_path(stored.sha256, edge).read_bytes()))
        assert (poster.format, max(poster.size)) == ("WEBP", min(edge, 640))
    assert len(stored_files(storage)) == 3


def test_an_output_that_is_no_picture_and_no_video_leaves_no_file(store, storage):
    cut = films.mp4()[:-100]
    for data in (pictures.web_page(), pictures.truncated_png(), pictures.huge_header_png(), cut, films.audio_only()):
        with pytest.raises(InvalidImage):
            store.store_output(data)
    assert stored_files(storage) == []


def test_a_reference_is_stored_as_it_is_sent(store):
    stored = store.take_reference(pictures.phone_jpeg(), "C:\\photos\\holiday.jpg", position=1)
    sent = store.read_original(stored.sha256)
    assert stored.sha256 == digest(sent)
    assert stored.size == len(sent)
    assert (stored.width, stored.height, stored.mime) == (480, 640, "image/jpeg")
    assert stored.filename == "holiday.jpg"
    assert stored.note.startswith("rotated upright")
    assert store.thumbnail_path(stored.sha256, 320).is_file()


def test_the_same_reference_twice_is_stored_and_derived_once(store, storage, monkeypatch):
    first = store.take_reference(pictures.png(), "a.png")
    monkeypatch.setattr(images, "thumbnails", lambda _data: pytest.fail("derived again"))
    second = store.take_reference(pictures.png(), "b.png")
    assert (first.sha256, first.filename, second.filename) == (second.sha256, "a.png", "b.png")
    assert len(stored_files(storage)) == 3


def test_a_refused_reference_leaves_no_file_and_names_its_place(store, storage):
    with pytest.raises(InvalidImage, match=r"Image 3 \(a\.gif\) is a GIF") as caught:
        store.take_reference(pictures.animated_gif(), "a.gif", position=3)
    assert caught.value.field == "references.3"
    assert stored_files(storage) == []


@pytest.mark.parametrize("damage", ["missing", "empty", "halved", "gone with its folder"])
@pytest.mark.parametrize("make", [pictures.png, films.mp4])
def test_a_missing_or_broken_thumbnail_is_made_again(store, storage, damage, make):
    stored = store.store_output(make())
    path = storage.path(thumbnail_key(stored.sha256, 320))
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "gone with its folder":
        shutil.rmtree(storage.root / "derived")
    else:
        os.truncate(path, 0 if damage == "empty" else len(whole) // 2)
    assert store.thumbnail_path(stored.sha256, 320).read_bytes() == whole


def test_without_an_original_there_is_neither_picture_nor_thumbnail(store):
    for sha256 in ("0" * 64, "../../etc/passwd"):
        with pytest.raises(NotFound):
            store.original_path(sha256)
        with pytest.raises(NotFound):
            store.thumbnail_path(sha256, 320)
        with pytest.raises(NotFound):
            store.read_original(sha256)


def test_a_thumbnail_of_an_unknown_size_or_of_a_damaged_original_is_not_found(store, storage):
    stored = store.store_output(pictures.png())
    with pytest.raises(NotFound):
        store.thumbnail_path(stored.sha256, 640)
    shutil.rmtree(storage.root / "derived")
    os.truncate(storage.path(picture_key(stored.sha256)), 100)
    with pytest.raises(NotFound, match="damaged"):
        store.thumbnail_path(stored.sha256, 320)


def test_an_inspection_sees_what_a_video_lacks_and_makes_its_thumbnails_again(db, storage, store):
    looks, stored = Inspection(db, storage, store), store.store_output(films.webm())
    _name(db, stored)
    (named,) = looks.after("")
    for edge in EDGES:
        os.truncate(storage.path(thumbnail_key(stored.sha256, edge)), 20)
    assert (looks.fault(named, whole=True), looks.thumbnails_lacking(named), looks.rebuild(named)) == (None, 2, None)
    assert looks.thumbnails_lacking(named) == 0
    os.truncate(storage.path(picture_key(stored.sha256)), 500)
    assert looks.fault(named) == WRONG_SIZE


def _name(db, image):
    """A row for an output; gives its task's id."""
    task = Task(
        batch_id="b", person="kim", model="google/nano-banana", family="nano-banana", provider="kie", prompt="kite",
        digest="d",
    )  # fmt: skip
    submission = Submission(task_id=task.id, attempt=1, account="kie", token="t", lease_until=utcnow())
    row = artifact_row(image, task_id=task.id, submission_id=submission.id, position=0, now=utcnow())
    with db.transaction() as session:
        session.add(task)
        session.flush()
        session.add(submission)
        session.flush()
        session.add(row)
    return task.id


def test_how_long_a_video_is_goes_into_its_row_and_comes_out_of_it(db, store):
    stored = store.store_output(films.mp4())
    (row,) = store.outputs(_name(db, stored))
    assert row.duration_ms == 1000
    assert stored_image(row) == stored


def test_a_refusing_disk_is_a_storage_error_not_a_bad_picture(store, storage):
    storage.root.write_text("a file in the way")
    with pytest.raises(StorageError):
        store.store_output(pictures.png())


def test_rows_come_back_by_role_and_position_and_outlive_their_session(store, db):
    task = Task(
        batch_id="b",
        person="kim",
        model="google/nano-banana",
        family="nano-banana",
        provider="kie",
        prompt="kite",
        digest="d",
    )
    submission = Submission(task_id=task.id, attempt=1, account="kie", token="t", lease_until=utcnow())
    wanted = [("output", 1), ("input", 1), ("output", 0), ("input", 0)]
    with db.transaction() as session:
        session.add(task)
        session.flush()
        session.add(submission)
        session.flush()
        for role, position in wanted:
            made = submission.id if role == "output" else None
            session.add(
                Artifact(
                    task_id=task.id, submission_id=made, role=role, position=position, sha256="0" * 64,
                    mime="image/png", width=1, height=1, size=1,
                )
            )  # fmt: skip
    task_id = task.id
    assert [(row.role, row.position) for row in store.inputs(task_id)] == [("input", 0), ("input", 1)]
    assert [(row.role, row.position) for row in store.outputs(task_id)] == [("output", 0), ("output", 1)]
    assert store.outputs("another") == []
