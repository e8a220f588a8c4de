"""Means over strips of a map: what lies high and what lies low in a picture stay apart.

A spatial pyramid (Lazebnik et al. 2006) with rows alone, as for VOC'07 (van de Sande et al. 2010,
Section 5.1: 1 x 1 and 3 x 1): in photographs, what is above and below says more than left and
right.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class RowPooling(nn.Module):
    """Maps (N, C, H, W) to the means over strips (N, C · sum(rows)).

    Strip i of k begins at row floor(i H / k) and ends before row ceil((i + 1) H / k), as torch's
    adaptive pooling has it.

    Args:
        rows: into how many strips the map is cut, each at least 1: (1, 3) gives the mean over the
            whole and over each third.
    """

    def __init__(self, rows: Sequence[int]):
        super().__init__()
        if not rows or min(rows) < 1:
            raise ValueError(f"rows are 1 or more each, not {tuple(rows)}")
        self.rows = tuple(rows)

    def forward(self, maps: Tensor) -> Tensor:
        lines, parts = maps.mean(3), []  # (N, C, H)
        height = lines.shape[2]
        for count in self.rows:
            for number in range(count):
                first, last = number * height // count, -(-(number + 1) * height // count)
                parts.append(lines[:, :, first:last].mean(2))
        return torch.cat(parts, 1)

    def extra_repr(self) -> str:
        return f"rows={self.rows}"
