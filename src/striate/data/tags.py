"""Inputs of several classes each, or of none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted
from striate.data.splits import ASIDE, SPLITS, TRAIN, Rows
from striate.data.targets import Facts, Targets, enumerated
from striate.errors import DataError

THERE, ABSENT, UNKNOWN = 1, 0, -1
FEWEST = 3  # training inputs of a class, below which nothing is learned of it
RARE = 20  # below which little is
TOGETHER = 10  # inputs of two classes that are always together, from which on that is told
NOTHING = "none of the classes"


@dataclass(frozen=True, eq=False)
class Tags(Targets):
    """Any number of classes for each input.

    Attributes:
        names: the classes, in the order of their numbers.
        numbers: (N, classes) int8: 1 where the class is there, 0 where it is not, -1 where nobody
            knows (VOC's "difficult"), which is neither learned nor scored.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.int8]

    kind: ClassVar[str] = "tags"
    contradiction: ClassVar[str] = "with different tags"

    def __post_init__(self) -> None:
        if self.numbers.ndim != 2 or self.numbers.shape[1] != len(self.names):
            raise ValueError(
                f"{len(self.names)} classes and tags {self.numbers.shape}: expected (N, classes)"
            )

    @classmethod
    def of(cls, tagged: Sequence[Sequence[str]], names: Sequence[str]) -> "Tags":
        """From the names of each input's classes; all others are absent."""
        place = {name: number for number, name in enumerate(names)}
        numbers = np.zeros((len(tagged), len(names)), np.int8)
        for row, some in enumerate(tagged):
            numbers[row, [place[name] for name in some]] = THERE
        return cls(tuple(names), numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Rows) -> "Tags":
        return Tags(self.names, self.numbers[np.asarray(rows, dtype=np.int64)])

    def only(self, columns: NDArray[np.bool_]) -> "Tags":
        """The same with those classes (classes,) alone."""
        names = tuple(name for name, one in zip(self.names, columns, strict=True) if one)
        return Tags(names, np.ascontiguousarray(self.numbers[:, columns]))

    def strata(self) -> NDArray[np.int64]:
        """(N,) the rarest class of each input; one more than the last class where it has none."""
        there = self.numbers == THERE
        order = np.argsort(there.sum(0), kind="stable")  # of classes, the rarest first
        rarest = order[there[:, order].argmax(1)] if len(order) else np.zeros(len(self), np.int64)
        return np.where(there.any(1), rarest, len(self.names)).astype(np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """(len(names), 3) inputs of each class in each split."""
        there = self.numbers == THERE
        return np.stack([there[split == part].sum(0) for part in range(len(SPLITS))], 1)

    def mark(self, row: int) -> bytes:
        return self.words(row).encode("utf-8", "replace")

    def words(self, row: int) -> str:
        """Its classes; those of which nobody knows in brackets."""
        numbers = self.numbers[row]
        told = [name for name, one in zip(self.names, numbers, strict=True) if one == THERE]
        told += [f"({name})" for name, one in zip(self.names, numbers, strict=True) if one < 0]
        return ", ".join(told) or NOTHING

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        if not (split == TRAIN).any():
            raise DataError(f"{name}: no training split to learn from")
        if not self.learned(split).any():
            raise DataError(
                f"{name}: no class is there in {FEWEST} training {thing}s and absent in others; "
                "expected at least one that is"
            )
        train = self.counts(split)[:, TRAIN]
        rare = np.flatnonzero(self.learned(split) & (train < RARE))
        if not len(rare):
            return ()
        named = enumerated([f"{self.names[k]} ({train[k]})" for k in rare[np.argsort(train[rare])]])
        verb = "is" if len(rare) == 1 else "are"
        return (
            f"{counted(len(rare), 'class')} {verb} in fewer than {RARE} training "
            f"{thing}s, and their scores say little: {named}",
        )

    def learned(self, split: NDArray[np.int8]) -> NDArray[np.bool_]:
        """(classes,) which classes are there in FEWEST training inputs and absent in one."""
        train = self.numbers[split == TRAIN]
        there, absent = (train == THERE).sum(0), (train == ABSENT).sum(0)
        found: NDArray[np.bool_] = (there >= FEWEST) & (absent > 0)
        return found

    def facts(self, split: NDArray[np.int8]) -> Facts:
        """What classes lack a split, go always together or are everywhere; how many each has."""
        used = self.numbers[split != ASIDE]
        there = used == THERE
        total, faults, remarks = there.sum(0), [], []
        counts = self.counts(split)
        for part, title in enumerate(SPLITS):
            if (split == part).any():
                lacking = [
                    self.names[k] for k in np.flatnonzero((counts[:, part] == 0) & (total > 0))
                ]
                if lacking:
                    faults.append(f"in no {title} input: {enumerated(lacking)}")
        everywhere = [self.names[k] for k in np.flatnonzero((used != ABSENT).all(0))]
        if everywhere:
            remarks.append(f"in every input, so there is nothing to tell: {enumerated(everywhere)}")
        twins = [
            f"{self.names[first]} and {self.names[second]}"
            for first, second in self._together(there, total)
        ]
        if twins:
            faults.append(f"always together, so they may be one class: {enumerated(twins)}")
        each = there.sum(1)
        none, unknown = int((each == 0).sum()), int((used < 0).sum())
        remarks.append(
            f"{each.mean():.1f} tags an input, {int(each.max())} at most; {none:,} inputs have none"
        )
        if unknown:
            remarks.append(f"{unknown:,} marks are unknown, and neither learned nor scored")
        values = {
            "tags_per_input": float(each.mean()), "without": none, "unknown": unknown,
            "together": twins,
        }  # fmt: skip
        return Facts(tuple(faults), tuple(remarks), values=values)

    @staticmethod
    def _together(there: NDArray[np.bool_], total: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Pairs of classes of the same inputs, TOGETHER or more and not all of them."""
        both = there.T.astype(np.int64) @ there
        same = (both == total) & (both == total[:, None]) & (total >= TOGETHER)
        same &= total < len(there)
        return [(int(a), int(b)) for a, b in np.argwhere(np.triu(same, 1))]
