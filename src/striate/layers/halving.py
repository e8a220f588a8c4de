"""Convolutions of 4 x 4 and stride 2, which halve and double maps, with gradients of weights by
matrix products.

The gradient of the weights is a sum over all places of a batch. Where channels are many, torch's
own is up to 2.6 times slower on a CPU than four products, one for each row of the kernel, of what
the rows cover: in memory where channels come last that is four pixels side by side, and nothing
else is copied. Values and gradients of maps are torch's own.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MANY = 128  # channels of the larger maps from which on products are faster
SIZE, STRIDE, BORDER = 4, 2, 1


class Halve(nn.Conv2d):
    """Maps (N, inputs, H, W) to (N, outputs, H / 2, W / 2), both sides even."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__(inputs, outputs, SIZE, STRIDE, BORDER, bias=bias)

    def forward(self, maps: Tensor) -> Tensor:
        if self.in_channels < MANY or not _learns(self.weight, maps):
            return super().forward(maps)
        found: Tensor = _Halved.apply(maps, self.weight)
        return found if self.bias is None else found + self.bias[:, None, None]


class Double(nn.ConvTranspose2d):
    """Maps (N, inputs, H, W) to (N, outputs, 2 H, 2 W): what `Halve` does to gradients."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__(inputs, outputs, SIZE, STRIDE, BORDER, bias=bias)

    def forward(self, maps: Tensor, output_size: list[int] | None = None) -> Tensor:
        if self.out_channels < MANY or not _learns(self.weight, maps):
            return super().forward(maps, output_size)
        found: Tensor = _Doubled.apply(maps, self.weight)
        return found if self.bias is None else found + self.bias[:, None, None]


def _learns(weight: Tensor, maps: Tensor) -> bool:
    """Whether a gradient of the weights will be asked for, on a CPU, in the precision of them."""
    return (
        torch.is_grad_enabled()
        and weight.requires_grad
        and maps.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
    )


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(maps, weight)
        return F.conv2d(maps, weight, None, STRIDE, BORDER)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, Tensor]:
        maps, weight = ctx.saved_tensors
        (slope,) = slopes
        back = None
        if ctx.needs_input_grad[0]:
            back = F.conv_transpose2d(slope, weight, None, STRIDE, BORDER)
        return back, of_weights(maps, slope)


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(maps, weight)
        return F.conv_transpose2d(maps, weight, None, STRIDE, BORDER)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, Tensor]:
        maps, weight = ctx.saved_tensors
        (slope,) = slopes
        back = None
        if ctx.needs_input_grad[0]:
            back = F.conv2d(slope, weight, None, STRIDE, BORDER)
        return back, of_weights(slope, maps)


def of_weights(large: Tensor, small: Tensor) -> Tensor:
    """(K, C, 4, 4), the sum over all places of what a kernel covers of the large maps (N, C, H, W)
    times the small maps (N, K, H / 2, W / 2)."""
    count, channels, height, width = large.shape
    padded = F.pad(large.permute(0, 2, 3, 1), (0, 0, BORDER, BORDER, BORDER, BORDER)).contiguous()
    steps = padded.stride()
    places = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1]).T
    shape = (count, height // STRIDE, width // STRIDE, SIZE * channels)
    strides = (steps[0], STRIDE * steps[1], STRIDE * steps[2], 1)
    rows = [
        places @ padded.as_strided(shape, strides, row * steps[1]).reshape(-1, SIZE * channels)
        for row in range(SIZE)
    ]
    found = torch.stack(rows, 1).unflatten(2, (SIZE, channels))
    return found.permute(0, 3, 1, 2)
