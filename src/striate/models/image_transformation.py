"""A network that paints: the image transformation network of Johnson, Alahi & Fei-Fei, "Perceptual
Losses for Real-Time Style Transfer and Super-Resolution" (ECCV 2016, supplementary material,
Table 1): two steps down, five residual blocks, two steps up.

Two forms. As published, a picture is reflected by 40 pixels at each border, residual blocks have no
padding and eat them up, steps up are transposed convolutions, and normalization is that of a batch.
The later one, that of the authors' program with what became usual, is reflected by as much as each
convolution needs, enlarges before it convolves, and has instance normalization (Ulyanov, Vedaldi &
Lempitsky 2016, arXiv:1607.08022) and half as many channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers.upsampled_convolution import UpsampledConvolution

WIDTH, BLOCKS, BORDER = 32, 5, 40  # Table 1
STRIP = 2**13  # places whose squares are summed at a time, in the cache
EPSILON = 1e-5  # torch's, beside a variance
SMALLEST = 8  # pixels of a side, or less than a reflection would be left at a quarter of it
STEP = 4  # pixels that become one: sides grow to a multiple of it, and are cut off again
MIDDLE, REACH = 127.5, 150.0  # of the output: tanh may go beyond black and white, which is cut off


class ImageTransformation(nn.Module):
    """Pictures (N, 3, H, W) in [0, 255], of 8 pixels a side at least, to pictures of the same
    size, about in [0, 255].

    Args:
        width: channels at full size; twice as many at half of it, four times at a quarter.
        published: the form of the supplementary material, with batch normalization.
    """

    def __init__(self, *, width: int = WIDTH, blocks: int = BLOCKS, published: bool = False):
        super().__init__()
        wide, wider = 2 * width, 4 * width
        self.published = published
        self.border = BORDER * blocks // BLOCKS if published else 0
        self.down = nn.Sequential(
            convolved(3, width, 9, 1, published),
            convolved(width, wide, 3, 2, published),
            convolved(wide, wider, 3, 2, published),
        )
        self.blocks = nn.Sequential(*(Residual(wider, published) for _ in range(blocks)))
        self.up = nn.Sequential(enlarged(wider, wide, published), enlarged(wide, width, published))
        self.last = plain(width, 3, 9, 1, published)

    def forward(self, pictures: Tensor) -> Tensor:
        height, width = pictures.shape[2:]
        x = pictures / MIDDLE - 1
        if self.border:
            x = reflected(x, self.border)
        below, right = -height % STEP, -width % STEP
        if below or right:
            x = F.pad(x, (0, right, 0, below), mode="replicate")
        x = self.last(self.up(self.blocks(self.down(x))))
        return MIDDLE + REACH * torch.tanh(x[:, :, :height, :width])


class Residual(nn.Module):
    """Two 3 x 3 convolutions and what they began with, no rectifier behind (Figure 1)."""

    def __init__(self, channels: int, published: bool):
        super().__init__()
        self.cut = 2 if published else 0
        self.first = nn.Sequential(
            inner(channels, published), normalized(channels, published), nn.ReLU(inplace=True)
        )
        self.second = nn.Sequential(inner(channels, published), normalized(channels, published))

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = self.second(self.first(maps))
        cut = self.cut
        kept = maps[:, :, cut : maps.shape[2] - cut, cut : maps.shape[3] - cut] if cut else maps
        return kept + found


class InstanceNorm(nn.Module):
    """Every map of every picture brought to mean 0 and deviation 1, then scaled and shifted as was
    learned: contrast and brightness of the photograph are taken out (Ulyanov et al. 2016)."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            return F.instance_norm(maps, weight=self.weight, bias=self.bias)
        return self.replaced(maps)

    def replaced(self, maps: Tensor) -> Tensor:
        """The same in the memory of the maps, which nobody else reads: where nothing is learned,
        that is faster, and large pictures need two thirds of the memory."""
        places = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (N, H W, C)
        places -= places.mean(1, keepdim=True)
        squares = [some.square().sum(1, keepdim=True) for some in places.split(STRIP, 1)]
        variance = torch.stack(squares).sum(0) / places.shape[1]
        places *= self.weight * torch.rsqrt(variance + EPSILON)
        places += self.bias
        return places.unflatten(1, maps.shape[2:]).permute(0, 3, 1, 2)


def normalized(channels: int, published: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if published else InstanceNorm(channels)


def plain(inputs: int, outputs: int, kernel: int, stride: int, published: bool) -> nn.Conv2d:
    """A convolution that keeps the size but for its stride."""
    return nn.Conv2d(
        inputs, outputs, kernel, stride, kernel // 2,
        padding_mode="zeros" if published else "reflect",
    )  # fmt: skip


def convolved(
    inputs: int, outputs: int, kernel: int, stride: int, published: bool
) -> nn.Sequential:
    """The same, normalized and rectified."""
    layer = plain(inputs, outputs, kernel, stride, published)
    return nn.Sequential(layer, normalized(outputs, published), nn.ReLU(inplace=True))


def inner(channels: int, published: bool) -> nn.Conv2d:
    """The convolution of a residual block: as published, without padding."""
    return nn.Conv2d(channels, channels, 3) if published else plain(channels, channels, 3, 1, False)


def enlarged(inputs: int, outputs: int, published: bool) -> nn.Sequential:
    """To twice the sides."""
    layer = (
        nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
        if published
        else UpsampledConvolution(inputs, outputs)
    )
    return nn.Sequential(layer, normalized(outputs, published), nn.ReLU(inplace=True))


def reflected(pictures: Tensor, border: int) -> Tensor:
    """Mirrored at all borders, several times where a picture is smaller than that."""
    for axis in (2, 3):
        last = pictures.shape[axis] - 1
        place = torch.arange(-border, last + border + 1, device=pictures.device)
        pictures = pictures.index_select(axis, last - (last - place % (2 * last)).abs())
    return pictures
