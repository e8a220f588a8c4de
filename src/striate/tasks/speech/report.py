"""The task's parts of the report: the lectures' table, and recordings looked into."""

from collections.abc import Iterator
from typing import Any

from striate.tasks.contract import Section


def sections(comparison: Any) -> Iterator[Section]:
    """The word errors of each approach beside the traditional one."""
    yield from ()
