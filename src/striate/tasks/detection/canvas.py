"""The scaling of a picture as a part of a graph: pixels of any size to what the network reads."""

from typing import cast

import torch
from torch import Tensor, nn

from striate.inference.viewing import Axis, resampled, weights
from striate.tasks.detection.scaling import STEP, Scaling


class Canvas(nn.Module):
    """A picture (H, W, 3) uint8 as `Scaling` brings it to the network, and its size there.

    Returns:
        (1, 3, height, width) normalized, and (2,) int64: height and width of what is picture.
    """

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.scaling = scaling

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.ones((), dtype=torch.int64)
        sides = [one * side for side in image.shape[:2]]
        wanted = self.wanted(*sides)
        steps = [self.steps(side) for side in wanted]
        zero = torch.zeros((), dtype=torch.int64)
        rows, columns = (
            Axis(length, zero.float(), side.float(), want, zero)
            for length, side, want in zip(image.shape[:2], sides, wanted, strict=True)
        )
        pixels = image.permute(2, 0, 1).float()
        across = banded(pixels, columns, steps[1])
        scaled = banded(across.transpose(1, 2), rows, steps[0]).transpose(1, 2)[None]
        inside = [torch.arange(count) < want for count, want in zip(steps, wanted, strict=True)]
        normal = self.scaling.normalization(scaled)
        canvas = torch.where(inside[0][:, None] & inside[1], normal, 0.0)
        return canvas, torch.stack(wanted)

    def wanted(self, height: Tensor, width: Tensor) -> list[Tensor]:
        """Height and width after scaling: `Scaling.size`."""
        side = self.scaling.side
        if self.scaling.stretched:
            return [torch.full_like(height, side)] * 2
        scale = side / torch.maximum(height, width).double()
        return [torch.round(one.double() * scale).long().clamp(min=1) for one in (height, width)]

    def steps(self, side: Tensor) -> int:
        """The side of the canvas for a picture's, a multiple of STEP."""
        if self.scaling.stretched:
            return -(-self.scaling.side // STEP) * STEP
        count = cast(int, torch.div(side + STEP - 1, STEP, rounding_mode="floor").item())
        torch._check(count >= 1)
        torch._check(count <= -(-self.scaling.side // STEP))
        return count * STEP


def banded(lines: Tensor, axis: Axis, size: int) -> Tensor:
    """`resampled` lines (C, N, length), the whole of each: (C, N, size), size a multiple of STEP.

    STEP neighbors depend on a band of the line, which is the same for all lines: a product with the
    band alone takes a tenth of the time, and gives the same whole numbers.
    """
    stretch = axis.end.double() / axis.wanted
    reach = 2 * stretch.clamp(min=1.0)  # of the bicubic filter to either side
    span = torch.ceil((STEP - 1) * stretch + 2 * reach).long() + 3
    width = cast(int, torch.minimum(span, axis.end.long()).item())
    torch._check(width >= 1)
    torch._check(width <= axis.length)
    first = torch.arange(0, size, STEP)
    begin = torch.floor((first + 0.5) * stretch - reach).long() - 1
    begin = torch.minimum(begin.clamp(min=0), axis.end.long() - width)
    band = begin[:, None] + torch.arange(width)  # (size / STEP, width)
    matrix = weights(axis, size).unflatten(0, (-1, STEP))
    matrix = matrix.gather(2, band[:, None].expand(-1, STEP, -1))
    channels, count, _ = lines.shape
    bands = lines.flatten(0, 1)[:, band].transpose(0, 1)  # (size / STEP, C N, width)
    return resampled(bands, matrix).transpose(0, 1).reshape(channels, count, size)
