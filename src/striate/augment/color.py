"""Brightness, contrast, saturation, hue and PCA color as ONE 3 x 4 matrix per image.

Saturation and hue are linear in YIQ: they scale and turn the plane of I and Q, and gray stays gray.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
YIQ = (LUMINANCE, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))  # NTSC, 1953
MIDDLE = 127.5  # contrast turns about the middle gray


@dataclass(frozen=True)
class PrincipalColors:
    """In which directions the colors of a set of pictures vary, and how much (pixels in [0, 1])."""

    variances: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]  # one row for each variance, of length 1

    def __post_init__(self) -> None:
        rows = [len(row) for row in self.directions]
        if len(self.variances) != 3 or rows != [3, 3, 3]:
            raise ValueError("must be three variances and three directions of three numbers each")

    @classmethod
    def measured(cls, pixels: NDArray, *, most: int = 1_000_000) -> "PrincipalColors":
        """Of these pixels (..., 3) uint8; of evenly spread ones, if they are more than `most`."""
        flat = pixels.reshape(-1, 3)
        some = flat[:: max(1, math.ceil(len(flat) / most))].astype(np.float64) / 255
        variances, columns = np.linalg.eigh(np.cov(some.T))
        rows = [tuple(float(v) for v in column) for column in columns.T[::-1]]
        return cls(tuple(max(0.0, float(v)) for v in variances[::-1]), tuple(rows))

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PrincipalColors":
        """What `dataclasses.asdict` gave, after JSON made lists of its tuples."""
        return cls(tuple(values["variances"]), tuple(tuple(row) for row in values["directions"]))


# ImageNet's training pixels, as the published re-implementations of Krizhevsky, Sutskever and
# Hinton 2012, Section 4.1, have them.
IMAGENET = PrincipalColors(
    (0.2175, 0.0188, 0.0045),
    ((-0.5675, -0.5808, -0.5836), (0.7192, -0.0045, -0.6948), (0.4009, -0.8140, 0.4203)),
)


def color_matrices(
    count: int,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    principal: float = 0.0,
    colors: PrincipalColors = IMAGENET,
    generator: Generator | None = None,
) -> Tensor:
    """Random color maps, in this order: saturation and hue, brightness, contrast, PCA color.

    Args:
        brightness, contrast, saturation: half-width of a uniform draw about 1.
        hue: half-width of a uniform draw about 0, in degrees.
        principal: deviation of the normal draws that multiply the variances of `colors` along their
            directions; AlexNet's is 0.1.

    Returns:
        (count, 3, 4) float32: RGB in [0, 255] and a constant 1, to RGB; on the device of the
        generator.
    """
    device = generator.device if generator is not None else None
    draw = 2 * torch.rand(count, 3, generator=generator, device=device) - 1
    gain = 1 + draw[:, 0] * brightness
    slope = 1 + draw[:, 1] * contrast
    keep = (1 + draw[:, 2] * saturation)[:, None, None]
    gray = torch.tensor(LUMINANCE, device=device).expand(3, 3)
    linear = keep * torch.eye(3, device=device) + (1 - keep) * gray
    if hue:
        turn = (2 * torch.rand(count, generator=generator, device=device) - 1) * math.radians(hue)
        linear = linear @ hue_matrices(turn)
    offset = (MIDDLE * (1 - slope))[:, None]
    if principal:
        normal = torch.randn(count, 3, generator=generator, device=device) * principal
        variances = torch.tensor(colors.variances, device=device)
        offset = offset + 255 * (normal * variances) @ torch.tensor(
            colors.directions, device=device
        )
    return torch.cat(
        [(gain * slope)[:, None, None] * linear, offset.expand(count, 3)[:, :, None]], dim=2
    )


def hue_matrices(angles: Tensor) -> Tensor:
    """RGB to RGB (N, 3, 3) that turns I and Q by these angles (N,) in radians and keeps Y."""
    yiq = torch.tensor(YIQ, dtype=torch.float64)
    yiq[1:] -= yiq[1:].mean(1, keepdim=True)  # published to four digits: gray is I = Q = 0
    inverse = torch.linalg.inv(yiq)
    turns = torch.zeros(len(angles), 3, 3, dtype=torch.float64)
    cosine, sine = angles.cos().double().cpu(), angles.sin().double().cpu()
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = turns[:, 2, 2] = cosine
    turns[:, 1, 2], turns[:, 2, 1] = -sine, sine
    return (inverse @ turns @ yiq).to(angles)


def recolor(
    images: Tensor,
    matrices: Tensor,
    *,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Applies one matrix per image; gray images take its action on gray.

    Args:
        images: (N, C, H, W) float in [0, 255], C 1 or 3.
        matrices: (N, 3, 4) from `color_matrices`.
        mean, std: C numbers each; the clipped pixels become (pixel - mean) / std in the same
            product.
        out: where to write the result, contiguous; not where gradients are wanted.

    Returns:
        (N, C, H, W) clipped to [0, 255], or to what (pixel - mean) / std makes of that.
    """
    recoloring = Recoloring.of(matrices.to(images), images.shape[1], mean=mean, std=std)
    return recoloring(images, out=out)


@dataclass(frozen=True)
class Recoloring:
    """What `recolor` applies to N images, computed for all at once.

    Attributes:
        linear, offset: (N, C, C) and (N, C, 1).
        bounds: least and most that comes out, of all channels or one pair a channel.
    """

    linear: Tensor
    offset: Tensor
    bounds: tuple[tuple[float, float], ...]

    @classmethod
    def of(
        cls,
        matrices: Tensor,
        channels: int,
        *,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> "Recoloring":
        """As `recolor` takes them, the matrices of the images' type and on their device."""
        linear, offset = matrices[:, :, :3], matrices[:, :, 3]
        if channels == 1:
            linear = linear.sum(2).mean(1)[:, None, None]
            offset = offset.mean(1, keepdim=True)
        bounds = [(0.0, 255.0)]
        if mean is not None and std is not None:
            bounds = [(-m / s, (255 - m) / s) for m, s in zip(mean, std, strict=True)]
            scale = linear.new_tensor(std)
            linear, offset = linear / scale[:, None], (offset - linear.new_tensor(mean)) / scale
        return cls(linear, offset[:, :, None], tuple((min(b), max(b)) for b in bounds))

    def rows(self, some: slice | Tensor) -> "Recoloring":
        """Of some of the images."""
        return Recoloring(self.linear[some], self.offset[some], self.bounds)

    def __call__(self, images: Tensor, *, out: Tensor | None = None) -> Tensor:
        target = None if out is None else out.view(len(out), out.shape[1], -1)
        pixels = torch.baddbmm(self.offset, self.linear, images.flatten(2), out=target)
        each = pixels.shape[1] // len(self.bounds)
        for channel, (least, most) in enumerate(self.bounds):
            # Bounds are numbers: with tensors as bounds, clipping takes ten times as long.
            pixels[:, each * channel : each * (channel + 1)].clamp_(least, most)
        return pixels.view_as(images)
