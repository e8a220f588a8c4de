"""Work on many rows at once, on all cores that this process may use."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

CHUNK = 32  # rows that a thread takes at a time


def each(rows: Sequence[int], work: Callable[[int], object]) -> Iterator[int]:
    """Calls `work` on every row, in no order, and yields now and then how many more are done.

    Threads, not processes: Pillow, hashes and files let go of the interpreter while they work.
    """

    def some(chunk: Sequence[int]) -> int:
        for row in chunk:
            work(row)
        return len(chunk)

    chunks = [rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK)]
    pool = ThreadPoolExecutor(max_workers=cores())
    try:
        for done in as_completed([pool.submit(some, chunk) for chunk in chunks]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
