"""Probabilities beside the true classes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.names import percent
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.evaluation import Tree, calibration_error, scores, top_k, wilson_interval
from striate.evaluation.classification import in_top_k
from striate.evaluation.resampling import Rows
from striate.tasks.contract import Answered, Scores
from striate.tasks.labels.answers import Answer

MANY = 5  # classes above which top-5 says something


@dataclass(frozen=True, eq=False)
class Classified(Scores):
    """The answers to some examples.

    Attributes:
        probabilities: (N, classes).
        targets: (N,) the true classes, by the predictor's numbers.
        names: of the predictor's classes.
        tree: classes of classes, where mistakes are weighed by them.
    """

    probabilities: NDArray[np.float32]
    targets: NDArray[np.int64]
    names: tuple[str, ...]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()
    tree: Tree | None = None

    @property
    def examples(self) -> int:  # type: ignore[override]
        return len(self.targets)

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """(N,) 1 where the most probable class is the true one, else 0."""
        return in_top_k(self.probabilities, self.targets).astype(float)

    @cached_property
    def given(self) -> NDArray[np.int64]:
        """(N,) the most probable class."""
        return np.nan_to_num(self.probabilities).argmax(1)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(N,) its probability; 0 where that is not known."""
        return np.nan_to_num(self.probabilities, posinf=0.0).max(1)

    @property
    def value(self) -> float:
        return float(self.right.mean())

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Wilson's (1927), which holds for few examples and near 0 and 1, too."""
        return wilson_interval(self.value, self.examples)

    @property
    def chance(self) -> float | None:
        """The share of the commonest class, which is right as often if it is always given."""
        return float(np.bincount(self.targets).max() / self.examples) if self.examples else None

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        means: NDArray[np.float64] = self.right[rows].mean(1)
        return means

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        found = {"top1": self.value}
        if len(self.names) > MANY:
            found["top5"] = top_k(self.probabilities, self.targets, 5)
        return {**found, "calibration_error": calibration_error(self.probabilities, self.targets)}

    @cached_property
    def details(self) -> dict[str, Any]:
        """Everything that `striate.evaluation.scores` knows of them."""
        return scores(self.probabilities, self.targets, self.names, tree=self.tree)

    def to_json(self) -> dict[str, Any]:
        return {"metrics": dict(self.metrics), **self.details}

    def lines(self) -> Iterable[str]:
        found = self.details
        if found["top5"]:
            yield f"top-5 {_with_interval(found['top5'])}"
        error = {"value": found["calibration_error"], "interval": found["calibration_interval"]}
        yield f"calibration error {_with_interval(error)}"
        tree = found.get("tree", {})
        for row in tree.get("depths", ()):
            top1 = percent(row["top1"])
            yield f"top-1 of {row['classes']} classes at depth {row['depth']}: {top1}"
        if tree:
            yield f"hierarchical error {tree['hierarchical_error']:.3f}"
        if tree.get("height_of_mistakes") is not None:
            yield f"mean height of a mistake in the tree: {tree['height_of_mistakes']:.2f}"
        width = max(len("class"), *(len(row["name"]) for row in found["classes"]))
        yield f"{'class':<{width}}  {'examples':>8}  {'precision':>9}  {'recall':>8}"
        for row in found["classes"]:
            precision, recall = percent(row["precision"]), percent(row["recall"])
            yield f"{row['name']:<{width}}  {row['images']:>8}  {precision:>9}  {recall:>8}"


def _with_interval(score: dict[str, Any]) -> str:
    low, high = score["interval"]
    return f"{percent(score['value'])} (95 %: {percent(low)} to {percent(high)})"


def classified(
    answered: Answered, dataset: Dataset[Any], names: tuple[str, ...], *, tree: Tree | None = None
) -> Classified:
    """Answers to rows of a set beside their labels.

    Raises:
        DataError: if an example is of a class that the predictor lacks.
    """
    rows = np.asarray(answered.rows, np.int64)
    return Classified(
        stacked(answered.answers, len(names)),
        targets_of(dataset, rows, names),
        names,
        answered.seconds,
        answered.broken,
        tree,
    )


def stacked(answers: Sequence[Answer], classes: int) -> NDArray[np.float32]:
    """The probabilities (N, classes) of answers."""
    if not len(answers):
        return np.zeros((0, classes), np.float32)
    return np.stack([answer.probabilities for answer in answers])


def targets_of(
    dataset: Dataset[Any], rows: NDArray[np.int64], names: tuple[str, ...]
) -> NDArray[np.int64]:
    """The true classes (N,) of rows by the predictor's numbers.

    Raises:
        DataError: if one of them is of a class that the predictor lacks.
    """
    places = {name: number for number, name in enumerate(names)}
    numbers = np.array([places.get(name, -1) for name in dataset.classes], np.int64)
    targets = numbers[dataset.targets.single()[rows]]
    if (targets < 0).any():
        labels = dataset.targets.single()[rows][targets < 0]
        strange = [dataset.classes[number] for number in np.unique(labels)]
        raise DataError(
            f"the recognizer does not know {enumerated(strange)}; it knows {enumerated(names)}"
        )
    return targets
