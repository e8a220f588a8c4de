"""The scaling of a picture as a part of a graph: pixels of any size to what the network reads."""

from typing import cast

import torch
from torch import Tensor, nn

from striate.inference.resampling import Axis, scaled
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
        pixels = scaled(image.permute(2, 0, 1), rows, columns, *steps)[None]
        inside = [torch.arange(count) < want for count, want in zip(steps, wanted, strict=True)]
        normal = self.scaling.normalization(pixels)
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
