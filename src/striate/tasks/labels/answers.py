"""The classes of an input with their probabilities, and how they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks import contract


class Answer(NamedTuple):
    """Calibrated probabilities (classes,), and whether the input is of one of the classes."""

    probabilities: NDArray[np.float32]
    known: bool


@dataclass(frozen=True)
class Label:
    """A class and its calibrated probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Prediction(contract.Prediction):
    """Every class, the most probable first; or why the input could not be read.

    Attributes:
        known: whether the input is of one of the classes at all; False means "none of these".
    """

    labels: tuple[Label, ...] = ()
    known: bool = False

    @classmethod
    def of(
        cls, name: str, classes: Sequence[str], probabilities: NDArray[np.float32], known: bool
    ) -> "Prediction":
        """From the probabilities (classes,) in the order of the classes."""
        order = np.argsort(-probabilities, kind="stable")
        labels = tuple(Label(classes[k], float(probabilities[k])) for k in order)
        return cls(name, labels, known)

    def fields(self, top: int | None) -> dict[str, Any]:
        labels = [{"name": k.name, "probability": k.probability} for k in self.labels[:top]]
        return {"labels": labels, "known": self.known}

    def line(self, top: int | None) -> str:
        labels = ", ".join(f"{k.name} {100 * k.probability:.1f} %" for k in self.labels[:top])
        return labels if self.known else f"none of these ({labels})"

    def shares(self, top: int) -> list[tuple[str, float]]:
        labels = [(label.name, label.probability) for label in self.labels[:top]]
        return labels if self.known else []  # else the line says that it is none of these
