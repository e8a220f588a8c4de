"""Several classes an image: average precision (Everingham et al. 2010, Section 4.2).

Throughout, `scores` is (N, classes), higher the more confident; `targets` (N, classes) is 1 where
the class is there, 0 where it is not, and -1 where nobody knows (VOC's "difficult"), which counts
as neither. A score that is not finite counts as wrong: an image with the class is never found by
it, and one without it comes first.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

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
