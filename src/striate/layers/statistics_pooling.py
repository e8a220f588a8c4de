"""The mean of the last map, and how much each channel of earlier maps varies over the picture.

Deviations say of textures and parts what a mean over all places loses, as Gram matrices of the same
maps do in style transfer (Gatys et al. 2016), of which these are the diagonal without the means.
Means and deviations are "statistics pooling" (Snyder et al. 2018); the root of the means is
Hellinger's (Arandjelovic & Zisserman 2012): a few strong channels no longer outvote the others.
"""

import torch
from torch import Tensor, nn

LEAST = 1e-3  # below it the root is nearly straight, so that its slope is finite at 0
FLAT = 1e-6  # added to variances, for the same reason


class StatisticsPooling(nn.Module):
    """The last map (N, C, H, W) and earlier ones (N, Ci, Hi, Wi) to (N, C + C1 + C2 + ...).

    First the signed roots of the last map's means, then `scale` times the standard deviations of
    the earlier maps over their places.
    """

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(()))

    def forward(self, last: Tensor, *maps: Tensor) -> Tensor:
        means = last.mean((2, 3))
        roots = means / (means.abs() + LEAST).sqrt()
        spreads = [(each.var((2, 3), correction=0) + FLAT).sqrt() * self.scale for each in maps]
        return torch.cat([roots, *spreads], 1)
