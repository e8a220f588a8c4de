"""`images.View` as arithmetic on tensors: pixels of any size in, the network's pixels out.

Resampling along an axis is linear, so it is a product with a matrix of weights, which depend on the
size of the picture and are computed inside the graph. The numbers are those of `images.apply`:
Pillow's bicubic filter (Keys 1981, Eq. 4 with a = -1/2), stretched where it shrinks, its weights
rounded to 22 bits; columns first; rounded to whole pixel values in between.

For a runtime that computes in single precision whatever the graph says, `limbs` has the weights.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from striate.images import View
from striate.images.views import GRAY
from striate.inference.limbs import fine_weights

UNITS = 8  # of a box, in a pixel: JPEGs are decoded at halves, quarters or eighths of their size
PRECISION = 2.0**22  # of Pillow's weights
HALF = 2.0**11  # products with half of the bits are whole numbers that single precision holds
LUMINANCE = (19595, 38470, 7471)  # ITU-R 601, of 65,536, as Pillow rounds it


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


class Viewing(nn.Module):
    """Pictures (N, H, W, 3) uint8, and the box that they show, to (N, C, S, S) whole pixel values.

    The box is left, top, right, bottom in pixels (4,) float32; four zeros mean the whole picture.

    Args:
        single: for a runtime that knows no double precision.
    """

    def __init__(self, view: View, *, single: bool = False):
        super().__init__()
        self.view, self.single = view, single

    def forward(self, pictures: Tensor, box: Tensor) -> Tensor:
        pixels = pictures.permute(0, 3, 1, 2)
        if self.view.channels == 1:
            red, green, blue = (pixels[:, k : k + 1].int() * LUMINANCE[k] for k in range(3))
            pixels = (red + green + blue + 2**15) >> 16
        rows, columns = self.axes(pictures, box)
        size = self.view.size
        across = resampled(pixels.float(), weights(columns, size, single=self.single))
        matrix = weights(rows, size, single=self.single)
        seen = resampled(across.transpose(2, 3), matrix).transpose(2, 3)
        if self.view.fit != "pad":
            return seen
        inside = covered(rows, size)[:, None] & covered(columns, size)
        return torch.where(inside, seen, float(GRAY))

    def axes(self, pictures: Tensor, box: Tensor) -> tuple[Axis, Axis]:
        """Rows and columns: which part of each becomes which part of the view."""
        rows, columns = pictures.shape[1], pictures.shape[2]
        units = torch.round(box * UNITS).long()
        one = torch.ones_like(units[0])
        height, width = one * rows, one * columns
        whole = units[2] == 0
        left, top = units[0], units[1]
        right = torch.where(whole, width * UNITS, units[2])
        bottom = torch.where(whole, height * UNITS, units[3])
        wide, high = right - left, bottom - top
        size, nothing = one * self.view.size, one * 0
        if self.view.fit == "crop":
            # side = shorter * size / outer; start = left + (wide - side) / 2; over one divisor
            outer = round(self.view.size / self.view.fraction)
            shorter = torch.minimum(wide, high) * self.view.size
            divisor = 2 * UNITS * outer
            return tuple(  # type: ignore[return-value]
                Axis(
                    length,
                    quotient(2 * outer * first + outer * span - shorter, divisor),
                    quotient(2 * outer * first + outer * span + shorter, divisor),
                    size,
                    nothing,
                )
                for length, first, span in ((rows, top, high), (columns, left, wide))
            )
        across, down, x, y = size, size, nothing, nothing
        if self.view.fit == "pad":
            scale = self.view.size / (torch.maximum(wide, high).double() / UNITS)
            across, down = (
                torch.round(span.double() / UNITS * scale).long().clamp(min=1)
                for span in (wide, high)
            )
            x, y = (torch.div(size - k, 2, rounding_mode="floor") for k in (across, down))
        return (
            Axis(rows, quotient(top, UNITS), quotient(bottom, UNITS), down, y),
            Axis(columns, quotient(left, UNITS), quotient(right, UNITS), across, x),
        )


def quotient(number: Tensor, divisor: int) -> Tensor:
    """number / divisor in single precision, as Pillow keeps a box."""
    whole = torch.div(number, divisor, rounding_mode="floor")
    rest = (number - whole * divisor).double() / divisor
    return (whole.double() + rest).float()


def weights(axis: Axis, size: int, *, single: bool = False) -> Tensor:
    """The matrix (size, length) by which an axis is resampled, times PRECISION: whole numbers."""
    number = torch.arange(size, device=axis.start.device) - axis.corner
    number = torch.minimum(number.clamp(min=0), axis.wanted - 1)  # outside it does not matter
    pixel = torch.arange(axis.length, device=axis.start.device)
    if single:
        return fine_weights(axis.start, axis.end, axis.wanted, number, pixel)
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
    offset = (pixel - place[:, None]).double() + (0.5 - beyond)[:, None]
    filtered = cubic((offset / stretch).abs())
    filtered = filtered / filtered.sum(1, keepdim=True)
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
    [0, 255]. Several matrices (K, size, length) take as many sets of lines (K, ..., length).

    Upper and lower bits of the weights are multiplied apart, so that nothing is lost: a pixel of
    another value in one of a thousand pictures would be seen in the answer of a small network.
    """
    high = torch.floor(matrix / HALF)
    low = matrix - high * HALF
    sums = lines @ torch.cat([high, low], -2).float().mT
    size = matrix.shape[-2]
    coarse, fine = sums[..., :size] / HALF, sums[..., size:]
    whole = torch.floor(coarse)
    return (whole + torch.floor(coarse - whole + fine / PRECISION + 0.5)).clamp(0, 255)
