"""Detections beside what is marked: average precision, and the kinds of mistakes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.evaluation.detection import (
    Curve,
    Judged,
    Mistakes,
    average_precisions,
    coco_average_precision,
    judged,
    mean,
    mistakes,
)
from striate.evaluation.detection_resampling import mean_average_precisions
from striate.evaluation.resampling import Rows
from striate.models.matching import Detections
from striate.plain import plain
from striate.tasks.contract import Answered, Scores
from striate.tasks.detection.prediction import Answer


@dataclass(frozen=True, eq=False)
class DetectionScores(Scores):
    """Detections beside what is marked, image by image.

    Attributes:
        classes: of the set.
        rows: of the images in the set.
        found, truth: as many as `rows`; classes of `found` are numbers in `classes`.
        unknown: classes of the set that the predictor does not have.
    """

    examples: int
    seconds: float
    broken: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]
    rows: tuple[int, ...]
    found: tuple[Detections, ...]
    truth: tuple[Objects, ...]
    unknown: tuple[str, ...] = ()

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """The detections of each class, right or wrong at an overlap of 0.5."""
        numbers = range(len(self.classes))
        return tuple(judged(self.found, self.truth, number) for number in numbers)

    @cached_property
    def average_precisions(self) -> dict[str, float]:
        """Of each class at an overlap of 0.5, under the whole curve; nan where it has no object."""
        each = zip(self.classes, self.judged, strict=True)
        return {name: one.curve.average() for name, one in each}

    @property
    def value(self) -> float:
        """The mean of average precisions."""
        return mean(np.array(list(self.average_precisions.values())))

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        return mean_average_precisions(self.judged, rows)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """VOC's three forms, COCO's, and the average precision of each class, "ap50 NAME"."""
        count = len(self.classes)
        coco = coco_average_precision(self.found, self.truth, count)
        points = average_precisions(self.found, self.truth, count, form="11")
        return {
            "map50": self.value,
            "map50_11_points": mean(points),
            "coco_ap": mean(coco),
            "coco_ap50": mean(coco[0]),
            "coco_ap75": mean(coco[5]),
            **{f"ap50 {name}": value for name, value in self.average_precisions.items()},
        }

    @cached_property
    def threshold(self) -> float:
        """The score from which on precision and recall together (F1) are best, over all classes."""
        scores = np.concatenate([one.scores for one in self.judged])
        right = np.concatenate([one.right for one in self.judged])
        order = np.argsort(-scores, kind="stable")
        objects = sum(int(one.objects.sum()) for one in self.judged)
        hits, count = np.cumsum(right[order]), np.arange(1, len(order) + 1)
        return float(scores[order][np.argmax(2 * hits / (count + objects))]) if len(order) else 0.5

    def curve(self, name: str) -> Curve:
        """Precision and recall of a class."""
        return self.judged[self.classes.index(name)].curve

    def mistakes(self, least: float = 0.5) -> Mistakes:
        """The kinds of mistakes among detections with a score of `least` or more."""
        return mistakes(self.found, self.truth, least=least)

    def to_json(self) -> dict[str, Any]:
        """Everything in numbers; the average precision of a class without an object is null."""
        values: dict[str, Any] = plain(
            {
                "images": len(self.rows),
                "metrics": dict(self.metrics),
                "classes": [
                    {"name": name, "objects": int(one.objects.sum()), "ap50": one.curve.average()}
                    for name, one in zip(self.classes, self.judged, strict=True)
                ],
                "mistakes": asdict(self.mistakes()),
                "unknown_classes": self.unknown,
            }
        )
        return values

    def lines(self) -> Iterator[str]:
        for name, value in self.average_precisions.items():
            if not np.isnan(value):  # a class that is nowhere in these images has none
                yield f"  {name}: {100 * value:.1f} %"
        counts = asdict(self.mistakes()).items()
        yield "  from a score of 0.5: " + ", ".join(
            f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts
        )
        if self.unknown:
            yield f"  not among its classes: {enumerated(self.unknown)}"


def scored(answered: Answered, dataset: Dataset[Boxes], names: tuple[str, ...]) -> DetectionScores:
    """Answers beside what is marked, classes compared by name: what the set does not have is left
    out, and what the predictor does not have is never detected.

    Raises:
        DataError: if they have no class in common.
    """
    classes = dataset.classes
    if not set(names) & set(classes):
        raise DataError(
            f"{dataset.name} has none of the classes {enumerated(names)}, only "
            f"{enumerated(classes)}"
        )
    numbers = None
    if names != classes:
        places = [classes.index(name) if name in classes else -1 for name in names]
        numbers = torch.tensor(places)
    sizes = dataset.targets.sizes[list(answered.rows)].tolist()
    found = [in_frame(*pair) for pair in zip(answered.answers, sizes, strict=True)]
    return DetectionScores(
        len(answered.rows),
        answered.seconds,
        answered.broken,
        classes,
        tuple(answered.rows),
        tuple(one if numbers is None else renumbered(one, numbers) for one in found),
        tuple(dataset.targets.objects[row] for row in answered.rows),
        tuple(name for name in classes if name not in names),
    )


def in_frame(answer: Answer, size: Sequence[int]) -> Detections:
    """Detections in pixels of a picture of (height, width), as the set has it: a huge one may be
    told at a scale there."""
    height, width = size
    if (answer.height, answer.width) == (height, width):
        return answer.detections
    factors = [width / answer.width, height / answer.height] * 2
    boxes = answer.detections.boxes
    return replace(answer.detections, boxes=boxes * boxes.new_tensor(factors))


def renumbered(one: Detections, numbers: torch.Tensor) -> Detections:
    """Detections by other class numbers (K,); those of a class with the number -1 are left out."""
    classes = numbers[one.classes.cpu()]
    known = classes >= 0
    return Detections(one.boxes[known], classes[known], one.scores[known])


def validation_metrics(
    found: Sequence[Detections], truth: Sequence[Objects], names: Sequence[str]
) -> dict[str, float]:
    """ "map50", and "ap50 NAME" of each class that has an object."""
    each = average_precisions(found, truth, len(names))
    named = zip(names, each.tolist(), strict=True)
    return {"map50": mean(each)} | {f"ap50 {name}": ap for name, ap in named if not np.isnan(ap)}
