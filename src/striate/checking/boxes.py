"""What is wrong with a set of images with boxes: as pictures, and in their boxes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from striate.checking.appearance import VIEW
from striate.checking.check import check, glance
from striate.checking.findings import Copies, Findings
from striate.checking.leaking import scored_without
from striate.data import Dataset, decode
from striate.data.boxes import BoxedDataset, Doubt

SIZES = (0.05, 0.5, 0.95)  # quantiles of the sides of boxes that are told
KINDS = {
    "outside": "reach beyond their image or lie outside it",
    "empty": "have no area",
    "repeated": "are marked twice",
    "tiny": "are hardly a pixel",
}


@dataclass(frozen=True, eq=False)
class Boxes:
    """What the boxes of a set are like.

    Attributes:
        doubts: boxes that were mended, dropped or look wrong.
        counts: things of each class in each split, (classes, 3), difficult ones and crowds left
            out.
        sides: of each class, quantiles SIZES of the square roots of its areas, in pixels; None
            where it has no box.
        empty: images in which nothing is marked.
        differing: groups of the same picture that are marked differently.
        unlearnable: classes that are marked, but in no training image.
    """

    data: BoxedDataset
    doubts: tuple[Doubt, ...]
    counts: list[list[int]]
    sides: tuple[tuple[float, ...] | None, ...]
    empty: int
    differing: tuple[Copies, ...]
    unlearnable: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, a sentence each, the worst first."""
        found = []
        if self.differing:
            count = len(self.differing)
            found.append(f"{count:,} picture{'' if count == 1 else 's'} marked in two ways")
        found += [f"{name} is marked, but in no training image" for name in self.unlearnable]
        kinds = Counter[str](doubt.kind for doubt in self.doubts)
        for kind, words in KINDS.items():
            if kinds[kind]:
                found.append(f"{kinds[kind]:,} box{'' if kinds[kind] == 1 else 'es'} {words}")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        name = self.data.images.name
        return {
            "doubts": [vars(doubt) for doubt in self.doubts],
            "classes": [
                {
                    "name": word,
                    "things": dict(zip(("train", "validation", "test"), row, strict=True)),
                    "sides": None if sides is None else dict(zip(SIZES, sides, strict=True)),
                }
                for word, row, sides in zip(self.data.classes, self.counts, self.sides, strict=True)
            ],
            "nothing_marked": self.empty,
            "differing": [[name(row) for row in copies.rows] for copies in self.differing],
        }


def check_boxes(data: BoxedDataset, *, deep: bool = True) -> Findings:
    """Broken files, copies, leaks and odd pictures of a set with boxes, and what is wrong with the
    boxes themselves.

    Args:
        deep: ask a trained network for copies where it is installed.
    """
    findings = check(as_pictures(data), deep=deep, judge=False)
    name = findings.dataset.images.name
    own = places(data, map(name, range(len(findings.dataset))))
    differing = tuple(
        copies
        for copies in findings.copies
        if len({marked(data, own[row]) for row in copies.rows}) > 1
    )
    counts = data.counts()
    return replace(
        findings,
        boxes=Boxes(
            data,
            data.doubts,
            counts.tolist(),
            tuple(_sides(data, number) for number in range(len(data.classes))),
            sum(not len(objects) for objects in data.objects),
            differing,
            tuple(
                word
                for word, row in zip(data.classes, counts, strict=True)
                if row.sum() and not row[0]
            ),
        ),
    )


def scored_apart(data: BoxedDataset) -> BoxedDataset:
    """The set without the test images that also stand in training or validation, and with a note
    that says so.

    Raises:
        DataError: if no test image would be left.
    """
    found = glance(decode(as_pictures(data), [VIEW]))
    name = found.dataset.images.name
    rows = places(data, map(name, found.leaks.tolist()))
    clean = scored_without(data, np.array(rows, np.int64))
    assert isinstance(clean, BoxedDataset)
    return clean


def as_pictures(data: BoxedDataset) -> Dataset:
    """The images alone, all of one class."""
    one = np.zeros(len(data), np.int64)
    return Dataset(
        data.name,
        ("pictures",),
        data.images,
        one,
        data.split,
        data.drawn,
        data.left_out,
        data.notes,
    )


def places(data: Dataset, names: Iterable[str]) -> list[int]:
    """The rows of images of these names."""
    rows = {data.images.name(row): row for row in range(len(data))}
    return [rows[name] for name in names]


def marked(data: BoxedDataset, row: int) -> str:
    """What is in an image, in words: "2 RBC, 1 WBC"."""
    found = Counter(data.objects[row].classes.tolist())
    words = [f"{count} {data.classes[number]}" for number, count in sorted(found.items())]
    return ", ".join(words) or "nothing"


def _sides(data: BoxedDataset, number: int) -> tuple[float, ...] | None:
    boxes = np.concatenate([each.boxes[each.classes == number] for each in data.objects])
    if not len(boxes):
        return None
    return tuple(np.quantile(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1)), SIZES).tolist())
