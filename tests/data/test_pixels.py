"""Decoding a whole set: once, all views, what is broken left out by name."""

import gc
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from striate import images, progress
from striate.data import Labels, pixels
from striate.data.dataset import Array, Dataset, LeftOut
from striate.data.folders import open_folders
from striate.data.pixels import decode
from striate.errors import DataError, StorageError
from striate.images import View

VIEWS = (View(6), View(5, channels=1, fit="squash"))


def of_arrays(array: np.ndarray) -> Dataset:
    count = len(array)
    return Dataset(
        name="arrays",
        inputs=Array(array, "row"),
        targets=Labels(("a", "b"), np.arange(count) % 2),
        split=np.zeros(count, np.int8),
    ).complete(0)


def assert_rows_fit(found: pixels.Decoded) -> None:
    """Row for row, each store is what the image's own view is."""
    for view, store in found.pixels.items():
        assert store.shape == (len(found.dataset), view.size, view.size, view.channels)
        for row in range(len(found.dataset)):
            if path := found.dataset.inputs.path(row):
                (expected,) = images.render(path.read_bytes(), [view])
            else:
                expected = images.apply(found.dataset.inputs[row], view)
            np.testing.assert_array_equal(store[row], expected)


def test_every_view_of_every_image(many):
    found = decode(open_folders(many(40, "cat", "dog"), seed=0), VIEWS)
    assert set(found.pixels) == set(VIEWS)
    assert_rows_fit(found)


def test_every_file_is_decoded_once(many, monkeypatch):
    render, seen = images.render, []
    monkeypatch.setattr(
        images, "render", lambda data, views: (seen.append(data), render(data, views))[1]
    )
    decode(open_folders(many(9, "cat", "dog"), seed=0), VIEWS)
    assert len(seen) == 18


def test_broken_files_are_left_out_by_name(many, tree):
    many(40, "cat", "dog")
    root = tree(
        **{"cat/7.png": b"no picture", "dog/3.png": b"", "dog/x.png": b"\x89PNG\r\n\x1a\n\0"}
    )
    data = open_folders(root, seed=0)
    found = decode(data, VIEWS)
    assert len(data) == 81
    assert len(found.dataset) == 78
    assert set(found.dataset.left_out) == {
        LeftOut("cat/7.png", "not an image (a text file?)"),
        LeftOut("dog/3.png", "empty file"),
        LeftOut("dog/x.png", "broken PNG"),
    }
    assert_rows_fit(found)


def test_progress_counts_every_image(many):
    class Counter:
        done = 0

        @contextmanager
        def stage(self, name, total):
            self.name, self.total = name, total
            yield self

        def advance(self, steps=1, note=""):
            self.done += steps

    counter = Counter()
    with progress.reporting(counter):
        decode(open_folders(many(50, "cat", "dog"), seed=0), VIEWS)
    assert (counter.name, counter.total, counter.done) == ("read pictures", 100, 100)


# Images in memory


