"""Locally connected layers: DeepFace's sizes, a plain loop, a convolution where filters agree."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers import LocallyConnected2d


def by_loop(layer: LocallyConnected2d, maps: Tensor) -> Tensor:
    k, s = layer.kernel_size, layer.stride
    rows, columns = layer.output_size
    y = torch.zeros(len(maps), layer.out_channels, rows, columns, dtype=maps.dtype)
    for row in range(rows):
        for column in range(columns):
            filters = layer.weight[row * columns + column]
            for image in range(len(maps)):
                window = maps[image, :, row * s : row * s + k, column * s : column * s + k]
                for out in range(layer.out_channels):
                    total = (window.permute(1, 2, 0).flatten() * filters[:, out]).sum()
                    y[image, out, row, column] = total + layer.bias[out, row, column]
    return y


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2),
    st.tuples(st.integers(3, 6), st.integers(3, 6)),
)  # fmt: skip
def test_the_loop_agrees(
    channels: int, out: int, kernel: int, stride: int, size: tuple[int, int]
) -> None:
    layer = LocallyConnected2d(channels, out, kernel, input_size=size, stride=stride).double()
    maps = torch.randn(2, channels, *size, dtype=torch.float64)
    torch.testing.assert_close(layer(maps), by_loop(layer, maps))


def test_with_one_filter_everywhere_it_is_a_convolution() -> None:
    convolution = nn.Conv2d(3, 4, 3, stride=2)
    layer = LocallyConnected2d(3, 4, 3, input_size=(9, 7), stride=2)
    with torch.no_grad():
        filters = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
        layer.weight.copy_(filters.expand_as(layer.weight))
        layer.bias.copy_(convolution.bias[:, None, None].expand_as(layer.bias))
    maps = torch.randn(2, 3, 9, 7)
    torch.testing.assert_close(layer(maps), convolution(maps))


@pytest.mark.parametrize(
    ("kernel", "stride", "before", "after"),
    [(9, 1, 63, 55), (7, 2, 55, 25), (5, 1, 25, 21)],
    ids=["L4", "L5", "L6"],
)
def test_deepfaces_layers(kernel: int, stride: int, before: int, after: int) -> None:
    with torch.device("meta"):
        layer = LocallyConnected2d(16, 16, kernel, input_size=(before, before), stride=stride)
    assert layer.output_size == (after, after)
    parameters = sum(p.numel() for p in layer.parameters())
    assert parameters == after * after * 16 * (16 * kernel * kernel + 1)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_gradient_is_the_slope(stride: int) -> None:
    layer = LocallyConnected2d(2, 2, 2, input_size=(4, 5), stride=stride).double()
    maps = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    inputs = (maps, layer.weight, layer.bias)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), inputs)


def test_maps_of_another_size_are_refused() -> None:
    layer = LocallyConnected2d(2, 2, 2, input_size=(4, 4))
    with pytest.raises(ModelError, match=r"\(2, 4, 4\) cannot read \(2, 5, 4\)"):
        layer(torch.zeros(1, 2, 5, 4))


def test_maps_smaller_than_the_kernel_are_refused() -> None:
    with pytest.raises(ModelError, match=r"\(4, 2\) are too small for kernels of 3"):
        LocallyConnected2d(1, 1, 3, input_size=(4, 2))
