"""A picture as it is decoded, however it is given, and what boxes in it are in the file itself."""

import os
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate import images
from striate.images.decoding import Picture, decode_at
from striate.ops.boxes import clipped
from striate.tasks.contract import Input


class Source(NamedTuple):
    """A picture as its file has it, upright, beside the pixels that were decoded of it.

    Attributes:
        height, width: of the file's picture, in its pixels.
        scale: what its sides were divided by: above 1 for a JPEG too large to be decoded whole.
        left, top: where it begins in the decoded pixels.
    """

    height: int
    width: int
    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def boxes(self, decoded: Tensor) -> Tensor:
        """Boxes (K, 4) in the decoded pixels, in pixels of the file's picture."""
        if self.scale == 1:
            return decoded
        corner = decoded.new_tensor([self.left, self.top] * 2)
        return clipped((decoded - corner) * self.scale, (self.height, self.width))


class Read(NamedTuple):
    """The pixels (H, W, 3) uint8 that were decoded of a picture, and their source."""

    pixels: NDArray[np.uint8]
    source: Source


def read(item: Input, bits: int | None = None) -> Read:
    """A picture by its path, the bytes of its file, or an array.

    Args:
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).

    Raises:
        InputError: if it cannot be read.
    """
    if isinstance(item, str | os.PathLike):
        item = images.load(item)
    if not isinstance(item, bytes):
        pixels = images.to_rgb(item)
        return Read(pixels, Source(*pixels.shape[:2]))
    picture = decode_at(item, 1, bits=bits)
    return Read(picture.pixels, source_of(picture))


def source_of(picture: Picture) -> Source:
    """Where a decoded picture comes from."""
    left, top, right, bottom = picture.box
    height, width = ((high - low) * picture.scale for low, high in ((top, bottom), (left, right)))
    return Source(round(height), round(width), picture.scale, left, top)
