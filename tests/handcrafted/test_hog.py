"""HOG: the paper's 3,780 numbers, loops for its soft votes, scikit-image for hard ones."""

from math import atan2, exp, floor, hypot, pi

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.feature import hog as hog_of_scikit_image

from striate.errors import ModelError
from striate.handcrafted.hog import hog, oriented


def plain_hog(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dalal & Triggs, a pixel at a time: blocks (down, across, 2, 2, 9) of one gray image."""
    height, width = image.shape
    down, across = height // 8 - 1, width // 8 - 1
    blocks = np.zeros((down, across, 2, 2, 9))
    for top in range(down):
        for left in range(across):
            for v in range(16):
                for u in range(16):
                    y, x = top * 8 + v, left * 8 + u
                    dx = image[y, x + 1] - image[y, x - 1] if 0 < x < width - 1 else 0.0
                    dy = image[y + 1, x] - image[y - 1, x] if 0 < y < height - 1 else 0.0
                    weight = exp(-((u - 7.5) ** 2 + (v - 7.5) ** 2) / (2 * 8**2)) * hypot(dx, dy)
                    turn = (atan2(dy, dx) % pi) / pi * 9 - 0.5  # from the middle of bin 0
                    lower = floor(turn)
                    for row in range(2):
                        for column in range(2):
                            share = max(0, 1 - abs(v + 0.5 - (row * 8 + 4)) / 8)
                            share *= max(0, 1 - abs(u + 0.5 - (column * 8 + 4)) / 8)
                            cell = blocks[top, left, row, column]
                            cell[lower % 9] += weight * share * (1 - (turn - lower))
                            cell[(lower + 1) % 9] += weight * share * (turn - lower)
            block = blocks[top, left]
            block /= np.sqrt((block**2).sum() + 1e-10)
            np.minimum(block, 0.2, out=block)
            block /= np.sqrt((block**2).sum() + 1e-10)
    return blocks


def test_the_window_of_the_paper_has_3780_numbers() -> None:
    assert hog(torch.rand(2, 3, 128, 64)).shape == (2, 15, 7, 2, 2, 9)
    assert hog(torch.rand(1, 1, 128, 64)).numel() == 3780


@given(height=st.integers(16, 34), width=st.integers(16, 34), seed=st.integers(0, 99))
def test_soft_votes_beside_loops(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width))
    ours = hog(torch.from_numpy(image)[None, None])[0].numpy()
    np.testing.assert_allclose(ours, plain_hog(image), atol=1e-6)


@given(
    height=st.integers(16, 50),
    width=st.integers(16, 50),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_hard_votes_beside_scikit_image(height: int, width: int, channels: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width, channels))
    theirs = hog_of_scikit_image(
        image, orientations=9, block_norm="L2-Hys", cells_per_block=(2, 2), channel_axis=2,
        feature_vector=False,
    )  # fmt: skip
    ours = hog(torch.from_numpy(image).permute(2, 0, 1)[None], soft=False)[0].numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "shares"),
    [
        (1.0, 0.0, {0: 0.5, 8: 0.5}),  # 0° lies between the middles of the first and the last
        (-1.0, 0.0, {0: 0.5, 8: 0.5}),  # unsigned: half a turn is the same
        (0.0, 2.0, {4: 2.0}),
        (np.cos(pi / 18), np.sin(pi / 18), {0: 1.0}),  # 10°
        (np.cos(pi / 12), np.sin(pi / 12), {0: 0.75, 1: 0.25}),  # 15°
        (np.cos(-pi / 36), np.sin(-pi / 36), {8: 0.75, 0: 0.25}),  # -5°, which is 175°
    ],
)
def test_a_vote_is_shared_by_two_orientations(x: float, y: float, shares: dict[int, float]) -> None:
    votes = oriented(torch.full((1, 1, 1), x), torch.full((1, 1, 1), y), soft=True).flatten()
    expected = torch.tensor([shares.get(bin_, 0.0) for bin_ in range(9)])
    torch.testing.assert_close(votes, expected, atol=1e-6, rtol=0)


def test_the_steepest_channel_counts() -> None:
    gray = torch.rand(1, 1, 32, 32, dtype=torch.float64)
    colored = torch.cat([gray * 0.1, gray, gray * 0.5], 1)
    torch.testing.assert_close(hog(colored), hog(gray))


def test_light_changes_little() -> None:
    images = torch.rand(1, 1, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(hog(images * 200 + 10), hog(images * 100), atol=1e-6, rtol=1e-6)


def test_images_too_small_for_a_block_are_refused() -> None:
    with pytest.raises(ModelError, match=r"16 pixels a side or more, not \(1, 1, 15, 64\)"):
        hog(torch.zeros(1, 1, 15, 64))
