"""Images with their classes and their split: the one thing that all learning starts from."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.data.splits import stratified

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)
ASIDE = -1
SHARES = {"test": 0.2, "validation": 0.2}  # of all images; of what the test left

Rows = NDArray[np.int64] | Sequence[int]


@dataclass(frozen=True)
class LeftOut:
    """A file (or folder) that was not used, and the short reason."""

    name: str
    reason: str


class Images(Protocol):
    """Pictures by number, wherever they lie."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, row: int, /) -> NDArray[np.uint8]:
        """One picture, (H, W, 3) uint8; ImageError with the reason if it cannot be read."""

    def name(self, row: int) -> str:
        """What people know it by: its path below the folder, with slashes, or "test/17"."""

    def path(self, row: int) -> Path | None:
        """Its file, where it has one of its own."""

    def mark(self, row: int) -> bytes:
        """What changes when the picture does: the size of its file, or a hash of its pixels."""

    def take(self, rows: Rows) -> "Images":
        """Those rows, in that order."""


class Files:
    """Pictures that are files, read when they are asked for.

    Args:
        paths: of each file, relative to `root` (or absolute).
        root: the folder that names are relative to.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]], root: str | os.PathLike[str] = "."):
        self.paths = tuple(os.fspath(path) for path in paths)
        self.root = os.fspath(root)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        return pictures.read(self._file(row))

    def name(self, row: int) -> str:
        return printable(self.paths[row])

    def path(self, row: int) -> Path:
        return Path(self._file(row))

    def mark(self, row: int) -> bytes:
        try:
            return str(Path(self._file(row)).stat().st_size).encode()
        except OSError:
            return b"absent"

    def take(self, rows: Rows) -> "Files":
        return Files([self.paths[row] for row in rows], self.root)

    def _file(self, row: int) -> str:
        return os.path.join(self.root, self.paths[row])  # noqa: PTH118 (a Path costs ten times more)


class Array:
    """Pictures that lie in memory.

    Args:
        array: (N, H, W) or (N, H, W, 3) uint8.
        names: (N,) what each is called; or one word, for "word/0", "word/1"...
    """

    def __init__(self, array: NDArray[np.uint8], names: Sequence[str] | str = "image"):
        if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[3:] not in ((), (3,)):
            raise ValueError(
                f"images must be (N, H, W) or (N, H, W, 3) uint8, not {array.shape} {array.dtype}"
            )
        self.array = array
        self.names = names
        self.rows: NDArray[np.int64] = np.arange(len(array), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        return pictures.to_rgb(self.array[self.rows[row]])

    def name(self, row: int) -> str:
        row = int(self.rows[row])
        return f"{self.names}/{row}" if isinstance(self.names, str) else self.names[row]

    def path(self, row: int) -> None:
        return None

    def mark(self, row: int) -> bytes:
        return hashlib.sha256(self.array[self.rows[row]].tobytes()).digest()

    def take(self, rows: Rows) -> "Array":
        """Those rows of the same memory: nothing is copied."""
        taken = Array.__new__(Array)
        taken.array, taken.names = self.array, self.names
        taken.rows = self.rows[np.asarray(rows, dtype=np.int64)]
        return taken


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images, what they show, and which of them may be learned from.

    Attributes:
        name: what the person called it.
        classes: names, in the order of the class numbers.
        images: (N,) pictures, decoded on demand.
        targets: (N,) int64 class numbers.
        split: (N,) int8, an index into SPLITS; ASIDE for images of no split.
        drawn: the splits that striate drew itself, because the folder does not say.
        left_out: what lies in the folder and was not used, with reasons.
        notes: plain sentences that a report should repeat.
    """

    name: str
    classes: tuple[str, ...]
    images: Images
    targets: NDArray[np.int64]
    split: NDArray[np.int8]
    drawn: frozenset[str] = frozenset()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.targets) == len(self.split):
            raise ValueError(
                f"{len(self.images)} images, {len(self.targets)} targets and {len(self.split)} "
                "splits should be as many"
            )

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def train(self) -> "Dataset":
        """What is learned from."""
        return self.take(np.flatnonzero(self.split == TRAIN))

    @property
    def validation(self) -> "Dataset":
        """What choices are made on."""
        return self.take(np.flatnonzero(self.split == VALIDATION))

    @property
    def test(self) -> "Dataset":
        """What is scored, once."""
        return self.take(np.flatnonzero(self.split == TEST))

    def take(self, indices: Rows) -> "Dataset":
        """Those rows, in that order; the classes stay."""
        rows = np.asarray(indices, dtype=np.int64)
        return replace(
            self, images=self.images.take(rows), targets=self.targets[rows], split=self.split[rows]
        )

    def without(self, reasons: Mapping[int, str]) -> "Dataset":
        """All rows but these, which join `left_out` with their reasons."""
        gone = tuple(LeftOut(self.images.name(row), reasons[row]) for row in sorted(reasons))
        keep = np.setdiff1d(np.arange(len(self)), np.fromiter(reasons, np.int64, len(reasons)))
        return replace(self.take(keep), left_out=self.left_out + gone)

    def set_aside(self, reasons: Mapping[int, str]) -> "Dataset":
        """As `without`, but the rows stay where they are, in no split: pixels need not move."""
        rows = sorted(reasons)
        gone = tuple(LeftOut(self.images.name(row), reasons[row]) for row in rows)
        split = self.split.copy()
        split[rows] = ASIDE
        return replace(self, split=split, left_out=self.left_out + gone)

    def noted(self, *notes: str) -> "Dataset":
        """The same with more notes."""
        return replace(self, notes=self.notes + notes)

    def redraw(self, seed: int) -> "Dataset":
        """The same rows with the validation split drawn anew; the test split stays.

        Where the folder itself names the validation images, nothing changes.
        """
        if "validation" not in self.drawn:
            return self
        return self._draw("validation", seed, keep=1)

    def complete(self, seed: int) -> "Dataset":
        """Draws the test and validation splits that have no image yet from the training images."""
        data = self
        for part in ("test", "validation"):
            if not (data.split == SPLITS.index(part)).any():
                # A class of two images is better off with one to choose on than one to score.
                data = replace(data, drawn=data.drawn | {part})
                data = data._draw(part, seed, keep=2 if part == "test" else 1)
        return data

    def _draw(self, part: str, seed: int, *, keep: int) -> "Dataset":
        number = SPLITS.index(part)
        pool = np.flatnonzero((self.split == TRAIN) | (self.split == number))
        keys = [self.images.name(row) for row in pool.tolist()]
        drawn = stratified(self.targets[pool], SHARES[part], seed=seed, keys=keys, keep=keep)
        split = self.split.copy()
        split[pool] = np.where(drawn, number, TRAIN)
        return replace(self, split=split)

    def counts(self) -> NDArray[np.int64]:
        """Images of each class in each split: (classes, 3)."""
        table = np.zeros((len(self.classes), len(SPLITS)), dtype=np.int64)
        used = self.split != ASIDE
        np.add.at(table, (self.targets[used], self.split[used]), 1)
        return table

    def fingerprint(self) -> str:
        """Names this very set of images and classes, wherever it lies and however it is split.

        The SHA-256 (hexadecimal) over the class names and, sorted, every image's name, class and
        the size of its file, or its pixels where it is no file.
        """
        lines = sorted(
            f"{self.images.name(row)}\0{self.classes[target]}\0".encode("utf-8", "replace")
            + self.images.mark(row)
            for row, target in enumerate(self.targets)
        )
        total = hashlib.sha256("\0".join(self.classes).encode("utf-8", "replace"))
        for line in lines:
            total.update(hashlib.sha256(line).digest())
        return total.hexdigest()


def printable(path: str) -> str:
    """A file's name as text: slashes, and a replacement mark for bytes that are no UTF-8."""
    if os.sep != "/":
        path = path.replace(os.sep, "/")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
