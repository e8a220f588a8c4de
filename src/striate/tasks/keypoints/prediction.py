"""What is said of the parts of the thing in a picture: an answer in numbers, and the same in
words."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.tasks.contract import Prediction

HALF = 0.5  # people and programs count from the center of the first pixel
Lines = tuple[tuple[int, int], ...]


class Answer(NamedTuple):
    """Where each part is.

    Attributes:
        places: (K, 2) float64 x and y in pixels from the upper left corner of the picture.
        scores: (K,) in [0, 1].
        height, width: of the picture.
        lines: pairs of parts that a skeleton joins.
    """

    places: NDArray[np.float64]
    scores: NDArray[np.float64]
    height: int
    width: int
    lines: Lines = ()


@dataclass(frozen=True)
class Part:
    """A part by its name, with its place as tables of points have it: the first pixel's center is
    0, 0."""

    label: str
    x: float
    y: float
    score: float


@dataclass(frozen=True)
class Pose(Prediction):
    """The parts of the thing in one picture.

    Attributes:
        parts: in the order of their names.
        lines: pairs of them that a skeleton joins.
        size: height and width of the picture.
    """

    parts: tuple[Part, ...] = ()
    lines: Lines = ()
    size: tuple[int, int] | None = None

    def fields(self, top: int | None) -> dict[str, Any]:
        height, width = self.size or (0, 0)
        return {
            "width": width,
            "height": height,
            "points": [
                {"label": each.label, "x": each.x, "y": each.y, "score": each.score}
                for each in self.parts[:top]
            ],
        }

    def line(self, top: int | None) -> str:
        """`snout 10.8 132.7, tailbase 43.6 76.4`."""
        return ", ".join(f"{each.label} {each.x:.1f} {each.y:.1f}" for each in self.parts[:top])


def posed(name: str, answer: Answer, names: tuple[str, ...]) -> Pose:
    """An answer in words."""
    parts = tuple(
        Part(label, x - HALF, y - HALF, score)
        for label, (x, y), score in zip(
            names, answer.places.tolist(), answer.scores.tolist(), strict=True
        )
    )
    return Pose(name, parts, answer.lines, (answer.height, answer.width))
