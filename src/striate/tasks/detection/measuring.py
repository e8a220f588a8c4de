"""What a finder sees in the images of a split, and how good that is."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from striate import progress
from striate.data.boxes import BoxedDataset, Objects, whole
from striate.errors import DataError, ImageError
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
from striate.models.matching import Detections
from striate.tasks.detection.finder import Finder


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found beside what is marked, image by image.

    Attributes:
        rows: of the images in the set they were measured on.
        found, truth: as many as `rows`.
        seconds: to find what is in one image, mean; decoding is not counted.
        broken: images that could not be read, with the reason.
    """

    classes: tuple[str, ...]
    rows: tuple[int, ...]
    found: tuple[Detections, ...]
    truth: tuple[Objects, ...]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """The detections of each class, right or wrong at an overlap of 0.5."""
        numbers = range(len(self.classes))
        return tuple(judged(self.found, self.truth, number) for number in numbers)

    @property
    def average_precisions(self) -> dict[str, float]:
        """Of each class at an overlap of 0.5, under the whole curve; NaN where nothing is."""
        each = zip(self.classes, self.judged, strict=True)
        return {name: one.curve.average() for name, one in each}

    @property
    def map50(self) -> float:
        """Their mean."""
        return mean(np.array(list(self.average_precisions.values())))

    @cached_property
    def threshold(self) -> float:
        """The score from which on precision and recall together (F1) are best, all classes."""
        scores = np.concatenate([one.scores for one in self.judged])
        right = np.concatenate([one.right for one in self.judged])
        order = np.argsort(-scores, kind="stable")
        things = sum(int(one.things.sum()) for one in self.judged)
        hits, count = np.cumsum(right[order]), np.arange(1, len(order) + 1)
        return float(scores[order][np.argmax(2 * hits / (count + things))]) if len(order) else 0.5

    def curve(self, name: str) -> Curve:
        """Precision and recall of a class."""
        return self.judged[self.classes.index(name)].curve

    def mistakes(self, least: float = 0.5) -> Mistakes:
        """The kinds of mistakes among what has a score of `least` or more."""
        return mistakes(self.found, self.truth, least=least)

    def to_json(self) -> dict[str, Any]:
        """All of it in numbers: VOC's three forms, COCO's, the mistakes, the seconds."""
        count = len(self.classes)
        coco = coco_average_precision(self.found, self.truth, count)
        points = average_precisions(self.found, self.truth, count, form="11")
        each = self.average_precisions
        return {
            "images": len(self.rows),
            "map50": self.map50,
            "map50_11_points": mean(points),
            "coco_ap": mean(coco),
            "coco_ap50": mean(coco[0]),
            "coco_ap75": mean(coco[5]),
            "classes": [
                {
                    "name": name,
                    "things": int(sum((o.classes[o.asked] == k).sum() for o in self.truth)),
                    "ap50": None if np.isnan(value) else value,
                }
                for k, (name, value) in enumerate(each.items())
            ],
            "mistakes": asdict(self.mistakes()),
            "seconds_an_image": self.seconds,
            "left_out": [{"name": name, "reason": reason} for name, reason in self.broken],
        }


def measured(
    finder: Finder, data: BoxedDataset, rows: Sequence[int], *, numbers: Sequence[int] | None = None
) -> Measured:
    """Looks at these images of a set.

    Args:
        numbers: for each class of the finder its number in the set, -1 for one the set does not
            have; None: they are the same.

    Raises:
        DataError: if there is no image, or none can be read.
    """
    found, truth, kept, broken = [], [], [], []
    seconds = 0.0
    names = None if numbers is None else np.asarray(numbers)
    for row in progress.track(list(rows), "find"):
        try:
            pixels = whole(data.images, row)
        except ImageError as error:
            broken.append((data.images.name(row), str(error)))
            continue
        start = time.perf_counter()
        one = finder.find(pixels)
        seconds += time.perf_counter() - start
        kept.append(row)
        found.append(one if names is None else _renamed(one, names))
        truth.append(data.objects[row])
    if not kept:
        why = f": {broken[0][1]}" if broken else ""
        raise DataError(f"{data.name}: no image to look at{why}")
    return Measured(
        data.classes, tuple(kept), tuple(found), tuple(truth), seconds / len(kept), tuple(broken)
    )


def _renamed(one: Detections, numbers: np.ndarray) -> Detections:
    """Detections by other class numbers; those of classes that have none there are gone."""
    import torch

    classes = torch.from_numpy(numbers)[one.classes.cpu()]
    known = classes >= 0
    return Detections(one.boxes[known], classes[known], one.scores[known])
