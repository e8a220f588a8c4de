"""How long work says how far it is, without knowing who listens.

The library calls `track` and `stage`; by default nobody listens and nothing is printed. The command
line puts a reporter in place with `reporting`, and takes it away again.
"""

import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Stage(Protocol):
    """One piece of work under way."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Counts `steps` more as done; `note` is what to show beside the bar ("loss 0.31")."""


class Reporter(Protocol):
    """Whoever shows the work: a progress bar, a log, a web page."""

    def stage(self, name: str, total: int | None) -> AbstractContextManager[Stage]:
        """Opens a stage of `total` steps (None where nobody knows)."""


class Silent:
    """The reporter that shows nothing."""

    def stage(self, name: str, total: int | None) -> AbstractContextManager[Stage]:
        return nullcontext(self)

    def advance(self, steps: int = 1, note: str = "") -> None:
        return None


SILENT = Silent()
_reporter: ContextVar[Reporter] = ContextVar("striate_reporter", default=SILENT)


@contextmanager
def reporting(reporter: Reporter) -> Iterator[None]:
    """Inside the block, stages are shown by `reporter`; the one before comes back afterwards."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def stage(name: str, total: int | None = None) -> AbstractContextManager[Stage]:
    """Opens a stage with whoever listens: `with stage("decode", 1313) as bar: bar.advance()`."""
    return _reporter.get().stage(name, total)


def track(items: Iterable[Item], name: str, total: int | None = None) -> Iterator[Item]:
    """Yields `items`, each counted as done when the next is asked for.

    >>> list(track("abc", "letters"))
    ['a', 'b', 'c']
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with stage(name, total) as bar:
        for item in items:
            yield item
            bar.advance()


@dataclass
class Clock:
    """Seconds of named stages."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(0.42), duration(73), duration(4000)
    ('0.4 s', '1 min 13 s', '1 h 06 min')
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
