"""The one warp: where every output position is read, and the reading.

On a CPU, `F.affine_grid` costs as much as the reading itself: a matrix product with two columns.
An affine map is a column's position plus a row's, and with x + iy as one complex number that is one
addition, in the layout that the reading wants.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.augment.shrinking import Steps, plan, shrink, steps_of


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
    views: Tensor | None = None
    for rows, block in warped(images, matrices, size=size, lens=lens, displacement=displacement,
                              antialias=antialias):  # fmt: skip
        if len(block) == len(images):  # all alike: nothing has to be sorted
            return block
        if views is None:
            views = block.new_empty(len(images), *block.shape[1:])
        views[rows] = block
    assert views is not None
    return views


Rows = slice | Tensor  # some of the images: a slice where they follow each other


def warped(
    images: Tensor,
    matrices: Tensor,
    *,
    size: tuple[int, int] | None = None,
    lens: Tensor | None = None,
    displacement: Tensor | None = None,
    antialias: bool = True,
    together: int | None = None,
) -> Iterator[tuple[Rows, Tensor]]:
    """What `warp` gives, in blocks of at most `together` images that are smoothed alike."""
    source = (images.shape[2], images.shape[3])
    size = size or source
    grids = Grids(matrices.to(images.device), size, lens, displacement)
    for numbers, level, weights in plan(matrices, source, size, active=antialias):
        count = len(numbers)
        step = together or max(1, count)
        smoothing: Tensor | list[Steps] | None = weights
        if weights is not None and images.device.type == "cpu":
            smoothing = steps_of(weights)
        for first in range(0, max(1, count), step):
            last = min(first + step, count)
            rows = followed(numbers[first:last], images.device)
            some = None if smoothing is None else smoothing[first:last]
            if isinstance(some, list) and not any(some):
                some = None
            yield rows, read(picked(images, rows), grids.of(rows), level, some)


def followed(numbers: list[int], device: torch.device) -> Rows:
    """Growing numbers of images, as a slice where none is left out."""
    if not numbers:
        return slice(0, 0)
    first, last = numbers[0], numbers[-1]
    if last - first == len(numbers) - 1:
        return slice(first, last + 1)
    return torch.tensor(numbers, device=device)


def picked(images: Tensor, rows: Rows) -> Tensor:
    """Some of the images, as they lie in memory: torch would put channels first, slowly."""
    if isinstance(rows, slice):
        return images[rows]
    if images.is_contiguous(memory_format=torch.channels_last):
        return images.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return images.index_select(0, rows)


class Grids:
    """Where the output positions of N images are read: all that is small is computed once."""

    def __init__(
        self,
        matrices: Tensor,
        size: tuple[int, int],
        lens: Tensor | None = None,
        displacement: Tensor | None = None,
    ):
        y, x = (centers(side, matrices) for side in size)
        columns = torch.view_as_complex((matrices[:, None, :, 0] * x[:, None]).contiguous())
        rows = torch.view_as_complex((matrices[:, None, :, 1] * y[:, None]).contiguous())
        self.columns, self.rows = columns[:, None, :], rows[:, :, None]  # (N, 1, W), (N, H, 1)
        self.shift = torch.view_as_complex(matrices[:, :, 2].contiguous())[:, None, None]
        self.factors: Tensor | None = None  # (N, H, W)
        self.displacement = displacement
        if lens is not None:
            self.factors = 1 + lens.to(matrices)[:, None, None] * (x**2 + y[:, None] ** 2)
        else:
            self.rows = self.rows + self.shift

    def of(self, rows: Rows) -> Tensor:
        """Of some of the images: (n, H, W, 2), x before y, in [-1, 1]."""
        grid = self.columns[rows] + self.rows[rows]
        if self.factors is not None:
            grid = grid * self.factors[rows] + self.shift[rows]
        positions = torch.view_as_real(grid)
        if self.displacement is None:
            return positions
        return positions + self.displacement[rows].to(positions)


def sampling_grid(
    matrices: Tensor,
    size: tuple[int, int],
    lens: Tensor | None = None,
    displacement: Tensor | None = None,
) -> Tensor:
    """Where every output position is read: (N, height, width, 2), x before y, in [-1, 1]."""
    return Grids(matrices, size, lens, displacement).of(slice(None))


def centers(side: int, like: Tensor) -> Tensor:
    """The pixel centers of a side in [-1, 1]."""
    steps = torch.arange(side, dtype=torch.float64)
    return ((2 * steps + 1) / side - 1).to(like)


def read(
    images: Tensor,
    grid: Tensor,
    level: tuple[int, int],
    smoothing: Tensor | list[Steps] | None,
) -> Tensor:
    """Bilinear reading of the images, shrunk by 2^level and smoothed (see `shrinking`)."""
    pixels = images if images.is_floating_point() else images.float()
    if any(level) or smoothing is not None:
        pixels, used = shrink(pixels.clone() if pixels is images else pixels, level, smoothing)
        if used != (1.0, 1.0):  # the shrunk picture reaches beyond the right or lower edge
            grid = (grid + 1) * grid.new_tensor(used[::-1]) - 1
    return F.grid_sample(pixels, grid.to(pixels), padding_mode="border", align_corners=False)
