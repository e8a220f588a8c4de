"""Pictures as arrays and as tensors, and the sizes that they are painted at."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import UserError
from striate.images import resized

Pixels = NDArray[np.uint8]
SMALLEST = 64  # pixels of a side that coarse pictures keep at least
STROKES = 16  # pixels of a painting's shorter side, below which no style is in it


def check_painting(pixels: Pixels) -> None:
    """Refuses a painting that is too small to have a style.

    Raises:
        UserError: if it is.
    """
    rows, columns = pixels.shape[:2]
    if min(rows, columns) < STROKES:
        raise UserError(
            f"a painting of {columns} x {rows} pixels has no style; give one of at least "
            f"{STROKES} pixels a side"
        )


def scaled_size(pixels: Pixels, longer: int) -> tuple[int, int]:
    """Rows and columns with the longer of both as given."""
    rows, columns = pixels.shape[:2]
    scale = longer / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def coarse_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Halves of a size, and halves of those, down to where too little is left; the size last.

    >>> coarse_sizes((256, 171)), coarse_sizes((100, 80))
    ([(128, 86), (256, 171)], [(100, 80)])
    """
    found = [size]
    while min(size) >= 2 * SMALLEST:
        size = (round(size[0] / 2), round(size[1] / 2))
        found.insert(0, size)
    return found


def at_size(pixels: Pixels, longer: int) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, rows, columns) in [0, 255], the longer side as given, bicubic."""
    return tensor_of(resized(pixels, *scaled_size(pixels, longer)))


def enlarged(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 3, H, W) at that size, bicubic."""
    if picture.shape[2:] == size:
        return picture
    return F.interpolate(picture, size, mode="bicubic", align_corners=False)


def tensor_of(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float32."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].float().contiguous()


def pixels_of(picture: Tensor) -> Pixels:
    """(1, 3, H, W) to (H, W, 3) uint8."""
    found = picture.detach()[0].round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return np.ascontiguousarray(found.cpu().numpy())
