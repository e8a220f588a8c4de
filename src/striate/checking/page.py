"""The findings as one HTML page with the pictures: no scripts, no network, every name escaped."""

import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate import pages
from striate.checking.findings import Copies, Findings
from striate.checking.kinds import KINDS
from striate.checking.telling import lines, uneven
from striate.data import SPLITS, Dataset
from striate.progress import track

if TYPE_CHECKING:
    import PIL.Image

GROUPS, MEMBERS, SUSPECTS, ODD, LEFT_OUT = 40, 6, 60, 24, 200  # shown; the JSON has all
DOUBTFUL, SAMPLES = 60, 6
LETTERS = 600  # of what is marked
FRAMED = 320  # pixels of the longer side of a picture with its targets

Draw = Callable[[Dataset, int, Any], "PIL.Image.Image | None"]
"""`draw(dataset, row, doubt)` is a picture with its targets, or with one of `targets.doubts` alone
if `doubt` is not None; None if its file has gone."""


def write_page(findings: Findings, path: str | Path, draw: Draw | None = None) -> Path:
    """Writes the page, whole or not at all; returns its path.

    Args:
        draw: draws targets on their pictures; without it, pictures are shown without them.

    Raises:
        StorageError: if it cannot be written.
    """
    return pages.write_page(
        "striate.checking", "page.html.jinja", contents(findings, draw), Path(path)
    )


def contents(findings: Findings, draw: Draw | None = None) -> dict[str, Any]:
    """Everything the page says, as plain values."""
    from striate.visualize.boxes import color_of

    data = findings.dataset
    leaking = {*findings.leaks.tolist(), *findings.early.tolist()}
    conflicts = findings.conflicts
    contradicting = {copies.rows[0] for copies in conflicts}
    others = [copies for copies in findings.copies if copies.rows[0] not in contradicting]
    leaks = [copies for copies in others if leaking & set(copies.rows)]
    inside = [copies for copies in others if not leaking & set(copies.rows)]
    counts = data.counts()
    total = max(int(counts.sum(1).max(initial=0)), 1)
    return {
        "name": data.name,
        "count": len(data),
        "classes": [
            {
                "name": name,
                "counts": row,
                "sum": sum(row),
                "share": f"{100 * sum(row) / total:.1f}",
                "columns": findings.facts.columns[number] if findings.facts.columns else (),
                "color": color_of(number) if draw else None,
            }
            for number, (name, row) in enumerate(zip(data.classes, counts.tolist(), strict=True))
        ],
        "splits": SPLITS,
        "lines": lines(findings),
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
        "odd": [_odd(findings, kind, words) for kind, words in KINDS[data.thing].odd.items()],
        "left_out": data.left_out[:LEFT_OUT],
        "more_left_out": max(0, len(data.left_out) - LEFT_OUT),
        "facts": findings.facts,
        "things": data.targets.things,
        "thing": data.thing,
        "noun": KINDS[data.thing].noun,
        "contradiction": data.targets.contradiction.partition(",")[0],
        **_marks(data, draw),
    }


def _marks(data: Dataset, draw: Draw | None) -> dict[str, Any]:
    """Some inputs with their targets drawn, and every doubtful target where it lies."""
    rows = {data.inputs.name(row): row for row in range(len(data))} if data.targets.doubts else {}
    doubts = [
        {"kind": doubt.kind, "text": doubt.text, "image": doubt.image,
         "picture": _drawn(draw, data, rows.get(doubt.image), doubt)}
        for doubt in track(data.targets.doubts[:DOUBTFUL], "pictures of doubts")
    ]  # fmt: skip
    return {
        "doubts": doubts,
        "more_doubts": max(0, len(data.targets.doubts) - DOUBTFUL),
        "samples": [
            {"image": data.inputs.name(row), "marked": _words(data, row),
             "picture": _drawn(draw, data, row, None)}
            for row in _spread(range(len(data)), SAMPLES)
        ] if draw else [],
    }  # fmt: skip


def _drawn(draw: Draw | None, data: Dataset, row: int | None, doubt: Any) -> str | None:
    """A picture with its targets, or with the one that is in doubt; None if there is none."""
    picture = None if draw is None or row is None else draw(data, row, doubt)
    return None if picture is None else pages.embedded(picture, side=FRAMED)


def _groups(data: Dataset, found: Sequence[Copies], name: str) -> dict[str, Any]:
    shown = []
    for copies in track(found[:GROUPS], f"pictures of {name}"):
        rows = sorted(copies.rows, key=lambda row: (-data.split[row], row))
        kind = KINDS[data.thing].likeness(copies)
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


def _words(data: Dataset, row: int) -> str:
    """How an input is marked; of a long text the beginning."""
    return textwrap.shorten(data.targets.words(row), LETTERS, placeholder=" ...")


def _image(data: Dataset, row: int) -> dict[str, Any]:
    return {
        "name": data.inputs.name(row),
        "label": _words(data, row),
        "split": SPLITS[data.split[row]],
        **KINDS[data.thing].shown(data, row),
    }
