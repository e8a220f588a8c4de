"""Parts of pictures as inputs: each thing in a picture by itself."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.data.dataset import Files
from striate.data.names import printable
from striate.data.splits import Rows


class Cutouts:
    """Parts of pictures that are files, read when they are asked for.

    Args:
        paths: of each file, relative to `root` (or absolute); several parts may be of one file.
        boxes: (N, 4) whole numbers: left, top, right, bottom in pixels of the upright picture.
        root: the folder that names are relative to.
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).
    """

    thing: ClassVar[str] = "image"

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        boxes: NDArray[Any],
        root: str | os.PathLike[str] = ".",
        bits: int | None = None,
    ):
        self.files = Files(paths, root, bits)
        self.boxes = np.asarray(boxes).astype(np.int64).reshape(-1, 4)
        self.bits = bits
        if len(self.files) != len(self.boxes):
            raise ValueError(f"{len(self.files)} files and {len(self.boxes)} boxes: not as many")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        left, top, right, bottom = self.boxes[row].tolist()
        whole = pictures.read(self.files.path(row), at_least=None, bits=self.bits)
        return np.ascontiguousarray(whole[top:bottom, left:right])

    def name(self, row: int) -> str:
        """`a.jpg at 10 20 110 140`."""
        return f"{printable(self.files.paths[row])} at {' '.join(map(str, self.boxes[row]))}"

    def path(self, row: int) -> Path | None:
        return None

    def mark(self, row: int) -> bytes:
        return self.files.mark(row) + self.boxes[row].tobytes()

    def take(self, rows: Rows) -> "Cutouts":
        """Those rows, in that order."""
        some = self.files.take(rows)
        return Cutouts(some.paths, self.boxes[np.asarray(rows, np.int64)], some.root, self.bits)
