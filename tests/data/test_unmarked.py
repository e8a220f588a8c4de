"""Folders of pictures without marks."""

import numpy as np
import pytest
from PIL import Image

from striate import data
from striate.data import READERS, UNMARKED, Unmarked
from striate.errors import DataError


def pictures(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(path)


def opened(path):
    kinds = ("unmarked", "labels")
    return data.open(path, kinds=kinds, things=("image",), readers=(UNMARKED, *READERS))


def test_a_flat_folder_gets_its_splits_drawn(tmp_path):
    pictures(tmp_path, *(f"{number}.png" for number in range(20)))
    (tmp_path / "notes.txt").write_text("not a picture")
    found = opened(tmp_path)
    assert isinstance(found.targets, Unmarked)
    assert [int((found.split == part).sum()) for part in range(3)] == [13, 3, 4]
    assert found.drawn == {"test", "validation"}
    assert any(note.startswith("not images") for note in found.notes)
    assert found.take([3, 4]).counts().shape == (0, 3)
    assert len(found.train.fingerprint()) == 64


def test_splits_that_folders_name_stay(tmp_path):
    names = [f"{part}/{number}.png" for part in ("train", "val", "test") for number in range(2)]
    pictures(tmp_path, *names, "masks/0.png")
    found = opened(tmp_path)
    assert [found.inputs.name(row) for row in range(len(found))] == names
    assert found.split.tolist() == [0, 0, 1, 1, 2, 2]
    assert not found.drawn


def test_class_folders_keep_their_labels(tmp_path):
    pictures(tmp_path, *(f"{name}/{number}.png" for name in "ab" for number in range(5)))
    assert opened(tmp_path).classes == ("a", "b")


def test_one_class_folder_is_a_folder_of_pictures(tmp_path):
    pictures(tmp_path, *(f"cats/{number}.png" for number in range(5)))
    assert isinstance(opened(tmp_path).targets, Unmarked)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few(tmp_path, count):
    pictures(tmp_path, *(f"{number}.png" for number in range(count)))
    with pytest.raises(DataError, match="expected a folder with 3 pictures at least"):
        opened(tmp_path)


def test_one_picture(tmp_path):
    pictures(tmp_path, "one.png")
    with pytest.raises(DataError, match="one image only"):
        opened(tmp_path / "one.png")


def test_only_test_pictures(tmp_path):
    pictures(tmp_path, *(f"test/{number}.png" for number in range(4)))
    with pytest.raises(DataError, match="no training image"):
        opened(tmp_path)
