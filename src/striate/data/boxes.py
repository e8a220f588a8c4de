"""Images in which things are marked by boxes, and what can be wrong with a box."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Inputs
from striate.data.depth import bits_of
from striate.data.splits import TRAIN, Rows
from striate.data.targets import Facts, Targets, tally

TINY = 3.0  # pixels of the shorter side; below it nothing can be seen
ROUNDING = 1.0  # pixels that a box may lie outside the image before anybody is told
FEW = 0.01  # of all boxes: fewer that are tiny are no fault of the set
QUANTILES = (0.05, 0.5, 0.95)  # of the sides of boxes that a check reports
DOUBTS = {
    "outside": "reach beyond their image or lie outside it",
    "empty": "have no area",
    "repeated": "are marked twice",
    "tiny": "are hardly a pixel",
}


@dataclass(frozen=True, eq=False)
class Objects:
    """What is marked in one image.

    Attributes:
        boxes: (K, 4) float32, x0 y0 x1 y1: edges in pixels from the upper left corner, inside the
            image and never empty.
        classes: (K,) int64 class numbers.
        difficult: (K,) bool: finding it is not asked, and finding it is no mistake.
        crowd: (K,) bool: many of a kind in one box; whatever is found in it is no mistake.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    difficult: NDArray[np.bool_]
    crowd: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(K,) which of them a detector owes."""
        return ~(self.difficult | self.crowd)

    def take(self, rows: Rows | NDArray[np.bool_]) -> "Objects":
        """Those objects, in that order."""
        return Objects(self.boxes[rows], self.classes[rows], self.difficult[rows], self.crowd[rows])


@dataclass(frozen=True)
class Doubt:
    """A box that is not as it should be, and what was done."""

    image: str
    kind: Literal["outside", "empty", "repeated", "tiny"]
    box: tuple[float, float, float, float]
    text: str


@dataclass(frozen=True, eq=False)
class Boxes(Targets):
    """Any number of boxes in each image.

    Attributes:
        names: the classes, in the order of their numbers.
        objects: (N,) what is marked in each image.
        sizes: (N, 2) int64 height and width of each image, in pixels.
        doubts: boxes that were corrected, left out or look wrong, of the whole set.
    """

    names: tuple[str, ...]
    objects: tuple[Objects, ...]
    sizes: NDArray[np.int64]
    doubts: tuple[Doubt, ...] = ()

    kind: ClassVar[str] = "boxes"
    things: ClassVar[str] = "things"
    contradiction: ClassVar[str] = "with different boxes"

    def __post_init__(self) -> None:
        if len(self.objects) != len(self.sizes):
            raise ValueError(
                f"{len(self.objects)} lists of objects and {len(self.sizes)} sizes: not as many"
            )

    def __len__(self) -> int:
        return len(self.objects)

    def take(self, rows: Rows) -> "Boxes":
        rows = np.asarray(rows, dtype=np.int64)
        objects = tuple(self.objects[row] for row in rows.tolist())
        return replace(self, objects=objects, sizes=self.sizes[rows])

    @property
    def pressing(self) -> tuple[Doubt, ...]:
        """All but a few tiny boxes, which stay as they are."""
        others = tuple(doubt for doubt in self.doubts if doubt.kind != "tiny")
        few = len(self.doubts) - len(others) < FEW * sum(map(len, self.objects))
        return others if few else self.doubts

    def strata(self) -> NDArray[np.int64]:
        """(N,) the class of each image's largest object; one more than the last class where
        nothing is marked."""
        strata = np.full(len(self), len(self.names), np.int64)
        for row, marked in enumerate(self.objects):
            if len(marked):
                strata[row] = marked.classes[areas(marked.boxes).argmax()]
        return strata

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) objects of each class and split, without difficult ones and crowds."""
        asked = [each.classes[each.asked] for each in self.objects]
        places = np.repeat(split, [len(each) for each in asked])
        return tally(len(self.names), np.concatenate([np.empty(0, np.int64), *asked]), places)

    def mark(self, row: int) -> bytes:
        one = self.objects[row]
        parts = (one.boxes, one.classes, one.difficult, one.crowd)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).digest()

    def words(self, row: int) -> str:
        """What is in an image: "2 RBC, 1 WBC"; "nothing"."""
        found = Counter(self.objects[row].classes.tolist())
        words = [f"{count} {self.names[number]}" for number, count in sorted(found.items())]
        return ", ".join(words) or "nothing"

    def facts(self, split: NDArray[np.int8]) -> Facts:
        counts = self.counts(split)
        faults = [
            f"{name} is marked, but in no training image"
            for name, row in zip(self.names, counts, strict=True)
            if row.sum() and not row[TRAIN]
        ]
        kinds = Counter[str](doubt.kind for doubt in self.pressing)
        faults += [
            f"{kinds[kind]:,} {'box' if kinds[kind] == 1 else 'boxes'} {words}"
            for kind, words in DOUBTS.items()
            if kinds[kind]
        ]
        empty = sum(not len(each) for each in self.objects)
        remarks = ["The side of a box is the square root of its area."]
        if empty:
            remarks.append(
                f"Nothing is marked in {empty:,} image{'' if empty == 1 else 's'}, which is right "
                "where there is nothing to mark."
            )
        sides = [self._sides(number) for number in range(len(self.names))]
        values = {
            "sides": {
                name: None if each is None else dict(zip(map(str, QUANTILES), each, strict=True))
                for name, each in zip(self.names, sides, strict=True)
            },
            "nothing_marked": empty,
        }
        columns = [
            tuple("" if each is None else f"{each[k]:.0f} px" for k in range(len(QUANTILES)))
            for each in sides
        ]
        headings = ("small side (5 %)", "median side", "large side (95 %)")
        return Facts(tuple(faults), tuple(remarks), headings, tuple(columns), values)

    def _sides(self, number: int) -> list[float] | None:
        """Quantiles of the sides of a class's boxes in pixels; None where it has no box."""
        boxes = [each.boxes[each.classes == number] for each in self.objects]
        found = areas(np.concatenate([np.empty((0, 4), np.float32), *boxes]))
        return np.quantile(np.sqrt(found), QUANTILES).tolist() if len(found) else None


