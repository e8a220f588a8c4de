"""Fully convolutional networks (Long, Shelhamer & Darrell 2015, arXiv:1411.4038).

A classifier's full connections become convolutions, its coarse scores are enlarged by transposed
convolutions that begin as bilinear interpolation, and scores of finer layers are added on the way:
FCN-32s, 16s and 8s (Figure 3).
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from striate.models.backbone import Backbone, Stage, stages_of
from striate.models.dense import cropped, grown, upsampling
from striate.models.networks import create
from striate.models.stages import Stages

STRIDES = (8, 16, 32)
HIDDEN, KERNEL = 4096, 7  # fc6 and fc7 of VGG-16, as convolutions
PAD = 100  # pixels of zeros around the picture, in the authors' program
# There, each map is cut to the one it meets: at these places, counted from its corner.
CROPS = {32: (19,), 16: (5, 27), 8: (5, 9, 31)}

Finest = Literal[8, 16, 32]


class FCN(nn.Module):
    """Images (N, 3, H, W), normalized, to logits (N, classes, H, W), of any size.

    Args:
        network: with stages of strides 8, 16 and 32.
        levels: those stages.
        finest: the stride of the finest scores: 32, 16 or 8.
        hidden: channels of the two layers that full connections became; 0 leaves them out, for
            networks that have none.
        kernel: of the first of them.
        published: to the letter of the authors' program: zeros around the picture and no padding
            in fc6. Costs twice the time and more.
    """

    multiple = 32
    margin = 224  # pixels around a place beyond which its answer hardly depends on anything

    def __init__(
        self,
        network: Stages,
        levels: Sequence[Stage],
        classes: int,
        *,
        finest: Finest = 8,
        hidden: int = HIDDEN,
        kernel: int = KERNEL,
        published: bool = False,
    ):
        super().__init__()
        self.finest, self.published = finest, published
        self.backbone = Backbone(network, [level.name for level in levels])
        if published:
            widen(self.backbone)
        width = levels[-1].channels
        layers: list[nn.Module] = []
        if hidden:
            padding = 0 if published else kernel // 2
            for channels, size, around in ((width, kernel, padding), (hidden, 1, 0)):
                layers += [nn.Conv2d(channels, hidden, size, padding=around), nn.ReLU(inplace=True)]
                layers.append(nn.Dropout(0.5))
            width = hidden
        self.head = nn.Sequential(*layers, nn.Conv2d(width, classes, 1))
        finer = [level for level in reversed(levels[:-1]) if level.stride >= finest]
        self.skips = nn.ModuleList(nn.Conv2d(level.channels, classes, 1) for level in finer)
        factors = [2] * len(finer) + [finest]
        self.ups = nn.ModuleList(
            upsampling(classes, factor, padding=0 if published else factor // 2)
            for factor in factors
        )
        self.ups[-1].requires_grad_(False)  # Section 4.3: the last is fixed
        for score in (self.head[-1], *self.skips):  # Section 4.2: scores begin at zero
            for parameter in score.parameters():
                nn.init.zeros_(parameter)

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        maps = self.backbone(images if self.published else grown(images, 32))
        x = self.head(maps[-1])
        crops = CROPS[self.finest] if self.published else (0,) * len(self.ups)
        ups = list(self.ups)
        for up, skip, left, first in zip(ups, self.skips, reversed(maps[:-1]), crops, strict=False):
            x = up(x)
            x = x + cropped(skip(left), (x.shape[2], x.shape[3]), first)
        return cropped(ups[-1](x), size, crops[-1])


def widen(backbone: Backbone) -> None:
    """PAD zeros around the picture, and poolings that keep a last half window, as in Caffe."""
    layers = list(backbone.modules())
    first = next(layer for layer in layers if isinstance(layer, nn.Conv2d))
    first.padding = (PAD, PAD)
    for layer in layers:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True


def fcn(
    classes: int,
    *,
    backbone: str = "vgg16",
    finest: Finest = 8,
    hidden: int | None = None,
    published: bool = False,
) -> FCN:
    """An FCN on a network of `striate.models` with stages of strides 8, 16 and 32.

    Args:
        hidden: None: 4096 for a VGG, as published, none for a network without full connections.

    Raises:
        UnknownName: if there is no such network, or it has no such stages.
    """
    levels = stages_of(backbone, STRIDES, pooled=True)
    network = create(backbone, channels=3)
    assert isinstance(network, Stages)
    if hidden is None:
        hidden = HIDDEN if "fc6" in network.stage_names else 0
    return FCN(network, levels, classes, finest=finest, hidden=hidden, published=published)
