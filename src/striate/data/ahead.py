"""Mapped pixels that are larger than memory: the system is told what is wanted soon, and what not.

The disk then reads the next batches while this one is learned from, without a worker or a thread,
and the process holds the rows of a few batches and not of the whole set.
"""

import mmap
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

LARGE = 2**30  # bytes; what is smaller is asked for all at once, and stays


class ReadAhead:
    """What is to be done for an array that may lie in a mapped file.

    Where it does not, or the system cannot be told (Windows), nothing is.
    """

    def __init__(self, array: NDArray):
        self._map, self._start = _mapping(array)
        self._row = array.strides[0] if array.ndim else 0
        self._large = array.nbytes > LARGE
        if self._map is not None and not self._large and array.nbytes:
            self._advise(mmap.MADV_WILLNEED, self._start, self._start + array.nbytes)

    def want(self, rows: NDArray[np.int64]) -> None:
        """These rows are read soon."""
        if self._map is not None and self._large:
            for first, end in self._pieces(rows):
                self._advise(mmap.MADV_WILLNEED, first, end)

    def done(self, rows: NDArray[np.int64]) -> None:
        """These rows have been read: they no longer count as memory of this process."""
        if self._map is not None and self._large:
            for first, end in self._pieces(rows):
                self._advise(mmap.MADV_DONTNEED, first, end)

    def _pieces(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """First byte and end of each row in the file."""
        for row in rows.tolist():
            first = self._start + row * self._row
            yield first, first + self._row

    def _advise(self, advice: int, first: int, end: int) -> None:
        assert self._map is not None
        page = first // mmap.PAGESIZE * mmap.PAGESIZE
        self._map.madvise(advice, page, end - page)


def _mapping(array: NDArray) -> tuple[mmap.mmap | None, int]:
    """The map below an array, and where in it the array begins; None if there is none."""
    base: object = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if not isinstance(base, mmap.mmap) or not hasattr(base, "madvise") or not array.nbytes:
        return None, 0
    if not array.flags.c_contiguous:
        return None, 0
    begin = np.frombuffer(base, np.uint8, 1).__array_interface__["data"][0]
    return base, array.__array_interface__["data"][0] - begin
