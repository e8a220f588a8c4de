"""Pictures of persons, and the pairs of them by which it is scored who is the same.

Where a protocol names pairs, those are scored. Else they are drawn: of every person up to
MOST pairs of pictures, and as many pairs of two persons.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.names import counted, printable
from striate.data.splits import ASIDE, SPLITS, TRAIN, VALIDATION, Rows, straddling
from striate.data.targets import Facts, Targets, enumerated
from striate.errors import DataError

MOST = 10  # pairs of one person that are drawn
EXPECTED = "one folder of pictures for each person, most of them with two or more"


class Pairs(NamedTuple):
    """Pairs of rows.

    Attributes:
        first, second: (P,) int64 rows.
        same: (P,) bool whether both show one person.
        fold: (P,) int64 the fold of a protocol; -1 where there is none.
        group: (P,) int64 the group of people that both are of; -1 where it is not known, or where
            they are of two.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]
    group: NDArray[np.int64]

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.first)


@dataclass(frozen=True, eq=False)
class People(Targets):
    """One person for each picture.

    Attributes:
        people: the names of all persons, in the order of their numbers. They are not classes: a
            recognizer answers for persons whom it has never seen.
        numbers: (N,) int64 who each picture shows.
        ids: (N,) int64 what a protocol knows each picture by.
        protocol: (P, 5) int64 pairs of ids, whether they are the same person, the fold and the
            group (-1: none); None where no pairs are given.
        groups: names of groups of people, by which errors are told.
        group: (N,) int64 the group of each picture's person, -1: none; None where none is given.
        eyes: (N, 2, 2) x y of both eyes in pixels, the left one in the picture first, nan where
            they are not given; None where none are.
        boxes: (N, 4) left, top, right, bottom of the face likewise.
    """

    people: tuple[str, ...]
    numbers: NDArray[np.int64]
    ids: NDArray[np.int64]
    protocol: NDArray[np.int64] | None = None
    groups: tuple[str, ...] = ()
    group: NDArray[np.int64] | None = None
    eyes: NDArray[np.float64] | None = None
    boxes: NDArray[np.float64] | None = None

    kind: ClassVar[str] = "people"
    contradiction: ClassVar[str] = "under several persons, of whom one at most is right"
    names: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]

    @classmethod
    def of(cls, names: Sequence[str]) -> "People":
        """Of the name of each picture's person."""
        people = tuple(sorted(set(names)))
        number = {name: index for index, name in enumerate(people)}
        numbers = np.array([number[name] for name in names], np.int64)
        return cls(tuple(map(printable, people)), numbers, np.arange(len(names), dtype=np.int64))

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Rows) -> "People":
        some = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            numbers=self.numbers[some],
            ids=self.ids[some],
            group=None if self.group is None else self.group[some],
            eyes=None if self.eyes is None else self.eyes[some],
            boxes=None if self.boxes is None else self.boxes[some],
        )

    def strata(self) -> NDArray[np.int64]:
        """(N,) 0 where there is another picture of the person, else 1."""
        counts = np.bincount(self.numbers, minlength=len(self.people))
        return (counts[self.numbers] < 2).astype(np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, len(SPLITS)), np.int64)

    def mark(self, row: int) -> bytes:
        known = [one[row].tobytes() for one in (self.eyes, self.boxes) if one is not None]
        return b"\0".join([self.words(row).encode("utf-8", "replace"), *known])

    def words(self, row: int) -> str:
        return self.people[self.numbers[row]]

    def pairs(self, rows: Rows) -> Pairs:
        """The pairs of which both pictures are among these rows; places count within `rows`."""
        some = np.asarray(rows, dtype=np.int64)
        if self.protocol is None:
            return self._grouped(drawn_pairs(self.numbers[some], self.ids[some]), some)
        place = {int(one): k for k, one in enumerate(self.ids[some].tolist())}
        found = [
            (place[a], place[b], same, fold, group)
            for a, b, same, fold, group in self.protocol.tolist()
            if a in place and b in place
        ]
        first, second, same, fold, group = np.array(found, np.int64).reshape(-1, 5).T
        return self._grouped(Pairs(first, second, same.astype(np.bool_), fold, group), some)

    def _grouped(self, pairs: Pairs, rows: NDArray[np.int64]) -> Pairs:
        """Pairs with the group of both pictures where none is given of the pair."""
        if self.group is None:
            return pairs
        first, second = (self.group[rows[places]] for places in pairs[:2])
        own = np.where(first == second, first, -1)
        return Pairs(*pairs[:4], np.where(pairs.group < 0, own, pairs.group))

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        for part in (TRAIN, VALIDATION) if drawn else (TRAIN,):
            numbers = self.numbers[split == part]
            counts = np.bincount(numbers, minlength=len(self.people))
            if (counts > 0).sum() < 2 or not (counts > 1).any():
                raise DataError(
                    f"{name}: the {SPLITS[part]} split has "
                    f"{counted(int((counts > 0).sum()), 'person')}, "
                    f"{(counts > 1).sum()} of them with two pictures; expected {EXPECTED}"
                )
        return ()

    def facts(self, split: NDArray[np.int8]) -> Facts:
        """Persons and pairs of each split, and persons of whom there is one picture alone."""
        used = split != ASIDE
        counts = np.bincount(self.numbers[used], minlength=len(self.people))
        single = [self.people[number] for number in np.flatnonzero(counts == 1)]
        both = [self.people[number] for number in self.straddling(split).tolist()]
        remarks, faults = [], []
        for part, title in enumerate(SPLITS):
            rows = np.flatnonzero(split == part)
            if len(rows):
                pairs = self.pairs(rows)
                remarks.append(
                    f"{title}: {len(np.unique(self.numbers[rows])):,} persons, "
                    f"{int(pairs.same.sum()):,} pairs of one person, "
                    f"{int((~pairs.same).sum()):,} of two"
                )
        if single:
            remarks.append(
                f"{len(single):,} persons with one picture, who are in no pair of one person: "
                f"{enumerated(single)}"
            )
        if both:
            faults.append(
                f"{len(both):,} persons are in several splits: {enumerated(both)}; a recognizer "
                "would be scored on persons whom it has learned"
            )
        values = {"persons": int((counts > 0).sum()), "single": single, "straddling": both}
        return Facts(tuple(faults), tuple(remarks), values=values)

    def straddling(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        """The numbers of persons who are in several splits."""
        return straddling(split, self.numbers, range(len(SPLITS)))


def drawn_pairs(numbers: NDArray[np.int64], ids: NDArray[np.int64], seed: int = 0) -> Pairs:
    """Of every person up to MOST pairs, and as many pairs of two persons.

    Which pairs are drawn follows from the ids and not from the order of the rows.

    Args:
        numbers: (N,) who each picture shows.
        ids: (N,) different for each.
    """
    random = np.random.default_rng(seed)
    order = np.argsort(ids, kind="stable")
    same: list[tuple[int, int]] = []
    together = order[np.argsort(numbers[order], kind="stable")]  # each person's rows, by their ids
    for some in np.split(together, np.flatnonzero(np.diff(numbers[together])) + 1):
        rows = some.tolist()
        every = list(combinations(rows, 2)) if len(rows) <= 2 * MOST else [
            tuple(random.choice(rows, 2, replace=False).tolist()) for _ in range(MOST)
        ]  # fmt: skip
        few = random.permutation(len(every))[:MOST] if len(every) > MOST else range(len(every))
        same += [every[int(k)] for k in few]
    different: dict[tuple[int, int], None] = {}
    several = len(np.unique(numbers)) > 1
    for _ in range(20 * len(same)):
        if not several or len(different) == len(same):
            break
        a, b = sorted(random.integers(0, len(order), 2).tolist())
        if numbers[order[a]] != numbers[order[b]]:
            different[int(order[a]), int(order[b])] = None
    places = np.array([*dict.fromkeys(same), *different], np.int64).reshape(-1, 2)
    truth = numbers[places[:, 0]] == numbers[places[:, 1]]
    none = np.full(len(places), -1, np.int64)
    return Pairs(places[:, 0], places[:, 1], truth, none, none)
