"""Smoothing before a picture is read more coarsely than its pixels lie.

An antialiased resize by s weighs pixels with a triangle of half-width s; its variance is s^2 / 6.
Bilinear reading is the triangle with s = 1. So what is missing is a smoothing of variance
(s^2 - 1) / 6, along x and y each by its own s: the length of that row of the map's matrix, in input
pixels for one output pixel. It is made of means of 2^k pixels, variance (4^k - 1) / 12, and of the
three weights (a, 1 - 2a, a), variance 2a: together they have the variance of the triangle.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

UNSEEN = 1 / 64  # a smoothing (a, 1 - 2a, a) this weak is left out: it shrinks by less than 9 %
LARGEST = 1 / 4  # beyond, the three weights would turn the finest pattern into its negative

Smoothing = tuple[Tensor, tuple[int, int], Tensor | None]


def plan(
    matrices: Tensor, source: tuple[int, ...], size: tuple[int, int], *, active: bool = True
) -> list[Smoothing]:
    """Which images need the same treatment: rows, levels (k of y, k of x), weights (rows, 2) of
    y and x or None.

    Args:
        matrices: (N, 2, 3) as `warp` takes them.
        source, size: height and width of the input and of the output.
    """
    if not active:
        return [(torch.arange(len(matrices)), (0, 0), None)]
    maps = matrices.detach().cpu().double()[:, :, :2]
    height, width = source
    jacobians = maps * torch.tensor([[width], [height]]) / torch.tensor([size[1], size[0]])
    squares = (jacobians**2).sum(2).flip(1)  # (N, 2): of y, of x
    # Means of 2^k pixels while they and the reading together are no wider than the triangle.
    levels = torch.floor(torch.log2((2 * squares + 1) / 3) / 2)
    most = torch.tensor([height, width], dtype=torch.float64).log2().floor()
    levels = torch.minimum(levels.clamp(min=0), most)
    ratio = 4.0**levels
    weights = ((squares / ratio - 1) / 12 - (1 - 1 / ratio) / 24).clamp(min=0)
    seen = weights.amax(1) >= UNSEEN
    keys = torch.cat([levels.long(), seen[:, None].long()], 1)
    kinds, which = torch.unique(keys, dim=0, return_inverse=True)
    result: list[Smoothing] = []
    for number, (down, across, smoothed) in enumerate(kinds.tolist()):
        rows = torch.nonzero(which == number)[:, 0]
        result.append((rows, (down, across), weights[rows] if smoothed else None))
    return result


def shrink(
    images: Tensor, level: tuple[int, int], weights: Tensor | None
) -> tuple[Tensor, tuple[float, float]]:
    """Means of 2^level pixels, smoothed by the three weights.

    Returns:
        The smaller images, and which share of their height and width is the picture (less than 1
        where its sides are no multiples of 2^level: its edge goes on).
    """
    height, width = images.shape[2:]
    down, across = (2**k for k in level)
    if down > 1 or across > 1:
        lower, right = -height % down, -width % across
        if lower or right:
            images = F.pad(images, (0, right, 0, lower), mode="replicate")
        images = F.avg_pool2d(images, (down, across))
    used = (height / (down * images.shape[2]), width / (across * images.shape[3]))
    if weights is not None:
        rounds = 1 if weights.max() <= LARGEST else 2
        for _ in range(rounds):
            images = smoothed(images, weights[:, 1] / rounds, 3)
            images = smoothed(images, weights[:, 0] / rounds, 2)
    return images, used


def smoothed(images: Tensor, weights: Tensor, dim: int) -> Tensor:
    """Each pixel and its two neighbors along `dim`, weighed (a, 1 - 2a, a); the edge goes on."""
    last = images.shape[dim] - 1
    a = weights.to(images)[:, None, None, None]
    result = images * (1 - 2 * a)
    result.narrow(dim, 1, last).addcmul_(images.narrow(dim, 0, last), a)
    result.narrow(dim, 0, last).addcmul_(images.narrow(dim, 1, last), a)
    for edge in (0, last):
        result.narrow(dim, edge, 1).addcmul_(images.narrow(dim, edge, 1), a)
    return result
