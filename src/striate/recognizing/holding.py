"""Bytes that were read from a stream and wait to be decoded: no more of them than a fixed sum."""

import threading
from typing import Any

from striate.errors import InputError
from striate.inference.reading import Deferred

MOST = 128 * 2**20  # bytes that wait; one input that is larger waits alone


class Budget:
    """A sum of bytes that may be held at a time."""

    def __init__(self, most: int = MOST):
        self.most = most
        self.held = 0
        self._freed = threading.Condition()

    def take(self, size: int) -> None:
        """Waits until so many more may be held."""
        with self._freed:
            self._freed.wait_for(lambda: not self.held or self.held + size <= self.most)
            self.held += size

    def give(self, size: int) -> None:
        """So many are no longer held."""
        with self._freed:
            self.held -= size
            self._freed.notify_all()


class Held(Deferred):
    """An input of a stream: bytes, several of them, or an error that says why there are none. What
    is deferred among them is fetched with them.

    Making one waits until the budget allows it; `fetch` hands it over, once.
    """

    def __init__(self, item: Any, budget: Budget):
        self._item, self._budget = item, budget
        self._size = sum(len(one) for one in _all(item) if isinstance(one, bytes))
        budget.take(self._size)

    def fetch(self) -> Any:
        """As `Deferred`; what it gives is no longer held."""
        return fetched(self.given())

    def given(self) -> Any:
        """What it was made of, to be fetched elsewhere; it is no longer held."""
        item, self._item = self._item, InputError("was fetched already")
        self._budget.give(self._size)
        self._size = 0
        return item


def fetched(item: Any) -> Any:
    """An input, or several, of which each may be deferred or an error, which is raised."""
    found = tuple(map(_fetched, _all(item)))
    return found if isinstance(item, tuple) else found[0]


def _fetched(one: Any) -> Any:
    if isinstance(one, InputError):
        raise one
    return one.fetch() if isinstance(one, Deferred) else one


def _all(item: Any) -> tuple[Any, ...]:
    return item if isinstance(item, tuple) else (item,)
