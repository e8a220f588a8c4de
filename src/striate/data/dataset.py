"""Inputs with their targets and their split: the one thing that all learning starts from."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.data.names import printable, quoted
from striate.data.splits import (
    ASIDE,
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    Rows,
    joined,
    straddling,
    stratified,
)
from striate.data.targets import Targets

SHARES = {"test": 0.2, "validation": 0.2}  # of all inputs; of what the test left

Target = TypeVar("Target", bound=Targets)


@dataclass(frozen=True)
class LeftOut:
    """A file (or folder) that was not used, and the short reason."""

    name: str
    reason: str


class Inputs(Protocol):
    """What is learned from, by number, wherever it lies. `Files` and `Array` are for pictures.

    Attributes:
        thing: what one of them is: "image", "text", "recording".
    """

    thing: ClassVar[str]

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, row: int, /) -> Any:
        """One input; a picture is (H, W, 3) uint8, a text a str. InputError with the reason if it
        cannot be read."""

    def name(self, row: int) -> str:
        """What people know it by: its path below the folder, with slashes, or "test/17"."""

    def path(self, row: int) -> Path | None:
        """Its file, where it has one of its own."""

    def mark(self, row: int) -> bytes:
        """What changes when the input does: the size of its file, or a hash of its pixels."""

    def take(self, rows: Rows) -> Self:
        """Those rows, in that order."""


class InFiles:
    """Inputs that are files each: a subclass reads them when they are asked for.

    Args:
        paths: of each file, relative to `root` (or absolute).
        root: the folder that names are relative to.
    """

    def __init__(self, paths: Iterable[str | os.PathLike[str]], root: str | os.PathLike[str] = "."):
        self.paths = tuple(os.fspath(path) for path in paths)
        self.root = os.fspath(root)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, row: int) -> str:
        return printable(self.paths[row])

    def path(self, row: int) -> Path:
        return Path(self._file(row))

    def mark(self, row: int) -> bytes:
        try:
            return str(Path(self._file(row)).stat().st_size).encode()
        except OSError:
            return b"absent"

    def _file(self, row: int) -> str:
        return os.path.join(self.root, self.paths[row])  # noqa: PTH118 (a Path costs ten times more)


class Files(InFiles):
    """Pictures that are files.

    Args:
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).
    """

    thing: ClassVar[str] = "image"

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        root: str | os.PathLike[str] = ".",
        bits: int | None = None,
    ):
        super().__init__(paths, root)
        self.bits = bits

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        return pictures.read(self._file(row), bits=self.bits)

    def take(self, rows: Rows) -> "Files":
        return Files([self.paths[row] for row in rows], self.root, self.bits)


class Array:
    """Pictures that lie in memory.

    Args:
        array: (N, H, W) or (N, H, W, 3) uint8.
        names: (N,) what each is called; or one word, for "word/0", "word/1"...
    """

    thing: ClassVar[str] = "image"

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
class Dataset(Generic[Target]):
    """Inputs, what they are marked with, and which of them may be learned from.

    Attributes:
        name: what the person called it.
        inputs: (N,) read on demand.
        targets: (N,) what each is marked with: labels, boxes...
        split: (N,) int8, an index into SPLITS; ASIDE for inputs of no split.
        drawn: the splits that striate drew itself, because the folder does not say.
        groups: (N,) int64, equal for inputs that a drawn split has all of or none; None where each
            stands alone.
        weights: (N,) 0 or more, how much each counts in learning, beside the others; None where all
            count alike. Choices and scores do not look at them.
        seed: of the splits that were drawn.
        left_out: what lies in the folder and was not used, with reasons.
        notes: plain sentences that a report should repeat.
    """

    name: str
    inputs: Inputs
    targets: Target
    split: NDArray[np.int8]
    drawn: frozenset[str] = frozenset()
    groups: NDArray[np.int64] | None = None
    weights: NDArray[np.float64] | None = None
    seed: int = 0
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.targets) == len(self.split):
            raise ValueError(
                f"{len(self.inputs)} inputs, {len(self.targets)} targets and {len(self.split)} "
                "splits should be as many"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def thing(self) -> str:
        """What one input is: "image", "text", "recording"."""
        return self.inputs.thing

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers; () where there are none."""
        return self.targets.names

    @property
    def train(self) -> Self:
        """What is learned from."""
        return self.take(np.flatnonzero(self.split == TRAIN))

    @property
    def validation(self) -> Self:
        """What choices are made on."""
        return self.take(np.flatnonzero(self.split == VALIDATION))

    @property
    def test(self) -> Self:
        """What is scored, once."""
        return self.take(np.flatnonzero(self.split == TEST))

    def take(self, indices: Rows) -> Self:
        """Those rows, in that order; the classes stay."""
        rows = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            inputs=self.inputs.take(rows),
            targets=self.targets.take(rows),
            split=self.split[rows],
            groups=None if self.groups is None else self.groups[rows],
            weights=None if self.weights is None else self.weights[rows],
        )

    def without(self, reasons: Mapping[int, str]) -> Self:
        """All rows but these, which join `left_out` with their reasons."""
        keep = np.setdiff1d(np.arange(len(self)), np.fromiter(reasons, np.int64, len(reasons)))
        return replace(self.take(keep), left_out=self.left_out + self._gone(reasons))

    def set_aside(self, reasons: Mapping[int, str]) -> Self:
        """As `without`, but the rows stay where they are, in no split: pixels need not move."""
        split = self.split.copy()
        split[sorted(reasons)] = ASIDE
        return replace(self, split=split, left_out=self.left_out + self._gone(reasons))

    def _gone(self, reasons: Mapping[int, str]) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(self.inputs.name(row), reasons[row]) for row in sorted(reasons))

    def learnable(self, name: str) -> Self:
        """What of it can be learned from and scored; inputs of classes that no training input has
        are left out.

        Args:
            name: what the person called it.

        Raises:
            DataError: if too little is left; it says what is expected.
        """
        data = self
        lost = self.targets.unlearned(self.split)
        rest = self.split[~lost]
        if lost.any() and all((rest == part).any() for part in set(self.split.tolist())):
            reasons = {
                row: f"no training {self.thing} is of its class {self.targets.words(row)!r}"
                for row in np.flatnonzero(lost).tolist()
            }
            gone = sorted({self.targets.words(row) for row in reasons})
            data = self.without(reasons).noted(
                f"not scored, because no training {self.thing} is of the class: {quoted(gone)}"
            )
            data = replace(data, targets=data.targets.compact())
        notes = data.targets.learnable(
            data.split, name=name, drawn=bool(data.drawn), thing=self.thing
        )
        return data.noted(*notes)

    def noted(self, *notes: str) -> Self:
        """The same with more notes, each once."""
        return replace(self, notes=tuple(dict.fromkeys(self.notes + notes)))

    def redraw(self, seed: int) -> Self:
        """The same rows with the validation split drawn anew; the test split stays.

        Where the folder itself names the validation inputs, nothing changes.
        """
        if "validation" not in self.drawn:
            return self
        return self._draw("validation", seed)

    def complete(self, seed: int) -> Self:
        """Draws the test and validation splits that have no input yet from the training inputs."""
        data = replace(self, seed=seed)
        if not (data.split == TRAIN).any():  # only to be scored
            return data
        for part in ("test", "validation"):
            if not (data.split == SPLITS.index(part)).any():
                data = replace(data, drawn=data.drawn | {part})._draw(part, seed)
        return data

    def at_most(self, count: int, seed: int) -> Self:
        """About `count` of the inputs, of every split and class its share, groups whole or not at
        all; the others are in no split."""
        used = np.flatnonzero(self.split != ASIDE)
        if count >= len(used):
            return self
        split = np.full_like(self.split, ASIDE)
        strata = self.targets.strata()
        for part in range(len(SPLITS)):
            rows = np.flatnonzero(self.split == part)
            keys = [self.inputs.name(row) for row in rows.tolist()]
            groups = None if self.groups is None else self.groups[rows]
            drawn = stratified(
                strata[rows], count / len(used), seed=seed, keys=keys, keep=0, groups=groups
            )
            split[rows[drawn]] = part
        kept = np.flatnonzero(split != ASIDE)
        return replace(self.take(kept), split=split[kept]).noted(
            f"{len(kept):,} of {len(used):,} {self.thing}s, as was asked"
        )

    def together(self, groups: NDArray[np.int64]) -> Self:
        """The same with inputs of equal `groups` (N,) in one split, as far as striate drew the
        splits: those are drawn anew, by the same seed. Groups that there are already stay."""
        groups = groups if self.groups is None else joined(self.groups, groups)
        data = replace(self, groups=groups)
        apart = {SPLITS.index(part) for part in self.drawn}
        if not len(straddling(data.split, groups, apart)):
            return data
        split = self.split.copy()
        split[np.isin(split, list(apart))] = TRAIN
        data = replace(data, split=split)
        for part in ("test", "validation"):
            if part in self.drawn:
                data = data._draw(part, self.seed)
        return data

    def _draw(self, part: str, seed: int) -> Self:
        # A class of two images is better off with one to choose on than one to score.
        number, keep = SPLITS.index(part), 2 if part == "test" else 1
        able = (self.split == TRAIN) & ~self.targets.unmarked | (self.split == number)
        pool = np.flatnonzero(able)
        keys = [self.inputs.name(row) for row in pool.tolist()]
        strata = self.targets.strata()[pool]
        groups = None if self.groups is None else self.groups[pool]
        drawn = stratified(strata, SHARES[part], seed=seed, keys=keys, keep=keep, groups=groups)
        split = self.split.copy()
        split[pool] = np.where(drawn, number, TRAIN)
        return replace(self, split=split)

    def counts(self) -> NDArray[np.int64]:
        """(classes, 3) how many of each class are in each split: what `targets.things` says."""
        return self.targets.counts(self.split)

    def fingerprint(self) -> str:
        """Names this very set of inputs and targets, wherever it lies and however it is split.

        The SHA-256 (hexadecimal) over the class names and, sorted, every input's name, its target
        and the size of its file, or its pixels where it is not a file; and its weight, where inputs
        have one.
        """
        lines = sorted(
            b"\0".join(
                (
                    self.inputs.name(row).encode("utf-8", "replace"),
                    self.targets.mark(row),
                    self.inputs.mark(row),
                    *(() if self.weights is None else (self.weights[row].tobytes(),)),
                )
            )
            for row in range(len(self))
        )
        total = hashlib.sha256("\0".join(self.classes).encode("utf-8", "replace"))
        for line in lines:
            total.update(hashlib.sha256(line).digest())
        return total.hexdigest()
