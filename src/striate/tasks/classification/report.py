"""The parts of a comparison's report that are of labels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate import pages
from striate.data import Dataset
from striate.evaluation import confusion, precision_recall
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.reasons import reasons
from striate.tasks.contract import Section
from striate.tasks.labels.scores import Classified

CONFUSION_CLASSES = 30  # more are shown as the most confused pairs
SAMPLES, MISTAKES, PAIRS = 20, 12, 30


def sections(comparison: Any) -> Iterable[Section]:
    """Samples of each class; confusion, mistakes, reasons and reliability of the best method."""
    row = comparison.best
    outcome = row.chosen
    scores, rows, dataset = outcome.scores, outcome.answered.rows, outcome.data.dataset
    assert isinstance(scores, Classified)
    yield Section("samples.html.jinja", samples(comparison.dataset))
    title = {"title": row.title.lower()}
    yield Section("confusion.html.jinja", title | confused(scores))
    yield Section("mistakes.html.jinja", {"mistakes": mistakes(dataset, rows, scores)})
    if isinstance(outcome.recognizer.predictor, Classifier):
        found = depends_on(outcome.recognizer.predictor, dataset, rows, scores)
        yield Section("reasons.html.jinja", {"reasons": found})
    yield Section("reliability.html.jinja", {"dots": reliability(scores)})


def samples(dataset: Dataset[Any]) -> dict[str, Any]:
    """A training picture of each class, and how many pictures it has."""
    train, found = dataset.train, []
    for number, name in enumerate(dataset.classes[:SAMPLES]):
        rows = np.flatnonzero(train.targets.single() == number)
        picture = pages.thumbnail(train, int(rows[0])) if len(rows) else None
        count = int((dataset.targets.single() == number).sum())
        found.append({"name": name, "count": count, "picture": picture})
    return {"samples": found, "more": max(0, len(dataset.classes) - SAMPLES)}


def confused(scores: Classified) -> dict[str, Any]:
    """A colored table, or for many classes the pairs most often confused."""
    classes, table = scores.names, confusion(scores.probabilities, scores.targets)
    if len(classes) > CONFUSION_CLASSES:
        wrong = table.copy()
        np.fill_diagonal(wrong, 0)
        order = [int(k) for k in np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]]
        places = [divmod(k, len(classes)) for k in order]
        pairs = [
            {"true": classes[t], "given": classes[g], "count": int(wrong[t, g])}
            for t, g in places
            if wrong[t, g]
        ]
        return {"rows": None, "pairs": pairs}
    precision, recall = precision_recall(table)
    rows = []
    for name, counts, value in zip(classes, table, recall, strict=True):
        total = max(int(counts.sum()), 1)
        cells = [{"count": int(c), "share": f"{c / total:.2f}"} for c in counts]
        rows.append({"name": name, "cells": cells, "recall": _percent(value)})
    precisions = [_percent(value) for value in precision]
    return {"rows": rows, "classes": classes, "precisions": precisions}


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.0%}"


def mistakes(
    dataset: Dataset[Any], rows: tuple[int, ...], scores: Classified
) -> list[dict[str, Any]]:
    """The most confident wrong answers, with their pictures."""
    given, confidence = scores.given, scores.confidence
    wrong = np.flatnonzero(scores.right == 0)
    order: NDArray[np.int64] = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return [
        {
            "name": dataset.inputs.name(rows[place]),
            "given": scores.names[given[place]],
            "true": scores.names[scores.targets[place]],
            "probability": float(confidence[place]),
            "picture": pages.thumbnail(dataset, rows[place]),
        }
        for place in order[:MISTAKES].tolist()
    ]


def depends_on(
    predictor: Classifier, dataset: Dataset[Any], rows: tuple[int, ...], scores: Classified
) -> list[dict[str, Any]]:
    """What some answers depend on, right ones first."""
    return [
        {
            "given": scores.names[reason.given],
            "true": None if reason.right else scores.names[scores.targets[reason.place]],
            "picture": pages.embedded(Image.fromarray(reason.picture)),
        }
        for reason in reasons(predictor, dataset, rows, scores)
    ]


def reliability(scores: Classified, *, bins: int = 10) -> list[dict[str, str]]:
    """A dot for each tenth of confidence, in a drawing 210 wide and high."""
    confidence, right = scores.confidence, scores.right
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    dots = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            x, y = 40 + 210 * confidence[inside].mean(), 220 - 210 * right[inside].mean()
            radius = 3 + 9 * np.sqrt(inside.mean())
            dots.append({"x": f"{x:.1f}", "y": f"{y:.1f}", "r": f"{radius:.1f}"})
    return dots
