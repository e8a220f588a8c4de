"""Points beside points: PCK, errors, and COCO's average precision by object keypoint similarity."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# COCO's 17 key points of persons and how far people place each apart (cocodataset.org,
# "Keypoint Evaluation").
PERSON = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
PERSON_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
    0.087, 0.087, 0.089, 0.089,
)  # fmt: skip
SIGMA = 0.1  # of parts of which nobody knows it
SIMILARITIES = np.arange(10) * 0.05 + 0.5  # over which COCO's average precision is a mean
RECALLS = np.linspace(0, 1, 101)


def sigmas_of(names: Sequence[str]) -> Floats:
    """(K,) COCO's for its persons, SIGMA for all other parts."""
    if tuple(names) == PERSON:
        return np.array(PERSON_SIGMAS)
    return np.full(len(names), SIGMA)


def distances(found: Floats, truth: Floats) -> Floats:
    """(N, K) pixels between points (N, K, 2); nan where the truth is."""
    apart: Floats = np.hypot(*np.moveaxis(found - truth, 2, 0))
    return apart


def correct(apart: Floats, lengths: Floats, share: float) -> Floats:
    """(N, K) 1 where an error is at most `share` of the picture's length, else 0; nan where the
    error is (PCK: Yang & Ramanan 2013, Section 6.1)."""
    right = (apart <= share * lengths[:, None]).astype(np.float64)
    return np.where(np.isnan(apart), np.nan, right)


def similarity(found: Floats, truth: Floats, area: float, sigmas: Floats) -> float:
    """Object keypoint similarity of points (K, 2), in [0, 1]: over the marked parts, the mean of
    exp(-d² / (2 area (2 sigma)²)).

    >>> similarity(np.zeros((1, 2)), np.zeros((1, 2)), 100.0, np.array([0.1]))
    1.0
    """
    marked = np.isfinite(truth).all(1)
    squares = ((found - truth)[marked] ** 2).sum(1)
    spread = (2 * sigmas[marked]) ** 2 * (area + np.spacing(1)) * 2
    return float(np.exp(-squares / spread).mean()) if marked.any() else 0.0


def average_precision(
    similarities: Floats, scores: Floats, every: Sequence[float] = tuple(SIMILARITIES)
) -> float:
    """COCO's average precision, mean over similarities, where each thing was found once.

    Args:
        similarities: (N,) of each thing to what was found in its place.
        scores: (N,) of what was found, by which it is ranked; of equal ones the first.
    """
    order = np.argsort(-scores, kind="stable")
    found = []
    for least in every:
        right = similarities[order] >= least
        hits = np.cumsum(right)
        precision = hits / np.arange(1, len(order) + 1)
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        places = np.searchsorted(hits / len(order), RECALLS, side="left")
        reached = np.append(precision, 0.0)[np.minimum(places, len(order))]
        found.append(reached.mean())
    return float(np.mean(found))
