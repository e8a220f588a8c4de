"""Methods that are solved at once: numbers of each face, and a metric on them.

What is free - components, the power of whitening - is chosen by the area under the curve on
validation pairs, the threshold by their accuracy.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.people import Pairs
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation.verification import area_under, best_threshold, roc
from striate.models import create
from striate.progress import Clock, track
from striate.tasks.backbones import normalization_for, trained_weights
from striate.tasks.contract import Ask, Learned
from striate.tasks.faces.calibration import Calibration
from striate.tasks.faces.deep import Deep, Embedder, Reading
from striate.tasks.faces.metric import ChiSquare, Components, Cosine, Metric, parts_of, plain
from striate.tasks.faces.predictor import Crafted, Describes, Matcher, numbers_of
from striate.tasks.faces.prepared import Lined

NETWORK = "efficientnet_lite0"
COUNTS = (50, 100, 200, 300)  # components
POWERS = (0.5, 0.75, 1.0)  # of whitening
CELL = 59  # numbers of a histogram of patterns


def learn_pixels(data: Lined, ask: Ask) -> Learned:
    """Gray pixels and their correlation: nothing is learned but the threshold."""
    return learned(data, Crafted("pixels"), lambda numbers, _: [("", plain(numbers))])


def learn_lbp(data: Lined, ask: Ask) -> Learned:
    """Local binary patterns and chi2, cells weighted by a linear SVM or alike."""
    return learned(data, Crafted("lbp"), lambda numbers, pairs: chi2_metrics(numbers, pairs, CELL))


def learn_sift(data: Lined, ask: Ask) -> Learned:
    """SIFT on a grid, and the cosine of whitened components."""
    return learned(data, Crafted("sift"), cosine_metrics)


def learn_transfer(data: Lined, ask: Ask) -> Learned:
    """Feature maps of a pretrained network, and the cosine of whitened components."""
    name = ask.network or NETWORK
    weights = trained_weights(name, ask.weights)
    model = Embedder(Reading(name), create(name, weights=weights))
    deep = Deep(model, normalization_for(name, ask.weights))
    return learned(data, deep, cosine_metrics, network=name, weights=weights)


Solve = Callable[[Tensor, Pairs], Sequence[tuple[str, Metric]]]


def described(data: Lined, describes: Describes) -> Tensor:
    """(N, D) of the training faces, and after them of those of the validation split."""
    some = np.concatenate([np.flatnonzero(data.dataset.split == p) for p in (TRAIN, VALIDATION)])
    return torch.cat(list(track(numbers_of(describes, data.faces[some]), "describe faces")))


def learned(
    data: Lined, describes: Describes, solve: Solve, *, numbers: Tensor | None = None, **recipe: Any
) -> Learned:
    """Describes all faces, solves every form of the metric, and keeps the best on validation.

    Args:
        numbers: as `described` gave them; None: it is called.
    """
    clock = Clock()
    dataset = data.dataset
    train, held = (np.flatnonzero(dataset.split == part) for part in (TRAIN, VALIDATION))
    if numbers is None:
        with clock.stage("describe"):
            numbers = described(data, describes)
    with clock.stage("solve"):
        pairs = dataset.targets.pairs(train)
        chosen = dataset.targets.pairs(held)
        best: tuple[float, str, Metric] | None = None
        for words, metric in solve(numbers[: len(train)], pairs):
            similarity = similarities(metric, numbers[len(train) :], chosen)
            area = area_under(*roc(similarity, chosen.same))
            if best is None or area > best[0]:
                best = area, words, metric
    assert best is not None
    area, words, metric = best
    similarity = similarities(metric, numbers[len(train) :], chosen)
    calibration = Calibration.fitted(similarity, chosen.same)
    network = recipe.pop("network", None)
    return Learned(
        Matcher(data.aligner, describes, metric, calibration),
        measured(similarity, chosen.same),
        clock.seconds,
        network=network,
        recipe={**{name: str(one) for name, one in recipe.items()}, "metric": words},
        notes=(words,) if words else (),
    )


def measured(similarity: NDArray[np.float64], same: NDArray[np.bool_]) -> dict[str, float]:
    """Metrics on validation pairs, the accuracy at the threshold that is best there."""
    right = (similarity >= best_threshold(similarity, same)) == same
    return {"accuracy": float(right.mean()), "auc": area_under(*roc(similarity, same))}


def similarities(metric: Metric, numbers: Tensor, pairs: Pairs) -> NDArray[np.float64]:
    """(P,) of pairs of rows of numbers (N, D)."""
    vectors = metric.embed(numbers).numpy()
    return metric.similarity(vectors[pairs.first], vectors[pairs.second])


def cosine_metrics(numbers: Tensor, pairs: Pairs) -> list[tuple[str, Metric]]:
    """The plain cosine, and whitened ones."""
    return [("plain cosine", plain(numbers)), *whitened_metrics(numbers)]


def whitened_metrics(numbers: Tensor) -> list[tuple[str, Cosine]]:
    """Cosines of so many whitened components of numbers (N, D)."""
    most = len(numbers) - 1
    counts = sorted({min(count, most) for count in COUNTS})
    components = Components.of(numbers, counts[-1])
    return [
        (
            f"{count} components, whitened to the power {power:g}",
            components.whitened(count, power),
        )
        for count, power in product(counts, POWERS)
    ]


def chi2_metrics(
    numbers: Tensor, pairs: Pairs, cell: int, *, largest: Tensor | None = None
) -> list[tuple[str, Metric]]:
    """Chi2 with all cells alike, and weighted by a linear SVM on training pairs.

    Args:
        largest: (D,) by which numbers (N, D) are normalized; None: they are not.
    """
    from sklearn.svm import LinearSVC

    whole = ChiSquare(torch.ones(numbers.shape[1] // cell), cell, largest)
    vectors = whole.embed(numbers).numpy()
    parts = parts_of(vectors[pairs.first], vectors[pairs.second], cell)
    alike = np.full(parts.shape[1], 1 / parts.shape[1], np.float32)
    found: list[tuple[str, Metric]] = [
        ("chi2, all weights alike", replace(whole, weights=torch.from_numpy(alike)))
    ]
    scale = float(parts.mean()) or 1.0
    for cost in (0.001, 0.01, 0.1):
        solver = LinearSVC(C=cost, dual=False).fit(parts / scale, pairs.same)
        weights = np.maximum(-solver.coef_[0], 0)
        if weights.any():
            weights = (weights / weights.sum()).astype(np.float32)
            found.append(
                (f"chi2, weighted by a linear SVM, cost {cost:g}",
                 replace(whole, weights=torch.from_numpy(weights)))
            )  # fmt: skip
    return found
