"""Segmentation's parts of the report: pictures with their masks, confusion, classes."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from striate import pages
from striate.data import VOID, Dataset, Masks
from striate.data.boxes import whole
from striate.errors import ImageError
from striate.tasks.contract import Section
from striate.tasks.segmentation.prediction import Answer
from striate.tasks.segmentation.scores import SegmentationScores
from striate.visualize.masks import color_of, mistakes, overlaid

SHOWN = 6  # pictures, from the best to the worst
SIDE = 420  # pixels of a shown picture
LARGE = 25  # classes up to which the confusion is a table


def sections(comparison: Any) -> Iterator[Section]:
    """In order; `comparison` is a `striate.comparing.Comparison` of segmenters."""
    best, classes = comparison.best, comparison.dataset.classes
    rows = [(row.title, row.chosen.scores) for row in comparison.rows]
    yield overlaps(classes, rows)
    answers = best.chosen.answered.answers
    yield pictures(best.chosen.data.dataset, best.title, best.chosen.scores, answers)
    if len(classes) <= LARGE:
        yield confusion(best.title, best.chosen.scores)


def overlaps(classes: Sequence[str], rows: Sequence[tuple[str, SegmentationScores]]) -> Section:
    """Intersection over union of each class and method, and how many pixels there are."""
    pixels = rows[0][1].confusion.sum(1)
    total = max(1, int(pixels.sum()))
    table = [
        {
            "name": name,
            "color": color_of(number),
            "share": 100 * int(pixels[number]) / total,
            "values": [None if np.isnan(v := s.overlap[name]) else 100 * v for _, s in rows],
        }
        for number, name in enumerate(classes)
    ]
    titles = [title for title, _ in rows]
    return Section("overlaps.html.jinja", {"titles": titles, "classes": table})


def pictures(
    data: Dataset[Masks], title: str, scores: SegmentationScores, answers: Sequence[Answer]
) -> Section:
    """Test images with their masks, what the best method says, and where that is wrong."""
    overlap = scores.image_overlaps()
    order = np.argsort(-overlap, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int))
    shown = []
    for place in order[places].tolist():
        row, answer = scores.rows[place], answers[place]
        try:
            pixels, truth = whole(data.inputs, row), data.targets.maps[row].read()
        except ImageError:  # its file has gone meanwhile
            continue
        drawings = (
            overlaid(pixels, truth, (), side=SIDE),
            overlaid(pixels, answer.labels, (), side=SIDE),
            mistakes(pixels, truth, answer.labels, VOID, side=SIDE),
        )
        shown.append(
            {
                "name": data.inputs.name(row),
                "overlap": 100 * float(overlap[place]),
                "pictures": [pages.embedded(drawing, side=SIDE) for drawing in drawings],
            }
        )
    return Section("pictures.html.jinja", {"title": title, "pictures": shown})


def confusion(title: str, scores: SegmentationScores) -> Section:
    """Of the pixels of each class, how many are found as which, in per cent."""
    counts = scores.confusion
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = [
        {"name": name, "shares": shares[number, :-1].tolist(), "number": number}
        for number, name in enumerate(scores.classes)
    ]
    return Section(
        "confusion.html.jinja", {"title": title, "names": list(scores.classes), "rows": rows}
    )
