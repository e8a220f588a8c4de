"""The classes of an input, each with its own probability, and how they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks import contract

NONE = "none of these"


class Tagged(NamedTuple):
    """Calibrated probabilities (classes,), and which classes are there (classes,)."""

    probabilities: NDArray[np.float32]
    there: NDArray[np.bool_]


@dataclass(frozen=True)
class Tag:
    """A class, its calibrated probability, and whether that is above the class's threshold."""

    name: str
    probability: float
    there: bool


@dataclass(frozen=True)
class Prediction(contract.Prediction):
    """Every class, those that are there first and among them the most probable."""

    tags: tuple[Tag, ...] = ()

    @classmethod
    def of(cls, name: str, classes: Sequence[str], answer: Tagged) -> "Prediction":
        """From an answer in the order of the classes."""
        tags = tuple(
            Tag(classes[k], float(answer.probabilities[k]), bool(answer.there[k]))
            for k in order_of(answer)
        )
        return cls(name, tags)

    @property
    def there(self) -> tuple[Tag, ...]:
        """Those above their thresholds."""
        return tuple(tag for tag in self.tags if tag.there)

    def fields(self, top: int | None) -> dict[str, Any]:
        """All that are there, and of the others the most probable: `top` of them in all."""
        shown = self.there if top is None else self.there[:top]
        others = [tag for tag in self.tags if not tag.there]
        others = others if top is None else others[: max(0, top - len(shown))]
        return {
            "tags": [{"name": tag.name, "probability": tag.probability} for tag in shown],
            "others": [{"name": tag.name, "probability": tag.probability} for tag in others],
        }

    def line(self, top: int | None) -> str:
        shown = self.there if top is None else self.there[:top]
        if shown:
            return ", ".join(f"{tag.name} {100 * tag.probability:.1f} %" for tag in shown)
        return f"{NONE} ({self.tags[0].name} {100 * self.tags[0].probability:.1f} %)"

    def shares(self, top: int) -> list[tuple[str, float]]:
        return [(tag.name, tag.probability) for tag in self.there[:top]]


def order_of(answer: Tagged) -> list[int]:
    """The classes by number: those that are there, then the others, the most probable first."""
    order: list[int] = np.lexsort((-answer.probabilities, ~answer.there)).tolist()
    return order
