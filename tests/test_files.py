"""Files are whole or not there."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from striate import files
from striate.errors import StorageError, UserError
from striate.files import Lock, cache_folder, read_bytes, writing


def test_what_is_written_takes_the_place(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    for text in ("one", "two"):
        with writing(path) as temporary:
            assert temporary.parent == path.parent  # so that the move is one
            temporary.write_text(text)
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_it_is_as_readable_as_other_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with writing(tmp_path / "file") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyError), writing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["inside", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "file"
    path.write_text("old")
    if place == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    if place == "replace":
        monkeypatch.setattr(Path, "replace", full)
    with (  # noqa: PT012
        pytest.raises(StorageError, match=r"cannot write .*file: No space left on device"),
        writing(path) as temporary,
    ):
        temporary.write_text("new")
        if place == "inside":
            full()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"), writing(tmp_path / "file" / "below"):
        pass


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1200)
    assert read_bytes(path, limit=1200) == b"x" * 1200
    with pytest.raises(UserError, match=r"file has 1,200 bytes, more than the limit of 1,199"):
        read_bytes(path, limit=1199)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*absent: No such file"):
        read_bytes(tmp_path / "absent", limit=1)
    with pytest.raises(UserError, match=r"cannot read .*: is a folder"):
        read_bytes(tmp_path, limit=10**9)
    os.mkfifo(tmp_path / "pipe")  # a reader would wait for its writer
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match=r"cannot read .*: is not a regular file"):
            read_bytes(path, limit=10**9)


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", "/one")
    assert cache_folder() == Path("/one")
    monkeypatch.delenv("STRIATE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/two")
    assert cache_folder() == Path("/two/striate")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "striate"


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    one, other = Lock(tmp_path / "new" / "lock"), Lock(tmp_path / "new" / "lock")
    assert one.acquire()
    assert one.acquire()
    assert not other.acquire()
    one.release()
    one.release()
    assert other.acquire()
    other.release()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_lock_that_was_removed_meanwhile_is_another_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the file and locking it, its holder lets go and removes it."""
    path, taken = tmp_path / "lock", files._taken
    with Lock(path) as lock:
        removed = iter([True])

        def slow(handle: int) -> bool:
            if next(removed, False):
                path.unlink()
            return taken(handle)

        monkeypatch.setattr(files, "_taken", slow)
        assert lock.acquire()
        assert path.exists()
        assert not Lock(path).acquire()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"cannot write .*lock"):
        Lock(tmp_path / "file" / "lock").acquire()


def test_a_killed_process_lets_go_of_its_lock(tmp_path: Path) -> None:
    program = "import sys, time; from striate.files import Lock; lock = Lock(sys.argv[1]); "
    program += "lock.acquire(); print('held', flush=True); time.sleep(60)"
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        assert not Lock(path).acquire()
        other.kill()
        other.wait()
    with Lock(path) as lock:
        assert lock.acquire()
