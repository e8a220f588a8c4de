"""What a kind of inputs - pictures, texts - owes the check."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from striate.checking.duplicates import Pairs
from striate.checking.findings import Copies
from striate.checking.oddities import Odd
from striate.data import Dataset


@dataclass(frozen=True, eq=False)
class Examined:
    """A set that was looked at closely.

    Attributes:
        dataset: without what cannot be read.
        pairs: inputs that are the same.
        odd: inputs unlike the rest.
        features: gives (N, D) numbers by which a linear classifier can judge labels.
    """

    dataset: Dataset[Any]
    pairs: Pairs
    odd: tuple[Odd, ...]
    features: Callable[[], NDArray[np.float32]]


class Examine(Protocol):
    """Looks at a set as closely as it can."""

    def __call__(self, dataset: Dataset[Any], /, *, deep: bool) -> Examined:
        """`deep`: with a trained network, where one helps."""


@dataclass(frozen=True)
class Kind:
    """One kind of inputs.

    Attributes:
        noun: what people call one of them, in sentences on copies.
        odd: by `Odd.kind`, what such inputs are: "very small".
        examine: all there is to see.
        copies: what is beyond doubt the same, from prepared data: in seconds, before every score.
        shown: an input on a page: {"picture": address} or {"text": words}.
        likeness: in what the members of a group are the same.
    """

    noun: str
    odd: Mapping[str, str]
    examine: Examine
    copies: Callable[[Any], Pairs]
    shown: Callable[[Dataset[Any], int], Mapping[str, Any]]
    likeness: Callable[[Copies], str]
