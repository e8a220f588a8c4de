"""Painted photographs beside the photographs: how much of the loss is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate.evaluation.resampling import Rows
from striate.tasks.contract import Answered, Scores
from striate.tasks.style.answers import Judged

One = TypeVar("One")


@dataclass(frozen=True, eq=False)
class StyleScores(Scores):
    """Losses of each photograph.

    Attributes:
        rows: of the photographs in the set.
        judged: (N,) their losses.
    """

    examples: int
    seconds: float
    broken: tuple[tuple[str, str], ...]
    rows: tuple[int, ...]
    judged: tuple[Judged, ...]

    @property
    def removed(self) -> NDArray[np.float64]:
        """(N,) of each photograph the share of its loss that is gone."""
        return np.array([each.removed for each in self.judged])

    @property
    def value(self) -> float:
        return float(self.removed.mean())

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.removed[rows].mean(1)
        return found

    @property
    def chance(self) -> float:
        """The photograph as it was."""
        return 0.0

    @property
    def metrics(self) -> Mapping[str, float]:
        return summary(self.judged)

    def to_json(self) -> dict[str, Any]:
        return {
            "metrics": dict(self.metrics),
            "pictures": [one._asdict() | {"removed": one.removed} for one in self.judged],
        }


def summary(judged: tuple[Judged, ...]) -> dict[str, float]:
    """The main score; "gain", the same where it may be negative, for the first steps of learning;
    and what it is made of: the style loss that is left, as a share of the photograph's, and the
    content loss, 1 where nothing of the photograph is left."""
    content = [one.content for one in judged]
    style = [one.style / one.plain for one in judged]
    return {
        "removed": float(np.mean([one.removed for one in judged])),
        "gain": float(np.mean([one.gain for one in judged])),
        "style_left": float(np.mean(style)),
        "content_lost": float(np.mean(content)),
    }


def scored(answered: Answered) -> StyleScores:
    """Scores of answers that were judged."""
    judged = tuple(answer.judged for answer in answered.answers)
    return StyleScores(len(answered.rows), answered.seconds, answered.broken, answered.rows, judged)


def spread(rows: Sequence[One], most: int) -> list[One]:
    """At most so many of them, evenly.

    >>> spread(range(10, 20), 4), spread(range(3), 4)
    ([10, 13, 16, 19], [0, 1, 2])
    """
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [rows[place] for place in places.tolist()]
