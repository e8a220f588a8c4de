"""RoI pooling (Girshick 2015, arXiv:1504.08083, Section 2.1): the maximum of every bin of a region.

Regions and bins are rounded to whole pixels of the map, so bins differ in size. Each bin is a bag
of pixels, every pixel a row of channels, and torch's own maximum over bags takes them all at once.
"""

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
    count, channels, height, width = features.shape
    owners = torch.repeat_interleave(
        torch.arange(count, device=features.device),
        torch.tensor([len(some) for some in boxes], device=features.device),
    )
    if not len(owners):
        return features.new_zeros(0, channels, size, size)
    edges = torch.round(torch.cat(boxes).to(features.device) * scale).long()
    left, right = bin_edges(edges[:, 0], edges[:, 2], size, width)
    top, bottom = bin_edges(edges[:, 1], edges[:, 3], size, height)
    shape = (len(owners), size, size)
    tall = (bottom - top).clamp(min=0)[:, :, None].expand(shape).flatten()
    wide = (right - left).clamp(min=0)[:, None, :].expand(shape).flatten()
    corner = (owners[:, None] * height + top)[:, :, None] * width + left[:, None, :]
    pixels = tall * wide  # in each bin
    first = torch.cumsum(pixels, 0) - pixels
    bins = torch.repeat_interleave(torch.arange(len(pixels), device=pixels.device), pixels)
    place = torch.arange(len(bins), device=bins.device) - first[bins]  # within its bin, row by row
    across = wide[bins]
    rows = corner.flatten()[bins] + place // across * width + place % across
    table = features.permute(0, 2, 3, 1).reshape(-1, channels)
    found = F.embedding_bag(rows, table, first, mode="max")  # an empty bag gives 0
    return found.view(*shape, channels).permute(0, 3, 1, 2)


def bin_edges(first: Tensor, last: Tensor, size: int, side: int) -> tuple[Tensor, Tensor]:
    """First pixel and first pixel behind of each region's bins, (K, size) each, inside the map."""
    length = (last - first).clamp(min=1)[:, None]
    steps = torch.arange(size, device=first.device)
    low = first[:, None] + steps * length // size
    high = first[:, None] - (-(steps + 1) * length).div(size, rounding_mode="floor")
    return low.clamp(0, side), high.clamp(0, side)
