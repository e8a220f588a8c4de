"""Mean average precision on images drawn anew, with the detections as they are: for intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.detection import Judged
from striate.evaluation.resampling import Rows


def mean_average_precisions(each: Sequence[Judged], rows: Rows) -> NDArray[np.float64]:
    """(R,) the mean over classes on each of R sets of images; nan where there is no object at all.

    An image that is drawn twice counts twice, so its detections weigh two: precision and recall
    are sums of weights, and the area is under the highest precision at each recall or beyond.

    Args:
        each: the judged detections of every class.
        rows: (R, N) numbers of images.
    """
    count = len(each[0].objects)
    weights = np.stack([np.bincount(some, minlength=count) for some in rows]).astype(float)
    total, known = np.zeros(len(rows)), np.zeros(len(rows))
    for one in each:
        objects = weights @ one.objects
        mine = weights[:, one.images]  # (R, D)
        hits, all_ = np.cumsum(mine * one.right, 1), np.cumsum(mine, 1)
        precision = hits / np.maximum(all_, 1)
        highest = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        recall = hits / np.maximum(objects, 1)[:, None]
        area = (highest * np.diff(recall, axis=1, prepend=0.0)).sum(1)
        there = objects > 0
        total += np.where(there, area, 0.0)
        known += there
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)
