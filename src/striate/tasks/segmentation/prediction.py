"""What is said of a picture's pixels: an answer in numbers, and the same in words."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks.contract import Prediction


class Answer(NamedTuple):
    """The class number of every pixel, (H, W) uint8."""

    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Area:
    """How much of a picture a class covers."""

    label: str
    pixels: int
    share: float


@dataclass(frozen=True, eq=False)
class Segments(Prediction):
    """The classes of a picture's pixels.

    Attributes:
        areas: of every class that is in it, the largest first.
        labels: (H, W) uint8 class numbers.
    """

    areas: tuple[Area, ...] = ()
    labels: NDArray[np.uint8] | None = None

    def fields(self, top: int | None) -> dict[str, Any]:
        height, width = (0, 0) if self.labels is None else self.labels.shape
        return {
            "width": width,
            "height": height,
            "areas": [
                {"label": each.label, "pixels": each.pixels, "share": each.share}
                for each in self.areas[:top]
            ],
        }

    def line(self, top: int | None) -> str:
        """`road 31.0 %, sky 20.2 %`."""
        return ", ".join(f"{each.label} {100 * each.share:.1f} %" for each in self.areas[:top])


def areas_of(labels: NDArray[np.uint8], names: tuple[str, ...]) -> tuple[Area, ...]:
    """The area of each class in a map, the largest first."""
    counts = np.bincount(labels.ravel(), minlength=len(names))
    order = np.argsort(-counts, kind="stable").tolist()
    total = labels.size
    return tuple(Area(names[k], int(counts[k]), int(counts[k]) / total) for k in order if counts[k])
