"""Convolutions whose weights stay: torch's own answers and gradients, in fewer products."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.errors import ModelError
from striate.layers.frozen_convolution import (
    FILTER,
    INPUT,
    OUTPUT,
    FrozenConvolution,
    transformed,
    winograd,
)

SIDES = st.integers(1, 11)


def test_a_line_of_six_by_pencil() -> None:
    """The paper's F(4, 3) in one dimension: A^T ((G g) (B^T d)) are the four sums g . d."""
    line, kernel = torch.tensor([1.0, 2, 3, 4, 5, 6]).double(), torch.tensor([1.0, 0, -2]).double()
    into, weigh, out = (torch.tensor(m).double() for m in (INPUT, FILTER, OUTPUT))
    found = out @ ((weigh @ kernel) * (into @ line))
    assert found.tolist() == pytest.approx([1 - 6, 2 - 8, 3 - 10, 4 - 12])


@settings(max_examples=25, deadline=None)
@given(SIDES, SIDES, st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 9))
def test_winograd_is_the_convolution(
    height: int, width: int, inputs: int, outputs: int, images: int, tiles: int
) -> None:
    generator = torch.Generator().manual_seed(height * 100 + width)
    maps = torch.randn(images, inputs, height, width, generator=generator, dtype=torch.double)
    weight = torch.randn(outputs, inputs, 3, 3, generator=generator, dtype=torch.double)
    bias = torch.randn(outputs, generator=generator, dtype=torch.double)
    found = winograd(maps, transformed(weight), bias, tiles=tiles)
    torch.testing.assert_close(found, F.conv2d(maps, weight, bias, padding=1), rtol=0, atol=1e-11)


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 8), (20, 24), (96, 96)])
@pytest.mark.parametrize("rectified", [False, True])
def test_answers_and_gradients_are_torchs(inputs: int, outputs: int, rectified: bool) -> None:
    torch.manual_seed(inputs)
    ours = nn.Conv2d(inputs, outputs, 3, padding=1).double()
    maps = torch.randn(2, inputs, 6, 9, dtype=torch.double, requires_grad=True)
    sent = torch.randn(2, outputs, 6, 9, dtype=torch.double)
    plain = ours(maps).relu() if rectified else ours(maps)
    frozen = FrozenConvolution(ours, rectified=rectified)
    found = frozen(maps)
    torch.testing.assert_close(found, plain)
    torch.testing.assert_close(
        torch.autograd.grad(found, maps, sent), torch.autograd.grad(plain, maps, sent)
    )
    assert frozen.fast == (inputs == 96)
    assert not list(frozen.parameters())


def test_single_precision_loses_little() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(96, 96, 3, padding=1)
    maps = torch.rand(1, 96, 12, 12)
    exact = layer.double()(maps.double())
    found = FrozenConvolution(layer.float())(maps)
    assert (found - exact).abs().max() < 1e-4 * exact.abs().max()


@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 5, "padding": 1}, {"stride": 2}, {"groups": 2}, {"dilation": 2}],
)
def test_other_convolutions_are_refused(options: dict[str, int]) -> None:
    layer = nn.Conv2d(4, 4, **({"kernel_size": 3, "padding": 1} | options))  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="3 x 3 convolution"):
        FrozenConvolution(layer)
