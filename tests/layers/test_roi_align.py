"""RoI align: by hand, against a loop, and its gradient."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.layers.roi_align import roi_align


def reading(features: Tensor, y: float, x: float) -> Tensor:
    """The map (C, H, W) between its pixel centers, at y and x counted from the first center."""
    height, width = features.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(len(features), dtype=features.dtype)
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = y - top, x - left
    upper = features[:, top, left] * (1 - along) + features[:, top, right] * along
    lower = features[:, bottom, left] * (1 - along) + features[:, bottom, right] * along
    return upper * (1 - down) + lower * down


def slow(features: Tensor, box: list[float], size: int, scale: float, samples: int) -> Tensor:
    x0, y0, x1, y1 = (side * scale for side in box)
    out = torch.zeros(len(features), size, size, dtype=features.dtype)
    for row in range(size):
        for column in range(size):
            for i in range(samples):
                for j in range(samples):
                    y = y0 + (y1 - y0) * (row + (i + 0.5) / samples) / size - 0.5
                    x = x0 + (x1 - x0) * (column + (j + 0.5) / samples) / size - 0.5
                    out[:, row, column] += reading(features, y, x) / samples**2
    return out


def test_a_ramp_gives_its_middles() -> None:
    ramp = torch.arange(8.0).repeat(8, 1)[None, None]  # pixel i is i, its center at i + 0.5
    read = roi_align(ramp, [torch.tensor([[32.0, 32, 96, 96]])], size=2, scale=1 / 16)
    assert torch.allclose(read, torch.tensor([[[[2.5, 4.5], [2.5, 4.5]]]]))


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_equal_to_the_loop(height: int, width: int, size: int, samples: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, 2, height, width, generator=generator, dtype=torch.float64)
    low = torch.rand(3, 2, generator=generator, dtype=torch.float64) * 14 - 5
    boxes = torch.cat([low, low + torch.rand(3, 2, generator=generator).double() * 10], 1)
    fast = roi_align(features, [boxes[:1], boxes[1:]], size=size, scale=0.5, samples=samples)
    for region, image, box in zip(fast, (0, 1, 1), boxes.tolist(), strict=True):
        assert torch.allclose(region, slow(features[image], box, size, 0.5, samples))


def test_gradient() -> None:
    features = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    boxes = [torch.tensor([[0.3, 0.2, 3.1, 3.7]]), torch.tensor([[1.1, 0.4, 6.0, 2.0]])]
    assert torch.autograd.gradcheck(lambda x: roi_align(x, boxes, size=2), features)


def test_no_region_and_too_few_lists() -> None:
    features = torch.zeros(1, 3, 4, 4)
    assert roi_align(features, [torch.zeros(0, 4)]).shape == (0, 3, 7, 7)
    with pytest.raises(ValueError, match="1 maps and the boxes of 2"):
        roi_align(features, [torch.zeros(0, 4)] * 2)
