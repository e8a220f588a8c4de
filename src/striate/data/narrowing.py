"""A set without the inputs that cannot be read, and what that means for its classes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset
from striate.data.splits import SPLITS, TRAIN
from striate.errors import DataError


def narrowed(
    dataset: Dataset[Any], broken: Mapping[int, str]
) -> tuple[Dataset[Any], NDArray[np.int64]]:
    """The set without broken inputs, and without classes whose every training input was; and the
    rows (n,) of the set given that stay.

    Args:
        broken: rows, with the reasons.

    Raises:
        DataError: if what stays cannot be learned from.
    """
    if not broken:
        return dataset, np.arange(len(dataset))
    readable = np.ones(len(dataset), bool)
    readable[list(broken)] = False
    stay, targets, lost = dataset.targets.narrowed(dataset.split, readable)
    words = ", ".join(repr(name) for name in lost[:6])
    emptied = [
        part
        for number, part in enumerate(SPLITS)
        if (dataset.split == number).any() and not (dataset.split[readable] == number).any()
    ]
    if emptied or (lost and (targets.counts(dataset.split[stay])[:, TRAIN] > 0).sum() < 2):
        last = max(broken)
        missing = f" of {words}" if lost else ""
        raise DataError(
            f"{dataset.name}: nothing left to learn from: no readable "
            f"{emptied[0] if emptied else 'train'} {dataset.thing}{missing} "
            f"({dataset.inputs.name(last)}: {broken[last]})"
        )
    data = dataset.without(broken)
    if lost:
        gone = np.flatnonzero(~stay[readable]).tolist()
        reason = f"no training {dataset.thing} of its class can be read"
        data = data.without(dict.fromkeys(gone, reason))
        data = data.noted(f"classes left out, no training {dataset.thing} can be read: {words}")
    return replace(data, targets=targets), np.flatnonzero(stay)
