"""What stands around the files of an archive is read back by others, also beyond 4 GiB."""

import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from data.zip_format import WIDEST_ENDING, Entry, directory_record, ending, local_header, needs_wide

WHEN = datetime(2026, 11, 27, 10, 20, 30, tzinfo=UTC)
GiB = 1 << 30


def test_an_archive_of_more_than_4_gib_is_read_back(tmp_path: Path) -> None:
    large, small = Entry("巨大.mp4", 5 * GiB, WHEN), Entry("small.png", 4, WHEN)
    path, records, start = tmp_path / "large.zip", [], []
    with path.open("wb") as file:  # sparse: it takes no room on the disk
        for entry, crc in ((large, 0), (small, zlib.crc32(b"tiny"))):
            start.append(file.tell())
            file.write(local_header(entry, crc))
            records.append(directory_record(entry, crc, start[-1]))
            file.seek(entry.size - 4, 1)
            file.write(b"tiny")
            assert file.tell() == start[-1] + entry.span
        offset, directory = file.tell(), b"".join(records)
        last = ending(2, len(directory), offset, wide=True)
        assert len(last) == WIDEST_ENDING
        file.write(directory + last)
    with zipfile.ZipFile(path) as archive:
        assert [(each.filename, each.file_size, each.header_offset) for each in archive.infolist()] == [
            (large.name, large.size, start[0]),
            (small.name, small.size, start[1]),
        ]
        assert archive.read("small.png") == b"tiny"
        assert archive.infolist()[0].date_time == (2026, 11, 27, 10, 20, 30)


def test_the_ending_is_wide_only_where_it_must_be() -> None:
    assert not needs_wide(5001, 4 * GiB - 2)
    assert needs_wide(5001, 4 * GiB - 1)
    assert needs_wide(65535, 0)
    assert len(ending(1, 100, 100, wide=False)) == 22
