"""What a set's own pictures are like: small or photographs, gray or in color."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np

from striate.data.dataset import Dataset, Inputs
from striate.data.splits import TRAIN
from striate.errors import ImageError

SMALL = 64
"""Pictures whose longer side is at most this many pixels are learned from as they are."""

_MEASURED: WeakKeyDictionary[Inputs, dict[tuple[int, ...], tuple[int, bool]]] = WeakKeyDictionary()


def native(dataset: Dataset, *, sample: int = 16) -> tuple[int, bool]:
    """The median longer side in pixels, and whether all is gray, of a few training images.

    The same images of the same inputs are read once, however often one asks.
    """
    train = np.flatnonzero(dataset.split == TRAIN)
    places = np.linspace(0, len(train) - 1, min(sample, len(train))).astype(int)
    rows = tuple(train[places].tolist())
    try:
        known = _MEASURED.setdefault(dataset.inputs, {})
    except TypeError:  # inputs of the user's that cannot be a key: measured at every call
        return _measured(dataset.inputs, rows)
    if rows not in known:
        known[rows] = _measured(dataset.inputs, rows)
    return known[rows]


def _measured(inputs: Inputs, rows: Sequence[int]) -> tuple[int, bool]:
    sides, gray = [], True
    for row in rows:
        try:
            image = inputs[row]
        except ImageError:  # broken files are counted and named when all are decoded
            continue
        sides.append(max(image.shape[:2]))
        gray &= bool((image == image[..., :1]).all())
    return (int(np.median(sides)), gray) if sides else (SMALL + 1, False)
