"""The features of part-based models: 31 numbers a cell (Felzenszwalb et al. 2010, PAMI 32(9),
"Object detection with discriminatively trained part-based models", Section 6).

18 orientations that tell dark-to-bright from bright-to-dark, the 9 that do not, and 4 of texture:
the strength of the four normalizations. That is the plane in which nearly all of HOG's variance
lies, found by the paper's principal components and written out as plain sums (Section 6.2).
"""

from math import pi

import torch
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError
from striate.handcrafted.hog import steepest

CELL = 8  # pixels (k, Section 6.1.2)
SIGNED, UNSIGNED, TEXTURE = 18, 9, 4
CHANNELS = SIGNED + UNSIGNED + TEXTURE
LARGEST = 0.2  # a normalized entry is cut off here (alpha, Section 6.1.3)
NOTHING = 1e-4  # added to a squared length, of images in [0, 1]: flat cells stay near zero
MIRRORED = (  # the channel that each becomes when left and right are exchanged
    *((SIGNED // 2 - number) % SIGNED for number in range(SIGNED)),
    *(SIGNED + (UNSIGNED - number) % UNSIGNED for number in range(UNSIGNED)),
    *(SIGNED + UNSIGNED + number for number in (1, 0, 3, 2)),
)


def part_features(images: Tensor) -> Tensor:
    """The features of images (N, C, H, W) in [0, 1]: (N, 31, H / 8, W / 8), sides rounded.

    Orientation b of the first 18 is centered at b · 20°, of the next 9 at b · 20° modulo half a
    turn, measured from +x to +y (down). The last four are the strengths of the blocks that a cell
    makes with its neighbors up left, up right, down left, down right.

    Raises:
        ModelError: if there is no whole cell in them.
    """
    if images.ndim != 4 or min(images.shape[-2:]) < CELL // 2:
        raise ModelError(
            f"part features are of images (N, C, H, W), 4 pixels a side or more, not "
            f"{tuple(images.shape)}"
        )
    return normalized(histograms(*steepest(images)))


def histograms(x: Tensor, y: Tensor) -> Tensor:
    """Gradients (N, H, W) as the strength of 18 orientations in each cell (N, 18, h, w).

    Every pixel gives its length to the nearest orientation, and shares it by distance among the
    four cells around it (Section 6.1.2).
    """
    count, height, width = x.shape
    down, across = ((side + CELL // 2) // CELL for side in (height, width))
    length = torch.hypot(x, y)
    orientation = torch.atan2(y, x).mul_(SIGNED / (2 * pi)).round_().long().remainder_(SIGNED)
    rows, row_shares = shares(height, x)
    columns, column_shares = shares(width, x)
    # One margin of cells around, for the shares that fall beyond the picture.
    bins = x.new_zeros(count * (down + 2) * (across + 2) * SIGNED)
    pictures = torch.arange(count, device=x.device)[:, None, None]
    for row, row_share in zip(rows, row_shares, strict=True):
        for column, column_share in zip(columns, column_shares, strict=True):
            cells = (pictures * (down + 2) + row.clamp(max=down + 1)[:, None]) * (across + 2)
            place = (cells + column.clamp(max=across + 1)) * SIGNED + orientation
            share = length * row_share[:, None] * column_share
            bins.index_add_(0, place.flatten(), share.flatten())
    table = bins.reshape(count, down + 2, across + 2, SIGNED)[:, 1:-1, 1:-1]
    return table.permute(0, 3, 1, 2)


def shares(side: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """For each pixel of a line: the two cells around it, from 1, and what each is given
    (2, side)."""
    middle = (torch.arange(side, device=like.device) + 0.5) / CELL + 0.5
    lower = middle.floor()
    part = (middle - lower).to(like)
    return torch.stack([lower, lower + 1]).long(), torch.stack([1 - part, part])


def normalized(signed: Tensor) -> Tensor:
    """The 31 features (N, 31, h, w) of histograms (N, 18, h, w) (Section 6.1.3 and 6.2).

    A sum over n orthogonal directions is divided by √n, so that it is a projection.
    """
    unsigned = signed[:, :UNSIGNED] + signed[:, UNSIGNED:]
    both = torch.cat([signed, unsigned], 1)
    energy = unsigned.square().sum(1, keepdim=True)
    # The energy of every block of 2 x 2 cells, those over the border included: (N, 1, h + 1, w + 1)
    blocks = F.avg_pool2d(F.pad(energy, (1, 1, 1, 1), mode="replicate"), 2, 1).mul_(4)
    factors = (blocks + NOTHING).rsqrt_()
    height, width = energy.shape[-2:]
    total = torch.zeros_like(both)
    texture = []
    for top in (0, 1):
        for left in (0, 1):
            factor = factors[:, :, top : top + height, left : left + width]
            cut = (both * factor).clamp_(max=LARGEST)
            total += cut
            texture.append(cut[:, SIGNED:].sum(1, keepdim=True).div_(UNSIGNED**0.5))
    return torch.cat([total.div_(TEXTURE**0.5), *texture], 1)
