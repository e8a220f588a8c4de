"""How good a classifier is, and how sure one can be of that.

Throughout, `probabilities` is (N, classes) and `targets` (N,) the true class numbers.
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
    return ahead.sum(1) < k


def confusion(probabilities: Array, targets: Array) -> NDArray[np.int64]:
    """How many images of each true class (row) were given each class (column).

    >>> confusion(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), np.array([0, 1, 1])).tolist()
    [[1, 0], [1, 1]]
    """
    classes = probabilities.shape[1]
    pairs = targets * classes + probabilities.argmax(1)
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

    The gap between how sure the answer was and how often it was right, over equal bins of sureness.
    """
    place, gap = calibration_gaps(probabilities, targets, bins=bins)
    sums = np.bincount(place, weights=gap, minlength=bins)
    return float(np.abs(sums).sum() / len(targets))


def calibration_gaps(
    probabilities: Array, targets: Array, *, bins: int = 15
) -> tuple[NDArray[np.int64], Array]:
    """Of each image the bin of its sureness (N,), and its sureness less 1 if it was right (N,)."""
    sure = probabilities.max(1)
    right = probabilities.argmax(1) == targets
    return np.minimum((sure * bins).astype(np.int64), bins - 1), sure - right


def wilson_interval(share: float, count: int, *, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval (1927) for a share measured on `count` images; z of 1.96 is 95 %.

    >>> low, high = wilson_interval(0.5, 100)
    >>> round(low, 3), round(high, 3)
    (0.404, 0.596)
    """
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / count) ** 2 / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_difference(first: Array, second: Array) -> tuple[float, float]:
    """How far one classifier is ahead of another on the same images, and its standard error.

    Args:
        first: (N,) 1.0 where the first was right (or its mean over seeds), else 0.0.
        second: (N,) likewise.

    >>> ahead, error = paired_difference(np.array([1., 1, 1, 0]), np.array([1., 0, 1, 0]))
    >>> ahead, round(error, 3)
    (0.25, 0.217)
    """
    difference = first - second
    return float(difference.mean()), float(difference.std() / math.sqrt(len(difference)))
