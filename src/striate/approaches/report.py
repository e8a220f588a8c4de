"""The comparison as one HTML page: no scripts, no network, every name from a file escaped."""

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from striate import pages
from striate.approaches.outcome import Outcome
from striate.approaches.reasons import reasons
from striate.data import SPLITS, Dataset
from striate.evaluation import calibration_error, confusion, precision_recall, wilson_interval

if TYPE_CHECKING:
    from striate.approaches.compare import Comparison

CONFUSION_CLASSES = 30  # more are shown as the most confused pairs
SAMPLES, MISTAKES, LEFT_OUT, PAIRS = 20, 12, 200, 30


def write_report(comparison: "Comparison", path: Path) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    return pages.write_page("striate.approaches", "report.html.jinja", contents(comparison), path)


def contents(comparison: "Comparison") -> dict[str, Any]:
    """Everything the page says, as plain values."""
    dataset, best = comparison.dataset, comparison.best
    outcome = max(comparison.groups[best.approach], key=lambda one: one.top1)
    table = confusion(outcome.probabilities, outcome.targets)
    return {
        "advice": comparison.advice,
        "name": dataset.name,
        "classes": dataset.classes,
        "images": {name: int((dataset.split == k).sum()) for k, name in enumerate(SPLITS)},
        "rows": _rows(comparison),
        "samples": _samples(dataset),
        "more_classes": max(0, len(dataset.classes) - SAMPLES),
        "notes": dataset.notes,
        "curves": _curves(comparison),
        "best_title": best.title.lower(),
        **_confusion(dataset.classes, table),
        "mistakes": _mistakes(dataset, outcome),
        "reasons": _reasons(dataset, outcome),
        "reliability": _reliability(outcome),
        "left_out": dataset.left_out[:LEFT_OUT],
        "more_left_out": max(0, len(dataset.left_out) - LEFT_OUT),
        "stages": [
            {"title": row.title, "name": name, "seconds": seconds}
            for row in comparison.rows
            for name, seconds in comparison.groups[row.approach][0].seconds.items()
        ],
        "provenance": json.dumps(
            {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "machine": platform.platform(),
                **{row.approach: row.recognizer.provenance for row in comparison.rows},
            },
            indent=1,
        ),
    }


def _rows(comparison: "Comparison") -> list[dict[str, Any]]:
    rows = []
    for row in comparison.rows:
        outcomes = comparison.groups[row.approach]
        low, high = wilson_interval(row.top1, len(outcomes[0].targets))
        errors = [calibration_error(o.probabilities, o.targets) for o in outcomes]
        rows.append(
            {
                "title": row.title,
                "best": row.approach == comparison.best.approach,
                "notes": "; ".join(row.notes),
                "top1": row.top1,
                "low": low,
                "high": high,
                "spread": row.top1_std,
                "seeds": row.seeds,
                "top5": row.top5,
                "calibration": float(np.mean(errors)),
                "seconds": row.seconds,
                "parameters": row.parameters,
                "memory": row.memory,
            }
        )
    return rows


def _samples(dataset: Dataset) -> list[dict[str, Any]]:
    train = dataset.train
    samples = []
    for number, name in enumerate(dataset.classes[:SAMPLES]):
        rows = np.flatnonzero(train.targets == number)
        picture = pages.thumbnail(train, int(rows[0])) if len(rows) else None
        count = int((dataset.targets == number).sum())
        samples.append({"name": name, "count": count, "picture": picture})
    return samples


def _curves(comparison: "Comparison") -> list[dict[str, Any]]:
    """Each learning curve as points of a drawing 366 wide and 180 high."""
    curves = []
    for row in comparison.rows:
        curve = comparison.groups[row.approach][0].curve
        if not curve:
            continue
        first, last = (int(curve[place]["epoch"]) for place in (0, -1))
        losses = {p["epoch"]: p["loss"] for p in curve if "loss" in p}  # the start has none
        largest = max(*losses.values(), 1e-9)
        curves.append(
            {
                "title": row.title,
                "first": first,
                "last": last,
                "largest": largest,
                "top1": _points({p["epoch"]: p["top1"] for p in curve}, first, last),
                "loss": _points({e: loss / largest for e, loss in losses.items()}, first, last),
            }
        )
    return curves


def _points(values: dict[float, float], first: int, last: int) -> str:
    """Shares in [0, 1] over epochs, from left to right.

    >>> _points({0: 0.0, 2: 1.0}, 0, 2)
    '40.0,190.0 406.0,10.0'
    """
    step = 366 / max(last - first, 1)
    return " ".join(f"{40 + step * (k - first):.1f},{190 - 180 * v:.1f}" for k, v in values.items())


def _confusion(classes: Sequence[str], table: NDArray[np.int64]) -> dict[str, Any]:
    """A colored table, or for many classes the pairs most often confused."""
    precision, recall = precision_recall(table)
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
        return {"confusion": None, "pairs": pairs}
    rows = []
    for name, counts, value in zip(classes, table, recall, strict=True):
        total = max(int(counts.sum()), 1)
        cells = [{"count": int(c), "share": f"{c / total:.2f}"} for c in counts]
        rows.append({"name": name, "cells": cells, "recall": _percent(value)})
    return {"confusion": rows, "precisions": [_percent(value) for value in precision]}


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.0%}"


def _mistakes(dataset: Dataset, outcome: Outcome) -> list[dict[str, Any]]:
    """The wrong answers it was most sure of, with their pictures."""
    given = outcome.probabilities.argmax(1)
    sure = outcome.probabilities.max(1)
    wrong = np.flatnonzero(given != outcome.targets)
    test = dataset.test
    return [
        {
            "name": test.images.name(int(row)),
            "given": dataset.classes[given[row]],
            "true": dataset.classes[outcome.targets[row]],
            "probability": float(sure[row]),
            "picture": pages.thumbnail(test, int(row)),
        }
        for row in wrong[np.argsort(-sure[wrong], kind="stable")][:MISTAKES]
    ]


def _reasons(dataset: Dataset, outcome: Outcome) -> list[dict[str, Any]]:
    """What some answers hang on, right ones first."""
    return [
        {
            "given": dataset.classes[reason.given],
            "true": None if reason.right else dataset.classes[outcome.targets[reason.row]],
            "picture": pages.embedded(Image.fromarray(reason.picture)),
        }
        for reason in reasons(dataset, outcome)
    ]


def _reliability(outcome: Outcome, *, bins: int = 10) -> list[dict[str, str]]:
    """A dot for each tenth of sureness, in a drawing 210 wide and high."""
    sure = outcome.probabilities.max(1)
    right = outcome.probabilities.argmax(1) == outcome.targets
    place = np.minimum((sure * bins).astype(int), bins - 1)
    dots = []
    for number in range(bins):
        inside = place == number
        if inside.any():
            x, y = 40 + 210 * sure[inside].mean(), 220 - 210 * right[inside].mean()
            radius = 3 + 9 * np.sqrt(inside.mean())
            dots.append({"x": f"{x:.1f}", "y": f"{y:.1f}", "r": f"{radius:.1f}"})
    return dots
