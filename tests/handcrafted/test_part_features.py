"""The 31 features: by hand, beside loops over pixels, and the paper's own account of them."""

from math import atan2, floor, hypot, pi, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.nn import functional as F

from striate.errors import ModelError
from striate.handcrafted.part_features import (
    CHANNELS,
    LARGEST,
    MIRRORED,
    NOTHING,
    histograms,
    normalized,
    part_features,
)


def plain_features(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Section 6, a pixel at a time: (31, cells down, cells across) of an image (C, H, W)."""
    colors, height, width = image.shape
    down, across = (height + 4) // 8, (width + 4) // 8
    cells = np.zeros((down, across, 18))
    for y in range(height):
        for x in range(width):
            steepest = (-1.0, 0.0, 0.0)
            for c in range(colors):
                dx = image[c, y, x + 1] - image[c, y, x - 1] if 0 < x < width - 1 else 0.0
                dy = image[c, y + 1, x] - image[c, y - 1, x] if 0 < y < height - 1 else 0.0
                if dx * dx + dy * dy > steepest[0]:
                    steepest = (dx * dx + dy * dy, dx, dy)
            _, dx, dy = steepest
            bin_ = round(18 * atan2(dy, dx) / (2 * pi)) % 18
            top, left = (y + 0.5) / 8 - 0.5, (x + 0.5) / 8 - 0.5
            for row in (floor(top), floor(top) + 1):
                for column in (floor(left), floor(left) + 1):
                    if 0 <= row < down and 0 <= column < across:
                        share = (1 - abs(top - row)) * (1 - abs(left - column))
                        cells[row, column, bin_] += share * hypot(dx, dy)
    out = np.zeros((31, down, across))
    for row in range(down):
        for column in range(across):
            signed = cells[row, column]
            both = np.concatenate([signed, signed[:9] + signed[9:]])
            for number, (v, u) in enumerate([(-1, -1), (-1, 1), (1, -1), (1, 1)]):
                energy = 0.0
                for i, j in ((0, 0), (v, 0), (0, u), (v, u)):
                    other = cells[
                        min(max(row + i, 0), down - 1), min(max(column + j, 0), across - 1)
                    ]
                    energy += ((other[:9] + other[9:]) ** 2).sum()
                cut = np.minimum(both / sqrt(energy + NOTHING), LARGEST)
                out[:27, row, column] += cut / 2
                out[27 + number, row, column] = cut[18:].sum() / 3
    return out


@given(
    height=st.integers(4, 33),
    width=st.integers(4, 33),
    colors=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_beside_loops(height: int, width: int, colors: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((colors, height, width))
    ours = part_features(torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(ours, plain_features(image), atol=1e-9)


def test_images_of_a_batch_do_not_mix() -> None:
    images = torch.rand(3, 3, 24, 40, dtype=torch.float64)
    each = torch.cat([part_features(image[None]) for image in images])
    torch.testing.assert_close(part_features(images), each)


@pytest.mark.parametrize(
    ("x", "y", "bin_"),
    [(1, 0, 0), (0, 1, 4), (-1, 0, 9), (0, -1, 14), (1, 1, 2), (-1, -1, 11), (1, -0.2, 17)],
)
def test_orientations_by_hand(x: float, y: float, bin_: int) -> None:
    # 90° is 4.5 steps of 20° and goes to the even one, as every half does.
    table = histograms(torch.full((1, 8, 8), float(x)), torch.full((1, 8, 8), float(y)))
    assert int(table[0, :, 0, 0].argmax()) == bin_
    assert int((table > 0).sum()) == 1


def test_a_pixel_is_shared_by_four_cells() -> None:
    x = torch.zeros(1, 24, 24)
    x[0, 8, 9] = 1.0  # its middle is 4.5 below and 5.5 right of the middle of the first cell
    table = histograms(x, torch.zeros_like(x))[0, 0]
    down, across = 4.5 / 8, 5.5 / 8
    expected = torch.zeros(3, 3)
    expected[0, 0], expected[0, 1] = (1 - down) * (1 - across), (1 - down) * across
    expected[1, 0], expected[1, 1] = down * (1 - across), down * across
    torch.testing.assert_close(table, expected)


def test_a_field_of_one_orientation_by_hand() -> None:
    # Every block holds four equal cells: 1 / √4 = 0.5, cut off at 0.2; four of them, halved: 0.4.
    signed = torch.zeros(1, 18, 3, 3)
    signed[:, 12] = 1000.0
    one = normalized(signed)[0, :, 1, 1]
    expected = torch.zeros(31)
    expected[12] = expected[18 + 3] = 0.4
    expected[27:] = LARGEST / 3
    torch.testing.assert_close(one, expected)


def test_light_does_not_count_and_flat_is_nothing() -> None:
    image = torch.rand(1, 1, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(
        part_features(image * 0.5 + 0.3), part_features(image), atol=1e-3, rtol=0
    )
    assert not part_features(torch.full((1, 3, 16, 16), 0.7)).any()


def test_a_mirrored_image_has_mirrored_features() -> None:
    image = F.interpolate(torch.rand(1, 3, 9, 12, dtype=torch.float64), (72, 96), mode="bicubic")
    ours = part_features(image).flip(3)[:, list(MIRRORED)]
    theirs = part_features(image.flip(3))
    assert sorted(MIRRORED) == list(range(CHANNELS))
    # At the sides dx is 0 and the orientation halfway between two; rounding knows left from right.
    torch.testing.assert_close(theirs[..., 2:-2], ours[..., 2:-2], atol=1e-9, rtol=0)


def test_images_without_a_cell_are_refused() -> None:
    with pytest.raises(ModelError, match=r"4 pixels a side or more, not \(1, 3, 3, 64\)"):
        part_features(torch.zeros(1, 3, 3, 64))
