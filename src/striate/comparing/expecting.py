"""What a comparison is expected to take, told before it begins."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from striate.data import Prepared
from striate.tasks.contract import Plan


class Expected(NamedTuple):
    """What learning takes here with all seeds that are still to be learned.

    Attributes:
        seconds: about; None where nobody knows.
        bounded: by a time limit; `seconds` are then at most these.
    """

    title: str
    seconds: float | None
    bounded: bool


def expected(runs: Sequence[tuple[Plan, Prepared]]) -> tuple[Expected, ...]:
    """Of each method in these runs; some that can tell compute a few examples."""
    counts: dict[str, int] = {}
    first: dict[str, tuple[Plan, Prepared]] = {}
    for plan, data in runs:
        counts[plan.name] = counts.get(plan.name, 0) + 1
        first.setdefault(plan.name, (plan, data))
    found = []
    with torch.random.fork_rng([]):
        for name, (plan, data) in first.items():
            lasts, limit = plan.method.lasts, plan.ask.seconds
            seconds = None if lasts is None else lasts(data, plan.ask, counts[name])
            if limit is not None:
                seconds = min(seconds or float("inf"), limit * counts[name])
            found.append(Expected(plan.method.title, seconds, limit is not None))
    return tuple(found)
