"""The small ConvNet of the CIFAR-10 speed records (Jordan 2024, arXiv:2404.00498, Section 3.1;
after Page 2019 and Balsam 2023): three blocks that pool before they think.

Left out: the first layer's filters are learned like all others, where the paper sets them to
whitened patches of the training images and freezes them.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from striate.models.stages import Stages

STEM = 24
WIDTHS = (64, 256, 256)
MOMENTUM = 0.4  # of batch statistics; torch counts the share of the new, the paper that of the old
SCALE = 1 / 9  # of the logits


class Scaled(nn.Linear):
    """Logits, scaled down so that they start small."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * SCALE


def airbench(*, classes: int = 10, channels: int = 3, widths: Sequence[int] = WIDTHS) -> Stages:
    """Images (N, channels, S, S), S from 24 to some 64 pixels; `widths` are those of the blocks."""
    layers: dict[str, nn.Module] = {
        "stem": nn.Sequential(nn.Conv2d(channels, STEM, 2), nn.GELU()),
    }
    sizes = itertools.pairwise((STEM, *widths))
    layers |= {f"block{number}": block(*pair) for number, pair in enumerate(sizes, 1)}
    layers["pooled"] = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten())
    layers["fc"] = Scaled(widths[-1], classes, bias=False)
    return Stages(layers, channels=channels)


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Convolve, halve the side, normalize, rectify; convolve, normalize, rectify."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(outputs, momentum=MOMENTUM),
        nn.GELU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs, momentum=MOMENTUM),
        nn.GELU(),
    )
