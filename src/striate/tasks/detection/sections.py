"""Detection's parts of the report: curves, mistakes, pictures, part models, what is marked."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image

from striate import pages
from striate.data import Dataset
from striate.data.boxes import Boxes, whole
from striate.errors import ImageError
from striate.evaluation.detection import verdict
from striate.tasks.contract import Predictor, Section
from striate.tasks.detection.dpm.picture import dpm_sheet
from striate.tasks.detection.dpm.predictor import DPMPredictor
from striate.tasks.detection.scores import DetectionScores
from striate.visualize.boxes import Frame, drawn

SHOWN = 6  # pictures, from those with the fewest mistakes to those with the most
SIDE = 560  # pixels of a shown picture
POINTS = 200  # of a curve, at most
RIGHT, WRONG, MISSED = "#1f6feb", "#d1242f", "#bf8700"


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of detectors."""
    rows = [(row.title, row.chosen.scores) for row in comparison.rows]
    classes, best = comparison.dataset.classes, comparison.best
    yield curves(classes, rows)
    yield mistakes(rows)
    yield pictures(best.chosen.data.dataset, best.title, best.chosen.scores)
    yield from parts([row.recognizer.predictor for row in comparison.rows], classes)
    yield marked(comparison.dataset)


def curves(classes: Sequence[str], rows: Sequence[tuple[str, DetectionScores]]) -> Section:
    """Precision over recall, a drawing a class, a line a method."""
    methods = [{"title": title, "color": pages.line_color(k)} for k, (title, _) in enumerate(rows)]
    drawings = [{"name": name, "lines": lines(name, rows)} for name in classes]
    return Section("curves.html.jinja", {"methods": methods, "curves": drawings})


def lines(name: str, rows: Sequence[tuple[str, DetectionScores]]) -> list[dict[str, str]]:
    """Precision over recall of a class, a line a method, in a drawing 240 wide and high."""
    found = []
    for k, (_, scores) in enumerate(rows):
        curve = scores.curve(name)
        if not curve.objects or not len(curve.recall):
            continue
        highest = np.maximum.accumulate(curve.precision[::-1])[::-1]
        some = np.unique(np.linspace(0, len(highest) - 1, POINTS).astype(int))
        points = " ".join(
            f"{40 + 240 * curve.recall[p]:.1f},{250 - 240 * highest[p]:.1f}" for p in some
        )
        found.append({"points": points, "color": pages.line_color(k)})
    return found


def mistakes(rows: Sequence[tuple[str, DetectionScores]]) -> Section:
    """How often each method is wrong, and in which way."""
    table = [
        {
            "title": title,
            "threshold": scores.threshold,
            **asdict(scores.mistakes(scores.threshold)),
        }
        for title, scores in rows
    ]
    return Section("mistakes.html.jinja", {"mistakes": table})


def pictures(data: Dataset[Boxes], title: str, scores: DetectionScores) -> Section:
    """Test images with what the best method detects in them: some good, the middle, the worst."""
    verdicts = [
        verdict(one, objects, least=scores.threshold)
        for one, objects in zip(scores.found, scores.truth, strict=True)
    ]
    wrong = np.array([len(v.right) - sum(v.right) + len(v.missed) for v in verdicts])
    order = np.argsort(wrong, kind="stable")
    places = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int)
    shown = []
    for place in order[np.unique(places)].tolist():
        row, one, truth = scores.rows[place], scores.found[place], scores.truth[place]
        try:
            pixels = whole(data.inputs, row)
        except ImageError:  # its file has gone meanwhile
            continue
        judgment = verdicts[place]
        frames = [
            Frame(tuple(truth.boxes[k].tolist()), data.classes[truth.classes[k]], MISSED, True)
            for k in judgment.missed
        ]
        for number, good in zip(judgment.counted, judgment.right, strict=True):
            words = f"{data.classes[int(one.classes[number])]} {float(one.scores[number]):.2f}"
            box = tuple(one.boxes[number].tolist())
            frames.append(Frame(box, words, RIGHT if good else WRONG))
        shown.append(
            {
                "name": data.inputs.name(row),
                "right": sum(judgment.right),
                "wrong": len(judgment.right) - sum(judgment.right),
                "missed": len(judgment.missed),
                "picture": pages.embedded(drawn(pixels, frames, side=SIDE), side=SIDE),
            }
        )
    values = {
        "title": title,
        "threshold": scores.threshold,
        "pictures": shown,
        "colors": {"right": RIGHT, "wrong": WRONG, "missed": MISSED},
    }
    return Section("pictures.html.jinja", values)


def parts(predictors: Sequence[Predictor], classes: tuple[str, ...]) -> Iterator[Section]:
    """Roots and parts of deformable part models, if some were learned."""
    for predictor in predictors:
        if isinstance(predictor, DPMPredictor):
            sheet = pages.embedded(Image.fromarray(dpm_sheet(predictor, classes)), side=1100)
            yield Section("parts.html.jinja", {"sheet": sheet})
            return


def marked(data: Dataset[Boxes]) -> Section:
    """How many objects of each class there are."""
    counts = zip(data.classes, data.counts().tolist(), strict=True)
    values = {"classes": [{"name": name, "counts": row} for name, row in counts]}
    return Section("marked.html.jinja", values)
