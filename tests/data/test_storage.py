"""What the folder of pictures promises: whole files or none, no way out of the folder, and sentences when it fails."""

import errno
import os
import sys
import threading

import pytest

from data.errors import NotFound, StorageError
from data.storage import ObjectStorage, picture_key, thumbnail_key

SHA = "ab" + "cd" + "0" * 60


@pytest.fixture
def storage(tmp_path):
    return ObjectStorage(tmp_path / "state" / "files")


def files(storage):
    return sorted(str(path.relative_to(storage.root)) for path in storage.root.rglob("*") if path.is_file())


def test_bytes_come_back_as_they_were_put(storage):
    storage.put(picture_key(SHA), b"\x00picture\xff")
    assert storage.read(picture_key(SHA)) == b"\x00picture\xff"
    assert storage.exists(picture_key(SHA))
    assert files(storage) == [f"pictures/ab/cd/{SHA}"]


def test_derived_files_lie_apart_from_originals():
    assert thumbnail_key(SHA, 320) == f"derived/ab/cd/{SHA}.320.webp"


def test_what_is_not_there_is_not_found(storage):
    assert not storage.exists(picture_key(SHA))
    with pytest.raises(NotFound):
        storage.read(picture_key(SHA))
    storage.put(picture_key(SHA), b"x")
    with pytest.raises(NotFound):
        storage.read("pictures/ab")
    storage.delete(picture_key(SHA))
    storage.delete(picture_key(SHA))
    assert files(storage) == []


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
@pytest.mark.parametrize("most", [30_000, 65_536, 1 << 30])
def test_a_file_of_any_size_is_read_whole_from_a_disk_that_gives_less_than_it_is_asked_for(
    storage, monkeypatch, size, most
):
    data = os.urandom(size)
    storage.put(picture_key(SHA), data)
    read, pread = os.read, os.pread
    monkeypatch.setattr("data.storage.os.read", lambda file, asked: read(file, min(asked, most)))
    monkeypatch.setattr("data.storage.os.pread", lambda file, asked, at: pread(file, min(asked, most), at))
    assert storage.read(picture_key(SHA)) == data


def test_a_file_that_cannot_be_read_is_a_sentence_and_stays_open_nowhere(storage, monkeypatch):
    def broken(file, size):
        raise OSError(errno.EIO, "Input/output error")

    storage.put(picture_key(SHA), b"x")
    monkeypatch.setattr("data.storage.os.read", broken)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(StorageError, match="could not be read: Input/output error"):
        storage.read(picture_key(SHA))
    assert len(os.listdir("/dev/fd")) == before


def test_putting_the_same_again_only_makes_the_file_young(storage):
    storage.put(picture_key(SHA), b"same")
    path = storage.path(picture_key(SHA))
    os.utime(path, (1, 1))
    before = path.stat()
    storage.put(picture_key(SHA), b"same")
    after = path.stat()
    assert after.st_ino == before.st_ino
    assert after.st_mtime > before.st_mtime


def test_a_file_of_the_wrong_size_is_replaced(storage):
    storage.put(picture_key(SHA), b"whole")
    storage.path(picture_key(SHA)).write_bytes(b"ha")
    storage.put(picture_key(SHA), b"whole")
    assert storage.read(picture_key(SHA)) == b"whole"


@pytest.mark.parametrize(
    "key",
    ["../x", "a/../b", "/etc/passwd", "a//b", "a/", "", ".hidden", "a/.b", "a\\b", "A", "a\n", "a\x00", "ä", "a/.."],
)
def test_no_key_leads_out_of_the_folder(storage, key):
    for act in (storage.path, storage.read, storage.exists, storage.delete, lambda k: storage.put(k, b"x")):
        with pytest.raises(ValueError, match="not a storage key"):
            act(key)


@pytest.mark.parametrize("sha256", ["", "ab", SHA.upper(), SHA + "0", "../" + SHA[3:], SHA[:-1] + "g"])
def test_what_is_no_digest_names_no_picture(sha256):
    with pytest.raises(NotFound):
        picture_key(sha256)
    with pytest.raises(NotFound):
        thumbnail_key(sha256, 320)


def test_the_file_and_its_folder_reach_the_disk_before_put_returns(storage, monkeypatch):
    order = []
    fsync, replace = os.fsync, type(storage.root).replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append(os.readlink(f"/proc/self/fd/{fd}")), fsync(fd)))
    monkeypatch.setattr(type(storage.root), "replace", lambda self, to: (order.append("replace"), replace(self, to)))
    if sys.platform != "linux":
        pytest.skip("names of descriptors are read from /proc")
    storage.put(picture_key(SHA), b"x")
    at = order.index("replace")
    assert order[at - 1].endswith(".partial")
    assert order[at + 1] == str(storage.root / "pictures/ab/cd")
    # the new folders' names too, from the first that existed
    assert order[: at - 1] == [
        str(folder)
        for folder in (
            storage.root.parent.parent, storage.root.parent, storage.root, storage.root / "pictures",
            storage.root / "pictures/ab",
        )
    ]  # fmt: skip


def test_derived_files_are_not_synced(storage, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: pytest.fail("synced"))
    storage.put(thumbnail_key(SHA, 320), b"x", durable=False)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permissions"),
        (errno.EIO, "Look at the disk"),
    ],
)
def test_a_refusing_disk_gives_a_sentence_and_leaves_no_partial_file(storage, monkeypatch, code, words):
    def fail(fd):
        raise OSError(code, os.strerror(code))

    storage.put("probe/x", b"makes the folders")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match=words):
        storage.put("probe/y", b"x" * 1000)
    assert files(storage) == ["probe/x"]


def test_a_full_disk_is_told_as_such(storage):
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    storage.put("probe/x", b"makes the folders")
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError, match="is tried again"):
            storage.put("probe/y", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert files(storage) == ["probe/x"]


def test_a_file_where_a_folder_belongs_is_a_storage_error(tmp_path):
    (tmp_path / "files").write_text("in the way")
    storage = ObjectStorage(tmp_path / "files")
    with pytest.raises(StorageError):
        storage.put("probe/x", b"x")
    with pytest.raises(StorageError):
        storage.check()


def test_the_leavings_of_a_killed_process_are_removed_by_the_next_writer_but_not_those_of_a_live_one(storage):
    path = storage.path(picture_key(SHA))
    path.parent.mkdir(parents=True)
    dead, live = path.with_name(f".{SHA}.dead.partial"), path.with_name(f".{SHA}.live.partial")
    dead.write_bytes(b"half")
    live.write_bytes(b"half")
    os.utime(dead, (0, 0))
    storage.put(picture_key(SHA), b"whole")
    assert not dead.exists()
    assert live.exists()


def test_many_writers_of_one_picture_leave_one_whole_file(storage):
    data = os.urandom(300_000)
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            if storage.exists(picture_key(SHA)):
                seen.add(storage.read(picture_key(SHA)))

    writers = [threading.Thread(target=storage.put, args=(picture_key(SHA), data)) for _ in range(8)]
    reader = threading.Thread(target=look)
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert seen <= {data}
    assert storage.read(picture_key(SHA)) == data
    assert files(storage) == [f"pictures/ab/cd/{SHA}"]


def test_the_write_probe_passes_on_a_good_folder_and_leaves_nothing(storage):
    assert storage.free_bytes() > 0  # before the folder exists, too
    storage.check()
    assert files(storage) == []
