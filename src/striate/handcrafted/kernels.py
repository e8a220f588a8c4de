"""Kernels for histograms, and the map that makes one of them linear.

A kernel is a dot product in some other space; with it a support vector machine is linear there and
curved here (the kernel trick). `additive_chi2_map` writes that other space out for chi2 (Vedaldi &
Zisserman 2012, "Efficient additive kernels via explicit feature maps"), so that an ordinary linear
machine does the work.
"""

from collections.abc import Callable
from math import cosh, pi

import torch
from torch import Tensor

from striate.errors import ModelError

INTERVALS = {1: 0.8, 2: 0.5, 3: 0.4}  # sampling step by number of samples that approximates best


def linear(first: Tensor, second: Tensor) -> Tensor:
    """The dot products (N, M) of rows (N, D) and (M, D)."""
    return first @ second.T


def rbf(first: Tensor, second: Tensor, *, gamma: float) -> Tensor:
    """exp(-gamma |x - y|²): (N, M) in (0, 1], 1 where the rows (N, D) and (M, D) are equal."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return torch.exp(-gamma * squares.clamp(min=0))


def chi2(first: Tensor, second: Tensor) -> Tensor:
    """The additive chi2 kernel, the sum of 2xy / (x + y): (N, M) for histograms (N, D) and (M, D).

    1 for a histogram of sum 1 with itself; an entry that both leave empty adds nothing.
    """
    return summed(first, second, lambda x, y: 2 * x * y / (x + y))


def intersection(first: Tensor, second: Tensor) -> Tensor:
    """Histogram intersection, the sum of min(x, y): (N, M) for histograms (N, D) and (M, D)."""
    return summed(first, second, torch.minimum)


def summed(first: Tensor, second: Tensor, pair: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The sums (N, M) of `pair` over the entries of histograms (N, D) and (M, D), for pairs that
    give 0 where one is 0: only the words that a histogram has are looked at."""
    nonnegative(first, second)
    columns = second.T.contiguous()
    sums = first.new_zeros(len(first), len(second))
    for row, place in zip(first, sums, strict=True):
        there = row.nonzero().flatten()
        place.copy_(pair(row[there, None], columns[there]).sum(0))
    return sums


TINY = 1e-30  # against the logarithm of 0; far below any share a histogram may hold


def additive_chi2_map(histograms: Tensor, *, samples: int = 2) -> Tensor:
    """Features whose dot product is nearly `chi2` of the histograms (the paper named above).

    Args:
        histograms: (..., D), nothing negative.
        samples: of the kernel's spectrum; more are nearer: 1 to 3.

    Returns:
        (..., (2 * samples - 1) * D): for each sample all D entries.
    """
    nonnegative(histograms)
    if samples not in INTERVALS:
        raise ModelError(f"samples must be 1, 2 or 3, not {samples}")
    interval = INTERVALS[samples]
    logarithms = histograms.clamp(min=TINY).log()
    parts = [(histograms * interval).sqrt()]
    for number in range(1, samples):
        size = (2 * histograms * interval / cosh(pi * number * interval)).sqrt()
        angles = number * interval * logarithms
        parts += [size * angles.cos(), size * angles.sin()]
    return torch.cat(parts, -1)


def nonnegative(*histograms: Tensor) -> None:
    """Refuses what cannot be a histogram."""
    for entries in histograms:
        if entries.numel() and float(entries.min()) < 0:
            raise ModelError(
                f"a histogram holds nothing negative, but an entry is {float(entries.min()):.3g}"
            )
