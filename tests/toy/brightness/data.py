"""Numbers as targets, and the folder they are read from."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Files, Reader, Targets
from striate.data.splits import Rows
from striate.errors import DataError

LIST = "brightness.csv"


@dataclass(frozen=True, eq=False)
class Numbers(Targets):
    """One number in [0, 1] for each picture."""

    values: NDArray[np.float64]
    names: tuple[str, ...] = ()
    kind: ClassVar[str] = "numbers"

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Rows) -> "Numbers":
        return Numbers(self.values[np.asarray(rows, np.int64)])

    def strata(self) -> NDArray[np.int64]:
        return (self.values * 3).astype(np.int64)  # dark, medium and bright

    def counts(self, split: NDArray[np.int8]) -> NDArray[np.int64]:
        return np.zeros((0, 3), np.int64)

    def mark(self, row: int) -> bytes:
        return self.words(row).encode()

    def words(self, row: int) -> str:
        return f"{self.values[row]:.4f}"


def matches(path: Path) -> bool:
    return path.is_dir() and (path / LIST).is_file()


def open_list(path: Path, *, seed: int) -> Dataset[Numbers]:
    """Pictures and numbers of a `brightness.csv`; both splits are drawn."""
    with (path / LIST).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        numbers = np.array([float(row["brightness"]) for row in rows])
    except (KeyError, ValueError) as error:
        raise DataError(f"{path / LIST}: expected columns path and brightness ({error})") from error
    inputs = Files([row["path"] for row in rows], path)
    split = np.zeros(len(rows), np.int8)
    return Dataset(path.name, inputs, Numbers(numbers), split).complete(seed)


READER = Reader("pictures with brightness.csv", "numbers", matches, open_list)
