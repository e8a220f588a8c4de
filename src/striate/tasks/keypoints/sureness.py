"""How sure a point is: the probability that it lies within a fifth of the length that errors are
measured by, from how peaked its heat map is, learned on validation pictures."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-6  # shares of mass nearer to 0 or 1 are not told apart
FEW = 20  # points of which some are right and some wrong, to learn a slope from


@dataclass(frozen=True)
class Sureness:
    """A logistic curve over the logit of a share (Platt 2000).

    Attributes:
        slope, shift: of it; slope 0 says the same of every point.
    """

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities, as many."""
        logits = self.slope * logit(shares) + self.shift
        probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(logits, -40, 40)))
        return probabilities

    @classmethod
    def learned(cls, shares: NDArray[np.float64], right: NDArray[np.bool_]) -> "Sureness":
        """From points of validation pictures: their shares (N,), and whether they were right."""
        from sklearn.linear_model import LogisticRegression

        if not len(right):
            return cls()
        if np.ptp(shares) < LEAST or min(right.sum(), (~right).sum()) * 2 < FEW:
            rate = (right.sum() + 1) / (len(right) + 2)  # Laplace's rule: never quite sure
            return cls(0.0, float(math.log(rate / (1 - rate))))
        curve = LogisticRegression().fit(logit(shares)[:, None], right)
        return cls(max(0.0, float(curve.coef_[0, 0])), float(curve.intercept_[0]))

    def to_json(self) -> list[float]:
        """Plain values that `from_json` turns back."""
        return [self.slope, self.shift]

    @classmethod
    def from_json(cls, values: Any) -> "Sureness":
        """What `to_json` gave, after JSON.

        Raises:
            TypeError, ValueError: if it is not of that form.
        """
        slope, shift = map(float, values)
        if not (math.isfinite(slope) and math.isfinite(shift)):
            raise ValueError("its probabilities are not finite")
        return cls(slope, shift)


def logit(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(p / (1 - p)), within bounds."""
    inside = np.clip(shares, LEAST, 1 - LEAST)
    found: NDArray[np.float64] = np.log(inside / (1 - inside))
    return found
