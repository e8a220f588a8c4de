"""Convolution along frequency with limited weight sharing (Abdel-Hamid et al. 2014, Section III-B).

What a vowel looks like in low frequencies is not what a fricative looks like in high ones: each
pooled place has weights of its own, which only the places that are pooled together share.
"""

import math

import torch
from torch import Tensor, nn


class LimitedSharing(nn.Module):
    """(N, C, B) maps over B bands to (N, maps, sections): convolved, then the maximum of each
    section.

    Args:
        channels: C.
        bands: B.
        maps: of each section.
        width: bands that a weight vector covers.
        pool, shift: places that are pooled, and from one section to the next.
    """

    def __init__(
        self, channels: int, bands: int, maps: int, *, width: int = 8, pool: int = 6, shift: int = 2
    ):
        super().__init__()
        places = bands - width + 1
        if places < pool:
            raise ValueError(f"{bands} bands have fewer than {pool} places of {width} bands")
        self.width, self.pool, self.shift = width, pool, shift
        self.sections = (places - pool) // shift + 1
        bound = 1 / math.sqrt(channels * width)
        self.weight = nn.Parameter(
            torch.empty(self.sections, channels * width, maps).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.zeros(self.sections, 1, maps))

    def forward(self, features: Tensor) -> Tensor:
        count, channels, _ = features.shape
        windows = features.unfold(2, self.width, 1)  # (N, C, places, width)
        windows = windows.unfold(2, self.pool, self.shift)  # (N, C, sections, width, pool)
        rows = windows.permute(2, 0, 4, 1, 3).reshape(
            self.sections, count * self.pool, channels * self.width
        )
        found = torch.baddbmm(self.bias, rows, self.weight)  # (sections, N * pool, maps)
        most = found.view(self.sections, count, self.pool, -1).amax(2)
        return most.permute(1, 2, 0)
