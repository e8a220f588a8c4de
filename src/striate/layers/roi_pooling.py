"""RoI pooling (Girshick 2015, arXiv:1504.08083, Section 2.1): the maximum of every bin of a region.

Regions and bins are rounded to whole pixels of the map, so bins differ in size. The maximum over
any rectangle is that of four overlapping ones whose sides are powers of two; maps of those maxima
are made once for all regions (the sparse table of range-minimum queries, in two dimensions).
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_pooling(
    features: Tensor, boxes: list[Tensor], *, size: int = 7, scale: float = 1.0
) -> Tensor:
    """Each region as `size` x `size` maxima.

    Args:
        features: (N, C, H, W).
        boxes: for each image (K, 4), x0 y0 x1 y1; edges are rounded after scaling, and a region is
            at least one pixel. Bin i of a side of s pixels is [floor(i s / size), ceil((i + 1) s /
            size)): bins share pixels where s does not divide. What lies outside the map is left
            out, and a bin without pixels is 0.
        scale: map pixels per unit of the boxes.

    Returns:
        (sum of K, C, size, size), the regions in order. Differentiable in `features`.
    """
    if len(boxes) != len(features):
        raise ValueError(f"{len(features)} maps and the boxes of {len(boxes)} should be as many")
    owners = torch.repeat_interleave(
        torch.arange(len(boxes), device=features.device),
        torch.tensor([len(some) for some in boxes], device=features.device),
    )
    if not len(owners):
        return features.new_zeros(0, features.shape[1], size, size)
    edges = torch.round(torch.cat(boxes).to(features.device) * scale).long()
    columns = _bins(edges[:, 0], edges[:, 2], size, features.shape[3])
    rows = _bins(edges[:, 1], edges[:, 3], size, features.shape[2])
    places = _highest(features, owners, rows, columns)  # (K, size, size, C)
    flat = features.permute(0, 2, 3, 1).flatten(1, 2)  # (N, H * W, C)
    empty = places[..., :1] < 0
    channel = torch.arange(flat.shape[2], device=flat.device)
    found = flat[owners[:, None, None, None], places.clamp(min=0).long(), channel]
    return found.masked_fill(empty, 0.0).permute(0, 3, 1, 2)


def _bins(first: Tensor, last: Tensor, size: int, side: int) -> tuple[Tensor, Tensor]:
    """First pixel and first pixel behind of each region's bins, (K, size) each, inside the map."""
    length = (last - first).clamp(min=1)[:, None]
    steps = torch.arange(size, device=first.device)
    low = first[:, None] + steps * length // size
    high = first[:, None] - (-(steps + 1) * length).div(size, rounding_mode="floor")
    return low.clamp(0, side), high.clamp(0, side)


@torch.no_grad()
def _highest(
    features: Tensor, owners: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor]
) -> Tensor:
    """Where each bin's maximum lies: (K, size, size, C) int32, row * W + column; -1 if empty.

    Channels come last here: what is copied then lies together in memory.
    """
    height, width = features.shape[2:]
    (top, bottom), (left, right) = rows, columns
    tall, wide = _power(bottom - top), _power(right - left)  # (K, size): log2 of the windows' sides
    count, size = tall.shape
    places = torch.full(
        (count, size, size, features.shape[1]), -1, dtype=torch.int32, device=features.device
    )
    value = features.permute(0, 2, 3, 1).contiguous()  # (N, H, W, C)
    seat = torch.arange(height * width, dtype=torch.int32, device=features.device)
    where = seat.view(height, width, 1).expand_as(value)
    for power in range(int(tall.max()) + 1):
        line, line_where = value, where
        for other in range(int(wide.max()) + 1):
            region, row, column = torch.nonzero(
                (tall[:, :, None] == power) & (wide[:, None, :] == other), as_tuple=True
            )
            if len(region):
                ys = top[region, row], bottom[region, row] - 2**power
                xs = left[region, column], right[region, column] - 2**other
                take = partial(_take, line, line_where, owners[region])
                best, place = take(ys[0], xs[0])
                for y, x in ((ys[0], xs[1]), (ys[1], xs[0]), (ys[1], xs[1])):
                    best, place = _larger(best, place, *take(y, x))
                places[region, row, column] = place
            if other < int(wide.max()):
                line, line_where = _doubled(line, line_where, 2**other, 2)
        if power < int(tall.max()):
            value, where = _doubled(value, where, 2**power, 1)
    return places


def _power(length: Tensor) -> Tensor:
    """The largest k with 2^k <= length; -1 for 0 and less. Lengths are below 2^20."""
    bits = torch.arange(20, device=length.device)
    return (length[..., None] >= 2**bits).sum(-1) - 1


def _take(value: Tensor, where: Tensor, owner: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    return value[owner, y, x], where[owner, y, x]


def _larger(one: Tensor, at: Tensor, other: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The larger of two values and where it is; of equal ones the one that comes first."""
    second = (other > one) | ((other == one) & (there < at))
    return torch.where(second, other, one), torch.where(second, there, at)


def _doubled(value: Tensor, where: Tensor, step: int, axis: int) -> tuple[Tensor, Tensor]:
    """Maxima over windows twice as long; windows that reach beyond the map are never asked for."""
    length = value.shape[axis] - step
    if length <= 0:
        return value, where
    new, place = _larger(
        value.narrow(axis, 0, length),
        where.narrow(axis, 0, length),
        value.narrow(axis, step, length),
        where.narrow(axis, step, length),
    )
    pad = (0, 0, 0, step) if axis == 2 else (0, 0, 0, 0, 0, step)
    return F.pad(new, pad, value=float("-inf")), F.pad(place, pad)
