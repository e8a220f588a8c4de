"""When a difference counts: the one rule of every experiment.

What should be ahead is so where the 95 % interval of the difference lies above 0, and is not where
it lies below. Where the interval holds 0, so few examples cannot tell the two apart, and neither
is said.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from striate.experiments.result import Verdict

SURE = 0.975  # below the upper end of a 95 % interval
LEVEL = "the interval holds 0: so few examples cannot tell the two apart"
BEHIND = "it is behind here"


class Lead(NamedTuple):
    """How far one is ahead of another.

    Attributes:
        points: in the mean, of 100.
        low, high: the 95 % interval of that.
    """

    points: float
    low: float
    high: float

    @classmethod
    def of(cls, first: ArrayLike, second: ArrayLike) -> Self:
        """Of shares in [0, 1] for the same examples or draws (N,), or for several seeds (seeds, N):
        seeds are averaged, and the interval (Student's t) is over examples.

        >>> [round(end, 2) for end in Lead.of([1, 1, 1, 0], [0, 1, 1, 0])]
        [25.0, -54.56, 104.56]
        """
        from scipy.stats import t

        apart = 100 * (_by_example(first) - _by_example(second))
        half = t.ppf(SURE, len(apart) - 1) * apart.std(ddof=1) / sqrt(len(apart))
        return cls(float(apart.mean()), float(apart.mean() - half), float(apart.mean() + half))

    @property
    def verdict(self) -> Verdict:
        """On what should be ahead."""
        if self.low > 0:
            return "same"
        return "different" if self.high < 0 else "not reachable here"

    def judged(self, *reasons: str, behind: str = BEHIND) -> tuple[Verdict, str]:
        """The verdict and why it is none that was expected.

        Args:
            reasons: more of them, where it is not clearly ahead.
            behind: why it may be behind.

        >>> Lead(2.0, 1.0, 3.0).judged("200 examples")
        ('same', '')
        >>> Lead(-2.0, -3.0, -1.0).judged("200 examples")
        ('different', 'it is behind here; 200 examples')
        """
        verdict = self.verdict
        if verdict == "same":
            return verdict, ""
        first = behind if verdict == "different" else LEVEL
        return verdict, "; ".join(filter(None, (first, *reasons)))

    def __str__(self) -> str:
        return f"{self.points:+.1f} points (95 %: {self.low:.1f} to {self.high:.1f})"


def _by_example(shares: ArrayLike) -> Any:
    values = np.asarray(shares, np.float64)
    return values.mean(0) if values.ndim > 1 else values


def percent(share: float, digits: int = 1) -> str:
    """A share as people write it.

    >>> percent(0.4213)
    '42.1 %'
    """
    return f"{100 * share:.{digits}f} %"


def spread(shares: Sequence[float]) -> str:
    """The mean of seeds or draws in per cent, and their standard deviation where there are several.

    >>> spread([0.5, 1.0]), spread([0.887])
    ('75.0 ± 35.4', '88.7')
    """
    return with_deviation(mean(shares), stdev(shares) if len(shares) > 1 else None)


def with_deviation(share: float, deviation: float | None) -> str:
    """In per cent.

    >>> with_deviation(0.887, 0.004)
    '88.7 ± 0.4'
    """
    return f"{100 * share:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")
