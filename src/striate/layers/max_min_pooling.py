"""Max + min pooling (Durand, Thome & Cord 2016, WELDON, CVPR, Section 3.2): what the regions of a
picture say of each class becomes one score of the picture.

The strongest regions speak for a class. The weakest are evidence against it: a picture of which no
part denies the class scores higher than one with parts that do. Only the regions that are taken
pass a gradient on.
"""

import torch
from torch import Tensor, nn

from striate.errors import ModelError


class MaxMinPooling(nn.Module):
    """The mean of the strongest places of each map and the mean of the weakest, added.

    Args:
        strongest: how many places, k+; where a map has fewer, all of them.
        weakest: k-; 0 leaves them out, which is top-instance pooling.

    Raises:
        ModelError: if there are to be none of the strongest, or fewer than none of the weakest.
    """

    def __init__(self, strongest: int = 3, weakest: int = 3):
        super().__init__()
        if strongest < 1 or weakest < 0:
            raise ModelError(
                f"max + min pooling takes one strongest place or more and no fewer than 0 weakest, "
                f"not {strongest} and {weakest}"
            )
        self.strongest, self.weakest = strongest, weakest

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C)."""
        places = maps.flatten(2)
        most = places.shape[2]
        score = torch.topk(places, min(self.strongest, most), 2).values.mean(2)
        if self.weakest:
            least = torch.topk(places, min(self.weakest, most), 2, largest=False).values
            score = score + least.mean(2)
        return score

    def extra_repr(self) -> str:
        return f"strongest={self.strongest}, weakest={self.weakest}"
