"""Mirror, zoom, stretch, rotation, shear and shift as ONE affine map per image, and one warp.

Frame: output pixel centers in [-1, 1] x [-1, 1], x to the right and y down. A matrix says where in
the input each output position is read from, so maps compose right to left and the cost of the warp
does not grow with the number of maps.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


@dataclass(frozen=True)
class Spread:
    """How far views may lie from the picture: every value is the half-width of a uniform draw."""

    mirror: float = 0.0  # probability of left-right exchange
    rotation: float = 0.0  # degrees
    zoom: float = 0.0  # log of the scale: 0.2 draws from exp(-0.2) .. exp(0.2)
    stretch: float = 0.0  # log of width over height
    shear: float = 0.0  # degrees
    shift: float = 0.0  # share of the side


def affine_matrices(spread: Spread, count: int, generator: Generator | None = None) -> Tensor:
    """One random map for each of `count` images.

    Returns:
        (count, 2, 3) float32: output position (x, y, 1) to input position, both in [-1, 1].
    """
    draw = torch.rand(count, 7, generator=generator)
    angle, zoom, stretch, shear, right, down = (2 * draw[:, 1:] - 1).unbind(1)
    angle = angle * math.radians(spread.rotation)
    tangent = torch.tan(shear * math.radians(spread.shear))
    flip = torch.where(draw[:, 0] < spread.mirror, -1.0, 1.0)
    wide = torch.exp(-zoom * spread.zoom - stretch * spread.stretch / 2)
    high = torch.exp(-zoom * spread.zoom + stretch * spread.stretch / 2)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # rotation x shear x diag(flip * wide, high)
    matrices = torch.empty(count, 2, 3)
    matrices[:, 0, 0] = cosine * flip * wide
    matrices[:, 0, 1] = (cosine * tangent - sine) * high
    matrices[:, 1, 0] = sine * flip * wide
    matrices[:, 1, 1] = (sine * tangent + cosine) * high
    matrices[:, 0, 2] = 2 * right * spread.shift
    matrices[:, 1, 2] = 2 * down * spread.shift
    return matrices


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Reads each image through its map, bilinearly; outside the picture its edge goes on.

    Args:
        images: (N, C, H, W) float.
        matrices: (N, 2, 3) from `affine_matrices`.
    """
    grid = F.affine_grid(matrices.to(images), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)
