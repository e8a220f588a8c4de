"""What the inputs of a dataset are marked with: the contract of every kind, and class labels."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from striate.data.splits import ASIDE, SPLITS, TRAIN, Rows
from striate.errors import DataError

ENOUGH = "at least 3 (one to learn from, one to choose on, one to score), better 20 and more"
EXAMPLES = {"image": ", such as photos/cat/1.jpg and photos/dog/1.jpg"}


class Doubtful(Protocol):
    """A mark that is not as it should be: a dataclass with at least these fields."""

    @property
    def image(self) -> str:
        """The name of the input."""

    @property
    def kind(self) -> str:
        """What is wrong, in one word."""

    @property
    def text(self) -> str:
        """What is wrong, and what was done about it."""


@dataclass(frozen=True)
class Facts:
    """What a check reports about targets, beyond their counts.

    Attributes:
        faults: what is wrong, a sentence each, the worst first.
        remarks: what is worth knowing and not wrong, a sentence each.
        headings: (K,) columns that the table of classes gets beside the counts.
        columns: (classes, K) what stands in them.
        values: everything as plain values, for JSON.
    """

    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


class Targets(ABC):
    """What N inputs are marked with, row for row.

    A kind of targets is a subclass with a `kind`, `names` and the abstract methods; everything else
    has a default that suits most kinds.

    Attributes:
        kind: one word for what they are: "labels", "boxes".
        things: what `counts` counts, in the plural; None for the inputs themselves.
        contradiction: how copies of one picture with different marks are described.
        names: the classes, in the order of their numbers; () for a kind without classes.
        doubts: marks that were corrected, left out or look wrong.
    """

    kind: ClassVar[str]
    things: ClassVar[str | None] = None
    contradiction: ClassVar[str] = "marked in several ways"
    names: tuple[str, ...]
    doubts: tuple[Doubtful, ...] = ()

    @property
    def pressing(self) -> Sequence[Doubtful]:
        """Those of the doubts that a person can do something about."""
        return self.doubts

    @abstractmethod
    def __len__(self) -> int:
        """N, the number of inputs that are marked."""

    @abstractmethod
    def take(self, rows: Rows) -> Self:
        """Those rows, in that order; the classes stay."""

    @abstractmethod
    def strata(self) -> NDArray[np.int64]:
        """(N,) the stratum of each input: a split draws the same share of every stratum."""

    @abstractmethod
    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) how many `things` of each class are in each split.

        Args:
            split: (N,) an index into SPLITS, or ASIDE.
        """

    @abstractmethod
    def mark(self, row: int) -> bytes:
        """What changes when the marks of an input do; a part of the dataset's fingerprint."""

    @abstractmethod
    def words(self, row: int) -> str:
        """How an input is marked, for people: "cat"; "2 RBC, 1 WBC"."""

    def key(self, row: int) -> Hashable:
        """Equal for inputs that are marked alike; copies of one picture should be."""
        return self.words(row)

    def told_apart(self, first: int, second: int) -> bool:
        """Whether two inputs that look alike are no copies, because their marks differ by more than
        people would: frames of a video in which something small has moved."""
        return False

    def single(self) -> NDArray[np.int64] | None:
        """(N,) class numbers where every input is of exactly one class; None otherwise.

        Such targets can be judged by a classifier and written as a list of paths and labels.
        """
        return None

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        """Notes on what can be learned only in part.

        Args:
            split: (N,) an index into SPLITS, or ASIDE.
            name: what the person called the dataset, for the error.
            drawn: whether a split was drawn, not given.
            thing: what one input is called.

        Raises:
            DataError: if nothing can be learned; it says what is expected.
        """
        return ()

    def unlearned(self, split: NDArray[np.int8]) -> NDArray[np.bool_]:
        """(N,) which inputs cannot be scored, because nothing that is learned from is like them."""
        return np.zeros(len(self), np.bool_)

    @property
    def unmarked(self) -> NDArray[np.bool_]:
        """(N,) which inputs have nothing to be scored by: they stay in the training split."""
        return np.zeros(len(self), np.bool_)

    def compact(self) -> Self:
        """The same without classes that no input has, where that loses nothing."""
        return self

    def narrowed(
        self, split: NDArray[np.int8], readable: NDArray[np.bool_]
    ) -> "tuple[NDArray[np.bool_], Self, tuple[str, ...]]":
        """The targets of the inputs that can be read, without classes that cannot be learned then.

        Args:
            split: (N,) an index into SPLITS, or ASIDE.
            readable: (N,) which inputs can be read.

        Returns:
            Which rows stay (N,), the targets of those rows, and the names of the classes taken out.
        """
        return readable, self.take(np.flatnonzero(readable)), ()

    def facts(self, split: NDArray[np.int8]) -> Facts:
        """What a check reports about them; `split` (N,) is an index into SPLITS, or ASIDE."""
        return Facts()


