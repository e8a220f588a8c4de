"""A store under construction, which survives being killed.

Each row has a checksum that is written after it. Whoever goes on takes the rows that fit theirs for
done, so neither a killed process nor a lost power supply leaves a row that only looks whole.
"""

import os
import shutil
import threading
from io import FileIO
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.contents import Marks
from striate.data.store import SUM, Store, checksum, write_index
from striate.images import View


class Part:
    """A store under construction, in the hands of this process alone.

    `put` and `fail` may be called from several threads.

    Attributes:
        sums: (N,) checksums of the rows that are there; 0 where they are not.
        broken: reasons by row.
    """

    def __init__(self, folder: Path, view: View, contents: Marks, stamps: Marks):
        self.folder, self.view, self.contents, self.stamps = folder, view, contents.copy(), stamps
        self.shape = len(contents), view.size, view.size, view.channels
        self.broken: dict[int, str] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("pixels", "sums"):
            (folder / name).touch()
        self._pixels = (folder / "pixels").open("r+b", buffering=0)
        self._sums = (folder / "sums").open("r+b", buffering=0)
        try:
            self.sums = self._sound_rows()
            allocate(self._pixels.fileno(), prod(self.shape))
            self._sums.truncate(len(contents) * SUM.itemsize)
        except BaseException:
            self.close()
            raise

    def missing(self) -> list[int]:
        """Rows that are neither there nor known to be broken."""
        return [row for row in np.flatnonzero(self.sums == 0).tolist() if row not in self.broken]

    def put(self, row: int, pixels: NDArray[np.uint8], content: bytes) -> None:
        """Keeps the pixels of a row, made of a file of that content."""
        total = checksum(pixels)
        with self._lock:
            self._changed(row, content)
            _write(self._pixels, row * pixels.nbytes, pixels.tobytes())
            _write(self._sums, row * SUM.itemsize, np.array(total, SUM).tobytes())
            self.sums[row] = total

    def fail(self, row: int, reason: str, content: bytes) -> None:
        """Keeps why a row has no pixels."""
        with self._lock:
            self._changed(row, content)
            self.broken[row] = reason

    def _changed(self, row: int, content: bytes) -> None:
        if content != self.contents[row].tobytes():
            self.contents[row] = 0  # no file will ever match: the next time it is decoded again

    def copy(self, store: Store) -> None:
        """Takes over what another store has of the same contents."""
        have = {content.tobytes(): row for row, content in enumerate(store.contents)}
        places = store.places()
        for row in self.missing():
            content = self.contents[row].tobytes()
            at = have.get(content)
            if at is None:
                continue
            if at in store.broken:
                self.fail(row, store.broken[at], content)
            elif checksum(pixels := store.pixels[places[at]]) == store.sums[at]:
                self.put(row, pixels, content)

    def finish(self, folder: Path) -> None:
        """Makes it a complete store there."""
        good, size = np.flatnonzero(self.sums), prod(self.shape[1:])
        for place, row in enumerate(good.tolist()):  # the broken leave no gaps
            if place != row:
                self._pixels.seek(row * size)
                _write(self._pixels, place * size, self._pixels.read(size))
        self._pixels.truncate(len(good) * size)
        os.fsync(self._pixels.fileno())
        self.close()
        write_index(self.folder, self.contents, self.stamps, self.sums, self.broken)
        (self.folder / "sums").unlink()
        shutil.rmtree(folder, ignore_errors=True)  # one that was found to be damaged
        self.folder.rename(folder)

    def close(self) -> None:
        """Lets go of its files; what is done stays for whoever goes on."""
        self._pixels.close()
        self._sums.close()

    def _sound_rows(self) -> NDArray[np.uint32]:
        """Checksums of the rows that an earlier process left behind whole."""
        sums = np.zeros(self.shape[0], SUM)
        left = self._sums.read(sums.nbytes)
        whole = len(left) // SUM.itemsize
        sums[:whole] = np.frombuffer(left, SUM, whole)
        size = prod(self.shape[1:])
        for row in np.flatnonzero(sums).tolist():
            self._pixels.seek(row * size)
            pixels = np.frombuffer(self._pixels.read(size), np.uint8)
            if len(pixels) != size or checksum(pixels) != sums[row]:
                sums[row] = 0
        return sums


def allocate(file: int, size: int) -> None:
    """Takes all the room of a file at once: a full disk shows now, and not as a crash later."""
    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def _write(file: FileIO, offset: int, data: bytes) -> None:
    file.seek(offset)
    rest = memoryview(data)
    while rest:  # a disk that fills up takes a part first, and says so the next time
        rest = rest[file.write(rest) :]
