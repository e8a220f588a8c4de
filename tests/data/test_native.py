"""Small or large, gray or in color: what a set's own pictures are like."""

import numpy as np
from PIL import Image

import striate
from striate.data import Array, Dataset, Files, Labels, native


def of(images, count):
    return Dataset(
        "some", images, Labels(("a", "b"), np.arange(count) % 2), np.zeros(count, np.int8)
    )


def test_digits_are_small_and_gray():
    assert native(striate.data.open("digits")) == (8, True)


def test_one_colored_picture_makes_a_set_colored():
    pixels = np.zeros((5, 20, 30, 3), np.uint8)
    assert native(of(Array(pixels), 5)) == (30, True)
    pixels[3, 7, 7, 0] = 1
    assert native(of(Array(pixels), 5)) == (30, False)


def test_the_median_longer_side_and_broken_files_do_not_count(tmp_path):
    for number, size in enumerate([(10, 40), (50, 20), (300, 300)]):
        Image.new("L", size).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"broken")
    files = Files([f"{number}.png" for number in range(4)], tmp_path)
    assert native(of(files, 4)) == (50, True)


def test_nothing_readable_is_taken_for_photographs(tmp_path):
    (tmp_path / "0.png").write_bytes(b"broken")
    assert native(of(Files(["0.png"], tmp_path), 1)) == (65, False)


def test_the_same_images_are_read_once(tmp_path, monkeypatch):
    for number in range(30):
        Image.new("L", (20, 20)).save(tmp_path / f"{number}.png")
    read = []
    own = Files.__getitem__
    monkeypatch.setattr(Files, "__getitem__", lambda self, row: read.append(row) or own(self, row))
    data = of(Files([f"{number}.png" for number in range(30)], tmp_path), 30)
    assert native(data) == native(data.noted("more")) == native(data) == (20, True)
    assert len(read) == 16


def test_inputs_that_cannot_be_remembered_are_measured_too():
    class Slots(Array):
        __hash__ = None

    assert native(of(Slots(np.zeros((3, 8, 8), np.uint8)), 3)) == (8, True)
