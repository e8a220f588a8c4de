"""Dense SIFT beside Lowe's Section 6 written as loops, and beside OpenCV's."""

from math import atan2, exp, floor, hypot, pi

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from striate.errors import ModelError
from striate.handcrafted.sift import dense_sift, grid, histograms, orientation_maps, pooling


def plain_sift(image: NDArray[np.float64], *, step: int, bin_size: int) -> NDArray[np.float64]:
    """Lowe's Section 6, a pixel at a time: descriptors (P, 128) of one gray image."""
    image = plain_blur(image, max((bin_size / 3) ** 2 - 0.25, 0) ** 0.5)
    height, width = image.shape
    found = []
    for top in grid(height, step=step, bin_size=bin_size):
        for left in grid(width, step=step, bin_size=bin_size):
            histogram = np.zeros((4, 4, 8))
            for y in range(height):
                for x in range(width):
                    dx = image[y, min(x + 1, width - 1)] - image[y, max(x - 1, 0)]
                    dy = image[min(y + 1, height - 1), x] - image[max(y - 1, 0), x]
                    u, v = (x - left) / bin_size, (y - top) / bin_size  # in bins, from the center
                    weight = hypot(dx, dy) * exp(-(u**2 + v**2) / (2 * 2**2))
                    turn = atan2(dy, dx) / (2 * pi) * 8
                    lower = floor(turn)
                    for row in range(4):
                        for column in range(4):
                            share = max(0, 1 - abs(v - (row - 1.5)))
                            share *= max(0, 1 - abs(u - (column - 1.5)))
                            part = weight * share
                            histogram[row, column, lower % 8] += part * (1 - (turn - lower))
                            histogram[row, column, (lower + 1) % 8] += part * (turn - lower)
            numbers = histogram.ravel()
            numbers = np.minimum(numbers / np.linalg.norm(numbers), 0.2)
            found.append(numbers / np.linalg.norm(numbers))
    return np.stack(found)


def plain_blur(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    if sigma == 0:
        return image
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padded = np.pad(image, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], "edge")
        image = np.apply_along_axis(np.convolve, axis, padded, weights, "valid")
    return image


