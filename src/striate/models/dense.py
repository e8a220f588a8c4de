"""What networks share that give a map as large as their picture, whatever its size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def grown(images: Tensor, multiple: int, more: int = 0) -> Tensor:
    """Images with both sides a multiple of a number, plus `more`: their edge goes on to the right
    and below.

    >>> grown(torch.zeros(1, 1, 5, 8), 4).shape, grown(torch.zeros(1, 1, 5, 8), 4, 1).shape
    (torch.Size([1, 1, 8, 8]), torch.Size([1, 1, 5, 9]))
    """
    below, right = (-(side - more) % multiple for side in images.shape[2:])
    if not (below or right):
        return images
    return F.pad(images, (0, right, 0, below), mode="replicate")


def cropped(maps: Tensor, size: tuple[int, int], first: int = 0) -> Tensor:
    """The part of maps of that height and width which begins at `first`, both ways."""
    return maps[:, :, first : first + size[0], first : first + size[1]]


def bilinear_kernel(size: int) -> Tensor:
    """(size, size) weights with which a transposed convolution of stride size / 2 interpolates
    (Long et al. 2015, Section 3.3).

    >>> bilinear_kernel(4)[0]
    tensor([0.0625, 0.1875, 0.1875, 0.0625])
    """
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 else factor - 0.5
    line = 1 - (torch.arange(size) - center).abs() / factor
    return line[:, None] * line


def upsampling(classes: int, factor: int, *, padding: int = 0) -> nn.ConvTranspose2d:
    """A transposed convolution by that factor which begins as bilinear interpolation, each class
    by itself."""
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, factor, padding, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        for number in range(classes):
            layer.weight[number, number] = bilinear_kernel(2 * factor)
    return layer


def he_initialized(model: nn.Module) -> None:
    """Weights of deviation sqrt(2 / inputs) and biases of 0 (He et al. 2015)."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
