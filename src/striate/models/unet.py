"""U-Net (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597): down, up, and copies across.

Figure 1: twice two 3 x 3 convolutions and a pooling a step down, with twice the channels; a 2 x 2
up-convolution, the map of the same height copied beside it, and two convolutions a step up.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.dense import cropped, grown, he_initialized

WIDTH, DEPTH = 64, 4  # Figure 1
LOST = 92  # pixels that the published form loses to either side: 572 in, 388 out
DROPOUT = 0.5  # at the end of the contracting path (Section 3.1)


class UNet(nn.Module):
    """Images (N, channels, H, W), normalized, to logits (N, classes, H, W), of any size.

    Args:
        width: channels of the first level; each of `depth` levels below has twice as many.
        valid: convolutions without padding, as published: pictures are mirrored at their borders
            (Figure 2), so that the answer has their size. Otherwise zeros are padded, and nothing
            is lost.
        normalized: batch normalization behind every convolution, which is younger than the paper.
    """

    outermost = True  # the layout of channels in which it learns faster

    def __init__(
        self,
        classes: int,
        *,
        channels: int = 3,
        width: int = WIDTH,
        depth: int = DEPTH,
        valid: bool = False,
        normalized: bool = True,
    ):
        super().__init__()
        self.valid, self.depth = valid, depth
        widths = [width * 2**level for level in range(depth + 1)]
        down = list(pairwise([channels, *widths]))
        self.down = nn.ModuleList(twice(*some, valid, normalized) for some in down)
        self.dropout = nn.Dropout(DROPOUT if valid else 0.0)
        levels = list(pairwise(reversed(widths)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in levels)
        self.join = nn.ModuleList(twice(a, b, valid, normalized) for a, b in levels)
        self.score = nn.Conv2d(width, classes, 1)
        he_initialized(self)

    @property
    def margin(self) -> int:
        """Pixels around a place that its answer may depend on."""
        return sum(4 * 2**level for level in range(self.depth)) * 2 + 2**self.depth * 4

    @property
    def multiple(self) -> int:
        """What a tile may be moved by, so that poolings meet the same pixels."""
        return 2**self.depth

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        if not self.valid:
            return cropped(self.answer(grown(images, 2**self.depth)), size)
        return cropped(self.answer(mirrored(images, self.depth)), size)

    def answer(self, images: Tensor) -> Tensor:
        """The network alone: for images whose sides all poolings divide. The published form gives
        a smaller map: 572 x 572 in, 388 x 388 out."""
        x, across = images, []
        for number, level in enumerate(self.down):
            x = level(x if not number else F.max_pool2d(x, 2))
            if number >= self.depth - 1:
                x = self.dropout(x)
            across.append(x)
        for up, join, left in zip(self.up, self.join, reversed(across[:-1]), strict=True):
            x = up(x)
            first = (left.shape[2] - x.shape[2]) // 2
            x = join(torch.cat([cropped(left, (x.shape[2], x.shape[3]), first), x], 1))
        return self.score(x)


def twice(channels: int, width: int, valid: bool, normalized: bool) -> nn.Sequential:
    """Two 3 x 3 convolutions, each rectified."""
    layers: list[nn.Module] = []
    for inner in (channels, width):
        layers.append(nn.Conv2d(inner, width, 3, padding=0 if valid else 1, bias=not normalized))
        if normalized:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def mirrored(images: Tensor, depth: int) -> Tensor:
    """Images with what the published form loses around them, and as much more to the right and
    below as its poolings need."""
    lost = 2 * (2**depth - 1) + 2 ** (depth + 1) + 2 * (2**depth - 1)  # 92 for depth 4
    step = 2**depth
    needed = 4 * (step - 1)  # 572 = 16 * 32 + 60
    sides = [side + 2 * lost for side in images.shape[2:]]
    wanted = [-(-(side - needed) // step) * step + needed for side in sides]
    x = images
    for axis, (side, want) in enumerate(zip(images.shape[2:], wanted, strict=True), 2):
        place = torch.arange(want, device=images.device) - lost
        x = x.index_select(axis, reflected(place, side))
    return x


def reflected(places: Tensor, side: int) -> Tensor:
    """Places beyond the ends of a side mirrored back into it, as often as that takes.

    >>> reflected(torch.arange(-3, 6), 3).tolist()
    [1, 2, 1, 0, 1, 2, 1, 0, 1]
    """
    if side == 1:
        return torch.zeros_like(places)
    period = 2 * (side - 1)
    places = places % period
    return torch.where(places < side, places, period - places)
