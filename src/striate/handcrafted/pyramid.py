"""A picture's features at many scales (Felzenszwalb et al. 2010, Section 3 and Figure 4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.handcrafted.part_features import CELL, CHANNELS, part_features

OCTAVE = 10  # levels from one scale to half of it, in use (lambda, Section 3) ...
LEARNED = 2  # ... and while learning only each second: 5 an octave
LARGEST = 2.0  # scale of level 0: parts, at twice the resolution of roots, see twice the picture
DEPTH = CHANNELS + 1  # the last says "beyond the picture"
MOST = 40_000_000  # pixels of a level; a larger one is left out


def scale_of(level: int) -> float:
    """How large the picture is at a level; an octave further down it is half of that."""
    return LARGEST * 2.0 ** (-level / OCTAVE)


def cell_of(level: int) -> float:
    """Pixels of the picture that a cell of a level covers."""
    return CELL / scale_of(level)


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Features of one picture.

    Attributes:
        levels: by number, each (31, h, w) float16; absent where the picture has no whole cell.
        size: height and width of the picture.
        every: which of the levels are meant: all, or those that it divides.
    """

    levels: Mapping[int, Tensor]
    size: tuple[int, int]
    every: int = 1

    def padded(self, level: int, margin: int, inner: tuple[int, int] | None = None) -> Tensor:
        """A level (32, h + 2 margin, w + 2 margin) float32 with cells beyond the picture all
        around: zeros, and 1 in the last channel, which is 0 inside.

        Args:
            inner: h and w that are meant, where rounding made the level a cell larger or smaller;
                `margin` is 1 or more then.
        """
        features = self.levels[level]
        height, width = features.shape[1:]
        meant = inner or (height, width)
        wide = torch.zeros(DEPTH, meant[0] + 2 * margin, meant[1] + 2 * margin)
        wide[-1] = 1
        inside = wide[:, margin : margin + height, margin : margin + width]
        inside[:-1] = features[:, : inside.shape[1], : inside.shape[2]]
        inside[-1] = 0
        return wide


def pyramid(pixels: NDArray[np.uint8], levels: Iterable[int], *, every: int = 1) -> Pyramid:
    """The levels asked for of a picture (H, W, 3) uint8; `every` as `Pyramid` has it."""
    from PIL import Image

    height, width = pixels.shape[:2]
    image, made = Image.fromarray(pixels), {}
    for level in sorted(set(levels)):
        scale = scale_of(level)
        size = round(width * scale), round(height * scale)
        if min(size) < CELL or size[0] * size[1] > MOST:
            continue
        seen = image if size == (width, height) else image.resize(size, Image.Resampling.BILINEAR)
        colors = torch.from_numpy(np.asarray(seen, np.float32) / 255)
        planes = colors.permute(2, 0, 1).contiguous()[None]
        made[level] = part_features(planes)[0].half()
    return Pyramid(made, (height, width), every)
