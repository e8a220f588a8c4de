"""SegNet (Badrinarayanan, Kendall & Cipolla 2017, arXiv:1511.00561): unpooling by the switches.

The thirteen convolutions of VGG-16 with batch normalization; each pooling remembers where its
maximum was, and the decoder puts values back there and makes them dense by convolutions of its own.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.dense import he_initialized
from striate.models.vgg import CONFIGURATIONS

STAGES = tuple(tuple(int(width) for width in stage) for stage in CONFIGURATIONS["D"])
SMALLEST = 2 ** len(STAGES)  # pixels of a side that five poolings need


class SegNet(nn.Module):
    """Images (N, channels, H, W), normalized, to logits (N, classes, H, W), of any size.

    Args:
        stages: channels of the convolutions of each stage, from the picture down.
    """

    margin = 244  # pixels around a place that its answer may depend on
    multiple = SMALLEST

    def __init__(
        self, classes: int, *, channels: int = 3, stages: tuple[tuple[int, ...], ...] = STAGES
    ):
        super().__init__()
        self.encoder = nn.ModuleList()
        width = channels
        for planned in stages:
            self.encoder.append(convolutions(width, planned))
            width = planned[-1]
        self.decoder = nn.ModuleList()
        for number in reversed(range(len(stages))):
            planned = tuple(reversed(stages[number]))
            last = stages[number - 1][-1] if number else planned[-1]
            self.decoder.append(convolutions(width, (*planned[:-1], last), bare=not number))
            width = last
        # The decoder's last convolution gives the classes, in place of a map of 64 channels.
        head = self.decoder[-1]
        assert isinstance(head, nn.Sequential)
        head.append(nn.Conv2d(planned[-1], classes, 3, padding=1))
        he_initialized(self)

    def forward(self, images: Tensor) -> Tensor:
        x, switches = images, []
        for stage in self.encoder:
            x = stage(x)
            size = (x.shape[2], x.shape[3])
            x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            switches.append((where, size))
        for stage, (where, size) in zip(self.decoder, reversed(switches), strict=True):
            x = stage(F.max_unpool2d(x, where, [2, 2], output_size=size))
        return x


def convolutions(channels: int, widths: tuple[int, ...], *, bare: bool = False) -> nn.Sequential:
    """3 x 3 convolutions with batch normalization, rectified.

    Args:
        bare: without the last of them, for a classifier takes its place.
    """
    layers: list[nn.Module] = []
    for width in widths[: len(widths) - bare]:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        ]  # fmt: skip
        channels = width
    return nn.Sequential(*layers)
