"""Pictures in which every pixel has a class, and what can be wrong with a mask."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted
from striate.data.splits import ASIDE, SPLITS, TEST, TRAIN, Rows
from striate.data.targets import ENOUGH, Facts, Targets, enumerated
from striate.errors import DataError

VOID = 255
"""The number of pixels that are neither learned nor scored."""
MOST = 254  # classes
DOUBTS = {
    "unknown": "with pixels of a number or color that is no class, which count as void",
    "bare": "with objects of which a box is all that is known, and which count as void",
    "void": "of which nothing but void is left",
}


class Map(Protocol):
    """Where the mask of one picture comes from."""

    def read(self) -> NDArray[np.uint8]:
        """(H, W) class numbers, VOID where there is none.

        Raises:
            ImageError: if its file cannot be read any more.
        """


@dataclass(frozen=True, eq=False)
class Lying:
    """A mask in memory."""

    pixels: NDArray[np.uint8]

    def read(self) -> NDArray[np.uint8]:
        return self.pixels


@dataclass(frozen=True)
class Unmarked:
    """No mask, of a picture of this size that is known otherwise: by its folder or by points."""

    height: int
    width: int

    def read(self) -> NDArray[np.uint8]:
        return np.full((self.height, self.width), VOID, np.uint8)


@dataclass(frozen=True)
class MaskDoubt:
    """A mask that is not as it should be, and what was done."""

    image: str
    kind: Literal["unknown", "bare", "void"]
    text: str


@dataclass(frozen=True, eq=False)
class Masks(Targets):
    """A class for each pixel of each image.

    Attributes:
        names: the classes, in the order of their numbers, at most MOST.
        maps: (N,) where the mask of each image is read from.
        areas: (N, len(names) + 1) int64 pixels of each class in each image, the void last; all 0
            where an image has no mask.
        sizes: (N, 2) int64 height and width of each image, in pixels.
        digests: (N,) what changes when the mask does.
        doubts: masks that are not as they should be, of the whole set.
    """

    names: tuple[str, ...]
    maps: tuple[Map, ...]
    areas: NDArray[np.int64]
    sizes: NDArray[np.int64]
    digests: tuple[bytes, ...]
    doubts: tuple[MaskDoubt, ...] = ()

    kind: ClassVar[str] = "masks"
    contradiction: ClassVar[str] = "with different masks"

    def __post_init__(self) -> None:
        lengths = {len(self.maps), len(self.areas), len(self.sizes), len(self.digests)}
        if len(lengths) != 1:
            raise ValueError(f"maps, areas, sizes and digests are not as many: {sorted(lengths)}")
        if self.areas.shape[1] != len(self.names) + 1:
            raise ValueError(f"{self.areas.shape[1]} areas for {len(self.names)} classes and void")

    @classmethod
    def of(cls, names: Sequence[str], maps: Sequence[NDArray[np.uint8]]) -> "Masks":
        """Of masks in memory: (H, W) uint8 class numbers, VOID where there is none.

        Raises:
            ValueError: if a number is that of no class.
        """
        count = len(names)
        areas = np.zeros((len(maps), count + 1), np.int64)
        for row, pixels in enumerate(maps):
            found = np.bincount(pixels.ravel(), minlength=VOID + 1)
            if found[count:VOID].any():
                number = count + int(np.flatnonzero(found[count:VOID])[0])
                raise ValueError(f"mask {row} holds {number}, and there are {count} classes")
            areas[row] = [*found[:count], found[VOID]]
        sizes = np.array([pixels.shape for pixels in maps], np.int64).reshape(-1, 2)
        digests = tuple(digest(pixels) for pixels in maps)
        return cls(tuple(names), tuple(map(Lying, maps)), areas, sizes, digests)

    def __len__(self) -> int:
        return len(self.maps)

    def take(self, rows: Rows) -> "Masks":
        rows = np.asarray(rows, dtype=np.int64)
        some = rows.tolist()
        return replace(
            self,
            maps=tuple(self.maps[row] for row in some),
            areas=self.areas[rows],
            sizes=self.sizes[rows],
            digests=tuple(self.digests[row] for row in some),
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N, len(names)) which classes each image shows."""
        return self.areas[:, :-1] > 0

    @property
    def unmarked(self) -> NDArray[np.bool_]:
        return self.areas.sum(1) == 0

    def strata(self) -> NDArray[np.int64]:
        """(N,) the class in each image that the fewest images show; one more than the last class
        where all is void. All in one, where each has too few for a draw."""
        present = self.present
        images = np.where(present, present.sum(0), len(self) + 1)
        found = np.where(present.any(1), images.argmin(1), len(self.names)).astype(np.int64)
        few = len(SPLITS) <= len(self) and np.bincount(found).max() < len(SPLITS)
        return np.zeros_like(found) if few else found

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) images of each split in which a class is."""
        parts = [self.present[split == part].sum(0) for part in range(len(SPLITS))]
        return np.stack(parts, 1).astype(np.int64)

    def mark(self, row: int) -> bytes:
        return self.digests[row]

    def words(self, row: int) -> str:
        """What is in an image, the largest first: "road 31 %, sky 20 %"; "void"; "no mask"."""
        areas = self.areas[row, :-1]
        order = np.argsort(-areas, kind="stable")[: int((areas > 0).sum())]
        total = max(1, int(areas.sum()))
        said = [f"{self.names[k]} {100 * int(areas[k]) / total:.0f} %" for k in order.tolist()]
        return enumerated(said) or ("void" if self.areas[row].any() else "no mask")

    def key(self, row: int) -> bytes:
        return self.present[row].tobytes()  # copies of other sizes have other digests

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        train = self.counts(split)[:, TRAIN]
        if not (split == TRAIN).any():
            raise DataError(f"{name}: no training split to learn from")
        if drawn and len(set(split[split != ASIDE].tolist())) < len(SPLITS):
            count = int((~self.unmarked).sum())
            raise DataError(f"{name}: {counted(count, thing)} with masks; expected {ENOUGH}")
        if self._some_unmarked(split):  # they may teach what the others do not show
            train = self.counts(split).sum(1)
        if (train > 0).sum() < 2:
            only = enumerated([self.names[k] for k in np.flatnonzero(train)]) or "void"
            raise DataError(
                f"{name}: every pixel of the training masks is {only}; at least two classes are "
                "needed, such as background and object"
            )
        return ()

    def facts(self, split: NDArray[np.int8]) -> Facts:
        counts, shares = self.counts(split), self._shares(split)
        faults = [
            f"{name} is in test masks, and in no training mask"
            for name, row in zip(self.names, counts, strict=True)
            if row[TEST] and not row[TRAIN] and not self._some_unmarked(split)
        ]
        kinds = Counter[str](doubt.kind for doubt in self.doubts)
        faults += [
            f"{kinds[kind]:,} {'mask' if kinds[kind] == 1 else 'masks'} {words}"
            for kind, words in DOUBTS.items()
            if kinds[kind]
        ]
        remarks = [
            f"{name} is in no {word} mask"
            for name, row in zip(self.names, counts, strict=True)
            for part, word in enumerate(SPLITS)
            if row.any() and not row[part] and (split == part).any() and part != TRAIN
        ]
        alone = int((self.present.sum(1) == 1).sum())
        if alone:
            remarks.append(
                f"{alone:,} {'mask holds' if alone == 1 else 'masks hold'} one class alone, which "
                "is right where there is nothing else to see."
            )
        bare = int(self.unmarked.sum())
        if bare:
            remarks.append(f"{bare:,} {'image has' if bare == 1 else 'images have'} no mask.")
        void = self.areas[:, -1].sum() / max(1, self.areas.sum())
        values = {
            "shares": dict(zip(self.names, shares.tolist(), strict=True)),
            "void": float(void),
            "one_class": alone,
            "unmarked": bare,
        }
        if void:
            remarks.append(f"{100 * void:.1f} % of all pixels are void: not learned, not scored.")
        columns = tuple((f"{100 * share:.1f} %",) for share in shares.tolist())
        return Facts(tuple(faults), tuple(remarks), ("pixels",), columns, values)

    def _some_unmarked(self, split: NDArray[np.int8]) -> bool:
        return bool(self.unmarked[split == TRAIN].any())

    def _shares(self, split: NDArray[np.int8]) -> NDArray[np.float64]:
        """(len(names),) the share of each class in all pixels of the splits that are not void."""
        total = self.areas[split != ASIDE, :-1].sum(0)
        shares: NDArray[np.float64] = total / max(1, total.sum())
        return shares


def digest(pixels: NDArray[np.uint8]) -> bytes:
    """A hash of a mask and its size."""
    total = hashlib.sha256(repr(pixels.shape).encode())
    total.update(np.ascontiguousarray(pixels).tobytes())
    return total.digest()
