"""Pooling: the lecture's matrix, its 6 x 6 example, a plain loop, torch's own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.layers import Pool2d

LECTURE = torch.tensor(  # z of the lecture's "overlapping pooling"
    [
        [77, 80, 82, 78, 70, 82, 82, 140],
        [83, 78, 80, 83, 82, 77, 94, 151],
        [87, 82, 81, 80, 74, 75, 112, 152],
        [87, 87, 85, 77, 66, 99, 151, 167],
        [84, 79, 77, 78, 76, 107, 162, 160],
        [86, 72, 70, 72, 81, 151, 166, 151],
        [78, 72, 73, 73, 107, 166, 170, 148],
        [76, 76, 77, 84, 147, 180, 168, 142],
    ],
    dtype=torch.float64,
)[None, None]
POOLED = torch.tensor(  # its u: 5 x 5 windows at stride 2, floor((8 - 1) / 2) + 1 = 4 a side
    [
        [81.1, 79.8, 82.1, 99.3],
        [81.9, 79.7, 88.4, 109.0],
        [80.0, 79.4, 101.2, 127.1],
        [76.7, 81.9, 114.3, 142.6],
    ],
    dtype=torch.float64,
)[None, None]
SEVEN = torch.tensor(  # the lecture's 6 x 6 image
    [
        [1, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 1, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
    ],
    dtype=torch.float64,
)[None, None]
FILTERS = torch.tensor(  # its two filters
    [[[1, 1, 1], [-1, 1, -1], [1, -1, -1]], [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]],
    dtype=torch.float64,
)[:, None]


def test_the_lectures_matrix() -> None:
    pooled = Pool2d(5, kind="average", stride=2, padding="same")(LECTURE)
    torch.testing.assert_close(pooled, POOLED, rtol=0, atol=0.0501)


def test_the_lectures_convolutions() -> None:
    maps = F.conv2d(SEVEN, FILTERS)[0]
    assert maps[0].tolist() == [[1, 2, 2, 5], [-1, -2, 2, 0], [0, 5, 1, 1], [3, 0, 1, 0]]
    assert maps[1, 0].tolist() == [-1, -2, -4, -1]
    assert maps[1, 3].tolist() == [-1, -2, 1, 0]
    assert F.conv2d(SEVEN, FILTERS[:1], stride=3)[0, 0].tolist() == [[1, 5], [3, 0]]


def test_the_lectures_poolings_of_its_first_feature_map() -> None:
    maps = F.conv2d(SEVEN, FILTERS[:1])
    assert Pool2d(2)(maps)[0, 0].tolist() == [[2, 5], [5, 1]]
    assert Pool2d(2, kind="average")(maps)[0, 0].tolist() == [[0, 2.25], [2, 0.75]]
    assert Pool2d(2, stride=1)(maps)[0, 0].tolist() == [[2, 2, 5], [5, 5, 2], [5, 5, 1]]


def by_loop(maps: np.ndarray, kind: str, size: int, stride: int, before: int, out: int):
    """Windows centered as the rule says; only pixels that exist are read."""
    side = maps.shape[-1]
    y = np.empty((*maps.shape[:2], out, out))
    for row in range(out):
        for column in range(out):
            top, left = row * stride - before, column * stride - before
            window = maps[
                :, :, max(top, 0) : min(top + size, side), max(left, 0) : min(left + size, side)
            ]
            reduce = np.max if kind == "max" else np.mean
            y[:, :, row, column] = reduce(window, axis=(2, 3))
    return y


@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 4), st.sampled_from(["max", "average"]))
def test_same_gives_the_lectures_size_and_the_loops_values(
    side: int, size: int, stride: int, kind: str
) -> None:
    maps = torch.randn(2, 3, side, side, dtype=torch.float64)
    pooled = Pool2d(size, kind=kind, stride=stride, padding="same")(maps)
    out = (side - 1) // stride + 1
    assert pooled.shape == (2, 3, out, out)
    expected = by_loop(maps.numpy(), kind, size, stride, (size - 1) // 2, out)
    np.testing.assert_allclose(pooled.numpy(), expected, rtol=1e-12)


@given(
    st.integers(6, 9), st.integers(1, 6), st.integers(1, 4), st.integers(0, 5),
    st.sampled_from(["max", "average"]),
)  # fmt: skip
def test_pixels_of_padding_never_count(
    side: int, size: int, stride: int, padding: int, kind: str
) -> None:
    padding = min(padding, size - 1)
    maps = torch.randn(2, 3, side, side, dtype=torch.float64)
    pooled = Pool2d(size, kind=kind, stride=stride, padding=padding)(maps)
    out = (side + 2 * padding - size) // stride + 1
    expected = by_loop(maps.numpy(), kind, size, stride, padding, out)
    np.testing.assert_allclose(pooled.numpy(), expected, rtol=1e-12)


def test_valid_is_torchs_own() -> None:
    maps = torch.randn(2, 3, 13, 11)
    torch.testing.assert_close(Pool2d(3, stride=2)(maps), F.max_pool2d(maps, 3, 2))
    torch.testing.assert_close(Pool2d(2, kind="average")(maps), F.avg_pool2d(maps, 2))


@pytest.mark.parametrize("size", [4, 5])
def test_the_gradient_is_the_slope(size: int) -> None:
    layer = Pool2d(size, kind="average", stride=2, padding="same")
    maps = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, maps)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "median"}, "'median'"),
        ({"padding": "full"}, "'full'"),
        ({"padding": 3}, "0 to 2 pixels, not 3"),
        ({"padding": -1}, "not -1"),
    ],
)
def test_settings_that_mean_nothing(settings: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        Pool2d(3, **settings)


def test_maps_smaller_than_a_window_are_refused() -> None:
    with pytest.raises(ModelError, match="2 x 5 are too small to pool by 3"):
        Pool2d(3)(torch.zeros(1, 1, 2, 5))
