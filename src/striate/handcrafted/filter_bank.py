"""What people measured around a pixel: color, edges, spots and the structure tensor at several
scales (Leung & Malik 2001; Weickert 1998), as one network without learned weights."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALES = (1.0, 2.0, 4.0, 8.0)  # standard deviations in pixels
PER_SCALE = 7  # three colors, edge, spot, two eigenvalues of the structure tensor
COUNT = 3 + PER_SCALE * len(SCALES)
REACH = 3  # standard deviations at which a Gaussian ends
GRAY = (0.299, 0.587, 0.114)


class FilterBank(nn.Module):
    """Images (N, 3, H, W), normalized, to COUNT numbers a pixel (N, COUNT, H, W).

    Gaussians of large scale are made on pictures that were halved as often as that loses nothing.
    """

    margin = 80
    """Pixels around a place that its numbers depend on: of scale 8 on a map of a quarter, two
    Gaussians of 6 and 9, a difference, and the pixels that are halved and enlarged."""

    def forward(self, images: Tensor) -> Tensor:
        size = (images.shape[2], images.shape[3])
        found = [images]
        for scale in SCALES:
            found += [
                F.interpolate(each, size, mode="bilinear") for each in at_scale(images, scale)
            ]
        return torch.cat(found, 1)


def at_scale(images: Tensor, scale: float) -> list[Tensor]:
    """The numbers of one scale, on a map that may be smaller."""
    factor = min(int(scale / 2), 4) or 1
    if factor > 1:
        factor = min(factor, images.shape[2], images.shape[3])
        images, scale = F.avg_pool2d(images, factor, ceil_mode=True), scale / factor
    gray = (images * torch.tensor(GRAY).to(images)[:, None, None]).sum(1, keepdim=True)
    smooth = blurred(images, scale)
    light = blurred(gray, scale)
    down, right = difference(light, 2), difference(light, 3)
    edge = (down**2 + right**2 + 1e-12).sqrt() * scale
    spot = (difference(down, 2) + difference(right, 3)) * scale**2
    xx, yy, xy = (blurred(p, 1.5 * scale) for p in (right**2, down**2, right * down))
    middle = (xx + yy) / 2
    apart = (((xx - yy) / 2) ** 2 + xy**2 + 1e-12).sqrt()
    tensor = [((middle + sign * apart).clamp(min=0) + 1e-12).sqrt() * scale for sign in (1, -1)]
    return [smooth, edge, spot, *tensor]


def blurred(x: Tensor, scale: float) -> Tensor:
    """A Gaussian over maps; their edge goes on."""
    reach = math.ceil(REACH * scale)
    steps = torch.arange(-reach, reach + 1).to(x)
    line = torch.exp(-((steps / scale) ** 2) / 2)
    line = line / line.sum()
    count = x.shape[1]
    x = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, line.view(1, 1, -1, 1).expand(count, 1, -1, 1), groups=count)
    return F.conv2d(x, line.view(1, 1, 1, -1).expand(count, 1, 1, -1), groups=count)


def difference(x: Tensor, axis: int) -> Tensor:
    """Half the difference of a pixel's neighbors along an axis; the edge goes on."""
    around = (0, 0, 1, 1) if axis == 2 else (1, 1, 0, 0)
    wide = F.pad(x, around, mode="replicate")
    count = x.shape[axis]
    return (wide.narrow(axis, 2, count) - wide.narrow(axis, 0, count)) / 2


class FilterBankSegmenter(nn.Module):
    """The filter bank with a linear machine on random Fourier features (Rahimi & Recht 2007), which
    has nearly the borders of a support vector machine with a Gaussian kernel.

    Images (N, 3, H, W), normalized, to logits (N, classes, H, W).

    Args:
        waves: how many random features.
    """

    margin = FilterBank.margin
    multiple = 8
    mean: Tensor
    deviation: Tensor
    directions: Tensor
    phases: Tensor

    def __init__(self, classes: int, *, waves: int = 256):
        super().__init__()
        self.bank = FilterBank()
        self.register_buffer("mean", torch.zeros(COUNT))
        self.register_buffer("deviation", torch.ones(COUNT))
        self.register_buffer("directions", torch.zeros(waves, COUNT))
        self.register_buffer("phases", torch.zeros(waves))
        self.head = nn.Conv2d(COUNT + waves, classes, 1)

    def features(self, numbers: Tensor) -> Tensor:
        """(N, COUNT + waves, H, W) what the linear machine reads of the bank's numbers."""
        x = (numbers - self.mean[:, None, None]) / self.deviation[:, None, None]
        waves = F.conv2d(x, self.directions[:, :, None, None], self.phases)
        return torch.cat([x, waves.cos()], 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(self.bank(images)))

    @torch.no_grad()
    def fitted(self, features: Tensor, generator: torch.Generator, *, width: float = 6.0) -> None:
        """Takes mean and deviation of features (n, COUNT) of the bank, and draws the waves.

        Args:
            width: of the Gaussian kernel, in deviations.
        """
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp(min=1e-6))
        shape = self.directions.shape
        self.directions.copy_(torch.randn(shape, generator=generator) / width)
        phases = 2 * math.pi * torch.rand(shape[0], generator=generator)
        self.phases.copy_(phases)
