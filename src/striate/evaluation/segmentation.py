"""How well class maps agree: overlap, pixels, and where borders lie."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.evaluation.resampling import Rows

Counts = NDArray[np.int64]
TOLERANCE = 0.0075  # of the diagonal: how far a border may be off (Perazzi et al. 2016)


def confusion(
    truth: NDArray[np.uint8], found: NDArray[np.uint8], classes: int, void: int
) -> Counts:
    """(classes, classes + 1): how many pixels of each class are found as which; those found as none
    of them stand in the last column.

    Args:
        truth: (H, W) class numbers; pixels that are `void` do not count.
        found: (H, W) likewise; numbers from `classes` on are none.
    """
    known = truth != void
    pairs = truth[known].astype(np.int64) * (classes + 1) + np.minimum(found[known], classes)
    counts = np.bincount(pairs, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1)


def overlaps(hits: Counts, truth: Counts, found: Counts) -> NDArray[np.float64]:
    """Intersection over union (..., classes) of pixels counted by class; nan where a class is in no
    truth.

    >>> overlaps(np.array([3, 0]), np.array([4, 0]), np.array([5, 0])).tolist()
    [0.5, nan]
    """
    union = truth + found - hits
    share: NDArray[np.float64] = np.where(truth > 0, hits / np.maximum(union, 1), np.nan)
    return share


def mean_overlaps(hits: Counts, truth: Counts, found: Counts, rows: Rows) -> NDArray[np.float64]:
    """Mean intersection over union (R,) of the images in each of R draws: all their pixels
    together, mean over the classes that they show.

    Args:
        hits, truth, found: (N, classes) pixels of each image.
        rows: (R, n) images.
    """
    weights = np.zeros((len(rows), len(hits)), np.float64)
    np.add.at(weights, (np.arange(len(rows))[:, None], rows), 1)
    summed = (weights @ each for each in (hits, truth, found))
    each = overlaps(*summed)  # type: ignore[arg-type]
    known = ~np.isnan(each)
    total = np.where(known, each, 0).sum(1)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)


def boundary_f(
    truth: NDArray[np.uint8], found: NDArray[np.uint8], classes: int, void: int
) -> float:
    """How well borders agree in one image: F of precision and recall of each class's border pixels,
    mean over the classes whose border it shows (Csurka et al. 2013); nan where there is none.

    A border pixel is right where one of the other map and class lies within TOLERANCE of the
    diagonal, along rows and columns (at least one pixel).
    """
    height, width = truth.shape
    reach = max(1, round(TOLERANCE * float(np.hypot(height, width))))
    known = torch.from_numpy(truth != void)
    real, said = (
        _borders(torch.from_numpy(np.ascontiguousarray(labels)), known, classes)
        for labels in (truth, found)
    )
    shown = real.flatten(1).any(1)
    if not shown.any():
        return float("nan")
    real, said = real[shown], said[shown]
    precision = _share(said, _near(real, reach))
    recall = _share(real, _near(said, reach))
    scores = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
    return float(scores.mean())


def _borders(labels: Tensor, known: Tensor, classes: int) -> Tensor:
    """(classes, H, W) pixels of each class beside a pixel of another; void is no other."""
    edge = torch.zeros_like(known)
    for axis in (0, 1):
        count = labels.shape[axis] - 1
        one, two = labels.narrow(axis, 0, count), labels.narrow(axis, 1, count)
        both = known.narrow(axis, 0, count) & known.narrow(axis, 1, count) & (one != two)
        edge.narrow(axis, 0, count).logical_or_(both)
        edge.narrow(axis, 1, count).logical_or_(both)
    numbers = torch.arange(classes)[:, None, None]
    return (labels == numbers) & edge


def _near(edges: Tensor, reach: int) -> Tensor:
    """Pixels that have an edge within reach, along rows and columns."""
    x = edges[None].float()
    side = 2 * reach + 1
    x = F.max_pool2d(x, (side, 1), 1, (reach, 0))
    return F.max_pool2d(x, (1, side), 1, (0, reach))[0] > 0


def _share(some: Tensor, near: Tensor) -> Tensor:
    """(classes,) which share of these pixels is near the others; 0 where there are none."""
    return (some & near).flatten(1).sum(1) / some.flatten(1).sum(1).clamp(min=1)


def summary(total: NDArray[np.int64]) -> dict[str, float]:
    """ "miou" and "pixel_accuracy" of counted pixels (classes, classes + 1)."""
    hits, truth, found = total.diagonal(), total.sum(1), total.sum(0)[:-1]
    each = overlaps(hits, truth, found)
    mean = float(np.nanmean(each)) if (truth > 0).any() else 0.0
    return {"miou": mean, "pixel_accuracy": float(hits.sum() / max(1, truth.sum()))}
