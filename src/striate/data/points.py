"""Pictures in which parts of a thing are marked by points, and what can be wrong with a point."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted
from striate.data.part_names import eyes_of, mirrored_parts
from striate.data.splits import ASIDE, SPLITS, TEST, TRAIN, Rows
from striate.data.targets import ENOUGH, Facts, Targets, enumerated
from striate.errors import DataError

HIDDEN, SEEN = 1, 2  # COCO's visibility; 0 where nothing is marked
NEAR = 0.1  # of the length: copies are marked at most that far apart
LEAST = 2.0  # pixels: a shorter length measures nothing
DOUBTS = {
    "outside": "beyond the edge of the picture, taken for not marked",
    "number": "at no finite place, taken for not marked",
    "repeated": "at the place of another part",
}
Doubts = Literal["outside", "number", "repeated"]


@dataclass(frozen=True)
class PointDoubt:
    """A point that is not as it should be, and what was done."""

    image: str
    kind: Doubts
    place: tuple[float, float]
    text: str


@dataclass(frozen=True, eq=False)
class Points(Targets):
    """A place for each part of the thing in each picture.

    Attributes:
        names: the K parts.
        places: (N, K, 2) float32 x and y in pixels from the upper left corner of the picture, whose
            first pixel has its center at 0.5; nan where a part is not marked.
        visible: (N, K) uint8: 0 not marked, HIDDEN behind something, SEEN.
        sizes: (N, 2) int64 height and width of each picture, in pixels.
        lengths: (N,) float64 pixels that errors are measured by in each picture.
        measure: what that length is: "the distance between the eyes".
        areas: (N,) float64 pixels that each thing covers; nan where nobody says.
        lines: pairs of parts that are joined where a skeleton is drawn.
        swaps: (K,) the part that each becomes when left and right are exchanged; None where that is
            not known.
        doubts: points that were left out or look wrong, of the whole set.
    """

    names: tuple[str, ...]
    places: NDArray[np.float32]
    visible: NDArray[np.uint8]
    sizes: NDArray[np.int64]
    lengths: NDArray[np.float64]
    measure: str
    areas: NDArray[np.float64]
    lines: tuple[tuple[int, int], ...] = ()
    swaps: tuple[int, ...] | None = None
    doubts: tuple[PointDoubt, ...] = ()

    kind: ClassVar[str] = "points"
    things: ClassVar[str] = "points"
    contradiction: ClassVar[str] = "with different points"

    def __post_init__(self) -> None:
        count = len(self.places)
        if not count == len(self.visible) == len(self.sizes) == len(self.lengths):
            raise ValueError("places, visibilities, sizes and lengths are not as many")
        if self.places.shape[1:] != (len(self.names), 2):
            raise ValueError(f"{self.places.shape[1:]} places for {len(self.names)} parts")

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        places: NDArray[np.float64],
        sizes: NDArray[np.int64],
        *,
        visible: NDArray[np.uint8] | None = None,
        boxes: NDArray[np.float64] | None = None,
        areas: NDArray[np.float64] | None = None,
        lines: Sequence[tuple[int, int]] = (),
        doubts: Sequence[PointDoubt] = (),
    ) -> "Points":
        """Points with what follows from them: the length that errors are measured by, which parts
        are each other's mirror images, and lines where none are given.

        Args:
            places: (N, K, 2), nan where nothing is marked.
            visible: (N, K); None: all that is marked is seen.
            boxes: (N, 4) x0 y0 x1 y1 around the things; nan where there is none.
        """
        marked = np.isfinite(places).all(2)
        if visible is None:
            visible = np.where(marked, SEEN, 0).astype(np.uint8)
        lengths, measure = measured(places, sizes, boxes, eyes_of(names))
        count = len(places)
        if areas is None:
            areas = np.full(count, np.nan)
            if boxes is not None:
                areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return cls(
            tuple(names),
            places.astype(np.float32),
            np.where(marked, visible, 0).astype(np.uint8),
            sizes,
            lengths,
            measure,
            areas,
            tuple(lines) or tree(places),
            mirrored_parts(names),
            tuple(doubts),
        )

    def __len__(self) -> int:
        return len(self.places)

    @property
    def marked(self) -> NDArray[np.bool_]:
        """(N, K) which parts are marked, hidden ones among them."""
        return self.visible > 0

    def take(self, rows: Rows) -> "Points":
        rows = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            places=self.places[rows],
            visible=self.visible[rows],
            sizes=self.sizes[rows],
            lengths=self.lengths[rows],
            areas=self.areas[rows],
        )

    def strata(self) -> NDArray[np.int64]:
        """(N,) zeros: a split draws from all alike."""
        return np.zeros(len(self), np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) pictures of each split in which a part is marked."""
        parts = [self.marked[split == part].sum(0) for part in range(len(SPLITS))]
        return np.stack(parts, 1).astype(np.int64)

    def mark(self, row: int) -> bytes:
        parts = self.places[row].tobytes(), self.visible[row].tobytes()
        return hashlib.sha256(b"".join(parts)).digest()

    def words(self, row: int) -> str:
        """Which parts are marked: "4 points"; "3 of 4 points"."""
        count, all_of = int(self.marked[row].sum()), len(self.names)
        return f"{all_of} points" if count == all_of else f"{count} of {all_of} points"

    def key(self, row: int) -> bytes:
        """Which parts are marked; of the places of copies `told_apart` judges."""
        return self.marked[row].tobytes()

    def told_apart(self, first: int, second: int) -> bool:
        """Where the points of one would be wrong for the other: some part is more than a tenth of
        the length away."""
        scale = self.sizes[first, ::-1] / np.maximum(self.sizes[second, ::-1], 1)
        apart = np.hypot(*(self.places[first] - self.places[second] * scale).T)
        return bool((apart > NEAR * self.lengths[first]).any())  # nan, not marked, is not

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        if not (split == TRAIN).any():
            raise DataError(f"{name}: no training split to learn from")
        if drawn and len(set(split[split != ASIDE].tolist())) < len(SPLITS):
            raise DataError(f"{name}: {counted(len(self), thing)} with points; expected {ENOUGH}")
        counts = self.counts(split)
        lost = [part for part, row in zip(self.names, counts, strict=True) if not row[TRAIN]]
        if len(lost) == len(self.names):
            raise DataError(f"{name}: no point is marked in the training {thing}s")
        notes = [f"errors are measured by {self.measure}"]
        if lost:
            notes.append(f"marked in no training {thing}, so found anywhere: {enumerated(lost)}")
        return (*notes, mirroring(self.names, self.swaps))

    def facts(self, split: NDArray[np.int8]) -> Facts:
        counts = self.counts(split)
        faults = [
            f"{part} is marked in test images, and in no training image"
            for part, row in zip(self.names, counts, strict=True)
            if row[TEST] and not row[TRAIN]
        ]
        faults += [
            f"{part} is marked in no image"
            for part, row in zip(self.names, counts, strict=True)
            if not row.any()
        ]
        kinds = Counter[str](doubt.kind for doubt in self.doubts)
        faults += [
            f"{kinds[kind]:,} {'point' if kinds[kind] == 1 else 'points'} {words}"
            for kind, words in DOUBTS.items()
            if kinds[kind]
        ]
        hidden = (self.visible == HIDDEN).sum(0)
        missing = (~self.marked).sum(0)
        remarks = [f"Errors are measured by {self.measure}.", mirroring(self.names, self.swaps)]
        columns = tuple(
            (f"{none:,}", f"{behind:,}")
            for none, behind in zip(missing.tolist(), hidden.tolist(), strict=True)
        )
        values = {
            "measure": self.measure,
            "length": float(np.median(self.lengths)) if len(self) else None,
            "not_marked": dict(zip(self.names, missing.tolist(), strict=True)),
            "hidden": dict(zip(self.names, hidden.tolist(), strict=True)),
            "mirrored": None if self.swaps is None else list(self.swaps),
        }
        return Facts(tuple(faults), tuple(remarks), ("not marked", "hidden"), columns, values)


