"""An enlarged picture convolved, beside enlarging, reflecting and convolving it."""

import pytest
import torch
import torch.nn.functional as F

from striate.layers.upsampled_convolution import UpsampledConvolution


def plain(layer: UpsampledConvolution, maps: torch.Tensor) -> torch.Tensor:
    enlarged = F.interpolate(maps, scale_factor=2, mode="nearest")
    return F.conv2d(F.pad(enlarged, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)


@pytest.mark.parametrize("size", [(5, 4), (1, 1), (2, 7)])
def test_it_is_an_enlargement_and_a_convolution(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = UpsampledConvolution(3, 2).double()
    maps = torch.randn(2, 3, *size, dtype=torch.double, requires_grad=True)
    ours, theirs = layer(maps), plain(layer, maps)
    torch.testing.assert_close(ours, theirs)
    wanted = torch.randn_like(theirs)
    given = (maps, layer.weight, layer.bias)
    gradients = [torch.autograd.grad((found * wanted).sum(), given) for found in (ours, theirs)]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other)
