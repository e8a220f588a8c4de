"""Crops with context, by hand."""

import numpy as np
import pytest

from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.warping import warped_crops

GRAY = (1.0, 2.0, 3.0)


def ramp(height: int = 60, width: int = 90) -> np.ndarray:
    """Red is x, green is y, both in pixels from the left upper edge."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 77)], 2).astype(np.uint8)


def test_context_is_16_of_227_pixels_at_each_edge() -> None:
    # A box of 195 pixels fills 195 of 227, so the crop is the picture itself, 16 around.
    picture = np.random.default_rng(0).integers(0, 256, (240, 250, 3), dtype=np.uint8)
    ((crop,),) = warped_crops(picture, [(16, 16, 211, 211)], RegionSettings(side=227), GRAY)
    np.testing.assert_array_equal(crop, picture[:227, :227])


def test_a_crop_is_warped_whatever_its_shape() -> None:
    ((crop,),) = warped_crops(ramp(), [(20, 10, 60, 20)], RegionSettings(side=64), GRAY)
    # The box is the middle 64 * 195 / 227 = 55 pixels of the crop: 40 pixels wide, 10 high.
    assert crop.shape == (64, 64, 3)
    middle = (crop[31, 31, :2].astype(float) + crop[32, 32, :2]) / 2
    np.testing.assert_allclose(middle, [39.5, 14.5], atol=1)
    across, down = crop[32, 42, 0] - crop[32, 22, 0], int(crop[42, 32, 1]) - crop[22, 32, 1]
    assert across == pytest.approx(20 * 40 / 55, abs=1)
    assert down == pytest.approx(20 * 10 / 55, abs=1)


def test_beyond_the_picture_it_is_gray() -> None:
    ((crop,),) = warped_crops(ramp(), [(0, 0, 90, 60)], RegionSettings(side=227), GRAY)
    assert crop[3, 100].tolist() == [1, 2, 3]
    assert crop[-3, 100].tolist() == [1, 2, 3]
    assert crop[100, 3].tolist() == [1, 2, 3]
    assert crop[100, -3].tolist() == [1, 2, 3]
    assert crop[113, 113, 2] == 77


def test_a_large_picture_is_scaled_down_first() -> None:
    boxes = [(20.0, 10.0, 60.0, 50.0)]
    (whole,) = warped_crops(ramp(), boxes, RegionSettings(side=16), GRAY)
    (less,) = warped_crops(ramp(), boxes, RegionSettings(side=16, largest=45), GRAY)
    assert np.abs(whole.astype(int) - less).max() <= 3
