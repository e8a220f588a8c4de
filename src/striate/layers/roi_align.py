"""RoI align (He et al. 2017, arXiv:1703.06870, Section 3): a region of a map at its own resolution,
read between the pixels, without rounding."""

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
    parts = [
        _of_one(picture, some, size, scale, samples)
        for picture, some in zip(features.unsqueeze(1), boxes, strict=True)
    ]
    return torch.cat(parts)


def _of_one(features: Tensor, boxes: Tensor, size: int, scale: float, samples: int) -> Tensor:
    """Regions (K, 4) of one map (1, C, H, W) to (K, C, size, size)."""
    count, channels, fine = len(boxes), features.shape[1], size * samples
    if not count:
        return features.new_zeros(0, channels, size, size)
    sides = features.new_tensor([features.shape[3], features.shape[2]])
    low, high = (boxes.to(features) * scale).split(2, -1)
    steps = (torch.arange(fine, dtype=features.dtype, device=features.device) + 0.5) / fine
    places = low[:, None] + steps[:, None] * (high - low)[:, None]  # (K, fine, 2), x before y
    outside = (places < -0.5) | (places > sides + 0.5)
    unit = 2 * places / sides - 1  # grid_sample's frame: the map is [-1, 1]
    grid = torch.stack(
        [
            unit[:, None, :, 0].expand(count, fine, fine),
            unit[:, :, None, 1].expand(count, fine, fine),
        ],
        -1,
    )
    read = F.grid_sample(
        features, grid.reshape(1, count * fine, fine, 2), padding_mode="border", align_corners=False
    )
    read = read.view(channels, count, fine, fine)
    if outside.any():
        blank = outside[:, :, None, 1] | outside[:, None, :, 0]
        read = read.masked_fill(blank, 0.0)
    return F.avg_pool2d(read.transpose(0, 1), samples)
