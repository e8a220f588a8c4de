"""The parts of a comparison's report that are of labels."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate import pages
from striate.data import Dataset
from striate.models.weldon import Weldon
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.reasons import reasons
from striate.tasks.contract import Section
from striate.tasks.labels.report import confusion, reliability
from striate.tasks.labels.scores import Classified

SAMPLES, MISTAKES = 20, 12


def sections(comparison: Any) -> Iterable[Section]:
    """Samples of each class; confusion, mistakes, reasons and reliability of the best method."""
    row = comparison.best
    outcome = row.chosen
    scores, rows, dataset = outcome.scores, outcome.answered.rows, outcome.data.dataset
    assert isinstance(scores, Classified)
    yield Section("samples.html.jinja", samples(comparison.dataset))
    yield confusion(scores, row.title.lower(), "image")
    yield Section("mistakes.html.jinja", {"mistakes": mistakes(dataset, rows, scores)})
    if isinstance(outcome.recognizer.predictor, Classifier):
        found = depends_on(outcome.recognizer.predictor, dataset, rows, scores)
        regions = isinstance(outcome.recognizer.predictor.model, Weldon)
        yield Section("reasons.html.jinja", {"reasons": found, "regions": regions})
    yield reliability(scores, "image")


def samples(dataset: Dataset[Any]) -> dict[str, Any]:
    """A training picture of each class, and how many pictures it has."""
    train, found = dataset.train, []
    for number, name in enumerate(dataset.classes[:SAMPLES]):
        rows = np.flatnonzero(train.targets.single() == number)
        picture = pages.thumbnail(train, int(rows[0])) if len(rows) else None
        count = int((dataset.targets.single() == number).sum())
        found.append({"name": name, "count": count, "picture": picture})
    return {"samples": found, "more": max(0, len(dataset.classes) - SAMPLES)}


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
