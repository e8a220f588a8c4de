"""Edges by small masks: the Sobel operator and Robinson's compass (Robinson 1977).

Directions are those of rising brightness, in the frame of the image: 0 is +x, to the right, and a
quarter turn is +y, down the image.
"""

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError

RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))  # clockwise, 45° each
EAST = (-1, 0, 1, 2, 1, 0, -1, -2)  # Sobel's mask for x, read along the ring; the middle is 0


def compass_masks() -> Tensor:
    """Robinson's masks (8, 3, 3), each the last one turned by 45°: east, south-east, south ...

    >>> compass_masks()[1].int().tolist()
    [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]
    """
    masks = torch.zeros(8, 3, 3)
    for turn, mask in enumerate(masks):
        for place, (row, column) in enumerate(RING):
            mask[row, column] = EAST[(place - turn) % 8]
    return masks


@dataclass(frozen=True)
class Edges:
    """How steep every pixel is, and which way up."""

    magnitude: Tensor  # (N, 1, H, W), 8 times the rise from a pixel to the next
    direction: Tensor  # (N, 1, H, W) radians: Sobel's in [-pi, pi], the compass's 8 in [0, 2 pi)


def sobel(images: Tensor) -> Edges:
    """The Sobel operator on gray images (N, 1, H, W); beyond the border its pixels are repeated."""
    x, y = filtered(images, compass_masks()[[0, 2]]).split(1, dim=1)
    return Edges(torch.hypot(x, y), torch.atan2(y, x))


def robinson(images: Tensor) -> Edges:
    """Robinson's compass on gray images (N, 1, H, W): the strongest of its eight responses."""
    half = filtered(images, compass_masks()[:4])
    responses = torch.cat([half, -half], 1)  # the masks of the other side are the negatives
    magnitude, index = responses.max(1, keepdim=True)
    return Edges(magnitude, index.to(images) * (pi / 4))


def filtered(images: Tensor, masks: Tensor) -> Tensor:
    """The response (N, M, H, W) of gray images (N, 1, H, W) to each of the masks (M, 3, 3)."""
    if images.ndim != 4 or images.shape[1] != 1:
        raise ModelError(f"edges are found in gray images (N, 1, H, W), not {tuple(images.shape)}")
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, masks.to(images).unsqueeze(1))
