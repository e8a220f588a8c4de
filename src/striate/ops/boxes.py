"""Arithmetic of boxes: overlap, offsets, clipping, and non-maximum suppression.

A box is x0 y0 x1 y1: the positions of its edges in pixels, x to the right and y down from the upper
left corner of the picture. Its width is x1 - x0, so a box of one pixel at the corner is 0 0 1 1.
"""

import math

import torch
from torch import Tensor

LARGEST_STRETCH = math.log(1000 / 16)  # exp() of a larger offset would leave any picture
BLOCK = 1024  # boxes that are compared with each other at a time


def areas(boxes: Tensor) -> Tensor:
    """(..., 4) to (...): width times height, 0 where a box is empty or turned over."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def intersections(first: Tensor, second: Tensor) -> Tensor:
    """(N, 4) and (M, 4) to (N, M): the area that each shares with every other."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = (high - low).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every box with every other.

    Args:
        first: (N, 4) float.
        second: (M, 4) float.

    Returns:
        (N, M) in [0, 1]; 0 where either is empty.

    >>> overlaps(torch.tensor([[0., 0., 2., 2.]]), torch.tensor([[1., 0., 3., 2.]]))
    tensor([[0.3333]])
    """
    shared = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None] - shared
    return shared / union.clamp(min=torch.finfo(shared.dtype).tiny)


def covered(first: Tensor, second: Tensor) -> Tensor:
    """(N, M): the share of each of `first` that lies in each of `second` (a crowd has no union)."""
    tiny = torch.finfo(first.dtype).tiny
    return intersections(first, second) / areas(first)[:, None].clamp(min=tiny)


def clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The part of each box that lies in a picture of (height, width)."""
    height, width = size
    x = boxes[..., 0::2].clamp(0, width)
    y = boxes[..., 1::2].clamp(0, height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)


def offsets(boxes: Tensor, references: Tensor) -> Tensor:
    """Where `boxes` lie, as seen from `references` (R-CNN, arXiv:1311.2524, Appendix C; Faster
    R-CNN, arXiv:1506.01497, Section 3.1.2): (x - xa) / wa, (y - ya) / ha, log(w / wa), log(h / ha)
    of the centers and sides. Both are (..., 4) and not empty; so is what is returned.
    """
    place, side = _centered(boxes)
    from_place, from_side = _centered(references)
    return torch.cat([(place - from_place) / from_side, torch.log(side / from_side)], -1)


def moved(references: Tensor, offsets: Tensor) -> Tensor:
    """The boxes at `offsets` (..., 4) from `references`: `offsets`, undone.

    A box grows by at most 62.5 in width or height, so that no finite offset gives an infinite box.
    """
    place, side = _centered(references)
    place = place + offsets[..., :2] * side
    half = side * torch.exp(offsets[..., 2:].clamp(max=LARGEST_STRETCH)) / 2
    return torch.cat([place - half, place + half], -1)


def _centered(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Centers and sides, (..., 2) each, x first."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low


@torch.no_grad()
def non_maximum_suppression(
    boxes: Tensor, scores: Tensor, threshold: float, *, groups: Tensor | None = None
) -> Tensor:
    """From the best box down, each that overlaps a kept one is dropped.

    The same as the loop over boxes, in whole blocks: within a block, "no kept box overlaps
    this one" is applied until it changes nothing. It settles from the best box down, so there is
    just one such answer, the loop's, after as many rounds as the longest chain of boxes that drop
    each other.

    Args:
        boxes: (N, 4).
        scores: (N,); of equal ones the earlier box goes first.
        threshold: an overlap larger than this suppresses the worse box.
        groups: (N,) integers: only boxes of one group (one class) suppress each other; None: all
            are one group.

    Returns:
        (K,) int64, the numbers of the kept boxes, best first.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    kept: list[Tensor] = []
    for block in order.split(BLOCK):
        for earlier in kept:
            if len(block) and len(earlier):
                block = block[~_suppresses(boxes, groups, earlier, block, threshold).any(0)]
        drops = _suppresses(boxes, groups, block, block, threshold).triu(1).float()
        alive = torch.ones(len(block), device=boxes.device)
        while True:
            now = (alive @ drops == 0).float()
            if torch.equal(now, alive):
                break
            alive = now
        kept.append(block[alive.bool()])
    return torch.cat(kept) if kept else order


def _suppresses(
    boxes: Tensor, groups: Tensor | None, first: Tensor, second: Tensor, threshold: float
) -> Tensor:
    """(N, M) bool: whether box `first[n]`, if kept, suppresses box `second[m]`."""
    close = overlaps(boxes[first], boxes[second]) > threshold
    if groups is not None:
        close &= groups[first][:, None] == groups[second][None]
    return close
