"""RoI pooling: by hand, against a loop, and its gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.layers.roi_pooling import roi_pooling


def slow(features: Tensor, box: list[float], size: int, scale: float) -> Tensor:
    x0, y0, x1, y1 = (round(side * scale) for side in box)  # Python's and torch's round agree
    high, wide = max(1, y1 - y0), max(1, x1 - x0)
    out = torch.zeros(len(features), size, size, dtype=features.dtype)
    height, width = features.shape[1:]
    for row in range(size):
        for column in range(size):
            top, bottom = (
                y0 + math.floor(row * high / size),
                y0 + math.ceil((row + 1) * high / size),
            )
            left = x0 + math.floor(column * wide / size)
            right = x0 + math.ceil((column + 1) * wide / size)
            part = features[
                :,
                min(max(top, 0), height) : min(max(bottom, 0), height),
                min(max(left, 0), width) : min(max(right, 0), width),
            ]
            if part.numel():
                out[:, row, column] = part.flatten(1).amax(1)
    return out


def test_by_hand() -> None:
    features = torch.arange(16.0).view(1, 1, 4, 4)
    pooled = roi_pooling(features, [torch.tensor([[16.0, 0, 64, 32]])], size=2, scale=1 / 16)
    # columns 1..3 in bins [1, 3) and [2, 4), rows 0..1 in bins of one
    assert pooled.tolist() == [[[[2, 3], [6, 7]]]]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_equal_to_the_loop(height: int, width: int, size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randint(-4, 5, (2, 3, height, width), generator=generator).double()
    low = torch.rand(4, 2, generator=generator, dtype=torch.float64) * 24 - 6
    boxes = torch.cat([low, low + torch.rand(4, 2, generator=generator).double() * 24], 1)
    fast = roi_pooling(features, [boxes[:1], boxes[1:]], size=size, scale=0.5)
    for region, image, box in zip(fast, (0, 1, 1, 1), boxes.tolist(), strict=True):
        assert torch.equal(region, slow(features[image], box, size, 0.5))


def test_gradient() -> None:
    features = torch.randperm(48).double().view(1, 2, 4, 6).requires_grad_()
    boxes = [torch.tensor([[0.0, 0, 5, 3], [2, 1, 9, 4], [20, 20, 30, 30]])]
    assert torch.autograd.gradcheck(lambda x: roi_pooling(x, boxes, size=2), features)


def test_no_region_and_too_few_lists() -> None:
    features = torch.zeros(1, 3, 4, 4)
    assert roi_pooling(features, [torch.zeros(0, 4)]).shape == (0, 3, 7, 7)
    with pytest.raises(ValueError, match="1 maps and the boxes of 2"):
        roi_pooling(features, [torch.zeros(0, 4)] * 2)
