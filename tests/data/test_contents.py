"""What files hold: noticed when it changes, the same wherever they lie."""

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest

from striate.data import contents
from striate.data.contents import UNKNOWN, contents_of, stamps_of


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Five settled files of ten bytes."""
    paths = []
    for number in range(5):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(bytes([number]) * 10)
        paths.append(str(path))
    return paths


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once."""
    monkeypatch.setattr(contents, "SETTLED", -1.0)


def test_a_hash_is_of_the_bytes_and_of_nothing_else(files):
    found, unreadable = contents_of(files, stamps_of(files), {})
    assert unreadable == {}
    expected = [hashlib.sha256(bytes([number]) * 10).digest()[:16] for number in range(5)]
    assert [row.tobytes() for row in found] == expected


def test_files_that_are_known_are_not_opened(files, settled, monkeypatch):
    stamps = stamps_of(files)
    first, _ = contents_of(files, stamps, {})
    known = dict(zip(map(bytes, stamps), map(bytes, first), strict=True))
    monkeypatch.setattr(contents.images, "load", lambda path: pytest.fail(f"opened {path}"))
    again, _ = contents_of(files, stamps_of(files), known)
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("how", ["same size", "same size and time", "replaced", "moved"])
def test_a_changed_file_has_another_stamp(files, settled, how):
    before = stamps_of(files)
    path = Path(files[2])
    status = path.stat()
    time.sleep(0.02)  # more than a tick of the file system's clock
    if how == "moved":
        path.rename(files[2] + ".new")
        files[2] += ".new"
    elif how == "replaced":  # with another inode, and the times of the old file
        path.with_suffix(".tmp").write_bytes(b"x" * 10)
        path.with_suffix(".tmp").replace(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    else:
        path.write_bytes(b"x" * 10)
    if how == "same size and time":
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    same = (stamps_of(files) == before).all(axis=1)
    assert same.tolist() == [True, True, False, True, True]


def test_a_file_just_written_has_no_stamp_to_rely_on(files):
    assert not stamps_of(files).any()
    for path in files:
        os.utime(path, (0, 0))  # the time of its last change of state is still now
    assert not stamps_of(files).any()


def test_what_cannot_be_read_has_its_reason_and_no_hash(files, tmp_path):
    paths = [files[0], str(tmp_path), str(tmp_path / "absent"), "zero\0byte", files[1]]
    stamps = stamps_of(paths)
    assert stamps[2].tobytes() == stamps[3].tobytes() == UNKNOWN
    found, unreadable = contents_of(paths, stamps, {})
    assert found.any(axis=1).tolist() == [True, False, False, False, True]
    assert unreadable[1] == "is a folder"
    assert "No such file" in unreadable[2]
    assert sorted(unreadable) == [1, 2, 3]


def test_no_files():
    assert stamps_of([]).shape == (0, 16)
    assert contents_of([], stamps_of([]), {})[0].shape == (0, 16)
