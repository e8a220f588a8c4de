"""Stores: what is damaged is not opened, what was used longest ago goes first."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from striate.data import store as stores
from striate.data.contents import WIDTH
from striate.data.part import Part
from striate.data.store import alone, key_of, make_room, open_store, shelf, used
from striate.errors import StorageError
from striate.files import Lock
from striate.images import View

VIEW = View(4, 1)


def contents(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 256, (count, WIDTH), dtype=np.uint8)


def kept(seed: int = 0, count: int = 40):
    """A store of that many rows, with a broken one where there are several."""
    names = contents(count, seed)
    folder = shelf(VIEW) / key_of(names)
    part = Part(folder.with_name(f"{folder.name}.part"), VIEW, names, np.zeros_like(names))
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), dtype=np.uint8)
    for row in range(count):
        part.put(row, pixels[row], names[row].tobytes())
    part.finish(folder)
    return open_store(folder, VIEW)


@pytest.mark.parametrize("length", [0, 1, 639, 641])
def test_a_store_of_another_length_is_none(length):
    store = kept()
    os.truncate(store.folder / "pixels", length)
    assert open_store(store.folder, VIEW) is None


@pytest.mark.parametrize("file", ["pixels", "index.npz"])
def test_a_store_without_one_of_its_files_is_none(file):
    store = kept()
    (store.folder / file).unlink()
    assert open_store(store.folder, VIEW) is None


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_store_with_half_an_index_is_none(cut):
    index = kept().folder / "index.npz"
    index.write_bytes(index.read_bytes()[:cut])
    assert open_store(index.parent, VIEW) is None


def test_a_store_with_holes_is_none():
    """As after a power failure on a file system that keeps no order."""
    store = kept()
    (store.folder / "pixels").write_bytes(bytes(640))
    assert open_store(store.folder, VIEW) is None


def test_writing_to_the_pixels_changes_no_file():
    store = kept()
    before = (store.folder / "pixels").read_bytes()
    store.pixels[:] = 0
    assert (store.folder / "pixels").read_bytes() == before


def test_a_store_of_nothing():
    assert kept(count=0).pixels.shape == (0, 4, 4, 1)


def test_every_view_has_its_shelf_and_so_has_every_rule(monkeypatch):
    views = [View(4), View(5), View(4, 1), View(4, fit="pad"), View(4, fraction=0.5)]
    shelves = {shelf(view) for view in views}
    monkeypatch.setattr(stores, "RULE", -1)
    assert len(shelves | {shelf(view) for view in views}) == 10


def test_new_stamps_are_kept():
    store, stamps = kept(), contents(40, 7)
    used(store, stamps)
    again = open_store(store.folder, VIEW)
    np.testing.assert_array_equal(again.stamps, stamps)
    np.testing.assert_array_equal(again.pixels, store.pixels)


# Room


def test_what_was_used_longest_ago_goes_first(monkeypatch):
    """Three stores of the same size, and room for two and a bit more."""
    some = [kept(seed) for seed in range(3)]
    each = sum(file.stat().st_size for file in some[0].folder.iterdir())
    for age, store in zip((3, 1, 2), some, strict=True):
        os.utime(store.folder, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(stores, "BOUND", 3.5 * each)
    make_room(each // 2, keep=set())
    assert [store.folder.exists() for store in some] == [True, True, True]
    used(some[0], some[0].stamps)
    make_room(each, keep=set())
    assert [store.folder.exists() for store in some] == [True, True, False]
    make_room(10 * each, keep={some[1].folder})
    assert [store.folder.exists() for store in some] == [False, True, False]


def test_stores_leave_a_share_of_the_disk(monkeypatch):
    store = kept()
    size = sum(file.stat().st_size for file in store.folder.iterdir())
    monkeypatch.setattr(stores.shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * size))
    make_room(size, keep=set())  # half of 4 sizes is 2
    assert store.folder.exists()
    make_room(size + 1, keep=set())
    assert not store.folder.exists()


def test_what_is_being_built_is_left_alone(monkeypatch):
    folder = shelf(VIEW) / "key"
    part = Part(folder.with_name("key.part"), VIEW, contents(3), contents(3))
    part.close()
    monkeypatch.setattr(stores, "BOUND", 0)
    with alone(folder):
        make_room(1, keep=set())
        assert part.folder.exists()
    make_room(1, keep=set())
    assert not part.folder.exists()


def test_too_little_room_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(stores.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30))
    with pytest.raises(StorageError, match=r"the pixels need 3,072 MiB, .* has 1,024; set STRIATE"):
        make_room(3 * 2**30, keep=set())


def test_a_lock_is_gone_afterwards(tmp_path):
    with alone(tmp_path / "shelf" / "key"):
        assert not Lock(tmp_path / "shelf" / "key.lock").acquire()
    assert list((tmp_path / "shelf").iterdir()) == []
