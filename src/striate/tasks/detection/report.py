"""The comparison of detectors as one HTML page: no scripts, no network, every name escaped."""

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from striate import pages
from striate.data import SPLITS
from striate.data.boxes import whole
from striate.errors import ImageError
from striate.evaluation.detection import verdict
from striate.tasks.detection.dpm_finder import DPMFinder
from striate.tasks.detection.dpm_picture import dpm_sheet
from striate.tasks.detection.measuring import Measured
from striate.visualize.boxes import Frame, drawn

if TYPE_CHECKING:
    from striate.tasks.detection.comparing import Comparison

SHOWN = 6  # pictures, from those it does best to those it does worst
SIDE = 560  # pixels of a shown picture
POINTS = 200  # of a curve, at most
DOUBTS, LEFT_OUT = 60, 200
LINES = ("var(--mark)", "#f58231", "#3cb44b", "#911eb4", "#e6194b", "#008080")
RIGHT, WRONG, MISSED = "#1f6feb", "#d1242f", "#bf8700"


def write_report(comparison: "Comparison", path: Path) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    values = contents(comparison)
    return pages.write_page("striate.tasks.detection", "report.html.jinja", values, path)


def contents(comparison: "Comparison") -> dict[str, Any]:
    """Everything the page says, as plain values."""
    from striate.tasks.detection.comparing import tested

    data, best = comparison.data, comparison.best
    counts = data.counts()
    return {
        "advice": comparison.advice,
        "name": data.name,
        "images": {name: int((data.split == k).sum()) for k, name in enumerate(SPLITS)},
        "classes": [
            {"name": name, "counts": row}
            for name, row in zip(data.classes, counts.tolist(), strict=True)
        ],
        "rows": [{**asdict(row), "best": row.name == best.name} for row in comparison.rows],
        "methods": [
            {"title": outcome.method.title, "color": LINES[k % len(LINES)]}
            for k, outcome in enumerate(comparison.outcomes)
        ],
        "curves": [_curves(comparison, name) for name in data.classes],
        "mistakes": [
            {
                "title": outcome.method.title,
                "threshold": tested(outcome).threshold,
                **asdict(tested(outcome).mistakes(tested(outcome).threshold)),
            }
            for outcome in comparison.outcomes
        ],
        "best_title": best.method.title,
        "threshold": tested(best).threshold,
        "pictures": _pictures(comparison, tested(best)),
        "colors": {"right": RIGHT, "wrong": WRONG, "missed": MISSED},
        "notes": data.notes,
        "parts": _parts(comparison),
        "doubts": [asdict(doubt) for doubt in data.doubts[:DOUBTS]],
        "more_doubts": max(0, len(data.doubts) - DOUBTS),
        "left_out": [
            *({"name": each.name, "reason": each.reason} for each in data.left_out),
            *({"name": name, "reason": reason} for name, reason in tested(best).broken),
        ][:LEFT_OUT],
        "stages": [
            {"title": outcome.method.title, "name": name, "seconds": seconds}
            for outcome in comparison.outcomes
            for name, seconds in outcome.learned.seconds.items()
        ],
        "provenance": json.dumps(
            {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "machine": platform.platform(),
                "threads": torch.get_num_threads(),
                **{one.name: one.detector.provenance for one in comparison.outcomes},
            },
            indent=1,
        ),
    }


def _parts(comparison: "Comparison") -> str | None:
    """What part models look for, if some were learned."""
    for outcome in comparison.outcomes:
        if isinstance(outcome.detector.finder, DPMFinder):
            sheet = dpm_sheet(outcome.detector.finder, comparison.data.classes)
            return pages.embedded(Image.fromarray(sheet), side=1100)
    return None


def _curves(comparison: "Comparison", name: str) -> dict[str, Any]:
    """Precision over recall of a class, a line a method, in a drawing 240 wide and high."""
    from striate.tasks.detection.comparing import tested

    lines = []
    for k, outcome in enumerate(comparison.outcomes):
        curve = tested(outcome).curve(name)
        if not curve.things or not len(curve.recall):
            continue
        highest = np.maximum.accumulate(curve.precision[::-1])[::-1]
        some = np.unique(np.linspace(0, len(highest) - 1, POINTS).astype(int))
        points = " ".join(
            f"{40 + 240 * curve.recall[p]:.1f},{250 - 240 * highest[p]:.1f}" for p in some
        )
        lines.append({"points": points, "color": LINES[k % len(LINES)]})
    return {"name": name, "lines": lines}


def _pictures(comparison: "Comparison", found: Measured) -> list[dict[str, Any]]:
    """Test images with what the best finder sees in them: some good, the middle, the worst."""
    data = comparison.data
    verdicts = [
        verdict(one, marked, least=found.threshold)
        for one, marked in zip(found.found, found.truth, strict=True)
    ]
    wrong = np.array([len(v.right) - sum(v.right) + len(v.missed) for v in verdicts])
    order = np.argsort(wrong, kind="stable")
    places = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int)
    shown = []
    for place in order[np.unique(places)].tolist():
        row, one, truth = found.rows[place], found.found[place], found.truth[place]
        try:
            pixels = whole(data.images, row)
        except ImageError:  # its file has gone meanwhile
            continue
        said = verdicts[place]
        frames = [
            Frame(tuple(truth.boxes[k].tolist()), data.classes[truth.classes[k]], MISSED, True)
            for k in said.missed
        ]
        for number, good in zip(said.counted, said.right, strict=True):
            words = f"{data.classes[int(one.classes[number])]} {float(one.scores[number]):.2f}"
            box = tuple(one.boxes[number].tolist())
            frames.append(Frame(box, words, RIGHT if good else WRONG))
        shown.append(
            {
                "name": data.images.name(row),
                "right": sum(said.right),
                "wrong": len(said.right) - sum(said.right),
                "missed": len(said.missed),
                "picture": pages.embedded(drawn(pixels, frames, side=SIDE), side=SIDE),
            }
        )
    return shown
