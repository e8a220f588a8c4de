"""Trainable subsampling (LeCun, Bottou, Bengio & Haffner 1998, Section II.B, layers S2 and S4)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subsampling(nn.Module):
    """The sum of each window, times the map's coefficient, plus the map's bias.

    Windows do not overlap. The squashing function that follows in the paper is a layer of its own.
    Starts as the average: coefficients 1 / size^2, biases 0.

    Args:
        channels: how many maps; two parameters each.
        size: height and width of a window.
    """

    def __init__(self, channels: int, *, size: int = 2):
        super().__init__()
        self.channels, self.size = channels, size
        self.coefficient = nn.Parameter(torch.full((channels,), 1 / size**2))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H // size, W // size)."""
        total = F.avg_pool2d(maps, self.size, divisor_override=1)
        return total * self.coefficient[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        return f"{self.channels}, size={self.size}"
