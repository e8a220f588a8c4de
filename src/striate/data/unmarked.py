"""Pictures that are marked with nothing: what a generator or a filter learns from.

Any folder of pictures, however deep, with the folders of splits (`train/`, `test/`) as splits.
Where the folders are classes, those are read as labels (`folders`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Files
from striate.data.folders import classes_of
from striate.data.names import counted, natural, quoted
from striate.data.roles import roles
from striate.data.splits import ASIDE, TRAIN, Rows
from striate.data.targets import Targets
from striate.data.walking import marks_below, nothing, skipped, walk
from striate.errors import DataError
from striate.images import SUFFIXES

FEWEST = 3  # one to learn from, one to choose on, one to score
EXPECTED = f"a folder with {FEWEST} pictures at least, better hundreds"


@dataclass(frozen=True, eq=False)
class Unmarked(Targets):
    """Nothing, for each of `count` inputs."""

    count: int
    names: tuple[str, ...] = ()

    kind: ClassVar[str] = "unmarked"

    def __len__(self) -> int:
        return self.count

    def take(self, rows: Rows) -> "Unmarked":
        return Unmarked(len(np.asarray(rows)))

    def strata(self) -> NDArray[np.int64]:
        return np.zeros(self.count, np.int64)

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, 3), np.int64)

    def mark(self, row: int) -> bytes:
        return b""

    def words(self, row: int) -> str:
        return ""

    def learnable(
        self, split: NDArray[np.int8], *, name: str, drawn: bool, thing: str = "image"
    ) -> tuple[str, ...]:
        used = int((split != ASIDE).sum())
        if used < FEWEST:
            raise DataError(f"{name}: {counted(used, thing)} only; expected {EXPECTED}")
        if not (split == TRAIN).any():
            raise DataError(f"{name}: no training {thing} to learn from")
        return ()


def is_unmarked(path: Path) -> bool:
    """Whether it is a picture, or a folder without folders of several classes."""
    if path.is_file():
        return path.suffix.lower() in SUFFIXES
    return path.is_dir() and len(classes_of(path)) < 2


def open_unmarked(path: Path, *, seed: int) -> Dataset[Unmarked]:
    """Every picture below a folder; masks and annotations beside pictures are none.

    Raises:
        DataError: if there is none.
    """
    if path.is_file():
        raise DataError(f"{path}: one image only; expected {EXPECTED}")
    folder = walk(path)
    if not folder.files:
        raise DataError(nothing(path, folder, EXPECTED))
    marks = marks_below(folder.files)
    places = [
        place for place in folder.files
        if not any(place[:depth] in marks for depth in range(1, len(place) + 1))
    ] or list(folder.files)  # fmt: skip
    named = roles(sorted({part for place in places for part in place}))
    splits = {
        place: next((named[part] for part in place if part in named), TRAIN) for place in places
    }
    rows = sorted(
        ((splits[place], "/".join((*place, name))) for place in places
         for name in folder.files[place]),
        key=lambda row: (row[0], natural(row[1])),
    )  # fmt: skip
    notes = list(folder.notes)
    if gone := sorted(set(folder.files) - set(places)):
        where = quoted("/".join(place) + "/" for place in gone)
        notes.append(f"masks or annotations, not read as pictures: {where}")
    if folder.others:
        notes.append(skipped(folder))
    data = Dataset(
        name=path.resolve().name or str(path),
        inputs=Files([place for _, place in rows], path),
        targets=Unmarked(len(rows)),
        split=np.array([split for split, _ in rows], np.int8),
        left_out=tuple(folder.left_out),
        notes=tuple(notes),
    )
    return data.complete(seed)
