"""Files that rows are appended to, and that are read through the system's page cache.

What was appended counts only when the index's header says so: a process that is killed leaves bytes
at the end that nobody reads, and the next one cuts them off.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError, StorageError

NAME = 65_536  # bytes of a name, at most


def mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The first rows of a file, as they lie there; nothing is read yet.

    Raises:
        DataError: if the file is not there or holds less.
    """
    need = int(np.dtype(dtype).itemsize * np.prod(shape, dtype=object))
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if size < need:
        raise DataError(f"{path} is damaged: it has {size:,} bytes instead of {need:,}")
    if not need:
        return np.empty(shape, dtype)
    return np.asarray(np.memmap(path, dtype, "c", shape=shape))  # private: nothing is written back


class Names(Sequence[str]):
    """Names (N,) in two files: their letters one after another, and where each ends.

    Raises:
        DataError: if the files are not there or hold less.
    """

    def __init__(self, letters: Path, ends: Path, count: int):
        self._path = letters
        self._ends = mapped(ends, "<i8", (count,))
        last = int(self._ends[-1]) if count else 0
        if last < 0 or last > NAME * count:
            raise DataError(f"{ends} is damaged: it ends at {last:,}")
        self._letters = mapped(letters, "|u1", (last,))

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def letters(self) -> int:
        """Bytes of all names together."""
        return len(self._letters)

    @property
    def longest(self) -> int:
        """Bytes of the longest name."""
        return int(np.diff(self._ends, prepend=0).max()) if len(self) else 0

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        row = range(len(self))[row]
        first, last = int(self._ends[row - 1]) if row else 0, int(self._ends[row])
        if not 0 <= first <= last <= first + NAME:
            raise DataError(f"{self._path} is damaged at row {row:,}")
        return bytes(self._letters[first:last]).decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        letters, first = self._letters.data, 0
        for row, last in enumerate(self._ends.tolist()):
            if not first <= last <= min(first + NAME, len(letters)):
                raise DataError(f"{self._path} is damaged at row {row:,}")
            yield bytes(letters[first:last]).decode("utf-8", "surrogateescape")
            first = last


def packed(names: Sequence[str], before: int) -> tuple[bytes, NDArray[np.int64]]:
    """Letters and ends of names that come after `before` bytes.

    Raises:
        DataError: if a name is longer than NAME.
    """
    each = [name.encode("utf-8", "surrogateescape") for name in names]
    for one in each:
        if len(one) > NAME:
            raise DataError(f"a name of {len(one):,} bytes is too long: {one[:40]!r} ...")
    ends = before + np.cumsum([len(one) for one in each], dtype=np.int64)
    return b"".join(each), ends


@contextmanager
def appending(path: Path, length: int) -> Iterator[Any]:
    """A file open for writing behind its first `length` bytes; what lies there is cut off before,
    and what was written is on the disk when the block ends.

    Raises:
        StorageError: if the disk is full or the folder may not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if length else "w+b") as file:
            file.truncate(length)
            file.seek(length)
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
