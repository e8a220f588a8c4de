"""What a check has found, as values, as a few lines, as JSON, as a page, and as a cleaned list."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.checking.duplicates import Pairs
from striate.checking.labels import Suspects
from striate.checking.leaking import seen_before
from striate.checking.oddities import Odd
from striate.checking.telling import lines, repetitions, to_json, uneven
from striate.data import SPLITS, Dataset

if TYPE_CHECKING:
    from striate.checking.boxes import Boxes

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
    """Everything that is wrong with a set; printed, it is a short summary.

    Attributes:
        dataset: without the broken images, which are in its `left_out` with reasons.
        pairs: images that show the same picture.
        groups: (N,) equal for those.
        odd: images unlike the rest.
        suspects: probably wrong labels, the most suspect first.
        judged: whether labels were judged at all.
        effect: what leaks do to the score, where there are any and labels were judged.
        boxes: what is wrong with them, where the images have boxes.
    """

    dataset: Dataset
    pairs: Pairs
    groups: NDArray[np.int64]
    odd: tuple[Odd, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    judged: bool = False
    effect: Effect | None = None
    boxes: "Boxes | None" = None

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
        """Groups of the same picture under several labels."""
        return tuple(c for c in self.copies if len(set(self.dataset.targets[list(c.rows)])) > 1)

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

    @property
    def sound(self) -> bool:
        """Whether nothing at all was found."""
        told = self.boxes is not None and self.boxes.lines
        return not (self.dataset.left_out or self.copies or self.odd or self.suspects or told)

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """What was found, a sentence each, the worst first."""
        return lines(self)

    @property
    def other_lines(self) -> tuple[str, ...]:
        """Of those, what a score does not say of itself: copies and uneven classes."""
        rough = uneven(self.dataset)
        return (*repetitions(self), *((rough,) if rough else ()))

    def __str__(self) -> str:
        data = self.dataset
        shown, what = (data, "") if self.boxes is None else (self.boxes.data, " of things")
        head = f"{data.name}: {len(data):,} images of {len(shown.classes)} classes{what}"
        return "\n".join([head, *(f"  {line}" for line in self.lines or ("nothing wrong found",))])

    @cached_property
    def remove(self) -> dict[int, str]:
        """Rows that a clean list goes without, with reasons.

        Of a picture that stands in the set several times one is kept, where it is scored rather
        than where it is learned from; of one under several labels none, for nobody knows which is
        right. Suspects stay: a person has to look at them.
        """
        data = self.dataset
        name = data.images.name
        reasons: dict[int, str] = {}
        conflicts = {copies.rows[0] for copies in self.conflicts}
        for copies in self.copies:
            if copies.rows[0] in conflicts:
                others = sorted({data.classes[k] for k in data.targets[list(copies.rows)]})
                why = f"the same picture is called {', '.join(others)}"
                reasons |= dict.fromkeys(copies.rows, why)
                continue
            kept = max(copies.rows, key=lambda row: (data.split[row], -row))
            why = f"shows the same as {name(kept)}"
            reasons |= {row: why for row in copies.rows if row != kept}
        reasons |= {one.row: one.reason for one in self.odd if one.kind == "blank"}
        return reasons

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values, images by their names."""
        return to_json(self)

    def report(self, path: str | Path) -> Path:
        """Writes one HTML page with the pictures; it needs no network."""
        from striate.checking.page import write_page

        return write_page(self, Path(path))

    def fix(self, path: str | Path) -> int:
        """Writes a list of what is sound (`striate.data.open` reads it); returns how many images.

        Raises:
            DataError: if the images are no files.
        """
        from striate.checking.cleaning import write_list

        return write_list(self, Path(path))


def suspects_of(found: Suspects | None) -> tuple[Suspect, ...]:
    """One value for each suspect label."""
    if found is None:
        return ()
    rows = zip(found.rows.tolist(), found.given.tolist(), found.sureness.tolist(), strict=True)
    return tuple(Suspect(row, given, sure) for row, given, sure in rows)
