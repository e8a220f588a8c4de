"""Class numbers under the warp that moves their picture: read from the nearest pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.augment.augmentation import Draw
from striate.augment.sampling import sampling_grid


def warped_labels(labels: Tensor, draw: Draw, void: int) -> Tensor:
    """The labels of the views that `draw` makes of their pictures.

    Args:
        labels: (N, H, W) uint8.
        void: what stands where a view shows nothing of the picture.

    Returns:
        (N, height, width) uint8.
    """
    if draw.matrices is None:
        return labels
    grid = sampling_grid(draw.matrices, draw.size, draw.lens, draw.displacement)
    read = F.grid_sample(labels[:, None].float(), grid, mode="nearest", padding_mode="border",
                         align_corners=False)[:, 0]  # fmt: skip
    outside = (grid.abs() > 1).any(3)
    return torch.where(outside, float(void), read).to(torch.uint8)


def windowed(draw: Draw, source: tuple[int, int], size: tuple[int, int], corner: Tensor) -> Draw:
    """The same views, of which a window is shown.

    Args:
        source: height and width of the whole views.
        size: height and width of the window.
        corner: (N, 2) where its upper left corner lies, as shares of the room there is (y, x).
    """
    count = len(corner)
    matrices = torch.eye(2, 3).expand(count, 2, 3) if draw.matrices is None else draw.matrices
    shares = torch.tensor([size[1] / source[1], size[0] / source[0]])  # of x, of y
    centers = (2 * corner.flip(1) - 1) * (1 - shares)  # (N, 2) of the window, in [-1, 1]
    linear = matrices[:, :, :2]
    shift = (linear @ centers[:, :, None])[:, :, 0] + matrices[:, :, 2]
    return Draw(
        size,
        torch.cat([linear * shares, shift[:, :, None]], 2),
        draw.recoloring,
    )
