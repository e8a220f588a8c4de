"""How regions are read from feature maps in a graph: RoI align by level, RoI pooling by windows."""

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.layers.roi_pooling import bin_edges
from striate.models.regions import CANONICAL, BoxHead
from striate.ops.boxes import areas
from striate.tasks.detection import operators

EMPTY = float("-inf")  # beyond the map


def pooled(head: BoxHead, maps: list[Tensor], regions: Tensor) -> Tensor:
    """`BoxHead.pooled` of one image: (K, C, size, size).

    The maps become one batch, the smaller ones continued by their border: regions lie inside.
    """
    rows, columns = (torch.arange(side) for side in maps[0].shape[2:])
    alike = [maps[0]] + [
        x[:, :, rows.clamp(max=x.shape[2] - 1)][..., columns.clamp(max=x.shape[3] - 1)]
        for x in maps[1:]
    ]
    span = areas(regions).clamp(min=1).sqrt() / (CANONICAL * head.strides[0])
    level = torch.zeros_like(span, dtype=torch.long)
    for number in range(1, len(maps)):
        level = level + (span >= 2**number).long()
    strides = torch.tensor(head.strides, dtype=torch.float32)
    return operators.aligned(torch.cat(alike), regions / strides[level][:, None], level, head.size)


def pooled_maxima(x: Tensor, boxes: Tensor, size: int, longest: int) -> Tensor:
    """`roi_pooling` of boxes (K, 4) in pixels of the map x (1, C, H, W): (K, C, size, size).

    A bin is covered by four windows whose sides are powers of two, and the maxima of all such
    windows are computed once for the whole map.

    Args:
        longest: side of a map at most.
    """
    height, width = x.shape[2], x.shape[3]
    edges = torch.round(boxes).long()
    left, right = bin_edges(edges[:, 0], edges[:, 2], size, width)
    top, bottom = bin_edges(edges[:, 1], edges[:, 3], size, height)
    sides = [2**level for level in range((longest // size + 2).bit_length())]
    table = torch.cat([windowed(x, tall, wide) for tall in sides for wide in sides])
    rows = table.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    across, begin, end = spanned(left, right, sides)
    down, first, last = spanned(top, bottom, sides)
    corner = (down * len(sides))[:, :, None] + across[:, None]  # (K, size, size)
    found = None
    for y in (first, last):
        for place in (begin, end):
            value = rows[(corner * height + y[:, :, None]) * width + place[:, None]]
            found = value if found is None else torch.maximum(found, value)
    there = (bottom > top)[:, :, None] & (right > left)[:, None]
    assert found is not None
    return torch.where(there[..., None], found, 0.0).permute(0, 3, 1, 2)


def windowed(x: Tensor, tall: int, wide: int) -> Tensor:
    """The maximum of every window of that size, by its upper left corner: of the form of x."""
    return F.max_pool2d(F.pad(x, (0, wide - 1, 0, tall - 1), value=EMPTY), (tall, wide), 1)


def spanned(low: Tensor, high: Tensor, sides: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """For spans from `low` to `high`, the number of the longest side that is not longer, and where
    two of that side begin that cover the span together. An empty one begins anywhere in the map."""
    length = (high - low).clamp(min=1)
    level, side = torch.zeros_like(length), torch.ones_like(length)
    for number, known in enumerate(sides[1:], 1):
        fits = length >= known
        level, side = torch.where(fits, number, level), torch.where(fits, known, side)
    start = torch.minimum(low, (high - 1).clamp(min=0))
    return level, start, torch.maximum(high - side, start)
