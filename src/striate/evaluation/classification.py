"""How good a classifier is, and how certain that is.

Throughout, `probabilities` is (N, classes) and `targets` (N,) the true class numbers. A row with a
number that is not finite is an answer of a network that diverged, and counts as wrong everywhere.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def top_k(probabilities: Array, targets: Array, k: int = 1) -> float:
    """Share of images whose true class is among the `k` most probable, in [0, 1].

    A class as probable as the true one counts against it only if its number is smaller.

    >>> top_k(np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), np.array([0, 1]))
    0.5
    """
    return float(in_top_k(probabilities, targets, k).mean())


def in_top_k(probabilities: Array, targets: Array, k: int = 1) -> NDArray[np.bool_]:
    """Of each image (N,) whether its true class is among the `k` most probable."""
    own = probabilities[np.arange(len(targets)), targets][:, None]
    earlier = np.arange(probabilities.shape[1]) < targets[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & earlier)
    return (ahead.sum(1) < k) & np.isfinite(probabilities).all(1)


def confusion(probabilities: Array, targets: Array) -> NDArray[np.int64]:
    """How many images of each true class (row) were given each class (column).

    An answer that is not finite is counted as the class after the true one.

    >>> confusion(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1])).tolist()
    [[1, 0], [1, 1]]
    """
    classes = probabilities.shape[1]
    finite = np.isfinite(probabilities).all(1)
    pairs = targets * classes + np.where(finite, probabilities.argmax(1), (targets + 1) % classes)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def precision_recall(table: NDArray[np.int64]) -> tuple[Array, Array]:
    """Precision and recall of each class from a confusion table; nan where nothing was counted."""
    right = table.diagonal().astype(float)
    given, true = table.sum(0).astype(float), table.sum(1).astype(float)
    precision = np.divide(right, given, out=np.full_like(right, np.nan), where=given > 0)
    recall = np.divide(right, true, out=np.full_like(right, np.nan), where=true > 0)
    return precision, recall


def calibration_error(probabilities: Array, targets: Array, *, bins: int = 15) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599, Eq. 3), in [0, 1].

    The gap between confidence, the largest probability, and accuracy, over equal bins of the
    former.
    """
    place, gap = calibration_gaps(probabilities, targets, bins=bins)
    sums = np.bincount(place, weights=gap, minlength=bins)
    return float(np.abs(sums).sum() / len(targets))


def calibration_gaps(
    probabilities: Array, targets: Array, *, bins: int = 15
) -> tuple[NDArray[np.int64], Array]:
    """Of each image the bin of its confidence (N,), and its confidence less 1 if it was right (N,).

    An answer that is not finite has the confidence 1.
    """
    confidence = np.where(np.isfinite(probabilities).all(1), probabilities.max(1), 1.0)
    right = in_top_k(probabilities, targets)
    return np.minimum((confidence * bins).astype(np.int64), bins - 1), confidence - right


def wilson_interval(share: float, count: int, *, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval (1927) for a share measured on `count` images; z of 1.96 is 95 %.

    >>> low, high = wilson_interval(0.5, 100)
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    """
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / count) ** 2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)
