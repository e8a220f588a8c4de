"""What several readers ask of one folder is found out once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

Known = TypeVar("Known")
_known: ContextVar[dict[Hashable, Any] | None] = ContextVar("striate_remembered", default=None)


@contextmanager
def once() -> Iterator[None]:
    """Inside the block, what was asked before is remembered: a folder is opened in one."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def remembered(key: Hashable, make: Callable[[], Known]) -> Known:
    """What `make` gives; inside `once`, only the first call of a key makes it."""
    known = _known.get()
    if known is None:
        return make()
    if key not in known:
        known[key] = make()
    return cast(Known, known[key])
