"""The numbers in the files of masks, as they stand there."""

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images.values import read_values

NUMBERS = np.array([[0, 1, 2], [3, 200, 255]], np.uint8)


def saved(path, array, mode=None, **options):
    image = Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)
    image.save(path, **options)
    return path


def test_gray_numbers_stay_as_they_are(tmp_path):
    found = read_values(saved(tmp_path / "a.png", NUMBERS))
    assert found.pixels.tolist() == NUMBERS.tolist()
    assert found.palette is None
    assert not found.lossy


def test_entries_of_a_palette_are_numbers(tmp_path):
    image = Image.fromarray(NUMBERS, "P")
    image.putpalette([k % 7 for k in range(768)])
    image.save(tmp_path / "a.png")
    found = read_values(tmp_path / "a.png")
    assert found.pixels.tolist() == NUMBERS.tolist()
    assert found.palette is not None
    assert found.palette[1].tolist() == [3, 4, 5]


def test_one_bit_is_zero_and_one(tmp_path):
    found = read_values(saved(tmp_path / "a.png", np.array([[True, False]])))
    assert found.pixels.tolist() == [[1, 0]]


def test_gray_that_is_saved_as_color_is_gray(tmp_path):
    found = read_values(saved(tmp_path / "a.png", NUMBERS, "RGB"))
    assert found.pixels.tolist() == NUMBERS.tolist()


def test_colors_stay_colors(tmp_path):
    colors = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    assert read_values(saved(tmp_path / "a.png", colors)).pixels.tolist() == colors.tolist()


def test_16_bits_are_read_where_8_would_do(tmp_path):
    assert read_values(saved(tmp_path / "a.png", NUMBERS.astype(np.uint16))).pixels.max() == 255
    path = saved(tmp_path / "b.png", np.array([[0, 1001]], np.uint16))
    with pytest.raises(ImageError, match="more than 8 bits a pixel, with numbers up to 1,001"):
        read_values(path)


def test_a_jpeg_is_lossy(tmp_path):
    assert read_values(saved(tmp_path / "a.jpg", NUMBERS)).lossy


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(ImageError, match="not an image"):
        read_values(tmp_path / "a.png")
