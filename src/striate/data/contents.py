"""What files hold, without reading those that are known: a stamp of each, and a hash of its bytes.

The hash says what a file holds wherever it lies; a moved or copied folder is the same pictures. The
stamp (path, size, times, inode) says that it cannot have changed since it was hashed, for the price
of asking the file system.
"""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from striate import images, progress
from striate.data.threads import each
from striate.errors import ImageError

WIDTH = 16  # bytes of a stamp, and of a hash
UNKNOWN = bytes(WIDTH)
SETTLED = 2.0  # seconds after which a further change must show in the times of a file
MANY = 2000  # files that take long enough to be counted while they are read

Marks = NDArray[np.uint8]  # (N, WIDTH)


def stamps_of(paths: Sequence[str]) -> Marks:
    """A stamp (N, 16) for each file; zeros where it has none that can be relied on.

    A file changed less than two seconds ago has none: another change in the same tick of the file
    system's clock would not show. So it is hashed again until it has settled.
    """
    folder, now = os.path.abspath(""), time.time()  # noqa: PTH100 (a Path costs ten times more)
    return _table([_stamp(os.path.join(folder, path), now) for path in paths])  # noqa: PTH118


def _stamp(path: str, now: float) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return UNKNOWN
    if now - max(status.st_mtime, status.st_ctime) < SETTLED:
        return UNKNOWN
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return hashlib.blake2b(f"{state}".encode() + os.fsencode(path), digest_size=WIDTH).digest()


def contents_of(
    paths: Sequence[str], stamps: Marks, known: Mapping[bytes, bytes]
) -> tuple[Marks, dict[int, str]]:
    """The hash (N, 16) of each file's bytes, zeros where it cannot be read; and why, by row.

    Args:
        known: hashes by their stamps; these files are not opened.
    """
    found = [known.get(stamp, UNKNOWN) for stamp in map(bytes, stamps)]
    new = [row for row, content in enumerate(found) if content == UNKNOWN]
    unreadable: dict[int, str] = {}

    def work(row: int) -> None:
        try:
            found[row] = content_of(images.load(paths[row]))
        except ImageError as error:
            unreadable[row] = str(error)

    reading = progress.stage("read", len(new)) if len(new) > MANY else nullcontext(progress.SILENT)
    with reading as bar:
        for done in each(new, work):
            bar.advance(done)
    return _table(found), unreadable


def content_of(data: bytes) -> bytes:
    """The hash of a file's bytes."""
    return hashlib.sha256(data).digest()[:WIDTH]


def _table(marks: Sequence[bytes]) -> Marks:
    return np.frombuffer(b"".join(marks), np.uint8).reshape(-1, WIDTH)
