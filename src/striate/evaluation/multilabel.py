"""Several classes an image: average precision (Everingham et al. 2010, Section 4.2).

Throughout, `scores` is (N, classes), higher the more confident; `targets` (N, classes) is 1 where
the class is there, 0 where it is not, and -1 where nobody knows (VOC's "difficult"), which counts
as neither. A score that is not finite counts as wrong: an image with the class is never found by
it, and one without it comes first.
"""

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.resampling import Rows, bias, bootstrap

Array = NDArray[Any]
Rule = Literal["all", "11", "101"]
ROUNDING = {"11": 1e-12, "101": 0.0}  # of recalls; pycocotools compares to the last bit


def precision_recall_curve(scores: Array, targets: Array) -> tuple[Array, Array]:
    """Precision and recall of one class after each image, in descending order of the scores.

    Of equal scores, the one that stands first comes first.

    Args:
        scores: (N,).
        targets: (N,) 1, 0 or -1.

    >>> precision, recall = precision_recall_curve(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]))
    >>> precision.round(2).tolist(), recall.tolist()
    ([1.0, 0.5, 0.67], [0.5, 0.5, 1.0])
    """
    finite, positive = np.isfinite(scores), targets == 1
    ranked = np.where(finite, scores, np.inf)
    counted = (targets >= 0) & (finite | ~positive)
    order = np.argsort(-ranked[counted], kind="stable")
    right = np.cumsum(positive[counted][order])
    there = max(int(positive.sum()), 1)
    return right / np.arange(1, len(right) + 1), right / there


def area_under(precision: Array, recall: Array, rule: Rule = "all") -> float:
    """Average precision from a curve whose recall does not fall.

    Args:
        rule: "all" is the area below the largest precision at each recall or beyond it (VOC since
            2010); "11" its mean at the recalls 0, 0.1 ... 1 (VOC until 2009); "101" at 0, 0.01
            ... 1 (COCO).
    """
    largest = np.maximum.accumulate(precision[::-1])[::-1]
    if rule == "all":
        return float((largest * np.diff(recall, prepend=0.0)).sum())
    asked = np.linspace(0, 1, int(rule)) - ROUNDING[rule]
    return float(np.append(largest, 0.0)[np.searchsorted(recall, asked)].mean())


def average_precision(scores: Array, targets: Array, *, rule: Rule = "all") -> Array:
    """Average precision of each class (classes,); nan where no image has the class.

    >>> average_precision(np.array([[0.9], [0.8], [0.7]]), np.array([[1], [0], [1]])).round(3)
    array([0.833])
    """
    found = []
    for score, target in zip(scores.T, targets.T, strict=True):
        there = bool((target == 1).any())
        found.append(
            area_under(*precision_recall_curve(score, target), rule) if there else float("nan")
        )
    return np.array(found)


def mean_average_precision(scores: Array, targets: Array, *, rule: Rule = "all") -> float:
    """The mean over the classes that are there at all."""
    return float(np.nanmean(average_precision(scores, targets, rule=rule)))


def resampled_average_precision(scores: Array, targets: Array, rows: Rows) -> Array:
    """The mean average precision (R,) on each of R sets of images; nan where no class is there.

    An image that is drawn twice counts twice: precision and recall are sums of weights, in an order
    that is found once.

    Args:
        rows: (R, N) numbers of images.
    """
    count = len(scores)
    weights = np.stack([np.bincount(some, minlength=count) for some in rows]).astype(float)
    total, known = np.zeros(len(rows)), np.zeros(len(rows))
    for score, target in zip(scores.T, targets.T, strict=True):
        area, there = _weighted(score, target, weights)
        total += np.where(there, area, 0.0)
        known += there
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def average_precision_intervals(scores: Array, targets: Array, *, rounds: int = 500) -> Array:
    """Of each class the 95 % interval (classes, 2) of its average precision on other images; nan
    where no image has the class."""
    found, values = [], average_precision(scores, targets)
    for score, target, value in zip(scores.T, targets.T, values.tolist(), strict=True):
        statistic = partial(resampled_average_precision, score[:, None], target[:, None])
        ends = np.array(bootstrap(statistic, len(scores), rounds=rounds))
        found.append(np.clip(ends - bias(statistic, len(scores), value), 0, 1))
    return np.array(found).reshape(-1, 2)


def _weighted(scores: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Average precision (R,) of one class for images of weights (R, N), and whether it is there."""
    finite, positive = np.isfinite(scores), targets == 1
    ranked = np.where(finite, scores, np.inf)
    counted = np.flatnonzero((targets >= 0) & (finite | ~positive))
    order = counted[np.argsort(-ranked[counted], kind="stable")]
    mine = weights[:, order]
    hits, all_ = np.cumsum(mine * positive[order], 1), np.cumsum(mine, 1)
    there = weights @ positive
    highest = np.maximum.accumulate((hits / np.maximum(all_, 1))[:, ::-1], 1)[:, ::-1]
    recall = hits / np.maximum(there, 1)[:, None]
    return (highest * np.diff(recall, axis=1, prepend=0.0)).sum(1), there > 0


def f1_of(there: Array, targets: Array) -> Array:
    """Precision, recall and F1 (3, classes) of what is held for there (N, classes); nan where
    nothing was counted, and an F1 of 0 where only one of the two was.

    >>> f1_of(np.array([[True], [True]]), np.array([[1], [0]])).ravel().round(2).tolist()
    [0.5, 1.0, 0.67]
    """
    known, true = targets >= 0, targets == 1
    right = (there & true).sum(0).astype(float)
    given, wanted = (there & known).sum(0), true.sum(0)

    def share(part: Array, whole: Array) -> Array:
        return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)

    return np.stack([share(right, given), share(right, wanted), share(2 * right, given + wanted)])


def micro_f1(there: Array, targets: Array) -> float:
    """F1 of all classes' decisions together; nan where there is nothing."""
    known, true = targets >= 0, targets == 1
    total = (there & known).sum() + true.sum()
    return float(2 * (there & true).sum() / total) if total else float("nan")


def hamming_loss(there: Array, targets: Array) -> float:
    """The share of decisions that are wrong, of those whose truth is known."""
    known = targets >= 0
    return float((there != (targets == 1))[known].mean()) if known.any() else float("nan")
