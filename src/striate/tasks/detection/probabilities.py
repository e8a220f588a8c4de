"""From the score of a detection to the probability that it is right (Platt 1999, "Probabilistic
outputs for support vector machines"): 1 / (1 + exp(-(slope · score + bias)))."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PLAIN = (2.0, 0.0)  # slope and bias before anything is known: a score of 1 is the margin
LEAST = 0.01  # slope for a standard deviation of the scores: a higher score never means less
ENOUGH = 5  # detections of a class that are right, and that are wrong, for a curve of its own


def platt_curves(
    scores: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """(classes, 2) slope and bias of each class from its scores (N,) and which are right (N,); a
    class with few detections is given the curve of all classes together."""
    if not len(scores):
        return np.zeros((0, 2))
    together = platt_curve(np.concatenate(scores), np.concatenate(right))
    enough = [min(int(each.sum()), int((~each).sum())) >= ENOUGH for each in right]
    lines = [
        platt_curve(score, each) if some else together
        for score, each, some in zip(scores, right, enough, strict=True)
    ]
    return np.array(lines)


def platt_curve(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope, above 0, and bias of the most likely curve for scores (N,), some of them right (N,).

    The targets are Platt's, just off 0 and 1, so that it is finite. Where nothing or everything is
    right it is `PLAIN`.
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    yes, no = int(right.sum()), int((~right).sum())
    if not yes or not no:
        return PLAIN
    target = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    known = np.stack([(scores - middle) / spread, np.ones(len(scores))], 1)

    def cost(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = known @ line
        values = np.logaddexp(0, margins) - target * margins
        return float(values.mean()), known.T @ (expit(margins) - target) / len(target)

    start = [1.0, float(np.log(yes / no))]
    answer = minimize(
        cost,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST, None), (None, None)],
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    slope, bias = answer.x
    return float(slope / spread), float(bias - slope * middle / spread)
