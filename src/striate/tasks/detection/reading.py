"""A picture with all of its pixels, however it is given."""

import os

import numpy as np
from numpy.typing import NDArray

from striate import images
from striate.tasks.contract import Input


def pixels_of(item: Input, bits: int | None = None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a path, the bytes of a file, or an array.

    Args:
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).

    Raises:
        InputError: if it cannot be read.
    """
    if isinstance(item, bytes):
        return images.decode(item, at_least=None, bits=bits)
    if isinstance(item, str | os.PathLike):
        return images.read(item, at_least=None, bits=bits)
    return images.to_rgb(item)
