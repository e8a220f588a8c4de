"""The one warp: where every output position is read, and the reading.

On a CPU, `F.affine_grid` costs as much as the reading itself: a matrix product with two columns.
An affine map is a column's position plus a row's, and with x + iy as one complex number that is one
addition, in the layout that the reading wants.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.augment.shrinking import plan, shrink


def warp(
    images: Tensor,
    matrices: Tensor,
    *,
    size: tuple[int, int] | None = None,
    lens: Tensor | None = None,
    displacement: Tensor | None = None,
    antialias: bool = True,
) -> Tensor:
    """Reads each image through its map, bilinearly; outside the picture its edge goes on.

    Position p of the output, both coordinates in [-1, 1], reads the input at
    A (1 + k |p|^2) p + t + d(p). Differentiable in `images` where they are floats, and in what
    moves them, save for how strongly a shrunk picture is smoothed.

    Args:
        images: (N, C, H, W) uint8 or float; fastest where they lie as (N, H, W, C) in memory.
        matrices: (N, 2, 3), A beside t, from `affine_matrices`.
        size: (height, width) of the output; None: as the input.
        lens: (N,) radial distortion k.
        displacement: (N, height, width, 2), d, x before y.
        antialias: whether a picture is smoothed as much as it shrinks (see `shrinking`).

    Returns:
        (N, C, height, width) float32, float64 if the images are.
    """
    source = (images.shape[2], images.shape[3])
    size = size or source
    grids = sampling_grid(matrices.to(images.device), size, lens, displacement)
    parts = plan(matrices, source, size, active=antialias)
    if len(parts) == 1:  # all alike: nothing has to be sorted
        _, level, weights = parts[0]
        return read(images, grids, level, weights)
    views = None
    for rows, level, weights in parts:
        rows = rows.to(images.device)
        some = read(picked(images, rows), grids.index_select(0, rows), level, weights)
        if views is None:
            views = some.new_empty(len(images), *some.shape[1:])
        views = views.index_copy_(0, rows, some)
    assert views is not None
    return views


def picked(images: Tensor, rows: Tensor) -> Tensor:
    """Some of the images, as they lie in memory: torch would put channels first, slowly."""
    if images.is_contiguous(memory_format=torch.channels_last):
        return images.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return images.index_select(0, rows)


def sampling_grid(
    matrices: Tensor,
    size: tuple[int, int],
    lens: Tensor | None = None,
    displacement: Tensor | None = None,
) -> Tensor:
    """Where every output position is read: (N, height, width, 2), x before y, in [-1, 1]."""
    y, x = (centers(side, matrices) for side in size)
    columns = torch.view_as_complex((matrices[:, None, :, 0] * x[:, None]).contiguous())
    rows = torch.view_as_complex((matrices[:, None, :, 1] * y[:, None]).contiguous())
    shift = torch.view_as_complex(matrices[:, :, 2].contiguous())[:, None]
    if lens is None:
        grid = columns[:, None, :] + (rows + shift)[:, :, None]
    else:
        squares = x**2 + y[:, None] ** 2
        factors = 1 + lens.to(matrices)[:, None, None] * squares
        grid = (columns[:, None, :] + rows[:, :, None]) * factors + shift[:, None]
    positions = torch.view_as_real(grid)
    return positions if displacement is None else positions + displacement.to(positions)


def centers(side: int, like: Tensor) -> Tensor:
    """The pixel centers of a side in [-1, 1]."""
    steps = torch.arange(side, dtype=torch.float64)
    return ((2 * steps + 1) / side - 1).to(like)


def read(images: Tensor, grid: Tensor, level: tuple[int, int], weights: Tensor | None) -> Tensor:
    """Bilinear reading of the images, shrunk by 2^level and smoothed (see `shrinking`)."""
    pixels = images if images.is_floating_point() else images.float()
    if any(level) or weights is not None:
        pixels, used = shrink(pixels.clone() if pixels is images else pixels, level, weights)
        if used != (1.0, 1.0):  # the shrunk picture reaches beyond the right or lower edge
            grid = (grid + 1) * grid.new_tensor(used[::-1]) - 1
    return F.grid_sample(pixels, grid.to(pixels), padding_mode="border", align_corners=False)
