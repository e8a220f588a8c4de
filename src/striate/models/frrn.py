"""Full-resolution residual networks (Pohlen, Hermans, Mathias & Leibe 2017, arXiv:1611.08323).

Two streams: one pools and recognizes, the other stays at the picture's resolution and is only added
to. A full-resolution residual unit reads both and writes to both (Figure 3).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.dense import cropped, grown, he_initialized

BASE, RESIDUAL = 48, 32  # channels of the residual units, and of the residual stream


class Row(NamedTuple):
    """A row of Table 1: so many units of a width, at 1/scale of the resolution."""

    units: int
    width: int
    scale: int


# Table 1, from the first pooling to the last unpooling.
# fmt: off
TABLE = {
    "A": (Row(3, 96, 2), Row(4, 192, 4), Row(2, 384, 8), Row(2, 384, 16),
          Row(2, 192, 8), Row(2, 192, 4), Row(2, 96, 2)),
    "B": (Row(3, 96, 2), Row(4, 192, 4), Row(2, 384, 8), Row(2, 384, 16), Row(2, 384, 32),
          Row(2, 192, 16), Row(2, 192, 8), Row(2, 192, 4), Row(2, 96, 2)),
}
# fmt: on


class FRRN(nn.Module):
    """Images (N, channels, H, W), normalized, to logits (N, classes, H, W), of any size.

    Args:
        table: "A" or "B", a column of Table 1.
        share: of the published channels, for pictures in minutes rather than days.
    """

    def __init__(self, table: str, classes: int, *, channels: int = 3, share: float = 1.0):
        super().__init__()
        rows = TABLE[table]

        def wide(width: int) -> int:
            return max(1, round(share * width))

        base, residual = wide(BASE), wide(RESIDUAL)
        self.first = nn.Sequential(*block(channels, base, 5))
        self.before = nn.Sequential(*(ResidualUnit(base) for _ in range(3)))
        self.split = nn.Conv2d(base, residual, 1)
        self.stages = nn.ModuleList()
        width = base
        for row in rows:
            units = nn.ModuleList()
            for _ in range(row.units):
                units.append(FullResolutionUnit(width, wide(row.width), residual, row.scale))
                width = wide(row.width)
            self.stages.append(units)
        self.scales = [row.scale for row in rows]
        self.join = nn.Conv2d(width + residual, base, 1)
        self.after = nn.Sequential(*(ResidualUnit(base) for _ in range(3)))
        self.score = nn.Conv2d(base, classes, 1)
        he_initialized(self)

    @property
    def multiple(self) -> int:
        """What a tile may be moved by, so that poolings meet the same pixels."""
        return max(self.scales)

    @property
    def margin(self) -> int:
        """Pixels around a place that its answer may depend on."""
        units = zip(self.stages, self.scales, strict=True)
        inner = sum(len(list(stage.children())) * 2 * scale + scale for stage, scale in units)
        return 2 + 12 + inner

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        y = self.before(self.first(grown(images, max(self.scales))))
        z, before = self.split(y), 1
        for units, scale in zip(self.stages, self.scales, strict=True):
            y = F.max_pool2d(y, 2) if scale > before else F.interpolate(y, scale_factor=2.0)
            before = scale
            for unit in units.children():
                y, z = unit(y, z)
        y = torch.cat([F.interpolate(y, scale_factor=2.0), z], 1)
        return cropped(self.score(self.after(self.join(y))), size)


class ResidualUnit(nn.Module):
    """x + F(x), two 3 x 3 convolutions (Figure 2)."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            *block(width, width, 3),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class FullResolutionUnit(nn.Module):
    """Reads the pooled stream y and the residual stream z at y's resolution; gives new y, and adds
    to z at full resolution (Figure 3, Equations 3 to 5)."""

    def __init__(self, channels: int, width: int, residual: int, scale: int):
        super().__init__()
        self.scale = scale
        self.layers = nn.Sequential(
            *block(channels + residual, width, 3),
            *block(width, width, 3),
        )
        self.back = nn.Conv2d(width, residual, 1)

    def forward(self, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        y = self.layers(torch.cat([y, F.max_pool2d(z, self.scale)], 1))
        return y, z + F.interpolate(self.back(y), scale_factor=float(self.scale))


def block(channels: int, width: int, kernel: int) -> list[nn.Module]:
    """A convolution with batch normalization, rectified."""
    return [
        nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
