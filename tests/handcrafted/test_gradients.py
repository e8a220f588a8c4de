"""Sobel and Robinson: the masks, one patch by hand, and OpenCV."""

from math import pi

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.handcrafted.gradients import compass_masks, robinson, sobel

RISING = {  # where brightness rises to: a 3 x 3 patch, and the eighth of a turn
    "east": ([[0, 0, 1], [0, 0, 1], [0, 0, 1]], 0),
    "south-east": ([[0, 0, 0], [0, 0, 1], [0, 1, 1]], 1),
    "south": ([[0, 0, 0], [0, 0, 0], [1, 1, 1]], 2),
    "south-west": ([[0, 0, 0], [1, 0, 0], [1, 1, 0]], 3),
    "west": ([[1, 0, 0], [1, 0, 0], [1, 0, 0]], 4),
    "north-west": ([[1, 1, 0], [1, 0, 0], [0, 0, 0]], 5),
    "north": ([[1, 1, 1], [0, 0, 0], [0, 0, 0]], 6),
    "north-east": ([[0, 1, 1], [0, 0, 1], [0, 0, 0]], 7),
}


def test_there_are_eight_masks_each_the_last_one_turned() -> None:
    masks = compass_masks()
    assert masks.shape == (8, 3, 3)
    assert masks[0].tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert masks[1].tolist() == [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]
    assert masks[2].tolist() == [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
    for turn in range(8):
        assert torch.equal(masks[(turn + 2) % 8], masks[turn].rot90(-1))  # twice 45°, clockwise
        assert torch.equal(masks[(turn + 4) % 8], -masks[turn])
        assert float(masks[turn].sum()) == 0


@pytest.mark.parametrize("name", RISING)
def test_the_strongest_mask_says_where_brightness_rises(name: str) -> None:
    patch, eighth = RISING[name]
    edges = robinson(torch.tensor(patch, dtype=torch.float32).reshape(1, 1, 3, 3))
    assert float(edges.magnitude[0, 0, 1, 1]) == 4
    assert float(edges.direction[0, 0, 1, 1]) == pytest.approx(eighth * pi / 4)


def test_sobel_by_hand() -> None:
    patch = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]).reshape(1, 1, 3, 3)
    edges = sobel(patch)
    # x: (3 - 1) + 2 (6 - 4) + (9 - 7) = 8; y: (7 - 1) + 2 (8 - 2) + (9 - 3) = 24
    assert float(edges.magnitude[0, 0, 1, 1]) == pytest.approx((8**2 + 24**2) ** 0.5)
    assert float(edges.direction[0, 0, 1, 1]) == pytest.approx(np.arctan2(24, 8))


@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_beside_opencv(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width))
    images = torch.from_numpy(image)[None, None]
    edges = sobel(images)
    x, y = (
        cv2.Sobel(image, cv2.CV_64F, *order, borderType=cv2.BORDER_REPLICATE)
        for order in ((1, 0), (0, 1))
    )
    np.testing.assert_allclose(edges.magnitude[0, 0], np.hypot(x, y), atol=1e-9)
    responses = [
        cv2.filter2D(image, cv2.CV_64F, mask.numpy(), borderType=cv2.BORDER_REPLICATE)
        for mask in compass_masks()
    ]
    compass = robinson(images)
    np.testing.assert_allclose(compass.magnitude[0, 0], np.max(responses, 0), atol=1e-9)
    named = (compass.direction[0, 0] / (pi / 4)).round().long().numpy()
    strongest = np.take_along_axis(np.stack(responses), named[None], 0)[0]
    np.testing.assert_allclose(strongest, np.max(responses, 0), atol=1e-9)


def test_color_images_are_refused() -> None:
    with pytest.raises(ModelError, match=r"gray images \(N, 1, H, W\), not \(1, 3, 5, 5\)"):
        sobel(torch.zeros(1, 3, 5, 5))
