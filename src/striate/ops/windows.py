"""Square windows of square images: where they lie about points, and what is seen in them.

A window is left edge, top edge and side, in pixels from the upper left corner of its image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 1.4  # sides of a window, by the longer side of the box around its points
LEAST = 1 / 6  # of the image's side: the smallest window


def windows_about(places: Tensor, side: int) -> Tensor:
    """(N, 3): the window about the points of each image, all of it inside.

    Args:
        places: (N, K, 2), x before y, in pixels, finite.
        side: of the images.

    >>> windows_about(torch.tensor([[[40.0, 50], [90, 60]]]), 100)
    tensor([[30.0000, 20.0000, 70.0000]])
    """
    shares = places / side
    low, high = shares.amin(1), shares.amax(1)
    sides = (MARGIN * (high - low).amax(1, keepdim=True)).clamp(LEAST, 1.0)
    corners = torch.minimum(((low + high - sides) / 2).clamp(min=0), 1 - sides)
    return torch.cat([corners, sides], 1) * side


def matrices_of(windows: Tensor, side: int) -> Tensor:
    """(N, 2, 3): from places in a window to places in the image, both in [-1, 1], as a warp takes
    them."""
    half = windows[:, 2] / side
    middle = (2 * windows[:, :2] + windows[:, 2:]) / side - 1
    zero = torch.zeros_like(half)
    across = torch.stack([half, zero, middle[:, 0]], 1)
    down = torch.stack([zero, half, middle[:, 1]], 1)
    return torch.stack([across, down], 1)


def cut(images: Tensor, windows: Tensor, side: int) -> Tensor:
    """(N, C, side, side): windows of images (N, C, S, S), read bilinearly."""
    steps = (torch.arange(side, device=images.device) + 0.5) * 2 / side - 1
    matrices = matrices_of(windows, images.shape[3])
    x = matrices[:, 0, :1] * steps + matrices[:, 0, 2:]  # (N, side)
    y = matrices[:, 1, 1:2] * steps + matrices[:, 1, 2:]
    grids = torch.stack([x[:, None].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], 3)
    return F.grid_sample(images, grids, padding_mode="border", align_corners=False)
