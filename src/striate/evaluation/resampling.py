"""How much a score would vary on other images of the same kind (Efron 1979)."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
TOGETHER = 2**22  # numbers that are drawn at a time


def bootstrap(
    statistic: Callable[[Rows], NDArray[np.float64]],
    count: int,
    *,
    share: float = 0.95,
    rounds: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval (Efron & Tibshirani 1993, Section 13.3) of a score of `count` images.

    Two recognizers are compared on the same draws: give the difference as the statistic.

    Args:
        statistic: rows (R, count), each one a set of images drawn with replacement, to R scores;
            nan where a draw has none.
        share: how much of what may be expected the interval holds.

    Raises:
        ValueError: if there are no images.

    >>> right = np.array([1.0] * 80 + [0.0] * 20)
    >>> low, high = bootstrap(lambda rows: right[rows].mean(1), 100)
    >>> round(low, 1), round(high, 1)
    (0.7, 0.9)
    """
    if count < 1:
        raise ValueError("no images: there is nothing to draw from")
    scores = np.concatenate([statistic(rows) for rows in _draws(count, rounds, seed)])
    if np.isnan(scores).all():
        return float("nan"), float("nan")
    tail = 50 * (1 - share)
    low, high = np.nanpercentile(scores, [tail, 100 - tail])
    return float(low), float(high)


def bias(
    statistic: Callable[[Rows], NDArray[np.float64]],
    count: int,
    value: float,
    *,
    rounds: int = 200,
    seed: int = 2,
) -> float:
    """How much larger a score is on images drawn with replacement than on the images themselves,
    the mean (Efron & Tibshirani 1993, Section 10.2); 0 where no draw has one.

    An average precision of few images is: copies of an image stand beside each other in the order.

    Args:
        statistic: as `bootstrap` takes it.
        value: the score of the images themselves.
    """
    scores = np.concatenate([statistic(rows) for rows in _draws(count, rounds, seed)])
    return 0.0 if np.isnan(scores).all() else float(np.nanmean(scores)) - value


def bootstrap_mean(values: NDArray[np.float64], *, share: float = 0.95) -> tuple[float, float]:
    """The interval of the mean of one number an image (N,)."""
    return bootstrap(lambda rows: values[rows].mean(1), len(values), share=share)


def _draws(count: int, rounds: int, seed: int) -> Iterator[Rows]:
    random = np.random.default_rng(seed)
    together = max(1, TOGETHER // count)
    for first in range(0, rounds, together):
        yield random.integers(0, count, (min(together, rounds - first), count))
