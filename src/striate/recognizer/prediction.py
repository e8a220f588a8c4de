"""What is said of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Label:
    """A class and its calibrated probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What one picture shows: every class, the most probable first; or why it could not be read."""

    name: str
    labels: tuple[Label, ...] = ()
    known: bool = False
    """Whether the answer is one of the classes at all; False says "none of these"."""
    error: str | None = None

    @classmethod
    def of(
        cls, name: str, classes: Sequence[str], probabilities: NDArray[np.float32], known: bool
    ) -> "Prediction":
        """From the probabilities (classes,) in the order of the classes."""
        order = np.argsort(-probabilities, kind="stable")
        labels = tuple(Label(classes[k], float(probabilities[k])) for k in order)
        return cls(name, labels, known)

    def to_json(self, *, top: int | None = None) -> dict[str, Any]:
        """`{"path", "labels": [{"name", "probability"}], "known"}`, or `{"path", "error"}`."""
        if self.error is not None:
            return {"path": self.name, "error": self.error}
        labels = [{"name": k.name, "probability": k.probability} for k in self.labels[:top]]
        return {"path": self.name, "labels": labels, "known": self.known}
