"""Locally connected layers (Taigman, Yang, Ranzato & Wolf 2014, "DeepFace", Section 3.2).

Like a convolution, but every place has its own filters: in an aligned face, an eye and a mouth are
always in the same places and have nothing in common.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError


class LocallyConnected2d(nn.Module):
    """A convolution without padding whose filters and biases are not shared between places.

    `weight` is (places, in_channels k k, out_channels), places row by row; `bias` is
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
        windows = F.unfold(maps, self.kernel_size, stride=self.stride)  # (N, fan_in, places)
        sums = torch.bmm(windows.permute(2, 0, 1), self.weight)  # (places, N, out_channels)
        return sums.permute(1, 2, 0).unflatten(2, self.output_size) + self.bias

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, input_size={self.input_size}"
        )
