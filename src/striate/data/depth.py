"""Which value is white in gray pictures of more than 8 bits: one for a whole set.

Twelve bits lie in files of sixteen, and no file says so. Taken by each picture alone, a dim one
would be read as if it had ten, and so brightened; the brightest training image tells what all have.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from striate import progress
from striate.data.dataset import Dataset, Files, Inputs
from striate.data.splits import TRAIN
from striate.data.targets import Targets
from striate.data.threads import each
from striate.errors import ImageError
from striate.images import load
from striate.images.decoding import depth
from striate.images.frames import is_deep

SUFFIXES = (".png", ".apng", ".tif", ".tiff", ".pgm", ".pnm", ".jp2", ".j2k")  # of deep pictures
SAMPLE = 8  # files that are looked into before all are

Target = TypeVar("Target", bound=Targets)


def bits_of(inputs: Inputs) -> int | None:
    """The depth of a set's deep pictures; None where it has none, or each has its own."""
    return inputs.bits if isinstance(inputs, Files) else None


def leveled(dataset: Dataset[Target]) -> Dataset[Target]:
    """The set with the depth of its deep pictures, which the brightest of the training images
    implies; the same set where a sample of them has 8 bits."""
    inputs = dataset.inputs
    if not isinstance(inputs, Files):
        return dataset
    train = np.flatnonzero(dataset.split == TRAIN).tolist()
    rows = [row for row in train if inputs.paths[row].lower().endswith(SUFFIXES)]
    places = np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(int)
    if not any(is_deep(inputs.path(rows[place])) for place in places):
        return dataset
    found = _depths([inputs.path(row) for row in rows])
    if not found:
        return dataset
    bits = max(found)
    rest = f", though some are no brighter than {min(found)} bits" if min(found) < bits else ""
    return replace(dataset, inputs=Files(inputs.paths, inputs.root, bits)).noted(
        f"images of more than 8 bits a pixel: all are read as {bits} bits, which the brightest "
        f"training image has{rest}; so they are in use"
    )


def _depths(paths: Sequence[Path]) -> list[int]:
    """The depth that each deep picture implies alone."""
    found: list[int] = []

    def work(place: int) -> None:
        try:
            bits = depth(load(paths[place]))
        except ImageError:  # it is named when all are decoded
            return
        if bits is not None:
            found.append(bits)

    with progress.stage("find white", len(paths)) as stage:
        for done in each(range(len(paths)), work):
            stage.advance(done)
    return found
