"""What is said of a face, of two, and of one beside a gallery."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.tasks.contract import Prediction
from striate.tasks.faces.calibration import Calibration
from striate.tasks.faces.metric import Metric


@dataclass(frozen=True, eq=False)
class Embedding:
    """One face, and what compares it with others.

    Attributes:
        vector: (K,) float32.
    """

    vector: NDArray[np.float32]
    metric: Metric
    calibration: Calibration


@dataclass(frozen=True)
class Match:
    """Two faces."""

    same: bool
    probability: float
    similarity: float


@dataclass(frozen=True)
class Identity:
    """One face beside a gallery: who it is, or nobody (None), and who is nearest."""

    person: str | None
    nearest: str
    probability: float
    similarity: float


@dataclass(frozen=True)
class Verdict(Prediction):
    """Whether two pictures show one person, or whom one shows."""

    answer: Match | Identity | None = None

    def fields(self, top: int | None) -> dict[str, Any]:
        one = self.answer
        if isinstance(one, Match):
            return {
                "same": one.same, "probability": one.probability, "similarity": one.similarity
            }  # fmt: skip
        assert one is not None
        return {
            "person": one.person, "nearest": one.nearest, "probability": one.probability,
            "similarity": one.similarity,
        }  # fmt: skip

    def line(self, top: int | None) -> str:
        one = self.answer
        if isinstance(one, Match):
            what = "same person" if one.same else "different persons"
            return f"{what}  (probability of the same {one.probability:.3f})"
        assert one is not None
        if one.person is None:
            return f"nobody in the gallery (nearest {one.nearest}, {one.probability:.3f})"
        return f"{one.person}  {one.probability:.3f}"
