"""How good samples are: as a distribution, one by one, and whether they are copies.

All features are (N, D), real and made ones by the same network; D is small beside N.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Features = NDArray[np.floating]
NEIGHBORS = 3  # of Kynkäänniemi et al. 2019, Section 3
COPY = 1 / 3  # of the distance to the second nearest training picture
TINY = 1e-10  # of the largest eigenvalue: what is below counts as no variance
TOGETHER = 2**24  # distances in memory at a time


class Moments(NamedTuple):
    """Mean (D,) and covariance (D, D) of features, float64."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def moments(features: Features) -> Moments:
    """Of at least one row; of a single one the covariance is 0."""
    rows = np.asarray(features, np.float64)
    mean = rows.mean(0)
    centered = rows - mean
    return Moments(mean, centered.T @ centered / max(1, len(rows) - 1))


def frechet(first: Moments, second: Moments) -> float:
    """The Fréchet distance of two Gaussians, squared (Dowson & Landau 1982; Heusel et al. 2017):
    |m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½).

    The root's trace is that of (C1^½ C2 C1^½)^½, which is symmetric: eigenvalues and no general
    matrix root.

    >>> one = Moments(np.zeros(1), np.array([[1.0]]))
    >>> frechet(one, Moments(np.array([3.0]), np.array([[4.0]])))  # 3² + (1 - 2)²
    10.0
    """
    apart = first.mean - second.mean
    root = _power(first.covariance, 0.5)
    values = np.linalg.eigvalsh(root @ second.covariance @ root)
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    between = traces - 2 * np.sqrt(values.clip(0)).sum()
    return float(apart @ apart + max(0.0, between))


def frechet_influence(features: Features, mine: Moments, other: Moments) -> NDArray[np.float64]:
    """(N,) how the distance of `mine` from `other` changes with the weight of each row: the
    derivative of the distance of N rows to the weight that a row has among them.

    So the distance of other draws of the same rows is, to first order, the distance itself and the
    mean of these numbers over the rows drawn (the infinitesimal jackknife, Jaeckel 1972): N D²
    operations once instead of as many and D³ more at every draw. The derivative to a covariance is
    I - T, where T = C1^-½ (C1^½ C2 C1^½)^½ C1^-½ is the optimal transport's matrix.
    """
    rows = np.asarray(features, np.float64) - mine.mean
    root, inverse = _power(mine.covariance, 0.5), _power(mine.covariance, -0.5)
    transport = inverse @ _power(root @ other.covariance @ root, 0.5) @ inverse
    slope = np.eye(len(root)) - transport
    squares = np.einsum("nd,de,ne->n", rows, slope, rows, optimize=True)
    found: NDArray[np.float64] = 2 * rows @ (mine.mean - other.mean) + squares
    return found - found.mean()


def _power(matrix: NDArray[np.float64], power: float) -> NDArray[np.float64]:
    """Of a covariance, on the directions in which anything varies."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > TINY * max(values[-1], TINY)
    raised = np.zeros_like(values)
    raised[kept] = values[kept] ** power
    found: NDArray[np.float64] = (vectors * raised) @ vectors.T
    return found


def precision_recall(real: Features, made: Features, k: int = NEIGHBORS) -> tuple[float, float]:
    """Shares of samples among the real, and of the real among the samples (Kynkäänniemi et al.
    2019, arXiv:1904.06991, Eq. 1 and 2): within the distance of some other row to its own k-th
    neighbor; nan where a side has no more than k rows."""
    if min(len(real), len(made)) <= k:
        return float("nan"), float("nan")
    return _within(made, real, k), _within(real, made, k)


def _within(points: Features, others: Features, k: int) -> float:
    radii = np.concatenate(
        [np.partition(part, k, 1)[:, k] for part in squared_distances(others, others)]
    )
    inside = [(part <= radii).any(1) for part in squared_distances(points, others)]
    return float(np.concatenate(inside).mean())


def squared_distances(points: Features, others: Features) -> Iterator[NDArray[np.float32]]:
    """(n, M) squared Euclidean distances of some points to all others, part by part in order."""
    other = np.ascontiguousarray(others, np.float32)
    center = other.mean(0)
    other = other - center  # what is far from 0 loses digits below
    norms = np.einsum("md,md->m", other, other)
    size = max(1, TOGETHER // len(other))
    for first in range(0, len(points), size):
        some = np.asarray(points[first : first + size], np.float32) - center
        found = some @ other.T
        found *= -2
        found += norms
        found += np.einsum("nd,nd->n", some, some)[:, None]
        yield np.maximum(found, 0, out=found)


class Nearest(NamedTuple):
    """The nearest of others: rows (N,), the distance (N,) to it and to the second nearest."""

    rows: NDArray[np.int64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    @property
    def copied(self) -> NDArray[np.bool_]:
        """(N,) what seems to be a copy: three times nearer to one than to any other (Yoon et al.
        2023, "Diffusion probabilistic models generalize when they fail to memorize"), or equal."""
        return (self.first < COPY * self.second) | (self.first == 0)


def nearest(points: Features, others: Features) -> Nearest:
    """By Euclidean distance; the distances themselves are computed anew, without rounding away the
    small ones. `others` are at least one."""
    rows = []
    for part in squared_distances(points, others):
        count = min(2, part.shape[1])
        two = np.argpartition(part, count - 1, 1)[:, :count]
        rows.append(two)
    found = np.concatenate(rows)
    point = np.asarray(points, np.float64)
    apart = np.stack([
        np.sqrt(((point - np.asarray(others[column], np.float64)) ** 2).sum(1))
        for column in found.T
    ], 1)  # fmt: skip
    order = apart.argsort(1, kind="stable")
    apart, found = np.take_along_axis(apart, order, 1), np.take_along_axis(found, order, 1)
    second = apart[:, 1] if apart.shape[1] > 1 else np.full(len(apart), np.inf)
    return Nearest(found[:, 0].astype(np.int64), apart[:, 0], second)


def parzen(samples: Features, points: Features, sigmas: Sequence[float]) -> NDArray[np.float64]:
    """(sigmas, N) the logarithm of the density at points, in nats: a mean of Gaussians of each
    deviation about the samples (Breuleux et al. 2011; Goodfellow et al. 2014, Table 1)."""
    widths = np.asarray(sigmas, np.float64)[:, None]
    size = samples.shape[1]
    parts = []
    for part in squared_distances(points, samples):
        each = [logsumexp(part * np.float32(-0.5 / sigma**2), axis=1) for sigma in sigmas]
        parts.append(np.stack(each).astype(np.float64))
    found: NDArray[np.float64] = (
        np.concatenate(parts, 1) - np.log(len(samples)) - size * np.log(widths * np.sqrt(2 * np.pi))
    )
    return found
