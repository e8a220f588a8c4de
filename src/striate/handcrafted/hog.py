"""Histograms of oriented gradients (Dalal & Triggs 2005, "HOG for human detection").

The paper's choices are the defaults: 8 x 8 pixel cells, 9 unsigned orientations, overlapping blocks
of 2 x 2 cells under a Gaussian window, L2-Hys; the 64 x 128 window then has 3,780 numbers.
"""

from functools import lru_cache
from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError

CELL, BINS, BLOCK = 8, 9, 2  # pixels, orientations in half a turn, cells (Section 6)
WINDOW = 0.5  # sigma of the window over a block, in blocks (Section 6.4)
LARGEST = 0.2  # of L2-Hys: clip the unit vector here, then make it unit again (Section 6.4)
NOTHING = 1e-5  # added to lengths, against flat blocks


def hog(images: Tensor, *, soft: bool = True) -> Tensor:
    """HOG of images (N, C, H, W), any range: (N, blocks down, blocks across, 2, 2, 9).

    The last four are row and column of a block's cell and its orientations; flattened, a 64 x 128
    image has 7 · 15 · 36 = 3,780 numbers.

    Args:
        images: of several channels, each pixel's steepest counts; rows and columns beyond the last
            whole cell are left out.
        soft: share each vote between neighboring cells and orientations, under the window, as the
            paper does; otherwise it all goes to the nearest, as scikit-image does.
    """
    height, width = (side // CELL * CELL for side in images.shape[-2:])
    if images.ndim != 4 or min(height, width) < BLOCK * CELL:
        raise ModelError(
            f"HOG reads images (N, C, H, W) of 16 pixels a side or more, not {tuple(images.shape)}"
        )
    votes = oriented(*steepest(images), soft=soft)[..., :height, :width]  # (N, 9, H, W)
    rows, columns = (cells(side, soft).to(images) for side in (height, width))
    pooled = rows @ votes @ columns.T
    shape = (len(images), BINS, len(rows) // BLOCK, BLOCK, len(columns) // BLOCK, BLOCK)
    blocks = pooled.reshape(shape).permute(0, 2, 4, 3, 5, 1)
    return l2_hys(blocks.flatten(3)).reshape(blocks.shape)


def steepest(images: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences in x and y (N, H, W) of the channel where they are largest.

    The image is mirrored at its border, so that the difference there is zero.
    """
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    x = padded[:, 0, 1:-1, 2:] - padded[:, 0, 1:-1, :-2]
    y = padded[:, 0, 2:, 1:-1] - padded[:, 0, :-2, 1:-1]
    most = x**2 + y**2
    for channel in padded.unbind(1)[1:]:
        across = channel[:, 1:-1, 2:] - channel[:, 1:-1, :-2]
        down = channel[:, 2:, 1:-1] - channel[:, :-2, 1:-1]
        steepness = across**2 + down**2
        steeper = steepness > most
        x, y = torch.where(steeper, across, x), torch.where(steeper, down, y)
        most = torch.maximum(steepness, most)
    return x, y


def oriented(x: Tensor, y: Tensor, *, soft: bool) -> Tensor:
    """Votes (N, 9, H, W): each gradient's length, given to its orientation of half a turn.

    Orientation i is centered at (i + ½) · 20°.
    """
    turn = torch.atan2(y, x).div(pi).remainder(1).mul(BINS).unsqueeze(1)  # in [0, 9]
    numbers = torch.arange(BINS, device=x.device).reshape(-1, 1, 1)
    if soft:
        apart = (turn - (numbers + 0.5)).abs()
        share = (1 - torch.minimum(apart, BINS - apart)).clamp(min=0)
    else:
        share = (turn.long() % BINS == numbers).to(x)
    return share * torch.hypot(x, y).unsqueeze(1)


@lru_cache(maxsize=32)
def cells(side: int, soft: bool) -> Tensor:
    """(blocks · 2, side): what each pixel of a line gives to each cell of each block."""
    starts = torch.arange(side // CELL - BLOCK + 1)[:, None, None] * CELL
    pixels = torch.arange(side) + 0.5 - starts  # from the block's edge: (blocks, 1, side)
    middles = (torch.arange(BLOCK)[:, None] + 0.5) * CELL
    apart = (pixels - middles).abs() / CELL  # (blocks, 2, side)
    if soft:
        size = BLOCK * CELL
        window = torch.exp(-0.5 * ((pixels - size / 2) / (WINDOW * size)) ** 2)
        inside = (pixels > 0) & (pixels < size)
        return ((1 - apart).clamp(min=0) * window * inside).flatten(0, 1)
    return (apart < 0.5).float().flatten(0, 1) / CELL


def l2_hys(vectors: Tensor) -> Tensor:
    """Unit length along the last dimension, nothing above 0.2, unit length again."""
    for largest in (LARGEST, None):
        vectors = vectors / (vectors.square().sum(-1, keepdim=True) + NOTHING**2).sqrt()
        if largest is not None:
            vectors = vectors.clamp(max=largest)
    return vectors
