"""A set whose inputs have been read, as methods learn from it."""

from dataclasses import dataclass
from typing import Any

from striate.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Prepared:
    """What `Task.prepare` gives; a kind of inputs adds what it has read of them, row for row.

    Attributes:
        dataset: without the inputs that could not be read; they are in its `left_out`.
    """

    dataset: Dataset[Any]
