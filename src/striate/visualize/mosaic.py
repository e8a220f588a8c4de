"""Many small pictures as one, side by side."""

from collections.abc import Iterable

import numpy as np

from striate.errors import UserError
from striate.visualize.colors import Pixels

GAP = 2  # white pixels between pictures
MOST = 2**26  # pixels of the whole: 200 MB


def mosaic(pictures: Iterable[Pixels], count: int, columns: int | None = None) -> Pixels:
    """`count` pictures (H, W, 3) uint8 of one size, row by row; one after another is read, so that
    memory holds the whole and no more.

    Args:
        columns: how many stand in a row; where None, about as many as there are rows.

    Raises:
        UserError: if the whole would be too large.

    >>> mosaic([np.zeros((3, 4, 3), np.uint8)] * 3, 3, columns=2).shape
    (8, 10, 3)
    """
    columns = min(columns or int(np.ceil(np.sqrt(count))), count)
    rows = -(-count // columns)
    page = np.empty((0, 0, 3), np.uint8)
    for number, picture in enumerate(pictures):
        high, wide = (side + GAP for side in picture.shape[:2])
        if not number:
            if rows * high * columns * wide > MOST:
                raise UserError(
                    f"{count:,} pictures of {wide - GAP} x {high - GAP} are too many for one "
                    "picture; give a folder to write each of them to"
                )
            page = np.full((rows * high - GAP, columns * wide - GAP, 3), 255, np.uint8)
        row, column = divmod(number, columns)
        page[row * high : row * high + high - GAP, column * wide : column * wide + wide - GAP] = (
            picture
        )
    return page
