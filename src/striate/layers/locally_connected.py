"""Locally connected layers (Taigman, Yang, Ranzato & Wolf 2014, "DeepFace", Section 3.2).

Like a convolution, but every place has its own filters: in an aligned face, an eye and a mouth are
always in the same places and have nothing in common.

Every place is one matrix product, its windows (N, k k C) with its filters (k k C, O). With rows
outermost and channels innermost, a row of a window lies in one piece of memory; the windows of one
row of places are laid side by side, used, and forgotten, so that they stay in the cache. Gradients
lay them out once more.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from striate.errors import ModelError


class LocallyConnected2d(nn.Module):
    """A convolution without padding whose filters and biases are not shared between places.

    `weight` is (places, k k in_channels, out_channels), places row by row, of each the rows of its
    window, their columns, their channels; `bias` is
    (out_channels, rows, columns). Starts as PyTorch's convolutions do: uniform within
    1 / sqrt(fan-in).

    Args:
        in_channels, out_channels, kernel_size, stride: as in a convolution.
        input_size: height and width of the maps it will read; it can read no other.

    Raises:
        ModelError: maps smaller than the kernel; in `forward`, maps of another size.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        input_size: tuple[int, int],
        stride: int = 1,
    ):
        super().__init__()
        rows, columns = ((side - kernel_size) // stride + 1 for side in input_size)
        if min(input_size) < kernel_size:
            raise ModelError(f"maps of {input_size} are too small for kernels of {kernel_size}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride = kernel_size, stride
        self.input_size, self.output_size = input_size, (rows, columns)
        fan_in = in_channels * kernel_size**2
        self.weight = nn.Parameter(torch.empty(rows * columns, fan_in, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels, rows, columns))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all parameters anew from torch's generator."""
        bound = self.weight.shape[1] ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, rows, columns)."""
        if tuple(maps.shape[1:]) != (self.in_channels, *self.input_size):
            raise ModelError(
                f"a locally connected layer built for maps {(self.in_channels, *self.input_size)} "
                f"cannot read {tuple(maps.shape[1:])}"
            )
        sums: Tensor = LocalSums.apply(maps, self.weight, self.kernel_size, self.stride)
        return sums + self.bias

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, input_size={self.input_size}"
        )


class LocalSums(torch.autograd.Function):
    """What the filters of every place make of its windows, and the gradients of that."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, kernel: int, stride: int) -> Tensor:
        rows, columns = ((side - kernel) // stride + 1 for side in maps.shape[2:])
        x = maps.permute(2, 0, 3, 1).contiguous()  # (H, N, W, C)
        sums = maps.new_empty(rows, columns, len(maps), weight.shape[2])
        for row, filters in enumerate(weight.split(columns)):
            torch.bmm(windows(x, row * stride, kernel, stride, columns), filters, out=sums[row])
        ctx.save_for_backward(x, weight)
        ctx.kernel, ctx.stride = kernel, stride
        return sums.permute(2, 3, 0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, weight = ctx.saved_tensors
        kernel, stride = ctx.kernel, ctx.stride
        slopes = gradients[0].permute(2, 3, 0, 1).contiguous()  # (rows, columns, N, O)
        columns = slopes.shape[1]
        of_x, of_weight = torch.zeros_like(x), torch.empty_like(weight)
        reach = (columns - 1) * stride + 1
        parts = zip(weight.split(columns), of_weight.split(columns), slopes, strict=True)
        for row, (filters, of_filters, slope) in enumerate(parts):
            window = windows(x, row * stride, kernel, stride, columns)
            torch.bmm(window.transpose(1, 2), slope, out=of_filters)
            of_window = torch.bmm(slope, filters.transpose(1, 2))
            each = of_window.unflatten(2, (kernel, kernel, -1)).permute(2, 1, 0, 3, 4)
            under = of_x[row * stride : row * stride + kernel]  # (k, N, W, C)
            for column in range(kernel):
                under[:, :, column : column + reach : stride] += each[:, :, :, column]
        return of_x.permute(1, 3, 0, 2), of_weight, None, None


def windows(x: Tensor, top: int, kernel: int, stride: int, columns: int) -> Tensor:
    """(columns, N, k k C) the windows of one row of places, of maps (H, N, W, C)."""
    _, images, width, channels = x.shape
    size = columns, images, kernel, kernel * channels
    steps = stride * channels, width * channels, images * width * channels, 1
    place = x.storage_offset() + top * images * width * channels
    return x.as_strided(size, steps, place).flatten(2)
