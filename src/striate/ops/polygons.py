"""Outlines to pixels."""

import numpy as np
from numpy.typing import NDArray


def filled(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels have their center inside a polygon (even-odd rule): (height, width).

    Args:
        points: (K, 2) x and y of the corners, edges of the picture at 0, width and height.

    >>> filled(np.array([[0, 0], [2, 0], [2, 1], [0, 1.0]]), 2, 3).astype(int).tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    first = np.asarray(points, np.float64)
    second = np.roll(first, -1, 0)
    rows = np.arange(height) + 0.5
    inside = (first[:, 1:] <= rows) != (second[:, 1:] <= rows)  # (K, height): edges that are met
    edge, row = np.nonzero(inside)
    rise = second[edge, 1] - first[edge, 1]
    x = first[edge, 0] + (rows[row] - first[edge, 1]) * (second[edge, 0] - first[edge, 0]) / rise
    crossed = np.zeros((height, width + 1), np.int64)
    np.add.at(crossed, (row, np.ceil(x - 0.5).clip(0, width).astype(np.int64)), 1)
    result: NDArray[np.bool_] = crossed.cumsum(1)[:, :width] % 2 == 1
    return result
