"""Pixels of files: made once, whatever happens in between, and never of what a file was before."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from striate import images
from striate.data import contents, kept, store
from striate.data.kept import pixels_of_files
from striate.data.part import Part
from striate.errors import StorageError
from striate.images import View

VIEWS = (View(6), View(5, channels=1, fit="squash"))
PROGRAM = r"""
import sys, time
from pathlib import Path
from striate import images
from striate.data.kept import pixels_of_files
from striate.images import View
render, slow = images.render, float(sys.argv[2])
def counted(data, views):
    time.sleep(slow)
    sys.stdout.write("decoded\n")
    sys.stdout.flush()
    return render(data, views)
images.render = counted
paths = sorted(map(str, Path(sys.argv[1]).rglob("*.png")))
pixels, broken = pixels_of_files(paths, [View(6), View(5, channels=1, fit="squash")])
print("sum", [int(each.sum()) for each in pixels.values()], len(broken))
"""


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files count as settled at once, so that their stamps are relied on."""
    monkeypatch.setattr(contents, "SETTLED", -1.0)


@pytest.fixture
def decoded(monkeypatch) -> list[bytes]:
    """The files that are decoded from now on."""
    seen, render = [], images.render

    def counted(data, views):
        seen.append(data)
        return render(data, views)

    monkeypatch.setattr(images, "render", counted)
    return seen


def files(root: Path) -> list[str]:
    return sorted(str(path) for path in root.rglob("*.*"))


def assert_right(paths: list[str], views=VIEWS) -> dict[int, str]:
    """Row for row the pixels are what the files hold now; the broken, with reasons."""
    found, broken = pixels_of_files(paths, views)
    good = [path for row, path in enumerate(paths) if row not in broken]
    assert list(found) == list(views)
    for view in views:
        assert len(found[view]) == len(good)
        for row, path in enumerate(good):
            (expected,) = images.render(Path(path).read_bytes(), [view])
            np.testing.assert_array_equal(found[view][row], expected)
    return broken


def test_the_second_time_nothing_is_decoded_or_read(many, decoded, monkeypatch):
    paths = files(many(20, "cat", "dog"))
    pixels_of_files(paths, VIEWS)
    assert len(decoded) == 40
    monkeypatch.setattr(images, "load", lambda path: pytest.fail(f"read {path}"))
    pixels_of_files(paths, VIEWS)
    assert len(decoded) == 40


def test_broken_files_are_remembered_with_their_reasons(many, tree, decoded):
    many(5, "cat")
    root = tree(**{"cat/0a.png": b"no picture", "cat/3a.png": b"\x89PNG\r\n\x1a\n\0"})
    paths = files(root)
    reasons = {1: "not an image (a text file?)", 5: "broken PNG"}
    for _ in range(2):
        assert pixels_of_files(paths, VIEWS)[1] == reasons
    assert len(decoded) == 7
    assert assert_right(paths) == reasons


def test_what_could_not_be_read_is_tried_again(many):
    paths = files(many(5, "cat"))
    Path(paths[2]).rename(paths[2] + ".away")
    assert "No such file" in assert_right(paths)[2]
    Path(paths[2] + ".away").rename(paths[2])
    assert assert_right(paths) == {}


def test_memory_that_was_short_says_nothing_of_a_file(many, monkeypatch):
    paths, render = files(many(5, "cat")), images.render

    def short(data, views):
        if data == Path(paths[2]).read_bytes():
            error = images.decoding.ImageError("not enough memory to decode it")
            raise error from MemoryError()
        return render(data, views)

    monkeypatch.setattr(images, "render", short)
    assert pixels_of_files(paths, VIEWS)[1] == {2: "not enough memory to decode it"}
    monkeypatch.setattr(images, "render", render)
    assert assert_right(paths) == {}


@pytest.mark.parametrize("how", ["same size and time", "other size", "gone", "new", "swapped"])
def test_only_what_changed_is_decoded_again(many, decoded, how):
    root = many(10, "cat")
    paths = files(root)
    pixels_of_files(paths, VIEWS)
    decoded.clear()
    status, data = Path(paths[3]).stat(), bytearray(Path(paths[3]).read_bytes())
    time.sleep(0.02)  # more than a tick of the file system's clock
    if how == "gone":
        del paths[3]
    elif how == "swapped":
        Path(paths[3]).write_bytes(Path(paths[4]).read_bytes())
        Path(paths[4]).write_bytes(data)
    elif how == "new":
        (root / "cat" / "3a.png").write_bytes(data[:-12] + data[-12:] + b"more")
        paths = files(root)
    else:
        data[60] ^= 1 if how == "same size and time" else 0  # breaks it
        Path(paths[3]).write_bytes(data + (b"" if how == "same size and time" else b"more"))
        os.utime(paths[3], ns=(status.st_atime_ns, status.st_mtime_ns))
    _, broken = pixels_of_files(paths, VIEWS)
    assert len(decoded) == (0 if how in ("gone", "swapped") else 1)
    assert assert_right(paths) == broken
    assert list(broken) == ([3] if how == "same size and time" else [])


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_folder_in_another_place_is_the_same_pictures(many, decoded, how):
    root = many(10, "cat")
    pixels_of_files(files(root), VIEWS)
    target = root.with_name("elsewhere")
    root.rename(target) if how == "moved" else shutil.copytree(root, target)
    decoded.clear()
    pixels_of_files(files(target), VIEWS)
    assert decoded == []
    assert_right(files(target))


