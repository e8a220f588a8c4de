"""Pictures on their way to a network: decoded in threads, a few batches ahead of the answers."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from striate.errors import ImageError

Picture = str | os.PathLike[str] | NDArray[Any]
AHEAD = 4  # batches that are asked for before the first is answered; memory holds no more

Read = TypeVar("Read")


def batches(
    images: Iterable[Picture], read: Callable[[Picture], Read], size: int
) -> Iterator[tuple[list[str], list[Read | ImageError]]]:
    """Names, and what `read` made of the pictures or why it could not, a batch at a time.

    The next ones are read meanwhile.
    """
    if isinstance(images, str | os.PathLike):
        raise TypeError(f"give a list of pictures, not one path: [{str(images)!r}]")

    def attempt(picture: Picture) -> Read | ImageError:
        try:
            return read(picture)
        except ImageError as error:
            return error

    source = enumerate(images)
    waiting: deque[list[tuple[str, Future[Read | ImageError]]]] = deque()
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        while True:
            while len(waiting) < AHEAD and (some := list(islice(source, size))):
                waiting.append([(name(i, p), pool.submit(attempt, p)) for i, p in some])
            if not waiting:
                return
            batch = waiting.popleft()
            yield [each for each, _ in batch], [future.result() for _, future in batch]
    finally:  # who stops listening does not wait for pictures that nobody will see
        pool.shutdown(cancel_futures=True)


def name(number: int, picture: Sequence[Any] | Picture) -> str:
    """The path, or "image 3" for an array."""
    return str(Path(picture)) if isinstance(picture, str | os.PathLike) else f"image {number}"
