"""Which approach to take, and why: one sentence computed from the table, never canned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.approaches.outcome import Outcome
from striate.evaluation import paired_difference

CLEAR = 2.0  # standard errors that make a lead clear
WORTH = 3.0  # times cheaper that make an equal score the better choice


@dataclass(frozen=True)
class Lead:
    """How far one approach is ahead of another on the same test images, and the spread of that."""

    ahead: float
    spread: float

    @property
    def clear(self) -> bool:
        """More than chance: twice the spread."""
        return self.ahead > CLEAR * self.spread


def lead(first: Sequence[Outcome], second: Sequence[Outcome]) -> Lead:
    """Compares two approaches image by image.

    The spread joins what another sample of test images would change and what another seed would.
    """
    right = [
        np.mean([(o.probabilities.argmax(1) == o.targets).astype(float) for o in outcomes], axis=0)
        for outcomes in (first, second)
    ]
    ahead, sampling = paired_difference(*right)
    seeds = [
        np.var([o.top1 for o in some], ddof=1) / len(some)
        for some in (first, second)
        if len(some) > 1
    ]
    return Lead(ahead, math.sqrt(sampling**2 + float(sum(seeds))))


def advise(groups: dict[str, Sequence[Outcome]], titles: dict[str, str]) -> tuple[str, str]:
    """The approach to take and the sentence that says why.

    The most accurate is taken where its lead is clear; where it is not, the cheapest of those it is
    not clearly ahead of, if that saves WORTH times the work.
    """
    order = sorted(groups, key=lambda name: -_mean(groups[name]))
    top = order[0]
    if len(order) == 1:
        return top, f"{titles[top]} names {_mean(groups[top]):.1%} of the test images rightly."
    leads = {name: lead(groups[top], groups[name]) for name in order[1:]}
    second = order[1]
    if leads[second].clear:
        gap = leads[second]
        times = f"{gap.ahead / gap.spread:.1f} times the spread" if gap.spread else "on every image"
        return top, (
            f"{titles[top]} is {gap.ahead * 100:.1f} points ahead of {titles[second].lower()}, "
            f"{times}: take it."
        )
    level = [top, *(name for name in order[1:] if not leads[name].clear)]
    cheapest = min(level, key=lambda name: _cost(groups[name]))
    saved = _cost(groups[top]) / max(_cost(groups[cheapest]), 1e-9)
    if cheapest != top and saved >= WORTH:
        gap = leads[cheapest]
        return cheapest, (
            f"{titles[cheapest]} is {gap.ahead * 100:.1f} points behind {titles[top].lower()}, "
            f"within twice the spread of {gap.spread * 100:.1f}, and learns {saved:.0f} times as "
            "fast: take it."
        )
    gap = leads[second]
    return top, (
        f"{titles[top]} is {gap.ahead * 100:.1f} points ahead of {titles[second].lower()}, within "
        f"twice the spread of {gap.spread * 100:.1f}, so they are level; take it, for nothing as "
        f"good is {WORTH:.0f} times as fast."
    )


def _mean(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([outcome.top1 for outcome in outcomes]))


def _cost(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([sum(outcome.seconds.values()) for outcome in outcomes]))
