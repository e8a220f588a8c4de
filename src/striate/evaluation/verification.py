"""Numbers of verification: are two the same? (Huang et al. 2007, "Labeled Faces in the Wild".)"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Truth = NDArray[np.bool_]


def roc(similarity: Values, same: Truth) -> tuple[Values, Values]:
    """The shares of different and of same pairs that are accepted, as the threshold falls: from
    (0, 0) to (1, 1), with one point for each similarity that occurs.

    Args:
        similarity, same: (P,), both kinds of pairs among them.
    """
    order = np.argsort(-similarity, kind="stable")
    values, truth = similarity[order], same[order]
    last = np.append(values[1:] < values[:-1], True)
    accepted = np.cumsum(truth)[last] / max(1, int(truth.sum()))
    false = np.cumsum(~truth)[last] / max(1, int((~truth).sum()))
    return np.append(0.0, false), np.append(0.0, accepted)


def area_under(false: Values, true: Values) -> float:
    """Of the curve: how often a same pair is more alike than a different one, ties half.

    >>> area_under(*roc(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])))
    0.5
    """
    return float(np.trapezoid(true, false))


def equal_error(false: Values, true: Values) -> float:
    """The share of errors where both kinds are as frequent, between points on a straight line.

    >>> equal_error(*roc(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, True, False])))
    0.5
    """
    gap = false - (1 - true)  # rises from -1 to 1
    after = int(np.argmax(gap >= 0))
    before = max(0, after - 1)
    span = gap[after] - gap[before]
    share = 0.0 if span == 0 else -gap[before] / span
    return float(false[before] + share * (false[after] - false[before]))


def accepted_at(false: Values, true: Values, rate: float) -> float:
    """The share of same pairs that is accepted where at most `rate` of the different ones is."""
    return float(true[false <= rate + 1e-12].max())


def fold_accuracies(similarity: Values, same: Truth, fold: NDArray[np.int64]) -> Values:
    """(folds,) the accuracy in each fold, at the threshold that is best on all others (LFW's View
    2); empty where fewer than two folds have pairs.

    Args:
        fold: (P,) -1 for pairs of none.
    """
    numbers = np.unique(fold[fold >= 0])
    if len(numbers) < 2:
        return np.zeros(0)
    found = []
    for number in numbers.tolist():
        own = fold == number
        least = best_threshold(similarity[~own & (fold >= 0)], same[~own & (fold >= 0)])
        found.append(((similarity[own] >= least) == same[own]).mean())
    return np.array(found)


def best_threshold(similarity: Values, same: Truth) -> float:
    """The similarity from which on saying "the same" is right most often; the middle one of all
    such places.

    >>> best_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True]))
    0.4
    """
    order = np.argsort(similarity, kind="stable")
    values, truth = similarity[order], same[order]
    below = np.append(0, np.cumsum(~truth))  # right among those said to be different
    above = truth.sum() - np.append(0, np.cumsum(truth))
    edges = np.concatenate([values[:1] - 1e-6, (values[1:] + values[:-1]) / 2, values[-1:] + 1e-6])
    able = np.concatenate([[True], values[1:] > values[:-1], [True]])
    right = np.where(able, below + above, -1)
    best = np.flatnonzero(right == right.max())
    return float(edges[best[(len(best) - 1) // 2]])
