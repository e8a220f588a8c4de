"""Anchors (Ren et al. 2015, arXiv:1506.01497, Section 3.1.1): boxes proposals are told from."""

import torch
from torch import Tensor


def anchor_shapes(sizes: tuple[float, ...], ratios: tuple[float, ...]) -> Tensor:
    """Boxes about the origin: (sizes x ratios, 4), sizes outside, ratios inside.

    Args:
        sizes: roots of the area, in pixels.
        ratios: height over width.

    >>> anchor_shapes((32.0,), (1.0,))
    tensor([[-16., -16.,  16.,  16.]])
    """
    size = torch.tensor(sizes)[:, None]
    root = torch.tensor(ratios).sqrt()[None]
    width, height = (size / root).flatten(), (size * root).flatten()
    return torch.stack([-width, -height, width, height], 1) / 2


def anchors(shapes: Tensor, grid: tuple[int, int], stride: int) -> Tensor:
    """All shapes about the middle of every place of a map of (rows, columns).

    Returns:
        (rows x columns x shapes, 4) in image pixels, row by row, the shapes of a place together.
    """
    rows, columns = (
        (torch.arange(side, dtype=shapes.dtype, device=shapes.device) + 0.5) * stride
        for side in grid
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    centers = torch.stack([x, y, x, y], -1)  # (rows, columns, 4)
    return (centers[:, :, None] + shapes).reshape(-1, 4)
