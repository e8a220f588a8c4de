"""How good guesses are: the share of them that is close enough."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.resampling import Rows
from striate.tasks.contract import Scores

CLOSE = 0.05


def share(given: NDArray, truth: NDArray) -> float:
    """Of guesses that are at most CLOSE beside the truth."""
    return float((np.abs(given - truth) <= CLOSE).mean())


@dataclass(frozen=True, eq=False)
class Guesses(Scores):
    """Guesses (N,) beside the truth (N,)."""

    given: NDArray[np.float64]
    truth: NDArray[np.float64]
    seconds: float
    broken: tuple[tuple[str, str], ...]

    @property
    def examples(self) -> int:
        return len(self.truth)

    @property
    def value(self) -> float:
        return share(self.given, self.truth)

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        return (np.abs(self.given - self.truth) <= CLOSE)[rows].mean(1)

    @property
    def metrics(self) -> Mapping[str, float]:
        return {"error": float(np.abs(self.given - self.truth).mean())}