def mirroring(names: Sequence[str], swaps: Sequence[int] | None) -> str:
    """What mirrored views do to the parts, for people."""
    if swaps is None:
        return (
            "pictures are not mirrored to learn from: the names of the parts do not tell which are "
            "left and right of each other"
        )
    pairs = [
        f"{names[first]} and {names[second]}"
        for first, second in enumerate(swaps)
        if first < second
    ]
    if not pairs:
        return "mirrored views exchange no parts: none of them is named left or right"
    return f"mirrored views exchange {enumerated(pairs, 4)}"


def measured(
    places: NDArray[np.float64],
    sizes: NDArray[np.int64],
    boxes: NDArray[np.float64] | None,
    eyes: tuple[tuple[int, ...], tuple[int, ...]] | None,
) -> tuple[NDArray[np.float64], str]:
    """The length (N,) that errors in each picture are measured by, and what it is: of boxes the
    longer side, where every thing has one; of faces the distance between the middles of the eyes;
    else the longer side of the box around all points of the picture; where that is nothing
    everywhere, as with one part alone, the longer side of the picture.

    A picture in which it cannot be measured has the median of the others.

    Args:
        places: (N, K, 2), nan where nothing is marked.
        sizes: (N, 2) of the pictures.
        eyes: the parts of either eye.
    """
    if boxes is not None and np.isfinite(boxes).all():
        found = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        measure = "the longer side of the box around each thing"
    elif eyes is not None:
        first, second = (places[:, list(eye)].mean(1) for eye in eyes)  # nan where one is missing
        found = np.hypot(first[:, 0] - second[:, 0], first[:, 1] - second[:, 1])
        measure = "the distance between the middles of the eyes"
    else:
        there = np.isfinite(places).all(2, keepdims=True)
        high = np.where(there, places, -np.inf).max(1)
        low = np.where(there, places, np.inf).min(1)
        found = (high - low).max(1)
        measure = "the longer side of the box around all points of a picture"
    lengths: NDArray[np.float64] = np.where(np.isfinite(found), found, 0.0)
    good = lengths >= LEAST
    if not good.any():
        return sizes.max(1, initial=1).astype(np.float64), "the longer side of each picture"
    usual = float(np.median(lengths[good]))
    return np.where(good, lengths, usual), measure


def tree(places: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Lines that join all parts, as short as can be: the smallest spanning tree of the median
    distances between parts.

    >>> tree(np.array([[[0, 0], [5, 0], [1, 0.0]]]))
    ((0, 2), (1, 2))
    """
    count = places.shape[1]
    apart = np.full((count, count), np.inf)
    for first in range(count):
        steps = np.linalg.norm(places - places[:, first : first + 1], axis=2)  # (N, K)
        for second in range(count):
            known = steps[:, second][np.isfinite(steps[:, second])]
            if second != first and len(known):
                apart[first, second] = np.median(known)
    joined, lines = {0}, []
    while joined and len(joined) < count:
        rest = [part for part in range(count) if part not in joined]
        some = apart[np.ix_(sorted(joined), rest)]
        one, other = np.unravel_index(int(some.argmin()), some.shape)
        if not np.isfinite(some[one, other]):
            break
        pair = sorted(joined)[one], rest[other]
        lines.append((min(pair), max(pair)))
        joined.add(rest[other])
    return tuple(lines)
