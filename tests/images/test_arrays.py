"""Arrays of the user, of every form."""

import numpy as np
import pytest

from striate.errors import ImageError
from striate.images import to_rgb


def test_arrays_of_every_form():
    gray = np.array([[0, 255]], np.uint8)
    expected = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    opaque = np.concatenate([expected, np.full((1, 2, 1), 255, np.uint8)], axis=2)
    for form in (
        gray,
        gray[..., None],
        expected,
        opaque,
        gray > 0,
        gray / 255,
        gray.astype("f4") / 255,
    ):
        np.testing.assert_array_equal(to_rgb(form), expected)
    np.testing.assert_array_equal(to_rgb(np.array([[[51, 51, 51, 128]]], np.uint8)), 153)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 4, 5), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), np.int64), np.full((2, 2), 1.5), np.full((2, 2), np.nan),
        np.array([["a"]]), np.zeros((1, 2, 2, 3), np.uint8),
    ],
)  # fmt: skip
def test_other_arrays_are_refused(array):
    with pytest.raises(ImageError):
        to_rgb(array)
