"""RoI align (He et al. 2017, arXiv:1703.06870, Section 3): a region of a map at its own resolution,
read between the pixels, without rounding.

A bin is a weighted sum of pixels, `samples` readings of four each, so all bins of all regions are
one sum over bags of pixels, every pixel a row of channels that lie together.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def roi_align(
    features: Tensor,
    boxes: list[Tensor],
    *,
    size: int = 7,
    scale: float = 1.0,
    samples: int = 2,
) -> Tensor:
    """Each region's `size` x `size` bins, every bin the mean of `samples` x `samples` readings.

    A reading interpolates between the four pixel centers around it; pixel i covers [i, i + 1).
    Beyond the outermost centers the border goes on; more than half a pixel outside the map is 0.

    Args:
        features: (N, C, H, W).
        boxes: for each image (K, 4), x0 y0 x1 y1 in units that `scale` brings to map pixels.
        scale: map pixels per unit: 1/16 for boxes in image pixels on a map of stride 16.

    Returns:
        (sum of K, C, size, size), the regions in order. Differentiable in `features`.
    """
    if len(boxes) != len(features):
        raise ValueError(f"{len(features)} maps and the boxes of {len(boxes)} should be as many")
    number, channels, height, width = features.shape
    regions = torch.cat(boxes).to(features.device)
    count = len(regions)
    if not count:
        return features.new_zeros(0, channels, size, size)
    owners = torch.repeat_interleave(
        torch.arange(number, device=features.device),
        torch.tensor([len(some) for some in boxes], device=features.device),
    )
    (columns, across), (rows, down) = (
        _readings(regions[:, first], regions[:, first + 2], scale, length, size, samples)
        for first, length in ((0, width), (1, height))
    )
    pixels = (owners[:, None, None] * height + rows)[:, :, None, :, None] * width
    pixels = pixels + columns[:, None, :, None, :]  # (K, size, size, 2 samples, 2 samples)
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    bag = (2 * samples) ** 2
    found = F.embedding_bag(
        pixels.reshape(-1, bag),
        features.permute(0, 2, 3, 1).reshape(-1, channels),
        per_sample_weights=weights.reshape(-1, bag).to(features),
        mode="sum",
    )
    return found.view(count, size, size, channels).permute(0, 3, 1, 2)


def _readings(
    low: Tensor, high: Tensor, scale: float, length: int, size: int, samples: int
) -> tuple[Tensor, Tensor]:
    """Along one axis: the pixels that each bin reads, and how much of each, (K, size, 2 samples)
    both."""
    exact = torch.promote_types(low.dtype, torch.float32)
    low, high = (edge.to(exact)[:, None] * scale for edge in (low, high))
    steps = (torch.arange(size * samples, device=low.device) + 0.5) / (size * samples)
    places = low + steps.to(exact) * (high - low)
    inside = (places >= -0.5) & (places <= length + 0.5)
    between = (places - 0.5).clamp(0, length - 1)  # in pixel centers
    first = between.floor().clamp(max=max(length - 2, 0))
    part = between - first
    weights = torch.stack([1 - part, part], -1) * inside[..., None] / samples
    pixels = torch.stack([first, (first + 1).clamp(max=length - 1)], -1).long()
    shape = (len(low), size, 2 * samples)
    return pixels.reshape(shape), weights.reshape(shape)
