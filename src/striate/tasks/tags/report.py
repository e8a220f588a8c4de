"""The parts of a comparison's report that are of tags."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from striate import pages
from striate.data import Dataset
from striate.data.names import percent
from striate.data.splits import TRAIN
from striate.tasks.contract import Section
from striate.tasks.tags.scores import TagScores

SAMPLES, MISTAKES = 24, 12
ROWS = 60  # classes in the table


def sections(comparison: Any) -> Iterable[Section]:
    """A picture of each class; average precision class by class for every method; the most
    confident mistakes of the best method, both ways."""
    row = comparison.best
    outcome = row.chosen
    scores, rows, dataset = outcome.scores, outcome.answered.rows, outcome.data.dataset
    assert isinstance(scores, TagScores)
    yield Section("samples.html.jinja", samples(comparison.dataset))
    yield Section("classes.html.jinja", table(comparison, scores) | {"title": row.title.lower()})
    found = {
        "wrong": mistakes(dataset, rows, scores, there=False),
        "missed": mistakes(dataset, rows, scores, there=True),
        "title": row.title,
    }
    yield Section("mistakes.html.jinja", found)


def samples(dataset: Dataset[Any]) -> dict[str, Any]:
    """A training picture of each class, and how many pictures it has."""
    train, found = dataset.split == TRAIN, []
    total = (dataset.targets.numbers == 1).sum(0)
    order = np.argsort(-total, kind="stable")[:SAMPLES]
    for number in order.tolist():
        rows = np.flatnonzero(train & (dataset.targets.numbers[:, number] == 1))
        few = (dataset.targets.numbers[rows] == 1).sum(1)  # where little else is to be seen
        picture = pages.thumbnail(dataset, int(rows[few.argmin()])) if len(rows) else None
        name, count = dataset.classes[number], int(total[number])
        found.append({"name": name, "count": count, "picture": picture})
    return {"samples": found, "more": max(0, len(dataset.classes) - SAMPLES)}


def table(comparison: Any, best: TagScores) -> dict[str, Any]:
    """Average precision of every class by every method; of the best with its interval."""
    methods = [(row.title, row.scores[0]) for row in comparison.rows]
    each = {title: {k["name"]: k for k in scores.classes} for title, scores in methods}
    order = sorted(best.classes, key=lambda one: -one["examples"])
    rows = []
    for one in order[:ROWS]:
        low, high = one["interval"]
        rows.append(
            {
                "name": one["name"],
                "examples": one["examples"],
                "chance": percent(one["by_chance"]),
                "values": [
                    percent(found.get(one["name"], {}).get("average_precision", float("nan")))
                    for found in each.values()
                ],
                "bar": _bar(one["average_precision"], low, high),
                "f1": percent(one["f1"]),
            }
        )
    return {
        "methods": [title for title, _ in methods],
        "rows": rows,
        "more": max(0, len(order) - ROWS),
    }


def _bar(value: float, low: float, high: float) -> dict[str, str] | None:
    if np.isnan([value, low, high]).any():
        return None
    return {
        "width": f"{100 * value:.1f}",
        "left": f"{100 * low:.1f}",
        "length": f"{100 * (high - low):.1f}",
    }


def mistakes(
    dataset: Dataset[Any], rows: tuple[int, ...], scores: TagScores, *, there: bool
) -> list[dict[str, Any]]:
    """The decisions that are most surely wrong, one a picture.

    Args:
        there: of classes that are there and were missed; else of those that are not and were said.
    """
    wrong = (scores.targets == int(there)) & (scores.there != there)
    distance = np.where(wrong, scores.probabilities, 2.0 if there else -1.0)
    extreme = distance.argmin(1) if there else distance.argmax(1)
    value = distance[np.arange(len(distance)), extreme]
    order = np.argsort(value if there else -value, kind="stable")
    found = []
    for place in [k for k in order.tolist() if wrong[k].any()][:MISTAKES]:
        own = [
            name for name, one in zip(scores.names, scores.targets[place], strict=True) if one == 1
        ]
        found.append(
            {
                "name": dataset.inputs.name(rows[place]),
                "tag": scores.names[extreme[place]],
                "probability": float(value[place]),
                "true": ", ".join(own) or "none of these",
                "picture": pages.thumbnail(dataset, rows[place]),
            }
        )
    return found
