"""The pictures of a set as a detecting network reads them, scaled once and kept while it learns."""

import os
import tempfile
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import progress
from striate.data import Dataset
from striate.data.boxes import Boxes, whole
from striate.errors import DataError, ImageError, StorageError
from striate.files import cache_folder
from striate.images import resized
from striate.tasks.detection.scaling import Scaling

IN_MEMORY = 2**31  # bytes of scaled pictures; more of them lie in a file


@dataclass(frozen=True, eq=False)
class Scaled:
    """A set and its pictures, scaled and in memory.

    Attributes:
        dataset: without the images that could not be read.
        pictures: (N,) of (3, H, W) uint8, None for images of no split.
        boxes: (N,) of (K, 4) float32 in pixels of `pictures`.
    """

    dataset: Dataset[Boxes]
    pictures: tuple[Tensor | None, ...]
    boxes: tuple[Tensor, ...]

    def rows(self, split: int) -> NDArray[np.int64]:
        """The images of a split."""
        return np.flatnonzero(self.dataset.split == split)


def scale(dataset: Dataset[Boxes], scaling: Scaling) -> Scaled:
    """Every picture of a split decoded and scaled, and its boxes with it.

    Raises:
        DataError: if no training picture can be read.
        StorageError: if there is no room for them.
    """
    pictures: list[Tensor | None] = []
    boxes: list[Tensor] = []
    broken: dict[int, str] = {}
    shapes = [scaling.size(*size) for size in dataset.targets.sizes.tolist()]
    used = (dataset.split >= 0).tolist()
    room = room_for(sum(3 * h * w for (h, w), use in zip(shapes, used, strict=True) if use))
    place = 0
    for row in progress.track(range(len(dataset)), "decode"):
        marked, picture = dataset.targets.objects[row].boxes, None
        if used[row]:
            try:
                pixels = scaling.scaled(whole(dataset.inputs, row))
            except ImageError as error:
                broken[row] = str(error)
            else:
                if pixels.shape[:2] != shapes[row]:  # its file is of another size than its labels
                    pixels = resized(pixels, *shapes[row])
                kept = room[place : place + pixels.size].reshape(pixels.shape)
                kept[:], place = pixels, place + pixels.size
                picture = torch.from_numpy(kept).permute(2, 0, 1)
        (height, width), labeled = shapes[row], dataset.targets.sizes[row].tolist()
        factors = [width / labeled[1], height / labeled[0]] * 2
        marked = marked * np.array(factors, np.float32)
        pictures.append(picture)
        boxes.append(torch.from_numpy(np.ascontiguousarray(marked, np.float32)))
    if broken:
        dataset = dataset.set_aside(broken)
    if not (dataset.split == 0).any():
        why = f": {next(iter(broken.values()))}" if broken else ""
        raise DataError(f"{dataset.name}: no picture to learn from{why}")
    return Scaled(dataset, tuple(pictures), tuple(boxes))


def room_for(count: int) -> NDArray[np.uint8]:
    """So many bytes: in memory, or where that is much in a file that is gone when they are.

    Raises:
        StorageError: if the disk has no room for them.
    """
    if count <= IN_MEMORY:
        return np.empty(count, np.uint8)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            reserve(file.fileno(), count)
        except OSError as error:
            raise StorageError(
                f"{folder}: no room for {count / 2**30:.1f} GiB of scaled pictures "
                f"({error.strerror}); set STRIATE_CACHE to a folder that has"
            ) from error
        return np.memmap(file, np.uint8, "r+", shape=(count,))


def reserve(file: int, count: int) -> None:
    """Takes the room on the disk now: writing to a mapped file cannot fail politely later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, count)
    else:
        os.truncate(file, count)
