"""Points beside marked points: PCK, errors in pixels and in lengths, part by part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Points
from striate.data.targets import enumerated
from striate.errors import DataError
from striate.evaluation.points import (
    average_precision,
    correct,
    distances,
    sigmas_of,
    similarity,
)
from striate.evaluation.resampling import Rows
from striate.plain import plain
from striate.tasks.contract import Answered, Scores

Floats = NDArray[np.float64]
SHARES = {"pck10": 0.1, "pck20": 0.2}


@dataclass(frozen=True, eq=False)
class PointScores(Scores):
    """Errors of every marked point, picture by picture.

    Attributes:
        parts: of the set.
        rows: of the pictures in the set.
        apart: (N, K) pixels; nan where a part is not marked, inf where the predictor lacks it.
        lengths: (N,) pixels that errors are measured by, and `measure`, what those are.
        similarities: (N,) object keypoint similarity; None where the set tells no areas.
        sure: (N,) mean of the scores of a picture's points.
        unknown: parts of the set that the predictor does not have.
    """

    examples: int
    seconds: float
    broken: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    rows: tuple[int, ...]
    apart: Floats
    lengths: Floats
    measure: str
    similarities: Floats | None
    sure: Floats
    unknown: tuple[str, ...] = ()

    @property
    def errors(self) -> Floats:
        """(N, K) in lengths."""
        return self.apart / self.lengths[:, None]

    def right(self, share: float) -> tuple[Floats, Floats]:
        """How many points of each picture (N,) are that near, and how many are marked (N,)."""
        each = correct(self.apart, self.lengths, share)
        return np.nansum(each, 1), (~np.isnan(each)).sum(1).astype(np.float64)

    @property
    def value(self) -> float:
        """PCK@0.1: the share of all marked points that are at most a tenth of the length away."""
        right, marked = self.right(SHARES["pck10"])
        return float(right.sum() / marked.sum()) if marked.sum() else float("nan")

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        right, marked = self.right(SHARES["pck10"])
        found: Floats = right[rows].sum(1) / np.maximum(marked[rows].sum(1), 1)
        return found

    def part(self, share: float) -> dict[str, float]:
        """PCK of each part; nan where it is marked nowhere."""
        each = correct(self.apart, self.lengths, share)
        marked = (~np.isnan(each)).sum(0)
        values = np.where(marked > 0, np.nansum(each, 0) / np.maximum(marked, 1), np.nan)
        return dict(zip(self.parts, values.tolist(), strict=True))

    @cached_property
    def part_errors(self) -> dict[str, tuple[float, float]]:
        """Of each part the mean error in pixels and in lengths; nan where it is marked nowhere or
        the predictor lacks it."""
        return {
            name: (mean(self.apart[:, k]), mean(self.errors[:, k]))
            for k, name in enumerate(self.parts)
        }

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """PCK, mean errors, the median, COCO's average precision, and PCK@0.1 of each part ("pck
        NAME")."""
        found, known = {}, self.errors[np.isfinite(self.errors)]
        for name, share in SHARES.items():
            right, marked = self.right(share)
            found[name] = float(right.sum() / marked.sum()) if marked.sum() else float("nan")
        found |= {
            "error_pixels": mean(self.apart),
            "error": mean(self.errors),
            "median_error": float(np.median(known)) if len(known) else float("nan"),
        }
        if self.similarities is not None:
            found["oks_map"] = average_precision(self.similarities, self.sure)
        return found | {f"pck {name}": value for name, value in self.part(SHARES["pck10"]).items()}

    def picture_errors(self) -> Floats:
        """(N,) the mean error of each picture in lengths; nan where nothing is marked."""
        return np.array([mean(row) for row in self.errors])

    def to_json(self) -> dict[str, Any]:
        """Everything in numbers; what a part that is marked nowhere has is null."""
        pck, errors = self.part(SHARES["pck10"]), self.part_errors
        values: dict[str, Any] = plain(
            {
                "images": len(self.rows),
                "points": int((~np.isnan(self.apart)).sum()),
                "measured_by": self.measure,
                "metrics": dict(self.metrics),
                "parts": [
                    {
                        "name": name,
                        "points": int((~np.isnan(self.apart[:, k])).sum()),
                        "pck10": pck[name],
                        "error_pixels": errors[name][0],
                        "error": errors[name][1],
                    }
                    for k, name in enumerate(self.parts)
                ],
                "unknown_parts": self.unknown,
            }
        )
        return values

    def lines(self) -> Iterator[str]:
        metrics = self.metrics
        yield (
            f"  PCK@0.2 {100 * metrics['pck20']:.1f} %, mean error "
            f"{metrics['error_pixels']:.1f} pixels, {100 * metrics['error']:.1f} % of "
            f"{self.measure}"
        )
        if "oks_map" in metrics:
            yield f"  average precision by OKS {100 * metrics['oks_map']:.1f} %"
        if len(self.parts) <= MANY:
            for name, (pixels, share) in self.part_errors.items():
                if not np.isnan(pixels):
                    yield f"  {name}: {pixels:.1f} pixels, {100 * share:.1f} %"
        if self.unknown:
            names = enumerated(self.unknown)
            yield f"  not among its parts, so wrong in PCK and without an error: {names}"


MANY = 25  # parts up to which each has a line


def mean(values: Floats) -> float:
    """Of those that are finite; nan where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def scored(answered: Answered, dataset: Dataset[Points], names: tuple[str, ...]) -> PointScores:
    """Answers beside points, parts compared by name.

    Raises:
        DataError: if predictor and set have no part in common.
    """
    parts, targets = dataset.classes, dataset.targets
    if not set(names) & set(parts):
        raise DataError(
            f"{dataset.name} has none of the parts {enumerated(names)}, only {enumerated(parts)}"
        )
    rows = np.array(answered.rows, np.int64)
    truth = targets.places[rows].astype(np.float64)
    found = np.full(truth.shape, np.inf)
    known = [(k, names.index(name)) for k, name in enumerate(parts) if name in names]
    ours, theirs = (list(each) for each in zip(*known, strict=True))
    for place, answer in enumerate(answered.answers):
        found[place, ours] = answer.places[theirs]
    sure = np.array([answer.scores[theirs].mean() for answer in answered.answers])
    similarities = None
    areas = targets.areas[rows]
    if len(rows) and np.isfinite(areas).all():
        sigmas = sigmas_of(parts)
        each = zip(found, truth, areas.tolist(), strict=True)
        similarities = np.array([similarity(f, t, area, sigmas) for f, t, area in each])
    return PointScores(
        len(rows),
        answered.seconds,
        answered.broken,
        parts,
        tuple(answered.rows),
        distances(found, truth),
        targets.lengths[rows],
        targets.measure,
        similarities,
        sure,
        tuple(name for name in parts if name not in names),
    )
