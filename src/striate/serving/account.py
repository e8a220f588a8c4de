"""One account of the bytes that calls hold: taken before memory is, given back when a call ends.

It has two lines. On one stands what comes in: bodies, fetched files, room for the answers. On the
other stands what works on it: decoded pixels and frames. Work never waits for what comes in, so
whatever was taken in can be finished.
"""

import threading
from collections.abc import Callable, Iterable
from enum import Enum
from types import TracebackType
from typing import Any

import numpy as np


class Line(Enum):
    """What bytes are taken for."""

    COMING = "coming"
    WORKING = "working"


class Account:
    """So many bytes on each line, for everybody.

    Args:
        total: bytes of both lines.
        coming: how many of them are for what comes in.
        changed: called whenever bytes are given back.
    """

    def __init__(self, total: int, coming: int, changed: Callable[[], None] = lambda: None):
        self.most = {Line.COMING: coming, Line.WORKING: total - coming}
        self.taken = dict.fromkeys(Line, 0)
        self.changed = changed
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are taken."""
        return sum(self.taken.values())

    def take(self, line: Line, size: int) -> bool:
        """Takes bytes, if there are as many."""
        with self._lock:
            if self.taken[line] + size > self.most[line]:
                return False
            self.taken[line] += size
            return True

    def give(self, line: Line, size: int) -> None:
        """Gives bytes back."""
        with self._lock:
            self.taken[line] -= size
        self.changed()


class Share:
    """What one call, or one picture of it, has taken on a line; closing it gives everything back.

    It may be used from any thread. Once it is closed, nothing is added to it any more.

    Attributes:
        kept: whether it outlives the work that it was taken for.
    """

    def __init__(self, account: Account, line: Line):
        self.account, self.line, self.size, self.kept = account, line, 0, False
        self._lock, self._closed = threading.Lock(), False

    def grow(self, size: int) -> bool:
        """Takes more, if there is room."""
        with self._lock:
            if self._closed:
                return True
            if not self.account.take(self.line, size):
                return False
            self.size += size
            return True

    def keep(self, size: int) -> None:
        """Gives back what is beyond a size; the rest is kept until it is closed."""
        self.kept = True
        self.shrink(size)

    def shrink(self, to: int) -> None:
        """Gives back what is beyond a size."""
        with self._lock:
            less = max(0, self.size - to)
            self.size -= less
        if less:
            self.account.give(self.line, less)

    def close(self) -> None:
        """Gives everything back."""
        with self._lock:
            self._closed = True
        self.shrink(0)

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def bytes_of(prepared: Any, depth: int = 6) -> int:
    """Bytes of the arrays and tensors in what a predictor has prepared.

    >>> bytes_of((np.zeros((2, 3), np.float32), [b"abc", 7]))
    35
    """
    if isinstance(prepared, np.ndarray):
        return prepared.nbytes
    if isinstance(prepared, bytes | bytearray | memoryview | str):
        return len(prepared)
    if hasattr(prepared, "element_size"):  # a tensor
        return int(prepared.element_size() * prepared.nelement())
    parts: Iterable[Any] = ()
    if isinstance(prepared, dict):
        parts = prepared.values()
    elif isinstance(prepared, tuple | list):
        parts = prepared
    elif hasattr(prepared, "__dict__"):
        parts = vars(prepared).values()
    elif hasattr(prepared, "__slots__"):
        parts = [getattr(prepared, name, None) for name in prepared.__slots__]
    else:
        return 8
    return sum(bytes_of(part, depth - 1) for part in parts) if depth else 8
