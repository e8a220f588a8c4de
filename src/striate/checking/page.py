"""The findings as one HTML page with the pictures: no scripts, no network, every name escaped."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from striate import pages
from striate.checking.boxes import Boxes, marked
from striate.checking.duplicates import SAME
from striate.checking.findings import Copies, Findings
from striate.checking.telling import KINDS, uneven
from striate.data import SPLITS, Dataset
from striate.data.boxes import BoxedDataset, Doubt, whole
from striate.errors import ImageError
from striate.progress import track
from striate.visualize.boxes import Frame, color_of, drawn

GROUPS, MEMBERS, SUSPECTS, ODD, LEFT_OUT = 40, 6, 60, 24, 200  # shown; the JSON has all
DOUBTFUL, SAMPLES = 60, 6
DOUBT = "#d1242f"
FRAMED = 320  # pixels of the longer side of a picture with boxes
SEEN = 30  # pixels that a frame around a doubtful box has at least


def write_page(findings: Findings, path: Path) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    return pages.write_page("striate.checking", "page.html.jinja", contents(findings), path)


def contents(findings: Findings) -> dict[str, Any]:
    """Everything the page says, as plain values."""
    data = findings.dataset
    leaking = {*findings.leaks.tolist(), *findings.early.tolist()}
    conflicts = findings.conflicts
    contradicting = {copies.rows[0] for copies in conflicts}
    others = [copies for copies in findings.copies if copies.rows[0] not in contradicting]
    leaks = [copies for copies in others if leaking & set(copies.rows)]
    inside = [copies for copies in others if not leaking & set(copies.rows)]
    counts = data.counts()
    total = max(int(counts.sum(1).max()), 1)
    return {
        "name": data.name,
        "count": len(data),
        "classes": [
            {"name": name, "counts": row, "sum": sum(row), "share": f"{100 * sum(row) / total:.1f}"}
            for name, row in zip(data.classes, counts.tolist(), strict=True)
        ],
        "splits": SPLITS,
        "lines": findings.lines,
        "uneven": uneven(data),
        "notes": data.notes,
        "leaks": _groups(data, leaks, "leaks"),
        "conflicts": _groups(data, conflicts, "conflicts"),
        "inside": _groups(data, inside, "copies"),
        "judged": findings.judged,
        "suspects": [
            {
                **_image(data, one.row),
                "given": data.classes[one.given],
                "probability": min(99, round(100 * one.probability)),  # nobody is that sure
            }
            for one in track(findings.suspects[:SUSPECTS], "pictures of labels")
        ],
        "more_suspects": max(0, len(findings.suspects) - SUSPECTS),
        "odd": [_odd(findings, kind, words) for kind, words in KINDS.items()],
        "left_out": data.left_out[:LEFT_OUT],
        "more_left_out": max(0, len(data.left_out) - LEFT_OUT),
        "boxes": None if findings.boxes is None else _boxes(findings.boxes),
    }


def _boxes(boxes: Boxes) -> dict[str, Any]:
    """What is marked, some pictures of it, and every doubtful box where it lies."""
    data = boxes.data
    places = {data.images.name(row): row for row in range(len(data))}
    doubts = [
        {"kind": doubt.kind, "text": doubt.text, "image": doubt.image,
         "picture": _framed(data, places.get(doubt.image), doubt)}
        for doubt in track(boxes.doubts[:DOUBTFUL], "pictures of boxes")
    ]  # fmt: skip
    rows = np.flatnonzero([len(each) > 0 for each in data.objects]).tolist()
    return {
        "classes": [
            {"name": name, "counts": counts, "sides": sides, "color": color_of(number)}
            for number, (name, counts, sides) in enumerate(
                zip(data.classes, boxes.counts, boxes.sides, strict=True)
            )
        ],
        "empty": boxes.empty,
        "doubts": doubts,
        "more_doubts": max(0, len(boxes.doubts) - DOUBTFUL),
        "samples": [
            {"image": data.images.name(row), "marked": marked(data, row),
             "picture": _framed(data, row, None)}
            for row in _spread(rows, SAMPLES)
        ],
    }  # fmt: skip


def _framed(data: BoxedDataset, row: int | None, doubt: Doubt | None) -> str | None:
    """A picture with the boxes in it, or with the one that is in doubt; None if its file has
    gone."""
    if row is None:
        return None
    try:
        pixels = whole(data.images, row)
    except ImageError:
        return None
    if doubt is not None:
        x0, y0, x1, y1 = doubt.box
        more = max(0.0, (SEEN - min(abs(x1 - x0), abs(y1 - y0))) / 2)  # else a speck
        frame = Frame((min(x0, x1) - more, min(y0, y1) - more, max(x0, x1) + more,
                       max(y0, y1) + more), "", DOUBT, dashed=True)  # fmt: skip
        return pages.embedded(drawn(pixels, [frame], side=FRAMED), side=FRAMED)
    objects = data.objects[row]
    frames = [
        Frame((x0, y0, x1, y1), "", color_of(number))
        for (x0, y0, x1, y1), number in zip(
            objects.boxes.tolist(), objects.classes.tolist(), strict=True
        )
    ]
    return pages.embedded(drawn(pixels, frames, side=FRAMED), side=FRAMED)


def _groups(data: Dataset, found: Sequence[Copies], name: str) -> dict[str, Any]:
    shown = []
    for copies in track(found[:GROUPS], f"pictures of {name}"):
        rows = sorted(copies.rows, key=lambda row: (-data.split[row], row))
        kind = "the same picture" if copies.likeness >= SAME else "much alike"
        kind = "the same file" if copies.exact else kind
        shown.append(
            {
                "kind": kind + (", mirrored" if copies.mirror else ""),
                "images": [_image(data, row) for row in rows[:MEMBERS]],
                "more": max(0, len(rows) - MEMBERS),
            }
        )
    return {"shown": shown, "more": max(0, len(found) - GROUPS), "count": len(found)}


def _odd(findings: Findings, kind: str, words: str) -> dict[str, Any]:
    found = [one for one in findings.odd if one.kind == kind]
    return {
        "words": words,
        "count": len(found),
        "shown": [
            {**_image(findings.dataset, one.row), "reason": one.reason}
            for one in islice(_spread(found), ODD)
        ],
        "more": max(0, len(found) - ODD),
    }


def _spread(found: Sequence[Any], most: int = ODD) -> Iterable[Any]:
    """Some of many, from all over the set."""
    places = np.linspace(0, len(found) - 1, min(len(found), most)).astype(int)
    return (found[place] for place in places)


def _image(data: Dataset, row: int) -> dict[str, Any]:
    return {
        "name": data.images.name(row),
        "label": data.classes[data.targets[row]],
        "split": SPLITS[data.split[row]],
        "picture": pages.thumbnail(data, row),
    }
