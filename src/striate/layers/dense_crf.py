"""The fully connected conditional random field (Kraehenbuehl & Koltun 2011, arXiv:1210.5644).

Every pixel is joined to every other by two Gaussian kernels: of place alone, which takes small
islands away, and of place and color, which brings borders to where the picture has them. Mean field
inference is a few rounds of Gaussian filtering (Algorithm 1), here with the Potts model.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.ops.permutohedral import Lattice

REACH = 4.5  # standard deviations at which the kernel of places ends: 4e-5 of its middle
BLOCK = 16  # places along a side that are summed in one product
EXACT = 2048  # pixels up to which each is compared with each


@dataclass(frozen=True)
class CRFSettings:
    """Weights and widths of the kernels (Equation 3), and how many rounds.

    Attributes:
        smooth_weight, smooth_place: of the kernel of place; its width in pixels.
        weight, place, color: of the kernel of place and color; its widths in pixels, and in values
            of a channel from 0 to 255.
    """

    smooth_weight: float = 3.0
    smooth_place: float = 3.0
    weight: float = 4.0
    place: float = 60.0
    color: float = 10.0
    rounds: int = 10


USUAL = CRFSettings()


def marginals(
    probabilities: Tensor, pixels: NDArray[np.uint8], settings: CRFSettings = USUAL
) -> Tensor:
    """Marginals of the field, (C, H, W).

    The kernel of place is summed to 1e-4. That of place and color is summed over all pairs in
    pictures of up to EXACT pixels, and else on the permutohedral lattice, as by the authors'
    program: on photographs marginals are then 1e-3 off in the mean, at single pixels up to 0.2, and
    99 % of the pixels keep their class.

    Args:
        probabilities: (C, H, W) of each class by itself.
        pixels: (H, W, 3) uint8.
    """
    classes, height, width = probabilities.shape
    shape = (height, width, classes)
    unary = probabilities.permute(1, 2, 0).clamp(min=1e-8).log().contiguous()  # (H, W, C)
    place = Smoothing(height, width, settings.smooth_place)
    appearance = appearance_of(pixels, settings) if settings.weight else None
    q = unary.softmax(2)
    energy = torch.empty_like(q)
    for _ in range(settings.rounds):
        torch.add(unary, place(q), alpha=settings.smooth_weight, out=energy)
        if appearance is not None:
            energy.add_(appearance(q.view(-1, classes).float()).view(shape), alpha=settings.weight)
        torch.softmax(energy, 2, out=q)
    return q.permute(2, 0, 1).contiguous()


Appearance = Callable[[Tensor], Tensor]
"""Sums (N, C) over all pixels (N, C), weighed by the kernel of place and color, normalized so that
pixels with many like them do not count for more: D^(-1/2) K D^(-1/2)."""


def appearance_of(pixels: NDArray[np.uint8], settings: CRFSettings) -> Appearance:
    """The exact form for small pictures, the lattice for others."""
    points = places_and_colors(pixels, settings)
    return all_pairs(points) if len(points) <= EXACT else on_lattice(points)


def places_and_colors(pixels: NDArray[np.uint8], settings: CRFSettings) -> NDArray[np.float64]:
    """(N, 5): x, y, and three channels, in standard deviations; in the order of the authors'
    program, on which what the lattice gives depends a little."""
    height, width = pixels.shape[:2]
    points = np.empty((height * width, 5))
    points[:, 0] = np.tile(np.arange(width), height) / settings.place
    points[:, 1] = np.repeat(np.arange(height), width) / settings.place
    points[:, 2:] = pixels.reshape(-1, 3) / settings.color
    return points


def all_pairs(points: NDArray[np.float64]) -> Appearance:
    """By the whole kernel (N, N)."""
    x = torch.from_numpy(points)
    lengths = x.square().sum(1) / 2
    exponents = torch.addmm(-lengths[:, None], x, x.T).sub_(lengths)  # in float64, or they cancel
    kernel = exponents.float().exp_()
    norm = kernel.sum(1, keepdim=True).rsqrt()
    kernel.mul_(norm).mul_(norm.T)
    return lambda q: kernel @ q


def on_lattice(points: NDArray[np.float64]) -> Appearance:
    """In time that grows with the number of points alone."""
    lattice = Lattice(points)
    total = lattice.filtered(torch.ones(len(points), 1))[:, 0]
    return lattice.weighed(total.clamp(min=1e-20).rsqrt()).filtered


class Smoothing:
    """Sums (H, W, C) over all pixels (H, W, C), weighed by a Gaussian of their distance and
    normalized as the other kernel is: products with bands of weights, along one side and then along
    the other.

    A wide Gaussian of deviation s is two steps: exp(-(x - y)^2 / 2 s^2) is, to 3e-5, a constant
    times the sum of exp(-(x - m)^2 / s^2) exp(-(y - m)^2 / s^2) over nodes m that lie two thirds of
    s apart.
    """

    def __init__(self, height: int, width: int, deviation: float):
        rows, columns = (bands(side, deviation) for side in (height, width))
        self.down, self.across = [Banded(each) for each in rows], [Banded(each) for each in columns]

    def __call__(self, x: Tensor) -> Tensor:
        """The sums, in memory that the next call uses again."""
        x = self.down[0].down(x)
        for each in self.across:
            x = each.across(x)
        return x if len(self.down) == 1 else self.down[1].down(x)


def bands(side: int, deviation: float) -> list[Tensor]:
    """The matrices whose product sums along a side, from what is read to what is given."""
    places = torch.arange(side, dtype=torch.float64)
    apart = int(2 * deviation / 3)
    if apart < 2:
        step = gaussian(places, places, deviation)
        norm = step.sum(1).rsqrt()
        return [norm[:, None] * step * norm]
    beyond = int(REACH * deviation)
    nodes = torch.arange(-beyond, side + beyond, apart, dtype=torch.float64)
    step = gaussian(nodes, places, deviation / math.sqrt(2))
    step *= (step.T @ step.sum(1)).rsqrt()
    return [step, step.T]


def gaussian(first: Tensor, second: Tensor, deviation: float) -> Tensor:
    """(len(first), len(second)) weights that end at REACH deviations."""
    apart = (first[:, None] - second) / deviation
    return torch.exp(-apart.square() / 2) * (apart.abs() <= REACH)


class Banded:
    """A matrix that is zero but near its diagonal: products of BLOCK rows with what they meet."""

    def __init__(self, matrix: Tensor):
        self.rows, self.last = len(matrix), torch.empty(0)
        self.blocks: list[tuple[slice, slice, Tensor]] = []
        for first in range(0, len(matrix), BLOCK):
            rows = slice(first, min(len(matrix), first + BLOCK))
            met = (matrix[rows] != 0).any(0).nonzero()
            if len(met):
                columns = slice(int(met[0]), int(met[-1]) + 1)
                self.blocks.append((rows, columns, matrix[rows, columns].contiguous()))

    def down(self, x: Tensor) -> Tensor:
        """Along the first axis of (H, W, C)."""
        flat, y = x.flatten(1), self.result(x, (self.rows, *x.shape[1:]))
        for rows, columns, some in self.blocks:
            torch.mm(some.to(x), flat[columns], out=y[rows].flatten(1))
        return y

    def across(self, x: Tensor) -> Tensor:
        """Along the second."""
        y = self.result(x, (len(x), self.rows, x.shape[2]))
        for rows, columns, some in self.blocks:
            y[:, rows] = some.to(x) @ x[:, columns]
        return y

    def result(self, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Memory for what comes out, that of the call before where it fits: new memory costs as
        much as the sums."""
        if self.last.shape != shape or self.last.dtype != like.dtype:
            self.last = like.new_zeros(shape)
        return self.last
