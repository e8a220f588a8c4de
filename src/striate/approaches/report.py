"""The comparison as one HTML page: no scripts, no network, every name from a file escaped."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.approaches.drawing import dots, picture, points
from striate.approaches.outcome import Outcome
from striate.data import SPLITS, Dataset
from striate.evaluation import calibration_error, confusion, precision_recall, wilson_interval
from striate.files import writing

if TYPE_CHECKING:
    from striate.approaches.compare import Comparison

CONFUSION_CLASSES = 30  # more are shown as the most confused pairs and the hardest classes
SAMPLE_CLASSES, SAMPLES = 20, 3  # classes shown; pictures of each
MISTAKES, LEFT_OUT, LISTED = 12, 200, 30


def write_report(
    comparison: "Comparison", path: Path, *, recognizers: Mapping[str, Path] | None = None
) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Args:
        recognizers: where each approach's was saved, if the page should say so.

    Raises:
        StorageError: if it cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("striate.approaches", "."),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    template = environment.get_template("report.html.jinja")
    page = template.render(contents(comparison, recognizers or {}))
    with writing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")
    return path


def contents(comparison: "Comparison", recognizers: Mapping[str, Path]) -> dict[str, Any]:
    """Everything the page says, as plain values."""
    dataset, best = comparison.dataset, comparison.best
    outcome = max(comparison.groups[best.approach], key=lambda one: one.top1)
    return {
        "advice": comparison.advice,
        "name": dataset.name,
        "classes": dataset.classes,
        "images": {name: int((dataset.split == k).sum()) for k, name in enumerate(SPLITS)},
        "rows": _rows(comparison, recognizers),
        "samples": _samples(dataset),
        "more_classes": max(0, len(dataset.classes) - SAMPLE_CLASSES),
        "notes": dataset.notes,
        "curves": _curves(comparison),
        "best_title": best.title.lower(),
        "best_seed": outcome.seed if best.seeds > 1 else None,
        **_confusion(dataset.classes, confusion(outcome.probabilities, outcome.targets)),
        "mistakes": _mistakes(dataset, outcome),
        "dots": dots(outcome.probabilities, outcome.targets),
        "calibration": calibration_error(outcome.probabilities, outcome.targets),
        "left_out": dataset.left_out[:LEFT_OUT],
        "more_left_out": max(0, len(dataset.left_out) - LEFT_OUT),
        "facts": _facts(comparison),
        "provenance": {
            row.title: json.dumps(row.recognizer.provenance, indent=1, ensure_ascii=False)
            for row in comparison.rows
        },
    }


def _rows(comparison: "Comparison", recognizers: Mapping[str, Path]) -> list[dict[str, Any]]:
    rows = []
    for row in comparison.rows:
        outcomes = comparison.groups[row.approach]
        low, high = wilson_interval(row.top1, len(outcomes[0].targets))
        errors = [calibration_error(o.probabilities, o.targets) for o in outcomes]
        saved = recognizers.get(row.approach)
        rows.append(
            {
                "title": row.title,
                "best": row.approach == comparison.best.approach,
                "notes": "; ".join(row.notes),
                "saved": str(saved) if saved else None,
                "top1": 100 * row.top1,
                "low": 100 * low,
                "high": 100 * high,
                "spread": None if row.top1_std is None else 100 * row.top1_std,
                "seeds": row.seeds,
                "top5": 100 * row.top5,
                "calibration": float(np.mean(errors)),
                "seconds": row.seconds,
                "stages": outcomes[0].seconds,
                "parameters": row.parameters,
                "memory": row.memory,
            }
        )
    return rows


def _samples(dataset: Dataset) -> list[dict[str, Any]]:
    """The first pictures that are learned from, of each class; and how many each split has."""
    train, counts = dataset.train, dataset.counts().tolist()
    samples = []
    for number, name in enumerate(dataset.classes[:SAMPLE_CLASSES]):
        rows = np.flatnonzero(train.targets == number)[:SAMPLES].tolist()
        found = [taken for row in rows if (taken := picture(train, row))]
        samples.append({"name": name, "counts": counts[number], "pictures": found})
    return samples


def _curves(comparison: "Comparison") -> list[dict[str, Any]]:
    """Loss, as a share of its largest value, and top-1 of the approaches that learn by epochs."""
    curves = []
    for row in comparison.rows:
        curve = comparison.groups[row.approach][0].curve
        if not curve:
            continue
        losses, scores = ([point[name] for point in curve] for name in ("loss", "top1"))
        largest = max(*losses, 1e-9)
        curves.append(
            {
                "title": row.title,
                "epochs": len(curve),
                "lines": {"loss": points([x / largest for x in losses]), "top1": points(scores)},
                "losses": (losses[0], losses[-1]),
                "best": 100 * max(scores),
            }
        )
    return curves


def _confusion(classes: Sequence[str], table: NDArray[np.int64]) -> dict[str, Any]:
    """A colored table; for many classes the pairs most often confused and the hardest classes."""
    precision, recall = precision_recall(table)
    if len(classes) > CONFUSION_CLASSES:
        wrong = table.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:LISTED].tolist()
        places = [divmod(k, len(classes)) for k in order]
        pairs = [
            {"true": classes[t], "given": classes[g], "count": int(wrong[t, g])}
            for t, g in places
            if wrong[t, g]
        ]
        hardest = [
            {
                "name": classes[k],
                "images": int(table[k].sum()),
                "precision": _percent(precision[k]),
                "recall": _percent(recall[k]),
            }
            for k in np.argsort(recall, kind="stable")[:LISTED].tolist()
        ]
        return {"confusion": None, "pairs": pairs, "hardest": hardest}
    rows = []
    for name, counts, value in zip(classes, table, recall, strict=True):
        total = max(int(counts.sum()), 1)
        cells = [{"count": int(c), "shade": f"{c / total:.2f}"} for c in counts]
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
            "name": test.images.name(row),
            "given": dataset.classes[given[row]],
            "true": dataset.classes[outcome.targets[row]],
            "probability": float(sure[row]),
            "picture": picture(test, row),
        }
        for row in wrong[np.argsort(-sure[wrong], kind="stable")][:MISTAKES].tolist()
    ]


def _facts(comparison: "Comparison") -> dict[str, str]:
    """What someone needs to do it again."""
    from striate import __version__

    seeds = {title: sorted({o.seed for o in some}) for title, some in comparison.groups.items()}
    return {
        "written": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        "striate": __version__,
        "torch": torch.__version__,
        "Python": f"{platform.python_version()} on {platform.platform()}",
        "seeds": "; ".join(f"{k}: {', '.join(map(str, some))}" for k, some in seeds.items()),
        "data": comparison.dataset.fingerprint(),
    }
