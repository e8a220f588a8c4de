"""Probabilities of each class beside what is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.names import percent
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.evaluation.multilabel import (
    average_precision,
    average_precision_intervals,
    f1_of,
    hamming_loss,
    mean_average_precision,
    micro_f1,
    resampled_average_precision,
)
from striate.evaluation.resampling import Rows, bias
from striate.plain import plain
from striate.tasks.contract import Answered, Scores

BINS = 15  # of probabilities, for the calibration error


@dataclass(frozen=True, eq=False)
class TagScores(Scores):
    """The answers to some examples.

    Attributes:
        probabilities: (N, classes), of the classes that predictor and set share.
        there: (N, classes) what is held for there.
        targets: (N, classes) 1, 0, or -1 where nobody knows.
        names: of those classes.
    """

    probabilities: NDArray[np.float32]
    there: NDArray[np.bool_]
    targets: NDArray[np.int8]
    names: tuple[str, ...]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def examples(self) -> int:  # type: ignore[override]
        return len(self.targets)

    @cached_property
    def value(self) -> float:
        """The mean over classes of the area under precision at each recall (VOC since 2010)."""
        return mean_average_precision(self.probabilities, self.targets)

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        """Without what copies of an image add: see `striate.evaluation.resampling.bias`."""
        return np.clip(self._drawn(rows) - self._bias, 0, 1)

    def _drawn(self, rows: Rows) -> NDArray[np.float64]:
        found: NDArray[np.float64] = resampled_average_precision(
            self.probabilities, self.targets, rows
        )
        return found

    @cached_property
    def _bias(self) -> float:
        return bias(self._drawn, self.examples, self.value)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        f1 = f1_of(self.there, self.targets)[2]
        known = f1[~np.isnan(f1)]
        return {
            "map": self.value,
            "map11": mean_average_precision(self.probabilities, self.targets, rule="11"),
            "f1_micro": micro_f1(self.there, self.targets),
            "f1_macro": float(known.mean()) if len(known) else float("nan"),
            "hamming_loss": hamming_loss(self.there, self.targets),
            "calibration_error": calibration_error(self.probabilities, self.targets),
        }

    @cached_property
    def classes(self) -> list[dict[str, Any]]:
        """Of each class its average precision with the 95 % interval, precision, recall and F1 at
        its threshold, how many examples have it, and what guessing would reach."""
        precision, recall, f1 = f1_of(self.there, self.targets).tolist()
        means = average_precision(self.probabilities, self.targets).tolist()
        intervals = average_precision_intervals(self.probabilities, self.targets).tolist()
        there, known = (self.targets == 1).sum(0), (self.targets >= 0).sum(0)
        return [
            {
                "name": name,
                "examples": int(there[k]),
                "average_precision": means[k],
                "interval": intervals[k],
                "by_chance": float(there[k] / max(1, known[k])),
                "precision": precision[k],
                "recall": recall[k],
                "f1": f1[k],
            }
            for k, name in enumerate(self.names)
        ]

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain({"metrics": dict(self.metrics), "classes": self.classes})
        return found

    def lines(self) -> Iterable[str]:
        found = self.metrics
        yield f"mAP at 11 recalls (VOC until 2009) {percent(found['map11'])}"
        yield (
            f"F1 of all decisions {percent(found['f1_micro'])}, mean F1 of the classes "
            f"{percent(found['f1_macro'])}"
        )
        yield f"wrong decisions (Hamming loss) {percent(found['hamming_loss'])}"
        yield f"calibration error {percent(found['calibration_error'])}"
        width = max(len("class"), *(len(name) for name in self.names))
        yield (
            f"{'class':<{width}}  {'examples':>8}  {'AP':>8}  {'95 %':>16}  {'by chance':>9}  "
            f"{'precision':>9}  {'recall':>8}  {'F1':>8}"
        )
        for row in self.classes:
            low, high = (percent(end) for end in row["interval"])
            yield (
                f"{row['name']:<{width}}  {row['examples']:>8}  "
                f"{percent(row['average_precision']):>8}  {f'{low} to {high}':>16}  "
                f"{percent(row['by_chance']):>9}  {percent(row['precision']):>9}  "
                f"{percent(row['recall']):>8}  {percent(row['f1']):>8}"
            )


def calibration_error(probabilities: NDArray[Any], targets: NDArray[Any]) -> float:
    """The expected gap between the probability of a class and how often it is there, over equal
    bins of the former, all classes together (Guo et al. 2017, Eq. 3, for each yes or no)."""
    known = (targets >= 0) & np.isfinite(probabilities)
    told, there = probabilities[known].astype(float), targets[known] == 1
    if not len(told):
        return float("nan")
    place = np.minimum((told * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(place, weights=told - there, minlength=BINS)
    return float(np.abs(gaps).sum() / len(told))


def scored(answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> TagScores:
    """Answers to rows of a set beside its tags, over the classes that both know.

    Raises:
        DataError: if there is none, or none of them is anywhere.
    """
    mine = {name: number for number, name in enumerate(names)}
    shared = [(mine[name], k) for k, name in enumerate(dataset.classes) if name in mine]
    rows = np.asarray(answered.rows, np.int64)
    own, theirs = (np.array([pair[side] for pair in shared], np.int64) for side in (0, 1))
    targets = dataset.targets.numbers[rows][:, theirs]
    if not (targets == 1).any():
        raise DataError(
            f"{dataset.name} has {enumerated(dataset.classes)}; in what is scored, nothing is of "
            f"the classes that the recognizer knows: {enumerated(names)}"
        )
    return TagScores(
        np.stack([answer.probabilities[own] for answer in answered.answers]),
        np.stack([answer.there[own] for answer in answered.answers]),
        targets,
        tuple(names[k] for k in own.tolist()),
        answered.seconds,
        answered.broken,
    )
