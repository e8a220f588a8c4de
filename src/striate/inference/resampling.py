"""One axis of pictures brought to another number of pixels, as products with weights.

The weights depend on the size of the picture and are computed inside the graph. The numbers are
Pillow's: its bicubic filter (Keys 1981, Eq. 4 with a = -1/2), stretched where it shrinks, its
weights rounded to 22 bits.

For a runtime that computes in single precision whatever the graph says, `limbs` has the weights.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor

from striate.inference.limbs import fine_weights

PRECISION = 2.0**22  # of Pillow's weights
HALF = 2.0**11  # products with half of the bits are whole numbers that single precision holds
STEP = 16  # neighbors that `banded` computes together


class Axis(NamedTuple):
    """One side of a resampling, in numbers of the graph: tensors without dimensions.

    Attributes:
        length: pixels there are.
        start, end: of the part that is seen, in pixels from the picture's edge.
        wanted: pixels that it becomes.
        corner: where they begin in the result.
    """

    length: int
    start: Tensor
    end: Tensor
    wanted: Tensor
    corner: Tensor


def places(axis: Axis, size: int) -> Tensor:
    """Which pixel of the result each of `size` places shows; beyond its ends, the last one."""
    number = torch.arange(size, device=axis.start.device) - axis.corner
    return torch.minimum(number.clamp(min=0), axis.wanted - 1)


def weights(axis: Axis, size: int, *, single: bool = False) -> Tensor:
    """The matrix (size, length) by which an axis is resampled, times PRECISION: whole numbers."""
    pixel = torch.arange(axis.length, device=axis.start.device)
    return weights_of(axis, places(axis, size), pixel, single=single)


def weights_of(axis: Axis, number: Tensor, pixel: Tensor, *, single: bool = False) -> Tensor:
    """The weights (..., S, W) of pixels in the result, times PRECISION.

    Args:
        number: (..., S) of the pixels in the result.
        pixel: (..., W) of the pixels there are, of which those outside the picture weigh nothing:
            all that the filter reaches.
    """
    if single:
        return fine_weights(axis.start, axis.end, axis.wanted, number, pixel, axis.length)
    odd, twice = 2 * number + 1, 2 * axis.wanted
    span = axis.end - axis.start
    whole, rest = parted(span)
    begin, behind = parted(axis.start)
    steps = odd * whole
    turns = torch.div(steps, twice, rounding_mode="floor")
    place = begin + turns  # of the filter's center: whole pixels, and the rest
    beyond = (
        behind
        + (steps - turns * twice).double() / twice.double()
        + odd.double() / twice.double() * rest
    )
    stretch = (span.double() / axis.wanted.double()).clamp(min=1.0)
    pixel = pixel[..., None, :]
    offset = (pixel - place[..., None]).double() + (0.5 - beyond)[..., None]
    inside = (pixel >= 0) & (pixel < axis.length)
    filtered = cubic((offset / stretch).abs()) * inside
    filtered = filtered / filtered.sum(-1, keepdim=True)
    scaled = filtered * PRECISION
    return torch.sign(scaled) * torch.floor(scaled.abs() + 0.5)


def parted(number: Tensor) -> tuple[Tensor, Tensor]:
    """The whole number below, and the rest."""
    below = torch.floor(number)
    return below.long(), (number - below).double()


def cubic(x: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2 at distances x >= 0, as Pillow evaluates it."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def covered(axis: Axis, size: int) -> Tensor:
    """Which of `size` places (size,) an axis fills."""
    number = torch.arange(size, device=axis.corner.device) - axis.corner
    return (number >= 0) & (number < axis.wanted)


def resampled(lines: Tensor, matrix: Tensor) -> Tensor:
    """Lines (..., length) of whole numbers by a matrix of `weights`: (..., size), rounded, in
    [0, 255]."""
    return product(matrix, lines.mT).mT


def scaled(
    pictures: Tensor, rows: Axis, columns: Axis, height: int, width: int, *, single: bool = False
) -> Tensor:
    """Pictures (K, H, W) of whole numbers in [0, 255] to (K, height, width) float32, rounded to
    whole numbers after the columns and after the rows: as `resampled` by `weights`."""
    lines = pictures.flatten(0, 1).mT[None]  # (1, W, K H)
    across = banded(lines, columns, width, single=single)[0].mT.unflatten(0, pictures.shape[:2])
    return banded(across, rows, height, single=single)


def banded(lines: Tensor, axis: Axis, size: int, *, single: bool = False) -> Tensor:
    """Resamples the middle of (K, length, N): (K, size, N).

    STEP neighbors depend on a band of the line: products with the bands alone take a tenth of the
    time. Bands lie in the middle because they are copied and multiplied row by row.
    """
    stretch = (axis.end - axis.start).double() / axis.wanted
    reach = 2 * stretch.clamp(min=1.0)  # of the bicubic filter to either side
    width = cast(int, (torch.ceil((STEP - 1) * stretch + 2 * reach).long() + 3).item())
    torch._check(width >= 1)
    count = -(-size // STEP)
    number = places(axis, count * STEP).unflatten(0, (count, STEP))
    center = axis.start.double() + (number[:, 0] + 0.5) * stretch
    begin = torch.floor(center - reach).long() - 1
    pixel = begin[:, None] + torch.arange(width, device=begin.device)  # (count, width)
    matrix = weights_of(axis, number, pixel, single=single)
    there = pixel.clamp(0, axis.length - 1).flatten()
    bands = lines.index_select(1, there).unflatten(1, (count, width))
    return product(matrix, bands.float()).flatten(1, 2)[:, :size]


def product(matrix: Tensor, lines: Tensor) -> Tensor:
    """(..., S, W) of `weights` by (..., W, N) whole numbers in [0, 255], rounded to such.

    Upper and lower bits of the weights are multiplied apart, so that nothing is lost: a pixel of
    another value in one of a thousand pictures would be seen in the answer of a small network.
    """
    high = torch.floor(matrix / HALF)
    low = matrix - high * HALF
    coarse = (high / HALF).float() @ lines
    whole = torch.floor(coarse)
    fine = (low / PRECISION).float() @ lines
    return (whole + torch.floor(coarse - whole + fine + 0.5)).clamp(0, 255)