@pytest.mark.parametrize("shape", [(20, 6, 6), (20, 6, 6, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_and_views_of_every_kind(shape, channels):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    views = (View(6, channels, "squash"), View(6, channels, fraction=1.0), View(4, channels))
    assert_rows_fit(decode(of_arrays(array), views))
    assert_rows_fit(decode(of_arrays(array).test, views))


def test_views_that_change_nothing_take_no_picture_by_itself(monkeypatch):
    monkeypatch.setattr(images, "apply", lambda *_: pytest.fail("one by one"))
    array = np.random.default_rng(0).integers(0, 256, (20, 6, 6), dtype=np.uint8)
    found = decode(of_arrays(array), [View(6, 1, "squash"), View(6, 3, "pad")])
    np.testing.assert_array_equal(found.pixels[View(6, 1, "squash")][..., 0], array)


# Room


def test_large_views_of_arrays_lie_in_a_file_that_is_gone_afterwards(monkeypatch, tmp_path):
    monkeypatch.setattr(pixels, "IN_MEMORY", 1000)
    array = np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8)
    found = decode(of_arrays(array), VIEWS + VIEWS)
    assert_rows_fit(found)
    assert all(isinstance(_root(store), np.memmap) for store in found.pixels.values())
    folder = tmp_path / "cache" / "pixels"
    assert list(folder.iterdir()) == []
    before = _mapped_files(folder)
    del found
    gc.collect()
    assert (before, _mapped_files(folder)) == (2, 0)


def _root(array: np.ndarray) -> np.ndarray:
    while type(array) is np.ndarray and array.base is not None:
        array = array.base
    return array


def _mapped_files(folder: Path) -> int:
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no /proc here")
    return maps.read_text().count(str(folder))


@pytest.mark.parametrize("kind", ["files", "arrays"])
def test_a_disk_without_room_is_one_clear_line(kind, many, monkeypatch):
    monkeypatch.setattr(pixels, "IN_MEMORY", 0)
    monkeypatch.setattr(pixels.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    data = of_arrays(np.zeros((9, 6, 6), np.uint8))
    if kind == "files":
        data = open_folders(many(5, "cat", "dog"), seed=0)
    with pytest.raises(StorageError, match=r"the pixels need 0 MiB, .* set STRIATE_CACHE"):
        decode(data, VIEWS)


# What is left


def test_a_class_without_a_readable_image_is_left_out(many, tree):
    many(5, "cat", "dog", "fox")
    heic = b"\0\0\0\x18ftypheic\0\0\0\0"
    data = open_folders(tree(**{f"dog/{number}.png": heic for number in range(5)}), seed=0)
    found = decode(data, VIEWS)
    assert found.dataset.classes == ("cat", "fox")
    assert set(found.dataset.targets.numbers) == {0, 1}
    assert len(found.dataset.left_out) == 5
    assert found.dataset.notes == ("classes left out, no training image can be read: 'dog'",)
    assert_rows_fit(found)


def test_readable_images_of_a_lost_class_are_left_out_too(many, tree):
    many(3, "train/cat", "train/dog", "train/fox", "test/cat", "test/dog", "test/fox")
    broken = {f"train/dog/{number}.png": b"" for number in range(3)}
    found = decode(open_folders(tree(**broken), seed=0), VIEWS)
    reasons = {each.name: each.reason for each in found.dataset.left_out}
    assert reasons["test/dog/1.png"] == "no training image of its class can be read"
    assert len(reasons) == 6
    assert found.dataset.classes == ("cat", "fox")
    assert_rows_fit(found)


def test_nothing_left_to_learn_from(many, tree):
    many(3, "cat", "dog")
    data = open_folders(tree(**{f"dog/{number}.png": b"" for number in range(3)}), seed=0)
    with pytest.raises(
        DataError, match=r"nothing left to learn from: .* 'dog' \(dog/.*: empty file"
    ):
        decode(data, VIEWS)


def test_a_split_without_a_readable_image(many, tree):
    many(3, "train/cat", "train/dog", "val/cat", "val/dog")
    broken = {f"val/{name}/{number}.png": b"" for name in ("cat", "dog") for number in range(3)}
    with pytest.raises(
        DataError, match=r"no readable validation image \(val/dog/2.png: empty file"
    ):
        decode(open_folders(tree(**broken), seed=0), VIEWS)


@pytest.mark.parametrize("name", ["load", "render"])
def test_a_mistake_of_ours_is_not_taken_for_a_broken_file(many, monkeypatch, name):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(images, name, fail)
    with pytest.raises(ZeroDivisionError):
        decode(open_folders(many(3, "cat", "dog"), seed=0), VIEWS)


def test_the_clothing_photographs(shared):
    data = open_folders(shared("data/clothing"), seed=0).validation
    found = decode(data.take(range(0, len(data), 5)), [View(32)])
    assert found.dataset.left_out == ()
    assert_rows_fit(found)
