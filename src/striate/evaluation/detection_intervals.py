"""How far a mean average precision can be believed: images drawn anew, detections as they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.detection import Judged
from striate.evaluation.resampling import Rows, bootstrap

ROUNDS = 500


def mean_average_precisions(each: Sequence[Judged], rows: Rows) -> NDArray[np.float64]:
    """(R,) the mean over classes on each of R sets of images.

    An image that is drawn twice counts twice, so its detections weigh two: precision and recall
    are sums of weights, and the area is under the highest precision at each recall or beyond.

    Args:
        each: the judged detections of every class.
        rows: (R, N) numbers of images.
    """
    count = len(each[0].things)
    weights = np.stack([np.bincount(some, minlength=count) for some in rows]).astype(float)
    total, known = np.zeros(len(rows)), np.zeros(len(rows))
    for one in each:
        things = weights @ one.things
        mine = weights[:, one.images]  # (R, D)
        hits, all_ = np.cumsum(mine * one.right, 1), np.cumsum(mine, 1)
        precision = hits / np.maximum(all_, 1)
        highest = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        recall = hits / np.maximum(things, 1)[:, None]
        area = (highest * np.diff(recall, axis=1, prepend=0.0)).sum(1)
        there = things > 0
        total += np.where(there, area, 0.0)
        known += there
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def interval(each: Sequence[Judged], *, share: float = 0.95) -> tuple[float, float]:
    """Where the mean average precision of other images of the same kind is expected."""
    count = len(each[0].things)
    return bootstrap(
        lambda rows: mean_average_precisions(each, rows), count, share=share, rounds=ROUNDS
    )


def lead(
    first: Sequence[Judged], second: Sequence[Judged], *, share: float = 0.95
) -> tuple[float, float]:
    """How far the first is ahead of the second on other images: both see the same draws."""

    def difference(rows: Rows) -> NDArray[np.float64]:
        return mean_average_precisions(first, rows) - mean_average_precisions(second, rows)

    return bootstrap(difference, len(first[0].things), share=share, rounds=ROUNDS)
