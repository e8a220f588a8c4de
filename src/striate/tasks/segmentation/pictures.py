"""The pictures and masks of a set as a network reads them, scaled once and kept while it learns."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import progress
from striate.data import Dataset, Masks
from striate.data.boxes import whole
from striate.data.splits import TRAIN
from striate.data.threads import each
from striate.errors import DataError, ImageError
from striate.tasks.segmentation.reading import Reading, nearest


@dataclass(frozen=True, eq=False)
class Scaled:
    """A set with its pictures and masks, scaled and in memory.

    Attributes:
        dataset: without the images that could not be read.
        pictures: (N,) of (H, W, 3) uint8, None for images of no split that is wanted.
        maps: (N,) of (H, W) uint8 class numbers, likewise.
    """

    dataset: Dataset[Masks]
    pictures: tuple[Tensor | None, ...]
    maps: tuple[Tensor | None, ...]

    def rows(self, split: int) -> NDArray[np.int64]:
        """The images of a split."""
        return np.flatnonzero(self.dataset.split == split)

    def picture(self, row: int) -> Tensor:
        """One that is there."""
        found = self.pictures[row]
        assert found is not None
        return found

    def map(self, row: int) -> Tensor:
        """One that is there."""
        found = self.maps[row]
        assert found is not None
        return found


def with_masks(dataset: Dataset[Masks]) -> Dataset[Masks]:
    """The same without training pictures of which no mask is known.

    Raises:
        DataError: if there are no others.
    """
    train = dataset.split == TRAIN
    bare = train & dataset.targets.unmarked
    if not bare.any():
        return dataset
    if (bare == train).all():
        raise DataError(
            f"{dataset.name}: no training picture has a mask; take a method that learns from "
            "labels of whole pictures, such as weldon_crf"
        )
    return dataset.set_aside(dict.fromkeys(np.flatnonzero(bare).tolist(), "has no mask"))


def scale(dataset: Dataset[Masks], reading: Reading) -> Scaled:
    """Every training and validation picture decoded and scaled, and its mask with it.

    Raises:
        DataError: if no training picture can be read.
    """
    pictures: list[Tensor | None] = [None] * len(dataset)
    maps: list[Tensor | None] = [None] * len(dataset)
    broken: dict[int, str] = {}

    def work(row: int) -> None:
        try:
            pixels = reading.scaled(whole(dataset.inputs, row))
            labels = nearest(dataset.targets.maps[row].read(), *pixels.shape[:2])
        except ImageError as error:
            broken[row] = str(error)
            return
        pictures[row] = torch.from_numpy(np.array(pixels))
        maps[row] = torch.from_numpy(np.array(labels))

    rows = np.flatnonzero((dataset.split == 0) | (dataset.split == 1)).tolist()
    with progress.stage("decode", len(rows)) as bar:
        for done in each(rows, work):
            bar.advance(done)
    if broken:
        dataset = dataset.set_aside(broken)
    if not (dataset.split == 0).any():
        why = f": {next(iter(broken.values()))}" if broken else ""
        raise DataError(f"{dataset.name}: no picture to learn from{why}")
    return Scaled(dataset, tuple(pictures), tuple(maps))
