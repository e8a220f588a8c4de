"""Class maps beside masks: overlap, pixels, borders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import VOID, Dataset, Masks
from striate.data.names import percent
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.evaluation.resampling import Rows
from striate.evaluation.segmentation import boundary_f, confusion, mean_overlaps, overlaps
from striate.plain import plain
from striate.progress import track
from striate.tasks.contract import Answered, Scores


@dataclass(frozen=True, eq=False)
class SegmentationScores(Scores):
    """Class maps beside masks, image by image; void pixels do not count.

    Attributes:
        classes: of the set.
        rows: of the images in the set.
        pixels: (N, classes, classes + 1) how many pixels of each class are found as which; those
            found as no class of the set stand last.
        borders: (N,) F of the borders in each image; nan where it shows none.
        unknown: classes of the set that the predictor does not have.
    """

    examples: int
    seconds: float
    broken: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]
    rows: tuple[int, ...]
    pixels: NDArray[np.int64]
    borders: NDArray[np.float64]
    unknown: tuple[str, ...] = ()

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Hits, truth and found, (N, classes) each."""
        hits = np.diagonal(self.pixels, axis1=1, axis2=2)
        return hits, self.pixels.sum(2), self.pixels.sum(1)[:, :-1]

    @cached_property
    def overlap(self) -> dict[str, float]:
        """Intersection over union of each class, all images together; nan where it is in none."""
        each = overlaps(*(counts.sum(0) for counts in self._counts))
        return dict(zip(self.classes, each.tolist(), strict=True))

    @property
    def value(self) -> float:
        """The mean of the overlaps."""
        return float(np.nanmean(list(self.overlap.values())))

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        return mean_overlaps(*self._counts, rows)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """Overlap in the mean and of each class ("iou NAME"), the share of pixels that are right,
        and F of the borders."""
        hits, truth, _ = (counts.sum(0) for counts in self._counts)
        known = self.borders[~np.isnan(self.borders)]
        return {
            "miou": self.value,
            "pixel_accuracy": float(hits.sum() / max(1, truth.sum())),
            "class_accuracy": float(np.mean(hits[truth > 0] / truth[truth > 0])),
            "boundary_f": float(known.mean()) if len(known) else float("nan"),
            **{f"iou {name}": value for name, value in self.overlap.items()},
        }

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(classes, classes + 1) pixels of all images."""
        total: NDArray[np.int64] = self.pixels.sum(0)
        return total

    def image_overlaps(self) -> NDArray[np.float64]:
        """(N,) the mean overlap of each image by itself."""
        each = overlaps(*self._counts)
        known = ~np.isnan(each)
        mean: NDArray[np.float64] = np.where(known, each, 0).sum(1) / np.maximum(known.sum(1), 1)
        return mean

    def to_json(self) -> dict[str, Any]:
        """Everything in numbers; the overlap of a class that is in no mask is null."""
        truth = self._counts[1].sum(0)
        values: dict[str, Any] = plain(
            {
                "images": len(self.rows),
                "metrics": dict(self.metrics),
                "classes": [
                    {"name": name, "pixels": int(count), "iou": self.overlap[name]}
                    for name, count in zip(self.classes, truth, strict=True)
                ],
                "confusion": self.confusion.tolist(),
                "unknown_classes": self.unknown,
            }
        )
        return values

    def lines(self) -> Iterator[str]:
        for name, value in self.overlap.items():
            if not np.isnan(value):
                yield f"  {name}: {percent(value)}"
        metrics = self.metrics
        right, borders = percent(metrics["pixel_accuracy"]), percent(metrics["boundary_f"])
        yield f"  pixels right {right}, borders (F) {borders}"
        if self.unknown:
            yield f"  not among its classes, so never found: {enumerated(self.unknown)}"


def scored(
    answered: Answered, dataset: Dataset[Masks], names: tuple[str, ...]
) -> SegmentationScores:
    """Answers beside masks, classes compared by name: what the set does not have counts as none of
    its classes, and what the predictor does not have is never found.

    Raises:
        DataError: if they have no class in common.
    """
    classes = dataset.classes
    if not set(names) & set(classes):
        raise DataError(
            f"{dataset.name} has none of the classes {enumerated(names)}, only "
            f"{enumerated(classes)}; a list such as classes.txt beside its masks names them"
        )
    count = len(classes)
    places = np.full(256, count, np.uint8)
    places[: len(names)] = [classes.index(name) if name in classes else count for name in names]
    pixels, borders = [], []
    each = zip(answered.rows, answered.answers, strict=True)
    for row, answer in track(each, "score", len(answered.rows)):
        truth, found = dataset.targets.maps[row].read(), places[answer.labels]
        pixels.append(confusion(truth, found, count, VOID))
        borders.append(boundary_f(truth, found, count, VOID))
    return SegmentationScores(
        len(answered.rows),
        answered.seconds,
        answered.broken,
        classes,
        tuple(answered.rows),
        np.array(pixels, np.int64).reshape(-1, count, count + 1),
        np.array(borders),
        tuple(name for name in classes if name not in names),
    )
