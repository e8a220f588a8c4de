"""The feature pyramid (Lin et al. 2017, arXiv:1612.03144, Section 3): features of deep layers, at
the resolution of shallow ones."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class Pyramid(nn.Module):
    """Maps of growing stride to as many maps of one width (Figure 3).

    From the deepest down, each map is brought to `width` channels, the deeper one is doubled in
    size and added, and a 3 x 3 convolution smooths the sum.

    Args:
        channels: of each map, shallow first.
        width: channels of the outputs; 256 in the paper.
    """

    def __init__(self, channels: Sequence[int], *, width: int = 256):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(each, width, 1) for each in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        for layer in [*self.lateral, *self.smooth]:
            nn.init.kaiming_uniform_(layer.weight, a=1)  # the paper's rectifier-free layers
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Shallow first, (N, C, H, W) each and (N, width, H, W) each; sizes need not divide."""
        above: Tensor | None = None
        outputs = []
        for lateral, smooth, x in zip(
            reversed(self.lateral), reversed(self.smooth), reversed(maps), strict=True
        ):
            merged = lateral(x)
            if above is not None:
                merged = merged + F.interpolate(above, size=x.shape[-2:], mode="nearest")
            outputs.append(smooth(merged))
            above = merged
        return outputs[::-1]