@dataclass(frozen=True, eq=False)
class Labels(Targets):
    """One class for each input.

    Attributes:
        names: the classes, in the order of their numbers.
        numbers: (N,) int64 class numbers.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.int64]

    kind: ClassVar[str] = "labels"
    contradiction: ClassVar[str] = "under several labels, of which one at most is right"

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Rows) -> "Labels":
        return Labels(self.names, self.numbers[np.asarray(rows, dtype=np.int64)])

    def strata(self) -> NDArray[np.int64]:
        return self.numbers

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) inputs of each class in each split."""
        return tally(len(self.names), self.numbers, split)

    def mark(self, row: int) -> bytes:
        return self.words(row).encode("utf-8", "replace")

    def words(self, row: int) -> str:
        return self.names[self.numbers[row]]

    def single(self) -> NDArray[np.int64]:
        return self.numbers

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        train, validation, test = self.counts(split).T
        total = train + validation + test
        used = np.flatnonzero(total)
        if not train.any():
            only = "validation" if not test.any() else "test"
            raise DataError(f"{name}: no training split to learn from, only {only}")
        if len(used) < 2:
            raise DataError(
                f"{name}: one class only ({self.names[used[0]]!r}); expected at least two"
                f"{EXAMPLES.get(thing, '')}"
            )
        if len(unlearned := used[train[used] == 0]):
            lacking = enumerated([repr(self.names[number]) for number in unlearned])
            raise DataError(f"{name}: no training {thing} of {lacking}, which is in another split")
        if total.max() == 1:
            raise DataError(f"{name}: one {thing} a class; expected {ENOUGH}")
        if drawn and not (validation.any() and test.any()):
            raise DataError(
                f"{name}: {total.min()} {thing}s in the smallest class; expected {ENOUGH}"
            )
        if not (alone := [self.names[number] for number in np.flatnonzero(total == 1)]):
            return ()
        return (f"one {thing} only, which is learned from and never tested: {enumerated(alone)}",)

    def unlearned(self, split: NDArray[np.int8]) -> NDArray[np.bool_]:
        learned = np.bincount(self.numbers[split == TRAIN], minlength=len(self.names)) > 0
        return ~learned[self.numbers] & (split != TRAIN)

    def compact(self) -> "Labels":
        used, numbers = np.unique(self.numbers, return_inverse=True)
        names = tuple(self.names[number] for number in used.tolist())
        return Labels(names, numbers.astype(np.int64))

    def narrowed(
        self, split: NDArray[np.int8], readable: NDArray[np.bool_]
    ) -> "tuple[NDArray[np.bool_], Labels, tuple[str, ...]]":
        learned = np.bincount(self.numbers[split == TRAIN], minlength=len(self.names)) > 0
        training = (split == TRAIN) & readable
        lost = learned & (np.bincount(self.numbers[training], minlength=len(self.names)) == 0)
        kept = np.flatnonzero(~lost)
        rows = readable & ~lost[self.numbers]
        numbers = np.searchsorted(kept, self.numbers[rows]).astype(np.int64)
        taken_out = tuple(self.names[number] for number in np.flatnonzero(lost))
        return rows, Labels(tuple(self.names[number] for number in kept), numbers), taken_out


def tally(classes: int, numbers: NDArray[np.int64], split: NDArray[np.int8]) -> NDArray[np.int64]:
    """(classes, 3) how often each class occurs in each split.

    Args:
        numbers: (K,) class numbers.
        split: (K,) the split of each, an index into SPLITS, or ASIDE.

    >>> tally(2, np.array([0, 1, 1, 1]), np.array([0, 0, 2, -1])).tolist()
    [[1, 0, 0], [1, 0, 1]]
    """
    table = np.zeros((classes, len(SPLITS)), dtype=np.int64)
    used = split != ASIDE
    np.add.at(table, (numbers[used], split[used]), 1)
    return table


def enumerated(names: Sequence[str], most: int = 6) -> str:
    """Names for a sentence, of many the first.

    >>> enumerated("abcdefgh")
    'a, b, c, d, e, f and 2 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
