"""Local binary patterns (Ojala, Pietikainen & Maenpaa 2002): histograms of uniform patterns in the
cells of a grid, as Ahonen, Hadid & Pietikainen (2006) describe faces."""

from functools import lru_cache
from math import cos, pi, sin

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError

NEIGHBORS = 8
PATTERNS = 59  # the 58 uniform ones, of at most two changes around the circle, and all others
LEVEL = 1e-3  # values below this are arithmetic, not an image


@lru_cache(maxsize=1)
def uniform() -> Tensor:
    """(256,) the number of each pattern, 58 for those that are not uniform.

    >>> len(uniform().unique()), int((uniform() == 58).sum())
    (59, 198)
    """
    codes = range(2**NEIGHBORS)
    changes = [((code ^ (code >> 1 | (code & 1) << 7)) & 255).bit_count() for code in codes]
    numbers = iter(range(PATTERNS))
    found = [next(numbers) if count <= 2 else PATTERNS - 1 for count in changes]
    return torch.tensor(found)


def patterns(images: Tensor, radius: int = 1) -> Tensor:
    """(N, H - 2 radius, W - 2 radius) int64 patterns, 0 to 58, of gray images (N, 1, H, W).

    A neighbor at `radius` pixels that is no darker than the middle sets its bit; the first lies to
    the right, the others follow clockwise. Those between pixels are interpolated.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ModelError(f"patterns are read from gray images (N, 1, H, W), not {images.shape}")
    height, width = (side - 2 * radius for side in images.shape[2:])
    padded = F.pad(images[:, 0], (0, 1, 0, 1), mode="replicate")
    middle = images[:, 0, radius : radius + height, radius : radius + width]
    code = torch.zeros_like(middle, dtype=torch.int64)
    for bit in range(NEIGHBORS):
        x = radius * (1 + cos(2 * pi * bit / NEIGHBORS))
        y = radius * (1 + sin(2 * pi * bit / NEIGHBORS))
        left, top = int(x + 1e-9), int(y + 1e-9)
        across, down = max(0.0, x - left), max(0.0, y - top)
        value = torch.zeros_like(middle)
        for dy, share in ((0, 1 - down), (1, down)):
            for dx, part in ((0, 1 - across), (1, across)):
                weight = share * part
                if weight > 1e-9:
                    value += weight * padded[
                        :, top + dy : top + dy + height, left + dx : left + dx + width
                    ]  # fmt: skip
        code += (value >= middle - LEVEL).long() << bit
    return uniform().to(images.device)[code]


def histograms(images: Tensor, *, cell: int, radius: int = 1) -> Tensor:
    """(N, cells, 59) the share of each pattern in square cells of `cell` pixels, row by row; pixels
    that fill no cell, at the right and below, are left out."""
    found = patterns(images, radius)
    rows, columns = found.shape[1] // cell, found.shape[2] // cell
    if not rows or not columns:
        raise ModelError(f"cells of {cell} pixels do not fit into {tuple(images.shape[2:])}")
    some = found[:, : rows * cell, : columns * cell].unflatten(1, (rows, cell))
    some = some.unflatten(3, (columns, cell)).transpose(2, 3).reshape(len(images), -1, cell**2)
    counts = torch.zeros(*some.shape[:2], PATTERNS, device=images.device)
    counts.scatter_add_(2, some, torch.ones_like(some, dtype=counts.dtype))
    return counts / cell**2
