"""How good samples are, beside two halves of the real pictures and beside noise."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, decode
from striate.data.names import percent
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation.generation import (
    Moments,
    Nearest,
    frechet,
    frechet_influence,
    moments,
    nearest,
    parzen,
    precision_recall,
)
from striate.evaluation.resampling import Rows
from striate.images import View
from striate.plain import plain
from striate.tasks.contract import Answered, Scores
from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.judge import Judge, fitting, judge_of

NEIGHBORLY = 4000  # pictures of each side, of precision and recall
COPIES = 256  # samples whose nearest training picture is looked for
SIGMAS = tuple(np.logspace(-1.5, 0, 16).tolist())
KERNELS = 10_000  # of the Parzen window at most, as many as in the paper
CHOSEN = 1000  # validation pictures that its width is chosen on
WORK = 10**11  # products that its distances may take
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Reference:
    """Real pictures, and what they are to a judge.

    Attributes:
        pixels: (N, S, S, C) in the judge's view.
        features: (N, D).
        halves: the rows of two halves, drawn.
        moments: of each half.
        floor: the distance between them.
        ceiling: their distance from pictures of noise.
        noise: (N, D) of those.
    """

    judge: Judge
    pixels: Pixels
    features: NDArray[np.float64]
    halves: tuple[NDArray[np.int64], NDArray[np.int64]]
    moments: tuple[Moments, Moments]
    floor: float
    ceiling: float
    noise: NDArray[np.float64]

    def distance(self, features: NDArray[np.float64]) -> float:
        """The Fréchet distance of samples (N, D): the mean over two halves of them, each from a
        half of the real pictures. The fewer rows, the larger is a distance even of equal
        distributions; so it is measured on as many as the floor."""
        pairs = zip(self.halves, self.moments, strict=True)
        return float(np.mean([frechet(moments(features[rows]), real) for rows, real in pairs]))

    def influence(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) of each pair of a real picture and a sample on that distance; their mean over other
        draws of the pairs is how much it changes, to first order."""
        found = np.zeros(len(features))
        for rows, real in zip(self.halves, self.moments, strict=True):
            mine = moments(features[rows])
            found[rows] += frechet_influence(self.features[rows], real, mine)
            found[rows] += frechet_influence(features[rows], mine, real)
        return found

    def closeness(self, distance: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """1 at the floor, 0 at the ceiling, and nothing beyond."""
        found: NDArray[np.float64] = np.clip(self.place(distance), 0.0, 1.0)
        return found

    def place(self, distance: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The same, going on beyond floor and ceiling."""
        return np.asarray(1 - (distance - self.floor) / max(self.ceiling - self.floor, TINY))


def reference(judge: Judge, pixels: Pixels) -> Reference:
    """Of real pictures (N, S, S, C), at least one."""
    random = np.random.default_rng(0)
    features = judge.features(pixels)
    order = random.permutation(len(pixels))
    half = (len(order) + 1) // 2
    halves = order[:half], order[-half:]
    first, second = (moments(features[rows]) for rows in halves)
    noise = judge.features(random.integers(0, 256, pixels.shape, np.uint8))
    found = Reference(
        judge, pixels, features, halves, (first, second), frechet(first, second), np.inf, noise
    )
    return replace(found, ceiling=found.distance(noise))


_kept: dict[str, Reference] = {}


def reference_of(dataset: Dataset[Any], rows: Sequence[int]) -> Reference:
    """Of rows of a set; the last few are kept."""
    judge = judge_of(dataset)
    key = hashlib.sha256(f"{id(judge)} {tuple(rows)}".encode()).hexdigest()
    if key not in _kept:
        while len(_kept) > 3:
            _kept.pop(next(iter(_kept)))
        _kept[key] = reference(judge, pixels_at(dataset, rows, judge.view))
    return _kept[key]


def pixels_at(dataset: Dataset[Any], rows: Sequence[int], view: View) -> Pixels:
    """(N, S, S, C) of rows of a set."""
    return decode(dataset.take(np.asarray(rows, np.int64)), [view]).pixels[view]


def spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of them, from the first to the last in equal steps."""
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(int)]


@dataclass(frozen=True, eq=False)
class Realism(Scores):
    """Samples beside as many real pictures."""

    reference: Reference
    made: Pixels
    dataset: Dataset[Any]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()

    @property
    def examples(self) -> int:  # type: ignore[override]
        return len(self.made)

    @property
    def chance(self) -> float:
        """What noise gets."""
        return 0.0

    @cached_property
    def features(self) -> NDArray[np.float64]:
        """(N, D) of the samples."""
        return self.reference.judge.features(self.made)

    @cached_property
    def distance(self) -> float:
        """The Fréchet distance of samples and real pictures."""
        return self.reference.distance(self.features)

    @property
    def value(self) -> float:
        """Where the distance lies between noise's, 0, and that of two halves of the real, 1."""
        return float(self.reference.closeness(self.distance))

    @cached_property
    def influence(self) -> NDArray[np.float64]:
        """(N,) of each pair of a real picture and a sample, on the distance."""
        return self.reference.influence(self.features)

    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        return self.reference.closeness(self.distance + self.influence[rows].mean(1))

    @cached_property
    def neighbors(self) -> tuple[float, float]:
        """Precision and recall."""
        some = spread(np.arange(self.examples), NEIGHBORLY)
        return precision_recall(self.reference.features[some], self.features[some])

    @cached_property
    def precision_of_noise(self) -> float:
        """Much where pictures are few and one of them lies far off: then precision says little."""
        some = spread(np.arange(self.examples), NEIGHBORLY)
        return precision_recall(self.reference.features[some], self.reference.noise[some])[0]

    @cached_property
    def nearest(self) -> Nearest:
        """The nearest training picture to each of the first samples, by pixels."""
        train = self.training
        points = self.made[:COPIES].reshape(min(COPIES, self.examples), -1)
        return nearest(points.astype(np.float32), train.reshape(len(train), -1).astype(np.float32))

    @property
    def copies(self) -> float:
        """The share of those samples that seem to be copies; nan without training pictures."""
        return float(self.nearest.copied.mean()) if len(self.training) else float("nan")

    @cached_property
    def training(self) -> Pixels:
        """(M, S, S, C)."""
        rows = np.flatnonzero(self.dataset.split == TRAIN)
        return pixels_at(self.dataset, rows.tolist(), self.reference.judge.view)

    @cached_property
    def likelihood(self) -> tuple[float, float, float]:
        """Mean log-likelihood of the real pictures under a Parzen window of the samples, in nats,
        its standard error, and the width that was best for the validation pictures; nan where there
        are none of those."""
        size = self.made[0].size
        most = min(KERNELS, int(np.sqrt(WORK / size)))
        chosen = spread(np.flatnonzero(self.dataset.split == VALIDATION), CHOSEN)
        if not len(chosen):
            return float("nan"), float("nan"), float("nan")
        view = self.reference.judge.view
        kernels, real, held = (
            one.reshape(len(one), -1).astype(np.float32) / 255
            for one in (self.made[:most], self.reference.pixels[:most],
                        pixels_at(self.dataset, chosen.tolist(), view))
        )  # fmt: skip
        sigma = SIGMAS[int(parzen(kernels, held, SIGMAS).mean(1).argmax())]
        (each,) = parzen(kernels, real, [sigma])
        error = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else float("nan")
        return float(each.mean()), error, sigma

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        precision, recall = self.neighbors
        likelihood, error, sigma = self.likelihood
        return {
            "frechet": self.distance,
            "floor": self.reference.floor,
            "ceiling": self.reference.ceiling,
            "of_noise": self.distance / max(self.reference.ceiling, TINY),
            "precision": precision,
            "precision_of_noise": self.precision_of_noise,
            "recall": recall,
            "copies": self.copies,
            "parzen": likelihood,
            "parzen_error": error,
            "sigma": sigma,
        }

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = plain(
            {"metrics": dict(self.metrics), "judge": self.reference.judge.title}
        )
        return found

    def lines(self) -> Iterable[str]:
        found = self.metrics
        yield (
            f"Fréchet distance {found['frechet']:.4g}, {percent(found['of_noise'])} of noise's "
            f"{found['ceiling']:.4g}; two halves of the real pictures {found['floor']:.4g}"
        )
        yield f"features of {self.reference.judge.title}"
        yield (
            f"precision {percent(found['precision'])} (noise has "
            f"{percent(found['precision_of_noise'])}), recall {percent(found['recall'])}; "
            f"{percent(found['copies'])} seem to be copies of training pictures"
        )
        if not np.isnan(found["parzen"]):
            yield (
                f"Parzen log-likelihood {found['parzen']:.4g} ± {found['parzen_error']:.2g} nats "
                f"(sigma {found['sigma']:.2g})"
            )


def scored(answered: Answered, dataset: Dataset[Any]) -> Realism:
    """Samples beside rows of a set."""
    some = spread(np.arange(len(answered.rows)), judge_of(dataset).many).tolist()
    real = reference_of(dataset, [answered.rows[place] for place in some])
    made = np.stack([answered.answers[place].pixels for place in some])
    return Realism(real, fitting(made, real.judge.view), dataset, answered.seconds, answered.broken)
