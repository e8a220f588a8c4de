"""Pictures too large for one pass, in tiles that overlap so far that answers stay the same."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TILE = 1024  # pixels of a side that one pass reads, at most, if the margins leave room


class Tile(NamedTuple):
    """A part of a picture, first and last pixels: what is read, and what of it is kept."""

    read: tuple[int, int, int, int]  # top, bottom, left, right
    kept: tuple[int, int, int, int]


def tiles(
    height: int, width: int, *, margin: int, multiple: int, tile: int = TILE
) -> Iterator[Tile]:
    """Tiles that cover a picture: the kept parts once each, and around them what their answers
    depend on.

    Args:
        margin: pixels around a place that its answer depends on.
        multiple: of which tiles begin, so that poolings meet the same pixels as in one pass.
    """
    around = -(-margin // multiple) * multiple
    step = max(multiple, (tile - 2 * around) // multiple * multiple)
    if height <= tile and width <= tile:
        step = max(height, width)
    for top in range(0, height, step):
        for left in range(0, width, step):
            bottom, right = min(height, top + step), min(width, left + step)
            read = (
                max(0, top - around), min(height, bottom + around),
                max(0, left - around), min(width, right + around),
            )  # fmt: skip
            yield Tile(read, (top, bottom, left, right))


def part(pixels: NDArray[np.uint8], edges: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """That part of a picture."""
    top, bottom, left, right = edges
    return pixels[top:bottom, left:right]
