"""What a check has found, as plain values.

`telling` has them in words and for programs, `page` as a page, `cleaning` as a cleaned list.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from striate.checking.duplicates import Pairs
from striate.checking.leaking import seen_before
from striate.checking.oddities import Odd
from striate.data import SPLITS, Dataset, Facts

VALIDATION = SPLITS.index("validation")


@dataclass(frozen=True)
class Copies:
    """Images that show the same picture."""

    rows: tuple[int, ...]
    exact: bool
    """Whether their files hold the same bytes, all of them."""
    mirror: bool
    """Whether one is another in a mirror."""
    likeness: float
    """Correlation of the least alike of its pairs."""


@dataclass(frozen=True)
class Suspect:
    """An image whose label is probably wrong, and what a classifier would call it."""

    row: int
    given: int
    probability: float


@dataclass(frozen=True)
class Effect:
    """What leaks do to a score: a classifier on all test images, on the clean, on the leaking."""

    all: float
    clean: float
    leaking: float


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that is wrong with a set.

    Attributes:
        dataset: without the broken images, which are in its `left_out` with reasons.
        pairs: images that show the same picture.
        groups: (N,) equal for those.
        odd: images unlike the rest.
        suspects: probably wrong labels, the most suspect first.
        judged: whether labels were judged at all.
        effect: what leaks do to the score, where there are any and labels were judged.
    """

    dataset: Dataset
    pairs: Pairs
    groups: NDArray[np.int64]
    odd: tuple[Odd, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    judged: bool = False
    effect: Effect | None = None

    @cached_property
    def copies(self) -> tuple[Copies, ...]:
        """Groups of the same picture, in the order of their first rows."""
        # The pairs of each group are what ties it together.
        order = np.argsort(self.groups[self.pairs.first], kind="stable")
        leaders = self.groups[self.pairs.first][order]
        members = np.argsort(self.groups, kind="stable")
        sorted_groups = self.groups[members]
        found = []
        for leader in np.unique(leaders).tolist():
            low, high = np.searchsorted(leaders, [leader, leader + 1])
            ties = order[low:high]
            first, last = np.searchsorted(sorted_groups, [leader, leader + 1])
            found.append(
                Copies(
                    tuple(members[first:last].tolist()),
                    bool(self.pairs.exact[ties].all()),
                    bool(self.pairs.mirror[ties].any()),
                    float(self.pairs.likeness[ties].min()),
                )
            )
        return tuple(found)

    @cached_property
    def conflicts(self) -> tuple[Copies, ...]:
        """Groups of the same picture with targets that are not alike."""
        key, apart = self.dataset.targets.key, self.dataset.targets.told_apart
        return tuple(
            copies
            for copies in self.copies
            if len({key(row) for row in copies.rows}) > 1
            or any(apart(copies.rows[0], row) for row in copies.rows[1:])
        )

    @cached_property
    def leaks(self) -> NDArray[np.int64]:
        """Test images that also stand in training or validation."""
        return seen_before(self.dataset, self.groups)

    @cached_property
    def early(self) -> NDArray[np.int64]:
        """Validation images that also stand in training."""
        return seen_before(self.dataset, self.groups, split=VALIDATION)

    @property
    def repeated(self) -> int:
        """Images that only say again what another says."""
        return sum(len(copies.rows) - 1 for copies in self.copies)

    @cached_property
    def facts(self) -> Facts:
        """What there is to say of the targets themselves."""
        return self.dataset.targets.facts(self.dataset.split)

    @property
    def sound(self) -> bool:
        """Whether nothing at all was found."""
        data = self.dataset
        return not (
            data.left_out
            or data.targets.pressing
            or self.copies
            or self.odd
            or self.suspects
            or self.facts.faults
        )
