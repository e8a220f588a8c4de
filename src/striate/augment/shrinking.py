"""Smoothing before a picture is read more coarsely than its pixels lie.

An antialiased resize by s weighs pixels with a triangle of half-width s; its variance is s^2 / 6.
Bilinear reading is the triangle with s = 1. So what is missing is a smoothing of variance
(s^2 - 1) / 6, along x and y each by its own s: the length of that row of the map's matrix, in input
pixels for one output pixel. It is made of means of 2^k pixels, variance (4^k - 1) / 12, and of the
three weights (a, 1 - 2a, a), variance 2a: together they have the variance of the triangle.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

UNSEEN = 1 / 64  # a smoothing (a, 1 - 2a, a) this weak is left out: it shrinks by less than 9 %
LARGEST = 1 / 4  # beyond, the three weights would turn the finest pattern into its negative

Part = tuple[list[int], tuple[int, int], Tensor | None]
Steps = list[tuple[int, float]]  # along which dimension an image is smoothed, and its w


def plan(
    matrices: Tensor, source: tuple[int, int], size: tuple[int, int], *, active: bool = True
) -> list[Part]:
    """How each image is shrunk: rows of one level, that level (k of y, k of x), and their weights
    a (rows, 2) of y and x, None where all are zero.

    Args:
        matrices: (N, 2, 3) as `warp` takes them.
        source, size: height and width of the input and of the output.
    """
    if not active:
        return [(list(range(len(matrices))), (0, 0), None)]
    maps = matrices.detach().cpu().double().numpy()[:, :, :2]
    height, width = source
    jacobians = maps * np.array([[width], [height]]) / np.array([size[1], size[0]])
    squares = (jacobians**2).sum(2)[:, ::-1]  # (N, 2): s^2 of y, of x
    # Means of 2^k pixels while they and the reading together are no wider than the triangle.
    levels = np.floor(np.log2((2 * squares + 1) / 3) / 2)
    levels = levels.clip(0, np.floor(np.log2([height, width])))
    ratio = 4**levels
    weights = ((squares / ratio - 1) / 12 - (1 - 1 / ratio) / 24).clip(0, 2 * LARGEST)
    weights[weights < UNSEEN] = 0
    if not levels.any():
        every = list(range(len(maps)))
        return [(every, (0, 0), torch.from_numpy(weights) if weights.any() else None)]
    kinds, which = np.unique(levels.astype(int), axis=0, return_inverse=True)
    parts: list[Part] = []
    for number, (down, across) in enumerate(kinds.tolist()):
        (rows,) = np.nonzero(which.reshape(-1) == number)  # numpy 2.0 gave it a second axis
        some = torch.from_numpy(weights[rows]) if weights[rows].any() else None
        parts.append((rows.tolist(), (down, across), some))
    return parts


def shrink(
    images: Tensor, level: tuple[int, int], smoothing: Tensor | list[Steps] | None
) -> tuple[Tensor, tuple[float, float]]:
    """Means of 2^level pixels, smoothed by the three weights; writes into `images`.

    Args:
        smoothing: the weights, or what `steps_of` makes of them.

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
    if isinstance(smoothing, Tensor):
        smooth_(images, smoothing)
    elif smoothing is not None:
        follow_(images, smoothing)
    return images, used


def smooth_(images: Tensor, weights: Tensor) -> None:
    """Weighs each pixel and its neighbors (a, 1 - 2a, a) along y and x, in place; the edge goes on.

    Twice over with half the weights where one of them is larger than LARGEST. The three weights are
    made by (1 - w, w) to one side and then to the other, where w (1 - w) = a.
    """
    if images.device.type == "cpu":
        follow_(images, steps_of(weights))
        return
    rounds = 2 if (weights > LARGEST).any() else 1  # there, it is what is started that costs
    shares = lean(weights / rounds)[:, :, None, None, None].to(images)
    for dim in (2, 3) * rounds:
        lean_(images, dim, shares[:, dim - 2])


def steps_of(weights: Tensor) -> list[Steps]:
    """What `smooth_` does with each image."""
    twice = (weights > LARGEST).any(1)
    shares = lean(torch.where(twice[:, None], weights / 2, weights)).tolist()
    return [
        [(dim, share) for dim, share in ((2, down), (3, across)) * rounds if share]
        for rounds, (down, across) in zip((1 + twice.int()).tolist(), shares, strict=True)
    ]


def follow_(images: Tensor, steps: list[Steps]) -> None:
    """Takes the steps of each image, in place."""
    for row, some in enumerate(steps):
        for dim, share in some:
            lean_(images[row : row + 1], dim, share)


def lean(weights: Tensor) -> Tensor:
    """The w of (1 - w, w) that makes a = w (1 - w)."""
    return (1 - torch.sqrt(1 - 4 * weights)) / 2


def lean_(images: Tensor, dim: int, share: float | Tensor) -> None:
    """Means with the next pixel along `dim` by (1 - w, w), then with the one before, in place."""
    last = images.shape[dim] - 1
    if not last:
        return
    between = torch.lerp(images.narrow(dim, 0, last), images.narrow(dim, 1, last), share)
    first, end = images.narrow(dim, 0, 1), images.narrow(dim, last, 1)
    first.copy_(torch.lerp(between.narrow(dim, 0, 1), first, share))
    end.copy_(torch.lerp(end, between.narrow(dim, last - 1, 1), share))
    inside = images.narrow(dim, 1, last - 1)
    left, right = between.narrow(dim, 0, last - 1), between.narrow(dim, 1, last - 1)
    if images.requires_grad:
        inside.copy_(torch.lerp(right, left, share))
    else:
        torch.lerp(right, left, share, out=inside)
