"""The parts of a comparison's report that are of labels, whatever they are of."""

from typing import Any

import numpy as np

from striate.evaluation import confusion as counted
from striate.evaluation import precision_recall
from striate.tasks.contract import Section
from striate.tasks.labels.scores import Classified

PACKAGE = "striate.tasks.labels"
CONFUSION_CLASSES = 30  # more are shown as the most confused pairs
PAIRS = 30


def confusion(scores: Classified, title: str, thing: str) -> Section:
    """Which classes a method takes for which.

    Args:
        title: of the method.
        thing: what has a class: "image".
    """
    values = {"title": title, "thing": thing} | confused(scores)
    return Section("confusion.html.jinja", values, PACKAGE)


def reliability(scores: Classified, thing: str) -> Section:
    """How well probabilities match accuracy."""
    return Section("reliability.html.jinja", {"dots": dots(scores), "thing": thing}, PACKAGE)


def confused(scores: Classified) -> dict[str, Any]:
    """A colored table, or for many classes the pairs most often confused."""
    classes, table = scores.names, counted(scores.probabilities, scores.targets)
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


def dots(scores: Classified, *, bins: int = 10) -> list[dict[str, str]]:
    """A dot for each tenth of confidence, in a drawing 210 wide and high."""
    confidence, right = scores.confidence, scores.right
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            x, y = 40 + 210 * confidence[inside].mean(), 220 - 210 * right[inside].mean()
            radius = 3 + 9 * np.sqrt(inside.mean())
            found.append({"x": f"{x:.1f}", "y": f"{y:.1f}", "r": f"{radius:.1f}"})
    return found