@dataclass(frozen=True)
class Mark:
    """One object as a file tells it, before anybody has looked at it.

    Attributes:
        shape: its outline in the file's form, where masks are wanted.
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool = False
    crowd: bool = False
    shape: Any = None


Box = tuple[float, float, float, float]


def mended(
    marks: Sequence[Mark],
    numbers: Mapping[str, int],
    size: tuple[int, int],
    image: str,
    boxes: Sequence[Box] | None = None,
) -> tuple[Objects, list[Doubt]]:
    """Marks as objects, with every doubt told: what lies outside is cut off, what is empty or was
    said before is dropped, what is tiny stays.

    Args:
        size: height and width of the image.
        boxes: of the marks in pixels of the image, where theirs are of another.
    """
    height, width = map(float, size)
    kept: list[tuple[Mark, Box]] = []
    doubts: list[Doubt] = []
    said = set()
    places = [mark.box for mark in marks] if boxes is None else boxes
    for mark, box in zip(marks, places, strict=True):
        x0, y0, x1, y1 = box
        new = (mark.name, box) not in said
        if new and x0 >= 0 and y0 >= 0 and x0 + TINY <= x1 <= width and y0 + TINY <= y1 <= height:
            said.add((mark.name, box))
            kept.append((mark, box))  # as nearly all are
            continue
        inside = _inside(box, width, height)
        doubt = _doubt(box, inside, new=new, size=size)
        if doubt is not None:
            doubts.append(Doubt(image, doubt[0], box, f"{mark.name} {doubt[1]}"))
        if doubt is None or doubt[2]:
            said.add((mark.name, box))
            kept.append((mark, inside))
    objects = Objects(
        np.array([box for _, box in kept], np.float32).reshape(-1, 4),
        np.array([numbers[mark.name] for mark, _ in kept], np.int64),
        np.array([mark.difficult for mark, _ in kept], bool),
        np.array([mark.crowd for mark, _ in kept], bool),
    )
    return objects, doubts


def around_turned(box: Box, degrees: float, about: tuple[float, float]) -> Box:
    """The box around one that was turned clockwise about a point.

    >>> [round(edge) for edge in around_turned((0, 0, 4, 2), 90, (0, 0))]
    [-2, 0, 0, 4]
    """
    if degrees % 360 == 0:
        return box
    x0, y0, x1, y1 = box
    (x, y), angle = about, math.radians(degrees)
    corners = [(across - x, down - y) for across in (x0, x1) for down in (y0, y1)]
    right = [x + a * math.cos(angle) - d * math.sin(angle) for a, d in corners]
    below = [y + a * math.sin(angle) + d * math.cos(angle) for a, d in corners]
    return min(right), min(below), max(right), max(below)


def _inside(box: Box, width: float, height: float) -> Box:
    """The part of a box that lies in the image."""
    x0, y0, x1, y1 = box
    return (
        min(max(x0, 0.0), width), min(max(y0, 0.0), height),
        min(max(x1, 0.0), width), min(max(y1, 0.0), height),
    )  # fmt: skip


def _doubt(
    box: Box, inside: Box, *, new: bool, size: tuple[int, int]
) -> tuple[Literal["outside", "empty", "repeated", "tiny"], str, bool] | None:
    """What is wrong with a box, in words, and whether it is kept; None if nothing is."""
    image = f"the image of {size[1]} x {size[0]}"
    if box[2] < box[0] or box[3] < box[1]:
        return "empty", "ends before it begins (is it given by width and height?): left out", False
    if not (box[2] > box[0] and box[3] > box[1]):
        return "empty", "has no area: left out", False
    if not (inside[2] > inside[0] and inside[3] > inside[1]):
        return "outside", f"lies beyond {image}: left out", False
    if not new:
        return "repeated", "is marked twice: counted once", False
    if max(abs(a - b) for a, b in zip(inside, box, strict=True)) > ROUNDING:
        return "outside", f"reaches beyond {image}: cut off", True
    if min(inside[2] - inside[0], inside[3] - inside[1]) < TINY:
        return "tiny", "is hardly a pixel: kept", True
    return None


def whole(inputs: Inputs, row: int) -> NDArray[np.uint8]:
    """A picture with all of its pixels: (H, W, 3) uint8.

    Raises:
        ImageError: if it cannot be read.
    """
    from striate import images as decoding

    path = inputs.path(row)
    if path is None:
        return inputs[row]
    return decoding.read(path, at_least=None, bits=bits_of(inputs))


def areas(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K,) areas of boxes (K, 4), in square pixels."""
    return (boxes[:, 2:] - boxes[:, :2]).prod(1)
