"""A map's mean over the whole and its maxima over strips: what is small and where it lies stay.

A spatial pyramid (Lazebnik et al. 2006) of rows alone, as it served for VOC'07 (van de Sande et al.
2010, Section 5.1: the whole and three rows): what is above and below in a photograph says more than
what is left and right. A thing of a few places hardly moves a mean, but is the maximum where it is.
"""

import torch
from torch import Tensor, nn


class StripPooling(nn.Module):
    """Maps (N, C, H, W) to (N, C (1 + strips)): the mean, then the maximum over each strip.

    Strip i of k begins at row floor(i H / k) and ends before row ceil((i + 1) H / k), as torch's
    adaptive pooling has it.

    Args:
        strips: 1 or more, from top to bottom.
    """

    def __init__(self, strips: int):
        super().__init__()
        if strips < 1:
            raise ValueError(f"strips are 1 or more, not {strips}")
        self.strips = strips

    def forward(self, maps: Tensor) -> Tensor:
        lines, parts = maps.amax(3), [maps.mean((2, 3))]  # (N, C, H)
        height, count = lines.shape[2], self.strips
        for number in range(count):
            first, last = number * height // count, -(-(number + 1) * height // count)
            parts.append(lines[:, :, first:last].amax(2))
        return torch.cat(parts, 1)

    def extra_repr(self) -> str:
        return f"strips={self.strips}"
