"""Key points are found, described, and found again in another view."""

from math import pi

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from striate.errors import ModelError, UnknownName
from striate.handcrafted.points import key_points, matches


def blobs() -> NDArray[np.uint8]:
    """A dark picture (96, 96) with bright spots of several sizes, each on a slope of its own."""
    y, x = np.mgrid[:96, :96]
    image = np.full((96, 96), 0.2)
    for cx, cy, size in ((24, 30, 4.0), (70, 26, 6.0), (40, 70, 5.0), (75, 72, 3.0)):
        image += 0.6 * np.exp(-((x - cx) ** 2 + 0.6 * (y - cy) ** 2 + 0.5 * (x - cx) * (y - cy))
                              / (2 * size**2))  # fmt: skip
    image = np.clip(image + np.random.default_rng(0).normal(0, 0.004, image.shape), 0, 1)
    return np.rint(255 * image).astype(np.uint8)


def test_spots_are_found_where_they_are() -> None:
    found = key_points(blobs())
    assert found.descriptors.shape == (len(found), 128)
    np.testing.assert_allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-5)
    for center in ((24, 30), (70, 26), (40, 70), (75, 72)):
        assert np.linalg.norm(found.positions - center, axis=1).min() < 2


def test_opencv_finds_them_at_the_same_places() -> None:
    ours = key_points(blobs()).positions
    theirs = np.array([one.pt for one in cv2.SIFT_create().detect(blobs(), None)])
    apart = np.linalg.norm(theirs[:, None] - ours, axis=2).min(1)
    assert (apart < 2).mean() > 0.7


def test_a_quarter_turn_turns_places_and_directions() -> None:
    image = blobs()
    before, after = key_points(image), key_points(np.rot90(image, -1).copy())  # clockwise
    pairs = matches(before.descriptors, after.descriptors)
    assert len(pairs) > len(before) / 2
    x, y = before.positions[pairs[:, 0]].T
    np.testing.assert_allclose(
        np.median(np.abs(after.positions[pairs[:, 1]] - np.stack([95 - y, x], 1))), 0, atol=0.5
    )
    turn = after.directions[pairs[:, 1]] - before.directions[pairs[:, 0]]
    assert np.median(np.abs((turn - pi / 2 + pi) % (2 * pi) - pi)) < 0.05


def test_a_direction_is_that_of_rising_brightness() -> None:
    image = np.zeros((64, 64))
    y, x = np.mgrid[:64, :64]
    image = 0.2 + 0.5 * np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 50) + 0.3 * y / 64
    near = key_points(image)
    some = np.linalg.norm(near.positions - 32, axis=1) < 6
    assert some.any()
    assert np.abs(near.directions[some] - pi / 2).min() < 0.3  # down, where it grows brighter


def test_orb_compares_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (80, 80)).astype(np.uint8)
    found = key_points(cv2.GaussianBlur(image, (0, 0), 1.5), kind="orb", most=20)
    assert 0 < len(found) <= 20
    assert set(np.unique(found.descriptors)) == {0.0, 1.0}
    assert found.descriptors.shape[1] == 256


@pytest.mark.parametrize("kind", ["sift", "orb"])
def test_a_flat_picture_has_none(kind: str) -> None:
    assert len(key_points(np.zeros((64, 64)), kind=kind)) == 0


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ModelError, match="take sift or orb"):
        key_points(np.zeros((64, 64)), kind="surf")
    with pytest.raises(UnknownName):
        key_points(np.zeros((64, 64)), kind="brisk")
    with pytest.raises(ModelError, match="gray"):
        key_points(np.zeros((64, 64, 3)))


def test_only_a_clear_match_counts() -> None:
    first = np.array([[1, 0], [0, 1]], np.float32)
    second = np.array([[0.9, 0.1], [0.5, 0.52], [0.52, 0.5]], np.float32)
    assert matches(first, second).tolist() == [[0, 0]]
    assert matches(first, second[:1]).shape == (0, 2)
