"""Brightness, contrast and saturation as ONE 3 x 4 matrix per image."""

import torch
from torch import Generator, Tensor

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
MIDDLE = 127.5  # contrast turns about the middle gray


def color_matrices(
    count: int,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """Random color maps: each value is the half-width of a uniform draw about 1.

    Returns:
        (count, 3, 4) float32: RGB in [0, 255] and a constant 1, to RGB.
    """
    draw = 2 * torch.rand(count, 3, generator=generator) - 1
    gain = 1 + draw[:, 0] * brightness
    slope = 1 + draw[:, 1] * contrast
    keep = (1 + draw[:, 2] * saturation)[:, None, None]
    gray = torch.tensor(LUMINANCE).expand(3, 3)
    linear = keep * torch.eye(3) + (1 - keep) * gray
    offset = (MIDDLE * (1 - slope))[:, None, None].expand(count, 3, 1)
    return torch.cat([(gain * slope)[:, None, None] * linear, offset], dim=2)


def recolor(images: Tensor, matrices: Tensor) -> Tensor:
    """Applies one matrix per image; gray images take its action on gray.

    Args:
        images: (N, C, H, W) float in [0, 255], C 1 or 3.
        matrices: (N, 3, 4) from `color_matrices`.

    Returns:
        (N, C, H, W) clipped to [0, 255].
    """
    matrices = matrices.to(images)
    linear, offset = matrices[:, :, :3], matrices[:, :, 3]
    if images.shape[1] == 1:
        linear = linear.sum(2).mean(1)[:, None, None]
        offset = offset.mean(1, keepdim=True)
    pixels = torch.baddbmm(offset[:, :, None], linear, images.flatten(2))
    return pixels.clamp_(0, 255).view_as(images)
