"""Where the examples of a deformable part model lie, as it stands (Felzenszwalb et al. 2010,
Sections 4 and 5): things at the best place near their boxes, background where it is hard."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from striate.data.boxes import Objects
from striate.handcrafted.deformable import Places, Scored, joined, none
from striate.ops.boxes import clipped, non_maximum_suppression

HALF = 0.5  # overlap that a place must have at least to stand for a box
EDGE = 2.0  # pixels; a box that ends closer to the picture's edge is cut off by it
TWINS = 0.7  # hard places that overlap by more are one example
MOST_HARD = 600  # places of an image that are compared with each other


def agreement(seen: Scored, level: int, boxes: Tensor) -> Tensor:
    """(B, H, W): the overlap of boxes (B, 4) with the root at each place of a level, of which the
    part inside the picture counts."""
    left, upper, width, height = seen.edges(level)
    x0, x1 = (side.clamp(0, seen.size[1]) for side in (left, left + width))
    y0, y1 = (side.clamp(0, seen.size[0]) for side in (upper, upper + height))
    across = torch.minimum(x1, boxes[:, 2, None]) - torch.maximum(x0, boxes[:, 0, None])
    down = torch.minimum(y1, boxes[:, 3, None]) - torch.maximum(y0, boxes[:, 1, None])
    shared = down.clamp(min=0)[:, :, None] * across.clamp(min=0)[:, None, :]
    areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[:, None, None]
    return shared / (areas + (y1 - y0)[:, None] * (x1 - x0) - shared)


def agreements(seen: Scored, objects: Objects) -> dict[int, Tensor]:
    """By level, (B, H, W): how each place agrees with each box of the component's class."""
    boxes = torch.from_numpy(objects.boxes[objects.classes == seen.component.kind])
    return {level: agreement(seen, level, boxes) for level in seen.maps}


def positives(
    seen: Sequence[Scored],
    shared: Sequence[dict[int, Tensor]],
    objects: Objects,
    near: float,
    by_overlap: bool,
) -> list[tuple[Tensor, Places]]:
    """For each component the boxes (K, 4) that it shows best of all, and the places that do.

    For a box that is asked for, the places that overlap it by `near` compete by score; where there
    is none, the one that overlaps it most stands for it, if by half or more. `by_overlap`: they
    compete by overlap.
    """
    best: dict[int, tuple[bool, float, int, int, int]] = {}
    for place, (one, told) in enumerate(zip(seen, shared, strict=True)):
        mine = objects.classes == one.component.kind
        asked = torch.from_numpy(objects.asked[mine])
        numbers = np.flatnonzero(mine & objects.asked).tolist()
        for level, every in told.items():
            overlap = every[asked].flatten(1)
            close = (overlap >= near) & (not by_overlap)
            scores = torch.where(close, one.maps[level].flatten(), -torch.inf)
            enough = close.any(1)
            worth, at = torch.where(enough[:, None], scores, overlap).max(1)
            rows = zip(numbers, enough.tolist(), worth.tolist(), at.tolist(), strict=True)
            for number, sure, value, index in rows:
                if sure or value >= HALF:
                    candidate = (sure, value, place, level, index)
                    best[number] = max(best.get(number, candidate), candidate)
    chosen = []
    for place, one in enumerate(seen):
        boxes, found = [number for number in best if best[number][2] == place], [none()]
        for number in boxes:
            _, _, _, level, index = best[number]
            row, column = divmod(index, one.maps[level].shape[1])
            found.append(one.places(level, torch.tensor([row]), torch.tensor([column])))
        chosen.append((torch.from_numpy(objects.boxes[boxes]).reshape(-1, 4), joined(found)))
    return chosen


def negatives(
    seen: Scored, shared: dict[int, Tensor], *, far: float, least: float, most: int
) -> Places:
    """The hard places of the background, with scores of `least` or more, `most` at the highest: no
    box of the class, asked for or not, overlaps them by `far`."""
    allowed = {
        level: (every < far).all(0) if len(every) else seen.maps[level] > -torch.inf
        for level, every in shared.items()
    }
    hard = seen.best(least, MOST_HARD, allowed)
    kept = non_maximum_suppression(clipped(hard.boxes, seen.size), hard.scores, TWINS)
    return hard.take(kept[:most])


def offsets(roots: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(K, 4): how far boxes lie from roots, both (K, 4), in widths and heights of the roots; nan
    where a box ends at the edge of the picture of (height, width): the thing may go on."""
    low, high = boxes[:, :2], boxes[:, 2:]
    cut = (low < EDGE) | (high > torch.tensor([size[1], size[0]]) - EDGE)
    told = (boxes - roots) / (roots[:, 2:] - roots[:, :2]).repeat(1, 2)
    return told.masked_fill(cut.any(1, keepdim=True), torch.nan)
