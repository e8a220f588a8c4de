"""From how alike two faces are to a probability, and to yes or no."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.verification import best_threshold

Values = NDArray[np.float64]
STRICT = 0.01  # the share of pairs of two persons that a gallery may take for one
STEEPEST = 1e4


@dataclass(frozen=True)
class Calibration:
    """The probability that two faces are of one person is 1 / (1 + exp(-slope (s - threshold))),
    where as many pairs are of one person as of two.

    Attributes:
        threshold: from which similarity on two faces are said to be of one person.
        slope: how fast the probability rises there.
        strict: the similarity that no more than STRICT of the pairs of two persons reach.
    """

    threshold: float
    slope: float
    strict: float

    def probability(self, similarity: Values) -> Values:
        """(P,) of similarities (P,)."""
        found: Values = 1 / (1 + np.exp(-np.clip(self.slope * (similarity - self.threshold),
                                                 -60, 60)))  # fmt: skip
        return found

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return {"threshold": self.threshold, "slope": self.slope, "strict": self.strict}

    @classmethod
    def from_json(cls, values: dict[str, float]) -> "Calibration":
        """What `to_json` gave.

        Raises:
            ValueError, LookupError, TypeError: if it is not of that form.
        """
        three = [float(values[name]) for name in ("threshold", "slope", "strict")]
        if not np.isfinite(three).all() or three[1] < 0:
            raise ValueError(f"its calibration is {three}")
        return cls(*three)

    @classmethod
    def fitted(cls, similarity: Values, same: NDArray[np.bool_]) -> "Calibration":
        """The threshold with the most right answers, the middle of all such, and the slope of the
        greatest likelihood, on validation pairs (P,)."""
        from scipy.optimize import minimize_scalar  # a second that answering does without

        best = best_threshold(similarity, same)
        weight = np.where(same, 0.5 / max(1, same.sum()), 0.5 / max(1, (~same).sum()))
        signs = np.where(same, 1.0, -1.0)
        scale = float(np.std(similarity)) or 1.0

        def loss(log_slope: float) -> float:
            margins = signs * (similarity - best) / scale * np.exp(log_slope)
            return float((weight * np.logaddexp(0, -margins)).sum())

        found = minimize_scalar(loss, bounds=(-5, np.log(STEEPEST)), method="bounded")
        others = similarity[~same]
        strict = float(np.quantile(others, 1 - STRICT, method="higher")) if len(others) else best
        return cls(best, float(np.exp(found.x)) / scale, max(strict, best))