@given(
    height=st.integers(17, 26),
    width=st.integers(17, 26),
    step=st.integers(3, 7),
    bin_size=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_the_matrices_do_what_the_loops_do(
    height: int, width: int, step: int, bin_size: int, seed: int
) -> None:
    step *= 5 - bin_size  # small windows are many, and the loops are slow
    image = np.random.default_rng(seed).random((height, width))
    ours = dense_sift(torch.from_numpy(image)[None, None], step=step, bin_size=bin_size)
    plain = plain_sift(image, step=step, bin_size=bin_size)
    np.testing.assert_allclose(ours.descriptors[0].numpy(), plain, atol=1e-9)


@pytest.mark.parametrize("bin_size", [4, 6, 8])
def test_opencv_describes_the_same_patches_alike(bin_size: int) -> None:
    from skimage import data

    image = cv2.resize(data.camera(), (128, 128), interpolation=cv2.INTER_AREA)
    places = grid(128, step=8, bin_size=bin_size)
    # OpenCV's bins are 1.5 keypoint sizes wide; octave 0, where it smooths to sigma 1.6
    keypoints = [
        cv2.KeyPoint(float(x), float(y), bin_size / 1.5, 0.0, 0, 0) for y in places for x in places
    ]
    _, theirs = cv2.SIFT_create().compute(image, keypoints)
    ours = dense_sift(torch.from_numpy(image).float()[None, None], step=8, bin_size=bin_size)
    y_up = ours.descriptors[0].reshape(-1, 16, 8)[:, :, [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128)
    pairs = zip(y_up.numpy(), theirs, strict=True)
    assert np.median([np.corrcoef(a, b)[0, 1] for a, b in pairs]) > 0.94


@pytest.mark.parametrize(
    ("x", "y", "shares"),
    [
        (1.0, 0.0, {0: 1.0}),
        (0.0, 2.0, {2: 2.0}),
        (-3.0, 0.0, {4: 3.0}),
        (-3.0, -0.0, {4: 3.0}),  # atan2 says -pi here, +pi above
        (0.0, -1.0, {6: 1.0}),
        (np.cos(pi / 8), np.sin(pi / 8), {0: 0.5, 1: 0.5}),
        (np.cos(-pi / 16), np.sin(-pi / 16), {7: 0.25, 0: 0.75}),
        (np.cos(15 * pi / 16), np.sin(15 * pi / 16), {3: 0.25, 4: 0.75}),
        (np.cos(-15 * pi / 16), np.sin(-15 * pi / 16), {5: 0.25, 4: 0.75}),
        (0.0, 0.0, {}),
    ],
)
def test_a_gradient_is_shared_by_its_two_nearest_orientations(
    x: float, y: float, shares: dict[int, float]
) -> None:
    maps = orientation_maps(torch.full((1, 1, 1), x), torch.full((1, 1, 1), y)).flatten()
    expected = torch.tensor([shares.get(o, 0.0) for o in range(8)])
    torch.testing.assert_close(maps, expected, atol=1e-6, rtol=0)


def test_a_ramp_fills_one_orientation_of_every_bin() -> None:
    ramp = torch.arange(24.0).expand(1, 1, 24, 24)
    numbers = dense_sift(ramp, step=8, bin_size=4).descriptors.reshape(-1, 16, 8)
    assert float(numbers[:, :, 0].min()) > 0.1  # brighter to the right: orientation 0
    assert float(numbers[:, :, 1:].max()) < 1e-4


def test_pixels_of_one_window_are_weighted_as_the_paper_says() -> None:
    weights = pooling(17, 1, 4)  # one grid point, at pixel 8; bins centered at 2, 6, 10, 14
    assert weights.shape == (4, 17)
    assert weights[1, 6] == pytest.approx(exp(-((6 - 8) ** 2) / (2 * 8**2)))
    assert weights[1, 8] == pytest.approx(0.5)  # half to each neighbor, at the window's center
    assert weights[1, 10] == 0


def test_a_quarter_turn_of_the_image_turns_bins_and_orientations() -> None:
    images = torch.rand(1, 1, 33, 33, dtype=torch.float64)
    upright = dense_sift(images, step=1, bin_size=8).descriptors.reshape(4, 4, 8)
    turned = dense_sift(images.rot90(1, (2, 3)), step=1, bin_size=8).descriptors.reshape(4, 4, 8)
    torch.testing.assert_close(turned, upright.rot90(1, (0, 1)).roll(-2, 2))


def test_light_changes_nothing_but_the_contrast() -> None:
    images = torch.rand(2, 1, 40, 30, dtype=torch.float64)
    first = dense_sift(images, step=4, bin_size=3)
    second = dense_sift(images * 255 + 7, step=4, bin_size=3)
    torch.testing.assert_close(second.descriptors, first.descriptors)
    torch.testing.assert_close(second.contrast, first.contrast * 255)


def test_flat_patches_are_zero_and_say_so() -> None:
    flat = dense_sift(torch.full((1, 1, 20, 20), 128.0), step=2, bin_size=4)
    assert not flat.contrast.any()
    assert not flat.descriptors.any()


def test_contrast_is_the_slope_of_a_ramp() -> None:
    ramps = torch.arange(30.0) * torch.tensor([0.5, 4.0]).reshape(2, 1, 1, 1)
    for bin_size in (3, 5):
        contrast = dense_sift(ramps.expand(2, 1, 30, 30), step=30, bin_size=bin_size).contrast
        torch.testing.assert_close(contrast, torch.tensor([[0.5], [4.0]]), rtol=0.02, atol=0)


def test_scales_follow_one_another_and_positions_are_the_centers() -> None:
    images = torch.rand(3, 1, 30, 50)
    both = dense_sift(images, step=5, bin_size=(3, 4))
    apart = [dense_sift(images, step=5, bin_size=size) for size in (3, 4)]
    torch.testing.assert_close(both.descriptors, torch.cat([a.descriptors for a in apart], 1))
    torch.testing.assert_close(both.positions, torch.cat([a.positions for a in apart]))
    columns, rows = grid(50, step=5, bin_size=3), grid(30, step=5, bin_size=3)
    first, second = both.positions[0], both.positions[1]
    torch.testing.assert_close(first, torch.tensor([(columns[0] + 0.5) / 50, (rows[0] + 0.5) / 30]))
    torch.testing.assert_close(second[0], torch.tensor((columns[1] + 0.5) / 50))
    assert len(apart[0].positions) == len(columns) * len(rows)


def test_many_images_are_described_as_one_is() -> None:
    images = torch.rand(70, 1, 64, 64)  # more than are worked on together
    together = dense_sift(images, step=16, bin_size=8).descriptors
    alone = torch.cat(
        [dense_sift(image[None], step=16, bin_size=8).descriptors for image in images]
    )
    torch.testing.assert_close(together, alone)


def test_root_sift_makes_the_dot_product_hellingers() -> None:
    images = torch.rand(1, 1, 20, 20)
    plain = dense_sift(images, step=2, bin_size=4).descriptors
    root = dense_sift(images, step=2, bin_size=4, root=True).descriptors
    torch.testing.assert_close(root, (plain / plain.sum(-1, keepdim=True)).sqrt())
    torch.testing.assert_close(root.norm(dim=-1), torch.ones(root.shape[:2]))


def test_numbers_are_given_row_column_orientation() -> None:
    image = torch.zeros(1, 17, 17)
    image[0, 2, 13:] = 1  # an edge in the top row of bins, right
    numbers = histograms(image, step=1, bin_size=4).reshape(4, 4, 8)
    assert int(numbers.sum(2).argmax()) == 3  # row 0, column 3


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="side of 16; take bins of 3"):
        dense_sift(torch.rand(1, 1, 16, 40), step=2, bin_size=4)
    with pytest.raises(ModelError, match=r"gray images \(N, 1, H, W\), not \(1, 3, 40, 40\)"):
        dense_sift(torch.rand(1, 3, 40, 40), step=2, bin_size=4)
