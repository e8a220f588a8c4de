"""Networks that find points: a heat map for each (Tompson et al. 2014; Xiao, Wu & Wei 2018,
arXiv:1804.06208), or places straight from features by a linear map.

Every network here has `places(images)`: (N, 3, S, S), normalized, to (N, K, 3): x and y in pixels
from the upper left corner, and a score in [0, 1].
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.handcrafted.hog import BINS, BLOCK, CELL, hog
from striate.models.backbone import Backbone, frozen_stage, stages_of
from striate.models.networks import create
from striate.models.shapes import ShapePrior
from striate.models.stages import Stages
from striate.models.unet import UNet
from striate.ops.peaks import peaks
from striate.ops.windows import cut, windows_about

WIDTH = 256  # channels of each deconvolution (Xiao et al., Section 2)
FINEST = 4  # the stride of the maps


class HeatMaps(nn.Module):
    """Images (N, 3, H, W) to maps of logits (N, K, H / stride, W / stride).

    Args:
        swaps: the part that each is in the mirror; with them, `places` reads the picture and its
            mirror image and takes the mean of both maps (Xiao et al., Section 3).
        twice: whether `places` looks twice, as a cascade does (Toshev & Szegedy 2014, Section 3.2),
            with the same network: at the whole picture, at half its size, and then at the square
            about what it found there, with as many pixels.
    """

    stride: int

    def __init__(self, parts: int, swaps: Sequence[int] | None, *, twice: bool = False):
        super().__init__()
        if swaps is not None and sorted(swaps) != list(range(parts)):
            raise ValueError(f"{list(swaps)} is no exchange of {parts} parts")
        self.swaps = None if swaps is None else list(swaps)
        self.twice = twice
        self.prior = ShapePrior(parts)

    def places(self, images: Tensor) -> Tensor:
        return self.found(images, self.windows(images)) if self.twice else self.found(images)

    def windows(self, images: Tensor) -> Tensor:
        """(N, 3): the squares about what a first look finds, as `ops.windows` has them."""
        first = self.found(F.avg_pool2d(images, 2))
        return windows_about(2 * first[..., :2], images.shape[3])

    def found(self, images: Tensor, windows: Tensor | None = None) -> Tensor:
        """Places (N, K, 3) as one look finds them: at all of the images or at windows of them. The
        last look is corrected by what is known of shapes."""
        found, share = peaks(self.maps(images, windows))
        places = (found + 0.5) * self.stride
        if windows is not None or not self.twice:
            side = images.shape[3] // (1 if windows is None else 2)
            places = self.prior(places / side) * side
        if windows is not None:
            scale = windows[:, 2:] / (images.shape[3] // 2)
            places = places * scale[:, None] + windows[:, None, :2]
        return torch.cat([places, share[..., None]], 2)

    def maps(self, images: Tensor, windows: Tensor | None = None) -> Tensor:
        """What `forward` gives for the images, or for windows (N, 3) of them in half as many pixels
        a side; the mean of both sides where it is known what they are in the mirror."""
        if windows is not None:
            images = cut(images, windows, images.shape[3] // 2)
        maps: Tensor = self(images)
        if self.swaps is not None:
            maps = (maps + self(images.flip(3))[:, self.swaps].flip(3)) / 2
        return maps


class Deconvolved(HeatMaps):
    """The published head on a backbone: from its last map, transposed convolutions of 4 x 4, each
    of which doubles the sides, then one of 1 x 1.

    Args:
        backbone: a network of `striate.models` with stages of the strides between.
        coarsest: the stride of the last map; 32 as published.
        width: channels of each transposed convolution.
        across: whether the backbone's finer maps are added on the way up, each by a 1 x 1
            convolution; not so in the paper.
        frozen: whether the backbone's first two blocks do not learn.
    """

    def __init__(
        self,
        parts: int,
        *,
        backbone: str,
        swaps: Sequence[int] | None = None,
        coarsest: int = 32,
        width: int = WIDTH,
        across: bool = False,
        twice: bool = False,
        frozen: bool = False,
    ):
        super().__init__(parts, swaps, twice=twice)
        strides = [FINEST * 2**k for k in range(4) if FINEST * 2**k <= coarsest]
        levels = stages_of(backbone, strides if across else strides[-1:], pooled=True)
        network = create(backbone, channels=3)
        assert isinstance(network, Stages)
        self.stride, self.coarsest = FINEST, coarsest
        kept = frozen_stage(backbone) if frozen else ""
        self.backbone = Backbone(network, [level.name for level in levels], kept)
        channels = levels[-1].channels
        self.ups = nn.ModuleList()
        for _ in strides[1:]:
            self.ups.append(
                nn.Sequential(
                    nn.ConvTranspose2d(channels, width, 4, 2, 1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                )
            )
            channels = width
        finer = reversed(levels[:-1])
        self.across = nn.ModuleList(nn.Conv2d(level.channels, width, 1) for level in finer)
        self.score = nn.Conv2d(channels, parts, 1)
        nn.init.normal_(self.score.weight, std=0.001)
        nn.init.zeros_(cast(Tensor, self.score.bias))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.backbone(images)
        x = maps.pop()
        for number, up in enumerate(self.ups):
            x = up(x)
            if len(self.across):
                x = x + self.across[number](maps.pop())
        scores: Tensor = self.score(x)
        return scores


class UNetMaps(HeatMaps):
    """A U-Net that begins with random weights; its maps are as large as the picture, or by a power
    of 2 smaller.

    Args:
        stride: of the maps.
    """

    def __init__(
        self, parts: int, *, swaps: Sequence[int] | None = None, width: int = 16, depth: int = 4,
        stride: int = 1, twice: bool = False,
    ):  # fmt: skip
        super().__init__(parts, swaps, twice=twice)
        self.stride = stride
        self.body = UNet(parts, width=width, depth=depth)

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.body(images)
        return F.avg_pool2d(maps, self.stride) if self.stride > 1 else maps


class Ridge(nn.Module, ABC):
    """Places as a linear map of features (N, D), in shares of the picture's side."""

    def __init__(self, parts: int, inputs: int):
        super().__init__()
        self.linear = nn.Linear(inputs, 2 * parts)

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """(N, D) of images (N, 3, S, S), normalized."""

    def places(self, images: Tensor) -> Tensor:
        shares = self.linear(self.features(images)).unflatten(1, (-1, 2))
        return F.pad(shares * images.shape[3], (0, 1), value=1.0)  # it does not tell how sure

    def forward(self, images: Tensor) -> Tensor:
        return self.places(images)


class HOGRidge(Ridge):
    """Of histograms of oriented gradients of the whole picture.

    Args:
        size: the side of the pictures.
    """

    def __init__(self, parts: int, *, size: int):
        blocks = size // CELL - BLOCK + 1
        super().__init__(parts, blocks**2 * BLOCK**2 * BINS)

    def features(self, images: Tensor) -> Tensor:
        return hog(images).flatten(1)


class DeepRidge(Ridge):
    """Of the map of a network's stage, every place of it.

    Args:
        stride: of the stage.
        size: the side of the pictures, a multiple of the stride.
    """

    def __init__(self, parts: int, *, backbone: str, stride: int, size: int):
        (level,) = stages_of(backbone, [stride], pooled=True)
        super().__init__(parts, level.channels * (size // stride) ** 2)
        network = create(backbone, channels=3)
        assert isinstance(network, Stages)
        self.backbone = Backbone(network, [level.name])

    def features(self, images: Tensor) -> Tensor:
        maps: list[Tensor] = self.backbone(images)
        return maps[-1].flatten(1)
