"""`images.View` as arithmetic on tensors: pixels of any size in, the network's pixels out.

The numbers are those of `images.apply`: columns first, by `resampling`; rounded to whole pixel
values in between.
"""

import torch
from torch import Tensor, nn

from striate.images import View
from striate.images.views import GRAY
from striate.inference.resampling import Axis, covered, scaled

UNITS = 8  # of a box, in a pixel: JPEGs are decoded at halves, quarters or eighths of their size
LUMINANCE = (19595, 38470, 7471)  # ITU-R 601, of 65,536, as Pillow rounds it


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
        flat = scaled(pixels.flatten(0, 1), rows, columns, size, size, single=self.single)
        seen = flat.unflatten(0, pixels.shape[:2])
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
