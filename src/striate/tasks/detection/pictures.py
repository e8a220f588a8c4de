"""Pictures as a detector reads them: whole, at one scale, several on one canvas."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import progress
from striate.data.boxes import BoxedDataset, whole
from striate.errors import DataError, ImageError, StorageError
from striate.files import cache_folder
from striate.models import Normalization

STEP = 32  # pixels; a canvas is a multiple of it, so that every stride of the network divides it
MAX_SIDE = 4096
IN_MEMORY = 2**31  # bytes of scaled pictures; more of them lie in a file


@dataclass(frozen=True)
class Scaling:
    """How a picture of any size comes to a detector.

    Attributes:
        side: of the longer side in pixels, after scaling.
        mean, std: of each channel in [0, 255], red first; `bgr` says that the network reads blue
            first.
        stretched: to a square of that side, whatever the shape, as YOLO reads them.
    """

    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False
    stretched: bool = False

    @classmethod
    def of(cls, side: int, normalization: Normalization, *, stretched: bool = False) -> "Scaling":
        """The scaling for a network that wants its pixels so."""
        return cls(side, normalization.mean, normalization.std, normalization.bgr, stretched)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Scaling":
        """What `dataclasses.asdict` gave, after JSON.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        mean, std = (tuple(float(v) for v in values[name]) for name in ("mean", "std"))
        if not len(mean) == len(std) == 3 or not all(value > 0 for value in std):
            raise ValueError(f"mean {mean} and std {std} are not of three channels")
        side = values["side"]
        if not isinstance(side, int) or not STEP <= side <= MAX_SIDE:
            raise ValueError(f"it wants pictures of {side!r} pixels")
        return cls(side, mean, std, bool(values["bgr"]), bool(values["stretched"]))

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width after scaling."""
        if self.stretched:
            return self.side, self.side
        scale = self.side / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def scaled(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 at `size`, bicubic."""
        return resized(pixels, *self.size(*pixels.shape[:2]))

    def canvas(self, pictures: Sequence[Tensor]) -> Tensor:
        """Pictures (3, H, W) in [0, 255] to what the network reads: (N, 3, height, width), each in
        the upper left corner, gray as the mean beyond it."""
        sides = np.array([picture.shape[1:] for picture in pictures]).max(0)
        height, width = (-(-int(side) // STEP) * STEP for side in sides)
        mean = torch.tensor(self.mean)[:, None, None]
        std = torch.tensor(self.std)[:, None, None]
        images = torch.zeros(len(pictures), 3, height, width)
        images = images.contiguous(memory_format=torch.channels_last)
        for image, picture in zip(images, pictures, strict=True):
            image[:, : picture.shape[1], : picture.shape[2]] = (picture.float() - mean) / std
        return images.flip(1) if self.bgr else images


@dataclass(frozen=True, eq=False)
class Scaled:
    """A set and its pictures, scaled and in memory.

    Attributes:
        dataset: without the images that could not be read.
        pictures: (N,) of (3, H, W) uint8, None for images of no split.
        boxes: (N,) of (K, 4) float32 in pixels of `pictures`.
    """

    dataset: BoxedDataset
    pictures: tuple[Tensor | None, ...]
    boxes: tuple[Tensor, ...]

    def rows(self, split: int) -> NDArray[np.int64]:
        """The images of a split."""
        return np.flatnonzero(self.dataset.split == split)


def resized(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 at that size, bicubic; the same array where it has it.

    Columns first, whatever Pillow would begin with in pictures of this shape: whole pixel values
    are kept in between, and an exported detector has one order.
    """
    from PIL import Image

    if (height, width) == pixels.shape[:2]:
        return pixels
    across = Image.fromarray(pixels).resize((width, pixels.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(across.resize((width, height), Image.Resampling.BICUBIC))


def scale(dataset: BoxedDataset, scaling: Scaling) -> Scaled:
    """Every picture of a split decoded and scaled, and its boxes with it.

    Raises:
        DataError: if no training picture can be read.
        StorageError: if there is no room for them.
    """
    pictures: list[Tensor | None] = []
    boxes: list[Tensor] = []
    broken: dict[int, str] = {}
    shapes = [scaling.size(*size) for size in dataset.sizes.tolist()]
    used = (dataset.split >= 0).tolist()
    room = room_for(sum(3 * h * w for (h, w), use in zip(shapes, used, strict=True) if use))
    place = 0
    for row in progress.track(range(len(dataset)), "decode"):
        marked, picture = dataset.objects[row].boxes, None
        if used[row]:
            try:
                pixels = scaling.scaled(whole(dataset.images, row))
            except ImageError as error:
                broken[row] = str(error)
            else:
                if pixels.shape[:2] != shapes[row]:  # its file says another size than its notes
                    pixels = resized(pixels, *shapes[row])
                kept = room[place : place + pixels.size].reshape(pixels.shape)
                kept[:], place = pixels, place + pixels.size
                picture = torch.from_numpy(kept).permute(2, 0, 1)
        (height, width), told = shapes[row], dataset.sizes[row].tolist()
        factors = [width / told[1], height / told[0]] * 2
        marked = marked * np.array(factors, np.float32)
        pictures.append(picture)
        boxes.append(torch.from_numpy(np.ascontiguousarray(marked, np.float32)))
    if broken:
        aside = dataset.set_aside(broken)
        assert isinstance(aside, BoxedDataset)
        dataset = aside
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
