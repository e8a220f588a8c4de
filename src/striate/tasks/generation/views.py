"""The size at which pictures are learned and made."""

from typing import Any

import numpy as np

from striate.data import Dataset, bits_of, native
from striate.data.dataset import Array
from striate.data.splits import TRAIN
from striate.errors import ImageError
from striate.images import View
from striate.models.dcgan import fitting
from striate.tasks.contract import Ask

MOST = 64  # pixels of a side, where nobody asks for more
SAMPLE = 16  # pictures whose shape is looked at


def view_of(dataset: Dataset[Any], side: int | None = None) -> View:
    """Small pictures as they are, gray where they are gray; of others the central square.

    Args:
        side: in pixels; where None, the pictures' own, as far as the networks have it.
    """
    own, gray = native(dataset)
    size = fitting(min(own, MOST)) if side is None else side
    return View(
        size, channels=1 if gray else 3, fit="crop", fraction=1.0, bits=bits_of(dataset.inputs)
    )


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What a method learns from."""
    return (view_of(dataset, getattr(ask.choices, "side", None)),)


def notes(dataset: Dataset[Any], view: View) -> tuple[str, ...]:
    """What is done to pictures that have another shape."""
    inputs, size = dataset.inputs, (view.size, view.size)
    if isinstance(inputs, Array):
        shapes = {inputs.array.shape[1:3]}
    else:
        rows = np.flatnonzero(dataset.split == TRAIN)
        shapes = set()
        for row in rows[np.linspace(0, len(rows) - 1, SAMPLE).astype(int)].tolist():
            try:
                shapes.add(inputs[row].shape[:2])
            except ImageError:  # named and left out when all are decoded
                continue
    if shapes == {size}:
        return ()
    told = "pictures have different shapes" if len(shapes) > 1 else "pictures have another shape"
    return (f"{told}: of each the central square, scaled to {view.size} x {view.size} pixels",)