def test_a_new_view_alone_is_made(many, decoded):
    paths = files(many(10, "cat"))
    pixels_of_files(paths, VIEWS[:1])
    assert_right(paths, (*VIEWS, View(7)))
    assert_right(paths, VIEWS[1:])


@pytest.mark.parametrize("damage", ["cut", "index", "gone", "holes"])
def test_a_damaged_store_is_built_again(many, damage):
    paths = files(many(10, "cat"))
    pixels_of_files(paths, VIEWS)
    (folder,) = store.shelf(VIEWS[0]).iterdir()
    if damage == "cut":
        os.truncate(folder / "pixels", 500)
    elif damage == "index":
        os.truncate(folder / "index.npz", 100)
    elif damage == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "pixels").write_bytes(bytes((folder / "pixels").stat().st_size))
    assert_right(paths)


def test_files_that_change_while_they_are_decoded(many, monkeypatch, decoded):
    """The row is of the new content, and the next time nobody takes it for the old."""
    paths, load, seen = files(many(10, "cat")), images.load, []
    old = Path(paths[3]).read_bytes()

    def changing(path):
        data = load(path)
        if path == paths[3] and not seen:
            seen.append(path)
            Path(path).write_bytes(old + b"more")
        return data

    monkeypatch.setattr(images, "load", changing)
    pixels_of_files(paths, VIEWS)
    Path(paths[3]).write_bytes(old)
    decoded.clear()
    assert_right(paths)
    assert old in decoded


def test_no_files():
    found, broken = pixels_of_files([], VIEWS)
    assert [each.shape for each in found.values()] == [(0, 6, 6, 3), (0, 5, 5, 1)]
    assert broken == {}


# What goes wrong


@pytest.mark.parametrize("place", ["allocate", "row", "index", "finish"])
def test_a_full_disk_is_one_line_and_leaves_nothing(many, tmp_path, monkeypatch, place):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    paths = files(many(10, "cat"))
    with monkeypatch.context() as patch:
        if place == "allocate":
            patch.setattr(os, "posix_fallocate", full)
        elif place == "row":
            patch.setattr(Part, "put", full)
        elif place == "index":
            patch.setattr(np, "savez", full)
        else:
            patch.setattr(Path, "rename", full)
        with pytest.raises(StorageError, match=r"No space left on device") as caught:
            pixels_of_files(paths, VIEWS)
    assert "\n" not in str(caught.value)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    assert_right(paths)


def run(root: Path, *, slow: float = 0, before: str = "") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", before + PROGRAM, str(root), str(slow)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_limit_on_the_size_of_files_is_one_line(many, tmp_path):
    """A refusal of the system itself, in another process."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
    out, errors = run(many(50, "cat"), before=limit).communicate(timeout=300)
    assert "StorageError" in errors.splitlines()[-1]
    assert "File too large" in errors.splitlines()[-1]
    assert "sum" not in out
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_killed_process_leaves_no_half_store_and_the_next_goes_on(many, tmp_path):
    root = many(150, "cat")
    with run(root, slow=0.02) as first:
        for _ in range(40):
            assert first.stdout.readline() == "decoded\n"
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert not list((tmp_path / "cache").rglob("index.npz"))
    out, errors = run(root).communicate(timeout=300)
    assert errors == ""
    assert out.count("decoded") <= 112  # 40, less one in the hands of each thread
    assert len(list((tmp_path / "cache").rglob("index.npz"))) == 2
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert_right(files(root))


def test_two_processes_at_once_share_the_work(many):
    root = many(60, "cat")
    some = [run(root, slow=0.01) for _ in range(3)]
    found = [process.communicate(timeout=300) for process in some]
    assert [errors for _, errors in found] == ["", "", ""]
    assert len({out.splitlines()[-1] for out, _ in found}) == 1
    assert sum(out.count("decoded") for out, _ in found) == 60
    assert_right(files(root))


def test_stores_that_are_not_used_make_room(many, monkeypatch):
    root = many(10, "cat")
    paths = files(root)
    monkeypatch.setattr(store, "BOUND", 4000)
    for first in range(5):
        pixels_of_files(paths[first : first + 5], VIEWS[:1])
        time.sleep(0.01)
    left = list(store.shelf(VIEWS[0]).iterdir())
    assert 1 <= len(left) < 5
    assert store.key_of(kept.contents_of(paths[4:9], kept.stamps_of(paths[4:9]), {})[0]) in {
        path.name for path in left
    }


def test_a_cache_that_may_only_be_read_serves(many, monkeypatch, decoded):
    paths = files(many(5, "cat"))
    pixels_of_files(paths, VIEWS)

    def refused(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "utime", refused)
    monkeypatch.setattr(store, "write_index", refused)
    decoded.clear()
    pixels_of_files(paths, VIEWS)
    assert decoded == []
