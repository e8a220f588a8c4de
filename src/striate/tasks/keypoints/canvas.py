"""From pixels of a picture to those of the square that a network reads, and back.

The rule is that of `images.View` with "pad": the longer side fills the square, the rest is gray on
either side.
"""

import numpy as np
from numpy.typing import NDArray

from striate.images import View

Floats = NDArray[np.float64]


def view_of(size: int) -> View:
    """The whole picture, its longer side brought to `size` pixels."""
    return View(size, fit="pad", fraction=1.0)


def scales(sizes: NDArray[np.int64], side: int) -> tuple[Floats, Floats]:
    """By what the pixels of pictures are multiplied, (N, 2), and where the corner of each then
    lies, (N, 2), x before y.

    Args:
        sizes: (N, 2) heights and widths.
        side: of the square.

    >>> scales(np.array([[50, 100]]), 200)
    (array([[2., 2.]]), array([[ 0., 50.]]))
    """
    across = sizes[:, ::-1].astype(np.float64)
    inner = np.maximum(1, np.round(across * (side / across.max(1, keepdims=True))))
    return inner / across, np.floor((side - inner) / 2)


def onto(places: Floats, sizes: NDArray[np.int64], side: int) -> Floats:
    """Places (N, K, 2) in pixels of their pictures, in those of the square."""
    scale, corner = scales(sizes, side)
    moved: Floats = places * scale[:, None] + corner[:, None]
    return moved


def back(places: Floats, sizes: NDArray[np.int64], side: int) -> Floats:
    """Places (N, K, 2) in pixels of the square, in those of their pictures."""
    scale, corner = scales(sizes, side)
    moved: Floats = (places - corner[:, None]) / scale[:, None]
    return moved
