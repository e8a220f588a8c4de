"""Labels that are probably wrong: confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70).

Every image is judged by a classifier that has not seen it (nor a copy of it). Where that classifier
is as sure of another class as it is, on average, of that class's own images, and finds it many
times as probable as the label, the label is suspect. Without the latter, a classifier that has seen
too few images to know more than chance would doubt every third of them.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.progress import stage

FOLDS = 5
FEWEST = 5  # images of a class below which its labels are not judged
STRENGTHS = (0.0003, 0.003, 0.03)  # inverse regularization, on standardized features
ODDS = 9.0  # of another class to the label, from which on it is probably wrong, if one in ten is
MOST = 30_000  # images that a fold learns from: enough for a linear classifier, and bounded
CHUNK = 8192  # images at a time
ROUNDS = 100  # of the solver; what is not solved exactly by then is judged as it is


@dataclass(frozen=True, eq=False)
class Suspects:
    """Images, the most suspect first.

    Attributes:
        rows: (K,) those whose label is probably wrong.
        given: (K,) the class the classifier would give.
        sureness: (K,) the probability it gives that class.
        order: (N,) all judged rows, by margin: where to look if one has time for more.
    """

    rows: NDArray[np.int64]
    given: NDArray[np.int64]
    sureness: NDArray[np.float32]
    order: NDArray[np.int64]


def suspects(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> Suspects:
    """Which labels disagree with out-of-fold probabilities (N, C); rows of nan are not judged.

    A row is off the diagonal of the confident joint (Equation 1: the threshold of a class is the
    mean probability that its own images get), the other class `ODDS` times as probable, and ranked
    by the normalized margin (Section 3.2).
    """
    judged = np.flatnonzero(~np.isnan(probabilities).any(1))
    own = probabilities[judged, targets[judged]]
    thresholds = np.full(probabilities.shape[1], np.inf)
    for number in np.unique(targets[judged]):
        thresholds[number] = own[targets[judged] == number].mean()
    seen = probabilities[judged]
    confident = np.where(seen >= thresholds, seen, -1.0)
    likely = confident.argmax(1)
    doubted = (confident.max(1) > 0) & (likely != targets[judged])
    others = seen.copy()
    others[np.arange(len(judged)), targets[judged]] = -1
    rival = others.max(1, initial=-1.0)
    margin = own - rival
    order = np.argsort(margin, kind="stable")
    wrong = order[doubted[order] & (rival[order] >= ODDS * own[order])]
    given = seen[wrong].argmax(1) if len(wrong) else np.empty(0, np.int64)
    sureness = seen[wrong, given].astype(np.float32)
    return Suspects(judged[wrong], given, sureness, judged[order])


def out_of_fold(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    classes: int,
) -> NDArray[np.float32]:
    """Probabilities (N, classes) of each image by a classifier that did not learn from it.

    Args:
        features: (N, D).
        groups: (N,) equal for copies of one picture, which are judged together.

    Returns:
        Rows of nan where a class has too few images to judge.
    """
    probabilities = np.full((len(targets), classes), np.nan, np.float32)
    large = np.bincount(targets, minlength=classes) >= FEWEST
    rows = np.flatnonzero(large[targets])
    if large.sum() < 2:
        return probabilities
    scale = scaling(features)
    place = folds(targets, groups)
    strength = None
    with stage("judge the labels", FOLDS) as bar:
        for fold in range(FOLDS):
            held = rows[place[rows] == fold]
            learned = rows[place[rows] != fold]
            if len(held) and len(np.unique(targets[learned])) > 1:
                found, strength = _solve(features, scale, targets, learned, held, strength)
                probabilities[held] = 0
                probabilities[np.ix_(held, found[0])] = found[1]
            bar.advance()
    return probabilities


def folds(targets: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold (N,) for each row: every class spread evenly, copies of one picture together.

    >>> folds(np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 3, 4, 4])).tolist()
    [1, 2, 0, 1, 0, 0]
    """
    leaders, first, place = np.unique(groups, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(0).permutation(len(leaders))
    order = shuffled[np.argsort(targets[first][shuffled], kind="stable")]
    _, start, count = np.unique(targets[first][order], return_index=True, return_counts=True)
    number = np.arange(len(order)) - np.repeat(start, count)
    fold = np.empty(len(leaders), np.int64)
    fold[order] = number % FOLDS
    return fold[place.reshape(-1)]


def accuracy(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    learned: NDArray[np.int64],
    scored: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Which of the scored rows (K,) a classifier gets right that learned from others."""
    scale = scaling(features)
    (names, values), _ = _solve(features, scale, targets, learned, scored, None)
    return names[values.argmax(1)] == targets[scored]


Scale = tuple[NDArray[np.float32], NDArray[np.float32]]  # mean and deviation (D,)


def scaling(features: NDArray[np.float32]) -> Scale:
    """Mean and deviation of every column; of what is constant, the deviation is taken as 1."""
    chunks = [features[first : first + CHUNK] for first in range(0, len(features), CHUNK)]
    mean = sum(chunk.sum(0, dtype=np.float64) for chunk in chunks) / len(features)
    variance = sum(((chunk - mean) ** 2).sum(0) for chunk in chunks) / len(features)
    std = np.sqrt(variance)
    std = np.where(std > 1e-6 * max(std.max(), 1e-30), std, 1.0)
    return mean.astype(np.float32), std.astype(np.float32)


Answers = tuple[NDArray[np.int64], NDArray[np.float32]]  # class numbers, and probabilities of them


def _solve(
    features: NDArray[np.float32],
    scale: Scale,
    targets: NDArray[np.int64],
    learned: NDArray[np.int64],
    held: NDArray[np.int64],
    strength: float | None,
) -> tuple[Answers, float]:
    """Logistic regression; where no strength is given, the one that surprises least is taken."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, std = scale
    if len(learned) > MOST:
        learned = np.sort(np.random.default_rng(0).choice(learned, MOST, replace=False))
    inputs = (features[learned] - mean) / std
    solver = LogisticRegression(tol=1e-3, max_iter=ROUNDS, warm_start=True)
    best: tuple[float, Answers, float] | None = None
    for one in STRENGTHS if strength is None else (strength,):
        solver.set_params(C=one)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(inputs, targets[learned])
        values = np.concatenate(
            [
                solver.predict_proba((features[held[first : first + CHUNK]] - mean) / std)
                for first in range(0, len(held), CHUNK)
            ]
        ).astype(np.float32)
        place = np.minimum(np.searchsorted(solver.classes_, targets[held]), values.shape[1] - 1)
        known = solver.classes_[place] == targets[held]
        sure = np.where(known, values[np.arange(len(held)), place], 0.0)
        surprise = float(-np.log(np.maximum(sure, 1e-6)).mean())
        if best is None or surprise < best[0]:
            best = surprise, (solver.classes_.astype(np.int64), values), one
    assert best is not None
    return best[1], best[2]
