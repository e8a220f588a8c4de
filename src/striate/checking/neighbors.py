"""Pairs of alike codes in linear time: multi-index hashing (Norouzi, Punjani & Fleet 2012).

A code is cut into nine bands. Two codes that differ in no more than eight bits are equal in one
band at least, so it is enough to sort by each band in turn and to compare what then lies side by
side. Nothing is ever compared with everything.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

WINDOW = 48
"""How many of those equal in a band each code is compared with. The others of a larger crowd lie
farther away in the order of all bands, which the sorting goes by."""

ONES = np.array([bin(number).count("1") for number in range(2**16)], np.uint8)


def alike(
    codes: NDArray[np.uint16], *, bits: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs of rows whose codes differ in at most `bits` places, in batches; pairs may come twice.

    Every pair that is equal in a band is found, where no more than WINDOW codes share that band.

    Args:
        codes: (N, bands) uint16.

    Yields:
        two arrays (P,) of rows, the smaller first.
    """
    bands = codes.shape[1]
    for band in range(bands):
        # The band itself, then the others in their order: within a crowd, the likest lie together.
        keys = [codes[:, (band + k) % bands] for k in reversed(range(bands))]
        order = np.lexsort(keys)
        sorted_codes = codes[order]
        crowd = sorted_codes[:, band]
        here = np.arange(len(codes) - 1)
        for step in range(1, WINDOW + 1):
            here = here[here + step < len(codes)]
            here = here[crowd[here] == crowd[here + step]]
            if not len(here):
                break
            close = distances(sorted_codes[here], sorted_codes[here + step]) <= bits
            first, second = order[here[close]], order[here[close] + step]
            if len(first):
                yield np.minimum(first, second), np.maximum(first, second)


def distances(first: NDArray[np.uint16], second: NDArray[np.uint16]) -> NDArray[np.int64]:
    """In how many bits codes differ, row for row: (N, bands) twice to (N,).

    >>> distances(np.array([[7, 0]], np.uint16), np.array([[4, 1]], np.uint16))
    array([3])
    """
    return ONES[first ^ second].sum(1, dtype=np.int64)
