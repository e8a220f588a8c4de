"""Inputs on their way to a predictor: read in threads, a few batches ahead of the answers."""

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate import images
from striate.data.threads import cores
from striate.errors import InputError

Input = str | os.PathLike[str] | bytes | NDArray[Any]
"""An input as a person gives it: a path, the bytes of a file, or what it holds, as an array; of a
task that reads texts, a str is a text, and a path is a Path."""
AHEAD = 4  # batches that are being read before the first is answered; memory holds no more

Read = TypeVar("Read")
Item = TypeVar("Item")
END = object()


def pixels_of(item: Input) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of a picture, every pixel of it.

    Raises:
        InputError: if it cannot be read.
    """
    if isinstance(item, bytes):
        return images.decode(item, at_least=None)
    if isinstance(item, str | os.PathLike):
        return images.read(item, at_least=None)
    return images.to_rgb(item)


class Deferred(ABC):
    """An input that is fetched when its turn comes, in the thread that prepares it."""

    @abstractmethod
    def fetch(self) -> Input | tuple[Input, ...]:
        """The input.

        Raises:
            InputError: if it cannot be had; the text is the reason, without its name.
        """


class Named(NamedTuple):
    """An input with the name that its prediction has; where several are asked about at once
    (`Task.together`), a tuple of them."""

    name: str
    item: Input | tuple[Input, ...] | Deferred


def batches(
    inputs: Iterable[Input | Named], read: Callable[[Any], Read], size: int
) -> Iterator[tuple[list[str], list[Read | InputError]]]:
    """Names, and what `read` made of the inputs or why it could not, a batch at a time.

    The next ones are read meanwhile.
    """
    if isinstance(inputs, str | bytes | os.PathLike):
        raise TypeError(f"give a list of inputs, not one: [{str(inputs)[:100]!r}]")

    def attempt(item: Input | Named) -> Read | InputError:
        given = item.item if isinstance(item, Named) else item
        try:
            return read(given.fetch() if isinstance(given, Deferred) else given)
        except InputError as error:
            return error

    source = enumerate(inputs)
    waiting: deque[list[tuple[str, Future[Read | InputError]]]] = deque()
    pool = ThreadPoolExecutor(cores())
    try:
        while True:
            while len(waiting) < AHEAD and (
                some := [
                    # Each is submitted before the next is drawn: who gives inputs may wait until
                    # earlier ones have been read.
                    (name(i, item), pool.submit(attempt, item))
                    for i, item in islice(source, size)
                ]
            ):
                waiting.append(some)
            if not waiting:
                return
            batch = waiting.popleft()
            yield [each for each, _ in batch], [future.result() for _, future in batch]
    finally:  # a caller who stops early does not wait for inputs that are no longer needed
        pool.shutdown(cancel_futures=True)


def ahead(items: Iterable[Item], depth: int = 2) -> Iterator[Item]:
    """The items; while one is used, the next ones are made in a thread of their own.

    Args:
        depth: so many of them, at most.
    """
    source, context = iter(items), copy_context()
    pool = ThreadPoolExecutor(1)

    def make() -> Future[Any]:
        return pool.submit(lambda: context.run(next, source, END))

    try:
        waiting = deque(make() for _ in range(depth))
        while (item := waiting.popleft().result()) is not END:
            waiting.append(make())
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
        if isinstance(source, Generator):
            source.close()


def name(number: int, item: Input | Named) -> str:
    """Its own, the path, or "input 3" where there is none."""
    if isinstance(item, Named):
        return item.name
    return str(Path(item)) if isinstance(item, str | os.PathLike) else f"input {number}"
